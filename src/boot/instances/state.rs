//! The previous state of an instance, and the desired one.

use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::OFlag;

use super::json::{self, NotRead, ValueKind};
use super::system::System;
use crate::error::{Problem, reason_of};
use crate::exit::Exit;
use crate::sys::file;

/// The size limit of a state file, in bytes.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// The limit of a state, in characters: one more than is shown.
const MAX_STATE: usize = 257;

/// Why the state is not known. The instance is treated as one without a state.
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
    /// Its content is invalid.
    #[error("unable to read '{file}': {why}")]
    Content {
        /// In the instance's directory.
        file: String,
        /// The reason; the content is not shown.
        why: &'static str,
    },
}

impl Problem for StateError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        Some("the instance is treated as not running".to_string())
    }
}

/// The content of a state file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InstanceState {
    /// The effective state; `None` without the file, or if no key has a value.
    pub(super) shown: Option<String>,
    /// The value of the first key, which only user commands write.
    pub(super) desired: Option<String>,
}

/// Reads the state file of an instance.
pub(super) fn read(directory: &OwnedFd, name: &str, system: &System) -> Result<InstanceState, StateError> {
    let bytes = match bytes_of(directory, name)? {
        Some(bytes) => bytes,
        None => return Ok(InstanceState::default()),
    };
    state_in(&bytes, system).map_err(|why| StateError::Content { file: name.to_string(), why })
}

/// The state in the content of a state file.
pub(super) fn of_bytes(bytes: &[u8], system: &System) -> Option<InstanceState> {
    state_in(bytes, system).ok()
}

/// The string under a key of a JSON file; `None` if there is no such string.
pub(super) fn text_under(directory: &OwnedFd, name: &str, key: &str) -> Option<String> {
    let bytes = bytes_of(directory, name).ok()??;
    let [found] = values_of(&bytes, [key]).ok()?;
    found.and_then(FoundValue::into_text)
}

fn bytes_of(directory: &OwnedFd, name: &str) -> Result<Option<Vec<u8>>, StateError> {
    let failed = |source| StateError::Read { file: name.to_string(), source };
    match file::open_regular_at(directory, Path::new(name), OFlag::O_NOFOLLOW) {
        Ok(open) => file::read_at_most(open, MAX_BYTES).map(Some).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// A value that was found.
enum FoundValue {
    Text(Vec<u8>),
    Null,
    Other,
}

impl FoundValue {
    fn into_text(self) -> Option<String> {
        match self {
            // more is not shown, and no real state is this long
            FoundValue::Text(text) => Some(String::from_utf8_lossy(&text).chars().take(MAX_STATE).collect()),
            FoundValue::Null | FoundValue::Other => None,
        }
    }
}

fn state_in(bytes: &[u8], system: &System) -> Result<InstanceState, &'static str> {
    let mut state = InstanceState::default();
    let keys: Vec<&str> = system.state_keys.iter().map(String::as_str).collect();
    let found = values(bytes, &keys).map_err(|error| match error {
        NotRead::NotObject => "it is not a JSON object",
        NotRead::Malformed => "it is not valid JSON in UTF-8",
    })?;
    let first_with_value = found.into_iter().enumerate().find_map(|(at, found)| match found {
        None | Some(FoundValue::Null) => None,
        Some(found) => Some((at, found)),
    });
    let Some((at, found)) = first_with_value else { return Ok(state) };
    let text = found.into_text().ok_or("the state is not a string")?;
    if at == 0 && keys.len() > 1 {
        state.desired = Some(text.clone());
    }
    let means_running =
        |(transient, key): &(String, String)| *transient == text && Some(&key.as_str()) == keys.get(at);
    state.shown = match system.running.first() {
        Some(running) if system.transient.iter().any(means_running) => Some(running.clone()),
        _ => Some(text),
    };
    Ok(state)
}

fn values_of<const N: usize>(bytes: &[u8], keys: [&str; N]) -> Result<[Option<FoundValue>; N], NotRead> {
    let mut found = values(bytes, &keys)?.into_iter();
    Ok(keys.map(|_| found.next().flatten()))
}

/// The last value of each key.
fn values(bytes: &[u8], keys: &[&str]) -> Result<Vec<Option<FoundValue>>, NotRead> {
    let text = json::text_of(bytes)?;
    let mut found: Vec<Option<FoundValue>> = keys.iter().map(|_| None).collect();
    json::members(text, |member| {
        for (key, found) in keys.iter().zip(&mut found) {
            if member.key == key.as_bytes() {
                *found = Some(match member.kind {
                    ValueKind::Text => {
                        FoundValue::Text(json::decoded(text.get(member.value.clone()).unwrap_or_default()))
                    }
                    ValueKind::Null => FoundValue::Null,
                    ValueKind::Other => FoundValue::Other,
                });
            }
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::config;
    use super::*;

    fn shown(text: impl AsRef<[u8]>) -> Option<String> {
        state_in(text.as_ref(), &config::example()).expect("read").shown
    }

    #[test]
    fn the_first_key_that_has_a_value_counts() {
        for (text, expected) in [
            (r#"{"gateway_state":"running","pid":5}"#, Some("running")),
            (r#"{"desired_state":"stopped","gateway_state":"running"}"#, Some("stopped")),
            (r#"{"desired_state":null,"gateway_state":"running"}"#, Some("running")),
            (r#"{"desired_state":null,"gateway_state":null}"#, None),
            ("\u{feff}{\"gateway_state\":\"running\"}", Some("running")),
            (r#"{"desired_state":"running","desired_state":"stopped"}"#, Some("stopped")),
            (r#"{"gateway_state":"stopped","gateway_st\u0061te":"runn\u0069ng"}"#, Some("running")),
            (r#"{"x":{"desired_state":"running"}}"#, None),
            (r#"{"desired_state":"","gateway_state":"running"}"#, Some("")),
            ("{}", None),
        ] {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
        assert_eq!(
            shown(format!("{{\"gateway_state\":\"{}\"}}", "a".repeat(100_000))).map(|s| s.len()),
            Some(MAX_STATE)
        );
    }

    #[test]
    fn a_transient_state_is_running_where_the_process_wrote_it() {
        assert_eq!(shown(r#"{"gateway_state":"draining"}"#).as_deref(), Some("running"));
        assert_eq!(shown(r#"{"gateway_state":"degraded","desired_state":null}"#).as_deref(), Some("running"));
        assert_eq!(shown(r#"{"desired_state":"draining"}"#).as_deref(), Some("draining"));
        assert_eq!(shown(r#"{"gateway_state":"starting"}"#).as_deref(), Some("starting"));
    }

    #[test]
    fn only_the_first_key_holds_the_desired_state() {
        let desired = |text: &str| state_in(text.as_bytes(), &config::example()).expect("read").desired;
        assert_eq!(desired(r#"{"desired_state":"running"}"#).as_deref(), Some("running"));
        assert_eq!(desired(r#"{"gateway_state":"running"}"#), None);
        let mut system = config::example();
        system.state_keys.truncate(1);
        assert_eq!(state_in(br#"{"desired_state":"running"}"#, &system).expect("read").desired, None);
    }

    #[test]
    fn anything_but_an_object_of_strings_is_not_a_state() {
        let deep = "[".repeat(100_000);
        for bad in [
            b"[]".as_slice(),
            b"",
            b"\"running\"",
            b"{\"gateway_state\": \"run",
            b"{\"gateway_state\":\"\xff\"}",
            b"{\"gateway_state\":[\"running\"]}",
            b"{\"gateway_state\":true}",
            b"{\"desired_state\":false,\"gateway_state\":\"running\"}",
            deep.as_bytes(),
        ] {
            assert!(
                state_in(bad, &config::example()).is_err(),
                "{:?}",
                String::from_utf8_lossy(bad).get(..20)
            );
        }
    }
}
