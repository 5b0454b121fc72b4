//! The run record `STATE/NAME.json`: past events and the next run, replaced atomically as the user; and the history of
//! runs beside it.
//!
//! Written without fsync: after a power failure the log beside it is as old.

mod directory;
mod events;
mod file;
mod form;
mod history;
mod past;
mod read;

pub(crate) use events::{Judgement, NextDue};
pub(crate) use file::{RecordFile, write_resting};
pub use form::{EndedRun, FormerLoop, How, LockWait, Resting, RestingKind, RunRecord};
pub(crate) use history::read_history;
pub use history::{PastHow, PastRun};
pub(crate) use past::Past;
pub(crate) use read::{file_names, is_recorded_as_resting, read};
