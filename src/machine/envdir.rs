//! Directories with one file per variable: `--env-dir`, and the container's variables.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::FileStat;

use crate::sys;

/// With more names than this in a directory, the path is probably a mistake.
const MAX_FILES: usize = 4096;
/// The maximum size of a file, in bytes: the kernel's limit for one variable.
pub const MAX_BYTES: usize = 128 << 10;
/// The maximum size of all files together: several times the kernel's limit for a program.
const MAX_TOTAL: usize = 8 << 20;

/// How a file's content becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As with s6-envdir: the first line, without trailing blanks; an empty file removes the variable.
    FirstLine,
    /// As with s6-overlay's with-contenv: the whole file, without one trailing newline. An empty file is an empty
    /// value.
    WholeFile,
}

impl Form {
    /// Returns the value; `None` removes the variable. NUL is read as newline.
    pub fn value(self, content: &[u8]) -> Option<OsString> {
        let kept = match self {
            Form::FirstLine if content.is_empty() => return None,
            Form::FirstLine => {
                let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
                let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(0, |at| at + 1);
                line.get(..end).unwrap_or_default()
            }
            Form::WholeFile => content.strip_suffix(b"\n").unwrap_or(content),
        };
        let value = kept.iter().map(|byte| if *byte == 0 { b'\n' } else { *byte }).collect();
        Some(OsString::from_vec(value))
    }
}

/// Why a directory of the container's variables cannot be read.
#[derive(Debug)]
pub struct EnvdirError {
    /// The offending file; none if it is the directory itself.
    pub file: Option<PathBuf>,
    /// The system's error, or what is wrong with the content.
    pub source: io::Error,
}

/// One file of the directory.
#[derive(Debug)]
pub struct Entry {
    /// The name of the file and the variable.
    pub name: OsString,
    /// The path of the file.
    pub path: PathBuf,
    /// The value (none removes the variable), and the status of the open file.
    pub content: io::Result<(Option<OsString>, FileStat)>,
}

/// Reads a directory in name order, skipping names that start with a dot. `may_open` checks each path first; `more`
/// may add O_NOFOLLOW.
pub fn read(
    directory: &Path,
    form: Form,
    more: OFlag,
    may_open: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<Vec<Entry>> {
    let names = sys::file::names(directory, MAX_FILES)?;
    let mut total = 0_usize;
    let entry = |name: OsString| {
        let path = directory.join(&name);
        let content = if name.as_bytes().contains(&b'=') {
            Err(io::Error::other("a variable name cannot contain '='"))
        } else {
            may_open(&path).and_then(|()| value(&path, form, more))
        };
        total += content.as_ref().map_or(0, |(value, _)| value.as_ref().map_or(0, |value| value.len()));
        if total > MAX_TOTAL {
            return Err(io::Error::other(format!("its files exceed {} MiB", MAX_TOTAL >> 20)));
        }
        Ok(Entry { name, path, content })
    };
    names.into_iter().map(entry).collect()
}

fn value(path: &Path, form: Form, more: OFlag) -> io::Result<(Option<OsString>, FileStat)> {
    let (file, status) = sys::file::open_regular_with_status(AT_FDCWD, path, more)?;
    Ok((form.value(&sys::file::read_at_most(file, MAX_BYTES)?), status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_s6_envdir() {
        for (content, first_line, whole_file) in [
            ("", None, Some("")),
            ("\n", Some(""), Some("")),
            ("a\nb\n", Some("a"), Some("a\nb")),
            ("a\n\n", Some("a"), Some("a\n")),
            (" a \t\n", Some(" a"), Some(" a \t")),
            ("a\r\n", Some("a"), Some("a\r")),
            ("x\0y", Some("x\ny"), Some("x\ny")),
        ] {
            let value = |form: Form| form.value(content.as_bytes());
            assert_eq!(value(Form::FirstLine), first_line.map(OsString::from), "{content:?}");
            assert_eq!(value(Form::WholeFile), whole_file.map(OsString::from), "{content:?}");
        }
    }
}
