//! What the words ask for, as typed and not yet understood.

use std::ffi::OsString;
use std::path::PathBuf;

use super::flags::Flag;
use super::value::Template;
use crate::invalid::Invalid;

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
    /// On the command line, behind `--file PATH`: where s6 puts the service's name, which may look like an
    /// option.
    BehindFile,
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
    /// Where it stands.
    pub origin: Origin,
}

impl Given {
    /// The value, if it is known before the environment is.
    pub(crate) fn literal(&self) -> Result<Option<OsString>, Invalid> {
        if self.flag.expands {
            Ok(Template::parse(&self.value)?.literal())
        } else {
            Ok(Some(self.value.clone()))
        }
    }

    /// How a message names the place: `--interval` or `./run:3: interval`.
    pub fn place(&self) -> String {
        match &self.origin {
            Origin::CommandLine | Origin::BehindFile => format!("--{}", self.flag.long),
            Origin::File(path, line) => format!("{}:{line}: {}", path.display(), self.flag.long),
        }
    }
}

/// The command line as typed.
#[derive(Clone, Default)]
pub struct Request {
    /// Settings in order.
    pub given: Vec<Given>,
    /// `--file`
    pub file: Option<PathBuf>,
    /// Something else than launching.
    pub ask: Option<Ask>,
    /// `--show-values`
    pub show_values: bool,
    /// The program and its arguments; after `--file`, the service name that s6 passes.
    pub words: Vec<OsString>,
}
