//! Plan → [`Dropped`]: the last thing done as root. Sets limits and ids, and proves that root is gone.
//!
//! No path that the user can write is touched here. setgroups before setgid before setuid: a tool
//! that begins with setuid keeps root's groups.

use nix::errno::Errno;
use nix::sys::resource::{getrlimit, setrlimit};
use nix::sys::stat::FileStat;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid, setuid};

use crate::error::{Problem, reason};
use crate::exit::Exit;
use crate::plan::{Change, Identity, Plan};
use crate::sys;

/// A plan whose process is the worker's user, within the worker's limits.
#[derive(Debug)]
pub struct Dropped {
    /// The plan.
    pub plan: Plan,
}

/// The step that failed. A failure is never passed over: the worker would run with rights it must
/// not have.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// A system call refused.
    #[error("unable to {step}: {}", reason(*errno))]
    Refused {
        /// What was tried, in words.
        step: String,
        /// Why it failed.
        errno: Errno,
    },
    /// The ids read back are not those set.
    #[error("unable to become uid {uid}: {what} read back differ")]
    NotProved {
        /// The target.
        uid: Uid,
        /// uids, gids or groups
        what: &'static str,
    },
    /// Root could be had again.
    #[error("unable to drop root: uid 0 could be taken back after the drop")]
    RootRegained,
}

impl Problem for DropError {
    fn exit(&self) -> Exit {
        Exit::SYSTEM
    }

    fn hint(&self) -> Option<String> {
        match self {
            // setpriority and oom_score_adj answer EACCES
            DropError::Refused { errno: Errno::EPERM | Errno::EACCES, step } if step.starts_with("set ") => {
                Some(
                    "the container may lack the capability: SETUID, SETGID, SYS_RESOURCE or SYS_NICE"
                        .to_string(),
                )
            }
            _ => None,
        }
    }
}

fn refused(step: impl Into<String>) -> impl FnOnce(Errno) -> DropError {
    move |errno| DropError::Refused { step: step.into(), errno }
}

/// Sets the limits, becomes the user, proves it.
pub fn become_user(plan: Plan) -> Result<Dropped, DropError> {
    raise_limits(&plan)?;
    become_identity(&plan)?;
    if plan.no_new_privs {
        nix::sys::prctl::set_no_new_privs().map_err(refused("set no-new-privs"))?;
    }
    Ok(Dropped { plan })
}

/// Becomes the user without the limits: what resting and `--explain` need.
pub fn become_identity(plan: &Plan) -> Result<(), DropError> {
    let identity = &plan.identity;
    match plan.change {
        Change::AlreadyIs | Change::Unknown => Ok(()),
        Change::StaysRoot if identity.groups.is_empty() => Ok(()),
        Change::StaysRoot => {
            change_ids(identity)?;
            prove_ids(identity)
        }
        Change::Become => {
            change_ids(identity)?;
            prove_ids(identity)?;
            prove_root_is_gone()
        }
    }
}

/// Becomes the owner of a file, with its group and no others, for work on it. Root stays root for its own.
pub fn become_owner(file: &FileStat) -> Result<(), DropError> {
    if file.st_uid == 0 {
        return Ok(());
    }
    let gid = Gid::from_raw(file.st_gid);
    let owner = Identity { name: None, uid: Uid::from_raw(file.st_uid), gid, groups: vec![gid], home: None };
    change_ids(&owner)?;
    prove_ids(&owner)?;
    prove_root_is_gone()
}

/// What only root can do. The bounds themselves are the worker's, set just before it is executed: they
/// must not keep the launcher from opening its files.
fn raise_limits(plan: &Plan) -> Result<(), DropError> {
    for (resource, bounds) in &plan.limits.ulimits {
        let name = crate::config::value::resource_name(*resource);
        let set = format!("set ulimit {name} to {}:{}", bounds.soft, bounds.hard);
        let (soft, hard) = getrlimit(*resource).map_err(refused(set.clone()))?;
        if bounds.hard.to_rlim() > hard {
            setrlimit(*resource, soft, bounds.hard.to_rlim()).map_err(refused(set))?;
        }
    }
    if let Some(nice) = plan.limits.nice {
        sys::process::set_nice(nice).map_err(refused(format!("set nice to {nice}")))?;
    }
    if let Some(score) = plan.limits.oom_score_adj {
        std::fs::write("/proc/self/oom_score_adj", score.to_string()).map_err(|error| {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
            DropError::Refused { step: format!("set oom-score-adj to {score}"), errno }
        })?;
    }
    Ok(())
}

fn change_ids(identity: &Identity) -> Result<(), DropError> {
    let Identity { uid, gid, groups, .. } = identity;
    setgroups(groups).map_err(refused(format!("set supplementary groups {}", listed(groups))))?;
    setresgid(*gid, *gid, *gid).map_err(refused(format!("set gid {gid}")))?;
    setresuid(*uid, *uid, *uid).map_err(refused(format!("set uid {uid}")))
}

fn prove_ids(identity: &Identity) -> Result<(), DropError> {
    let Identity { uid, gid, groups, .. } = identity;
    let differ = |what| DropError::NotProved { uid: *uid, what };
    let uids = getresuid().map_err(refused("read uids back"))?;
    if [uids.real, uids.effective, uids.saved] != [*uid; 3] {
        return Err(differ("uids"));
    }
    let gids = getresgid().map_err(refused("read gids back"))?;
    if [gids.real, gids.effective, gids.saved] != [*gid; 3] {
        return Err(differ("gids"));
    }
    // the kernel sorts them; with more groups than were set, reading into one place more shows it
    let mut set: Vec<u32> = groups.iter().map(|gid| gid.as_raw()).collect();
    let mut read = sys::process::groups(set.len() + 1).map_err(refused("read groups back"))?;
    for list in [&mut set, &mut read] {
        list.sort_unstable();
    }
    if read == set { Ok(()) } else { Err(differ("groups")) }
}

fn prove_root_is_gone() -> Result<(), DropError> {
    match setuid(Uid::from_raw(0)) {
        Err(_) => Ok(()),
        Ok(()) => Err(DropError::RootRegained),
    }
}

fn listed(groups: &[Gid]) -> String {
    groups.iter().map(Gid::to_string).collect::<Vec<_>>().join(",")
}
