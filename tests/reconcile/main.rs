//! `futo reconcile`: what it publishes, what it says, and what hostile files on the volume come to.

mod services;
#[path = "../support/mod.rs"]
mod support;
