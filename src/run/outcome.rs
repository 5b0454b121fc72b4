//! The outcomes of an attempt to run the worker, other than errors.

use std::time::Duration;

use super::before::BeforeFailure;
use super::gates::Closed;
use crate::exit::Exit;
use crate::ready::environment::Signature;
use crate::record::Resting;

/// The outcome of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The launcher exits with this.
    Left(Exit),
    /// This gate is closed.
    GateClosed(Closed),
    /// A command of `--before` has failed.
    BeforeFailed(BeforeFailure),
    /// The variables have changed since they were read: another attempt follows.
    Outdated,
    /// The loop has ended: done, or too many failures.
    Over {
        /// The rest that follows.
        resting: Resting,
        /// The signature of the files the variables were read from.
        signature: Signature,
        /// The time until the run that would have followed.
        delay: Duration,
    },
}
