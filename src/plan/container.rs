//! The container's own variables, which s6-overlay keeps in files: a supervisor passes on at most PATH.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::draft::Place;
use crate::config::settings::ContainerEnv;
use crate::config::value::mode;
use crate::error::{Finding, Findings, Problem, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::envdir::EnvdirError;

/// Where s6-overlay keeps them: version 3, and version 2 if /var/run is not a link to /run.
const DIRECTORIES: [&str; 2] = ["/run/s6/container_environment", "/var/run/s6/container_environment"];

/// Variables by name.
pub(super) type Variables = Vec<(OsString, OsString)>;

/// The container's variables cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("unable to read the container's variables in '{}': {}", path.display(), reason_of(source))]
pub(super) struct ContainerError {
    /// The directory, or the file in it.
    path: PathBuf,
    /// The system's error, or what is wrong with the content.
    source: io::Error,
}

impl ContainerError {
    fn of(directory: &Path, error: EnvdirError) -> Self {
        let EnvdirError { file, source } = error;
        ContainerError { path: file.unwrap_or_else(|| directory.to_path_buf()), source }
    }
}

impl Problem for ContainerError {
    fn exit(&self) -> Exit {
        exit_of_io(&self.source)
    }

    fn hint(&self) -> Option<String> {
        (self.exit() == Exit::EDIT).then(|| "correct it, or use --container-env none".to_string())
    }
}

/// The container's variables, and the inherited ones that override them.
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
    if place == Place::Service && find(&container, "PATH").is_some() {
        match is_path_of_supervisor(&inherited, host) {
            Ok(true) => inherited.retain(|(name, _)| name != "PATH"),
            Ok(false) => {}
            Err(source) => {
                let path = PathBuf::from("/proc");
                findings.push(ContainerError { path, source });
            }
        }
    }
    (container, inherited)
}

/// The container's variables, without those that cannot be read.
pub fn variables_of_container(host: &dyn Host) -> Vec<(OsString, OsString)> {
    standard(host, &mut Findings::default())
}

fn standard(host: &dyn Host, findings: &mut Findings) -> Variables {
    for directory in DIRECTORIES.map(Path::new) {
        match host.read_envdir(directory) {
            Err(EnvdirError { file: None, source })
                if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Ok(variables) => return variables,
            Err(error) => {
                findings.push(ContainerError::of(directory, error));
                break;
            }
        }
    }
    Vec::new()
}

fn read(directory: &Path, host: &dyn Host) -> Result<Variables, ContainerError> {
    host.read_envdir(directory).map_err(|error| ContainerError::of(directory, error))
}

/// Whether PATH is the one the supervisor passed on: then the container's takes precedence, as with with-contenv. A
/// PATH exported by the run file is intentional, and is assumed so if the supervisor's is not visible.
fn is_path_of_supervisor(inherited: &Variables, host: &dyn Host) -> io::Result<bool> {
    let parents = host.parent_variable("PATH")?;
    Ok(parents.is_some() && find(inherited, "PATH") == parents.as_ref())
}

/// The value of a variable.
pub(super) fn find<'v>(variables: &'v [(OsString, OsString)], name: &str) -> Option<&'v OsString> {
    variables.iter().find(|(each, _)| each == name).map(|(_, value)| value)
}

/// linuxserver's start scripts apply the container's UMASK to services only.
pub(super) fn umask(
    place: Place,
    container: &[(OsString, OsString)],
    warnings: &mut Vec<Finding>,
) -> Option<u32> {
    let asked = find(container, "UMASK").filter(|_| place == Place::Service)?;
    // an empty value counts as unset, as in a shell test
    let asked = asked.to_string_lossy();
    let asked = Some(asked.trim()).filter(|asked| !asked.is_empty())?;
    match mode(asked, 0o777) {
        Ok(mask) => Some(mask),
        Err(invalid) => {
            let text =
                format!("the container's UMASK {}: the worker keeps the inherited umask", invalid.reason);
            let remedy = "write it as in UMASK=002 (quoted in YAML), or use --umask";
            warnings.push(Finding::trouble(text, Some(remedy.to_string())));
            None
        }
    }
}
