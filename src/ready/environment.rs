//! The worker's variables, and where each came from.
//!
//! Later wins: the inherited environment < HOME, USER, LOGNAME < config.env < `--env-file` < `--env`,
//! `--unset`.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::env_file::{self, Assignment};
use crate::config::value::EnvironmentEdit;
use crate::error::{Finding, Findings, Problem, reason_of};
use crate::exit::Exit;
use crate::plan::{Change, Plan, trust};
use crate::service::layout;
use crate::sys;
use crate::sys::spawn::Vector;

/// Where a variable came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From whoever started the launcher.
    Inherited,
    /// HOME, USER, LOGNAME of the worker's user.
    Identity,
    /// A file, at this line.
    File(PathBuf, usize),
    /// `--env`
    CommandLine,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Inherited => formatter.write_str("inherited"),
            Source::Identity => formatter.write_str("the worker's user"),
            Source::File(path, line) => write!(formatter, "{}:{line}", path.display()),
            Source::CommandLine => formatter.write_str("--env"),
        }
    }
}

/// A value and where it came from. Its Debug form does not show the value.
#[derive(Clone)]
pub struct Variable {
    /// The value.
    pub value: OsString,
    /// Where it came from.
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
    variables: BTreeMap<OsString, Variable>,
    oddities: Vec<String>,
}

/// Tells whether a file of variables has changed: modification time with nanoseconds, inode, size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature(Vec<Option<(i64, i64, u64, i64)>>);

impl Signature {
    /// Of all files that the environment is read from, as they are now.
    pub fn of(plan: &Plan) -> Self {
        let mark = |path: &Path| {
            let status = nix::sys::stat::stat(path).ok()?;
            Some((status.st_mtime, status.st_mtime_nsec, status.st_ino, status.st_size))
        };
        let automatic = plan.environment.config_env.then_some(Path::new(layout::CONFIG_ENV));
        let named = plan.environment.files.iter().map(PathBuf::as_path);
        Signature(automatic.into_iter().chain(named).map(mark).collect())
    }
}

/// What can be wrong with a file of variables.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// It cannot be read.
    #[error("unable to read '{}': {}", path.display(), reason_of(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of it cannot be taken as bash would.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why, without a value.
        what: String,
        /// How to write it.
        remedy: String,
    },
}

impl Problem for EnvironmentError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            EnvironmentError::Line { remedy, .. } => Some(remedy.clone()),
            EnvironmentError::Read { source, .. }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some("it is read as the worker's user".to_string())
            }
            EnvironmentError::Read { .. } => None,
        }
    }
}

/// Puts the environment together; all findings of all files at once.
pub fn build(plan: &Plan, findings: &mut Findings) -> Environment {
    let mut environment = Environment::default();
    if !plan.environment.clear {
        for (name, value) in &plan.inherited {
            environment.set(name, value.clone(), Source::Inherited);
        }
    }
    set_identity(plan, &mut environment);

    let config_env = PathBuf::from(layout::CONFIG_ENV);
    let automatic = plan.environment.config_env.then_some((&config_env, Presence::Optional));
    let named = plan.environment.files.iter().map(|path| (path, Presence::Required));
    for (path, presence) in automatic.into_iter().chain(named) {
        for Assignment { name, value, line } in read_file(plan, path, presence, &mut environment, findings) {
            environment.set(OsStr::new(&name), OsString::from_vec(value), Source::File(path.clone(), line));
        }
    }
    for edit in &plan.environment.edits {
        match edit {
            EnvironmentEdit::Set(name, value) => {
                environment.set(OsStr::new(name.as_str()), value.clone(), Source::CommandLine);
            }
            EnvironmentEdit::Unset(name) => {
                environment.variables.remove(OsStr::new(name.as_str()));
            }
        }
    }
    environment
}

/// HOME, USER and LOGNAME tell who the worker is; what root was called must not be left in them.
fn set_identity(plan: &Plan, environment: &mut Environment) {
    if let Some(home) = &plan.home {
        environment.set(OsStr::new("HOME"), home.clone().into_os_string(), Source::Identity);
    }
    for variable in ["USER", "LOGNAME"] {
        match &plan.identity.name {
            Some(name) => environment.set(OsStr::new(variable), name.into(), Source::Identity),
            None if plan.change == Change::Become => {
                environment.variables.remove(OsStr::new(variable));
            }
            None => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Optional,
    Required,
}

fn read_file(
    plan: &Plan,
    path: &Path,
    presence: Presence,
    environment: &mut Environment,
    findings: &mut Findings,
) -> Vec<Assignment> {
    if plan.change == Change::Unknown && nix::unistd::geteuid().is_root() {
        // the files are for a user that there is not: root does not read them
        return Vec::new();
    }
    if plan.change == Change::StaysRoot && !trust::is_roots(path) {
        // not even opened: to open some devices is to do something
        match sys::file::look_for(path) {
            Err(Errno::ENOENT) if presence == Presence::Optional => {}
            Err(errno) => {
                findings.push(EnvironmentError::Read { path: path.to_path_buf(), source: errno.into() })
            }
            Ok(()) => findings.push(trust::TrustError::ForRoot { path: path.to_path_buf() }),
        }
        return Vec::new();
    }
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if presence == Presence::Optional && error.kind() == std::io::ErrorKind::NotFound => {
            return Vec::new();
        }
        Err(source) => {
            findings.push(EnvironmentError::Read { path: path.to_path_buf(), source });
            return Vec::new();
        }
    };
    let inherited = |name: &str| environment.get(name).map(OsStr::as_bytes);
    match env_file::parse(&bytes, &inherited) {
        Ok(file) => {
            if let Some(oddity) = file.oddity() {
                environment.oddities.push(format!("{}: {oddity}", path.display()));
            }
            file.assignments
        }
        Err(refusals) => {
            for refusal in refusals {
                findings.push(EnvironmentError::Line {
                    path: path.to_path_buf(),
                    line: refusal.line,
                    what: refusal.what,
                    remedy: refusal.remedy,
                });
            }
            Vec::new()
        }
    }
}

fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = sys::file::open_regular(path, OFlag::empty())?;
    sys::file::read_at_most(file, env_file::MAX_BYTES)
}

impl Environment {
    fn set(&mut self, name: &OsStr, value: OsString, source: Source) {
        self.variables.insert(name.to_os_string(), Variable { value, source });
    }

    /// What was read otherwise than bash would have (README, *config.env*).
    pub fn oddity(&self) -> Option<Finding> {
        (!self.oddities.is_empty()).then(|| Finding::trouble(self.oddities.join("; "), None))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(|variable| variable.value.as_os_str())
    }

    /// The variables by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &Variable)> {
        self.variables.iter().map(|(name, variable)| (name.as_os_str(), variable))
    }

    /// `NAME=VALUE` for the kernel. No source gives a value with a NUL in it.
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
