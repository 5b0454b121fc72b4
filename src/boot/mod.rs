//! From the volume to the scan directory, again and again: discover → desired → diff → apply → report.
//!
//! One engine, two front ends that discover: [`instances`] for `futo reconcile`, [`definitions`] for
//! `futo sync`. Each makes of what it finds the service directories that should be ([`manifest`]);
//! [`scan`] and [`service_directory`] bring the scan directory there.

mod choice;
mod conclude;
pub mod definitions;
pub mod delegate;
pub mod directory;
pub mod instances;
mod launcher;
pub mod manifest;
pub mod quota;
pub mod report;
pub mod scan;
pub mod service_directory;
pub mod watch;

pub use crate::trust::account;
pub use choice::{Choice, GoOn, Hardening, Intent};
pub use delegate::{DelegateChoice, DelegateTo};
pub use launcher::{LauncherError, launcher};
