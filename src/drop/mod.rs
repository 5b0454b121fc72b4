//! Plan → [`Dropped`]: the last thing done as root. Sets limits and ids, and proves that root is gone.
//!
//! No user-writable path is touched here. The order is setgroups, setgid, setuid: starting with setuid would keep
//! root's groups.

mod directories;

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::resource::{getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid, setuid};

use crate::config::value::{Bounds, Capabilities, resource_name};
use crate::error::{Findings, Problem, reason};
use crate::exit::Exit;
use crate::machine::Host;
use crate::plan::{Change, Identity, LogPlan, Plan};
use crate::sys;
pub use directories::Unmade;

/// A plan whose process is the worker's user, within the worker's limits.
#[derive(Debug)]
pub struct Dropped {
    /// The plan, whose identity this process has.
    pub plan: Plan,
    /// The directories that root was unable to make.
    pub unmade: Vec<Unmade>,
}

/// A step of the drop, as a failure reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Raise the resource limit of this name to these values.
    Ulimit(&'static str, Bounds),
    /// Set this niceness.
    Nice(i32),
    /// Set this preference of the out-of-memory killer.
    OomScoreAdj(i32),
    /// Set all groups of the user.
    Groups(Vec<Gid>),
    /// Set the primary group.
    Gid(Gid),
    /// Set the uids.
    Uid(Uid),
    /// Take these capabilities out of the bounding set.
    BoundingSet(Capabilities),
    /// Keep programs from gaining privileges.
    NoNewPrivs,
    /// Read the uids, gids or groups back, which proves the drop.
    ReadBack(&'static str),
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Ulimit(name, bounds) => {
                write!(formatter, "set ulimit {name} to {}:{}", bounds.soft, bounds.hard)
            }
            Step::Nice(nice) => write!(formatter, "set nice to {nice}"),
            Step::OomScoreAdj(score) => write!(formatter, "set oom-score-adj to {score}"),
            Step::Groups(groups) => write!(formatter, "set supplementary groups {}", listed(groups)),
            Step::Gid(gid) => write!(formatter, "set gid {gid}"),
            Step::Uid(uid) => write!(formatter, "set uid {uid}"),
            Step::BoundingSet(dropped) => write!(formatter, "drop {dropped} from the bounding set"),
            Step::NoNewPrivs => formatter.write_str("set no-new-privs"),
            Step::ReadBack(what) => write!(formatter, "read {what} back"),
        }
    }
}

impl Step {
    /// The capability that the step requires, without the CAP_ prefix.
    fn capability(&self) -> Option<&'static str> {
        match self {
            Step::Ulimit(..) | Step::OomScoreAdj(_) => Some("SYS_RESOURCE"),
            Step::Nice(_) => Some("SYS_NICE"),
            Step::Groups(_) | Step::Gid(_) => Some("SETGID"),
            Step::Uid(_) => Some("SETUID"),
            Step::BoundingSet(_) => Some("SETPCAP"),
            Step::NoNewPrivs | Step::ReadBack(_) => None,
        }
    }

    /// The hint for a refused step. A namespace's own rules come first: its root has the capability anyway.
    fn remedy(&self, errno: Errno) -> Option<String> {
        match (self, errno) {
            (Step::Groups(_), Errno::EPERM) if sys::capability::denies_setgroups() => Some(
                "this user namespace denies setgroups (/proc/self/setgroups): create it as root, or with newgidmap \
                 and a range in /etc/subgid"
                    .to_string(),
            ),
            (Step::Groups(_) | Step::Gid(_), Errno::EINVAL) => Some(
                "a gid is not mapped in this user namespace (/proc/self/gid_map): map it, or choose another with \
                 --user UID:GID and --groups"
                    .to_string(),
            ),
            (Step::Uid(uid), Errno::EINVAL) => Some(format!(
                "uid {uid} is not mapped in this user namespace (/proc/self/uid_map): map it, or choose another \
                 --user"
            )),
            (Step::BoundingSet(_), Errno::EPERM) => Some(
                "this requires CAP_SETPCAP (for a container: --cap-add SETPCAP), or --no-new-privs"
                    .to_string(),
            ),
            // setpriority and oom_score_adj fail with EACCES
            (_, Errno::EPERM | Errno::EACCES) => self.capability().map(|capability| {
                format!("this requires CAP_{capability} (for a container: --cap-add {capability})")
            }),
            _ => None,
        }
    }
}

/// The step that failed. A failure is never ignored: the worker would run with privileges it must not have.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// The system refused a step.
    #[error("unable to {step}: {}", reason(*errno))]
    Refused {
        /// The step.
        step: Step,
        /// The system's error.
        errno: Errno,
    },
    /// The ids read back are not those set.
    #[error("unable to become uid {uid}: {what} differ when read back")]
    NotProved {
        /// The uid to become.
        uid: Uid,
        /// uids, gids or groups
        what: &'static str,
    },
    /// Only root may change a bounding set.
    #[error("--cap-drop: only root can drop capabilities")]
    CapDropNeedsRoot,
    /// The process could become root again.
    #[error("unable to drop root: uid 0 could be regained after the drop")]
    RootRegained,
}

impl Problem for DropError {
    fn exit(&self) -> Exit {
        match self {
            DropError::CapDropNeedsRoot => Exit::EDIT,
            _ => Exit::SYSTEM,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            DropError::Refused { step, errno } => step.remedy(*errno),
            DropError::CapDropNeedsRoot => {
                Some("omit it: --no-new-privs alone keeps programs from gaining capabilities".to_string())
            }
            DropError::NotProved { .. } | DropError::RootRegained => None,
        }
    }
}

fn refused(step: Step) -> impl FnOnce(Errno) -> DropError {
    move |errno| DropError::Refused { step, errno }
}

/// Sets the limits, becomes the user, proves it.
pub fn become_user(plan: Plan) -> Result<Dropped, DropError> {
    raise_limits(&plan)?;
    drop_capabilities(&plan)?;
    if plan.change == Change::Become && matches!(plan.log, LogPlan::Inherited | LogPlan::Logger) {
        // where it cannot be done, only programs that open /dev/stderr by name notice
        let _ = sys::fd::let_holders_reopen_pipe(std::io::stdout().as_fd());
    }
    let unmade = directories::make(&plan);
    become_identity(&plan)?;
    if plan.no_new_privs {
        nix::sys::prctl::set_no_new_privs().map_err(refused(Step::NoNewPrivs))?;
    }
    Ok(Dropped { plan, unmade })
}

/// Limits the capabilities the worker can gain; only root can do this. Without CAP_SETPCAP, and with no-new-privs set,
/// there is nothing to drop.
fn drop_capabilities(plan: &Plan) -> Result<(), DropError> {
    let dropped = plan.limits.cap_drop;
    if dropped.is_empty() {
        return Ok(());
    }
    match sys::bounding::drop_for_programs(|number| dropped.has(number)) {
        Err(Errno::EPERM) if plan.no_new_privs && plan.change == Change::Become => Ok(()),
        result => result.map_err(refused(Step::BoundingSet(dropped))),
    }
}

/// Reports options that only root can carry out, whatever the container allows.
pub fn refuse_impossible(plan: &Plan, host: &dyn Host, findings: &mut Findings) {
    if !plan.limits.cap_drop.is_empty() && !host.is_root() {
        findings.push(DropError::CapDropNeedsRoot);
    }
}

/// Becomes the user without setting limits, for resting and `--explain`.
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
            leave_keyring();
            change_ids(identity)?;
            prove_ids(identity)?;
            prove_root_is_gone()
        }
    }
}

/// Raises the limits that only root can raise. Soft limits are set just before the worker is executed, so that they do
/// not restrict the launcher.
fn raise_limits(plan: &Plan) -> Result<(), DropError> {
    for (resource, bounds) in &plan.limits.ulimits {
        let set = Step::Ulimit(resource_name(*resource), *bounds);
        let (soft, hard) = getrlimit(*resource).map_err(refused(set.clone()))?;
        if bounds.hard.to_rlim() > hard {
            setrlimit(*resource, soft, bounds.hard.to_rlim()).map_err(refused(set))?;
        }
    }
    if let Some(nice) = plan.limits.nice {
        sys::process::set_nice(nice).map_err(refused(Step::Nice(nice)))?;
    }
    if let Some(score) = plan.limits.oom_score_adj {
        std::fs::write("/proc/self/oom_score_adj", score.to_string()).map_err(|error| {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
            DropError::Refused { step: Step::OomScoreAdj(score), errno }
        })?;
    }
    Ok(())
}

/// Root's session keyring is inherited, and would stay readable after the drop: possession is enough to read it. The
/// new keyring is created as root, whose quota allows one per service. Where keyrings are refused (as by Docker's
/// seccomp profile), there is none to read.
fn leave_keyring() {
    let _ = sys::process::new_session_keyring();
}

fn change_ids(identity: &Identity) -> Result<(), DropError> {
    let Identity { uid, gid, groups, .. } = identity;
    setgroups(groups).map_err(refused(Step::Groups(groups.clone())))?;
    setresgid(*gid, *gid, *gid).map_err(refused(Step::Gid(*gid)))?;
    setresuid(*uid, *uid, *uid).map_err(refused(Step::Uid(*uid)))
}

fn prove_ids(identity: &Identity) -> Result<(), DropError> {
    let Identity { uid, gid, groups, .. } = identity;
    let differ = |what| DropError::NotProved { uid: *uid, what };
    let uids = getresuid().map_err(refused(Step::ReadBack("uids")))?;
    if [uids.real, uids.effective, uids.saved] != [*uid; 3] {
        return Err(differ("uids"));
    }
    let gids = getresgid().map_err(refused(Step::ReadBack("gids")))?;
    if [gids.real, gids.effective, gids.saved] != [*gid; 3] {
        return Err(differ("gids"));
    }
    // the kernel sorts them; the extra slot detects a group that was not set
    let mut set: Vec<u32> = groups.iter().map(|gid| gid.as_raw()).collect();
    let mut read = sys::process::groups(set.len() + 1).map_err(refused(Step::ReadBack("groups")))?;
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
