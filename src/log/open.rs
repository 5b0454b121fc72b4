//! Opening the log: a regular file with a single link, and no symbolic link in its path. Anything else is reported and
//! left alone.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

use super::pump::state::lock_of;
use super::remedy::remedy_on_volume;
use super::{remedy, rotate};
use crate::config::spec::LogRules;
use crate::error::{Finding, reason};
use crate::plan::Identity;
use crate::sys;
use crate::sys::lock;
use crate::sys::nofollow::{self, Missing, PathError};

/// O_NONBLOCK avoids blocking on a FIFO without a reader; it is cleared after opening.
const FLAGS: OFlag = OFlag::O_WRONLY
    .union(OFlag::O_APPEND)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// How long an older pump is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a log is found, or not, that is gone, or there, a moment later.
const MOST_TRIES: u32 = 16;

/// An open log.
#[derive(Debug)]
pub(super) struct OpenedLog {
    /// For appending.
    pub(super) file: OwnedFd,
    /// Its length in bytes.
    pub(super) length: u64,
    /// A warning, although the log is open.
    pub(super) note: Option<Finding>,
}

/// Opens the log; creates it if missing, rotates it if too large.
pub(super) fn open(path: &Path, rules: LogRules, identity: &Identity) -> Result<OpenedLog, Finding> {
    let parent = path.parent().unwrap_or(Path::new(""));
    LogFile { path, parent, name: path.file_name().unwrap_or_default(), rules, identity }.open()
}

/// The location of a log, the rules for it, and its user.
struct LogFile<'a> {
    path: &'a Path,
    /// The directory of the path; `name` is the file in it.
    parent: &'a Path,
    name: &'a OsStr,
    rules: LogRules,
    identity: &'a Identity,
}

impl LogFile<'_> {
    fn open(&self) -> Result<OpenedLog, Finding> {
        let (file, note) = match nofollow::open_directly(self.path, FLAGS) {
            Some(file) => (file, None),
            None => self.open_slowly()?,
        };
        let status = fstat(&file).map_err(|errno| self.trouble(reason(errno), None))?;
        self.refuse_unless_plain(&status)?;
        let length = u64::try_from(status.st_size).unwrap_or(0);
        if length > self.rules.limit() {
            return Ok(self.rotated(OpenedLog { file, length, note }));
        }
        self.blocking(OpenedLog { file, length, note })
    }

    /// A warning that explains why output does not go to the log.
    fn trouble(&self, why: impl std::fmt::Display, remedy: Option<String>) -> Finding {
        let path = self.path.display();
        Finding::trouble(
            format!("unable to open log '{path}': {why}; output goes to the inherited stderr"),
            remedy,
        )
    }

    fn blocking(&self, log: OpenedLog) -> Result<OpenedLog, Finding> {
        sys::fd::make_blocking_append(log.file.as_fd()).map_err(|errno| self.trouble(reason(errno), None))?;
        Ok(log)
    }

    /// Rotates and opens the new file; on failure, continues with the old one.
    fn rotated(&self, old: OpenedLog) -> OpenedLog {
        // what a pump writes meanwhile would go to a file that is being compressed
        let _turn = lock_of(self.path).map(|lock| lock::within(PATIENCE, &lock));
        let rotated = nofollow::open_directory(self.parent, Missing::Refuse)
            .map_err(|error| error.to_string())
            .and_then(|directory| rotate::rotate(&directory, self.name, self.rules.keep).map_err(reason));
        let reopened = match rotated {
            Ok(()) => {
                self.open_slowly().and_then(|(file, note)| self.blocking(OpenedLog { file, length: 0, note }))
            }
            Err(why) => {
                let text = format!("unable to rotate log '{}': {why}", self.path.display());
                Err(Finding::trouble(text, None))
            }
        };
        reopened.unwrap_or_else(|trouble| {
            let _ = sys::fd::make_blocking_append(old.file.as_fd());
            OpenedLog { note: Some(trouble), ..old }
        })
    }

    /// Opens component by component: creates missing directories, and identifies an obstacle.
    fn open_slowly(&self) -> Result<(OwnedFd, Option<Finding>), Finding> {
        let directory = nofollow::open_directory(self.parent, Missing::Create).map_err(|error| {
            let remedy = match &error {
                PathError::Refused(at, errno) => self.remedy_of(*errno, at),
                PathError::Link(_) => {
                    Some("replace it with a directory, or point --log at its target".to_string())
                }
                PathError::NotDirectory { .. } => Some("move it away".to_string()),
            };
            self.trouble(error, remedy)
        })?;
        match self.open_or_create(&directory) {
            Ok(file) => Ok((file, None)),
            Err(Errno::EACCES | Errno::EPERM) => {
                let note = self
                    .move_aside(&directory)
                    .map_err(|why| self.trouble(why, Some(self.remedy_of_rights(self.parent))))?;
                let created = self.open_or_create(&directory);
                created
                    .map(|file| (file, Some(note)))
                    .map_err(|errno| self.trouble(reason(errno), self.remedy_of(errno, self.parent)))
            }
            // a FIFO without a reader, a socket
            Err(Errno::ELOOP | Errno::ENXIO | Errno::EISDIR) => {
                let status = fstatat(&directory, self.name, AtFlags::AT_SYMLINK_NOFOLLOW)
                    .map_err(|errno| self.trouble(reason(errno), None))?;
                self.refuse_unless_plain(&status)?;
                Err(self.trouble("it changed while being opened", None))
            }
            Err(errno) => Err(self.trouble(reason(errno), remedy_on_volume(errno))),
        }
    }

    /// A pump of an earlier worker may rotate, and create it, at any time.
    fn open_or_create(&self, directory: &OwnedFd) -> Result<OwnedFd, Errno> {
        let flags = FLAGS | OFlag::O_CREAT | OFlag::O_EXCL;
        let mode = Mode::from_bits_truncate(self.rules.mode);
        for _ in 0..MOST_TRIES {
            match openat(directory, self.name, FLAGS, Mode::empty()) {
                Err(Errno::ENOENT) => {}
                result => return result,
            }
            match nofollow::with_no_umask(|| openat(directory, self.name, flags, mode)) {
                Err(Errno::EEXIST) => {}
                result => return result,
            }
        }
        Err(Errno::EEXIST)
    }

    /// A log in the user's directory that the user cannot open was left by root: it is renamed, not removed.
    fn move_aside(&self, directory: &OwnedFd) -> Result<Finding, String> {
        let status =
            fstatat(directory, self.name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(|errno| match errno {
                // it is the directory that refused to create it
                Errno::ENOENT => reason(Errno::EACCES),
                errno => reason(errno),
            })?;
        if sys::file::kind(&status) != SFlag::S_IFREG {
            return Err(reason(Errno::EACCES));
        }
        let stamp: String = sys::clock::utc_now().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let mut aside = self.name.to_os_string();
        aside.push(format!(".unwritable-{stamp}"));
        renameat(directory, self.name, directory, aside.as_os_str()).map_err(|_| reason(Errno::EACCES))?;
        let text = format!(
            "log '{}' could not be opened (owned by uid {}, mode {:04o}) and was renamed to '{}'",
            self.path.display(),
            status.st_uid,
            status.st_mode & 0o7777,
            aside.display(),
        );
        Ok(Finding::trouble(text, None))
    }

    fn refuse_unless_plain(&self, status: &FileStat) -> Result<(), Finding> {
        if let Some(what) = sys::file::kind_name(sys::file::kind(status)) {
            let remedy = "move it away, or choose another log with --log (- for the inherited stdout)";
            return Err(self.trouble(format!("it is {what}, not a regular file"), Some(remedy.to_string())));
        }
        if status.st_nlink > 1 {
            let why = format!("it has {} hard links", status.st_nlink);
            return Err(self.trouble(why, Some("remove the other links".to_string())));
        }
        Ok(())
    }

    /// The hint for a refusal at this directory.
    fn remedy_of(&self, errno: Errno, at: &Path) -> Option<String> {
        match errno {
            Errno::EACCES | Errno::EPERM => Some(self.remedy_of_rights(at)),
            errno => remedy_on_volume(errno),
        }
    }

    fn remedy_of_rights(&self, at: &Path) -> String {
        let directory = if self.parent.starts_with(at) { self.parent } else { at };
        remedy::for_unwritable(directory, self.identity.uid, self.identity.gid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::OnFull;
    use crate::config::spec::LogWriter;
    use crate::config::value::ByteSize;
    use nix::unistd::{getgid, getuid};
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_log_that_another_process_creates_and_renames_meanwhile_is_opened() {
        let directory = sys::scratch::directory("open");
        let path = directory.join("a.log");
        let rules = LogRules {
            mode: 0o644,
            size: ByteSize(0),
            keep: 1,
            gzip: false,
            writer: LogWriter::Worker,
            stamp: None,
            tee: None,
            full: OnFull::Block,
        };
        let (uid, gid) = (getuid(), getgid());
        let identity = Identity { name: None, uid, gid, groups: Vec::new(), home: None };
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = std::fs::rename(&path, directory.join("a.log.1"));
                    let _ = std::fs::File::create(&path);
                }
            });
            for _ in 0..3000 {
                let opened = open(&path, rules, &identity);
                assert!(opened.is_ok(), "{opened:?}");
            }
            is_over.store(true, Ordering::Relaxed);
        });
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
