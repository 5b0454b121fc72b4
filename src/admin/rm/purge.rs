//! `--purge`: deletes the log and the run record of a removed service, for good.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::error::{Finding, reason};
use crate::log::{SUFFIX, compressed, numbered};
use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::record;
use crate::sys::nofollow::{self, Missing, PathError};

/// As many rotated files as `--log-keep` can keep.
const MOST_ROTATED: u32 = 1000;

/// Deletes them with the ids that opened them; returns how many files were deleted.
pub(super) fn purge(snapshot: &Snapshot) -> Result<usize, Finding> {
    let unable = |why: String| Finding::trouble(format!("unable to delete log and record: {why}"), None);
    let (Some(plan), Some(opener)) = (&snapshot.plan, &snapshot.opener) else {
        return Err(unable("its run file names no futo-launch command".to_string()));
    };
    let files = files_of(plan);
    let deleted = opener.act(|| {
        files.iter().map(|(directory, names)| delete(directory, names)).sum::<Result<usize, String>>()
    });
    deleted.map_err(|error| unable(error.to_string()))?.map_err(unable)
}

/// The directories of log and record, with the names in them. Relative paths are in the definition, and stay with it.
fn files_of(plan: &Plan) -> Vec<(PathBuf, Vec<OsString>)> {
    let mut files = Vec::new();
    if let Some(log) = plan.log.file().filter(|path| path.is_absolute())
        && let (Some(directory), Some(name)) = (log.parent(), log.file_name())
    {
        let mut of_pump = name.to_os_string();
        of_pump.push(SUFFIX);
        let rotated =
            (1..=MOST_ROTATED).flat_map(|number| [numbered(name, number), compressed(name, number)]);
        files.push((
            directory.to_path_buf(),
            [name.to_os_string(), of_pump].into_iter().chain(rotated).collect(),
        ));
    }
    if let Some(directory) = plan.state_dir.as_ref().filter(|path| path.is_absolute()) {
        let [record, history] = record::file_names(plan.name.as_str());
        let lock = format!(".{}.loop", plan.name);
        files.push((directory.clone(), vec![record.into(), history.into(), lock.into()]));
    }
    files
}

fn delete(directory: &Path, names: &[OsString]) -> Result<usize, String> {
    let open = match nofollow::open_directory(directory, Missing::Refuse) {
        Ok(open) => open,
        Err(PathError::Refused(_, Errno::ENOENT)) => return Ok(0),
        Err(error) => return Err(error.to_string()),
    };
    let mut deleted = 0;
    for name in names {
        match unlinkat(&open, OsStr::new(name), UnlinkatFlags::NoRemoveDir) {
            Ok(()) => deleted += 1,
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(format!("'{}': {}", directory.join(name).display(), reason(errno))),
        }
    }
    Ok(deleted)
}
