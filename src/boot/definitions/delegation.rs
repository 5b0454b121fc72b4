//! The groups to which control of the published services is delegated.

use nix::unistd::Gid;

use crate::boot::delegate::{DelegateChoice, Delegation, NoGroup, Waiting};
use crate::trust::account::Account;
use crate::trust::writers::Writers;

/// The rule that selects the group.
#[derive(Clone, Copy)]
pub(super) enum DelegationRule {
    /// Control of each service is delegated to the writers of its definition, by abc's group if that user exists.
    Writers(Option<Gid>, Waiting),
    /// Control of all services is delegated to one group: `--delegate`.
    Everywhere(Option<Delegation>),
}

impl DelegationRule {
    pub(super) fn new(choice: &DelegateChoice, abc: Option<&Account>) -> Result<Self, NoGroup> {
        match &choice.to {
            None => Ok(DelegationRule::Writers(abc.map(|abc| abc.identity.gid), choice.waiting)),
            Some(to) => to.resolve(choice.waiting).map(DelegationRule::Everywhere),
        }
    }

    /// The delegation of a service by the writers of its definition. Root-owned services are not delegated.
    pub(super) fn of(self, writers: Writers) -> Option<Delegation> {
        match self {
            DelegationRule::Writers(..) if writers == Writers::Root => None,
            DelegationRule::Writers(group, waiting) => Some(Delegation { group: group?, waiting }),
            DelegationRule::Everywhere(delegation) => delegation,
        }
    }
}
