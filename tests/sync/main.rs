//! `futo sync`: definitions on the volume become services with no more rights than their writers have.

mod pruning;
mod publishing;
mod rights;
#[path = "../support/mod.rs"]
mod support;
