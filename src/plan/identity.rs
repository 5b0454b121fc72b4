//! Resolves the worker's user from `--user` and `--groups`.

use std::path::PathBuf;

use nix::unistd::{Gid, Uid};

use crate::config::DEFAULT_USER;
use crate::config::value::{GroupRequest, GroupsRequest, UserRequest};
use crate::error::{Findings, Problem, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::accounts::{self, PasswdEntry};

/// The worker's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's name; none for a bare UID:GID without an account.
    pub name: Option<String>,
    /// The uid.
    pub uid: Uid,
    /// The gid of the primary group.
    pub gid: Gid,
    /// The groups passed to setgroups, the primary one first; empty to leave them unchanged.
    pub groups: Vec<Gid>,
    /// The home in /etc/passwd, if it is an absolute path.
    pub home: Option<PathBuf>,
}

/// The change required to assume the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Set groups, gid and uid, and verify them.
    Become,
    /// Already that user; the groups set at login are kept.
    AlreadyIs,
    /// There is no such user, or the caller cannot become it. There is a finding, the identity is the caller's, and
    /// nothing is launched.
    Unknown,
    /// The target is uid 0: there is nothing to drop. Group and groups are set if they change.
    StaysRoot,
}

/// Why an identity cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The account files cannot be read.
    #[error("unable to read '{path}': {}", reason_of(source))]
    Read {
        /// /etc/passwd or /etc/group.
        path: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// Run as root without `--user`, and there is no user abc.
    #[error("no user '{DEFAULT_USER}' in /etc/passwd, and no --user given")]
    NoDefault,
    /// Not in /etc/passwd.
    #[error("--user: no user '{name}' in /etc/passwd")]
    NoUser {
        /// As given.
        name: String,
    },
    /// A bare number without an entry.
    #[error("--user: uid {uid} is not in /etc/passwd, so its group is unknown")]
    NoGid {
        /// As given.
        uid: u32,
    },
    /// Not in /etc/group.
    #[error("--{option}: no group '{name}' in /etc/group")]
    NoGroup {
        /// `user` or `groups`
        option: &'static str,
        /// As given.
        name: String,
    },
    /// Another user was requested by a caller who is not root.
    #[error("--{option}: only root can become {whom}")]
    NotRoot {
        /// `user` or `groups`
        option: &'static str,
        /// A description of the user.
        whom: String,
    },
}

impl Problem for IdentityError {
    fn exit(&self) -> Exit {
        match self {
            IdentityError::Read { source, .. } => exit_of_io(source),
            IdentityError::NoDefault
            | IdentityError::NoUser { .. }
            | IdentityError::NoGid { .. }
            | IdentityError::NoGroup { .. }
            | IdentityError::NotRoot { .. } => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            IdentityError::NoDefault => {
                Some("set the worker's user: --user USER or --user UID:GID".to_string())
            }
            IdentityError::NoUser { .. } => {
                Some("for a user known only to LDAP or systemd, give the numbers: --user UID:GID".to_string())
            }
            IdentityError::NoGid { uid } => Some(format!("write --user {uid}:GID")),
            IdentityError::NoGroup { .. } => Some("a group can also be given by number".to_string()),
            IdentityError::NotRoot { .. } => {
                Some("run as root, or omit the option to keep your uid".to_string())
            }
            IdentityError::Read { .. } => None,
        }
    }
}

/// The account files, read once.
struct Files {
    passwd: Vec<u8>,
    group: Vec<u8>,
}

/// Resolves the worker's user. With a finding, returns the caller, and nothing is launched.
pub(crate) fn resolve(
    user: Option<&UserRequest>,
    groups: &GroupsRequest,
    host: &dyn Host,
    findings: &mut Findings,
) -> (Identity, Change) {
    let mut is_read = true;
    let mut read = |path, result: std::io::Result<Vec<u8>>| match result {
        Ok(content) => content,
        // without account files, users are given by number; a name then fails as unknown
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(source) => {
            findings.push(IdentityError::Read { path, source });
            is_read = false;
            Vec::new()
        }
    };
    let files = Files { passwd: read("/etc/passwd", host.passwd()), group: read("/etc/group", host.group()) };
    if !is_read && host.is_root() {
        return (caller(&files, host), Change::Unknown);
    }

    let default = UserRequest::Name(DEFAULT_USER.to_string(), None);
    let asked = match user {
        Some(user) => requested(user, &files),
        None if host.is_root() => requested(&default, &files).map_err(|_| IdentityError::NoDefault),
        None => Ok(caller(&files, host)),
    };
    let Some(mut identity) = findings.take(asked) else {
        return (caller(&files, host), Change::Unknown);
    };
    match groups {
        GroupsRequest::OfUser => {}
        GroupsRequest::None => identity.groups = vec![identity.gid],
        GroupsRequest::These(list) => {
            identity.groups = vec![identity.gid];
            for request in list {
                if let Some(gid) = findings.take(gid_of(request, "groups", &files))
                    && !identity.groups.contains(&gid)
                {
                    identity.groups.push(gid);
                }
            }
        }
    }
    let change = change(&mut identity, groups, host, findings);
    (identity, change)
}

fn change(
    identity: &mut Identity,
    groups: &GroupsRequest,
    host: &dyn Host,
    findings: &mut Findings,
) -> Change {
    let has_gid = host.gids().iter().all(|gid| *gid == identity.gid);
    if host.is_root() {
        if !identity.uid.is_root() {
            return Change::Become;
        }
        if has_gid && *groups == GroupsRequest::OfUser {
            // already root: the groups set by a login or the container are kept
            identity.groups.clear();
        }
        return Change::StaysRoot;
    }
    let is_user = host.uids().iter().all(|uid| *uid == identity.uid) && has_gid;
    if !is_user {
        let whom = match &identity.name {
            Some(name) => format!("'{name}' (uid {}, gid {})", identity.uid, identity.gid),
            None => format!("uid {}, gid {}", identity.uid, identity.gid),
        };
        findings.push(IdentityError::NotRoot { option: "user", whom });
        return Change::Unknown;
    } else if *groups != GroupsRequest::OfUser && !same_groups(identity, host) {
        findings
            .push(IdentityError::NotRoot { option: "groups", whom: "a member of other groups".to_string() });
        return Change::Unknown;
    }
    Change::AlreadyIs
}

fn same_groups(identity: &Identity, host: &dyn Host) -> bool {
    let mut current: Vec<u32> = host.groups().iter().map(|gid| gid.as_raw()).collect();
    current.push(identity.gid.as_raw());
    let mut requested: Vec<u32> = identity.groups.iter().map(|gid| gid.as_raw()).collect();
    for list in [&mut current, &mut requested] {
        list.sort_unstable();
        list.dedup();
    }
    current == requested
}

fn requested(user: &UserRequest, files: &Files) -> Result<Identity, IdentityError> {
    let (account, uid, group) = match user {
        UserRequest::Name(name, group) => {
            let account = accounts::user_by_name(&files.passwd, name)
                .ok_or_else(|| IdentityError::NoUser { name: name.clone() })?;
            let uid = account.uid;
            (Some(account), uid, group)
        }
        UserRequest::Uid(uid, group) => (accounts::user_by_uid(&files.passwd, *uid), *uid, group),
    };
    let gid = match (group, &account) {
        (Some(group), _) => gid_of(group, "user", files)?,
        (None, Some(account)) => Gid::from_raw(account.gid),
        (None, None) => return Err(IdentityError::NoGid { uid }),
    };
    Ok(identity(account, Uid::from_raw(uid), gid, files))
}

fn identity(account: Option<PasswdEntry>, uid: Uid, gid: Gid, files: &Files) -> Identity {
    let groups = match &account {
        Some(account) => accounts::groups_of(&files.group, &account.name, gid.as_raw()),
        None => vec![gid.as_raw()],
    };
    let home = account.as_ref().map(|account| PathBuf::from(&account.home)).filter(|home| home.is_absolute());
    Identity {
        name: account.map(|account| account.name),
        uid,
        gid,
        groups: groups.into_iter().map(Gid::from_raw).collect(),
        home,
    }
}

fn gid_of(request: &GroupRequest, option: &'static str, files: &Files) -> Result<Gid, IdentityError> {
    match request {
        GroupRequest::Gid(gid) => Ok(Gid::from_raw(*gid)),
        GroupRequest::Name(name) => accounts::gid_by_name(&files.group, name)
            .map(Gid::from_raw)
            .ok_or_else(|| IdentityError::NoGroup { option, name: name.clone() }),
    }
}

fn caller(files: &Files, host: &dyn Host) -> Identity {
    let [_, uid, _] = host.uids();
    let [_, gid, _] = host.gids();
    let account = accounts::user_by_uid(&files.passwd, uid.as_raw());
    Identity { groups: Vec::new(), ..identity(account, uid, gid, files) }
}
