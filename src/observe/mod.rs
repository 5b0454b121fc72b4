//! What is known of a service at this moment, and what to make of it: [`Observer`] reads what its supervisor knows, its
//! live process, its run record and its log into a [`Snapshot`]; [`judge`] derives the state from that.

mod files;
#[cfg(test)]
pub(crate) mod fixtures;
mod judge;
mod launcher;
mod log;
mod log_files;
mod log_follow;
mod log_history;
mod observer;
mod planning;
mod reason;
mod snapshot;
mod state;
mod supervisor;

pub use judge::{complaint, judge};
pub use launcher::{Children, Launcher, Process};
pub use log::LogSummary;
pub use log_follow::FollowedLog;
pub use log_history::{last_lines, lines_since};
pub use observer::Observer;
pub use planning::with_supervisor_environment;
pub use reason::Reason;
pub use snapshot::{Owner, PreviousLoop, Snapshot, SupervisorState, parse_time};
pub use state::{ServiceState, Verdict};
