//! Rotation: NAME becomes NAME.1, NAME.1 becomes NAME.2, …; the oldest beyond `--log-keep` is removed.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::renameat;
use nix::unistd::{UnlinkatFlags, unlinkat};

fn numbered(name: &OsStr, number: u32) -> OsString {
    let mut numbered = name.to_os_string();
    numbered.push(format!(".{number}"));
    numbered
}

/// Renames within the directory. A rename never follows a link, and replaces anything but a directory. If it is killed
/// midway, the next rotation fills the gap.
pub(super) fn rotate(directory: &OwnedFd, name: &OsStr, keep: u32) -> Result<(), Errno> {
    if keep == 0 {
        return unlinkat(directory, name, UnlinkatFlags::NoRemoveDir);
    }
    for number in (1..keep).rev() {
        match renameat(
            directory,
            numbered(name, number).as_os_str(),
            directory,
            numbered(name, number + 1).as_os_str(),
        ) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    renameat(directory, name, directory, numbered(name, 1).as_os_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn rotated(keep: u32, times: u32) -> Vec<(String, String)> {
        let directory = crate::sys::scratch::directory("rotate");
        let opened = OwnedFd::from(fs::File::open(&directory).expect("the directory"));
        for time in 0..times {
            fs::write(directory.join("a.log"), time.to_string()).expect("a log");
            rotate(&opened, OsStr::new("a.log"), keep).expect("rotated");
        }
        let mut left: Vec<(String, String)> = fs::read_dir(&directory)
            .expect("the directory")
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).expect("its text"))
            })
            .collect();
        left.sort();
        fs::remove_dir_all(&directory).expect("removed");
        left
    }

    #[test]
    fn keeps_only_the_newest() {
        let owned = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
        };
        assert_eq!(rotated(2, 4), owned(&[("a.log.1", "3"), ("a.log.2", "2")]));
        assert_eq!(rotated(3, 1), owned(&[("a.log.1", "0")]));
        assert_eq!(rotated(0, 2), owned(&[]));
    }
}
