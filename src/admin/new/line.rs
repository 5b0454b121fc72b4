//! The launcher's command line of a new service, and the resulting plan.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::starter::Starter;
use super::{paths, program};
use crate::config::Spec;
use crate::config::flags::{Key, LaunchOption, LoopOption};
use crate::config::request::Given;
use crate::config::timing::{Pace, TimingSpec};
use crate::config::value::VariableName;
use crate::error::Findings;
use crate::plan::{self, Plan};
use crate::service::{ServiceName, layout};
use crate::trust::Trust;

/// With this much time between two runs, the last start counts after a restart (`--persist`).
const PERSISTS_FROM: Duration = Duration::from_secs(3600);

/// What the run file is to execute.
pub(super) struct CommandLine {
    /// The launcher's options given by the user.
    given: Vec<Given>,
    /// Whether `--persist` is added to them.
    adds_persist: bool,
    /// The directory of the `--chdir` that is added to them.
    adds_chdir: Option<PathBuf>,
    /// Program and arguments.
    worker: Vec<OsString>,
    /// What is moved to config.env: `--env NAME=VALUE`.
    pub(super) variables: Vec<(String, String)>,
    /// Where the program is, or why it cannot be started.
    pub(super) program: Result<PathBuf, String>,
}

impl CommandLine {
    /// For a given program; the current directory becomes `--chdir`.
    pub(super) fn of_program(launch: &[Given], program: &[OsString]) -> Self {
        let (given, variables) = split_environment(launch);
        let found = program::find(program);
        let worker = program::absolute(program.to_vec(), &found);
        let has_chdir = given.iter().any(|option| option.is(Key::Launch(LaunchOption::Chdir)));
        let adds_chdir = if has_chdir { None } else { program::directory(&worker) };
        CommandLine { given, adds_persist: false, adds_chdir, worker, variables, program: found }
    }

    /// For a starter worker, which is in the service directory.
    pub(super) fn of_starter(launch: &[Given], starter: Starter) -> Self {
        let (given, variables) = split_environment(launch);
        let worker: Vec<OsString> = starter.words().iter().map(OsString::from).collect();
        let program = program::find(&worker);
        CommandLine { given, adds_persist: false, adds_chdir: None, worker, variables, program }
    }

    /// Options, `--`, program and arguments.
    pub(super) fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = self.given.iter().map(Given::word).collect();
        if self.adds_persist {
            words.push("--persist".into());
        }
        if let Some(directory) = &self.adds_chdir {
            let mut chdir = OsString::from("--chdir=");
            chdir.push(directory);
            words.push(chdir);
        }
        words.push("--".into());
        words.extend_from_slice(&self.worker);
        words
    }

    /// Whether `--persist` is among the options, without a value.
    pub(super) fn has_persist(&self) -> bool {
        self.adds_persist || self.persist_options().any(|option| option.value.is_empty())
    }

    fn persist_options(&self) -> impl Iterator<Item = &Given> {
        self.given.iter().filter(|option| option.is(Key::Loop(LoopOption::Persist)))
    }

    /// The resulting plan, with `--persist` where runs are rare; or everything that is wrong with it.
    pub(super) fn plan(&mut self, name: &ServiceName, above: &Path) -> Result<Plan, Findings> {
        let plan = plan_of(self.words(), name, above)?;
        // the user has not chosen otherwise, and runs are so rare that a restart must not repeat one
        self.adds_persist = self.persist_options().next().is_none() && runs_rarely(&plan);
        match self.adds_persist {
            true => plan_of(self.words(), name, above),
            false => Ok(plan),
        }
    }
}

/// The options with absolute paths. `--env NAME=VALUE` goes into config.env, where people look for it; a value that
/// refers to other variables stays on the command line.
fn split_environment(launch: &[Given]) -> (Vec<Given>, Vec<(String, String)>) {
    let mut options = Vec::new();
    let mut variables = Vec::new();
    for option in launch {
        let set = option.value.to_str().filter(|_| option.is(Key::Launch(LaunchOption::Env)));
        match set.and_then(|set| set.split_once('=')) {
            Some((name, value)) if !value.contains('$') && VariableName::parse(name.as_bytes()).is_ok() => {
                variables.push((name.to_string(), value.to_string()));
            }
            _ => options.push(paths::absolute(option.clone())),
        }
    }
    (options, variables)
}

/// The plan for these arguments in a service directory below `above`, limited to what those who can write there may
/// have.
fn plan_of(line: Vec<OsString>, name: &ServiceName, above: &Path) -> Result<Plan, Findings> {
    let mut findings = Findings::default();
    let named = |spec: &mut Spec| {
        spec.name.get_or_insert(name.clone());
    };
    let path = above.join(name.as_str()).join(layout::RUN);
    let draft = Trust::default().plan_of_new(&path, line, named, &mut findings);
    draft.approve(&findings).map_err(|_| findings)
}

fn runs_rarely(plan: &Plan) -> bool {
    match &plan.mode {
        plan::Mode::Loop(TimingSpec::Fixed(timing)) => match timing.pace {
            Pace::Interval(delay) | Pace::Every(delay) => delay.duration() >= PERSISTS_FROM,
            Pace::Schedule(_) | Pace::Once { .. } => false,
        },
        _ => false,
    }
}
