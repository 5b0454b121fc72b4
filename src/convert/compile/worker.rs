//! The worker of the line: a program, a command of one line, or a script with what was not understood.

use super::{Compiler, Kind, NotConverted, Step, User};
use crate::convert::interpreter::Language;
use crate::convert::recognised::Recognised;
use crate::convert::shell::UNKNOWN;
use crate::convert::word::Unset;
use crate::convert::{Definer, SCRIPT, WorkerScript, script};

/// What the line runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    /// Words that need no shell.
    Program(Vec<String>),
    /// A command of one line.
    Shell { shell: &'static str, options: String, text: String },
    /// Lines for the script beside `run`.
    Script(String),
}

/// Programs that change the user.
const CHANGE_USER: [&str; 10] = [
    "s6-setuidgid",
    "setuidgid",
    "s6-applyuidgid",
    "su-exec",
    "gosu",
    "sudo",
    "su",
    "runuser",
    "setpriv",
    "chpst",
];

/// Programs and builtins that do the same for every user.
const SAME_FOR_ALL: [&str; 23] = [
    "echo", "printf", "test", "[", "[[", "true", ":", "export", "local", "declare", "typeset", "set",
    "unset", "date", "hostname", "uname", "basename", "dirname", "nproc", "expr", "tr", "seq", "command",
];

/// The longest command that is written into the line.
const MAX_COMMAND: usize = 200;

/// Whether a program changes the user.
pub(super) fn changes_user(program: &str) -> bool {
    CHANGE_USER.contains(&program.rsplit('/').next().unwrap_or_default())
}

/// Whether a text has the name of such a program anywhere: in a function, a loop, an argument.
pub(super) fn changes_user_in(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-/.".contains(c)).any(changes_user)
}

impl Compiler<'_> {
    /// The line of a place in the run file.
    pub(super) fn line_of(&self, at: usize) -> usize {
        1 + self.source.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// Leaves a statement and all that follow to a script.
    pub(super) fn leave(&mut self, index: usize, why: &str) -> Result<(), NotConverted> {
        let Some(first) = self.source.statements.get(index) else {
            let line = self.source.statements.last().map_or(1, |statement| statement.line);
            return Err(NotConverted::Stays { line, why: why.to_string() });
        };
        let rest = self.source.statements.get(index..).unwrap_or_default();
        let tail = self.source.text.get(first.span.start..).unwrap_or_default().to_string();
        let kept = self.kept.iter().filter_map(|index| self.source.statements.get(*index));
        let kept: Vec<_> = kept.collect();
        let changes =
            |each: &&Recognised| self.source.text.get(each.span.clone()).is_none_or(changes_user_in);
        let last = rest.last().filter(|_| changes_user_in(&tail));
        let tail = match rest
            .iter()
            .find(changes)
            .or(last)
            .or_else(|| kept.into_iter().find(|each| changes(each)))
        {
            None => tail,
            Some(changing) => match self.change_user(index, &tail) {
                Some(tail) => tail,
                None if self.source.context.definer == Definer::Root => tail,
                None => {
                    let why = format!(
                        "{why} (line {}): root would have to run it before the user is changed",
                        first.line
                    );
                    return Err(NotConverted::Stays { line: changing.line, why });
                }
            },
        };
        if let Some((index, why)) = self.why_script.clone()
            && let Some(statement) = self.source.statements.get(index)
            && self.kept.contains(&index)
        {
            self.note(statement.line, Kind::Stays, why);
            self.kept_with_reason = Some(index);
        }
        self.note(first.line, Kind::Stays, why);
        for each in rest.iter().skip(1) {
            self.note(each.line, Kind::Stays, "follows a line that stays");
        }
        self.worker = Some(self.short(index, &tail).unwrap_or(Worker::Script(tail)));
        Ok(())
    }

    /// A single command of one line.
    fn short(&self, index: usize, tail: &str) -> Option<Worker> {
        let text = tail.trim();
        let is_one = index + 1 == self.source.statements.len() && self.only_options_are_kept();
        let is_plain = !text.contains('\n') && !text.contains(" #") && text.len() <= MAX_COMMAND;
        let language = self.source.interpreter.language;
        (is_one
            && is_plain
            && matches!(language, Language::Sh | Language::Bash)
            && !script::uses_arguments(text))
        .then(|| Worker::Shell {
            shell: self.source.interpreter.shell(),
            options: self.shell_options(self.stops_on_failure),
            text: text.to_string(),
        })
    }

    /// `-euc`
    pub(super) fn shell_options(&self, stops_on_failure: bool) -> String {
        let stops = if stops_on_failure { "e" } else { "" };
        let unset = if self.environment.unset == Unset::Error { "u" } else { "" };
        format!("-{stops}{unset}c")
    }

    /// Whether all that a script would keep are options of `set` that one command does not depend on.
    fn only_options_are_kept(&self) -> bool {
        let steps =
            self.kept.iter().filter_map(|index| self.source.statements.get(*index)).map(|each| &each.steps);
        steps
            .filter_map(|steps| steps.as_ref().ok())
            .flatten()
            .all(|step| matches!(step, Step::ShellState | Step::UnsetIsError | Step::StopOnFailure))
            && !self.kept.iter().any(|index| {
                let text = self
                    .source
                    .statements
                    .get(*index)
                    .and_then(|each| self.source.text.get(each.span.clone()));
                text.is_none_or(|text| !text.starts_with("set ") || text.contains("pipefail"))
            })
    }

    /// The lines without the change of user, which the launcher makes before all of them; none if root has to run some.
    fn change_user(&mut self, index: usize, tail: &str) -> Option<String> {
        let user: User = self.final_user.clone()?;
        let (last, before) = self.source.statements.get(index..)?.split_last()?;
        let is_same = |program: &String| SAME_FOR_ALL.contains(&program.as_str());
        let kept = self.kept.iter().filter_map(|index| self.source.statements.get(*index));
        if !before.iter().chain(kept).all(|each| each.programs.iter().all(is_same)) {
            return None;
        }
        let command = self.source.text.get(last.span.clone())?;
        // what the shell expands, it expands as root
        if last.programs.iter().any(|each| each == UNKNOWN) || command.contains('`') || command.contains("<(")
        {
            return None;
        }
        if let Some((_, expanded)) = command.split_once("$(") {
            let words = || expanded.split(|c: char| c.is_whitespace() || "();|&\"".contains(c));
            if !words()
                .filter(|word| last.programs.iter().any(|each| each == word))
                .all(|word| is_same(&word.to_string()))
            {
                return None;
            }
        }
        let others =
            before.iter().chain(self.kept.iter().filter_map(|index| self.source.statements.get(*index)));
        if others.filter_map(|each| self.source.text.get(each.span.clone())).any(changes_user_in) {
            return None;
        }
        let start = last.span.start.checked_sub(self.source.statements.get(index)?.span.start)?;
        let without = script::without_user(command, &user.name)?;
        let text = format!("{}{without}{}", tail.get(..start)?, tail.get(start + command.len()..)?);
        self.user = None;
        self.become_user(last.line, &user).ok()?;
        self.note(
            last.line,
            Kind::Note,
            "the change of user is removed from this line: futo-launch makes it before",
        );
        Some(text)
    }

    /// The program of the line, and the script that it needs.
    pub(super) fn program(
        &mut self,
        worker: Worker,
    ) -> Result<(Vec<String>, Option<WorkerScript>), NotConverted> {
        let text = match worker {
            Worker::Program(words) => return Ok((words, None)),
            Worker::Shell { shell, options, text } => {
                return Ok((vec![shell.to_string(), options, text], None));
            }
            Worker::Script(text) => text,
        };
        let name = [SCRIPT, "run-worker.sh"].into_iter().find(|name| !self.source.context.has(name));
        let Some(name) = name else {
            let why = format!("{SCRIPT} and run-worker.sh exist already");
            return Err(NotConverted::Stays { line: 1, why });
        };
        let kept = self.kept.clone();
        for index in
            kept.iter().filter(|index| self.kept_with_reason != Some(**index)).copied().collect::<Vec<_>>()
        {
            if let Some(statement) = self.source.statements.get(index) {
                self.note(statement.line, Kind::Stays, "the lines that stay depend on it");
            }
        }
        let source = self.source;
        let parts =
            kept.iter().filter_map(|index| source.text.get(source.statements.get(*index)?.span.clone()));
        let mut program = vec![format!("./{name}")];
        if script::uses_arguments(&text) {
            // the argument that s6 gives to run
            program.push(self.source.context.name.clone());
        }
        let text = script::text(source.interpreter, parts.chain([text.as_str()]));
        Ok((program, Some(WorkerScript { name: name.to_string(), text })))
    }

    /// What lies beside the run file, and what the launcher does by default.
    pub(super) fn explain_surroundings(&mut self) {
        let context = self.source.context;
        if !self.source.interpreter.loads_container {
            let why = "the worker gets the container's variables too; --container-env=none prevents it";
            self.note(0, Kind::Note, why);
        }
        let has_log =
            self.line.has("log") || self.findings.iter().any(|each| each.why == "it is the default log");
        match context.has("log/run") {
            true => self.note(
                0,
                Kind::Note,
                "log/run stays: its logger receives the output as before, and stderr too",
            ),
            false if !has_log => {
                // where the supervisor's own stdout goes
                _ = self.line.add("log", "-");
                let why =
                    "output goes where it went; without --log=- it goes to a log of its own, for futo logs";
                self.note(0, Kind::Note, why);
            }
            false => {}
        }
        for (file, why) in [
            (
                "finish",
                "finish stays: the supervisor runs it after each end of the launcher, in a loop after a stop only",
            ),
            ("down", "down stays: the service is not started automatically"),
            ("timeout-kill", "timeout-kill stays in force; in a loop it should exceed --grace"),
            ("timeout-finish", "timeout-finish stays in force"),
            ("down-signal", "down-signal stays in force; in a loop --stop-signal is what the worker gets"),
            (
                "type",
                "the definition is one of s6-rc: its other files stay; config.env is not copied by s6-rc-compile",
            ),
        ] {
            if context.has(file) {
                self.note(0, Kind::Note, why);
            }
        }
        if context.has("notification-fd") && !self.line.has("ready") {
            let why = match self.is_loop {
                true => "notification-fd stays: the loop is ready at its start",
                false => "notification-fd stays: the worker inherits the descriptor as before",
            };
            self.note(0, Kind::Note, why);
        }
    }
}
