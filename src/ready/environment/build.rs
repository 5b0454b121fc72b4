//! Builds the environment from its sources, in order.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::error::EnvironmentError;
use super::named_files::{file_variable, names_of_files};
use super::variables::{Environment, Source};
use crate::config::settings::{Dialect, EnvFile};
use crate::config::value::{EnvironmentEdit, ExpandableText, Presence, VariableName};
use crate::error::Findings;
use crate::plan::{Change, Plan};
use crate::service::layout;

/// Builds the environment; reports all findings from all files at once.
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
        let path = plan.own(Path::new(layout::CONFIG_ENV));
        let config_env = EnvFile { path, dialect: Dialect::Bash, presence: Presence::Optional };
        environment.read_file(&config_env, plan, findings);
    }
    for file in &plan.environment.files {
        environment.read_file(file, plan, findings);
    }
    for directory in &plan.environment.directories {
        environment.read_directory(directory, plan, findings);
    }
    for secret in &plan.environment.secrets {
        environment.read_secret(secret, plan, findings);
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
    /// HOME, USER and LOGNAME must be those of the worker's user, not root's.
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

    /// Sets a variable of `--env` or `--default`.
    fn expand(
        &mut self,
        name: &VariableName,
        value: &ExpandableText,
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
                let secrets = plan.environment.secrets.iter();
                for secret in secrets.filter(|secret| file_variable(secret) == name) {
                    self.read_secret(secret, plan, findings);
                }
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
        for secret in &plan.environment.secrets {
            let (name, file, value) = (secret.as_str(), file_variable(secret), self.get(secret.as_str()));
            // a file that could not be read is still named, and has been reported
            if value.is_none_or(OsStr::is_empty) && self.get(&file).is_none_or(OsStr::is_empty) {
                let (name, is_set) = (name.to_string(), value.is_some());
                findings.push(EnvironmentError::Secret { name, file, is_set });
            }
        }
    }
}
