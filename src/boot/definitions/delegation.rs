//! To whom control of the published services is delegated.

use nix::unistd::Gid;

use crate::boot::delegate::{DelegateChoice, Delegation, NoGroup, Waiting};
use crate::trust::account::Account;
use crate::trust::writers::Writers;

/// To whom control is delegated.
#[derive(Clone, Copy)]
pub(super) enum DelegationRule {
    /// Of each service to those who can write its definition; the group is abc's, if there is such a user.
    Writers(Option<Gid>, Waiting),
    /// Of all services to the same group, as `--delegate` says.
    Everywhere(Option<Delegation>),
}

impl DelegationRule {
    pub(super) fn new(choice: &DelegateChoice, abc: Option<&Account>) -> Result<Self, NoGroup> {
        match &choice.to {
            None => Ok(DelegationRule::Writers(abc.map(|abc| abc.identity.gid), choice.waiting)),
            Some(to) => to.resolve(choice.waiting).map(DelegationRule::Everywhere),
        }
    }

    /// The delegation of a service whose definition these can write. Control of root-owned ones stays with root.
    pub(super) fn of(self, writers: Writers) -> Option<Delegation> {
        match self {
            DelegationRule::Writers(..) if writers == Writers::Root => None,
            DelegationRule::Writers(group, waiting) => Some(Delegation { group: group?, waiting }),
            DelegationRule::Everywhere(delegation) => delegation,
        }
    }
}
