//! Paths in the options of a new service: the launcher would take relative ones from the service directory.

use std::ffi::OsString;

use crate::config::flags::{Key, LaunchOption, LoopOption};
use crate::config::request::Given;
use crate::config::value::Presence;

/// The launcher's option with an absolute path, if its path is relative to the service directory.
pub(super) fn absolute(mut option: Given) -> Given {
    let key = option.flag.meaning.key;
    let (dash, path) = match Presence::split(&option.value) {
        (Presence::Optional, path) if may_be_optional(key) => ("-", path),
        _ => ("", option.value.as_os_str()),
    };
    let has_path = is_of_service_directory(key) && !path.is_empty();
    if has_path
        && path != "-"
        && let Ok(path) = std::path::absolute(path)
    {
        option.value = OsString::from(dash);
        option.value.push(path);
    }
    option
}

fn may_be_optional(key: Key) -> bool {
    use LaunchOption::{Dotenv, EnvDir, EnvFile};
    matches!(key, Key::Launch(EnvFile | Dotenv | EnvDir))
}

fn is_of_service_directory(key: Key) -> bool {
    match key {
        Key::Launch(option) => matches!(
            option,
            LaunchOption::Chdir
                | LaunchOption::Mkdir
                | LaunchOption::EnvFile
                | LaunchOption::Dotenv
                | LaunchOption::EnvDir
                | LaunchOption::Log
                | LaunchOption::StateDir
        ),
        Key::Loop(option) => option == LoopOption::Lock,
        // the paths of gates and probes are relative to the worker's directory
        Key::CommandLine(_) | Key::Pace(_) | Key::Readiness(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::flags;
    use crate::config::request::Origin;

    fn given(option: &str) -> Given {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let flag = flags::all().find(|flag| name == format!("--{}", flag.long)).expect("an option");
        Given { flag, value: value.into(), origin: Origin::CommandLine }
    }

    #[test]
    fn paths_relative_to_the_service_directory_become_absolute_and_no_others() {
        let here = std::env::current_dir().expect("a directory").display().to_string();
        for (option, expected) in [
            ("--env-file=./a.env", format!("--env-file={here}/a.env")),
            ("--env-file=-a.env", format!("--env-file=-{here}/a.env")),
            ("--env-file=./-a.env", format!("--env-file={here}/-a.env")),
            ("--env-dir=-/run/x", "--env-dir=-/run/x".to_string()),
            ("--log=logs/x=y.log", format!("--log={here}/logs/x=y.log")),
            ("--lock=../x.lock", format!("--lock={here}/../x.lock")),
            ("--chdir=work", format!("--chdir={here}/work")),
            ("--mkdir=data:0700", format!("--mkdir={here}/data:0700")),
            ("--log=-", "--log=-".to_string()),
            ("--state-dir=/var/lib/x", "--state-dir=/var/lib/x".to_string()),
            ("--if-file=flag", "--if-file=flag".to_string()),
            ("--interval=5m", "--interval=5m".to_string()),
            ("--persist", "--persist".to_string()),
        ] {
            assert_eq!(absolute(given(option)).word(), OsString::from(expected), "{option}");
        }
    }
}
