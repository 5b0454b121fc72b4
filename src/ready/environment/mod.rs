//! The worker's variables and their origin.
//!
//! Later wins: the container's variables < the inherited environment < HOME, USER, LOGNAME < config.env <
//! `--env-file`, `--dotenv` < `--env-dir` < `--secret` (files of secrets) < `--default` (for what is missing or empty) < `--env`, `--unset`.

mod access;
mod build;
pub mod dotenv;
mod error;
mod files;
mod named_files;
mod signature;
mod variables;

pub use build::build;
pub use error::EnvironmentError;
pub use signature::Signature;
pub use variables::{Environment, Source, Variable};
