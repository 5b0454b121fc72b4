//! What a conversion reports, and why there is none.

use super::nesting::MAX_SUBSTITUTIONS;

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It has no counterpart, because it needs none.
    LeftOut,
    /// It is now in the script that the line runs.
    Stays,
    /// What differs, or is worth knowing.
    Note,
}

impl Kind {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Kind::LeftOut => "left out",
            Kind::Stays => "stays",
            Kind::Note => "note",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertFinding {
    /// The line of the old run file, from 1; 0 is the file as a whole.
    pub line: usize,
    /// What became of it.
    pub kind: Kind,
    /// The reason.
    pub why: String,
}

impl ConvertFinding {
    pub(super) fn new(line: usize, kind: Kind, why: impl Into<String>) -> Self {
        ConvertFinding { line, kind, why: why.into() }
    }
}

/// Why a run file stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConverted {
    /// It is a futo-launch script.
    #[error("nothing to do: it already starts futo-launch")]
    AlreadyLauncher,
    /// It exceeds the limit.
    #[error("it exceeds {} KiB", super::MAX_BYTES >> 10)]
    TooLong,
    /// It nests too deeply.
    #[error("line {0}: there are more than {MAX_SUBSTITUTIONS} substitutions that could be nested")]
    TooDeep(usize),
    /// It is not a text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Its interpreter is not known.
    #[error("line 1: '{0}' is neither a shell nor execline")]
    Interpreter(String),
    /// It cannot be parsed.
    #[error("line {line}: {what}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What the parser found.
        what: String,
    },
    /// It has to stay as a whole.
    #[error("line {line}: {why}")]
    Stays {
        /// The line, from 1.
        line: usize,
        /// The reason.
        why: String,
    },
}
