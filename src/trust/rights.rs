//! The options that the writers of a definition may use. The same rule applies to what `futo sync` publishes and to
//! the plans of all other commands.

use std::path::{Path, PathBuf};

use crate::config::DEFAULT_USER;
use crate::config::flags::{Key, LaunchOption};
use crate::config::request::Given;
use crate::config::request::Request;
use crate::config::rights::refuse_rights;
use crate::config::service_file;
use crate::config::settings::Settings;
use crate::error::{Findings, Problem};
use crate::exit::Exit;
use crate::machine::Host;

use super::account::Account;

/// The rights of a launcher's command line.
#[derive(Clone, Debug)]
pub enum Rights {
    /// All: root wrote it, or the caller is not root and has no rights to grant.
    All,
    /// Those of this user, who can write it.
    Of(Account),
}

/// Why a command in a definition is rejected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DefinitionError {
    /// It would not start a worker.
    #[error("{}: --explain, --help and --version are not allowed in a run script", .0.display())]
    RunsNothing(PathBuf),
    /// It names a service file in addition to the command.
    #[error("{}: --file is not allowed in a one-line run script", .0.display())]
    File(PathBuf),
    /// It has an option reserved for futo sync.
    #[error("{}: --service-dir is reserved for futo sync", .0.display())]
    ServiceDir(PathBuf),
    /// It requests rights that its writers lack.
    #[error("{}: {what}: not allowed in a file writable by non-root users", path.display())]
    Rights { path: PathBuf, what: String },
    /// It contains a NUL byte, which is not possible in an argument.
    #[error("{}: the command contains a NUL byte", .0.display())]
    Nul(PathBuf),
    /// It is not UTF-8.
    #[error("{}: not valid UTF-8", .0.display())]
    NotUtf8(PathBuf),
}

impl Problem for DefinitionError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            DefinitionError::File(_) => {
                Some("make #!/usr/local/bin/futo-launch --file the first line of run".to_string())
            }
            DefinitionError::Rights { .. } => Some(format!(
                "remove the option: the service runs as {DEFAULT_USER}, and only root-owned definitions may set it"
            )),
            _ => None,
        }
    }
}

/// Reports and removes options that no definition may use.
pub(crate) fn refuse_what_runs_nothing(path: &Path, request: &mut Request, findings: &mut Findings) {
    if request.ask.take().is_some() || std::mem::take(&mut request.show_values) {
        findings.push(DefinitionError::RunsNothing(path.to_path_buf()));
    }
    if request.file.take().is_some() {
        findings.push(DefinitionError::File(path.to_path_buf()));
    }
    let before = request.given.len();
    request.given.retain(|given| !given.is(Key::Launch(LaunchOption::ServiceDir)));
    if request.given.len() != before {
        findings.push(DefinitionError::ServiceDir(path.to_path_buf()));
    }
    if request.words.iter().any(|word| word.as_encoded_bytes().contains(&0)) {
        findings.push(DefinitionError::Nul(path.to_path_buf()));
    }
}

/// Reports and removes every option that would grant a definition more rights than its writers have. Each option is
/// checked on its own, regardless of later ones.
pub(crate) fn refuse_options(path: &Path, given: &mut Vec<Given>, host: &dyn Host, findings: &mut Findings) {
    given.retain(|given| {
        let mut alone = Settings::default();
        if (given.flag.meaning.set)(&mut alone, &given.value).is_err() {
            // an invalid value is reported when it is applied
            return true;
        }
        let before = findings.iter().count();
        let refusal = |what| DefinitionError::Rights { path: path.to_path_buf(), what };
        refuse_rights(&mut alone, host, refusal, findings);
        findings.iter().count() == before
    });
}

/// The command in a run script of the form `#!/usr/local/bin/futo-launch --file`.
pub(crate) fn request_of_file(path: &Path, bytes: &[u8], findings: &mut Findings) -> Request {
    let Ok(text) = std::str::from_utf8(bytes) else {
        findings.push(DefinitionError::NotUtf8(path.to_path_buf()));
        return Request::default();
    };
    let file = service_file::parse(path, text, findings);
    let words = file.worker.map(|worker| worker.words()).unwrap_or_default();
    Request { given: file.given, words, ..Request::default() }
}
