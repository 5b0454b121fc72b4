//! The process's own environment, for a library that reads it.
#![expect(unsafe_code, reason = "the process's environment may be changed by a single thread only")]

use std::ffi::{OsStr, OsString};

/// The process's environment during [`with_environment`].
#[derive(Debug)]
pub struct ProcessEnvironment(());

impl ProcessEnvironment {
    /// Sets a variable; an invalid name or value is ignored.
    #[expect(clippy::disallowed_methods, reason = "this is its home")]
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        if !is_possible(name, value) {
            return;
        }
        // SAFETY: launcher and `futo` are single-threaded, so nothing reads the environment meanwhile
        unsafe { std::env::set_var(name, value) };
    }

    fn replace<'a>(&mut self, variables: impl Iterator<Item = (&'a OsStr, &'a OsStr)>) {
        let present: Vec<OsString> = std::env::vars_os().map(|(name, _)| name).collect();
        for name in present {
            // SAFETY: as in `set`; names from the system are valid
            unsafe { std::env::remove_var(name) };
        }
        for (name, value) in variables {
            self.set(name, value);
        }
    }
}

/// Runs `act` with exactly these variables as the process's environment.
pub fn with_environment<'a, T>(
    variables: impl Iterator<Item = (&'a OsStr, &'a OsStr)>,
    act: impl FnOnce(&mut ProcessEnvironment) -> T,
) -> T {
    let before: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let mut process = ProcessEnvironment(());
    process.replace(variables);
    let result = act(&mut process);
    process.replace(before.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str())));
    result
}

fn is_possible(name: &OsStr, value: &OsStr) -> bool {
    let (name, value) = (name.as_encoded_bytes(), value.as_encoded_bytes());
    !name.is_empty() && !name.iter().any(|byte| matches!(byte, b'=' | 0)) && !value.contains(&0)
}
