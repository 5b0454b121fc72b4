//! The loop: what signals do in sleep and in a run, what a worker finds and leaves, what is recorded.

#[path = "../support/mod.rs"]
mod support;

mod failures;
mod record;
mod runit;
mod signals;
mod stopping;
mod timing;
mod worker;
