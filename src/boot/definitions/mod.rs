//! `futo sync`: service definitions on the volume, published with no more rights than their writers have.
//!
//! Definitions are found on the `volume`. Their `files` are read with the ids of their writers, their scripts become
//! futo-launch commands (`command`), and a run publishes all of them (`sync`).

mod command;
mod delegation;
mod error;
mod file_error;
mod files;
mod judge;
mod lines;
mod small_files;
mod source;
mod sync;
mod time_budget;
mod unpublish;
mod volume;
mod watch;

pub use error::DefinitionsError;
pub use judge::judge;
pub use lines::lines;
pub use source::{DefinitionSource, Definitions, Foreign, MissingSource, user_of_volume, usual_sources};
pub use sync::{sync, sync_while};
pub use unpublish::{Unpublished, unpublish};
pub use watch::watch;
