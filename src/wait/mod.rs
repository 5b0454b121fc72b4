//! The one place where the launcher sleeps: signals, timers, and what a rest or a run adds to them.

mod signals;
mod waiter;

pub use signals::{Signals, handled, is_stop};
pub use waiter::{Deadline, Waiter};
