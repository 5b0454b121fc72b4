//! From the volume to the scan directory, again and again: discover → manifest → compare → apply → report.
//!
//! Two front ends discover: [`instances`] for `futo reconcile`, [`definitions`] for `futo sync`. Each turns what
//! it finds into manifests ([`manifest`]). One engine makes the scan directory match them: [`scan`] and, for each
//! service, [`service_directory`].

mod choice;
mod conclude;
pub mod definitions;
pub mod delegate;
pub mod directory;
pub mod instances;
mod launcher;
pub mod manifest;
mod part;
pub mod quota;
pub mod report;
pub mod scan;
pub mod service_directory;
pub mod watch;

pub use choice::{Choice, GoOn, Hardening, Intent};
pub use delegate::{DelegateChoice, DelegateTo};
pub use launcher::{LauncherError, launcher};
