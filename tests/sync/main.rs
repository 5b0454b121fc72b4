//! `futo sync`: definitions on the volume become services with no more rights than their writers have.

mod publishing;
#[path = "../support/mod.rs"]
mod support;
