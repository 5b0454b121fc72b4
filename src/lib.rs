//! futo-launch: the last command of a run file. It sets the process up and runs the worker.
//!
//! The launcher itself is one page, [`launch`]. ARCHITECTURE.md has the map.

// Denied here and not in Cargo.toml: tests and benchmarks fail by a panic, print, and have clocks of their own.
#![warn(missing_docs)]
#![deny(
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::exit,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

pub mod admin;
pub mod boot;
pub mod cli;
pub mod config;
pub mod convert;
pub mod drop;
pub mod env_file;
pub mod error;
pub mod escape;
pub mod exit;
pub mod explain;
pub mod invalid;
pub mod launch;
mod lifecycle;
pub mod log;
pub mod machine;
mod nearest;
pub mod observe;
pub mod options;
pub mod plan;
pub mod ready;
pub mod record;
pub mod report;
mod rest;
mod run;
pub mod schedule;
pub mod service;
pub mod shell_quote;
pub mod sys;
pub mod trust;
pub mod wait;
