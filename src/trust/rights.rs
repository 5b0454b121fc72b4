//! What those who can write a definition may ask for. One rule for what `futo sync` publishes and for what every
//! other command makes a plan of.

use std::path::{Path, PathBuf};

use crate::config::DEFAULT_USER;
use crate::config::request::Given;
use crate::config::request::Request;
use crate::config::rights::refuse_rights;
use crate::config::service_file;
use crate::config::settings::Settings;
use crate::error::{Findings, Problem};
use crate::exit::Exit;
use crate::machine::Host;

use super::account::Account;

/// With whose rights the words of a launcher count.
#[derive(Clone, Debug)]
pub enum Rights {
    /// Root wrote them, or whoever asks is not root: there are no rights to be gained.
    All,
    /// This user's: they can write them.
    Of(Account),
}

/// What a command in a definition may not say.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DefinitionError {
    /// It would run nothing.
    #[error("{}: --explain, --help and --version run nothing", .0.display())]
    RunsNothing(PathBuf),
    /// A file beside the line.
    #[error("{}: --file: not in a one-line run script", .0.display())]
    File(PathBuf),
    /// What only we write.
    #[error("{}: --service-dir: is written by futo sync", .0.display())]
    ServiceDir(PathBuf),
    /// Rights that its writers lack.
    #[error("{}: {what}: not allowed in a file that others than root can write", path.display())]
    Rights { path: PathBuf, what: String },
    /// No program can be given a word with one.
    #[error("{}: the command has a NUL byte", .0.display())]
    Nul(PathBuf),
    /// The text is not UTF-8.
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

/// Notes what no definition may say, and takes it out.
pub(crate) fn refuse_what_runs_nothing(path: &Path, request: &mut Request, findings: &mut Findings) {
    if request.ask.take().is_some() || std::mem::take(&mut request.show_values) {
        findings.push(DefinitionError::RunsNothing(path.to_path_buf()));
    }
    if request.file.take().is_some() {
        findings.push(DefinitionError::File(path.to_path_buf()));
    }
    let before = request.given.len();
    request.given.retain(|given| given.flag.long != "service-dir");
    if request.given.len() != before {
        findings.push(DefinitionError::ServiceDir(path.to_path_buf()));
    }
    if request.words.iter().any(|word| word.as_encoded_bytes().contains(&0)) {
        findings.push(DefinitionError::Nul(path.to_path_buf()));
    }
}

/// Notes every option that would give those who can write the definition more rights than they have, and takes it
/// out: each for itself, whatever follows it.
pub(crate) fn refuse_options(path: &Path, given: &mut Vec<Given>, host: &dyn Host, findings: &mut Findings) {
    given.retain(|given| {
        let mut alone = Settings::default();
        if (given.flag.set)(&mut alone, &given.value).is_err() {
            // what is wrong with a value is reported by whoever applies it
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
