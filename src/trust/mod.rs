//! Trust: a definition and its writers → the plan that it may have. Every command that makes a plan for a service
//! makes it here, so that no command grants a definition more rights than `futo sync` would.
//!
//! A launcher's command line has two sources. A run script is judged by its writers and those of its directory, of
//! every parent directory and of every link on the path (a link created by an older hook counts as its target). The
//! command line of a live process may have been chosen by its user. Files named by a plan are opened with the ids of
//! its writers ([`Opener`]), never with ids that the command line requests.

pub mod account;
mod authority;
mod directory;
mod error;
mod new_script;
mod opener;
mod others;
mod process;
pub(crate) mod rights;
mod script;
pub(crate) mod writers;

pub use authority::Trust;
pub(crate) use directory::MAX_SCRIPT;
pub use directory::ServiceDirectory;
pub use error::Untrusted;
pub use opener::Opener;
pub use others::WritableByOthers;
pub(crate) use process::plan_of_process;
pub use rights::Rights;
pub use script::Script;
