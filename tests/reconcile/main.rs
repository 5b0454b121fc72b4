//! `futo reconcile`: what it publishes, what it says, and what hostile files on the volume come to.

mod boot_log;
mod instances;
mod scan_directory;
mod services;
mod states;
#[path = "../support/mod.rs"]
mod support;
