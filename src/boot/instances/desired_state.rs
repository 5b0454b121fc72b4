//! The desired state of a service, recorded in the state file of its instance, which the next boot reads. `futo
//! reconcile` publishes the location of that file; `futo start` and `futo stop` record the state with the user's
//! rights.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, fstat};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::system::System;
use super::{json, state};
use crate::boot::manifest::DesiredState;
use crate::config::value::UserRequest;
use crate::error::{Findings, Problem, reason, reason_of};
use crate::exit::Exit;
use crate::machine::{Host, Machine};
use crate::sys::file;
use crate::sys::nofollow::{self, Missing, PathError};
use crate::sys::replace::{self, Flush, ReplaceError, Replacement};
use crate::trust::account::{Account, AccountError};

/// The recorded state of a stopped service.
const STOPPED: &str = "stopped";

/// The file that records the desired state, and its format.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredStateFile {
    /// The owner of the instance.
    user: String,
    /// The instance's directory.
    directory: PathBuf,
    /// Its state file, a JSON object.
    file: String,
    /// The key that takes precedence over all others.
    key: String,
    /// Its value for a service that should be up.
    running: String,
}

/// The result of recording a desired state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The state file contains it.
    Written,
    /// There is no state file, which has the same effect: the service is not started.
    NoStateFile,
}

/// Why a desired state could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The user does not exist.
    #[error("unknown user '{0}'")]
    User(String),
    /// The user's ids could not be assumed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The directory cannot be opened.
    #[error(transparent)]
    Directory(#[from] PathError),
    /// It is owned by another user.
    #[error("its directory is owned by uid {0}")]
    Another(u32),
    /// The file cannot be read.
    #[error("{}", reason_of(.0))]
    Read(#[from] std::io::Error),
    /// Its content is invalid; it is not shown.
    #[error("it is not a JSON object in UTF-8")]
    Content,
    /// It cannot be replaced.
    #[error("unable to {verb}: {}", reason(*errno))]
    Replace {
        /// The operation that failed.
        verb: &'static str,
        /// Why.
        errno: Errno,
    },
}

impl Problem for RecordingError {
    fn exit(&self) -> Exit {
        Exit::SYSTEM
    }

    fn hint(&self) -> Option<String> {
        Some("correct the file: the next boot uses the state recorded in it".to_string())
    }
}

impl DesiredStateFile {
    /// The file of an instance, if its system has state files.
    pub(super) fn of(system: &System, directory: &str) -> Option<DesiredStateFile> {
        let (file, key, running) =
            (system.state_file.as_ref()?, system.state_keys.first()?, system.running.first()?);
        (!system.running.iter().any(|state| state == STOPPED)).then(|| DesiredStateFile {
            user: system.user.clone(),
            directory: PathBuf::from(directory),
            file: file.clone(),
            key: key.clone(),
            running: running.clone(),
        })
    }

    /// The published form.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Parses that form; `None` if another version published it.
    pub fn read(text: &[u8]) -> Option<DesiredStateFile> {
        serde_json::from_slice(text).ok()
    }

    /// The path of the file.
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.file)
    }

    /// The key of the desired state.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Records the state: as root with the user's ids, otherwise with the caller's.
    pub fn record(&self, desired: DesiredState) -> Result<Recorded, RecordingError> {
        if !Machine.is_root() {
            return self.record_here(desired);
        }
        let unknown = || RecordingError::User(self.user.clone());
        let user = UserRequest::parse(&self.user).map_err(|_| unknown())?;
        let account = Account::find(&user, &mut Findings::default()).ok_or_else(unknown)?;
        account.act(|| self.record_here(desired))?
    }

    fn record_here(&self, desired: DesiredState) -> Result<Recorded, RecordingError> {
        let directory = nofollow::open_directory(&self.directory, Missing::Refuse)?;
        let owner = fstat(&directory)
            .map_err(|errno| RecordingError::Replace { verb: "stat its directory", errno })?
            .st_uid;
        // the new file would be owned by the caller
        if owner != geteuid().as_raw() {
            return Err(RecordingError::Another(owner));
        }
        let name = Path::new(&self.file);
        let (old, mode) = match file::open_regular_with_status(&directory, name, OFlag::O_NOFOLLOW) {
            Ok((open, status)) => (file::read_at_most(open, state::MAX_BYTES)?, status.st_mode & 0o777),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match desired {
                DesiredState::Down => return Ok(Recorded::NoStateFile),
                DesiredState::Up => (b"{}\n".to_vec(), 0o644),
            },
            Err(error) => return Err(error.into()),
        };
        let state = match desired {
            DesiredState::Up => &self.running,
            DesiredState::Down => STOPPED,
        };
        if let Some(new) = with_state(&old, &self.key, state)? {
            replace(&directory, &self.file, &new, Mode::from_bits_truncate(mode))?;
        }
        Ok(Recorded::Written)
    }
}

/// The object with this state, otherwise unchanged except for a byte order mark; `None` if it already has this state.
fn with_state(object: &[u8], key: &str, state: &str) -> Result<Option<Vec<u8>>, RecordingError> {
    let text = json::text_of(object).map_err(|_| RecordingError::Content)?;
    let encode = |text: &str| serde_json::to_string(text).map_err(|_| RecordingError::Content);
    let new = encode(state)?;
    // of duplicate keys, the last one counts
    let (mut last, mut is_empty) = (None, true);
    let read = json::members(text, |member| {
        is_empty = false;
        if member.key == key.as_bytes() {
            last = Some(member.value);
        }
    });
    read.map_err(|_| RecordingError::Content)?;
    let (before, after, inserted) = match last {
        Some(value) if text.get(value.clone()).map(json::decoded) == Some(state.as_bytes().to_vec()) => {
            return Ok(None);
        }
        Some(value) => (text.get(..value.start), text.get(value.end..), new),
        None => {
            let begin = text.find('{').map_or(0, |at| at + 1);
            let comma = if is_empty { "" } else { "," };
            (text.get(..begin), text.get(begin..), format!("{}:{new}{comma}", encode(key)?))
        }
    };
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    Ok(Some([before, &inserted, after].concat().into_bytes()))
}

fn replace(directory: &OwnedFd, name: &str, content: &[u8], mode: Mode) -> Result<(), RecordingError> {
    let temporary = format!(".{name}.futo-{}", std::process::id());
    let new = Replacement { temporary: Path::new(&temporary), content, mode, flush: Flush::BeforeRename };
    replace::replace(directory, Path::new(name), new).map_err(|error| match error {
        ReplaceError::Create(errno) => RecordingError::Replace { verb: "create a temporary file", errno },
        ReplaceError::Replace(errno) => RecordingError::Replace { verb: "replace it", errno },
    })
}

#[cfg(test)]
mod tests {
    use super::super::config;
    use super::*;

    fn with(object: &str, state: &str) -> Option<String> {
        let new = with_state(object.as_bytes(), "desired_state", state).ok()?;
        new.map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn a_state_is_set_and_all_else_stays_as_it_was() {
        let object = "\u{feff} {\"pid\": 18446744073709551616, \"gateway_state\":\"running\",\n\"x\":{\"b\": NaN,\"a\":[\"\\udcff\"]}}\n";
        let expected = " {\"desired_state\":\"stopped\",\"pid\": 18446744073709551616, \"gateway_state\":\"running\",\n\"x\":{\"b\": NaN,\"a\":[\"\\udcff\"]}}\n";
        assert_eq!(with(object, "stopped").as_deref(), Some(expected));
        assert_eq!(with(expected, "stopped"), None);
        assert_eq!(with("{}", "running").as_deref(), Some("{\"desired_state\":\"running\"}"));
        let twice = "{\"desired_state\": \"stopped\", \"desired_state\": [1]}";
        let expected = "{\"desired_state\": \"stopped\", \"desired_state\": \"running\"}";
        assert_eq!(with(twice, "running").as_deref(), Some(expected));
        assert_eq!(
            with("{\"desired_state\": null}", "running").as_deref(),
            Some("{\"desired_state\": \"running\"}")
        );
    }

    #[test]
    fn anything_but_an_object_is_left_alone() {
        for bad in ["", "[]", "null", "{\"a\":1", "\"running\""] {
            assert!(matches!(with_state(bad.as_bytes(), "k", "v"), Err(RecordingError::Content)), "{bad}");
        }
    }

    #[test]
    fn a_published_state_file_is_read_back() {
        let file =
            DesiredStateFile::of(&config::example(), "/srv/bots/coder").expect("a system that keeps states");
        assert_eq!(DesiredStateFile::read(&file.text()), Some(file));
        let mut system = config::example();
        system.running.push(STOPPED.to_string());
        assert_eq!(DesiredStateFile::of(&system, "/x"), None);
        system = config::example();
        system.state_file = None;
        assert_eq!(DesiredStateFile::of(&system, "/x"), None);
    }
}
