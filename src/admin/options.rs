//! The table of commands and their options. It feeds the parser, `futo --help` and
//! `futo COMMAND --help`.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;

use lexopt::Arg;

use super::CommandError;
use crate::cli::help::wrapped;
use crate::cli::value_apart;
use crate::config::flags::Flag;
use crate::config::flags::Takes;
use crate::config::flags::{FLAGS, Role};
use crate::error::Problem;
use crate::exit::Exit;
use crate::nearest::nearest;

/// A command of `futo`.
pub struct Command {
    /// `sync`
    pub name: &'static str,
    /// What stands behind the options: `NAME|DIR`; empty if nothing may.
    pub operands: &'static str,
    /// One line for `futo --help`.
    pub help: &'static str,
    /// More for `futo COMMAND --help`; a paragraph a line.
    pub more: &'static str,
    /// Its options.
    pub options: &'static [CommandOption],
    /// Whether those of futo-launch may be given too.
    pub launch_options: bool,
    /// Does it.
    pub run: fn(Words) -> Result<Exit, CommandError>,
}

/// An option of a command.
#[derive(Clone, Copy)]
pub struct CommandOption {
    /// The long name.
    pub long: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// Its value.
    pub takes: Takes,
    /// What it does.
    pub help: &'static str,
}

/// A switch.
pub const fn switch(long: &'static str, help: &'static str) -> CommandOption {
    CommandOption { long, short: None, takes: Takes::Nothing, help }
}

/// An option with a value.
pub const fn value(long: &'static str, metavariable: &'static str, help: &'static str) -> CommandOption {
    CommandOption { long, short: None, takes: Takes::Value(metavariable), help }
}

impl CommandOption {
    /// The same with a short name.
    pub const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }
}

/// The words behind a command's name, read by its table.
#[derive(Clone, Debug, Default)]
pub struct Words {
    given: Vec<(&'static str, OsString)>,
    /// The launcher's options, as its command line has them.
    pub launch: Vec<OsString>,
    /// What is no option.
    pub operands: Vec<OsString>,
}

impl Words {
    /// Whether the option was given.
    pub fn has(&self, long: &str) -> bool {
        self.given.iter().any(|(each, _)| *each == long)
    }

    /// The option's value; the last one wins.
    pub fn value(&self, long: &str) -> Option<&OsString> {
        self.given.iter().rfind(|(each, _)| *each == long).map(|(_, value)| value)
    }

    /// All values of the option, in order.
    pub fn values<'a>(&'a self, long: &'a str) -> impl Iterator<Item = &'a OsString> {
        self.given.iter().filter(move |(each, _)| *each == long).map(|(_, value)| value)
    }
}

/// What the words ask for.
#[derive(Debug)]
pub(super) enum Asked {
    /// `--help`
    Help,
    /// To do it.
    Run(Words),
}

impl Command {
    /// Reads the words behind the command's name. Options may stand behind operands.
    pub(super) fn read(&self, words: impl IntoIterator<Item = OsString>) -> Result<Asked, CommandError> {
        let usage = |what: String, remedy| CommandError::Usage { command: self.name, what, remedy };
        let mut read = Words::default();
        let mut parser = lexopt::Parser::from_args(words);
        let mut last_option: Option<&'static Flag> = None;
        loop {
            let is_after_dashes =
                parser.try_raw_args().is_some_and(|words| words.peek() == Some(OsStr::new("--")));
            let last = last_option.take().filter(|_| !is_after_dashes);
            let long = match parser.next() {
                Ok(None) => break,
                Ok(Some(Arg::Value(_))) if self.operands.is_empty() => {
                    return Err(usage("takes options only".to_string(), None));
                }
                Ok(Some(Arg::Value(operand))) => {
                    if let Some(error) = last.and_then(|flag| value_apart(flag, &operand)) {
                        return Err(usage(error.to_string(), error.hint()));
                    }
                    read.operands.push(operand);
                    continue;
                }
                Ok(Some(Arg::Short('h'))) => return Ok(Asked::Help),
                Ok(Some(Arg::Short(short))) => {
                    let option = self.options.iter().find(|option| option.short == Some(short));
                    option.ok_or_else(|| usage(format!("unknown option '-{short}'"), None))?.long.to_string()
                }
                Ok(Some(Arg::Long("help"))) => return Ok(Asked::Help),
                Ok(Some(Arg::Long(long))) => long.to_string(),
                Err(error) => return Err(usage(error.to_string(), None)),
            };
            if let Some(flag) = launch_option(self, &long) {
                let value = launch_value(flag, &mut parser).map_err(|what| usage(what, None))?;
                let mut word = OsString::from(format!("--{}", flag.long));
                if let Some(value) = value {
                    word.push("=");
                    word.push(value);
                    last_option = Some(flag);
                }
                read.launch.push(word);
                continue;
            }
            let Some(option) = self.options.iter().find(|option| option.long == long) else {
                let launch = FLAGS.iter().filter(|flag| is_launch_option(self, flag)).map(|flag| flag.long);
                let near = nearest(&long, self.options.iter().map(|option| option.long).chain(launch));
                let remedy = near.map(|near| format!("did you mean --{near}?"));
                return Err(usage(format!("unknown option '--{long}'"), remedy));
            };
            let value = match option.takes {
                Takes::Nothing => OsString::new(),
                Takes::OptionalValue(_) => parser.optional_value().unwrap_or_default(),
                Takes::Value(metavariable) => parser
                    .value()
                    .map_err(|_| usage(format!("--{long}: needs a value ({metavariable})"), None))?,
            };
            read.given.push((option.long, value));
        }
        Ok(Asked::Run(read))
    }

    /// `futo sync [OPTION…]`
    pub(super) fn usage(&self) -> String {
        let options = if self.options.is_empty() { "" } else { " [OPTION…]" };
        let operands = if self.operands.is_empty() { String::new() } else { format!(" {}", self.operands) };
        format!("{}{options}{operands}", self.name)
    }

    /// The line of `futo --help`.
    pub(super) fn line(&self) -> String {
        let usage = self.usage();
        let mut page = String::new();
        let mut lines = wrapped(self.help, 66).into_iter();
        // a long one stands on a line of its own
        let _ = match usage.chars().count() <= 28 {
            true => writeln!(page, "  {usage:<28} {}", lines.next().unwrap_or_default()),
            false => writeln!(page, "  {usage}"),
        };
        for line in lines {
            let _ = writeln!(page, "  {:<28} {line}", "");
        }
        page
    }

    /// The page of `futo COMMAND --help`.
    pub(super) fn page(&self) -> String {
        let mut page = format!("Usage: futo {}\n\n", self.usage());
        for paragraph in [self.help].into_iter().chain(self.more.lines()) {
            for line in wrapped(paragraph, 96) {
                let _ = writeln!(page, "{line}");
            }
        }
        page.push_str("\nOptions:\n");
        for option in self.options.iter().chain([&switch("help", "show this").short('h')]) {
            let _ = writeln!(page, "  {}", spelled(option));
            for line in wrapped(option.help, 90) {
                let _ = writeln!(page, "      {line}");
            }
        }
        page
    }
}

/// The launcher's option of this name, where it may be given.
fn launch_option(command: &Command, long: &str) -> Option<&'static Flag> {
    let is_own = command.options.iter().any(|option| option.long == long);
    Flag::find(long).filter(|flag| !is_own && is_launch_option(command, flag))
}

fn is_launch_option(command: &Command, flag: &Flag) -> bool {
    command.launch_options && flag.role != Role::CommandLineOnly
}

/// The value of a launcher's option, if it takes one.
fn launch_value(flag: &Flag, parser: &mut lexopt::Parser) -> Result<Option<OsString>, String> {
    match flag.takes {
        Takes::Nothing => Ok(None),
        Takes::OptionalValue(_) => Ok(parser.optional_value()),
        Takes::Value(metavariable) => match parser.value() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!("--{}: needs a value ({metavariable})", flag.long)),
        },
    }
}

/// `--scan-dir DIR`
pub(super) fn spelled(option: &CommandOption) -> String {
    let short = option.short.map_or(String::new(), |short| format!("-{short}, "));
    match option.takes {
        Takes::Nothing => format!("{short}--{}", option.long),
        Takes::Value(metavariable) => format!("{short}--{} {metavariable}", option.long),
        Takes::OptionalValue(metavariable) => format!("{short}--{}[={metavariable}]", option.long),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: Command = Command {
        name: "look",
        operands: "NAME",
        help: "looks",
        more: "",
        options: &[switch("json", "for programs"), value("from", "DIR", "from there")],
        launch_options: false,
        run: |_| Ok(Exit::OK),
    };

    fn read(words: &[&str]) -> Result<(Vec<String>, Vec<OsString>), String> {
        match COMMAND.read(words.iter().map(OsString::from)) {
            Ok(Asked::Run(read)) => {
                let given = read.given.iter().map(|(long, value)| format!("{long}={}", value.display()));
                Ok((given.collect(), read.operands))
            }
            Ok(Asked::Help) => Err("help".to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn options_stand_before_and_behind_operands() {
        let (given, operands) = read(&["--json", "a", "--from=x", "--from", "y", "--", "--b"]).expect("read");
        assert_eq!(given, ["json=", "from=x", "from=y"]);
        assert_eq!(operands, ["a", "--b"]);
        assert_eq!(read(&["-h"]), Err("help".to_string()));
    }

    #[test]
    fn a_word_that_goes_on_with_a_value_is_no_operand_unless_dashes_stand_before_it() {
        let command = Command { launch_options: true, ..COMMAND };
        let read = |words: &[&str]| command.read(words.iter().map(OsString::from));
        for words in [&["a", "--interval", "1", "min"], &["a", "--schedule", "Mon", "09:00"]] {
            assert!(
                read(words).expect_err("refused").to_string().contains("looks like a part of it"),
                "{words:?}"
            );
        }
        for words in [&["a", "--interval", "1", "--", "min"], &["a", "--interval", "1", "--once", "min"]] {
            assert!(read(words).is_ok(), "{words:?}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_refused_with_the_nearest_name() {
        assert_eq!(read(&["--jsn"]), Err("look: unknown option '--jsn'".to_string()));
        assert_eq!(read(&["--from"]), Err("look: --from: needs a value (DIR)".to_string()));
        let refused = COMMAND.read(["--jsn".into()]).expect_err("refused");
        assert_eq!(refused.hint().as_deref(), Some("did you mean --json?"));
        assert!(read(&["--json=1"]).is_err());
    }
}
