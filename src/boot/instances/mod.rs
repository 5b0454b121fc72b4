//! `futo reconcile`: instances on a volume, each of which becomes a service.
//!
//! A [`System`] describes the instances; [`config`] reads it from a file or a preset. A [`Reconciler`] finds them
//! (`find`), reads each with the ids of its user (`instance`), and publishes it as a service (`publish`, `template`).

mod boot_log;
mod conditions;
pub mod config;
mod container_command;
pub mod desired_state;
mod error;
mod find;
mod instance;
mod json;
mod keys;
mod lines;
mod names;
mod presets;
mod publish;
mod quota;
mod reconciler;
mod seed;
mod state;
mod system;
mod template;
mod watch;
mod yaml;

pub use conditions::Facts;
pub use error::InstancesError;
pub use lines::lines;
pub use reconciler::{Follow, Reconciler};
pub use system::System;
pub use watch::watch;
