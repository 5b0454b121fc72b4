//! The container's own variables, which s6-overlay keeps in files: a supervisor passes on PATH at most.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{Host, Place};
use crate::config::settings::ContainerEnv;
use crate::error::{Findings, Problem, reason_of};
use crate::exit::Exit;

/// Where s6-overlay keeps them: version 3, and version 2 where /var/run is no link to /run.
const DIRECTORIES: [&str; 2] = ["/run/s6/container_environment", "/var/run/s6/container_environment"];

/// Variables by name.
pub(super) type Variables = Vec<(OsString, OsString)>;

/// The container's variables cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("unable to read the container's variables in '{}': {}", directory.display(), reason_of(source))]
pub(super) struct ContainerError {
    /// The directory.
    directory: PathBuf,
    /// Why.
    source: io::Error,
}

impl Problem for ContainerError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        Some("mend it, or do without: --container-env none".to_string())
    }
}

/// The container's variables, and of the inherited ones those that win over them.
pub(super) fn variables(
    asked: &ContainerEnv,
    place: Place,
    host: &dyn Host,
    findings: &mut Findings,
) -> (Variables, Variables) {
    let container = match asked {
        ContainerEnv::None => Vec::new(),
        ContainerEnv::Directory(directory) => findings.take(read(directory, host)).unwrap_or_default(),
        ContainerEnv::Standard => standard(host, findings),
    };
    let mut inherited = host.environment();
    if place == Place::Service
        && find(&container, "PATH").is_some()
        && is_path_of_supervisor(&inherited, host)
    {
        inherited.retain(|(name, _)| name != "PATH");
    }
    (container, inherited)
}

fn standard(host: &dyn Host, findings: &mut Findings) -> Variables {
    for directory in DIRECTORIES.map(Path::new) {
        match host.read_envdir(directory) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Ok(variables) => return variables,
            Err(source) => {
                findings.push(ContainerError { directory: directory.to_path_buf(), source });
                break;
            }
        }
    }
    Vec::new()
}

fn read(directory: &Path, host: &dyn Host) -> Result<Variables, ContainerError> {
    host.read_envdir(directory)
        .map_err(|source| ContainerError { directory: directory.to_path_buf(), source })
}

/// Whether PATH is what the supervisor passed on: then the container's comes first, as with-contenv has
/// it. A run file that has exported another one meant that; so it may have where the supervisor's cannot
/// be seen.
fn is_path_of_supervisor(inherited: &Variables, host: &dyn Host) -> bool {
    let parents = host.parent_variable("PATH");
    parents.is_some() && find(inherited, "PATH") == parents.as_ref()
}

fn find<'v>(variables: &'v Variables, name: &str) -> Option<&'v OsString> {
    variables.iter().find(|(each, _)| each == name).map(|(_, value)| value)
}
