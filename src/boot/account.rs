//! The user whose files are on the volume: what is read and written there is read and written with that
//! user's ids, so that no trick with links or names reaches further than the user himself does.

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, getegid, geteuid, getgroups, setegid, seteuid, setgroups};

use crate::config::value::{GroupsRequest, UserRequest};
use crate::error::{Findings, Problem, reason};
use crate::exit::Exit;
use crate::plan::{Change, Identity, Machine, identity};

/// A user of the volume.
#[derive(Debug)]
pub struct Account {
    /// Who it is.
    pub identity: Identity,
    /// Whether his ids have to be taken on.
    change: Change,
}

/// Ids that could not be taken on, or given back. Nothing is done after that.
#[derive(Debug, thiserror::Error)]
#[error("unable to {step}: {}", reason(*errno))]
pub struct AccountError {
    step: &'static str,
    errno: Errno,
}

impl Problem for AccountError {
    fn exit(&self) -> Exit {
        Exit::NOTHING_DONE
    }
}

impl Account {
    /// Looks a user up.
    pub fn find(user: &UserRequest, findings: &mut Findings) -> Option<Account> {
        let before = findings.iter().count();
        let (identity, change) = identity::resolve(Some(user), &GroupsRequest::OfUser, &Machine, findings);
        (findings.iter().count() == before).then_some(Account { identity, change })
    }

    /// Does something with the user's effective ids. Root's are the saved ones meanwhile: the user can
    /// neither signal nor trace this process.
    pub fn act<T>(&self, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        if self.change != Change::Become {
            return Ok(action());
        }
        let failed = |step| move |errno| AccountError { step, errno };
        let before = getgroups().map_err(failed("read the groups"))?;
        let (uid, gid) = (geteuid(), getegid());
        setgroups(&self.identity.groups).map_err(failed("set the groups of the user"))?;
        setegid(self.identity.gid).map_err(failed("set the group of the user"))?;
        let done = match seteuid(self.identity.uid) {
            Ok(()) => Ok(action()),
            Err(errno) => Err(failed("become the user")(errno)),
        };
        restore(uid, gid, &before).map_err(failed("become root again"))?;
        done
    }
}

fn restore(uid: Uid, gid: Gid, groups: &[Gid]) -> Result<(), Errno> {
    seteuid(uid)?;
    setegid(gid)?;
    setgroups(groups)
}
