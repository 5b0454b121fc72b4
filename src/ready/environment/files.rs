//! Variables from files, read as the worker's user: config.env, `--env-file`, `--dotenv`, `--env-dir`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::access::{Access, access, not_for_root};
use super::dotenv;
use super::error::EnvironmentError;
use super::named_files::names_of_files;
use super::variables::{Environment, Source};
use crate::config::rights::TrustError;
use crate::config::settings::{Dialect, EnvDirectory, EnvFile};
use crate::config::value::Presence;
use crate::env_file::{self, Assignment, Refusal};
use crate::error::Findings;
use crate::machine::envdir::{self, Entry, Form};
use crate::plan::{Change, Plan};
use crate::sys;

/// Whether a file or directory may be missing, and is.
fn is_optional(presence: Presence, error: &io::Error) -> bool {
    presence == Presence::Optional && error.raw_os_error() == Some(libc::ENOENT)
}

impl Environment {
    /// Reads a file in its dialect.
    pub(super) fn read_file(&mut self, file: &EnvFile, plan: &Plan, findings: &mut Findings) {
        let path = &file.path;
        let Some(bytes) = self.read_bytes(path, file.presence, plan, findings) else { return };
        match self.parse(file, &bytes) {
            Ok(assignments) => {
                let named = names_of_files(assignments.iter().map(|assignment| OsStr::new(&assignment.name)));
                let path: Rc<Path> = Rc::from(path.as_path());
                for Assignment { name, value, line } in assignments {
                    self.set(name, OsString::from_vec(value), Source::File(Rc::clone(&path), line));
                }
                self.read_named_files(named, plan, findings);
            }
            Err(refusals) => {
                for Refusal { line, what, remedy } in refusals {
                    findings.push(EnvironmentError::Line { path: path.clone(), line, what, remedy });
                }
            }
        }
    }

    fn parse(&mut self, file: &EnvFile, bytes: &[u8]) -> Result<Vec<Assignment>, Vec<Refusal>> {
        match file.dialect {
            Dialect::Dotenv => {
                let variables = self.iter().map(|(name, variable)| (name, variable.value.as_os_str()));
                let read = dotenv::parse(bytes, variables)?;
                if let Some(quirk) = read.quirk() {
                    self.quirks.push(format!("{}: {quirk}", file.path.display()));
                }
                Ok(read.assignments)
            }
            Dialect::Bash => {
                let read = env_file::parse(bytes, &|name| self.get(name).map(OsStr::as_bytes))?;
                if let Some(quirk) = read.quirk() {
                    self.quirks.push(format!("{}: {quirk}", file.path.display()));
                }
                Ok(read.assignments)
            }
        }
    }

    fn read_bytes(
        &mut self,
        path: &Path,
        presence: Presence,
        plan: &Plan,
        findings: &mut Findings,
    ) -> Option<Vec<u8>> {
        let access = findings.take(
            access(plan, path).map_err(|source| EnvironmentError::Read { path: path.to_path_buf(), source }),
        )?;
        if let Access::Denied = access {
            self.signature.seen(path);
            match sys::file::look_for(path) {
                // the user already has a finding
                _ if plan.change == Change::Unknown => {}
                Err(errno) if is_optional(presence, &errno.into()) => {}
                Err(errno) => {
                    findings.push(EnvironmentError::Read { path: path.to_path_buf(), source: errno.into() });
                }
                Ok(()) => findings.push(TrustError::ForRoot { path: path.to_path_buf() }),
            }
            return None;
        }
        match self.open_and_read(path, env_file::MAX_BYTES) {
            Ok(bytes) => Some(bytes),
            Err(error) if is_optional(presence, &error) => None,
            Err(source) => {
                findings.push(EnvironmentError::Read { path: path.to_path_buf(), source });
                None
            }
        }
    }

    /// Reads a directory of `--env-dir`.
    pub(super) fn read_directory(&mut self, directory: &EnvDirectory, plan: &Plan, findings: &mut Findings) {
        let EnvDirectory { path: directory, presence } = directory;
        self.signature.listed(directory);
        let read = |path: PathBuf| move |source| EnvironmentError::Read { path, source };
        match findings.take(access(plan, directory).map_err(read(directory.to_path_buf()))) {
            Some(Access::Granted) => {}
            Some(Access::Denied) if plan.change != Change::Unknown => {
                let is_missing = |errno: Errno| is_optional(*presence, &errno.into());
                if !sys::file::look_for(directory).is_err_and(is_missing) {
                    findings.push(TrustError::ForRoot { path: directory.to_path_buf() });
                }
                return;
            }
            Some(Access::Denied) | None => return,
        }
        let may_open = |path: &Path| match access(plan, path)? {
            Access::Granted => Ok(()),
            Access::Denied => Err(not_for_root()),
        };
        let entries = match envdir::read(directory, Form::FirstLine, OFlag::empty(), may_open) {
            Err(error) if is_optional(*presence, &error) => return,
            entries => entries,
        };
        let mut names = Vec::new();
        for Entry { name, path, content } in
            findings.take(entries.map_err(read(directory.to_path_buf()))).into_iter().flatten()
        {
            self.note(&path, content.as_ref().map(|(_, status)| status));
            match findings.take(content.map_err(read(path.clone()))) {
                Some((Some(value), _)) => {
                    self.set(&name, value, Source::Directory(Rc::from(path)));
                    names.push(name);
                }
                Some((None, _)) => self.unset(&name),
                None => {}
            }
        }
        self.read_named_files(names_of_files(names.iter().map(OsString::as_os_str)), plan, findings);
    }
}
