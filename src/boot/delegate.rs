//! Control of services for a group: its members may start, stop and signal a service and read its status, and
//! nothing else.
//!
//! s6-supervise creates `supervise` and `event` unless they exist. Both remain owned by root: `supervise` is 0710, its
//! FIFO `control` 0620, `event` 0700. `lock` remains readable, since s6-svstat opens it. A member can therefore lock
//! it, which keeps a supervisor from starting but grants the member nothing new; such a lock does not count as a
//! supervisor (`scan::supervised`). In a group-writable `event` (as s6-svperms creates it) a member could plant a link
//! through which s6-supervise writes as root.

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{Gid, fchownat, getegid, getgroups, mkfifoat};

use super::directory::{Directory, StepError};
use super::part::Part;
use crate::error::{Findings, Problem};
use crate::exit::Exit;
use crate::machine::{Host, Machine, accounts};
use crate::service::layout;
use crate::sys::capability::{self, Capability};

/// The values of `--delegate`.
#[derive(Clone, Debug, Default)]
pub struct DelegateChoice {
    /// The group; the command's default if unset.
    pub to: Option<DelegateTo>,
    /// What members may do in `event`.
    pub waiting: Waiting,
}

/// The group to which control of the services is delegated, as specified by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DelegateTo {
    /// None: control remains with root.
    RootOnly,
    /// This group, by name or number.
    Group(String),
}

impl DelegateTo {
    /// Looks up the group; `None` if control is not delegated.
    pub fn resolve(&self, waiting: Waiting) -> Result<Option<Delegation>, NoGroup> {
        match self {
            DelegateTo::RootOnly => Ok(None),
            DelegateTo::Group(name) => {
                let group = group_named(name).ok_or_else(|| NoGroup(name.clone()))?;
                Ok(Some(Delegation { group, waiting }))
            }
        }
    }
}

/// A group of /etc/group, by name or number.
fn group_named(name: &str) -> Option<Gid> {
    let number = name.parse().ok();
    number.or_else(|| accounts::gid_by_name(&Machine.group().ok()?, name)).map(Gid::from_raw)
}

/// The group does not exist.
#[derive(Debug, thiserror::Error)]
#[error("no group '{0}' in /etc/group")]
pub struct NoGroup(String);

impl Problem for NoGroup {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }
}

/// A group to which control is delegated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delegation {
    /// The group.
    pub group: Gid,
    /// Whether members may also wait with s6-svwait.
    pub waiting: Waiting,
}

/// What members may do in `event`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// Nothing: only root can use it.
    #[default]
    Closed,
    /// Create FIFOs in it, as s6-svwait does; they could also plant links through which root writes.
    Open,
}

const CONTROL: &str = "supervise/control";

/// A name, the kind of file, and its mode.
type Node = (&'static str, NodeKind, u32);

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeKind {
    Directory,
    Fifo,
}

impl Delegation {
    fn nodes(self) -> [Node; 3] {
        let event = match self.waiting {
            Waiting::Closed => 0o700,
            Waiting::Open => 0o3730,
        };
        [
            (layout::EVENT, NodeKind::Directory, event),
            (layout::SUPERVISE, NodeKind::Directory, 0o710),
            (CONTROL, NodeKind::Fifo, 0o620),
        ]
    }
}

/// The mode of an `event` that is closed and has not been emptied yet.
const CLOSING: u32 = 0o1700;

/// The files of a service that only root may control.
const CLOSED: [Node; 3] = [
    (layout::EVENT, NodeKind::Directory, 0o700),
    (layout::SUPERVISE, NodeKind::Directory, 0o700),
    (CONTROL, NodeKind::Fifo, 0o600),
];

/// Control is not delegated.
#[derive(Debug, thiserror::Error)]
#[error("unable to delegate control of the services to group {0}: root lacks the capability CHOWN")]
struct NotDelegated(Gid);

impl Problem for NotDelegated {
    fn exit(&self) -> Exit {
        Exit::SYSTEM
    }

    fn hint(&self) -> Option<String> {
        Some("docker run --cap-add CHOWN; without it only root can start and stop the services".to_string())
    }
}

/// The delegation, if this process may change the group of files; otherwise `None` and a warning.
pub fn possible(delegation: Option<Delegation>, warnings: &mut Findings) -> Option<Delegation> {
    let group = delegation?.group;
    let is_member = || getegid() == group || getgroups().is_ok_and(|groups| groups.contains(&group));
    if capability::has(Capability::Chown) || is_member() {
        return delegation;
    }
    warnings.add_new(NotDelegated(group).into());
    None
}

/// Creates the files in a service directory, or a logger's, before a supervisor has seen it.
pub fn make(directory: &Directory, delegation: Delegation) -> Result<(), StepError> {
    for (name, kind, mode) in delegation.nodes() {
        make_one(directory, name, kind, mode)?;
        if mode & 0o070 != 0 {
            own(directory, name, delegation.group)?;
        }
        // mkdir ignores the set-gid bit, and a change of group may clear it
        if mode & 0o7000 != 0 {
            set_mode(directory, name, mode)?;
        }
    }
    Ok(())
}

/// Whether the files of one part of a service directory match the delegation.
pub fn matches(slot: &Directory, part: Part, delegation: Option<Delegation>) -> Result<bool, StepError> {
    let nodes = delegation.map_or(CLOSED, Delegation::nodes);
    for (name, _, mode) in nodes {
        let Some(status) = slot.status(&format!("{}{name}", part.prefix()))? else {
            if delegation.is_some() {
                return Ok(false);
            }
            continue;
        };
        let is_right = match delegation {
            Some(Delegation { group, .. }) => {
                status.st_mode & 0o7777 == mode && (mode & 0o070 == 0 || status.st_gid == group.as_raw())
            }
            // as created by s6-supervise itself: some are accessible to root's own group
            None if status.st_mode & 0o7777 == CLOSING => false,
            None => status.st_mode & 0o070 == 0 || status.st_gid == nix::unistd::getegid().as_raw(),
        };
        if !is_right {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Corrects the files of a service directory that may have a supervisor.
pub fn correct(directory: &Directory, delegation: Option<Delegation>) -> Result<(), StepError> {
    for (name, kind, mode) in delegation.map_or(CLOSED, Delegation::nodes) {
        match directory.status(name)? {
            None if delegation.is_none() => continue,
            None => make_one(directory, name, kind, mode)?,
            Some(_) => {}
        }
        let group = match delegation {
            Some(Delegation { group, .. }) if mode & 0o070 != 0 => group,
            _ => nix::unistd::getegid(),
        };
        own(directory, name, group)?;
        if name == layout::EVENT && mode == 0o700 {
            // removes anything planted while it was open; if that fails, the mode makes the next run try again
            set_mode(directory, name, CLOSING)?;
            directory.open(name.as_ref())?.remove_content()?;
        }
        set_mode(directory, name, mode)?;
    }
    Ok(())
}

/// The group with write access to the control FIFO, unless it is the caller's own.
pub fn group_in_control(slot: &Directory) -> Result<Option<Gid>, StepError> {
    let status = slot.status(CONTROL)?;
    let group =
        status.filter(|status| status.st_mode & 0o020 != 0).map(|status| Gid::from_raw(status.st_gid));
    Ok(group.filter(|group| *group != getegid()))
}

fn make_one(directory: &Directory, name: &str, kind: NodeKind, mode: u32) -> Result<(), StepError> {
    match kind {
        NodeKind::Directory => directory.make(name, mode & 0o777),
        NodeKind::Fifo => mkfifoat(&directory.fd, name, Mode::from_bits_truncate(mode)).map_err(refused(
            directory,
            "create FIFO",
            name,
        )),
    }
}

fn set_mode(directory: &Directory, name: &str, mode: u32) -> Result<(), StepError> {
    // no user can have put a link into a directory that only root can write
    fchmodat(&directory.fd, name, Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)
        .map_err(refused(directory, "set the mode of", name))
}

fn own(directory: &Directory, name: &str, group: Gid) -> Result<(), StepError> {
    fchownat(&directory.fd, name, None, Some(group), AtFlags::AT_SYMLINK_NOFOLLOW).map_err(refused(
        directory,
        "set the group of",
        name,
    ))
}

fn refused(directory: &Directory, verb: &'static str, name: &str) -> impl FnOnce(Errno) -> StepError {
    let object = directory.shown.join(name);
    move |errno| StepError { verb, object, errno }
}
