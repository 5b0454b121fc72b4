//! Statements with their steps → a line of options and a worker. A statement becomes options only if nothing before it
//! has to stay, and if no step before it depends on it or hides it.

mod environment;
mod files;
mod gates;
mod output;
mod program;
mod worker;

use super::finding::{ConvertFinding, Kind, NotConverted};
use super::interpreter::Interpreter;
use super::line::{self, Line};
use super::prepared::Prepared;
use super::recognised::Recognised;
use super::step::{Before, Condition, Output, Step, Target, User};
use super::word::Unset;
use super::{Context, Conversion, Definer};
use environment::Environment;
use worker::Worker;

/// A parsed run file.
pub(crate) struct Source<'s> {
    pub(crate) text: &'s str,
    pub(crate) interpreter: &'s Interpreter,
    pub(crate) statements: &'s [Recognised],
    pub(crate) context: &'s Context,
}

/// The worker of a user-owned definition, and of the launcher by default.
const DEFAULT_USER: &str = "abc";

/// How the whole file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything is an option.
    Line,
    /// From one statement on it is a script.
    Script,
}

/// Compiles a run file.
pub(crate) fn compile(source: &Source<'_>) -> Result<Conversion, NotConverted> {
    let mut compiler = Compiler::new(source, Mode::Line);
    compiler.statements(None);
    if compiler.stuck.is_some() {
        let stuck = compiler.stuck.take();
        compiler = Compiler::new(source, Mode::Script);
        compiler.why_script = stuck.clone();
        // what only the end of the file decided is known now
        compiler
            .statements(stuck.filter(|(index, _)| source.statements.get(*index).is_some_and(is_preparation)));
    }
    compiler.finish()
}

/// Whether a statement makes files or directories.
fn is_preparation(statement: &Recognised) -> bool {
    let makes =
        |step: &Step| matches!(step, Step::Make { .. } | Step::Touch(_) | Step::Owner(..) | Step::Mode(..));
    statement.steps.as_ref().is_ok_and(|steps| steps.iter().any(makes))
}

/// The state of a compilation.
#[derive(Clone)]
pub(super) struct Compiler<'s> {
    source: &'s Source<'s>,
    mode: Mode,
    line: Line,
    environment: Environment,
    prepared: Prepared,
    findings: Vec<ConvertFinding>,
    /// Of `cd`.
    directory: Option<String>,
    /// Relative paths of gates, which count from the worker's directory.
    has_relative_gate: bool,
    /// As whom the run file as a whole starts its program.
    final_user: Option<User>,
    /// The user at this point.
    user: Option<User>,
    log: Option<String>,
    stops_on_failure: bool,
    has_before: bool,
    is_loop: bool,
    /// Statements that stay in a script because it needs them, by index.
    kept: Vec<usize>,
    worker: Option<Worker>,
    /// The first statement that is not understood, and why.
    stuck: Option<(usize, String)>,
    /// The same of the line that was tried before a script.
    why_script: Option<(usize, String)>,
    /// The kept statement that is reported with a reason of its own.
    kept_with_reason: Option<usize>,
}

impl<'s> Compiler<'s> {
    fn new(source: &'s Source<'s>, mode: Mode) -> Self {
        let steps = || source.statements.iter().filter_map(|each| each.steps.as_ref().ok()).flatten();
        let mut final_user = steps().filter_map(|step| match step {
            Step::User(user) => Some(user.clone()),
            _ => None,
        });
        let mut log = steps().filter_map(|step| match step {
            Step::Output(Output { stdout: Some(Target::Append(path) | Target::Truncate(path)), .. }) => {
                Some(path.clone())
            }
            _ => None,
        });
        Compiler {
            source,
            mode,
            line: Line::default(),
            environment: Environment::new(source.interpreter),
            prepared: Prepared::default(),
            findings: Vec::new(),
            directory: None,
            has_relative_gate: false,
            final_user: final_user.next_back(),
            user: None,
            log: log.next_back(),
            stops_on_failure: source
                .interpreter
                .options
                .iter()
                .any(|each| each.starts_with('-') && each.contains('e')),
            has_before: false,
            is_loop: false,
            kept: Vec::new(),
            worker: None,
            stuck: None,
            why_script: None,
            kept_with_reason: None,
        }
    }

    /// Takes all statements; `refused` is one that is known to stay.
    fn statements(&mut self, refused: Option<(usize, String)>) {
        for (index, statement) in self.source.statements.iter().enumerate() {
            if self.worker.is_some() {
                break;
            }
            let before = self.clone();
            let taken = match &statement.steps {
                _ if refused.as_ref().is_some_and(|(each, _)| *each == index) => {
                    Err(refused.as_ref().map_or(String::new(), |(_, why)| why.clone()))
                }
                Ok(steps) => steps.iter().try_for_each(|step| self.take(index, statement, step)),
                Err(why) => Err(why.clone()),
            };
            if let Err(why) = taken {
                *self = before;
                self.stuck = Some((index, why));
                return;
            }
        }
        if self.worker.is_none() {
            self.stuck = Some((self.source.statements.len(), "it starts no program at its end".to_string()));
            return;
        }
        if let Err((line, why)) = self.make_directories() {
            let index =
                self.source.statements.iter().position(|each| each.line == line && is_preparation(each));
            self.stuck = Some((index.unwrap_or(0), why));
        }
    }

    fn note(&mut self, line: usize, kind: Kind, why: impl Into<String>) {
        let finding = ConvertFinding::new(line, kind, why);
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Keeps a statement for the script that follows; in a line there is none.
    fn keep(&mut self, index: usize) {
        if !self.kept.contains(&index) {
            self.kept.push(index);
        }
    }

    fn take(&mut self, index: usize, statement: &Recognised, step: &Step) -> Result<(), String> {
        let line = statement.line;
        match step {
            Step::LeftOut(why) => self.note(line, Kind::LeftOut, why),
            Step::Note(why) => self.note(line, Kind::Note, why),
            Step::StopOnFailure => self.stops_on_failure = true,
            Step::UnsetIsError => self.environment.unset = Unset::Error,
            Step::ShellState => self.keep(index),
            Step::Assign(name, value) => {
                self.keep(index);
                match self.mode {
                    Mode::Line => self.environment.assign(name, value)?,
                    Mode::Script => self.environment.assign_in_script(name),
                }
            }
            Step::Directory(path) if self.mode == Mode::Script => {
                self.keep(index);
                self.directory = Some(self.path(path));
            }
            Step::Directory(path) => self.enter(path)?,
            Step::Option(long, value) => self.option(line, long, value)?,
            Step::Output(output) => self.output(line, output)?,
            Step::Make { .. } | Step::Touch(_) | Step::Owner(..) | Step::Mode(..) => {
                self.prepare(line, step)?
            }
            Step::Gate(condition) => self.gate(condition, &statement.programs)?,
            Step::WaitFor(form, programs) => self.wait_for(form, programs)?,
            Step::Before(before) => self.before(before)?,
            Step::User(user) => self.become_user(line, user)?,
            Step::Pace(options) => self.pace(line, options)?,
            Step::Run(words) => self.run(line, words)?,
            Step::RunLines(span) => self.run_lines(span)?,
            Step::Source { .. }
            | Step::Export(..)
            | Step::Default(..)
            | Step::Require(_)
            | Step::Unset(_)
            | Step::EnvDir(_)
            | Step::ClearEnv => self.variables(line, step)?,
        }
        Ok(())
    }

    /// A path, from the service directory.
    fn path(&self, path: &str) -> String {
        match &self.directory {
            Some(directory) if !path.starts_with('/') => {
                format!("{}/{}", directory.trim_end_matches('/'), path.trim_start_matches("./"))
            }
            _ => path.to_string(),
        }
    }

    fn enter(&mut self, path: &str) -> Result<(), String> {
        if self.has_relative_gate {
            return Err("a directory is entered after a condition on a relative path".to_string());
        }
        let path = self.path(path);
        self.line.remove("chdir");
        self.directory = Some(path.clone());
        self.line.add("chdir", &path)
    }

    fn option(&mut self, line: usize, long: &'static str, value: &str) -> Result<(), String> {
        if matches!(long, "ready" | "ready-timeout") && !self.source.context.has("notification-fd") {
            self.note(
                line,
                Kind::LeftOut,
                "the service directory has no notification-fd: no process receives readiness",
            );
            return Ok(());
        }
        if self.has_before && matches!(long, "umask" | "ulimit" | "nice") {
            return Err(format!("{long} is set after a command that runs before the worker"));
        }
        if long == "nice" {
            self.note(line, Kind::Note, "nice adds to the inherited niceness, --nice sets it");
        }
        self.line.add(long, value)
    }

    fn finish(mut self) -> Result<Conversion, NotConverted> {
        if let Some((index, why)) = self.stuck.take() {
            self.leave(index, &why)?;
        }
        self.make_directories().map_err(|(line, why)| NotConverted::Stays { line, why })?;
        self.environment_of_run_file();
        self.as_root();
        self.explain_surroundings();
        let Some(worker) = self.worker.take() else {
            return Err(NotConverted::Stays { line: 1, why: "it starts no program".to_string() });
        };
        let (program, script) = self.program(worker)?;
        let words = self.line.words(&program);
        let line = self.source.statements.last().map_or(1, |statement| statement.line);
        let run = line::run_file(&self.source.context.launcher, &words)
            .map_err(|why| NotConverted::Stays { line, why })?;
        self.findings.sort_by_key(|finding| (finding.line, finding.kind));
        Ok(Conversion { run, script, findings: self.findings })
    }

    /// Without a change of user the worker was what the supervisor is.
    fn as_root(&mut self) {
        if self.final_user.is_some() && self.user.is_some() || self.line.has("user") {
            return;
        }
        match self.source.context.definer {
            Definer::Root => {
                _ = self.line.add("user", "root");
            }
            Definer::User => {
                let why =
                    "it changed no user: under a supervisor that is root the worker was root, now it is abc";
                self.note(0, Kind::Note, why);
            }
        }
    }
}
