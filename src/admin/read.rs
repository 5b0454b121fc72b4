//! Reads the words after a command's name by its table of options.

use std::ffi::OsString;

use super::CommandError;
use super::options::{Command, CommandOption, HELP, Key, Operands, Words};
use crate::cli::value_apart;
use crate::config::flags::Flag;
use crate::config::request::{Given, Origin};
use crate::error::Problem;
use crate::options::{Listed, Parser, Takes, Word};

/// What the words ask for.
#[derive(Debug)]
pub(super) enum Asked {
    /// `--help`
    Help,
    /// To carry it out.
    Run(Words),
}

/// An option that a command accepts.
#[derive(Clone, Copy)]
enum Accepted {
    /// One of its own.
    Own(&'static CommandOption),
    /// One of the launcher's.
    Launch(&'static Flag),
}

impl Listed for Accepted {
    fn long(self) -> &'static str {
        match self {
            Accepted::Own(option) => option.long,
            Accepted::Launch(flag) => flag.long,
        }
    }

    fn short(self) -> Option<char> {
        match self {
            Accepted::Own(option) => option.short,
            Accepted::Launch(flag) => flag.short,
        }
    }

    fn takes(self) -> Takes {
        match self {
            Accepted::Own(option) => option.takes,
            Accepted::Launch(flag) => flag.takes,
        }
    }
}

impl Command {
    /// Reads the words after the command's name. Options may follow operands.
    pub(super) fn read(&self, words: impl IntoIterator<Item = OsString>) -> Result<Asked, CommandError> {
        let usage = |what: String, remedy| CommandError::Usage { command: self.name, what, remedy };
        let mut read = Words::default();
        let mut parser = Parser::new(words, self.table());
        while let Some(word) = parser.next_word().map_err(|error| usage(error.to_string(), error.remedy()))? {
            match word {
                Word::Option { option: Accepted::Own(option), value, .. } => match option.meaning {
                    Key::Help => return Ok(Asked::Help),
                    key => read.given.push((key, value.unwrap_or_default())),
                },
                Word::Option { option: Accepted::Launch(flag), value, .. } => {
                    let value = value.unwrap_or_default();
                    read.launch.push(Given { flag, value, origin: Origin::CommandLine });
                }
                Word::Operand { .. } if matches!(self.operands, Operands::None) => {
                    return Err(usage("takes no arguments other than options".to_string(), None));
                }
                Word::Operand { word, after } => {
                    if let Some(Accepted::Launch(flag)) = after
                        && let Some(error) = value_apart(flag, &word)
                    {
                        return Err(usage(error.to_string(), error.hint()));
                    }
                    read.operands.push(word);
                }
            }
        }
        Ok(Asked::Run(read))
    }

    /// Every option that may be given; of two with one name the first counts.
    fn table(&self) -> impl Iterator<Item = Accepted> + Clone + use<> {
        let own = self.options.iter().chain([&HELP]).map(Accepted::Own);
        own.chain(self.launch_options().map(Accepted::Launch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::options::{Operands, switch, value};
    use crate::exit::Exit;

    const COMMAND: Command = Command {
        name: "look",
        operands: Operands::Services("NAME"),
        help: "looks",
        more: "",
        options: &[switch(Key::Json, "print JSON"), value(Key::From, "DIR", "from there")],
        launch_options: false,
        run: |_| Ok(Exit::OK),
    };

    fn read(words: &[&str]) -> Result<(Vec<String>, Vec<OsString>), String> {
        match COMMAND.read(words.iter().map(OsString::from)) {
            Ok(Asked::Run(read)) => {
                let given =
                    read.given.iter().map(|(key, value)| format!("{}={}", key.long(), value.display()));
                Ok((given.collect(), read.operands))
            }
            Ok(Asked::Help) => Err("help".to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn options_may_precede_or_follow_operands() {
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
                read(words).expect_err("refused").to_string().contains("looks like part of the value"),
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
