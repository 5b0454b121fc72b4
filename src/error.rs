//! What went wrong, as one line for people: findings, collected so that all are said at once.
//!
//! Each stage has its own error enum (thiserror); it becomes a [`Finding`] through [`Problem`].

use std::borrow::Cow;

use nix::errno::Errno;

use crate::escape;
use crate::exit::Exit;

/// An error of one stage that is reported to people.
pub trait Problem: std::error::Error {
    /// The code the program leaves with if nothing worse is found.
    fn exit(&self) -> Exit;
    /// What to do, where that is not obvious from the text.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// One thing that is wrong: text by the grammar `unable to VERB 'OBJECT': reason`, and its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The code to leave with.
    pub exit: Exit,
    /// One line, lower case, no final dot; names the place.
    pub text: String,
    /// The remedy, as a second line.
    pub hint: Option<String>,
}

impl Finding {
    /// A warning: nothing ends because of it.
    pub fn trouble(text: impl Into<String>, hint: Option<String>) -> Self {
        Finding { exit: Exit::SYSTEM, text: bounded(text.into()), hint: hint.map(bounded) }
    }

    /// What the system refused to do.
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

/// In bytes: more than any path and what is wrong with it.
const LONGEST: usize = 6 << 10;

/// What is read from a hostile file may be in a message, and never much of it.
fn bounded(text: String) -> String {
    match escape::shortened(&text, LONGEST) {
        Cow::Borrowed(_) => text,
        Cow::Owned(short) => short,
    }
}

/// Everything that is wrong, in the order it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Notes one more.
    pub fn push(&mut self, finding: impl Into<Finding>) {
        self.0.push(finding.into());
    }

    /// Notes those that are not known yet.
    pub fn add_new(&mut self, others: Findings) {
        for finding in others.0 {
            if !self.0.contains(&finding) {
                self.0.push(finding);
            }
        }
    }

    /// Takes the value, or notes why there is none.
    pub fn take<T, F: Into<Finding>>(&mut self, result: Result<T, F>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(finding) => {
                self.push(finding);
                None
            }
        }
    }

    /// No more findings than this are collected: what they are read from may be hostile.
    const MANY: usize = 100;

    /// Whether it is not worth looking for more.
    pub fn are_many(&self) -> bool {
        self.0.len() >= Self::MANY
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// The code for all of them. What the system refused comes first: what else is wrong may only follow from
    /// it (a required variable of a file that could not be opened), and the next attempt shows what remains.
    pub fn exit(&self) -> Exit {
        let exits = || self.0.iter().map(|finding| finding.exit);
        match exits().any(|exit| exit == Exit::SYSTEM) {
            true => Exit::SYSTEM,
            false => exits().min().unwrap_or(Exit::OK),
        }
    }

    /// `value`, if nothing is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Findings> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl<F: Into<Finding>> From<F> for Findings {
    fn from(finding: F) -> Self {
        Findings(vec![finding.into()])
    }
}

/// What a refusal asks for: the one place where this is decided. Only what someone must edit is worth a rest;
/// everything else may pass (no descriptor, no memory, a signal, a disk that does not answer) and is retried.
pub fn exit_of(errno: Errno) -> Exit {
    use Errno::{EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO};
    match errno {
        ENOENT | EACCES | ELOOP | ENOTDIR => Exit::EDIT,
        // faults of the name itself, and of a socket or a device in place of a file
        ENAMETOOLONG | ENXIO => Exit::EDIT,
        _ => Exit::SYSTEM,
    }
}

/// The same of an error that may be ours: what is wrong with a file's content must be edited.
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

/// The same of an error that may be ours.
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
