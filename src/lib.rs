//! futo-launch: the last command of a run file. It sets the process up and runs the worker.
//!
//! The launcher itself is one page, [`launch`]. ARCHITECTURE.md has the map.

pub mod admin;
pub mod boot;
pub mod cli;
pub mod config;
pub mod drop;
pub mod env_file;
pub mod error;
pub mod escape;
pub mod exit;
pub mod explain;
pub mod invalid;
pub mod launch;
pub mod log;
pub mod machine;
mod nearest;
pub mod observe;
pub mod plan;
pub mod ready;
pub mod record;
pub mod report;
pub mod rest;
pub mod run;
pub mod schedule;
pub mod service;
pub mod shell_quote;
pub mod sys;
pub mod trust;
pub mod wait;
