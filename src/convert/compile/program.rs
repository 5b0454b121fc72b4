//! The worker: as whom, how often and what.

use super::worker::{self, Worker};
use super::{Compiler, DEFAULT_USER, Definer, Kind, Mode, User};
use crate::convert::word::{Piece, Word};

impl Compiler<'_> {
    /// `--user`, `--groups`
    pub(super) fn become_user(&mut self, line: usize, user: &User) -> Result<(), String> {
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

    /// When the worker runs again.
    pub(super) fn pace(&mut self, line: usize, options: &[(&'static str, String)]) -> Result<(), String> {
        for (long, value) in options {
            let value = if *long == "lock" { self.path(value) } else { value.clone() };
            self.line.add(long, &value)?;
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

    /// The program, if no statement has to stay for it.
    pub(super) fn run(&mut self, line: usize, words: &[Word]) -> Result<(), String> {
        if self.mode == Mode::Script {
            let statement = |index: &usize| self.source.statements.get(*index);
            let own = self
                .why_script
                .as_ref()
                .filter(|(index, _)| statement(index).is_some_and(|each| each.line == line));
            let why = own.map(|(_, why)| why.clone());
            return Err(why.unwrap_or_else(|| "the lines that stay are for this program".to_string()));
        }
        let words = self.environment.substituted(words)?;
        let names: Vec<&str> = words.iter().flat_map(Word::names).collect();
        if self.line.has("clear-env") && !names.is_empty() {
            return Err("arguments with variables that are removed".to_string());
        }
        if let Some(name) = names.iter().find(|name| ["HOME", "USER", "LOGNAME"].contains(name)) {
            self.note(line, Kind::Note, format!("{name} is that of the worker's user"));
        }
        if self.user.is_some() && words.iter().any(|word| word.pieces.contains(&Piece::Pattern)) {
            self.note(line, Kind::Note, "file names and ~ are expanded as the worker's user");
        }
        let literal: Option<Vec<String>> = words.iter().map(Word::literal).collect();
        self.worker = Some(match literal {
            Some(words) if !words.is_empty() => Worker::Program(words),
            _ => {
                if !words.iter().all(Word::is_simple) {
                    return Err("arguments that only this shell can expand".to_string());
                }
                let raw: Vec<&str> = words.iter().map(|word| word.raw.as_str()).collect();
                Worker::Shell {
                    options: self.shell_options(false),
                    shell: "sh",
                    text: format!("exec {}", raw.join(" ")),
                }
            }
        });
        Ok(())
    }

    /// Lines of the run file as the work of a loop.
    pub(super) fn run_lines(&mut self, span: &std::ops::Range<usize>) -> Result<(), String> {
        if self.mode == Mode::Line {
            if self.directory.is_some() {
                return Err("the lines of a loop run in another directory".to_string());
            }
            self.environment.leave_to_script()?;
        }
        let text = self.source.text.get(span.clone()).unwrap_or_default();
        let is_root = self.source.context.definer == Definer::Root && self.final_user.is_none();
        if !self.is_final_user() || worker::changes_user_in(text) && !is_root {
            return Err("the user is changed inside of the loop".to_string());
        }
        let first = self.line_of(span.start);
        for number in first..first + text.lines().count() {
            self.note(number, Kind::Stays, "the work of the loop");
        }
        self.worker = Some(Worker::Script(text.to_string()));
        Ok(())
    }
}
