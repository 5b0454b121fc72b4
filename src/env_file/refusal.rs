//! Text that cannot be read as bash would, reported without ever showing a value.

/// Text that cannot be read as bash would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, without a value.
    pub what: String,
    /// How to write it instead.
    pub remedy: String,
}

impl Refusal {
    pub(crate) fn new(line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Refusal { line, what: what.into(), remedy: remedy.into() }
    }

    pub(crate) fn nul(line: usize) -> Self {
        Refusal::new(line, "a NUL byte", "remove it: a variable cannot contain one")
    }

    pub(super) fn unclosed(line: usize, quote: char) -> Self {
        Refusal::new(line, "an unterminated quote", format!("close it with {quote}"))
    }

    pub(super) fn kept(line: usize, name: &str) -> Self {
        let what = format!("bash maintains {name} itself: the value would not persist");
        Refusal::new(line, what, "use another name")
    }

    pub(super) fn foreign_name(line: usize) -> Self {
        let remedy = "use '_' instead; --dotenv and --env-dir accept such names";
        Refusal::new(line, "a name with '.' or '-', which bash does not allow", remedy)
    }

    pub(super) fn array(line: usize) -> Self {
        Refusal::new(line, "an array cannot be exported", "use one variable per element")
    }

    pub(super) fn too_deep(line: usize) -> Self {
        Refusal::new(line, "expansions nested too deeply", "split them into one variable each")
    }
}
