//! Variables from files, read as the worker's user: config.env and its kin, `--env-dir`, `FILE__NAME`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::FileStat;

use super::dotenv;
use super::error::EnvironmentError;
use super::variables::{Environment, Source};
use crate::config::rights::TrustError;
use crate::config::settings::{Dialect, EnvFile};
use crate::env_file::{self, Assignment, Refusal};
use crate::error::Findings;
use crate::machine::envdir::{self, Entry, Form};
use crate::machine::ownership::belongs_to_root;
use crate::plan::{Change, Plan};
use crate::sys;

/// `FILE__NAME=PATH` stands for `NAME=` and the content of the file, as container images have it.
const NAMES_A_FILE: &[u8] = b"FILE__";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Optional,
    Required,
}

impl Presence {
    fn allows(self, errno: Errno) -> bool {
        self == Presence::Optional && errno == Errno::ENOENT
    }
}

/// Whether a file may be read at all.
enum Access {
    Granted,
    /// It is for a user that does not exist, or for a worker that is root while non-root users can write it. It
    /// is not even opened: to open some devices is to do something.
    Denied,
}

fn access(plan: &Plan, path: &Path) -> io::Result<Access> {
    let for_nobody = plan.change == Change::Unknown && nix::unistd::geteuid().is_root();
    let for_root = plan.change == Change::StaysRoot && !belongs_to_root(path)?;
    Ok(if for_nobody || for_root { Access::Denied } else { Access::Granted })
}

/// Of names that are set together: each NAME of a `FILE__NAME`, unless NAME is set with it (the image's
/// own start-up has done it then).
pub(super) fn names_of_files<'a>(names: impl Iterator<Item = &'a OsStr> + Clone) -> Vec<OsString> {
    let named = names.clone().filter_map(|name| name.as_bytes().strip_prefix(NAMES_A_FILE));
    let is_alone = |name: &&OsStr| !name.is_empty() && !names.clone().any(|each| each == *name);
    named.map(OsStr::from_bytes).filter(is_alone).map(OsStr::to_os_string).collect()
}

fn not_for_root() -> io::Error {
    io::Error::other("non-root users can write it, and the worker would be root")
}

/// The content of a file that `FILE__NAME` names.
#[derive(Debug, PartialEq, Eq)]
struct Secret {
    value: OsString,
    has_bom: bool,
    has_crlf: bool,
}

impl Secret {
    fn of(content: &[u8]) -> Self {
        let (mut value, has_bom) = match content.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => (rest, true),
            None => (content, false),
        };
        let mut has_crlf = false;
        while let Some(rest) = value.strip_suffix(b"\n") {
            let line = rest.strip_suffix(b"\r");
            has_crlf |= line.is_some();
            value = line.unwrap_or(rest);
        }
        Secret { value: OsStr::from_bytes(value).to_os_string(), has_bom, has_crlf }
    }

    fn quirk(&self) -> Option<&'static str> {
        match (self.has_bom, self.has_crlf) {
            (true, true) => Some("a byte order mark and the CR LF at its end are not part of the value"),
            (true, false) => Some("the byte order mark is not part of the value"),
            (false, true) => Some("the CR LF at its end is not part of the value"),
            (false, false) => None,
        }
    }
}

/// Whether this can be no secret that was written in place of a path: below `/`, in a directory that is there.
fn is_surely_a_path(path: &Path) -> bool {
    let mut names = path.components().skip(1);
    let first = names.next().map(|first| Path::new("/").join(first));
    path.is_absolute() && names.next().is_some() && first.is_some_and(|first| first.is_dir())
}

impl Environment {
    /// Reads a file in its dialect.
    pub(super) fn read_file(
        &mut self,
        file: &EnvFile,
        presence: Presence,
        plan: &Plan,
        findings: &mut Findings,
    ) {
        let path = &file.path;
        let Some(bytes) = self.read_bytes(path, presence, plan, findings) else { return };
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
                // there is a finding about the user
                _ if plan.change == Change::Unknown => {}
                Err(errno) if presence.allows(errno) => {}
                Err(errno) => {
                    findings.push(EnvironmentError::Read { path: path.to_path_buf(), source: errno.into() });
                }
                Ok(()) => findings.push(TrustError::ForRoot { path: path.to_path_buf() }),
            }
            return None;
        }
        match self.open_and_read(path, env_file::MAX_BYTES) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.raw_os_error().is_some_and(|raw| presence.allows(Errno::from_raw(raw))) => {
                None
            }
            Err(source) => {
                findings.push(EnvironmentError::Read { path: path.to_path_buf(), source });
                None
            }
        }
    }

    /// Reads a file and notes it, as it was when it was opened.
    fn open_and_read(&mut self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let opened = sys::file::open_regular_with_status(AT_FDCWD, path, OFlag::empty());
        self.note(path, opened.as_ref().map(|(_, status)| status));
        sys::file::read_at_most(opened?.0, most)
    }

    fn note(&mut self, path: &Path, opened: Result<&FileStat, &io::Error>) {
        match opened {
            Ok(status) => self.signature.opened(path, status),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.signature.missing(path),
            Err(_) => self.signature.seen(path),
        }
    }

    /// Reads a directory of `--env-dir`.
    pub(super) fn read_directory(&mut self, directory: &Path, plan: &Plan, findings: &mut Findings) {
        self.signature.listed(directory);
        let read = |path: PathBuf| move |source| EnvironmentError::Read { path, source };
        match findings.take(access(plan, directory).map_err(read(directory.to_path_buf()))) {
            Some(Access::Granted) => {}
            Some(Access::Denied) if plan.change != Change::Unknown => {
                return findings.push(TrustError::ForRoot { path: directory.to_path_buf() });
            }
            Some(Access::Denied) | None => return,
        }
        let may_open = |path: &Path| match access(plan, path)? {
            Access::Granted => Ok(()),
            Access::Denied => Err(not_for_root()),
        };
        let entries = envdir::read(directory, Form::FirstLine, OFlag::empty(), may_open);
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

    /// Gives each NAME the content of the file that `FILE__NAME` names.
    pub(super) fn read_named_files(&mut self, names: Vec<OsString>, plan: &Plan, findings: &mut Findings) {
        for name in names {
            let mut variable = OsStr::from_bytes(NAMES_A_FILE).to_os_string();
            variable.push(&name);
            let Some(set) = self.variables.get(&variable) else { continue };
            let (path, place) = (plan.own(Path::new(&set.value)), set.source.to_string());
            let variable = variable.to_string_lossy().into_owned();
            match self.named_file(&path, plan) {
                Ok(secret) => {
                    if let Some(quirk) = secret.quirk() {
                        self.quirks.push(format!("the file that {variable} names: {quirk}"));
                    }
                    self.set(&name, secret.value, Source::NamedFile(variable));
                }
                Err(source) => {
                    let path = is_surely_a_path(&path).then_some(path);
                    findings.push(EnvironmentError::NamedFile { place, variable, path, source });
                }
            }
        }
    }

    /// The content without newlines at its end, as `$(cat PATH)` has it, and as config.env has it without a
    /// byte order mark and with CR LF for a newline.
    fn named_file(&mut self, path: &Path, plan: &Plan) -> io::Result<Secret> {
        if let Access::Denied = access(plan, path)? {
            return Err(not_for_root());
        }
        let content = self.open_and_read(path, envdir::MAX_BYTES)?;
        if sys::file::is_utf_16(&content) {
            return Err(io::Error::other("it is in UTF-16: save it as UTF-8"));
        }
        let secret = Secret::of(&content);
        if secret.value.as_bytes().contains(&0) {
            return Err(io::Error::other("it contains a NUL byte"));
        }
        Ok(secret)
    }
}
