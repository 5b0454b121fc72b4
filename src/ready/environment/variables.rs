//! The variables and their origin.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use super::signature::Signature;
use crate::error::Finding;
use crate::sys::spawn::Vector;

/// The origin of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The container's variables.
    Container,
    /// The process that started the launcher.
    Inherited,
    /// HOME, USER, LOGNAME of the worker's user.
    Identity,
    /// A file, at this line.
    File(Rc<Path>, usize),
    /// A file of `--env-dir`.
    Directory(Rc<Path>),
    /// The file named by this variable: `FILE__NAME` or `NAME_FILE`.
    NamedFile(String),
    /// `--default`
    Default,
    /// `--env`
    CommandLine,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Container => formatter.write_str("the container"),
            Source::Inherited => formatter.write_str("inherited"),
            Source::Identity => formatter.write_str("the worker's user"),
            Source::File(path, line) => write!(formatter, "{}:{line}", path.display()),
            Source::Directory(path) => path.display().fmt(formatter),
            Source::NamedFile(variable) => write!(formatter, "the file named by {variable}"),
            Source::Default => formatter.write_str("--default"),
            Source::CommandLine => formatter.write_str("--env"),
        }
    }
}

/// A value and its origin. The Debug form does not show the value.
#[derive(Clone)]
pub struct Variable {
    /// The value.
    pub value: OsString,
    /// The origin.
    pub source: Source,
}

impl fmt::Debug for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "(from {})", self.source)
    }
}

/// The worker's variables by name.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub(super) variables: BTreeMap<OsString, Variable>,
    pub(super) quirks: Vec<String>,
    pub(super) signature: Signature,
}

impl Environment {
    pub(super) fn set(&mut self, name: impl Into<OsString>, value: OsString, source: Source) {
        self.variables.insert(name.into(), Variable { value, source });
    }

    pub(super) fn unset(&mut self, name: &OsStr) {
        self.variables.remove(name);
    }

    /// A warning about text that is ignored or read differently, such as a byte order mark.
    pub fn quirks(&self) -> Option<Finding> {
        (!self.quirks.is_empty()).then(|| Finding::trouble(self.quirks.join("; "), None))
    }

    /// The files it was read from, with their state at that time.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(|variable| variable.value.as_os_str())
    }

    /// The variables by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &Variable)> + Clone {
        self.variables.iter().map(|(name, variable)| (name.as_os_str(), variable))
    }

    /// `NAME=VALUE` for the kernel. No source yields a value that contains NUL.
    pub fn to_vector(&self) -> Vector {
        let entry = |(name, variable): (&OsString, &Variable)| {
            let mut entry = Vec::with_capacity(name.len() + variable.value.len() + 2);
            entry.extend_from_slice(name.as_bytes());
            entry.push(b'=');
            entry.extend_from_slice(variable.value.as_bytes());
            CString::new(entry).ok()
        };
        Vector::new(self.variables.iter().filter_map(entry).collect())
    }
}
