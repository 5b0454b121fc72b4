//! The options of the launcher: one table for the parser, `--help`, the keys of `--file`, the manual pages,
//! the completions and the tests of the documentation. One file per section of `--help`.

mod environment;
mod general;
mod identity;
mod key;
mod log;
mod readiness;
mod timing;

use std::ffi::OsStr;
use std::path::PathBuf;

use super::settings::Settings;
use crate::invalid::Invalid;
use crate::options::{OptionRow, Takes};
pub use key::{CommandLineOption, Key, LaunchOption, LoopOption, PaceOption, ReadinessOption};

/// A row of the launcher's table. Its long name is also the key in a file.
pub type Flag = OptionRow<Meaning>;

/// What an option means to the launcher.
#[derive(Clone, Copy)]
pub struct Meaning {
    /// Which one it is.
    pub key: Key,
    /// What `${NAME}` in its value is.
    pub expansion: Expansion,
    /// Whether messages may show its value.
    pub secrecy: Secrecy,
    /// How its value continues if it was written in several words.
    pub continuation: Continuation,
    /// How a file may write its value.
    pub file_form: FileForm,
    /// Reads the value into the settings; those of [`Key::CommandLine`] are read by the parser.
    pub set: Setter,
}

/// What `${NAME}` in a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// Plain text, or interpreted by the option itself.
    None,
    /// A variable of the worker's environment.
    Variables,
}

/// Whether messages may show a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// They may.
    Public,
    /// It is the value of a variable.
    Secret,
}

/// How a value that was written in several words continues: `--interval 1 min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// No word can be mistaken for part of the value.
    None,
    /// By a duration or a unit.
    Duration,
    /// By a part of a schedule.
    Schedule,
}

/// The values that an option takes in a file, apart from a string, a switch, or a list if it may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileForm {
    /// No others.
    Plain,
    /// A list, as one value with commas.
    CommaList,
    /// A table, each row as NAME=VALUE.
    Assignments,
}

/// Reads an option's value into the settings.
pub type Setter = fn(&mut Settings, &OsStr) -> Result<(), Invalid>;

/// A section of `--help`.
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// The rows, in the order of `--help`.
    pub options: &'static [Flag],
}

/// All sections, in the order of `--help`.
pub static SECTIONS: [Section; 6] = [
    general::SECTION,
    timing::SECTION,
    readiness::SECTION,
    identity::SECTION,
    environment::SECTION,
    log::SECTION,
];

/// All options, in the order of `--help`.
pub fn all() -> impl Iterator<Item = &'static Flag> + Clone {
    SECTIONS.iter().flat_map(|section| section.options)
}

/// The options that are keys in a file, and options of `futo new`.
pub fn settings() -> impl Iterator<Item = &'static Flag> + Clone {
    all().filter(|flag| flag.is_setting())
}

impl Flag {
    /// Whether it describes the launch itself, not where to read it or what to do instead.
    pub fn is_setting(&self) -> bool {
        !matches!(self.meaning.key, Key::CommandLine(_))
    }

    const fn expands(mut self) -> Self {
        self.meaning.expansion = Expansion::Variables;
        self
    }

    const fn secret(mut self) -> Self {
        self.meaning.secrecy = Secrecy::Secret;
        self
    }

    const fn continues(mut self, continuation: Continuation) -> Self {
        self.meaning.continuation = continuation;
        self
    }

    const fn file_form(mut self, form: FileForm) -> Self {
        self.meaning.file_form = form;
        self
    }
}

const fn flag(key: Key, long: &'static str, takes: Takes, help: &'static str, set: Setter) -> Flag {
    let meaning = Meaning {
        key,
        expansion: Expansion::None,
        secrecy: Secrecy::Public,
        continuation: Continuation::None,
        file_form: FileForm::Plain,
        set,
    };
    OptionRow::new(meaning, long, takes, help)
}

const fn command_line(key: CommandLineOption, long: &'static str, takes: Takes, help: &'static str) -> Flag {
    flag(Key::CommandLine(key), long, takes, help, not_a_setting)
}

const fn pace(key: PaceOption, long: &'static str, takes: Takes, help: &'static str, set: Setter) -> Flag {
    flag(Key::Pace(key), long, takes, help, set)
}

const fn in_loop(key: LoopOption, long: &'static str, takes: Takes, help: &'static str, set: Setter) -> Flag {
    flag(Key::Loop(key), long, takes, help, set)
}

const fn readiness(
    key: ReadinessOption,
    long: &'static str,
    takes: Takes,
    help: &'static str,
    set: Setter,
) -> Flag {
    flag(Key::Readiness(key), long, takes, help, set)
}

const fn launch(
    key: LaunchOption,
    long: &'static str,
    takes: Takes,
    help: &'static str,
    set: Setter,
) -> Flag {
    flag(Key::Launch(key), long, takes, help, set)
}

/// For an option whose presence is enough.
fn not_a_setting(_: &mut Settings, _: &OsStr) -> Result<(), Invalid> {
    Ok(())
}

/// A path as given; an empty one comes from an unset variable, and is not the current directory.
fn path(value: &OsStr) -> Result<PathBuf, Invalid> {
    if value.is_empty() { Err(Invalid::new("is empty")) } else { Ok(PathBuf::from(value)) }
}

fn absolute(value: &OsStr) -> Result<PathBuf, Invalid> {
    let path = path(value)?;
    if path.is_absolute() { Ok(path) } else { Err(Invalid::new("is not an absolute path")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_unique_and_every_row_has_help() {
        for (index, flag) in all().enumerate() {
            let mut others = all().skip(index + 1);
            let is_twice = |other: &Flag| other.long == flag.long || other.meaning.key == flag.meaning.key;
            assert!(!others.any(is_twice), "{}", flag.long);
            assert!(!flag.help.is_empty() && !flag.help.ends_with('.'), "{}", flag.long);
            assert!(flag.help.len() <= 64, "{}: the line of -h is too long", flag.long);
        }
    }

    #[test]
    fn a_value_in_two_words_is_recognised_for_every_duration_and_schedule() {
        for flag in all() {
            let expected = match flag.takes {
                Takes::Value("DURATION" | "F:MAX") => Continuation::Duration,
                Takes::Value("WHEN") => Continuation::Schedule,
                _ => Continuation::None,
            };
            assert_eq!(flag.meaning.continuation, expected, "{}", flag.long);
        }
    }
}
