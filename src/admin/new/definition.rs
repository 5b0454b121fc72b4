//! The files of a new service.

use super::line::CommandLine;
use super::starter::Starter;
use crate::config::value::VariableName;
use crate::plan::{self, Plan};
use crate::service::run_script::{self, RunScript};
use crate::service::{ServiceName, launcher, layout};
use crate::shell_quote::{shell_quoted, shell_word};

/// A service directory that is to be written.
pub(super) struct NewDefinition {
    pub(super) name: ServiceName,
    /// Name, text and mode of each file.
    pub(super) files: Vec<(&'static str, String, u32)>,
}

impl NewDefinition {
    /// None if the arguments cannot be written as one line of a run file.
    pub(super) fn of(
        name: ServiceName,
        line: &CommandLine,
        starter: Option<Starter>,
        kind: Option<Starter>,
        plan: &Plan,
    ) -> Option<Self> {
        let run = run_file(&name, line, plan)?;
        let variables = config_env(&name, kind, &line.variables, plan);
        let mut files = vec![(layout::RUN, run, 0o755), (layout::CONFIG_ENV, variables, 0o600)];
        if plan.readiness.form.is_some() {
            let fd = (3..).find(|fd| !plan.keep_fds.contains(fd));
            files.extend(fd.map(|fd| (layout::NOTIFICATION_FD, format!("{fd}\n"), 0o644)));
        }
        if let Some(starter) = starter {
            let (file, text) = starter.file(&plan.mode);
            files.push((file, text.to_string(), 0o755));
        }
        Some(NewDefinition { name, files })
    }

    /// The names of its files.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.files.iter().map(|(name, ..)| *name).collect()
    }
}

/// A run script of one line; none if it would not be read back as the same arguments.
fn run_file(name: &ServiceName, line: &CommandLine, plan: &Plan) -> Option<String> {
    let kind = match plan.mode {
        plan::Mode::Loop(_) if line.has_persist() => {
            "runs periodically; a restart does not repeat a run (--persist)"
        }
        plan::Mode::Loop(_) => "runs periodically",
        plan::Mode::Exec | plan::Mode::ExecAsInit => "runs continuously",
    };
    let mut text =
        format!("#!/bin/sh\n# {name}: {kind}. Details: futo explain {}\n", shell_word(name.as_str()));
    text.push_str("exec ");
    text.push_str(&launcher::word());
    let words = line.words();
    for word in &words {
        let word = word.to_str().filter(|word| !word.contains(['\n', '\r']))?;
        text.push(' ');
        text.push_str(&shell_word(word));
    }
    text.push('\n');
    // the line must be parsed back into the same arguments
    match run_script::parse(text.as_bytes()) {
        Ok(RunScript::OneLine(read)) if read == words => Some(text),
        _ => None,
    }
}

fn config_env(
    name: &ServiceName,
    kind: Option<Starter>,
    variables: &[(String, String)],
    plan: &Plan,
) -> String {
    let word = shell_word(name.as_str());
    let mut text = format!(
        "# Variables of {name}, read as bash would read them, before each start; never executed.\n\
         # One per line: NAME='value'. To check them: futo check {word}\n\n"
    );
    let is_set = |name: &str| variables.iter().any(|(each, _)| each == name);
    for (name, value, why) in kind.map_or(&[][..], Starter::variables) {
        if !is_set(name) {
            text.push_str(&format!("# {why}\n{name}={value}\n"));
        }
    }
    for (name, value) in variables {
        text.push_str(&format!("{name}={}\n", shell_quoted(value)));
    }
    let missing: Vec<&str> =
        plan.environment.required.iter().map(VariableName::as_str).filter(|name| !is_set(name)).collect();
    if !missing.is_empty() {
        text.push_str("\n# required: fill in\n");
        for name in missing {
            text.push_str(&format!("{name}=\n"));
        }
    }
    text
}
