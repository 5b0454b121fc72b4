//! Errors as one line for people: findings, collected so that all are reported at once.
//!
//! Each stage has its own error enum (thiserror); it becomes a [`Finding`] through [`Problem`].

use std::borrow::Cow;

use nix::errno::Errno;

use crate::escape;
use crate::exit::Exit;

/// An error of one stage that is reported to people.
pub trait Problem: std::error::Error {
    /// The exit code, unless something worse is found.
    fn exit(&self) -> Exit;
    /// The remedy, where the text does not make it obvious.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// One problem: text of the form `unable to VERB 'OBJECT': reason`, and its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The exit code.
    pub exit: Exit,
    /// One line, lower case, no final dot; names the object.
    pub text: String,
    /// The remedy, as a second line.
    pub hint: Option<String>,
}

impl Finding {
    /// A warning: the program continues.
    pub fn trouble(text: impl Into<String>, hint: Option<String>) -> Self {
        Finding { exit: Exit::SYSTEM, text: bounded(text.into()), hint: hint.map(bounded) }
    }

    /// An operation that the system refused.
    pub fn refused(what: &str, error: std::io::Error) -> Self {
        Finding { exit: Exit::SYSTEM, text: format!("unable to {what}: {}", reason_of(&error)), hint: None }
    }
}

impl<P: Problem> From<P> for Finding {
    fn from(problem: P) -> Self {
        let (text, hint) = (problem.to_string(), problem.hint());
        Finding { exit: problem.exit(), text: bounded(text), hint: hint.map(bounded) }
    }
}

/// In bytes: longer than any path plus an error.
const MAX_BYTES: usize = 6 << 10;

/// A message may quote a hostile file, but never much of it.
fn bounded(text: String) -> String {
    match escape::shortened(&text, MAX_BYTES) {
        Cow::Borrowed(_) => text,
        Cow::Owned(short) => short,
    }
}

/// All problems, in the order they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: impl Into<Finding>) {
        self.0.push(finding.into());
    }

    /// Adds those that are not yet present.
    pub fn add_new(&mut self, others: Findings) {
        for finding in others.0 {
            if !self.0.contains(&finding) {
                self.0.push(finding);
            }
        }
    }

    /// Returns the value, or records why there is none.
    pub fn take<T, F: Into<Finding>>(&mut self, result: Result<T, F>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(finding) => {
                self.push(finding);
                None
            }
        }
    }

    /// The maximum number of findings: their source may be hostile.
    const MAX: usize = 100;

    /// Whether the maximum has been reached.
    pub fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX
    }

    /// Whether there are no findings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// The exit code for all of them. A refusal by the system takes precedence: other findings may only be
    /// consequences (a required variable from a file that could not be opened), and the next attempt shows which ones
    /// remain.
    pub fn exit(&self) -> Exit {
        let exits = || self.0.iter().map(|finding| finding.exit);
        match exits().any(|exit| exit == Exit::SYSTEM) {
            true => Exit::SYSTEM,
            false => exits().min().unwrap_or(Exit::OK),
        }
    }

    /// Returns `value` if there are no findings.
    pub fn or<T>(self, value: T) -> Result<T, Findings> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl<F: Into<Finding>> From<F> for Findings {
    fn from(finding: F) -> Self {
        Findings(vec![finding.into()])
    }
}

/// Classifies a system error; the only place where this is decided. Only errors that require an edit are worth a rest;
/// all others may be transient (no descriptor, no memory, a signal, an unresponsive disk) and are retried.
pub fn exit_of(errno: Errno) -> Exit {
    use Errno::{EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO};
    match errno {
        ENOENT | EACCES | ELOOP | ENOTDIR => Exit::EDIT,
        // the name itself is at fault, or a socket or device is in place of a file
        ENAMETOOLONG | ENXIO => Exit::EDIT,
        _ => Exit::SYSTEM,
    }
}

/// The same for an error that may be our own: bad file content requires an edit.
pub fn exit_of_io(error: &std::io::Error) -> Exit {
    error.raw_os_error().map_or(Exit::EDIT, |number| exit_of(Errno::from_raw(number)))
}

/// The system's own words for an error number: `Permission denied` becomes `permission denied`.
pub fn reason(errno: Errno) -> String {
    let mut characters = errno.desc().chars();
    match characters.next() {
        // "No such file" becomes "no such file"; "I/O error" stays
        Some(first) if characters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => errno.desc().to_string(),
    }
}

/// The same for an error that may be our own.
pub fn reason_of(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => reason(Errno::from_raw(number)),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_someone_must_edit_is_worth_a_rest() {
        for errno in [Errno::ENOENT, Errno::EACCES, Errno::ELOOP, Errno::ENOTDIR] {
            assert_eq!(exit_of(errno), Exit::EDIT, "{errno}");
        }
        for errno in [
            Errno::EMFILE,
            Errno::ENFILE,
            Errno::ENOMEM,
            Errno::EINTR,
            Errno::EIO,
            Errno::EAGAIN,
            Errno::ENOSPC,
            Errno::ESTALE,
            Errno::ETIMEDOUT,
            Errno::EROFS,
            Errno::EPERM,
        ] {
            assert_eq!(exit_of(errno), Exit::SYSTEM, "{errno}");
        }
        assert_eq!(exit_of_io(&std::io::Error::other("it is a directory, not a regular file")), Exit::EDIT);
        assert_eq!(exit_of_io(&Errno::EMFILE.into()), Exit::SYSTEM);
    }

    #[test]
    fn a_refusal_hides_what_may_only_follow_from_it() {
        let finding = |exit| Finding { exit, text: String::new(), hint: None };
        let exit = |exits: &[Exit]| {
            let mut findings = Findings::default();
            exits.iter().for_each(|exit| findings.push(finding(*exit)));
            findings.exit()
        };
        assert_eq!(exit(&[Exit::EDIT, Exit::SYSTEM]), Exit::SYSTEM);
        assert_eq!(exit(&[Exit::NOT_FOUND, Exit::EDIT]), Exit::EDIT);
        assert_eq!(exit(&[]), Exit::OK);
    }
}
