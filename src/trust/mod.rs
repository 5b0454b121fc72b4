//! Trust: a definition, and those who can write it → the plan that it may have. Every command that makes a plan
//! for a service makes it here, so that none of them grants a definition more rights than `futo sync` would.
//!
//! Words of a launcher come from two places. A run script is judged by its own writers and those of its
//! directory, of every directory above and of every link on the way (a link of an older hook counts as its
//! target). The words of a live process could have been chosen by its user. What a plan names is opened with the
//! ids that come with it ([`Opener`]), never with those that its words ask for.

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
