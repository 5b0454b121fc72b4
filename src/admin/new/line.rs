//! The launcher's command line of a new service, and the resulting plan.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::starter::Starter;
use super::{paths, program};
use crate::config::Spec;
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
    /// Options, `--`, program and arguments.
    pub(super) words: Vec<OsString>,
    /// The number of options given by the user.
    given: usize,
    /// What is moved to config.env: `--env NAME=VALUE`.
    pub(super) variables: Vec<(String, String)>,
    /// Where the program is, or why it cannot be started.
    pub(super) program: Result<PathBuf, String>,
}

impl CommandLine {
    /// For a given program; the current directory becomes `--chdir`.
    pub(super) fn of_program(launch: &[OsString], program: &[OsString]) -> Self {
        let (mut options, variables) = split_environment(launch);
        let given = options.len();
        let found = program::find(program);
        let program = program::absolute(program.to_vec(), &found);
        let has_chdir = options.iter().any(|word| word.as_bytes().starts_with(b"--chdir="));
        let directory = if has_chdir { None } else { program::directory(&program) };
        if let Some(directory) = directory {
            let mut chdir = OsString::from("--chdir=");
            chdir.push(directory);
            options.push(chdir);
        }
        CommandLine { words: words(options, program), given, variables, program: found }
    }

    /// For a starter worker, which is in the service directory.
    pub(super) fn of_starter(launch: &[OsString], starter: Starter) -> Self {
        let (options, variables) = split_environment(launch);
        let program: Vec<OsString> = starter.words().iter().map(OsString::from).collect();
        let found = program::find(&program);
        let given = options.len();
        CommandLine { words: words(options, program), given, variables, program: found }
    }

    /// The resulting plan, with `--persist` where runs are rare; or everything that is wrong with it.
    pub(super) fn plan(&mut self, name: &ServiceName, above: &Path) -> Result<Plan, Findings> {
        let plan = plan_of(&self.words, name, above)?;
        if !needs_persist(&plan, self.words.get(..self.given).unwrap_or_default()) {
            return Ok(plan);
        }
        self.words.insert(self.given, "--persist".into());
        plan_of(&self.words, name, above)
    }
}

fn words(options: Vec<OsString>, worker: Vec<OsString>) -> Vec<OsString> {
    options.into_iter().chain(["--".into()]).chain(worker).collect()
}

/// The options with absolute paths. `--env NAME=VALUE` goes into config.env, where people look for it; a value that
/// refers to other variables stays on the command line.
fn split_environment(launch: &[OsString]) -> (Vec<OsString>, Vec<(String, String)>) {
    let mut line = Vec::new();
    let mut variables = Vec::new();
    for word in launch {
        let plain =
            word.to_str().and_then(|word| word.strip_prefix("--env=")).and_then(|set| set.split_once('='));
        match plain {
            Some((name, value)) if !value.contains('$') && VariableName::parse(name.as_bytes()).is_ok() => {
                variables.push((name.to_string(), value.to_string()));
            }
            _ => line.push(paths::absolute(word.clone())),
        }
    }
    (line, variables)
}

/// The plan for these arguments in a service directory below `above`, limited to what those who can write there may
/// have.
fn plan_of(line: &[OsString], name: &ServiceName, above: &Path) -> Result<Plan, Findings> {
    let mut findings = Findings::default();
    let named = |spec: &mut Spec| {
        spec.name.get_or_insert(name.clone());
    };
    let path = above.join(name.as_str()).join(layout::RUN);
    let draft = Trust::default().plan_of_new(&path, line.to_vec(), named, &mut findings);
    draft.approve(&findings).map_err(|_| findings)
}

/// Whether runs are so rare that a restart must not repeat one, and the user has not decided otherwise.
fn needs_persist(plan: &Plan, options: &[OsString]) -> bool {
    let is_rare = match &plan.mode {
        plan::Mode::Loop(TimingSpec::Fixed(timing)) => match timing.pace {
            Pace::Interval(delay) | Pace::Every(delay) => delay.duration() >= PERSISTS_FROM,
            Pace::Schedule(_) | Pace::Once { .. } => false,
        },
        _ => false,
    };
    is_rare && !options.iter().any(|word| word == "--persist" || word.as_bytes().starts_with(b"--persist="))
}
