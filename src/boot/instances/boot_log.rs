//! The boot log on the volume: one line per instance, written with the user's ids. Symbolic links are not
//! followed.

use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};
use std::time::SystemTime;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat};

use crate::error::{Problem, reason};
use crate::exit::Exit;
use crate::sys::clock;
use crate::sys::file::{kind, kind_name};

/// Why the boot log could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum BootLogError {
    /// An operation was refused.
    #[error("unable to {verb} '{object}': {}", reason(*errno))]
    Refused {
        /// The operation.
        verb: &'static str,
        /// Its object, relative to the home.
        object: String,
        /// Why.
        errno: Errno,
    },
    /// It is not a regular file.
    #[error("unable to write '{object}': it is {what}, not a regular file")]
    NotRegular {
        /// The log, relative to the home.
        object: String,
        /// The actual file type.
        what: &'static str,
    },
}

impl Problem for BootLogError {
    fn exit(&self) -> Exit {
        Exit::SYSTEM
    }

    fn hint(&self) -> Option<String> {
        match self {
            BootLogError::Refused { errno: Errno::EACCES, .. } => {
                Some("chown its directory to the owner of the instances".to_string())
            }
            _ => None,
        }
    }
}

/// `2026-11-22T03:45:54+0000`
pub(super) fn stamp(time: SystemTime) -> String {
    let utc = clock::utc(time);
    format!("{}+0000", utc.strip_suffix('Z').unwrap_or(&utc))
}

/// Appends the lines with one write. First, a log of at least `size` bytes is renamed to `.1`, as is one that the user
/// cannot write because an older program created it as root.
pub(super) fn append(home: &OwnedFd, path: &str, size: u64, lines: &str) -> Result<(), BootLogError> {
    let refused = |verb, errno| BootLogError::Refused { verb, object: path.to_string(), errno };
    let (directory, name) = open_above(home, path)?;
    let old = format!("{}.1", name.to_string_lossy());
    let rotate =
        || renameat(&directory, name, &directory, old.as_str()).map_err(|errno| refused("rename", errno));
    let open = || {
        let flags = OFlag::O_WRONLY
            | OFlag::O_APPEND
            | OFlag::O_CREAT
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let file = openat(&directory, name, flags, Mode::from_bits_truncate(0o644))?;
        let status = fstat(&file)?;
        Ok((file, status))
    };
    let is_full = |status: &FileStat| u64::try_from(status.st_size).is_ok_and(|length| length >= size);
    let opened: Result<_, Errno> = open();
    let opened = match opened {
        Err(Errno::EACCES) if rotate().is_ok() => open(),
        Ok((_, status)) if kind(&status) == SFlag::S_IFREG && is_full(&status) => {
            rotate()?;
            open()
        }
        other => other,
    };
    let (file, status) = opened.map_err(|errno| match errno {
        Errno::ELOOP => BootLogError::NotRegular { object: path.to_string(), what: "a symbolic link" },
        _ => refused("open", errno),
    })?;
    if let Some(what) = kind_name(kind(&status)) {
        return Err(BootLogError::NotRegular { object: path.to_string(), what });
    }
    std::fs::File::from(file)
        .write_all(lines.as_bytes())
        .map_err(|error| refused("write", Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))))
}

/// Opens the directory of a path below `home`, and creates it if it is missing.
fn open_above<'p>(home: &OwnedFd, path: &'p str) -> Result<(OwnedFd, &'p OsStr), BootLogError> {
    let refused =
        |errno| BootLogError::Refused { verb: "open the directory of", object: path.to_string(), errno };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut names = Path::new(path).components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let mut name = names.next().unwrap_or_default();
    let mut directory = openat(home, ".", flags, Mode::empty()).map_err(refused)?;
    for next in names {
        match mkdirat(&directory, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(refused(errno)),
        }
        directory = openat(&directory, name, flags, Mode::empty()).map_err(refused)?;
        name = next;
    }
    Ok((directory, name))
}
