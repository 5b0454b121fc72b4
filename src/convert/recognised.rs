//! A statement of a run file, with what was understood of it.

use std::ops::Range;

use super::step::Step;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    /// Its first line, from 1.
    pub(crate) line: usize,
    /// Its place in the script, in bytes.
    pub(crate) span: Range<usize>,
    /// What it does, or why that is not known.
    pub(crate) steps: Result<Vec<Step>, String>,
    /// The programs that it may run.
    pub(crate) programs: Vec<String>,
}
