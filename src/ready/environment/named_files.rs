//! Variables that name a file with the value of another, two conventions of container images for secrets:
//! `FILE__NAME=PATH` (linuxserver.io), and `NAME_FILE=PATH` (the official Docker images) for the names of `--secret`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::access::{Access, access, not_for_root};
use super::error::EnvironmentError;
use super::variables::{Environment, Source, Variable};
use crate::config::value::VariableName;
use crate::error::Findings;
use crate::machine::envdir;
use crate::plan::Plan;
use crate::sys;

const PREFIX: &[u8] = b"FILE__";

/// Every NAME with a `FILE__NAME` among names that are set together, unless NAME is set too (then the image's own
/// startup has done it).
pub(super) fn names_of_files<'a>(names: impl Iterator<Item = &'a OsStr> + Clone) -> Vec<OsString> {
    let named = names.clone().filter_map(|name| name.as_bytes().strip_prefix(PREFIX));
    let is_alone = |name: &&OsStr| !name.is_empty() && !names.clone().any(|each| each == *name);
    named.map(OsStr::from_bytes).filter(is_alone).map(OsStr::to_os_string).collect()
}

/// `NAME_FILE`
pub(super) fn file_variable(secret: &VariableName) -> String {
    format!("{}_FILE", secret.as_str())
}

/// The content of a file with a value.
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
            (true, true) => Some("its byte order mark and trailing CR LF are not part of the value"),
            (true, false) => Some("its byte order mark is not part of the value"),
            (false, true) => Some("its trailing CR LF is not part of the value"),
            (false, false) => None,
        }
    }
}

/// Whether this cannot be a secret given instead of a path: an absolute path in an existing top-level directory.
fn is_surely_a_path(path: &Path) -> bool {
    let mut names = path.components().skip(1);
    let first = names.next().map(|first| Path::new("/").join(first));
    path.is_absolute() && names.next().is_some() && first.is_some_and(|first| first.is_dir())
}

impl Environment {
    /// Sets each NAME to the content of the file named by `FILE__NAME`.
    pub(super) fn read_named_files(&mut self, names: Vec<OsString>, plan: &Plan, findings: &mut Findings) {
        for name in names {
            let mut variable = OsStr::from_bytes(PREFIX).to_os_string();
            variable.push(&name);
            let Some(set) = self.variables.get(&variable).cloned() else { continue };
            findings.take(self.set_from_file(&name, &variable, &set, plan));
        }
    }

    /// Sets NAME to the content of the file named by `NAME_FILE`, and removes that. A default for `NAME_FILE` does not
    /// count if NAME is set.
    pub(super) fn read_secret(&mut self, secret: &VariableName, plan: &Plan, findings: &mut Findings) {
        let (name, variable) = (secret.as_str(), file_variable(secret));
        let is_set = self.get(name).is_some_and(|value| !value.is_empty());
        match self.variables.get(OsStr::new(&variable)).cloned() {
            Some(set) if set.value.is_empty() || (is_set && set.source == Source::Default) => {}
            Some(_) if is_set => {
                let (name, file) = (name.to_string(), variable);
                return findings.push(EnvironmentError::TwoSecrets { name, file });
            }
            Some(set) => {
                let read = self.set_from_file(OsStr::new(name), OsStr::new(&variable), &set, plan);
                if findings.take(read).is_none() {
                    return;
                }
            }
            None => {}
        }
        self.unset(OsStr::new(&variable));
    }

    /// Sets a variable to the content of the file that another, set like this, names.
    fn set_from_file(
        &mut self,
        name: &OsStr,
        variable: &OsStr,
        set: &Variable,
        plan: &Plan,
    ) -> Result<(), EnvironmentError> {
        let path = plan.own(Path::new(&set.value));
        let variable = variable.to_string_lossy().into_owned();
        match self.named_file(&path, plan) {
            Ok(secret) => {
                if let Some(quirk) = secret.quirk() {
                    self.quirks.push(format!("the file named by {variable}: {quirk}"));
                }
                self.set(name, secret.value, Source::NamedFile(variable));
                Ok(())
            }
            Err(source) => {
                let path = is_surely_a_path(&path).then_some(path);
                Err(EnvironmentError::NamedFile { place: set.source.to_string(), variable, path, source })
            }
        }
    }

    /// The content without trailing newlines, as with `$(cat PATH)`; as in config.env, a byte order mark is ignored
    /// and CR LF counts as a newline.
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
