//! The command line as typed, its values not yet parsed.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::SpecError;
use super::flags::{Expansion, Flag, Key, Secrecy};
use super::settings::Settings;
use super::value::{ExpandableText, Lookup};
use crate::escape;
use crate::invalid::Invalid;
use crate::options::Takes;

/// What to do instead of launching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `-h`
    ShortHelp,
    /// `--help`
    LongHelp,
    /// `-V`, `--version`
    Version,
    /// `--explain[=text|json]`
    Explain(ExplainForm),
}

/// How `--explain` shows the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainForm {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Where an option was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// On the command line, after `--file PATH`: where s6 puts the service's name, which may look like an
    /// option.
    AfterFile,
    /// In the file named by `--file`, at this line.
    File(PathBuf, usize),
}

/// One option as typed: the row of the table, and its value where it has one.
#[derive(Clone)]
pub struct Given {
    /// The row of the table.
    pub flag: &'static Flag,
    /// The value; empty for a switch.
    pub value: OsString,
    /// Where it was given.
    pub origin: Origin,
}

impl Given {
    /// Whether it is this option.
    pub fn is(&self, key: Key) -> bool {
        self.flag.meaning.key == key
    }

    /// The option as one word of a command line: `--interval=5m`.
    pub fn word(&self) -> OsString {
        let mut word = OsString::from(format!("--{}", self.flag.long));
        let has_value = match self.flag.takes {
            Takes::Nothing => false,
            Takes::OptionalValue(_) => !self.value.is_empty(),
            Takes::Value(_) => true,
        };
        if has_value {
            word.push("=");
            word.push(&self.value);
        }
        word
    }

    /// The value, if it depends on no variable.
    pub(crate) fn literal(&self) -> Result<Option<OsString>, Invalid> {
        match self.flag.meaning.expansion {
            Expansion::Variables => Ok(ExpandableText::parse(&self.value)?.literal()),
            Expansion::None => Ok(Some(self.value.clone())),
        }
    }

    /// The value as it was written, unless it may be a secret.
    pub(super) fn shown(&self) -> Option<String> {
        match self.flag.meaning.secrecy {
            Secrecy::Public => Some(escape::word(&self.value.to_string_lossy()).into_owned()),
            Secrecy::Secret => None,
        }
    }

    /// Reads the value with the variables.
    pub(super) fn apply(&self, settings: &mut Settings, variables: Lookup<'_>) -> Result<(), SpecError> {
        let invalid = |invalid| SpecError::Value { place: self.place(), shown: self.shown(), invalid };
        let set = self.flag.meaning.set;
        if self.flag.meaning.expansion == Expansion::None {
            return set(settings, &self.value).map_err(invalid);
        }
        let value = ExpandableText::parse(&self.value)
            .map_err(invalid)?
            .expand(variables)
            .map_err(|error| SpecError::Expansion { place: self.place(), error })?;
        // an invalid value is shown as it was written, not as it was expanded
        set(settings, &value).map_err(invalid)
    }

    /// How a message names the place: `--interval` or `./run:3: interval`.
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::CommandLine | Origin::AfterFile => format!("--{}", self.flag.long),
            Origin::File(path, line) => format!("{}:{line}: {}", path.display(), self.flag.long),
        }
    }
}

/// Does not show the value.
impl std::fmt::Debug for Given {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Given({})", self.place())
    }
}

/// The occurrence of an option that counts: the last one.
pub(super) fn last(options: &[Given], key: Key) -> Option<&Given> {
    options.iter().rfind(|given| given.is(key))
}

/// The command line as typed.
#[derive(Clone, Default)]
pub struct Request {
    /// Settings in order.
    pub given: Vec<Given>,
    /// `--file`
    pub file: Option<PathBuf>,
    /// An action other than launching.
    pub ask: Option<Ask>,
    /// `--show-values`
    pub show_values: bool,
    /// The program and its arguments; after `--file`, the service name that s6 passes.
    pub words: Vec<OsString>,
}
