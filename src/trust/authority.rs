//! The users who may write definitions, looked up once per command.

use std::cell::{OnceCell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::account::{AccessError, Account, AccountError};
use super::error::Untrusted;
use super::others::WritableByOthers;
use super::rights::Rights;
use super::writers::{AbcIds, Judge, Provenance, Writers};
use crate::config::DEFAULT_USER;
use crate::config::value::UserRequest;
use crate::error::Findings;
use crate::machine::{Host, Machine};

/// Decides whom a command trusts.
#[derive(Debug)]
pub struct Trust {
    pub(super) is_root: bool,
    abc: OnceCell<Option<(Account, AbcIds)>>,
    /// The directory opened last, as services are often siblings.
    pub(super) above: RefCell<Option<(PathBuf, OwnedFd, Provenance)>>,
}

impl Default for Trust {
    fn default() -> Self {
        Trust { is_root: Machine.is_root(), abc: OnceCell::new(), above: RefCell::new(None) }
    }
}

impl Trust {
    /// The user who may write definitions besides root, if it exists.
    pub(super) fn abc(&self) -> Option<&(Account, AbcIds)> {
        let find = || {
            let request = UserRequest::Name(DEFAULT_USER.to_string(), None);
            let abc = Account::find(&request, &mut Findings::default())?;
            let numbers = AbcIds::of(&abc.identity, &Machine);
            Some((abc, numbers))
        };
        self.abc.get_or_init(find).as_ref()
    }

    pub(super) fn judge(&self) -> Judge {
        match self.is_root {
            true => Judge::Root(self.abc().map(|(_, numbers)| *numbers)),
            false => Judge::User,
        }
    }

    /// Reads as the user of the volume.
    pub(crate) fn read_as_user<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.abc() {
            Some((abc, _)) => abc.attempt(read),
            None => Err(io::Error::other(AccountError::NoSuchUser.to_string())),
        }
    }

    /// Runs an action as root and, if permission is denied, as abc: root may lack access to the volume.
    pub(super) fn reach<T, E: AccessError>(
        &self,
        action: impl Fn() -> Result<T, E>,
    ) -> Result<Result<T, E>, AccountError> {
        match action() {
            Err(error) if error.is_denied() => match self.abc() {
                Some((abc, _)) => abc.act(action),
                None => Ok(Err(error)),
            },
            result => Ok(result),
        }
    }

    /// The rights of those who can write a definition.
    pub(super) fn rights(&self, provenance: &Provenance, place: &Path) -> Result<Rights, Untrusted> {
        match (provenance.writers, self.abc()) {
            (Writers::Root, _) => Ok(Rights::All),
            (Writers::Abc, Some((abc, _))) => Ok(Rights::Of(abc.clone())),
            (Writers::Abc, None) => Err(Untrusted::NoUser(place.to_path_buf())),
            (Writers::Others(access), abc) => {
                let path = provenance.others().map_or(place, |(path, _)| path).to_path_buf();
                match abc {
                    Some((_, abc)) => {
                        Err(WritableByOthers { path, access, abc: *abc, place: place.to_path_buf() }.into())
                    }
                    None => Err(Untrusted::NoUser(path)),
                }
            }
        }
    }
}
