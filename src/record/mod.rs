//! The run record `STATE/NAME.json`: what happened and what is due, replaced atomically as the user.
//!
//! Written without fsync: a record lost with the power is younger than the log beside it.

mod directory;
mod events;
mod file;
mod form;
mod past;
mod read;

pub(crate) use events::{Judgement, NextDue};
pub(crate) use file::{RecordFile, write_resting};
pub use form::{EndedRun, FormerLoop, How, LockWait, Resting, RestingKind, RunRecord};
pub(crate) use past::Past;
pub(crate) use read::{read, says_resting};
