//! `--mkdir`: what root does before the drop.

use std::path::PathBuf;

use crate::config::spec::DirectoryMaker;
use crate::config::value::Directory;
use crate::plan::{Change, Plan};
use crate::sys::nofollow::PathError;
use crate::sys::root_directory::{self, Rights};

/// A directory of `--mkdir` that root was unable to make.
#[derive(Debug)]
pub struct Unmade {
    /// Its path, as in the plan.
    pub path: PathBuf,
    /// The reason.
    pub error: PathError,
}

/// Makes the missing directories of `--mkdir` below those that only root can write; the user makes the others.
pub(super) fn make(plan: &Plan) -> Vec<Unmade> {
    if plan.directories.is_empty()
        || plan.change != Change::Become
        || plan.directory_maker == DirectoryMaker::User
    {
        return Vec::new();
    }
    let make = |directory: &Directory| {
        let rights = Rights { uid: plan.identity.uid, gid: plan.identity.gid, mode: directory.mode };
        let made = root_directory::make(&plan.directory.join(&directory.path), rights);
        made.err().map(|error| Unmade { path: directory.path.clone(), error })
    };
    plan.directories.iter().filter_map(make).collect()
}
