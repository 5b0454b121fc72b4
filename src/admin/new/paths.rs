//! Paths in the options of a new service: the launcher would take relative ones from the service directory.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::config::flags::{self, Key, LaunchOption, LoopOption};

/// The launcher's option with an absolute path, if it is one whose path is relative to the service directory.
pub(super) fn absolute(option: OsString) -> OsString {
    match split(&option) {
        Some((name, path)) if is_of_service_directory(name) && !path.is_empty() && path != "-" => {
            let Ok(path) = std::path::absolute(path) else { return option };
            let mut option = OsString::from(format!("--{name}="));
            option.push(path);
            option
        }
        _ => option,
    }
}

/// The name and the value of `--name=value`.
fn split(option: &OsStr) -> Option<(&str, &OsStr)> {
    let bytes = option.as_bytes().strip_prefix(b"--")?;
    let (name, value) = bytes.split_at(bytes.iter().position(|byte| *byte == b'=')?);
    Some((std::str::from_utf8(name).ok()?, OsStr::from_bytes(value.get(1..)?)))
}

fn is_of_service_directory(name: &str) -> bool {
    let key = flags::all().find(|flag| flag.long == name).map(|flag| flag.meaning.key);
    match key {
        Some(Key::Launch(option)) => matches!(
            option,
            LaunchOption::Chdir
                | LaunchOption::EnvFile
                | LaunchOption::Dotenv
                | LaunchOption::EnvDir
                | LaunchOption::Log
                | LaunchOption::StateDir
        ),
        Some(Key::Loop(option)) => option == LoopOption::Lock,
        // the paths of gates and probes are relative to the worker's directory
        Some(Key::CommandLine(_) | Key::Pace(_) | Key::Readiness(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_relative_to_the_service_directory_become_absolute_and_no_others() {
        let here = std::env::current_dir().expect("a directory").display().to_string();
        for (given, expected) in [
            ("--env-file=./a.env", format!("--env-file={here}/a.env")),
            ("--log=logs/x=y.log", format!("--log={here}/logs/x=y.log")),
            ("--lock=../x.lock", format!("--lock={here}/../x.lock")),
            ("--chdir=work", format!("--chdir={here}/work")),
            ("--log=-", "--log=-".to_string()),
            ("--state-dir=/var/lib/x", "--state-dir=/var/lib/x".to_string()),
            ("--if-file=flag", "--if-file=flag".to_string()),
            ("--interval=5m", "--interval=5m".to_string()),
            ("--persist", "--persist".to_string()),
        ] {
            assert_eq!(absolute(given.into()), OsString::from(expected), "{given}");
        }
    }
}
