//! Splits a shell script into its commands, without being a shell: enough to find what runs before the last one.
//! Syntax that cannot be split with certainty is an error with a line number, never a guess.

/// The limit of nested substitutions.
const MAX_DEPTH: usize = 16;

/// A simple command, as POSIX calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleCommand<'s> {
    /// Its first line, from 1.
    pub line: usize,
    /// Its text, without the separator that follows.
    pub text: &'s [u8],
    /// Whether it is outside every `if`, loop, group and function.
    pub nesting: Nesting,
    /// The separator that follows.
    pub terminator: Terminator,
}

/// The nesting of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// Outside all of them.
    Top,
    /// In an `if`, a loop, a group, a function, a subshell.
    Inner,
}

/// The separator after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// A newline, `;` or the end of the script.
    Sequential,
    /// `&&` or `||`
    Conditional,
    /// `|` or `&`
    Concurrent,
}

/// Why a script cannot be split with certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitError {
    /// The line, from 1.
    pub line: usize,
    /// What was found there.
    pub what: &'static str,
}

/// Splits a script; comments and blank lines are skipped.
pub fn split(script: &[u8]) -> Result<Vec<SimpleCommand<'_>>, SplitError> {
    let mut splitter = Splitter { script, at: 0, start: 0, depth: 0, counted: (0, 1), commands: Vec::new() };
    splitter.run()?;
    match splitter.depth {
        0 => Ok(splitter.commands),
        _ => Err(SplitError { line: line_at(script, script.len()), what: "an unclosed block" }),
    }
}

struct Splitter<'s> {
    script: &'s [u8],
    at: usize,
    /// The start of the current command.
    start: usize,
    depth: i32,
    /// The position up to which newlines have been counted, and the line there: a long script is counted once.
    counted: (usize, usize),
    commands: Vec<SimpleCommand<'s>>,
}

impl<'s> Splitter<'s> {
    fn run(&mut self) -> Result<(), SplitError> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 2,
                b'\'' | b'"' | b'`' | b'$' => self.at = quoted_end(self.script, self.at, 0)?,
                b'#' if self.is_word_start() => {
                    self.end_command(Terminator::Sequential, 0)?;
                    while self.peek(0).is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                    self.start = self.at;
                }
                b'<' if self.peek(1) == Some(b'<') && self.peek(2) != Some(b'<') => {
                    return Err(self.error_here("a here-document"));
                }
                b'<' if self.peek(1) == Some(b'<') => self.at += 3,
                b'>' | b'<' if self.peek(1) == Some(b'&') => self.at += 2,
                b'&' if self.peek(1) == Some(b'>') => self.at += 2,
                b'&' | b'|' if self.peek(1) == Some(byte) => self.end_command(Terminator::Conditional, 2)?,
                b'&' | b'|' => self.end_command(Terminator::Concurrent, 1)?,
                b';' | b'\n' => self.end_command(Terminator::Sequential, 1)?,
                b'(' => {
                    self.end_command(Terminator::Sequential, 1)?;
                    self.depth += 1;
                }
                b')' => {
                    self.end_command(Terminator::Sequential, 1)?;
                    self.depth -= 1;
                }
                _ => self.at += 1,
            }
            if self.depth < 0 {
                return Err(self.error_here("an unmatched ')'"));
            }
        }
        self.at = self.script.len();
        self.end_command(Terminator::Sequential, 0)
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.script.get(self.at + ahead).copied()
    }

    fn error_here(&self, what: &'static str) -> SplitError {
        SplitError { line: line_at(self.script, self.at), what }
    }

    fn is_word_start(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.script.get(at));
        before.is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'('))
    }

    /// Ends the current command here; the next one starts `over` bytes later.
    fn end_command(&mut self, terminator: Terminator, over: usize) -> Result<(), SplitError> {
        let whole = self.script.get(self.start..self.at).unwrap_or_default();
        let mut text = whole.trim_ascii();
        let mut start = self.start + whole.len() - whole.trim_ascii_start().len();
        // leading keywords are not part of the command
        while let Some((step, rest)) = keyword(text) {
            if text.starts_with(b"case") {
                return Err(SplitError { line: line_at(self.script, start), what: "a case command" });
            }
            self.depth += step;
            start += text.len() - rest.len();
            text = rest;
        }
        let nesting = if self.depth == 0 { Nesting::Top } else { Nesting::Inner };
        if !text.is_empty() {
            let (counted, line) = self.counted;
            let skipped = self.script.get(counted..start).unwrap_or_default();
            let line = line + skipped.iter().filter(|byte| **byte == b'\n').count();
            self.counted = (start, line);
            self.commands.push(SimpleCommand { line, text, nesting, terminator });
        }
        self.at += over;
        self.start = self.at;
        Ok(())
    }
}

/// A leading keyword: its effect on the nesting, and the text after it.
fn keyword(text: &[u8]) -> Option<(i32, &[u8])> {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let step = match word {
        b"if" | b"while" | b"until" | b"for" | b"case" | b"select" | b"{" => 1,
        b"then" | b"do" | b"else" | b"elif" | b"!" => 0,
        b"fi" | b"done" | b"esac" | b"}" => -1,
        _ => return None,
    };
    Some((step, rest.trim_ascii_start()))
}

/// The end of the quotation or substitution that starts here.
fn quoted_end(script: &[u8], start: usize, depth: usize) -> Result<usize, SplitError> {
    let error_at = |what| SplitError { line: line_at(script, start), what };
    if depth > MAX_DEPTH {
        return Err(error_at("substitutions nested too deeply"));
    }
    let (close, from) = match (script.get(start), script.get(start + 1)) {
        (Some(b'$'), Some(b'(')) => (b')', start + 2),
        (Some(b'$'), Some(b'{')) => (b'}', start + 2),
        (Some(b'$'), Some(b'\'')) => (b'\'', start + 2),
        (Some(b'$'), _) => return Ok(start + 1),
        (Some(quote), _) => (*quote, start + 1),
        (None, _) => return Ok(start),
    };
    let is_raw = script.get(start) == Some(&b'\'');
    let mut at = from;
    let mut open = 0_u32;
    while let Some(byte) = script.get(at) {
        match *byte {
            b'\\' if !is_raw => at += 2,
            byte if byte == close && open == 0 => return Ok(at + 1),
            _ if matches!(close, b'\'' | b'`') => at += 1,
            b'(' | b')' if close == b')' => {
                open = if *byte == b'(' { open + 1 } else { open - 1 };
                at += 1;
            }
            b'$' if matches!(script.get(at + 1), Some(b'(' | b'{')) => {
                at = quoted_end(script, at, depth + 1)?;
            }
            b'"' | b'\'' | b'`' if close == b')' || *byte == b'`' || close == b'}' && *byte == b'"' => {
                at = quoted_end(script, at, depth + 1)?;
            }
            _ => at += 1,
        }
    }
    Err(error_at("an unclosed quote"))
}

fn line_at(script: &[u8], at: usize) -> usize {
    1 + script.iter().take(at).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<(usize, String, bool, Terminator)> {
        split(script.as_bytes())
            .expect("split")
            .into_iter()
            .map(|each| {
                let text = String::from_utf8_lossy(each.text).into_owned();
                (each.line, text, each.nesting == Nesting::Top, each.terminator)
            })
            .collect()
    }

    #[test]
    fn commands_have_a_line_and_a_terminator() {
        let script = "#!/bin/sh\n# why\nset -e; A='x;\ny' # not a command; exec b\nexec 2>&1\n\
                      cd /x && a \\\n  b | c &\nlast";
        let expected = [
            (3, "set -e", true, Terminator::Sequential),
            (3, "A='x;\ny'", true, Terminator::Sequential),
            (5, "exec 2>&1", true, Terminator::Sequential),
            (6, "cd /x", true, Terminator::Conditional),
            (6, "a \\\n  b", true, Terminator::Concurrent),
            (7, "c", true, Terminator::Concurrent),
            (8, "last", true, Terminator::Sequential),
        ];
        let expected = expected.map(|(line, text, top, end)| (line, text.to_string(), top, end));
        assert_eq!(texts(script), expected);
    }

    #[test]
    fn commands_in_a_block_are_inner() {
        let script = "if [ -z \"$(id \")\" -n)\" ]; then exec a; fi\nwhile :; do (b); done\nf() { c; }\nd ${X:-\"}\"} e";
        let inner: Vec<(String, bool)> =
            texts(script).into_iter().map(|(_, text, top, _)| (text, top)).collect();
        let expected = [
            ("[ -z \"$(id \")\" -n)\" ]", false),
            ("exec a", false),
            (":", false),
            ("b", false),
            ("f", true),
            ("c", false),
            ("d ${X:-\"}\"} e", true),
        ];
        assert_eq!(inner, expected.map(|(text, top)| (text.to_string(), top)));
    }

    #[test]
    fn uncertain_syntax_is_an_error_with_its_line() {
        for (script, line) in [
            ("a\ncat <<X\nexec b\nX\n", 2),
            ("a\n'b", 2),
            ("a\ncase x in\n y) a ;;\nesac\n", 2),
            ("if a\n", 2),
            ("a\n)\n", 2),
        ] {
            assert_eq!(split(script.as_bytes()).map_err(|error| error.line), Err(line), "{script}");
        }
        let deep = "$(".repeat(40);
        assert!(split(deep.as_bytes()).is_err());
        assert!(split(b"\\").is_ok());
    }
}
