//! The worker's HOME, below which log and record are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::identity::{Change, Identity};
use crate::config::DEFAULT_USER;

/// The home of abc in the linuxserver.io images, whatever /etc/passwd says.
const DEFAULT_USER_HOME: &str = "/config";

/// The home that `--home` asks for, or that of the user.
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
    // in linuxserver's images it is that of root, so that an account's own home comes first
    let of_container = || named_by(container);
    if let Some(home) = asked {
        return Some(home.to_path_buf());
    }
    match change {
        Change::AlreadyIs | Change::Unknown => as_inherited().or_else(of_account).or_else(of_container),
        // an account without a home gets "/", as login programs do; never the home of root
        Change::Become => of_account().or_else(|| Some(PathBuf::from("/"))),
        Change::StaysRoot => of_account().or_else(as_inherited).or_else(of_container),
    }
}
