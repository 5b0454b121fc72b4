//! What the tests share: a scratch directory, a supervisor on a scan directory, waiting with a bound.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test binary uses a part of it")]

pub mod accounts;
pub mod boot;
pub mod direct;
pub mod docker;
pub mod documents;
pub mod files;
pub mod launching;
pub mod literals;
pub mod live;
pub mod needs;
pub mod numbered;
pub mod numbered_log;
pub mod overlay;
pub mod probe;
pub mod processes;
pub mod pumps;
pub mod random;
pub mod schema;
pub mod scratch;
pub mod state;
pub mod svscan;
pub mod texts;
pub mod waiting;

pub use accounts::{ABC, AS_ABC, AS_HERMES, HERMES, own_by_abc, own_by_hermes, passwd};
pub use files::{copy_by_process, names_in, path_str, read, rights, set_mode, snapshot, unmount, write};
pub(crate) use needs::{Need, find_program, have, needs, python_dotenv};
pub use probe::Probe;
pub use processes::{
    EndedBy, children, context_switches, descendants, has_capability, is_alive, kill_all,
    kill_with_descendants, output, signal, stderr, stdout,
};
pub use random::Random;
pub use scratch::Scratch;
pub use state::{eventually_rests, log_of, logs, record, record_of, state};
pub use svscan::{Svscan, runsv};
pub use texts::{number_after, occurrences, printed, quoted, said, touching, without_pids, without_times};
pub use waiting::{PATIENCE, eventually, eventually_contains, eventually_dead, eventually_every, throughout};
