//! Watches all inputs of a run: the directories of definitions, and the definitions in them.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::source::MAX_DEFINITIONS;
use crate::boot::directory::Directory;
use crate::boot::watch::{VolumeWatch, WatchBuilder, WatchedNames};
use crate::service::layout;
use crate::sys::nofollow::{self, Missing};
use crate::trust::account::Account;

/// Watches the sources as they are now.
pub fn watch<'p>(
    sources: impl Iterator<Item = &'p PathBuf>,
    user: Option<&Account>,
) -> Result<VolumeWatch, Errno> {
    let mut builder = WatchBuilder::new(user)?;
    for source in sources {
        builder.add_ways_to(source);
        add_source(&mut builder, source);
    }
    Ok(builder.watch)
}

fn add_source(builder: &mut WatchBuilder<'_>, source: &Path) {
    let open = || nofollow::open_directory(source, Missing::Refuse);
    let Some(found) = builder.reach(open) else { return };
    builder.add_changes(found.as_fd(), WatchedNames::All);
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Some(fd) = builder.reach(|| openat(&found, ".", flags, Mode::empty())) else { return };
    let directory = Directory { fd, shown: source.to_path_buf() };
    let list = || directory.names(MAX_DEFINITIONS).map_err(|error| error.errno);
    let Some(names) = builder.reach(list) else {
        builder.watch.set_incomplete();
        return;
    };
    for name in names {
        let Some(definition) = builder.reach(|| directory.try_open(&name)) else { continue };
        builder.add_changes(definition.fd.as_fd(), WatchedNames::OfDefinition);
        if let Some(log) = builder.reach(|| definition.try_open(OsStr::new(layout::LOG))) {
            builder.add_changes(log.fd.as_fd(), WatchedNames::OfDefinition);
        }
    }
}
