//! Ready → the worker: replacing the launcher, once as PID 1, or in a loop.

mod before;
mod child;
mod command;
mod ending;
mod exec;
mod foreground;
mod gates;
mod init;
mod lock;
mod loop_lock;
mod outcome;
mod port;
mod readiness;
mod repeat;
mod run_end;

pub(crate) use before::{Before, BeforeEnd, BeforeFailure};
pub(crate) use exec::{Stopped, exec};
pub(crate) use foreground::run_in_foreground;
pub(crate) use gates::{Closed, Gates, Recheck, first_closed_gate};
pub(crate) use init::run_as_init;
pub(crate) use loop_lock::{LoopLock, MayStart};
pub(crate) use outcome::Outcome;
pub(crate) use port::Patience;
pub(crate) use repeat::run_loop;
