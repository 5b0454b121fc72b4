//! The reader: commands in order, each evaluated before the next, as in a shell.

use super::assignment::{Assignment, Inherited};
use super::cursor::Cursor;
use super::evaluate::Variables;
use super::operand::is_foreign_name;
use super::refusal::Refusal;
use super::spelling::Spelling;
use super::syntax::{Assign, Expanded, Operand, Operator, Word};
use super::words::{self, Context};
use super::{names, operand};

/// After this many refusals the rest of the file is skipped.
const MAX_REFUSALS: usize = 100;

pub(super) struct Reader<'a, 'e> {
    cursor: Cursor<'a>,
    variables: Variables<'e>,
    refusals: Vec<Refusal>,
    /// Only if requested.
    spelling: Option<Spelling>,
    /// The last line of the current command, and the comment after it.
    ended_at: usize,
    comment: &'a [u8],
}

impl<'a, 'e> Reader<'a, 'e> {
    pub(super) fn new(bytes: &'a [u8], inherited: Inherited<'e>) -> Self {
        Reader {
            cursor: Cursor::new(bytes),
            variables: Variables::new(inherited),
            refusals: Vec::new(),
            spelling: None,
            ended_at: 0,
            comment: &[],
        }
    }

    pub(super) fn read(mut self) -> Result<Vec<Assignment>, Vec<Refusal>> {
        self.commands();
        if self.refusals.is_empty() { Ok(self.variables.assignments) } else { Err(self.refusals()) }
    }

    /// Returns the canonical spelling of the file.
    pub(super) fn spell(mut self) -> Result<Vec<u8>, Vec<Refusal>> {
        self.spelling = Some(Spelling::default());
        self.commands();
        let text = self.spelling.take().map(Spelling::into_text).unwrap_or_default();
        if self.refusals.is_empty() { Ok(text) } else { Err(self.refusals()) }
    }

    /// At most [`MAX_REFUSALS`]: a single command may yield more.
    fn refusals(mut self) -> Vec<Refusal> {
        self.refusals.truncate(MAX_REFUSALS);
        self.refusals
    }

    fn commands(&mut self) {
        while !self.cursor.at_end() && self.refusals.len() < MAX_REFUSALS && !self.variables.is_exhausted() {
            if let Err(refusal) = self.command() {
                self.refusals.push(refusal);
                self.cursor.skip_line();
            }
        }
    }

    /// One command, with its newline or `;`.
    fn command(&mut self) -> Result<(), Refusal> {
        self.cursor.skip_blanks();
        let line = self.cursor.line();
        match self.cursor.peek() {
            None => Ok(()),
            Some(b'\n' | b'#') => {
                let comment = self.cursor.skip_line();
                if let Some(spelling) = &mut self.spelling {
                    spelling.idle(line, comment);
                }
                Ok(())
            }
            Some(b';') => Err(Refusal::new(line, "a ';' without a command before it", "remove it")),
            Some(_) => self.some_command(line),
        }
    }

    fn some_command(&mut self, line: usize) -> Result<(), Refusal> {
        self.comment = &[];
        if self.take_word(b"export") {
            self.export(line)?;
        } else if self.take_word(b":") {
            self.null_command()?;
        } else if self.take_word(b"set") {
            self.set(line)?;
        } else {
            self.assignments()?;
        }
        if let Some(spelling) = &mut self.spelling {
            spelling.ended(self.ended_at, self.comment);
        }
        Ok(())
    }

    /// Consumes this word if it comes next, unquoted.
    fn take_word(&mut self, word: &[u8]) -> bool {
        let ends = |rest: &[u8]| {
            rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b';'))
                || rest.starts_with(b"\\\n ")
        };
        if !self.cursor.rest().strip_prefix(word).is_some_and(ends) {
            return false;
        }
        for _ in word {
            self.cursor.next();
        }
        true
    }

    /// Whether the command has another word. Otherwise consumes its end.
    fn has_word(&mut self) -> Result<bool, Refusal> {
        self.cursor.skip_blanks();
        let line = self.cursor.line();
        match self.cursor.peek() {
            None => Ok(false),
            Some(b'\n' | b'#') => {
                self.ended_at = line;
                self.comment = self.cursor.skip_line();
                Ok(false)
            }
            Some(b';') => {
                self.ended_at = line;
                self.cursor.next();
                self.cursor.join();
                match self.cursor.peek() {
                    Some(b';' | b'&') => Err(Refusal::new(line, "a ';;'", "remove one")),
                    _ => Ok(false),
                }
            }
            Some(_) => Ok(true),
        }
    }

    fn assignments(&mut self) -> Result<(), Refusal> {
        // bash assigns only if the whole command consists of assignments; here the command is refused
        let mut last: Option<String> = None;
        while self.has_word()? {
            let line = self.cursor.line();
            let Some((name, operator)) = self.assigned_name()? else {
                return Err(not_an_assignment(line, last, self.cursor.rest()));
            };
            let word = self.word_of(&name, Context::Value(&name))?;
            let assign = Assign { name, line, operator, word };
            if let Some(spelling) = &mut self.spelling {
                spelling.assignment(&assign);
            }
            if let Err(refusal) = self.variables.assign(&assign) {
                self.variables.refuse_value(&assign.name);
                self.refusals.push(refusal);
            }
            last = Some(assign.name);
        }
        Ok(())
    }

    /// `NAME=` or `NAME+=`, if one comes next.
    fn assigned_name(&mut self) -> Result<Option<(String, Operator)>, Refusal> {
        let line = self.cursor.line();
        let mut ahead = self.cursor.clone();
        let name = ahead.name();
        if !names::is_name(name.as_bytes()) {
            return Ok(None);
        }
        let operator = match ahead.peek() {
            Some(b'=') => Operator::Set,
            Some(b'[') => return Err(Refusal::array(line)),
            Some(b'+') => {
                ahead.next();
                ahead.join();
                Operator::Append
            }
            _ => return Ok(None),
        };
        if !ahead.take(b'=') {
            return Ok(None);
        }
        self.cursor = ahead;
        Ok(Some((name, operator)))
    }

    /// The word after `NAME=`; if it is refused, the value of the name is unknown.
    fn word_of(&mut self, name: &str, context: Context<'_>) -> Result<Word, Refusal> {
        words::word(&mut self.cursor, context).inspect_err(|_| self.variables.refuse_value(name))
    }

    /// The rest of an `export`: all words are expanded before the first is assigned.
    fn export(&mut self, line: usize) -> Result<(), Refusal> {
        let mut operands = Vec::new();
        let mut options_end = false;
        while self.has_word()? {
            let line = self.cursor.line();
            if operands.is_empty() && self.cursor.peek() == Some(b'-') {
                if options_end || !self.take_word(b"--") {
                    let what = "an option to export";
                    return Err(Refusal::new(line, what, "write export NAME=VALUE, or remove the line"));
                }
                options_end = true;
                continue;
            }
            operands.push(match self.assigned_name()? {
                Some((name, operator)) => {
                    let word = self.word_of(&name, Context::Exported(&name))?;
                    Operand::Assign(Assign { name, line, operator, word })
                }
                None => Operand::Word { line, word: words::word(&mut self.cursor, Context::Argument)? },
            });
        }
        if operands.is_empty() {
            return Err(Refusal::new(line, "an export without operands, which only prints", "remove it"));
        }
        if let Some(spelling) = &mut self.spelling {
            spelling.export(&operands);
        }
        let mut expanded = Vec::new();
        for operand in operands {
            match operand::expand(operand, &mut self.variables) {
                Ok(assignment) => expanded.extend(assignment),
                Err(refusal) => self.refusals.push(refusal),
            }
        }
        for Expanded { name, operator, value, line } in expanded {
            if let Err(refusal) = self.variables.apply(name.clone(), operator, value, line) {
                self.variables.refuse_value(&name);
                self.refusals.push(refusal);
            }
        }
        Ok(())
    }

    /// The rest of a `:`, for the effect of `${NAME:=word}` in its words.
    fn null_command(&mut self) -> Result<(), Refusal> {
        let mut arguments = Vec::new();
        while self.has_word()? {
            arguments.push((self.cursor.line(), words::word(&mut self.cursor, Context::Argument)?));
        }
        if let Some(spelling) = &mut self.spelling {
            spelling.null_command(arguments.iter().map(|(_, word)| word));
        }
        for (line, word) in arguments {
            if let Err(refusal) = self.variables.value(&word, line) {
                self.refusals.push(refusal);
            }
        }
        Ok(())
    }

    /// The rest of a `set`: only exporting all names, which always happens.
    fn set(&mut self, line: usize) -> Result<(), Refusal> {
        let mut words = Vec::new();
        while self.has_word()? {
            let word = words::word(&mut self.cursor, Context::Plain)?;
            words.push(self.variables.value(&word, line)?);
        }
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        match words.as_slice() {
            [b"-a" | b"+a"] | [b"-o" | b"+o", b"allexport"] => {
                if let Some(spelling) = &mut self.spelling {
                    spelling.set(&words);
                }
                Ok(())
            }
            _ => Err(Refusal::new(line, "a set with anything but -a", "remove it: nothing is executed")),
        }
    }
}

fn not_an_assignment(line: usize, last: Option<String>, rest: &[u8]) -> Refusal {
    // a word after an assignment: an unquoted value with a blank
    match last {
        Some(name) => {
            let remedy = format!("put the value in quotes: {name}='…'");
            Refusal::new(line, "a second word, which bash would run as a command", remedy)
        }
        None if is_foreign_name(rest) => Refusal::foreign_name(line),
        None => Refusal::new(line, "not an assignment", "write NAME=VALUE, without spaces around '='"),
    }
}
