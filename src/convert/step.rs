//! What a statement of a run file does, in the terms of the launcher: the steps that the front ends find, in order.

use super::word::Word;

/// One effect of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It needs no counterpart, for this reason.
    LeftOut(String),
    /// It differs in this.
    Note(String),
    /// `set -e`
    StopOnFailure,
    /// `set -u`
    UnsetIsError,
    /// Shell state that matters only to a script: a function, a trap, `set -o pipefail`.
    ShellState,
    /// A file of variables.
    Source {
        /// The path.
        path: String,
        /// Whether it may be missing.
        missing: Missing,
    },
    /// An exported variable.
    Export(String, Word),
    /// A variable of the shell.
    Assign(String, Word),
    /// A variable that is set if it is missing or empty; whether it was exported.
    Default(String, Word, Exported),
    /// A variable that must not be missing or empty.
    Require(String),
    /// A variable that is removed.
    Unset(String),
    /// `s6-envdir`, `chpst -e`
    EnvDir(String),
    /// `exec -c`, `env -i`
    ClearEnv,
    /// `cd`
    Directory(String),
    /// An option whose value no variable and no order matters to.
    Option(&'static str, String),
    /// Where the output goes.
    Output(Output),
    /// `mkdir`
    Make {
        /// The path.
        path: String,
        /// Its mode.
        mode: Option<String>,
    },
    /// `touch`
    Touch(String),
    /// `chown`: the owner as written, and the path.
    Owner(String, String),
    /// `chmod`: mode and path.
    Mode(String, String),
    /// A condition for running at all.
    Gate(Condition),
    /// A condition that is waited for: the form of `--wait-for`, and the programs that it runs.
    WaitFor(String, Vec<String>),
    /// A command that runs before.
    Before(Before),
    /// Whom everything after it runs as.
    User(User),
    /// When it runs again: options.
    Pace(Vec<(&'static str, String)>),
    /// The worker: words of a program.
    Run(Vec<Word>),
    /// The worker: a part of the script, in bytes.
    RunLines(std::ops::Range<usize>),
}

/// Whether a file may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is skipped.
    Skipped,
    /// It is an error.
    Error,
}

/// Whether a variable reached the programs that the shell started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exported {
    /// It did.
    Yes,
    /// Only if it was inherited.
    No,
}

/// Whom a program runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// In the form of `--user`.
    pub(crate) name: String,
    /// In the form of `--groups`; none: all groups of the user.
    pub(crate) groups: Option<String>,
}

/// Where output goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// Stdout.
    pub(crate) stdout: Option<Target>,
    /// Stderr.
    pub(crate) stderr: Option<Target>,
}

/// The place of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Appended to this file.
    Append(String),
    /// Written to this file from its start.
    Truncate(String),
    /// /dev/null
    Nowhere,
    /// Where stdout goes.
    SameAsStdout,
}

/// A condition of the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The variable is set and not empty.
    Set(String),
    /// The variable is missing or empty.
    NotSet(String),
    /// The variable has this value.
    Equals(String, String),
    /// The variable has another value, or none.
    Differs(String, String),
    /// The path exists.
    Exists(String),
    /// The path does not exist.
    Missing(String),
    /// The path can be read.
    Readable(String),
    /// It cannot.
    NotReadable(String),
    /// This process is root.
    IsRoot,
    /// It is not.
    IsNotRoot,
    /// A command succeeds: its text, and the programs in it.
    Succeeds(String, Vec<String>),
    /// A command fails.
    Fails(String, Vec<String>),
}

impl Condition {
    /// The opposite.
    pub(crate) fn negated(self) -> Condition {
        match self {
            Condition::Set(name) => Condition::NotSet(name),
            Condition::NotSet(name) => Condition::Set(name),
            Condition::Equals(name, value) => Condition::Differs(name, value),
            Condition::Differs(name, value) => Condition::Equals(name, value),
            Condition::Exists(path) => Condition::Missing(path),
            Condition::Missing(path) => Condition::Exists(path),
            Condition::Readable(path) => Condition::NotReadable(path),
            Condition::NotReadable(path) => Condition::Readable(path),
            Condition::IsRoot => Condition::IsNotRoot,
            Condition::IsNotRoot => Condition::IsRoot,
            Condition::Succeeds(text, programs) => Condition::Fails(text, programs),
            Condition::Fails(text, programs) => Condition::Succeeds(text, programs),
        }
    }
}

/// A command that runs before the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    /// Text for the shell.
    pub(crate) text: String,
    /// As whom, if it is not the user at that point.
    pub(crate) user: Option<User>,
    /// The programs in it.
    pub(crate) programs: Vec<String>,
    /// The variables in it.
    pub(crate) names: Vec<String>,
    /// Whether the script goes on if it fails; none: as `set -e` says.
    pub(crate) ignores_failure: bool,
}
