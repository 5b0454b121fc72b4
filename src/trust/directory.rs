//! Opening a service directory and its run script, and judging who can write them.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::account::AccountError;
use super::authority::Trust;
use super::error::Untrusted;
use super::rights::Rights;
use super::script::Script;
use super::writers::{Judge, Provenance};
use crate::service::layout;
use crate::sys::file::{self, kind};
use crate::sys::nofollow::{self, Missing, PathError};

/// The size limit of a run script, in bytes.
pub(crate) const MAX_SCRIPT: usize = 64 << 10;

impl Trust {
    /// Opens a service directory, and records who can write it. Root follows only root-owned links.
    pub fn open(&self, path: &Path) -> Result<ServiceDirectory<'_>, Untrusted> {
        let unread = |source: io::Error| Untrusted::Read(path.join(layout::RUN), source);
        if !self.is_root {
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let fd = open(path, flags, Mode::empty()).map_err(|errno| unread(errno.into()))?;
            let provenance = Provenance::nothing(Judge::User);
            return Ok(ServiceDirectory { trust: self, path: path.to_path_buf(), fd, provenance });
        }
        // a writer of any parent directory counts
        let whole = std::path::absolute(path).map_err(unread)?;
        if let Some((fd, provenance)) = self.open_beside(&whole) {
            return Ok(ServiceDirectory { trust: self, path: path.to_path_buf(), fd, provenance });
        }
        match self.walk(&whole).map_err(|error| unread(io::Error::other(error.to_string())))? {
            Ok((fd, provenance)) => {
                Ok(ServiceDirectory { trust: self, path: path.to_path_buf(), fd, provenance })
            }
            Err(PathError::Refused(_, errno)) => Err(unread(errno.into())),
            Err(error) => Err(unread(io::Error::other(error.to_string()))),
        }
    }

    /// Opens a directory, and records who can write it and its parents.
    fn walk(&self, whole: &Path) -> Result<Result<(OwnedFd, Provenance), PathError>, AccountError> {
        let seen = RefCell::new(Provenance::nothing(self.judge()));
        let opened = self.reach(|| {
            seen.replace(Provenance::nothing(self.judge()));
            let see = |path: &Path, status: &_| seen.borrow_mut().see(path, status);
            nofollow::open_directory_seeing(whole, Missing::Refuse, see)
        });
        Ok(opened?.map(|fd| (fd, seen.into_inner())))
    }

    /// The same in one step from the parent directory, which stays open; `None` if it is not a directory.
    fn open_beside(&self, whole: &Path) -> Option<(OwnedFd, Provenance)> {
        let (above, name) = (whole.parent()?, whole.file_name()?);
        let mut known = self.above.borrow_mut();
        if known.as_ref().is_none_or(|(path, ..)| path != above) {
            let (fd, provenance) = self.walk(above).ok()?.ok()?;
            *known = Some((above.to_path_buf(), fd, provenance));
        }
        let (_, directory, provenance) = known.as_ref()?;
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = openat(directory, name, flags, Mode::empty()).ok()?;
        let mut provenance = provenance.clone();
        provenance.see(whole, &fstat(&fd).ok()?);
        Some((fd, provenance))
    }

    /// The run script in a service directory.
    pub fn script(&self, directory: &Path) -> Result<Script, Untrusted> {
        self.open(directory)?.script()
    }
}

/// An open service directory, and its writers.
#[derive(Debug)]
pub struct ServiceDirectory<'t> {
    trust: &'t Trust,
    path: PathBuf,
    fd: OwnedFd,
    pub(super) provenance: Provenance,
}

impl ServiceDirectory<'_> {
    /// Makes the opened directory the working directory, even if its name now refers to another one.
    pub fn enter(&self) -> Result<(), Errno> {
        self.trust.reach(|| nix::unistd::fchdir(&self.fd)).unwrap_or(Err(Errno::EPERM))
    }

    /// The directory itself, with O_PATH.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// Its run script, read with the ids of those who can write it.
    pub fn script(&self) -> Result<Script, Untrusted> {
        self.script_named(OsStr::new(layout::RUN))
    }

    /// The same for a script of another name.
    pub fn script_named(&self, name: &OsStr) -> Result<Script, Untrusted> {
        let path = self.path.join(name);
        let unread = |source: io::Error| Untrusted::Read(path.clone(), source);
        if !self.trust.is_root {
            let file = file::open_regular_at(&self.fd, Path::new(name), OFlag::empty()).map_err(unread)?;
            let bytes = file::read_at_most(file, MAX_SCRIPT).map_err(unread)?;
            return Ok(Script { path, bytes, rights: Rights::All });
        }
        let seen = RefCell::new(self.provenance.clone());
        let walk = || {
            seen.replace(self.provenance.clone());
            nofollow::walk_in(&self.fd, Path::new(name), |_, status, above| match kind(status) {
                SFlag::S_IFLNK if nofollow::only_root_put_it_there(status, above) => Ok(()),
                SFlag::S_IFLNK => Err(PathError::Link(path.clone())),
                _ => {
                    seen.borrow_mut().see(&path, status);
                    Ok(())
                }
            })
        };
        let walked =
            match self.trust.reach(walk).map_err(|error| unread(io::Error::other(error.to_string())))? {
                Ok(walked) => walked,
                Err(PathError::Refused(_, errno)) => return Err(unread(errno.into())),
                Err(PathError::Link(_)) => return Err(unread(io::Error::other("it is a symbolic link"))),
                Err(error) => return Err(unread(io::Error::other(error.to_string()))),
            };
        let provenance = seen.into_inner();
        let rights = self.trust.rights(&provenance, &self.path)?;
        let read = || walked.open_regular().and_then(|file| file::read_at_most(file, MAX_SCRIPT));
        let bytes = match &rights {
            Rights::All => read(),
            Rights::Of(account) => account.attempt(read),
        };
        Ok(Script { bytes: bytes.map_err(unread)?, path, rights })
    }
}
