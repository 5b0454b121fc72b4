//! The worker's HOME, which contains log and record.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::identity::{Change, Identity};
use crate::config::DEFAULT_USER;

/// The home of abc in the linuxserver.io images, whatever /etc/passwd says.
const DEFAULT_USER_HOME: &str = "/config";

/// The home set by `--home`, otherwise the user's.
pub(super) fn find(
    asked: Option<&Path>,
    identity: &Identity,
    change: Change,
    inherited: &[(OsString, OsString)],
    container: &[(OsString, OsString)],
) -> Option<PathBuf> {
    let of_account = || match &identity.name {
        Some(name) if name == DEFAULT_USER => Some(PathBuf::from(DEFAULT_USER_HOME)),
        _ => identity.home.clone(),
    };
    let named_by = |variables: &[(OsString, OsString)]| {
        let value = variables.iter().find(|(name, _)| name == "HOME").map(|(_, value)| PathBuf::from(value));
        value.filter(|home| home.is_absolute())
    };
    let as_inherited = || named_by(inherited);
    // in linuxserver's images HOME is root's, so an account's own home takes precedence
    let of_container = || named_by(container);
    if let Some(home) = asked {
        return Some(home.to_path_buf());
    }
    match change {
        Change::AlreadyIs | Change::Unknown => as_inherited().or_else(of_account).or_else(of_container),
        // an account without a home gets "/", as with login programs; never root's home
        Change::Become => of_account().or_else(|| Some(PathBuf::from("/"))),
        Change::StaysRoot => of_account().or_else(as_inherited).or_else(of_container),
    }
}
