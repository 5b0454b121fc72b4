//! The worker's variables, and where each came from.
//!
//! Later wins: the container's variables < the inherited environment < HOME, USER, LOGNAME < config.env <
//! `--env-file`, `--dotenv` < `--env-dir` < `--default` (for what is missing or empty) < `--env`, `--unset`.

pub mod dotenv;
mod error;
mod files;
mod signature;

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

pub use error::EnvironmentError;
pub use signature::Signature;

use crate::config::settings::{Dialect, EnvFile};
use crate::config::value::{EnvironmentEdit, Template, VariableName};
use crate::error::{Finding, Findings};
use crate::plan::{Change, Plan};
use crate::service::layout;
use crate::sys::spawn::Vector;
use files::{Presence, names_of_files};

/// `FILE__NAME=PATH` stands for `NAME=` and the content of the file, as container images have it.
const NAMES_A_FILE: &[u8] = b"FILE__";

/// Where a variable came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the container's variables.
    Container,
    /// From whoever started the launcher.
    Inherited,
    /// HOME, USER, LOGNAME of the worker's user.
    Identity,
    /// A file, at this line.
    File(Rc<Path>, usize),
    /// A file of `--env-dir`.
    Directory(Rc<Path>),
    /// The file that this variable names: `FILE__NAME`.
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
            Source::NamedFile(variable) => write!(formatter, "the file that {variable} names"),
            Source::Default => formatter.write_str("--default"),
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
    signature: Signature,
}

/// Puts the environment together; all findings of all files at once.
pub fn build(plan: &Plan, findings: &mut Findings) -> Environment {
    let mut environment = Environment::default();
    if !plan.environment.clear {
        for (variables, source) in
            [(&plan.container, Source::Container), (&plan.inherited, Source::Inherited)]
        {
            for (name, value) in variables {
                environment.set(name, value.clone(), source.clone());
            }
        }
    }
    environment.set_identity(plan);
    let named = names_of_files(environment.variables.keys().map(OsString::as_os_str));
    environment.read_named_files(named, plan, findings);

    if plan.environment.config_env {
        let config_env = EnvFile { path: plan.own(Path::new(layout::CONFIG_ENV)), dialect: Dialect::Bash };
        environment.read_file(&config_env, Presence::Optional, plan, findings);
    }
    for file in &plan.environment.files {
        environment.read_file(file, Presence::Required, plan, findings);
    }
    for directory in &plan.environment.directories {
        environment.read_directory(directory, plan, findings);
    }
    for (name, value) in &plan.environment.defaults {
        if environment.get(name.as_str()).is_none_or(OsStr::is_empty) {
            environment.expand(name, value, Source::Default, plan, findings);
        }
    }
    for edit in &plan.environment.edits {
        match edit {
            EnvironmentEdit::Set(name, value) => {
                environment.expand(name, value, Source::CommandLine, plan, findings);
            }
            EnvironmentEdit::Unset(name) => environment.unset(OsStr::new(name.as_str())),
        }
    }
    environment.require(plan, findings);
    environment
}

impl Environment {
    fn set(&mut self, name: impl Into<OsString>, value: OsString, source: Source) {
        self.variables.insert(name.into(), Variable { value, source });
    }

    fn unset(&mut self, name: &OsStr) {
        self.variables.remove(name);
    }

    /// HOME, USER and LOGNAME tell who the worker is; what root was called must not be left in them.
    fn set_identity(&mut self, plan: &Plan) {
        if let Some(home) = &plan.home {
            self.set(OsStr::new("HOME"), home.clone().into_os_string(), Source::Identity);
        }
        for variable in ["USER", "LOGNAME"].map(OsStr::new) {
            match &plan.identity.name {
                Some(name) => self.set(variable, name.into(), Source::Identity),
                None if plan.change == Change::Become => self.unset(variable),
                None => {}
            }
        }
    }

    /// `--env` or `--default`.
    fn expand(
        &mut self,
        name: &VariableName,
        value: &Template,
        source: Source,
        plan: &Plan,
        findings: &mut Findings,
    ) {
        let option = if source == Source::Default { "default" } else { "env" };
        let name = name.as_str();
        match value.expand(&|each| self.get(each)) {
            Ok(value) => {
                self.set(OsStr::new(name), value, source);
                self.read_named_files(names_of_files([OsStr::new(name)].into_iter()), plan, findings);
            }
            Err(error) => {
                findings.push(EnvironmentError::Expansion { option, name: name.to_string(), error });
            }
        }
    }

    fn require(&self, plan: &Plan, findings: &mut Findings) {
        for name in plan.environment.required.iter().map(VariableName::as_str) {
            let value = self.get(name);
            if value.is_none_or(OsStr::is_empty) {
                findings.push(EnvironmentError::Required { name: name.to_string(), is_set: value.is_some() });
            }
        }
    }

    /// What was read otherwise than it is written: by bash's rules (README, *config.env*), or in a dotenv file.
    pub fn oddity(&self) -> Option<Finding> {
        (!self.oddities.is_empty()).then(|| Finding::trouble(self.oddities.join("; "), None))
    }

    /// The files it was read from, as they were.
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
