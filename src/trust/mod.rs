//! Trust: a definition, and those who can write it → the plan that it may have. Every command that makes a plan for
//! a service makes it here, so that none gives a definition more rights than `futo sync` would.
//!
//! Two things bear words of a launcher: a run script, whose writers are judged over its directory, every directory
//! above and every link on the way (a link of an older hook counts as what it leads to); and a live process, whose
//! user could have chosen any words. What a plan names is opened with the ids that come with it ([`Opener`]), never
//! with those that its words ask for.

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
