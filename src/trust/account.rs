//! The user who owns the files on the volume. Files there are read and written with that user's ids, so that tricks
//! with links or names reach no further than the user does.

use std::io;

use nix::errno::Errno;
use nix::sys::stat::FileStat;
use nix::unistd::{Gid, Uid, getegid, geteuid, getgroups, setegid, seteuid, setgroups};

use crate::config::value::{GroupRequest, GroupsRequest, UserRequest};
use crate::error::{Findings, Problem, reason};
use crate::exit::Exit;
use crate::machine::Machine;
use crate::plan::{Change, Identity, identity};
use crate::sys;
use crate::sys::capability;
use crate::sys::nofollow::PathError;

/// A user whose ids this process can assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub identity: Identity,
    /// Whether the ids have to be changed.
    change: Change,
}

/// An error that may be caused by missing permissions.
pub trait AccessError {
    /// Whether it is one.
    fn is_denied(&self) -> bool;
}

impl AccessError for Errno {
    fn is_denied(&self) -> bool {
        *self == Errno::EACCES
    }
}

impl AccessError for PathError {
    fn is_denied(&self) -> bool {
        matches!(self, PathError::Refused(_, Errno::EACCES))
    }
}

/// Why the ids of a user could not be assumed, or those of root not restored.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The system refused; this process has its own ids.
    #[error("unable to {step} {user}: {}", reason(*errno))]
    Refused {
        /// The step.
        step: &'static str,
        /// The user.
        user: String,
        /// Why.
        errno: Errno,
    },
    /// There is no such user.
    #[error("the user does not exist")]
    NoSuchUser,
    /// The C library treats -1 as "unchanged" and reports success. This process has its own ids.
    #[error("unable to become {0}: the ids read back differ")]
    NotProved(String),
    /// Root's own ids could not be restored: the process must not continue.
    #[error("unable to become root again: {}", reason(*.0))]
    Stuck(Errno),
}

impl Problem for AccountError {
    fn exit(&self) -> Exit {
        Exit::NOTHING_DONE
    }

    fn hint(&self) -> Option<String> {
        match self {
            AccountError::Refused { errno: Errno::EPERM, .. } if capability::denies_setgroups() => {
                Some("this user namespace forbids setgroups".to_string())
            }
            AccountError::Refused { errno: Errno::EPERM, .. } => Some(
                "grant root the capabilities SETUID and SETGID: docker run --cap-add SETUID --cap-add SETGID"
                    .to_string(),
            ),
            AccountError::Refused { errno: Errno::EINVAL, .. } => {
                Some("the id is not mapped in this user namespace".to_string())
            }
            _ => None,
        }
    }
}

impl Account {
    /// Looks a user up.
    pub fn find(user: &UserRequest, findings: &mut Findings) -> Option<Account> {
        let before = findings.iter().count();
        let (identity, change) = identity::resolve(Some(user), &GroupsRequest::OfUser, &Machine, findings);
        (findings.iter().count() == before).then_some(Account { identity, change })
    }

    /// The form accepted by `--user`.
    pub fn request(&self) -> UserRequest {
        let gid = GroupRequest::Gid(self.identity.gid.as_raw());
        match &self.identity.name {
            Some(name) => UserRequest::Name(name.clone(), None),
            None => UserRequest::Uid(self.identity.uid.as_raw(), Some(gid)),
        }
    }

    /// The user of a known identity.
    pub fn of(identity: Identity) -> Account {
        let is_other = geteuid().is_root() && !identity.uid.is_root();
        Account { identity, change: if is_other { Change::Become } else { Change::AlreadyIs } }
    }

    /// The owner of a file, with its group as the only one. Root keeps its own groups.
    pub fn owner(file: &FileStat) -> Account {
        let gid = Gid::from_raw(file.st_gid);
        let uid = Uid::from_raw(file.st_uid);
        Account::of(Identity { name: None, uid, gid, groups: vec![gid], home: None })
    }

    /// Runs an action with the user's effective ids. Root's ids stay saved meanwhile, so that the user can neither
    /// signal nor trace this process.
    pub fn act<T>(&self, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        if self.change != Change::Become {
            return Ok(action());
        }
        let refused = |step| {
            let user = self.shown();
            move |errno| AccountError::Refused { step, user, errno }
        };
        let before = present_groups().map_err(refused("save the groups before switching to"))?;
        let (uid, gid) = (geteuid(), getegid());
        setgroups(&self.identity.groups).map_err(refused("set the groups of"))?;
        let done = setegid(self.identity.gid)
            .map_err(refused("set the group of"))
            .and_then(|()| seteuid(self.identity.uid).map_err(refused("become")))
            .and_then(|()| match are(self.identity.uid, self.identity.gid, &self.identity.groups) {
                true => Ok(action()),
                false => Err(AccountError::NotProved(self.shown())),
            });
        restore(uid, gid, &before).map_err(AccountError::Stuck)?;
        if are(uid, gid, &before) { done } else { Err(AccountError::Stuck(Errno::EPERM)) }
    }

    /// Like [`Account::act`], for an action that may fail itself.
    pub fn attempt<T>(&self, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.act(action).unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
    }

    fn shown(&self) -> String {
        match &self.identity.name {
            Some(name) => format!("user '{name}'"),
            None => format!("uid {}", self.identity.uid),
        }
    }

    /// Runs an action as this process and, if permission is denied, as the user: root may lack access to a volume.
    pub fn reach<T, E: AccessError>(
        &self,
        action: impl Fn() -> Result<T, E>,
    ) -> Result<Result<T, E>, AccountError> {
        match action() {
            Err(error) if error.is_denied() => self.act(action),
            result => Ok(result),
        }
    }
}

/// The supplementary groups. nix would read the kernel's limit from /proc every time.
fn present_groups() -> Result<Vec<Gid>, Errno> {
    const USUAL: usize = 64;
    match sys::process::groups(USUAL) {
        Ok(groups) => Ok(groups.into_iter().map(Gid::from_raw).collect()),
        Err(_) => getgroups(),
    }
}

/// Whether these are the present effective ids and groups.
fn are(uid: Uid, gid: Gid, groups: &[Gid]) -> bool {
    let sorted = |groups: &[Gid]| {
        let mut numbers: Vec<u32> = groups.iter().map(|gid| gid.as_raw()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    geteuid() == uid
        && getegid() == gid
        && present_groups().is_ok_and(|present| sorted(&present) == sorted(groups))
}

fn restore(uid: Uid, gid: Gid, groups: &[Gid]) -> Result<(), Errno> {
    seteuid(uid)?;
    setegid(gid)?;
    setgroups(groups)
}
