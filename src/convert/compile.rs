//! Statements with their steps → a line of options and a worker. A statement becomes options only if nothing before it
//! has to stay, and if no step before it depends on it or hides it.

mod environment;
mod worker;

use super::finding::{ConvertFinding, Kind, NotConverted};
use super::interpreter::Interpreter;
use super::line::{self, Line};
use super::prepared::{self, MadeDirectory, Prepared};
use super::recognised::Recognised;
use super::step::{Before, Condition, Output, Step, Target, User};
use super::word::{Unset, Word};
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
        let final_user = steps().filter_map(|step| match step {
            Step::User(user) => Some(user.clone()),
            _ => None,
        });
        let log = steps().filter_map(|step| match step {
            Step::Output(Output { stdout: Some(Target::Append(path) | Target::Truncate(path)), .. }) => {
                Some(path.clone())
            }
            _ => None,
        });
        Compiler {
            source,
            mode,
            line: Line::default(),
            environment: Environment::default(),
            prepared: Prepared::default(),
            findings: Vec::new(),
            directory: None,
            has_relative_gate: false,
            final_user: final_user.last(),
            user: None,
            log: log.last(),
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
            Step::Run(words) => self.run(words)?,
            Step::RunLines(span) => self.run_lines(span, &statement.programs)?,
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
                "the service directory has no notification-fd: readiness is reported to nobody",
            );
            return Ok(());
        }
        if long == "nice" {
            self.note(line, Kind::Note, "nice adds to the inherited niceness, --nice sets it");
        }
        self.line.add(long, value)
    }

    fn output(&mut self, line: usize, output: &Output) -> Result<(), String> {
        let Output { stdout, stderr } = output;
        let target = match (stdout, stderr) {
            (None, Some(Target::SameAsStdout)) => {
                self.note(line, Kind::LeftOut, "stderr joins the log");
                return Ok(());
            }
            (Some(Target::Nowhere), Some(Target::SameAsStdout | Target::Nowhere)) => "none".to_string(),
            (Some(Target::Append(path)), Some(Target::SameAsStdout)) => path.clone(),
            (Some(Target::Append(path)), None) if self.has_stderr_in_stdout() => path.clone(),
            (Some(Target::Append(path)), None) => {
                self.note(line, Kind::Note, "stderr joins the log too");
                path.clone()
            }
            (Some(Target::Append(path)), Some(Target::Append(other))) if path == other => path.clone(),
            (Some(Target::Truncate(path)), None | Some(Target::SameAsStdout)) => {
                self.note(line, Kind::Note, "the log is appended to, not emptied at each start");
                path.clone()
            }
            _ => return Err("stdout and stderr go to different places".to_string()),
        };
        if target == "none" {
            return self.line.add("log", "none");
        }
        let path = self.path(&target);
        let is_default = path == format!("/config/.local/state/futodama/{}.log", self.source.context.name)
            && self.final_user.as_ref().is_none_or(|user| user.name == DEFAULT_USER);
        match is_default {
            true => {
                self.note(line, Kind::LeftOut, "it is the default log");
                Ok(())
            }
            false => {
                self.note(line, Kind::Note, "the log is rotated at 10 MiB (--log-size, --log-keep)");
                self.line.add("log", &path)
            }
        }
    }

    /// Whether stderr already goes where stdout goes.
    fn has_stderr_in_stdout(&self) -> bool {
        self.findings.iter().any(|each| each.why == "stderr joins the log")
    }

    fn gate(&mut self, condition: &Condition, programs: &[String]) -> Result<(), String> {
        if self.has_before {
            return Err("a switch after a command that runs before the worker".to_string());
        }
        match condition {
            Condition::Set(name) => {
                self.environment.read(name)?;
                self.line.add("if-env", name)
            }
            Condition::NotSet(name) => {
                self.environment.read(name)?;
                self.line.add("if-env", &format!("!{name}"))
            }
            Condition::Equals(name, value) => {
                self.environment.read(name)?;
                self.line.add("if-env", &format!("{name}={value}"))
            }
            Condition::Differs(name, value) => {
                self.environment.read(name)?;
                self.line.add("if-env", &format!("{name}!={value}"))
            }
            Condition::Exists(path) => {
                self.has_relative_gate |= !path.starts_with('/');
                self.line.add("if-file", path)
            }
            Condition::Missing(path) => {
                self.command_gate(&format!("[ ! -e {} ]", crate::shell_quote::shell_word(path)), &[])
            }
            Condition::Succeeds(text, programs) => self.command_gate(text, programs),
            Condition::Fails(text, _) => self.command_gate(&format!("! {text}"), programs),
            Condition::IsRoot | Condition::IsNotRoot => Err("a switch on the user".to_string()),
        }
    }

    fn command_gate(&mut self, text: &str, programs: &[String]) -> Result<(), String> {
        let only_looks = |program: &String| ["command", "test", "[", "!"].contains(&program.as_str());
        if !programs.iter().all(only_looks) && !self.is_final_user() {
            return Err("a command as root decides".to_string());
        }
        if text.contains('$') {
            return Err("a command with variables decides".to_string());
        }
        self.line.add("if-cmd", text)
    }

    fn wait_for(&mut self, form: &str, programs: &[String]) -> Result<(), String> {
        if self.has_before {
            return Err("it waits after a command that runs before the worker".to_string());
        }
        if form.contains('$') {
            return Err("it waits for something that variables name".to_string());
        }
        let is_local = |program: &String| ["test", "[", "grep"].contains(&program.as_str());
        if programs.iter().any(is_local) && !self.is_final_user() {
            return Err("root waits for it, before the user is changed".to_string());
        }
        if let Some(path) = form.strip_prefix("file:") {
            self.has_relative_gate |= !path.starts_with('/');
        }
        self.line.add("wait-for", form)
    }

    /// Whether the user at this point is the one that runs the worker.
    fn is_final_user(&self) -> bool {
        self.user == self.final_user
    }

    fn before(&mut self, before: &Before) -> Result<(), String> {
        let Before { text, user, programs, names, ignores_failure } = before;
        let prints = programs.iter().all(|program| ["echo", "printf"].contains(&program.as_str()));
        let is_same = match user {
            Some(user) => Some(user) == self.final_user.as_ref(),
            None => self.is_final_user() || prints,
        };
        if !is_same {
            return Err("a command that root runs, before the user is changed".to_string());
        }
        self.environment.read_by_command(names)?;
        if self.directory.is_none()
            && self
                .source
                .statements
                .iter()
                .filter_map(|each| each.steps.as_ref().ok())
                .flatten()
                .any(|step| matches!(step, Step::Directory(_)))
        {
            return Err("a command before the directory is entered".to_string());
        }
        self.has_before = true;
        let text = match *ignores_failure || !self.stops_on_failure && !prints {
            true => format!("{text} || :"),
            false => text.clone(),
        };
        self.line.add("before", &text)
    }

    fn become_user(&mut self, line: usize, user: &User) -> Result<(), String> {
        if Some(user) != self.final_user.as_ref() || self.user.is_some() {
            return Err("the user is changed twice".to_string());
        }
        self.user = Some(user.clone());
        if let Some(groups) = &user.groups {
            self.line.add("groups", groups)?;
        }
        match user.name == DEFAULT_USER {
            true => {
                self.note(line, Kind::LeftOut, format!("the worker runs as {DEFAULT_USER} by default"));
                Ok(())
            }
            false => self.line.add("user", &user.name),
        }
    }

    fn pace(&mut self, line: usize, options: &[(&'static str, String)]) -> Result<(), String> {
        for (long, value) in options {
            self.line.add(long, value)?;
        }
        if self.stops_on_failure && !self.is_loop {
            self.note(
                line,
                Kind::Note,
                "a failed run does not end the loop; set -e did, and the supervisor restarted it",
            );
        }
        self.is_loop = true;
        Ok(())
    }

    fn run(&mut self, words: &[Word]) -> Result<(), String> {
        if self.mode == Mode::Script {
            return Err("the lines that stay are for this program".to_string());
        }
        let words = self.environment.substituted(words)?;
        let literal: Option<Vec<String>> = words.iter().map(Word::literal).collect();
        self.worker = Some(match literal {
            Some(words) if !words.is_empty() => Worker::Program(words),
            _ => {
                if !words.iter().all(Word::is_simple) {
                    return Err("arguments that only this shell can expand".to_string());
                }
                let raw: Vec<&str> = words.iter().map(|word| word.raw.as_str()).collect();
                Worker::Shell { shell: "sh", text: format!("exec {}", raw.join(" ")) }
            }
        });
        Ok(())
    }

    fn run_lines(&mut self, span: &std::ops::Range<usize>, programs: &[String]) -> Result<(), String> {
        if self.mode == Mode::Line {
            if self.directory.is_some() {
                return Err("the lines of a loop run in another directory".to_string());
            }
            self.environment.leave_to_script()?;
        }
        let text = self.source.text.get(span.clone()).unwrap_or_default();
        if !self.is_final_user() || programs.iter().any(|program| worker::changes_user(program)) {
            return Err("the user is changed inside of the loop".to_string());
        }
        let first = self.line_of(span.start);
        for number in first..first + text.lines().count() {
            self.note(number, Kind::Stays, "the work of the loop");
        }
        self.worker = Some(Worker::Script(text.to_string()));
        Ok(())
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

    fn prepare(&mut self, line: usize, step: &Step) -> Result<(), String> {
        let log = self.log.as_ref().map(|log| self.path(log));
        let own = |path: &str| prepared::is_own(path, log.as_deref());
        match step {
            Step::Make { path, mode } => {
                let path = self.path(path);
                match own(&path) {
                    true => self.note(line, Kind::LeftOut, "futo-launch creates it"),
                    false => self.prepared.directories.push(MadeDirectory {
                        line,
                        path,
                        mode: mode.clone(),
                        owner: None,
                    }),
                }
                Ok(())
            }
            Step::Touch(path) | Step::Owner(_, path) | Step::Mode(_, path) if own(&self.path(path)) => {
                if let (Step::Mode(mode, _), Some(log)) = (step, &log)
                    && self.path(path) == *log
                    && mode.parse::<u32>().is_ok()
                {
                    return self.line.add("log-mode", mode);
                }
                self.note(line, Kind::LeftOut, "futo-launch creates it as the worker's user");
                Ok(())
            }
            Step::Owner(owner, path) => {
                let path = self.path(path);
                let made = self.prepared.directories.iter_mut().find(|each| each.path == path);
                let made = made.ok_or("the owner of something that the run file does not make")?;
                made.owner = Some(owner.clone());
                Ok(())
            }
            Step::Mode(mode, path) => {
                let path = self.path(path);
                let made = self.prepared.directories.iter_mut().find(|each| each.path == path);
                let made = made.ok_or("the mode of something that the run file does not make")?;
                made.mode = Some(mode.clone());
                Ok(())
            }
            _ => Err("a file is made before the start".to_string()),
        }
    }

    fn make_directories(&mut self) -> Result<(), (usize, String)> {
        for made in std::mem::take(&mut self.prepared.directories) {
            let MadeDirectory { line, path, mode, owner } = made;
            let user = self
                .final_user
                .as_ref()
                .map(|user| user.name.split(':').next().unwrap_or_default().to_string());
            let owner_name =
                owner.as_ref().map(|owner| owner.split([':', '.']).next().unwrap_or_default().to_string());
            if owner_name != user && !(owner_name.is_none() && self.user.is_none()) {
                return Err((line, format!("'{path}' would belong to another user than the worker's")));
            }
            let value = mode.map_or(path.clone(), |mode| format!("{path}:{mode}"));
            self.line.add("mkdir", &value).map_err(|why| (line, why))?;
            self.note(line, Kind::Note, "a directory that exists keeps its owner and mode");
        }
        Ok(())
    }
}
