//! A definition on the volume → the files of its service directory.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, fstat};

use super::command::{self, DefinitionScript};
use super::error::DefinitionsError;
use super::file_error::FileError;
use super::small_files::small;
use super::source::Foreign;
use crate::boot::choice::Hardening;
use crate::boot::directory::Directory;
use crate::boot::manifest::ServiceFiles;
use crate::boot::part::Part;
use crate::boot::report::ReportRow;
use crate::error::Findings;
use crate::service::ServiceName;
use crate::service::layout;
use crate::service::one_line::{self, Logger};
use crate::service::run_script::{NotLauncherScript, with_unix_lines};
use crate::shell_quote::shell_quoted;
use crate::sys::file;
use crate::trust::MAX_SCRIPT;
use crate::trust::writers::{Provenance, Writers};

/// The size limit of files other than scripts, in bytes.
const MAX_SMALL: usize = 4096;
const BY: &str = "futo sync";

/// The files of a service directory, and the writers of their definition.
#[derive(Debug)]
pub(super) struct ReadDefinition {
    pub(super) files: ServiceFiles,
    pub(super) writers: Writers,
}

/// Why a definition is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotPublished {
    /// It has errors, which have been reported as failures.
    Failed,
    /// A script in it is not a command of the launcher; a refusal names it.
    NotLauncherScript,
    /// `run` has been removed in the meantime.
    NoRun,
}

/// Reads one definition.
pub(super) struct DefinitionReader<'r> {
    pub(super) directory: &'r Directory,
    /// The name of its service.
    pub(super) name: &'r ServiceName,
    /// The writers of its directory and the parent directories.
    pub(super) provenance: Provenance,
    /// The error to report if other users can write it.
    pub(super) others: &'r dyn Fn(&Provenance) -> Option<DefinitionsError>,
    pub(super) foreign: Foreign,
    pub(super) launcher: &'r str,
    pub(super) hardening: Hardening,
}

/// A file, as read.
struct Text {
    bytes: Vec<u8>,
    status: FileStat,
}

impl DefinitionReader<'_> {
    /// The files of the service directory, or why it is not published, with the details in the `row`.
    pub(super) fn read(&self, row: &mut ReportRow) -> Result<ReadDefinition, NotPublished> {
        let ReportRow { failures, warnings, refusals, .. } = row;
        let mut files = ServiceFiles::default();
        let mut provenance = self.provenance.clone();
        let log = self.directory.try_open(OsStr::new(layout::LOG)).ok();
        if let Some(log) = &log
            && let Ok(status) = fstat(&log.fd)
        {
            provenance.see(&log.shown, &status);
        }
        // a logger's directory that cannot be opened is reported when its run script is read
        let has_logger = !matches!(self.directory.status(layout::LOG), Ok(None))
            && !matches!(self.directory.status(layout::LOG_RUN), Ok(None));
        // root would write the state file named there
        let comes_along = |name: &&&str| {
            **name != layout::DESIRED_STATE && (has_logger || Part::of(name).0 == Part::Service)
        };
        let names = layout::FILES.iter().filter(comes_along);
        let mut scripts = Vec::new();
        for name in names {
            let Some(text) = failures.take(self.text(name, log.as_ref())).flatten() else { continue };
            provenance.see(&self.path(name), &text.status);
            match Part::of(name).1 {
                layout::RUN | layout::FINISH => scripts.push((*name, text)),
                layout::DOWN => files.set(name, ""),
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
        if let Some(error) = (self.others)(&provenance) {
            failures.push(error);
        }
        let writers = provenance.writers;
        if failures.is_empty() && scripts.iter().all(|(name, _)| *name != layout::RUN) {
            return Err(NotPublished::NoRun);
        }
        for (name, text) in scripts {
            match self.script(name, &text, writers, warnings, failures) {
                Ok(script) => files.set(name, script),
                Err(why) => refusals.push(FileError::NotLauncherScript { path: self.path(name), why }),
            }
        }
        match (failures.is_empty(), refusals.is_empty()) {
            (false, _) => Err(NotPublished::Failed),
            (true, false) => Err(NotPublished::NotLauncherScript),
            (true, true) => Ok(ReadDefinition { files, writers }),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.shown.join(name)
    }

    /// The content of a file; `None` if it does not exist. Symbolic links are not followed.
    fn text(&self, name: &str, log: Option<&Directory>) -> Result<Option<Text>, FileError> {
        let failed = |source| FileError::Read { path: self.path(name), source };
        let (part, file) = Part::of(name);
        let directory = match (part, log) {
            (Part::Service, _) => self.directory,
            (Part::Logger, Some(log)) => log,
            (Part::Logger, None) => {
                return Err(failed(std::io::Error::other("'log' cannot be opened as a directory")));
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

    /// The script to publish in place of this one.
    fn script(
        &self,
        name: &str,
        text: &Text,
        writers: Writers,
        warnings: &mut Findings,
        failures: &mut Findings,
    ) -> Result<Vec<u8>, NotLauncherScript> {
        let path = self.path(name);
        let (part, file) = Part::of(name);
        let (directory, service) = match part {
            Part::Logger => (self.path(layout::LOG), format!("{}-log", self.name)),
            Part::Service => (self.directory.shown.clone(), self.name.to_string()),
        };
        let script = DefinitionScript {
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
