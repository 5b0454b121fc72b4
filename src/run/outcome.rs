//! How an attempt to run the worker ends, where nothing is wrong.

use std::time::Duration;

use super::gates::Closed;
use crate::exit::Exit;
use crate::ready::environment::Signature;
use crate::record::Resting;

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The launcher exits with this.
    Left(Exit),
    /// This gate is closed.
    GateClosed(Closed),
    /// The loop has come to its end: done, or too many failures.
    Over {
        /// The rest that follows.
        resting: Resting,
        /// That of the files which the variables were read from.
        signature: Signature,
        /// The time after which another run would have followed.
        delay: Duration,
    },
}
