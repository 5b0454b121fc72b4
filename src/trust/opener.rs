//! The ids used to open the files that a plan names.

use std::io;

use super::account::{Account, AccountError};
use super::rights::Rights;
use crate::machine::{Host, Machine};
use crate::plan::{Change, Plan};

/// The user with these ids; `None` if there is no such user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opener(Option<Account>);

impl Opener {
    /// The writers of the command; for a root-owned command, the worker's user.
    pub(super) fn of(rights: &Rights, plan: &Plan) -> Self {
        match (rights, plan.change) {
            (Rights::Of(account), _) => Opener(Some(account.clone())),
            (Rights::All, Change::Unknown) if Machine.is_root() => Opener(None),
            (Rights::All, _) => Opener(Some(Account::of(plan.identity.clone()))),
        }
    }

    /// Acts with these ids.
    pub fn act<T>(&self, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        match &self.0 {
            Some(account) => account.act(action),
            None => Err(AccountError::NoSuchUser),
        }
    }

    /// The same for an action that may fail itself.
    pub fn attempt<T>(&self, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.act(action).unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
    }
}
