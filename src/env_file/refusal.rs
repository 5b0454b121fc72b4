//! A place that cannot be read as bash would, in words that never show a value.

/// A place that cannot be read as bash would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Counted from 1.
    pub line: usize,
    /// What is there, without a value.
    pub what: String,
    /// How to write it instead.
    pub remedy: String,
}

impl Refusal {
    pub(crate) fn new(line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Refusal { line, what: what.into(), remedy: remedy.into() }
    }

    pub(crate) fn nul(line: usize) -> Self {
        Refusal::new(line, "a NUL byte", "remove it: no variable can hold one")
    }

    pub(super) fn unclosed(line: usize, quote: char) -> Self {
        Refusal::new(line, "a quote that is never closed", format!("close it with {quote}"))
    }

    pub(super) fn kept(line: usize, name: &str) -> Self {
        let what = format!("bash keeps {name} itself: the value would not last");
        Refusal::new(line, what, "use another name")
    }

    pub(super) fn foreign_name(line: usize) -> Self {
        let remedy = "write it with '_'; --dotenv and --env-dir take such names";
        Refusal::new(line, "a name with '.' or '-', which bash does not allow", remedy)
    }

    pub(super) fn array(line: usize) -> Self {
        Refusal::new(line, "an array has no place in an environment", "use a variable for each")
    }

    pub(super) fn too_deep(line: usize) -> Self {
        Refusal::new(line, "expansions nested too deeply", "take them apart: one variable for each")
    }
}
