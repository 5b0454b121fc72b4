//! What `futo reconcile` and `futo sync` do to services that run, and what a member of the group can do.

mod group;
mod interrupted;
mod services;
#[path = "../support/mod.rs"]
mod support;
