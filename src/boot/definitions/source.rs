//! Directories of definitions.

use std::path::{Path, PathBuf};

use crate::config::DEFAULT_USER;
use crate::config::value::UserRequest;
use crate::error::Findings;
use crate::service::layout;
use crate::trust::account::Account;

/// The limit of names in one directory of definitions: s6-svscan accepts 500 services by default.
pub(super) const MAX_DEFINITIONS: usize = 2_000;

/// The definitions to publish, and the scan directory.
#[derive(Debug)]
pub struct Definitions {
    /// Directories with one subdirectory per definition; of two definitions with the same name the first takes
    /// precedence.
    pub sources: Vec<DefinitionSource>,
    /// The scan directory.
    pub scan_dir: PathBuf,
    /// How run scripts that are not futo-launch scripts are treated.
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

/// How a missing source is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSource {
    /// It is ignored: it is one of the default directories.
    Ignored,
    /// It is an error: the caller named it.
    Error,
}

/// How a run script that is not a futo-launch script is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It is reported and not published.
    Skipped,
    /// It is published unchanged, and root executes it: `--trust-run`.
    Trusted,
}

/// The default directories: first the root-owned one, then the user-writable one.
pub fn usual_sources() -> Vec<DefinitionSource> {
    [layout::ROOT_DEFINITIONS, layout::DEFINITIONS]
        .map(|path| DefinitionSource { path: Path::new(path).to_path_buf(), missing: MissingSource::Ignored })
        .into()
}

/// The user who may write definitions besides root, if it exists.
pub fn user_of_volume() -> Option<Account> {
    Account::find(&UserRequest::Name(DEFAULT_USER.to_string(), None), &mut Findings::default())
}
