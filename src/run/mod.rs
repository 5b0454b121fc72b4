//! Ready → the worker: in place of the launcher, once as PID 1, or in a loop.

mod child;
mod command;
mod exec;
mod foreground;
mod gates;
mod init;
mod lock;
mod loop_lock;
mod readiness;
mod repeat;

pub(crate) use exec::{Stopped, exec};
pub(crate) use foreground::run_in_foreground;
pub(crate) use gates::{Closed, Gates, first_closed_gate};
pub(crate) use init::run_as_init;
pub(crate) use loop_lock::{LoopLock, MayBegin};
pub(crate) use repeat::run_loop;

use std::time::Duration;

use crate::exit::Exit;
use crate::ready::environment::Signature;
use crate::record::Resting;

/// How an attempt at running the worker ended, if nothing was wrong with it.
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

/// `60 s`, `1m 30s`, to the millisecond below two minutes.
fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(120) {
        format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
    } else {
        humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
    }
}
