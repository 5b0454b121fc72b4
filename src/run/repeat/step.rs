//! The outcomes of the loop's steps.

use crate::log::Log;
use crate::run::gates::Closed;
use crate::run::run_end::RunEnd;

/// The outcome of waiting for the next run.
pub(super) enum WaitOutcome {
    /// A run is due.
    Due,
    /// The schedule has no further starts.
    NoMore,
    /// A stop came.
    Stopped,
    /// The supervisor is gone.
    Orphaned,
}

/// The outcome of one iteration of the loop.
pub(super) enum Turn {
    /// A run, with its log.
    Ended(RunEnd, Log),
    /// A stop arrived while waiting for the lock, or the supervisor is gone.
    Stopped,
    /// Another process held the lock, and the run was skipped.
    Skipped,
    /// A gate was closed.
    Closed(Closed),
}
