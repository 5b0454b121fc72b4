//! The files of an instance's service directory.

use std::ffi::OsString;

use super::instance::InstanceRole;
use super::names::{is_name, name_of};
use super::system::{ServiceTemplate, System};
use crate::boot::manifest::ServiceFiles;
use crate::cli;
use crate::config::flags::{Key, LaunchOption};
use crate::error::Findings;
use crate::service::one_line::{self, Logger};
use crate::service::{layout, search_path};

/// The values of the placeholders.
#[derive(Debug)]
pub(super) struct Placeholders<'i> {
    pub(super) name: &'i str,
    pub(super) service: &'i str,
    pub(super) home: &'i str,
    pub(super) directory: &'i str,
}

/// Creates missing parts of the log directory, as the user.
const LOG_SCRIPT: &str = "mkdir -p -- \"$1\" && shift && exec \"$@\"";

/// The possible last lines of `run` in a service directory of another tool.
pub(super) fn predecessor_lines(system: &System, name: &str, service: &str) -> Vec<String> {
    let lines = match system.root_instance.as_deref() == Some(name) {
        true => &system.predecessor.root_run,
        false => &system.predecessor.run,
    };
    let names = Placeholders { name, service, home: "", directory: "" };
    lines.iter().map(|line| expand(line, &names, "")).collect()
}

/// Whether another tool prepares its service directories under this name.
pub(super) fn is_staging(system: &System, name: &str) -> bool {
    system.predecessor.staging.iter().any(|staging| {
        let (before, after) = staging.split_once("{service}").unwrap_or((staging, ""));
        let service = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        service.and_then(|service| name_of(system, service)).is_some_and(|name| is_name(&name))
    })
}

/// The files of an instance's service directory, except for `down`.
pub(super) fn files(
    system: &System,
    launcher: &str,
    names: &Placeholders<'_>,
    role: InstanceRole,
) -> ServiceFiles {
    let template = &system.template;
    let log_dir = template.log_dir.as_deref().map(|text| expand(text, names, ""));
    let expand = |text: &str| expand(text, names, log_dir.as_deref().unwrap_or_default());
    let by = format!("futo reconcile ({})", system.name);
    // the service directory, whose name is the default, is renamed when pruned
    let launch = |name: String, options: Vec<String>, program: Vec<String>, logger: Logger| {
        let request = cli::parse(options.iter().map(OsString::from), &mut Findings::default());
        let is_named = request.given.iter().any(|given| given.is(Key::Launch(LaunchOption::Name)));
        let mut words: Vec<String> = vec![launcher.to_string()];
        if !is_named {
            words.extend(["--name".to_string(), name]);
        }
        words.extend(["--user".to_string(), system.user.clone()]);
        if let Some(home) = &template.user_home {
            words.extend(["--home".to_string(), expand(home)]);
        }
        words.extend(["--log", "-"].map(str::to_string));
        words.extend(options);
        words.push("--".to_string());
        words.extend(program);
        one_line::script(&words.into_iter().map(OsString::from).collect::<Vec<_>>(), logger, &by)
    };

    let mut files = ServiceFiles::default();
    files.set("type", "longrun\n");
    let command = match &template.root_command {
        Some(command) if role == InstanceRole::Root => command,
        _ => &template.command,
    };
    let command: Vec<String> = command.iter().map(|word| expand(word)).collect();
    let logger = if log_dir.is_some() { Logger::Wake } else { Logger::Leave };
    files.set(layout::RUN, launch(names.service.to_string(), options(template, expand), command, logger));
    if let Some(log_dir) = &log_dir {
        let mut program = ["sh", "-c", LOG_SCRIPT, "sh", log_dir].map(str::to_string).to_vec();
        program.extend(template.log_command.iter().map(|word| expand(word)));
        files.set(
            layout::LOG_RUN,
            launch(format!("{}-log", names.service), Vec::new(), program, Logger::Leave),
        );
    }
    if !template.no_restart.is_empty() {
        let codes: Vec<String> = template.no_restart.iter().map(ToString::to_string).collect();
        let finish = format!(
            "#!/bin/sh\n# written by {by}; edits here are lost\n# 125: do not start it again\n\
             case \"$1\" in {}) exit 125 ;; esac\n",
            codes.join("|")
        );
        files.set(layout::FINISH, finish);
    }
    files
}

fn options(template: &ServiceTemplate, expand: impl Fn(&str) -> String) -> Vec<String> {
    let mut options = Vec::new();
    if let Some(directory) = &template.chdir {
        options.extend(["--chdir".to_string(), expand(directory)]);
    }
    let mut set =
        |name: &str, value: String| options.extend(["--env".to_string(), format!("{name}={value}")]);
    // the launcher expands variables
    let plain = |text: &str| expand(text).replace('$', "$$");
    if let Some(venv) = &template.venv {
        set("VIRTUAL_ENV", plain(venv));
        set("PATH", format!("{}/bin:${{PATH:-{}}}", plain(venv), search_path::OF_USER));
    }
    for (name, value) in &template.env {
        set(name, plain(value));
    }
    options.extend(template.options.iter().map(|option| expand(option)));
    options
}

/// Replaces the placeholders, in one pass: values are not expanded again.
fn expand(text: &str, names: &Placeholders<'_>, log_dir: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        let placeholders = [
            ("{name}", names.name),
            ("{service}", names.service),
            ("{home}", names.home),
            ("{directory}", names.directory),
            ("{log-dir}", log_dir),
        ];
        let (word, value) =
            placeholders.into_iter().find(|(word, _)| from.starts_with(word)).unwrap_or(("{", "{"));
        expanded.push_str(value);
        rest = from.get(word.len()..).unwrap_or_default();
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::super::config;
    use super::*;

    #[test]
    fn an_earlier_makers_staging_directory_is_recognised_by_its_name() {
        let mut system = config::example();
        system.service = "gateway-{name}".to_string();
        for (name, expected) in [
            (".gateway-coder.tmp", true),
            ("gateway-coder.tmp", true),
            ("gateway-coder", false),
            (".gateway-Coder.tmp", false),
            (".gateway-.tmp", false),
            ("other.tmp", false),
        ] {
            assert_eq!(is_staging(&system, name), expected, "{name}");
        }
    }

    #[test]
    fn placeholders_are_expanded_once() {
        let names = Placeholders { name: "a", service: "s-a", home: "/h{name}", directory: "/h/a" };
        assert_eq!(expand("x {name} {home}/{log-dir} ${X} {", &names, "L"), "x a /h{name}/L ${X} {");
    }
}
