//! Words to options and operands. Only names are checked here: the owner of the table reads the values.
//!
//! Deliberately absent: abbreviations of long options, because a run file must mean the same next year.

use std::ffi::{OsStr, OsString};

use lexopt::Arg;

use super::{OptionRow, Takes};
use crate::escape;
use crate::nearest::nearest;

/// An option as a table lists it: a row, or one of several kinds of rows.
pub trait Listed: Copy {
    /// The long name, without dashes.
    fn long(self) -> &'static str;
    /// The short name.
    fn short(self) -> Option<char>;
    /// Its value.
    fn takes(self) -> Takes;
}

impl<M> Listed for &'static OptionRow<M> {
    fn long(self) -> &'static str {
        self.long
    }

    fn short(self) -> Option<char> {
        self.short
    }

    fn takes(self) -> Takes {
        self.takes
    }
}

/// The next item of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word<O> {
    /// An option.
    Option {
        /// Its row.
        option: O,
        /// By which of its names.
        spelling: Spelling,
        /// Its value, where it has one.
        value: Option<OsString>,
    },
    /// A word that is not an option.
    Operand {
        /// The word.
        word: OsString,
        /// The option whose value immediately precedes it; none after `--`.
        after: Option<O>,
    },
}

/// Which of its names an option was given by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `-h`
    Short,
    /// `--help`
    Long,
}

/// An error in the words themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the parts of the message")]
pub enum WordError {
    /// No row of the table.
    #[error("unknown option '{}'", escape::word(option))]
    Unknown {
        /// With its dashes.
        option: String,
        /// The long name that may have been meant.
        near: Option<&'static str>,
    },
    /// The value is missing.
    #[error("--{long}: needs a value ({metavariable})")]
    NoValue { long: &'static str, metavariable: &'static str },
    /// A switch with a value.
    #[error("{option}: takes no value")]
    UnwantedValue {
        /// With its dashes.
        option: String,
    },
}

impl WordError {
    /// What to write instead, if the table has something similar.
    pub fn remedy(&self) -> Option<String> {
        match self {
            WordError::Unknown { near: Some(near), .. } => Some(format!("did you mean --{near}?")),
            WordError::Unknown { near: None, .. }
            | WordError::NoValue { .. }
            | WordError::UnwantedValue { .. } => None,
        }
    }
}

/// Whether an option that is not in the table has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HasValue {
    /// Only one after `=` is certain.
    Unknown,
    /// It has one: after `=`, or the next word.
    Yes,
}

/// Reads words by a table, one after the other.
pub struct Parser<T: Iterator> {
    words: lexopt::Parser,
    table: T,
    /// The option whose value has just been read.
    before: Option<T::Item>,
}

impl<T: Iterator<Item: Listed> + Clone> Parser<T> {
    /// `words` are those after the name of the program or command.
    pub fn new(words: impl IntoIterator<Item = OsString>, table: T) -> Self {
        Parser { words: lexopt::Parser::from_args(words), table, before: None }
    }

    /// The next option or operand; none at the end. After an error the words that follow can still be read.
    pub fn next_word(&mut self) -> Result<Option<Word<T::Item>>, WordError> {
        let is_after_dashes =
            self.words.try_raw_args().is_some_and(|words| words.peek() == Some(OsStr::new("--")));
        let after = self.before.take().filter(|_| !is_after_dashes);
        let (option, spelling) = match self.words.next() {
            Ok(None) => return Ok(None),
            Ok(Some(Arg::Value(word))) => return Ok(Some(Word::Operand { word, after })),
            Ok(Some(Arg::Long(long))) => match find(&self.table, long) {
                Some(option) => (option, Spelling::Long),
                None => {
                    let near = nearest(long, self.table.clone().map(Listed::long));
                    return Err(WordError::Unknown { option: format!("--{long}"), near });
                }
            },
            Ok(Some(Arg::Short(short))) => {
                match self.table.clone().find(|option| option.short() == Some(short)) {
                    Some(option) => (option, Spelling::Short),
                    None => return Err(WordError::Unknown { option: format!("-{short}"), near: None }),
                }
            }
            Err(lexopt::Error::UnexpectedValue { option, .. }) => {
                return Err(WordError::UnwantedValue { option });
            }
            // `next` reports nothing else
            Err(error) => return Err(WordError::Unknown { option: error.to_string(), near: None }),
        };
        let value = self.value_of(option)?;
        self.before = value.is_some().then_some(option);
        Ok(Some(Word::Option { option, spelling, value }))
    }

    fn value_of(&mut self, option: T::Item) -> Result<Option<OsString>, WordError> {
        let metavariable = match option.takes() {
            Takes::Nothing => return Ok(None),
            Takes::OptionalValue(_) => return Ok(self.words.optional_value()),
            Takes::Value(metavariable) => metavariable,
        };
        if let Some(value) = self.words.optional_value() {
            return Ok(Some(value));
        }
        let missing = WordError::NoValue { long: option.long(), metavariable };
        let next = self.words.try_raw_args();
        if next.is_some_and(|words| words.peek().is_some_and(|word| is_no_value(&self.table, word))) {
            return Err(missing);
        }
        self.words.value().map(Some).map_err(|_| missing)
    }

    /// Skips the value of an option that is not in the table, so that it is not mistaken for an operand.
    pub fn skip_value(&mut self, has_value: HasValue) {
        if self.words.optional_value().is_none()
            && has_value == HasValue::Yes
            && let Ok(mut words) = self.words.raw_args()
        {
            words.next_if(|word| !word.as_encoded_bytes().starts_with(b"-"));
        }
    }

    /// All words that follow, as they are.
    pub fn rest(&mut self) -> impl Iterator<Item = OsString> {
        self.words.raw_args().into_iter().flatten()
    }
}

fn find<O: Listed>(table: &(impl Iterator<Item = O> + Clone), long: &str) -> Option<O> {
    table.clone().find(|option| option.long() == long)
}

/// Whether a word is `--`, which ends the options, or an option itself: a value like that needs `=`.
fn is_no_value<O: Listed>(table: &(impl Iterator<Item = O> + Clone), word: &OsStr) -> bool {
    let name = word.to_str().and_then(|word| word.strip_prefix("--"));
    name.is_some_and(|name| {
        name.is_empty() || find(table, name.split('=').next().unwrap_or_default()).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: [OptionRow<()>; 3] = [
        OptionRow::new((), "json", Takes::Nothing, "for programs"),
        OptionRow::new((), "from", Takes::Value("DIR"), "from there").short('f'),
        OptionRow::new((), "persist", Takes::OptionalValue("no"), "keep it"),
    ];

    fn read(words: &[&str]) -> Vec<String> {
        let mut parser = Parser::new(words.iter().map(OsString::from), TABLE.iter());
        let mut read = Vec::new();
        loop {
            read.push(match parser.next_word() {
                Ok(None) => return read,
                Ok(Some(Word::Option { option, value, .. })) => format!("{}={value:?}", option.long),
                Ok(Some(Word::Operand { word, after })) => {
                    format!("{} after {:?}", word.display(), after.map(|option| option.long))
                }
                Err(error) => format!("{error} ({:?})", error.remedy()),
            });
        }
    }

    #[test]
    fn a_value_follows_an_equals_sign_or_is_the_next_word() {
        assert_eq!(
            read(&["--from=x", "--from", "-y", "-f", "z", "--persist", "a"]),
            ["from=Some(\"x\")", "from=Some(\"-y\")", "from=Some(\"z\")", "persist=None", "a after None"]
        );
        assert_eq!(
            read(&["--persist=no", "--from=--json"]),
            ["persist=Some(\"no\")", "from=Some(\"--json\")"]
        );
    }

    #[test]
    fn an_operand_names_the_option_whose_value_precedes_it() {
        assert_eq!(
            read(&["--from", "x", "a", "b"]),
            ["from=Some(\"x\")", "a after Some(\"from\")", "b after None"]
        );
        assert_eq!(
            read(&["--from", "x", "--", "a", "--json"]),
            ["from=Some(\"x\")", "a after None", "--json after None"]
        );
        assert_eq!(read(&["--from", "x", "--json", "a"])[2], "a after None");
    }

    #[test]
    fn an_option_or_the_end_of_options_is_no_value() {
        let missing = "--from: needs a value (DIR) (None)";
        assert_eq!(read(&["--from", "--json"]), [missing, "json=None"]);
        assert_eq!(read(&["--from", "--", "a"]), [missing, "a after None"]);
        assert_eq!(read(&["--from"]), [missing]);
    }

    #[test]
    fn all_errors_are_reported_and_the_rest_is_read() {
        assert_eq!(
            read(&["--jsn", "-x", "--json=1", "--json"]),
            [
                "unknown option '--jsn' (Some(\"did you mean --json?\"))",
                "unknown option '-x' (None)",
                "json=None",
                "--json: takes no value (None)",
                "json=None"
            ]
        );
    }
}
