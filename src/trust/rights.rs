//! What those who can write a definition may ask for: the same rule for what `futo sync` publishes and for every
//! plan that another command makes.

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

/// Whose rights the words of a launcher have.
#[derive(Clone, Debug)]
pub enum Rights {
    /// Root's: root wrote them, or the caller is not root and has no rights to grant.
    All,
    /// Those of this user, who can write them.
    Of(Account),
}

/// Why a command in a definition is rejected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DefinitionError {
    /// It would run nothing.
    #[error("{}: --explain, --help and --version run nothing", .0.display())]
    RunsNothing(PathBuf),
    /// It names a service file besides the line.
    #[error("{}: --file: not in a one-line run script", .0.display())]
    File(PathBuf),
    /// It has an option that only futo sync may write.
    #[error("{}: --service-dir: is written by futo sync", .0.display())]
    ServiceDir(PathBuf),
    /// It asks for rights that its writers lack.
    #[error("{}: {what}: not allowed in a file writable by non-root users", path.display())]
    Rights { path: PathBuf, what: String },
    /// It has a NUL byte, which no argument can contain.
    #[error("{}: the command has a NUL byte", .0.display())]
    Nul(PathBuf),
    /// It is not UTF-8.
    #[error("{}: it is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
}

impl Problem for DefinitionError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            DefinitionError::File(_) => {
                Some("begin the file itself with #!/usr/local/bin/futo-launch --file, as run".to_string())
            }
            DefinitionError::Rights { .. } => Some(format!(
                "leave the option out: it runs as {DEFAULT_USER}; root's own definitions may say more"
            )),
            _ => None,
        }
    }
}

/// Reports what no definition may contain, and removes it.
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

/// Reports every option that would grant a definition more rights than its writers have, and removes it; each by
/// itself, whatever follows it.
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
