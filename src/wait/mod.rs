//! The only place where the launcher sleeps: on signals, timers, and descriptors added by a rest or a run.

mod signals;
mod waiter;

pub use signals::{Signals, handled, is_stop};
pub use waiter::{Deadline, Waiter};
