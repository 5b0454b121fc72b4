//! A definition on the volume → the files of its service directory.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::stat::{FileStat, fstat};

use super::command::{self, Script};
use super::{DefinitionsError, Foreign};
use crate::boot::choice::Hardening;
use crate::boot::desired::Files;
use crate::boot::directory::Directory;
use crate::config::value::{descriptor, whole};
use crate::error::{Findings, Problem, reason_of};
use crate::exit::Exit;
use crate::service::ServiceName;
use crate::service::layout;
use crate::service::one_line::{self, Logger};
use crate::service::run_script::{NotOurs, with_unix_lines};
use crate::shell_quote::shell_quoted;
use crate::shell_quote::shell_word;
use crate::sys::file;
use crate::trust::MAX_SCRIPT;
use crate::trust::writers::{Judged, Writers};

/// The largest of the small files.
const MAX_SMALL: usize = 4096;
const BY: &str = "futo sync";

/// The service directory's files, and who can write what they were made from.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) files: Files,
    pub(super) writers: Writers,
}

/// Why a definition is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotPublished {
    /// Something is wrong with it; the findings say what.
    Failed,
    /// A script in it is no command of the launcher; a warning says which.
    NotOurs,
    /// `run` was there a moment ago.
    NoRun,
}

/// What can be wrong with a file of a definition.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// It cannot be read.
    #[error("unable to read '{}': {}", path.display(), reason_of(source))]
    Read { path: PathBuf, source: std::io::Error },
    /// Its content.
    #[error("{}: {what}", path.display())]
    Content { path: PathBuf, what: &'static str },
    /// No command of the launcher.
    #[error("not ours: {}: {why}", path.display())]
    NotOurs { path: PathBuf, why: NotOurs },
    /// `--trust-run`
    #[error("root executes '{}', and others than root can write it: they can become root", .0.display())]
    Trusted(PathBuf),
    /// An editor of Windows has saved it.
    #[error("{}: line ends of CR LF are read as if they were LF", .0.display())]
    Crlf(PathBuf),
    /// `--trust-run`
    #[error("'{}' is not executable", .0.display())]
    NotExecutable(PathBuf),
}

impl Problem for FileError {
    fn exit(&self) -> Exit {
        match self {
            FileError::Read { .. } => Exit::SYSTEM,
            _ => Exit::EDIT,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            FileError::NotOurs { path, .. } => {
                let is_finish = path.file_name() == Some(OsStr::new(layout::FINISH));
                let or_remove = if is_finish { "remove it, or " } else { "" };
                Some(format!(
                    "{or_remove}write {} as one line, exec futo-launch …; --trust-run publishes it as it is, and \
                     whoever can write it can become root",
                    crate::shell_quote::shell_word(&path.to_string_lossy())
                ))
            }
            FileError::Trusted(_) => {
                Some("make it one line, exec futo-launch …, and leave --trust-run out".to_string())
            }
            FileError::NotExecutable(path) => {
                Some(format!("chmod +x {}", shell_word(&path.to_string_lossy())))
            }
            FileError::Crlf(path) => {
                Some(format!("sed -i 's/\\r$//' {}", shell_word(&path.to_string_lossy())))
            }
            _ => None,
        }
    }
}

/// Reads a definition.
pub(super) struct Reader<'r> {
    pub(super) directory: &'r Directory,
    /// The service's.
    pub(super) name: &'r ServiceName,
    /// What was seen of its directory, and of those above.
    pub(super) judged: Judged,
    /// What is wrong if others can write it.
    pub(super) others: &'r dyn Fn(&Judged) -> Option<DefinitionsError>,
    pub(super) foreign: Foreign,
    pub(super) launcher: &'r str,
    pub(super) hardening: Hardening,
}

/// A file as read.
struct Text {
    bytes: Vec<u8>,
    status: FileStat,
}

impl Reader<'_> {
    /// All files of the service directory, or why it has none.
    pub(super) fn read(
        &self,
        warnings: &mut Findings,
        failures: &mut Findings,
    ) -> Result<Definition, NotPublished> {
        let mut files = Files::default();
        let mut judged = self.judged.clone();
        let mut not_ours = false;
        let log = self.directory.try_open(OsStr::new(layout::LOG)).ok();
        if let Some(log) = &log
            && let Ok(status) = fstat(&log.fd)
        {
            judged.see(&log.shown, &status);
        }
        // a logger's directory that cannot be opened says so through its run script
        let has_logger = !matches!(self.directory.status(layout::LOG), Ok(None))
            && !matches!(self.directory.status(layout::LOG_RUN), Ok(None));
        // a wish of a definition's own would have root write where it says
        let comes_along = |name: &&&str| **name != layout::WISH && (has_logger || !name.starts_with("log/"));
        let names = layout::FILES.iter().filter(comes_along);
        let mut scripts = Vec::new();
        for name in names {
            let Some(text) = failures.take(self.text(name, log.as_ref())).flatten() else { continue };
            judged.see(&self.path(name), &text.status);
            match *name {
                layout::RUN | layout::FINISH | layout::LOG_RUN | "log/finish" => scripts.push((*name, text)),
                layout::DOWN | layout::LOG_DOWN => files.set(name, ""),
                _ => {
                    let content = small(name, &text.bytes);
                    let path = self.path(name);
                    let content = content.map_err(|what| FileError::Content { path, what });
                    if let Some(content) = failures.take(content) {
                        files.set(name, content);
                    }
                }
            }
        }
        if let Some(error) = (self.others)(&judged) {
            failures.push(error);
        }
        let writers = judged.writers;
        if failures.is_empty() && scripts.iter().all(|(name, _)| *name != layout::RUN) {
            return Err(NotPublished::NoRun);
        }
        for (name, text) in scripts {
            match self.script(name, &text, writers, warnings, failures) {
                Ok(script) => files.set(name, script),
                Err(why) => {
                    not_ours = true;
                    warnings.push(FileError::NotOurs { path: self.path(name), why });
                }
            }
        }
        match (failures.is_empty(), not_ours) {
            (false, _) => Err(NotPublished::Failed),
            (true, true) => Err(NotPublished::NotOurs),
            (true, false) => Ok(Definition { files, writers }),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.shown.join(name)
    }

    /// A file's content; none if it is not there. No link is followed.
    fn text(&self, name: &str, log: Option<&Directory>) -> Result<Option<Text>, FileError> {
        let failed = |source| FileError::Read { path: self.path(name), source };
        let (directory, file) = match (name.strip_prefix("log/"), log) {
            (None, _) => (self.directory, name),
            (Some(file), Some(log)) => (log, file),
            (Some(_), None) => {
                return Err(failed(std::io::Error::other("'log' is no directory that can be opened")));
            }
        };
        let open = match file::open_regular_at(&directory.fd, Path::new(file), OFlag::O_NOFOLLOW) {
            Ok(open) => open,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let status = fstat(&open).map_err(|errno| failed(errno.into()))?;
        let is_script = matches!(file, layout::RUN | layout::FINISH);
        let most = if is_script { MAX_SCRIPT } else { MAX_SMALL };
        let bytes = file::read_at_most(open, most).map_err(failed)?;
        Ok(Some(Text { bytes, status }))
    }

    /// What is published in place of a script.
    fn script(
        &self,
        name: &str,
        text: &Text,
        writers: Writers,
        warnings: &mut Findings,
        failures: &mut Findings,
    ) -> Result<Vec<u8>, NotOurs> {
        let path = self.path(name);
        let (directory, service) = match name.starts_with("log/") {
            true => (self.path(layout::LOG), format!("{}-log", self.name)),
            false => (self.directory.shown.clone(), self.name.to_string()),
        };
        let script = Script {
            path: &path,
            bytes: &text.bytes,
            writers,
            service: &service,
            directory: &directory,
            hardening: self.hardening,
        };
        match command::words(script, self.launcher, failures) {
            Ok(words) => {
                if matches!(with_unix_lines(&text.bytes), Cow::Owned(_)) {
                    warnings.push(FileError::Crlf(path));
                }
                Ok(one_line::script(&words, Logger::Leave, BY))
            }
            Err(_) if self.foreign == Foreign::Trusted => {
                if writers != Writers::Root {
                    warnings.push(FileError::Trusted(path.clone()));
                }
                if text.status.st_mode & 0o111 == 0 {
                    failures.push(FileError::NotExecutable(path));
                }
                let file = name.rsplit('/').next().unwrap_or(name);
                let directory = shell_quoted(&directory.to_string_lossy());
                Ok(format!(
                    "#!/bin/sh\n# written by {BY} --trust-run; edits here are lost\ncd {directory} && exec ./{file} \"$@\"\n"
                )
                .into_bytes())
            }
            Err(why) => Err(why),
        }
    }
}

/// One of the small files, in the form that the supervisor reads: its writers may be hostile.
fn small(name: &str, bytes: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?.trim();
    match name.rsplit('/').next() {
        Some("type") if matches!(text, "longrun" | "oneshot" | "bundle") => Ok(format!("{text}\n")),
        Some("type") => Err("it is none of s6-rc's types"),
        Some(layout::NOTIFICATION_FD) => match descriptor(text) {
            Ok(number) => Ok(format!("{number}\n")),
            Err(_) => Err("it is not a descriptor from 3 up"),
        },
        Some("down-signal") => signal(text).map(|name| format!("{name}\n")).ok_or("it is no signal"),
        _ => match whole(text, 0, u32::MAX) {
            Ok(number) => Ok(format!("{number}\n")),
            Err(_) => Err("it is no number"),
        },
    }
}

/// The number of a signal, by name or number.
fn signal(text: &str) -> Option<i32> {
    let upper = text.to_ascii_uppercase();
    let named = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    match (text.parse::<i32>(), named.parse::<Signal>()) {
        (Ok(number), _) => (1..=64).contains(&number).then_some(number),
        (_, Ok(signal)) => Some(signal as i32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_are_what_the_supervisor_reads_or_refused() {
        for (name, text, expected) in [
            ("notification-fd", " 3\n", Ok("3\n")),
            ("notification-fd", "2", Err(())),
            ("notification-fd", "3; rm", Err(())),
            ("timeout-kill", "5000", Ok("5000\n")),
            ("timeout-kill", "-1", Err(())),
            ("max-death-tally", "", Err(())),
            ("down-signal", "SIGINT\n", Ok("2\n")),
            ("down-signal", "int", Ok("2\n")),
            ("down-signal", "15", Ok("15\n")),
            ("down-signal", "65", Err(())),
            ("log/notification-fd", "4", Ok("4\n")),
            ("type", "longrun\n", Ok("longrun\n")),
            ("type", "x", Err(())),
        ] {
            let read = small(name, text.as_bytes()).map_err(|_| ());
            assert_eq!(
                read.as_deref(),
                expected.as_ref().map(|text| *text).map_err(|_| &()),
                "{name} {text:?}"
            );
        }
    }
}
