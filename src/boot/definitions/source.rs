//! Directories of definitions.

use std::path::{Path, PathBuf};

use crate::config::DEFAULT_USER;
use crate::config::value::UserRequest;
use crate::error::Findings;
use crate::service::layout;
use crate::trust::account::Account;

/// The limit of names in one directory of definitions: s6-svscan takes 500 services by default.
pub(super) const MOST_DEFINITIONS: usize = 2_000;

/// What is published, and where.
#[derive(Debug)]
pub struct Definitions {
    /// Directories that hold one definition per directory; of two definitions with the same name the first
    /// counts.
    pub sources: Vec<DefinitionSource>,
    /// The scan directory.
    pub scan_dir: PathBuf,
    /// What becomes of run scripts that are not commands of the launcher.
    pub foreign: Foreign,
}

/// A directory of definitions.
#[derive(Debug)]
pub struct DefinitionSource {
    /// The directory.
    pub path: PathBuf,
    /// Whether it may be missing.
    pub missing: MissingSource,
}

/// What a missing source means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSource {
    /// Nothing: it is one of the default places.
    Fine,
    /// An error: the caller named it.
    Failure,
}

/// What becomes of a run script that is not a command of the launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It is reported and not published.
    Left,
    /// It is published as it is, and root executes it: `--trust-run`.
    Trusted,
}

/// The default places: the root-owned one first, then the users'.
pub fn usual_sources() -> Vec<DefinitionSource> {
    [layout::ROOT_DEFINITIONS, layout::DEFINITIONS]
        .map(|path| DefinitionSource { path: Path::new(path).to_path_buf(), missing: MissingSource::Fine })
        .into()
}

/// The user who may write definitions besides root, if it exists.
pub fn user_of_volume() -> Option<Account> {
    Account::find(&UserRequest::Name(DEFAULT_USER.to_string(), None), &mut Findings::default())
}
