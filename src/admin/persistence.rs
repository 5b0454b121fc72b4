//! What survives a restart of the container: definitions do, but not the scan directory of s6-overlay.

use std::path::{Path, PathBuf};

use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};

use crate::service::supervised_directory::SupervisedDirectory;
use crate::service::{layout, s6_overlay, script_search};
use crate::sys;
use crate::sys::nofollow;
use crate::sys::privilege::Privilege;

/// ramfs: a `/run` that is created when the container starts may be one (nix has no name for it).
const RAMFS_MAGIC: FsType = FsType(0x8584_58f6);
/// Hooks that run when a container starts: those of linuxserver.io images and of s6-overlay.
const HOOKS: [&str; 5] = [
    "/custom-cont-init.d",
    "/config/custom-cont-init.d",
    "/etc/cont-init.d",
    "/etc/s6-overlay/scripts",
    "/etc/s6-overlay/s6-rc.d",
];
/// The largest hook that is read, in bytes,
const MOST: usize = 64 << 10;
/// and how many in a directory.
const MOST_HOOKS: usize = 500;

/// Whether the scan directory is created whenever the container starts.
pub(super) fn is_rebuilt(scan_dir: &Path) -> bool {
    let in_memory =
        statfs(scan_dir).is_ok_and(|volume| [TMPFS_MAGIC, RAMFS_MAGIC].contains(&volume.filesystem_type()));
    let is_overlays = scan_dir.starts_with("/run") || scan_dir.starts_with("/var/run");
    in_memory || is_overlays && s6_overlay::is_present()
}

/// Where another program defines a service, and how to keep it from starting there.
pub(super) fn origin(name: &str) -> Option<(PathBuf, &'static str)> {
    let custom = name
        .strip_prefix("custom-svc-")
        .map(|name| (Path::new("/custom-services.d").join(name), "move that file to another directory"));
    let others = [
        ("/etc/services.d", "a file 'down' in it keeps the service from starting"),
        ("/etc/s6-overlay/s6-rc.d", "remove it from user/contents.d there, in the image"),
    ];
    let others = others.map(|(place, how)| (Path::new(place).join(name), how));
    custom.into_iter().chain(others).find(|(path, _)| sys::file::exists(path))
}

/// Whether `futo reconcile` has published it: then orders are recorded for the next boot.
pub(super) fn records_orders(caller: Privilege, live: &Path) -> bool {
    SupervisedDirectory::open(caller, live).is_ok_and(|live| live.has(layout::DESIRED_STATE))
}

/// Whether definitions are published when the container starts, by a hook or a service that runs `futo sync`.
pub(super) fn is_published_at_start(caller: Privilege, scan_dir: &Path) -> bool {
    let below = |directory: &Path| {
        let names = sys::file::names(directory, MOST_HOOKS).unwrap_or_default();
        names.into_iter().map(|name| directory.join(name)).collect::<Vec<_>>()
    };
    let hooks = HOOKS.iter().flat_map(|directory| below(Path::new(directory)));
    let hooks = hooks.flat_map(|path| [path.clone(), path.join(layout::RUN), path.join("up")]);
    let services = below(scan_dir).into_iter().map(|path| path.join(layout::RUN));
    hooks.chain(services).any(|path| runs_sync(caller, &path))
}

fn runs_sync(caller: Privilege, path: &Path) -> bool {
    let bytes = nofollow::open_regular_for(caller, path).and_then(|file| sys::file::read_at_most(file, MOST));
    bytes.is_ok_and(|bytes| script_search::runs(&bytes, "futo", "sync"))
}
