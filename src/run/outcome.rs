//! How an attempt to run the worker ends, where nothing is wrong.

use std::time::Duration;

use super::gates::Closed;
use crate::exit::Exit;
use crate::ready::environment::Signature;
use crate::record::Resting;

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The launcher leaves.
    Left(Exit),
    /// A gate is closed.
    GateClosed(Closed),
    /// The loop has come to its end: done, or too many failures.
    Over {
        /// Why.
        resting: Resting,
        /// Of the files that the variables were read from.
        signature: Signature,
        /// After which another run would have followed.
        delay: Duration,
    },
}
