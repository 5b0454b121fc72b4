//! Request → [`Spec`]: what is asked for, read into types; defaults < file < flags.

pub mod readiness;
pub mod service_file;
pub mod settings;
pub mod spec;
pub mod timing;
pub mod value;

pub use spec::{Spec, resolve};
