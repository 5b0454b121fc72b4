//! The launcher's plan for a service, made as the launcher would make it, from where the service stands: its
//! directory and its supervisor's user. Nothing of the user's but the run script is read.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::resource::Resource;
use nix::unistd::{Gid, Uid};

use crate::error::{Findings, reason_of};
use crate::plan::envdir::EnvdirError;
use crate::plan::{Host, Machine, Plan};
use crate::service::place::Service;
use crate::service::run_script::{NotOurs, RunScript};
use crate::service::{layout, run_script};
use crate::sys::nofollow;
use crate::{cli, config, plan, sys};

/// The largest run script that is read, in bytes.
const MAX_RUN_SCRIPT: usize = 1 << 20;

/// The machine, read once for all services.
#[derive(Debug)]
pub struct Machinery {
    is_root: bool,
    supervisor: Uid,
    passwd: OnceCell<Vec<u8>>,
    group: OnceCell<Vec<u8>>,
}

impl Machinery {
    /// `scan_dir` tells whose supervisor it is that will publish a definition.
    pub fn new(scan_dir: &Path) -> Self {
        let caller = nix::unistd::geteuid();
        let supervisor = nix::sys::stat::stat(scan_dir).map_or(caller, |status| Uid::from_raw(status.st_uid));
        Machinery { is_root: caller.is_root(), supervisor, passwd: OnceCell::new(), group: OnceCell::new() }
    }

    /// Whether this is root.
    pub fn is_root(&self) -> bool {
        self.is_root
    }

    /// Whether it is root who starts services here.
    pub fn starts_as_root(&self) -> bool {
        self.supervisor.is_root()
    }

    /// The plan of a service; none if its run script is not ours, or cannot be read.
    pub(super) fn plan(
        &self,
        service: &Service,
        supervisor: Option<u32>,
        troubles: &mut Vec<String>,
    ) -> Option<Plan> {
        let directory = service.live.as_ref().or(service.definition.as_ref())?;
        let (_, script) = match run_script_of(self.is_root, directory) {
            Ok(found) => found,
            Err((_, error)) => {
                troubles.push(format!("unable to read its run script: {}", reason_of(&error)));
                return None;
            }
        };
        let words = words_of(&script).ok()?;
        let mut findings = Findings::default();
        let seat = Seat {
            machinery: self,
            directory,
            supervisor: supervisor.map_or(self.supervisor, Uid::from_raw),
        };
        let mut spec = config::resolve(cli::parse(words, &mut findings), &seat, &mut findings);
        // what s6 passes
        spec.passed_name.get_or_insert_with(|| service.name.clone().into());
        // what is wrong with it is said by check and explain
        Some(plan::make(spec, &seat, &mut findings).plan().clone())
    }
}

/// Does it without the variables of the shell that asks: a supervisor passes on PATH at most. TERM stays, for
/// what is run at a terminal.
pub fn as_under_supervisor<T>(act: impl FnOnce() -> T) -> T {
    let kept: Vec<(OsString, OsString)> =
        Machine.environment().into_iter().filter(|(name, _)| name == "PATH" || name == "TERM").collect();
    let kept = kept.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
    sys::environ::with_environment(kept, |_| act())
}

/// The run script in a service directory, and its path.
pub fn run_script_of(is_root: bool, directory: &Path) -> Result<(PathBuf, Vec<u8>), (PathBuf, io::Error)> {
    let path = directory.join(layout::RUN);
    let read = nofollow::open_regular_for(is_root, &path)
        .and_then(|file| sys::file::read_at_most(file, MAX_RUN_SCRIPT));
    match read {
        Ok(bytes) => Ok((path, bytes)),
        Err(error) => Err((path, error)),
    }
}

/// The launcher's words in a run script.
pub fn words_of(script: &[u8]) -> Result<Vec<OsString>, NotOurs> {
    Ok(match run_script::parse(script)? {
        RunScript::File => ["--file", "./run"].map(OsString::from).to_vec(),
        RunScript::OneLine(words) => words,
    })
}

/// The machine as the launcher sees it from there, without its environment.
struct Seat<'m> {
    machinery: &'m Machinery,
    directory: &'m Path,
    supervisor: Uid,
}

impl Seat<'_> {
    fn is_caller(&self) -> bool {
        self.supervisor == nix::unistd::geteuid()
    }
}

impl Host for Seat<'_> {
    fn uids(&self) -> [Uid; 3] {
        [self.supervisor; 3]
    }

    fn gids(&self) -> [Gid; 3] {
        if self.is_caller() { Machine.gids() } else { [Gid::from_raw(self.supervisor.as_raw()); 3] }
    }

    fn groups(&self) -> Vec<Gid> {
        if self.is_caller() { Machine.groups() } else { Vec::new() }
    }

    fn passwd(&self) -> io::Result<Vec<u8>> {
        once(&self.machinery.passwd, || Machine.passwd())
    }

    fn group(&self) -> io::Result<Vec<u8>> {
        once(&self.machinery.group, || Machine.group())
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        if self.is_caller() { Machine.environment() } else { Vec::new() }
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

    fn read_envdir(&self, _directory: &Path) -> Result<Vec<(OsString, OsString)>, EnvdirError> {
        Ok(Vec::new())
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
