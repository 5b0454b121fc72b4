//! A scan directory that somebody else than its supervisor's user can write.
//!
//! s6-svscan executes what is in it with its own rights: whoever writes there has them. Images give theirs to the
//! user of their services, so that these can be registered at run time. From that user it is taken back. What
//! may have been planted meanwhile is not executed for that: as long as there is something that root's supervisor
//! has not taken up yet, and that is not provably an earlier maker's, s6-svscan is not notified of anything.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, FcntlArg, OFlag, fcntl, openat};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown, fchownat, geteuid};

use super::directory::{Directory, StepError};
use super::scan::{GONE, Intent, MOST_NAMES, ScanDirectory};
use crate::error::{Finding, Findings};
use crate::report::push_shell_word;
use crate::service::layout;
use crate::sys::nofollow;

/// s6-svscan's own directory in it.
const SVSCAN: &str = ".s6-svscan";
/// As many are named.
const MOST_NAMED: usize = 10;

/// To whom the scan directory may have been given, and what they make there.
pub struct HandedOver<'h> {
    /// The user.
    pub user: Uid,
    /// What the last line of `run` is, by the name of the service directory.
    pub lines: &'h dyn Fn(&str) -> Vec<String>,
}

impl HandedOver<'_> {
    /// Whether a directory can be taken back.
    pub(super) fn is_of(&self, status: &FileStat) -> bool {
        status.st_uid == 0 || status.st_uid == self.user.as_raw()
    }
}

/// Takes the directory back, with what s6-svscan keeps in it; a warning says so.
pub(super) fn take_back(
    directory: &Directory,
    status: &FileStat,
    intent: Intent,
    warnings: &mut Findings,
) -> Result<(), StepError> {
    let refused = |errno| directory.refused_to("take back", "", errno);
    if intent == Intent::Apply {
        own(directory, status).map_err(refused)?;
        if let Ok(svscan) = directory.try_open(OsStr::new(SVSCAN)) {
            own(&svscan, &svscan.own_status()?).map_err(refused)?;
            for name in svscan.names(MOST_NAMES)? {
                let root = (Some(Uid::from_raw(0)), Some(Gid::from_raw(0)));
                fchownat(&svscan.fd, name.as_os_str(), root.0, root.1, AtFlags::AT_SYMLINK_NOFOLLOW)
                    .map_err(refused)?;
            }
        }
    }
    let who = match status.st_uid {
        0 => "writable by non-root users".to_string(),
        uid => format!("owned by uid {uid}"),
    };
    let text = format!(
        "the scan directory '{}' was {who}, and root executes what is in it: it is owned by root again",
        directory.shown.display()
    );
    let hint = "remove the lines that hand it over from the init hook; futo reconcile --watch registers what is \
                made at run time (docs/boot.md)";
    warnings.push(Finding::trouble(text, Some(hint.to_string())));
    Ok(())
}

fn own(directory: &Directory, status: &FileStat) -> Result<(), Errno> {
    fchown(&directory.fd, Some(Uid::from_raw(0)), Some(Gid::from_raw(0)))?;
    fchmod(&directory.fd, Mode::from_bits_truncate(status.st_mode & 0o7777 & !0o022))
}

/// For another user than root: a warning if root's s6-svscan executes what this user publishes.
pub(super) fn warn_of_root(directory: &Directory, warnings: &mut Findings) {
    let uid = geteuid();
    if !is_run_by_root(directory) {
        return;
    }
    let text = format!(
        "the s6-svscan of '{}' runs as root and executes what uid {uid} can write there: whoever acts as uid {uid} \
         can become root",
        directory.shown.display()
    );
    let hint =
        "run this command as root, from the init hook, and leave the scan directory to root (docs/boot.md)";
    warnings.push(Finding::trouble(text, Some(hint.to_string())));
}

/// Leaves it to its owner again: as long as it is refused, it stays so for the next run to see.
pub(super) fn give_back(directory: &Directory, status: &FileStat) -> Result<(), StepError> {
    let owner = (Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid)));
    fchown(&directory.fd, owner.0, owner.1)
        .and_then(|()| fchmod(&directory.fd, Mode::from_bits_truncate(status.st_mode & 0o7777)))
        .map_err(|errno| directory.refused_to("give back", "", errno))
}

/// By the holder of s6-svscan's lock; where that cannot be seen, by the owner of its directory.
fn is_run_by_root(directory: &Directory) -> bool {
    let Ok(svscan) = directory.try_open(OsStr::new(SVSCAN)) else {
        // it is closed to this user
        return directory.look_at(OsStr::new(SVSCAN)).is_ok_and(|status| status.st_uid == 0);
    };
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let Ok(lock) = openat(&svscan.fd, "lock", flags, Mode::empty()) else {
        return svscan.own_status().is_ok_and(|status| status.st_uid == 0);
    };
    is_held_by_root(lock.as_fd())
}

/// Whether a process of root's holds a lock on it: a lock alone can be anybody's.
fn is_held_by_root(file: BorrowedFd<'_>) -> bool {
    let mut held = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or(0),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or(0),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let is_held = fcntl(file, FcntlArg::F_GETLK(&mut held)).is_ok()
        && i32::from(held.l_type) != libc::F_UNLCK
        && held.l_pid > 0;
    let ids = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.to_string();
        Some(line.split_whitespace().all(|id| id == "0"))
    };
    let status = std::fs::read_to_string(format!("/proc/{}/status", held.l_pid));
    is_held && status.ok().and_then(ids).unwrap_or_default()
}

/// Whether root's supervisor is at work in a service directory.
fn is_supervised_by_root(slot: &Directory) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let supervise = slot.try_open(OsStr::new(layout::SUPERVISE));
    let lock = supervise.and_then(|supervise| openat(&supervise.fd, "lock", flags, Mode::empty()));
    lock.is_ok_and(|lock| is_held_by_root(lock.as_fd()))
}

impl ScanDirectory {
    /// Gives what s6-svscan would newly execute although its maker was not root. What an earlier maker has
    /// provably left there is removed.
    pub(super) fn planted(&self, handed_over: &HandedOver<'_>) -> Result<Vec<String>, StepError> {
        let mut planted = Vec::new();
        for name in self.directory.names(MOST_NAMES)? {
            let shown = name.to_string_lossy().into_owned();
            if shown.starts_with('.') || self.is_of_root(&name) {
                continue;
            }
            if self.behind(&shown).is_some_and(|slot| is_supervised_by_root(&slot)) {
                continue;
            }
            let lines = (handed_over.lines)(&shown);
            if self.predecessor(&shown, &lines).is_some() && self.intent == Intent::Apply {
                let gone = format!("{GONE}{shown}");
                self.directory.rename(&shown, &gone)?;
                self.directory.remove_all(OsStr::new(&gone))?;
            } else {
                planted.push(shown);
            }
        }
        planted.sort_unstable();
        Ok(planted)
    }

    /// Whether root alone can have made it: a file or link of root's, or a directory whose `run` is too.
    fn is_of_root(&self, name: &OsStr) -> bool {
        let is_roots = |status: &FileStat| status.st_uid == 0;
        if !self.directory.look_at(name).is_ok_and(|status| is_roots(&status)) {
            return false;
        }
        match self.directory.try_open(name) {
            Err(_) => true,
            Ok(slot) => {
                slot.own_status().is_ok_and(|status| nofollow::belongs_to_root_alone(&status))
                    && slot.look_at(OsStr::new(layout::RUN)).map_or(true, |run| is_roots(&run))
            }
        }
    }

    /// A warning for what root executes in the scan directory although somebody else can write it; `is_known`
    /// tells what has been said of already.
    pub fn not_owned_by_root(&self, is_known: impl Fn(&String) -> bool) -> Findings {
        let mut findings = Findings::default();
        let is_root = geteuid().is_root()
            && fstat(&self.directory.fd).is_ok_and(|it| nofollow::belongs_to_root_alone(&it));
        if !is_root {
            return findings;
        }
        let mut names: Vec<String> = self
            .directory
            .names(MOST_NAMES)
            .unwrap_or_default()
            .into_iter()
            .filter(|name| self.directory.look_at(name).is_ok_and(|status| status.st_uid != 0))
            .filter_map(|name| name.into_string().ok())
            .filter(|name| !is_known(name))
            .collect();
        names.sort_unstable();
        if names.is_empty() {
            return findings;
        }
        let more = if names.len() > MOST_NAMED { ", …" } else { "" };
        names.truncate(MOST_NAMED);
        let text = format!(
            "in the scan directory '{}' root executes what is not owned by root: {}{more}",
            self.directory.shown.display(),
            names.join(", ")
        );
        let mut hint = b"look into them, then: chown -hR root:root".to_vec();
        for name in &names {
            use std::os::unix::ffi::OsStrExt;
            hint.push(b' ');
            push_shell_word(&mut hint, self.directory.shown.join(name).as_os_str().as_bytes());
        }
        findings.push(Finding::trouble(text, Some(String::from_utf8_lossy(&hint).into_owned())));
        findings
    }
}
