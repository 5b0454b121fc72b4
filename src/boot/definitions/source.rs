//! Directories of definitions, and what is published of them.

use std::path::{Path, PathBuf};

use crate::boot::account::Account;
use crate::config::DEFAULT_USER;
use crate::config::value::UserRequest;
use crate::error::Findings;
use crate::service::layout;

/// More names than this in one directory of definitions are not taken: s6-svscan takes 500 services.
pub(super) const MOST_DEFINITIONS: usize = 2_000;

/// What is published where.
#[derive(Debug)]
pub struct Definitions {
    /// Directories whose directories are the definitions; of two with one name the first counts.
    pub sources: Vec<DefinitionSource>,
    /// The supervisor's directory.
    pub scan_dir: PathBuf,
    /// Whether other run scripts are published too.
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

/// Whether a source may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSource {
    /// It is one of the usual places.
    Fine,
    /// Somebody has named it.
    Failure,
}

/// What becomes of a run script that is no command of the launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It is listed.
    Left,
    /// It is published, and root executes it: `--trust-run`.
    Trusted,
}

/// The usual places: root's own, then the users'.
pub fn usual_sources() -> Vec<DefinitionSource> {
    [layout::ROOTS_DEFINITIONS, layout::DEFINITIONS]
        .map(|path| DefinitionSource { path: Path::new(path).to_path_buf(), missing: MissingSource::Fine })
        .into()
}

/// Who may write definitions beside root, if there is such a user.
pub fn user_of_volume() -> Option<Account> {
    Account::find(&UserRequest::Name(DEFAULT_USER.to_string(), None), &mut Findings::default())
}
