//! The limits that a container sets, by the kernel's counters for the control group of this process: how often it ran
//! out of memory, or was refused a process. Version 1 and 2; what cannot be read is unknown.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag};

use super::file;

/// Where control groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// At most this much of a file is read, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// The counters of a control group, open.
#[derive(Debug, Default)]
pub struct Cgroup {
    memory: Option<File>,
    pids: Option<File>,
}

/// What has happened in a control group so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CgroupEvents {
    /// Processes killed for lack of memory.
    pub oom_kills: Option<u64>,
    /// Processes refused by the limit on their number.
    pub refused_processes: Option<u64>,
}

impl Cgroup {
    /// That of this process.
    pub fn own() -> Self {
        let groups = file::open_regular_with_status(AT_FDCWD, Path::new("/proc/self/cgroup"), OFlag::empty())
            .and_then(|(file, _)| file::read_at_most(file, MAX_BYTES))
            .unwrap_or_default();
        let groups = String::from_utf8_lossy(&groups);
        let open = |files: [&str; 2], controller| {
            candidates(&groups, files, controller).into_iter().find_map(|path| {
                let opened = file::open_regular_with_status(AT_FDCWD, &path, OFlag::O_NOFOLLOW);
                opened.ok().map(|(file, _)| File::from(file))
            })
        };
        Cgroup {
            memory: open(["memory.oom_control", "memory.events"], "memory"),
            pids: open(["pids.events", "pids.events"], "pids"),
        }
    }

    /// The counters now.
    pub fn events(&self) -> CgroupEvents {
        CgroupEvents {
            oom_kills: self.memory.as_ref().and_then(|file| counter(file, "oom_kill")),
            refused_processes: self.pids.as_ref().and_then(|file| counter(file, "max")),
        }
    }
}

/// Where the counters of a controller may be: `files` in version 1 and 2. In a container the path in `/proc` may be that
/// of the host, and the mount begins at the container's own group.
fn candidates(groups: &str, files: [&str; 2], controller: &str) -> Vec<PathBuf> {
    let [first, second] = files;
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.split(',').any(|each| each == controller) {
            let mount = Path::new(MOUNT).join(controllers);
            let usual = Path::new(MOUNT).join(controller);
            found.extend([mount.join(path), usual.join(path), usual].map(|group| group.join(first)));
        } else if number == "0" && controllers.is_empty() {
            let mount = Path::new(MOUNT);
            found.extend([mount.join(path), mount.to_path_buf()].map(|group| group.join(second)));
        }
    }
    found
}

/// The value on the line that starts with this name.
fn counter(file: &File, name: &str) -> Option<u64> {
    let mut bytes = [0; 1024];
    // the kernel makes the text again for each read from the start
    let count = file.read_at(&mut bytes, 0).ok()?;
    let text = std::str::from_utf8(bytes.get(..count)?).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_searched_in_both_versions() {
        let of = |groups: &str| {
            let found = candidates(groups, ["memory.oom_control", "memory.events"], "memory");
            found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            of("0::/a/b\n"),
            ["/sys/fs/cgroup/a/b/memory.events", "/sys/fs/cgroup/memory.events"],
            "version 2"
        );
        assert_eq!(
            of("9:cpu,memory:/docker/x\n1:name=systemd:/\n"),
            [
                "/sys/fs/cgroup/cpu,memory/docker/x/memory.oom_control",
                "/sys/fs/cgroup/memory/docker/x/memory.oom_control",
                "/sys/fs/cgroup/memory/memory.oom_control"
            ]
        );
        assert!(of("nonsense\n4:pids:/\n:::\n").is_empty());
    }

    #[test]
    fn a_counter_is_the_number_after_its_name() {
        let scratch = crate::sys::scratch::directory("cgroup");
        let path = scratch.join("memory.events");
        for (text, expected) in [
            ("low 0\noom 5\noom_kill 3\noom_group_kill 7\n", Some(3)),
            ("oom_kill_disable 1\nunder_oom 0\n", None),
            ("oom_kill many\n", None),
            ("", None),
        ] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(counter(&File::open(&path).expect("open"), "oom_kill"), expected, "{text:?}");
        }
    }
}
