//! What an instance did when the machine went down.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::OFlag;

use crate::error::{Problem, reason_of};
use crate::exit::Exit;
use crate::sys::file;

/// The largest state file that is read, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// In characters, one more than a line shows.
const LONGEST: usize = 257;

/// Why a state is not known. The instance counts as one without a state.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateError {
    /// The file cannot be read.
    #[error("unable to read '{file}': {}", reason_of(source))]
    Read {
        /// In the instance's directory.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no JSON object.
    #[error("unable to read '{file}': {why}")]
    Content {
        /// In the instance's directory.
        file: String,
        /// Why; nothing of the content.
        why: &'static str,
    },
}

impl Problem for StateError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        Some("it counts as not running".to_string())
    }
}

/// The state: the text of the first of the keys that is there; none without the file or a key.
pub(super) fn read(directory: &OwnedFd, name: &str, keys: &[String]) -> Result<Option<String>, StateError> {
    let failed = |source| StateError::Read { file: name.to_string(), source };
    let bytes = match file::open_regular_at(directory, Path::new(name), OFlag::O_NOFOLLOW) {
        Ok(open) => file::read_at_most(open, MAX_BYTES).map_err(failed)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    state_in(&bytes, keys).map_err(|why| StateError::Content { file: name.to_string(), why })
}

fn state_in(bytes: &[u8], keys: &[String]) -> Result<Option<String>, &'static str> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let object: BTreeMap<String, serde_json::Value> = serde_json::from_slice(text).map_err(|error| {
        if error.is_data() { "it is no JSON object" } else { "it is no whole JSON text in UTF-8" }
    })?;
    match keys.iter().find_map(|key| object.get(key)).unwrap_or(&serde_json::Value::Null) {
        // more of it is not shown, and no state is so long
        serde_json::Value::String(state) => Ok(Some(state.chars().take(LONGEST).collect())),
        serde_json::Value::Null => Ok(None),
        _ => Err("the state is no text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &[u8]) -> Result<Option<String>, &'static str> {
        state_in(text, &["desired_state".to_string(), "gateway_state".to_string()])
    }

    #[test]
    fn the_first_key_that_is_there_counts() {
        let running = Ok(Some("running".to_string()));
        assert_eq!(state(br#"{"gateway_state":"running","pid":5}"#), running);
        assert_eq!(state(br#"{"gateway_state":"stopped","desired_state":"running"}"#), running);
        assert_eq!(state(b"\xef\xbb\xbf{\"gateway_state\":\"running\"}"), running);
        assert_eq!(state(b"{}"), Ok(None));
        let long = format!("{{\"gateway_state\":\"{}\"}}", "a".repeat(100_000));
        assert_eq!(state(long.as_bytes()).map(|state| state.map(|state| state.len())), Ok(Some(LONGEST)));
        assert_eq!(state(br#"{"desired_state":null,"gateway_state":"running"}"#), Ok(None));
    }

    #[test]
    fn what_is_no_object_of_text_is_no_state() {
        let deep = "[".repeat(100_000);
        for bad in [
            b"[]".as_slice(),
            b"",
            b"\"running\"",
            b"{\"gateway_state\": \"run",
            b"{\"gateway_state\":\"\xff\"}",
            b"{\"gateway_state\":[\"running\"]}",
            b"{\"gateway_state\":true}",
            deep.as_bytes(),
        ] {
            assert!(state(bad).is_err(), "{:?}", String::from_utf8_lossy(bad).get(..20));
        }
    }
}
