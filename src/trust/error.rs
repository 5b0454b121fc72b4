//! Why a definition is rejected.

use std::io;
use std::path::PathBuf;

use super::others::WritableByOthers;
use crate::config::DEFAULT_USER;
use crate::error::{Problem, reason_of};
use crate::exit::Exit;

/// Why a definition is rejected.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// It cannot be read.
    #[error("unable to read '{}': {}", .0.display(), reason_of(.1))]
    Read(PathBuf, io::Error),
    /// A user other than root and abc can write it.
    #[error(transparent)]
    Others(#[from] WritableByOthers),
    /// There is no user to run it as.
    #[error("'{}' is not owned by root, and there is no user '{DEFAULT_USER}'", .0.display())]
    NoUser(PathBuf),
}

impl Untrusted {
    /// Whether the run script does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Untrusted::Read(_, error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether permission to read it was denied.
    pub fn is_denied(&self) -> bool {
        matches!(self, Untrusted::Read(_, error) if error.kind() == io::ErrorKind::PermissionDenied)
    }
}

impl Problem for Untrusted {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            Untrusted::Others(others) => others.hint(),
            Untrusted::Read(..) | Untrusted::NoUser(_) => None,
        }
    }
}
