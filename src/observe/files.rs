//! The run record and the log of services: files of their users, read with those users' ids.

use std::io;
use std::path::{Path, PathBuf};

use super::log::LogSummary;
use super::reason::Reason;
use super::snapshot::{PreviousLoop, Snapshot};
use crate::plan::Plan;
use crate::record::{self, RunRecord};
use crate::sys::privilege::Privilege;
use crate::trust::Opener;
use crate::trust::account::AccountError;

/// Reads the records and logs of these services, and so many bytes at the end of their histories; the ids of each user
/// are assumed once.
pub(super) fn read_all(all: &mut [Snapshot], reader: Privilege, history: u64) {
    let mut openers: Vec<Opener> = Vec::new();
    for opener in all.iter().filter_map(|snapshot| snapshot.opener.as_ref()) {
        if !openers.contains(opener) {
            openers.push(opener.clone());
        }
    }
    for opener in openers {
        let mut read = |refused: Option<&AccountError>| {
            let its = all.iter_mut().filter(|snapshot| snapshot.opener.as_ref() == Some(&opener));
            its.for_each(|snapshot| {
                read_one(snapshot, reader, refused);
                if history > 0 && refused.is_none() {
                    read_history(snapshot, history);
                }
            });
        };
        if let Err(error) = opener.act(|| read(None)) {
            read(Some(&error));
        }
    }
    // with root's ids again: the user may not see the working directory of a process
    all.iter_mut().for_each(doubt_record);
}

/// Record and log, with the ids that may open them; `refused` is the reason why these ids could not be assumed.
fn read_one(snapshot: &mut Snapshot, reader: Privilege, refused: Option<&AccountError>) {
    let Some(plan) = &snapshot.plan else { return };
    match record_path(plan) {
        Some(path) => match read_record_of(plan, &path, refused) {
            Ok(record) => {
                snapshot.previous_loop = PreviousLoop::of(&record);
                snapshot.record = Some(record);
                snapshot.record_doubt = None;
            }
            Err(NoRecord::Missing(why)) => snapshot.record_doubt = Some(why),
            Err(NoRecord::Unreadable(why)) => {
                snapshot.troubles.push(why.clone());
                snapshot.record_doubt = Some(why);
            }
        },
        None => {
            snapshot.record_doubt = Some("there is no directory for a run record: HOME is not set".into())
        }
    }
    let Some(path) = snapshot.log_path() else { return };
    let log = match refused {
        Some(error) => Err(io::Error::other(error.to_string())),
        None => LogSummary::of(reader, path.clone()),
    };
    match log {
        Ok(log) => snapshot.log = log,
        Err(error) => {
            let what = format!("unable to read log '{}'", path.display());
            snapshot.troubles.push(Reason::of_io(&what, &error));
        }
    }
}

/// The last runs, as far as this part of the history has them.
fn read_history(snapshot: &mut Snapshot, bytes: u64) {
    let Some(plan) = &snapshot.plan else { return };
    let Some(directory) = plan.state_dir.as_ref().map(|directory| plan.directory.join(directory)) else {
        return;
    };
    match record::read_history(&directory, plan.name.as_str(), bytes) {
        Ok(Some((runs, owner))) if owner == 0 || owner == plan.identity.uid.as_raw() => {
            snapshot.history = runs;
        }
        Ok(None) => {}
        Ok(Some((_, owner))) => {
            let why = format!("it is owned by uid {owner}, not by the service's user");
            snapshot.troubles.push(no_history(plan, &why).into());
        }
        Err(error) => {
            let why = no_history(plan, &error);
            snapshot.troubles.push(Reason::of_error(&why, error.errno()));
        }
    }
}

fn no_history(plan: &Plan, why: &dyn std::fmt::Display) -> String {
    format!("unable to read the history of runs of '{}': {why}", plan.name)
}

/// Why there is no record to read from.
enum NoRecord {
    /// There is none: the service may never have run.
    Missing(Reason),
    /// There is one, but it cannot be used.
    Unreadable(Reason),
}

/// Where the launcher of this plan keeps its record.
fn record_path(plan: &Plan) -> Option<PathBuf> {
    let directory = plan.state_dir.as_ref()?;
    Some(plan.directory.join(directory).join(format!("{}.json", plan.name)))
}

fn read_record_of(plan: &Plan, path: &Path, refused: Option<&AccountError>) -> Result<RunRecord, NoRecord> {
    let shown = path.display();
    let unreadable = |why: &dyn std::fmt::Display, errno| {
        let text = format!("unable to read run record '{shown}': {why}");
        Err(NoRecord::Unreadable(Reason::of_error(&text, errno)))
    };
    if let Some(error) = refused {
        return unreadable(error, None);
    }
    match record::read(path.parent().unwrap_or(Path::new("/")), plan.name.as_str()) {
        Ok(None) => Err(NoRecord::Missing(format!("run record '{shown}' does not exist").into())),
        Ok(Some((_, owner))) if owner != 0 && owner != plan.identity.uid.as_raw() => {
            unreadable(&format_args!("it is owned by uid {owner}, not by the service's user"), None)
        }
        Ok(Some((record, _))) => Ok(record),
        Err(error) => unreadable(&error, error.errno()),
    }
}

/// Doubts a record that another launcher wrote.
fn doubt_record(snapshot: &mut Snapshot) {
    let (Some(launcher), Some(record), Some(plan)) = (&snapshot.launcher, &snapshot.record, &snapshot.plan)
    else {
        return;
    };
    let doubt = record_path(plan).and_then(|path| launcher.doubts(record, &path));
    snapshot.record_doubt = snapshot.record_doubt.take().or(doubt.map(Reason::from));
}
