//! From the volume to the scan directory, idempotently: discover → manifest → compare → apply → report.
//!
//! There are two front ends: [`instances`] for `futo reconcile`, and [`definitions`] for `futo sync`. Each discovers
//! services and turns them into manifests ([`manifest`]). A common engine makes the scan directory match them: [`scan`]
//! and, for each service, [`service_directory`].

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
