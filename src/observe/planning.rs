//! The launcher's plan for a service, made as the launcher would make it from where it runs: the directory and the
//! supervisor's user of that service. Of the files that a user owns, only the run script is read.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::resource::Resource;
use nix::unistd::{Gid, Uid};

use super::launcher::Launcher;
use crate::config::Spec;
use crate::error::Findings;
use crate::machine::Host;
use crate::machine::Machine;
use crate::machine::envdir::EnvdirError;
use crate::plan::Plan;
use crate::service::layout;
use crate::service::place::Service;
use crate::sys;
use crate::sys::privilege::Privilege;
use crate::trust::{self, Opener, Rights, Script};

/// Makes plans for services; accounts are read once for all of them.
#[derive(Debug)]
pub(super) struct Planner {
    caller: Privilege,
    /// Who starts services, where no supervisor is at work yet.
    starter: Uid,
    passwd: OnceCell<Vec<u8>>,
    group: OnceCell<Vec<u8>>,
}

impl Planner {
    pub(super) fn new(caller: Privilege, starter: Uid) -> Self {
        Planner { caller, starter, passwd: OnceCell::new(), group: OnceCell::new() }
    }

    /// The plan of the running launcher, made as it made it: from its arguments, directory and user. None if the author
    /// of its arguments is unknown.
    pub(super) fn of_process(
        &self,
        launcher: &Launcher,
        directory: &Path,
        supervisor: Option<u32>,
    ) -> Option<Planned> {
        let rights = launcher.rights.as_ref()?;
        let directory = match &launcher.directory {
            Some(directory) => directory.clone(),
            // as the process sees it: without links
            None => std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf()),
        };
        let mut view = self.view(&directory, supervisor);
        view.home = launcher.home.as_ref();
        let planned = view.plan_of_process(launcher, rights, |_| ());
        let (uid, gid) = launcher.ids?;
        let is_its_own = |plan: &Plan| (plan.identity.uid, plan.identity.gid) == (uid, gid);
        // root is about to become another user; other users keep their ids
        if uid.is_root() || is_its_own(&planned.plan) || uid == view.user && !self.caller.is_root() {
            return Some(planned);
        }
        // the run script became another user before it executed the launcher
        (view.user, view.group) = (uid, Some(gid));
        Some(view.plan_of_process(launcher, rights, |spec| spec.user = None))
    }

    /// The plan of a service whose launcher does not run, from its run script; none if that is not a futo-launch
    /// script.
    pub(super) fn of_script(
        &self,
        script: &Script,
        service: &Service,
        directory: &Path,
        supervisor: Option<u32>,
    ) -> Option<Planned> {
        let words = script.words().ok()?;
        let view = self.view(directory, supervisor);
        let mut findings = Findings::default();
        // what s6 passes; what is wrong with it is reported by check and explain
        let pass = |spec: &mut Spec| {
            spec.passed_name.get_or_insert_with(|| service.name.clone().into());
        };
        let (draft, opener) = script.plan(words, &view, pass, &mut findings);
        Some(Planned { plan: draft.plan().clone(), opener, findings })
    }

    fn view<'m>(&'m self, directory: &'m Path, supervisor: Option<u32>) -> LauncherView<'m> {
        let user = supervisor.map_or(self.starter, Uid::from_raw);
        LauncherView { planner: self, directory, user, group: None, home: None }
    }
}

/// A plan, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Planned {
    /// The plan, as far as it could be made.
    pub(super) plan: Plan,
    /// The ids with which the files that it names are opened.
    pub(super) opener: Opener,
    /// Why the launcher cannot carry it out.
    pub(super) findings: Findings,
}

/// Acts with the environment that a supervisor passes on, instead of that of the calling shell: PATH at most. TERM is
/// kept for what runs at a terminal.
pub fn with_supervisor_environment<T>(act: impl FnOnce() -> T) -> T {
    let kept: Vec<(OsString, OsString)> =
        Machine.environment().into_iter().filter(|(name, _)| name == "PATH" || name == "TERM").collect();
    let kept = kept.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
    sys::environ::with_environment(kept, |_| act())
}

/// The machine as the launcher of a service sees it, without its environment.
struct LauncherView<'m> {
    planner: &'m Planner,
    directory: &'m Path,
    /// Who executes the launcher.
    user: Uid,
    /// Its group, where known.
    group: Option<Gid>,
    /// The HOME of a launcher that runs, where it may be seen.
    home: Option<&'m OsString>,
}

impl LauncherView<'_> {
    fn plan_of_process(
        &self,
        launcher: &Launcher,
        rights: &Rights,
        adjust: impl FnOnce(&mut Spec),
    ) -> Planned {
        let mut findings = Findings::default();
        let words = launcher.words.clone();
        let (draft, opener) =
            trust::plan_of_process(words, rights, self.directory, self, adjust, &mut findings);
        Planned { plan: draft.plan().clone(), opener, findings }
    }

    fn is_caller(&self) -> bool {
        self.user == nix::unistd::geteuid()
    }
}

impl Host for LauncherView<'_> {
    fn uids(&self) -> [Uid; 3] {
        [self.user; 3]
    }

    fn gids(&self) -> [Gid; 3] {
        match self.group {
            Some(group) => [group; 3],
            None if self.is_caller() => Machine.gids(),
            None => [Gid::from_raw(self.user.as_raw()); 3],
        }
    }

    fn groups(&self) -> Vec<Gid> {
        if self.is_caller() { Machine.groups() } else { Vec::new() }
    }

    fn passwd(&self) -> io::Result<Vec<u8>> {
        once(&self.planner.passwd, || Machine.passwd())
    }

    fn group(&self) -> io::Result<Vec<u8>> {
        once(&self.planner.group, || Machine.group())
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        match self.home {
            Some(home) => vec![("HOME".into(), home.clone())],
            None if self.is_caller() => Machine.environment(),
            None => Vec::new(),
        }
    }

    fn working_directory(&self) -> io::Result<PathBuf> {
        Ok(self.directory.to_path_buf())
    }

    fn has_run(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn parent_has_run(&self) -> io::Result<bool> {
        Ok(sys::file::is_regular(&self.directory.join("..").join(layout::RUN)))
    }

    fn has_logger(&self) -> bool {
        sys::file::is_regular(&self.directory.join(layout::LOG_RUN))
    }

    fn has_supervise(&self) -> bool {
        false
    }

    fn ancestor(&self, _generation: usize) -> Option<String> {
        None
    }

    fn parent_directory(&self) -> Option<PathBuf> {
        None
    }

    fn leads_session(&self) -> bool {
        false
    }

    fn is_init(&self) -> bool {
        false
    }

    fn read_service_file(&self, path: &Path, most: usize) -> io::Result<(String, bool)> {
        Machine.read_service_file(&self.directory.join(path), most)
    }

    fn read_envdir(&self, directory: &Path) -> Result<Vec<(OsString, OsString)>, EnvdirError> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match Machine.read_envdir(directory) {
            // the launcher may be able to read what this process cannot
            Err(error) if !matches!(error.source.kind(), NotFound | NotADirectory) => Ok(Vec::new()),
            read => read,
        }
    }

    fn parent_variable(&self, _name: &str) -> io::Result<Option<OsString>> {
        Ok(None)
    }

    fn limit(&self, resource: Resource) -> io::Result<(u64, u64)> {
        Machine.limit(resource)
    }

    fn oom_score_adj(&self) -> io::Result<i32> {
        Machine.oom_score_adj()
    }
}

fn once(cell: &OnceCell<Vec<u8>>, read: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    if let Some(bytes) = cell.get() {
        return Ok(bytes.clone());
    }
    let bytes = read()?;
    Ok(cell.get_or_init(|| bytes).clone())
}
