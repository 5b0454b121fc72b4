//! Request → [`Spec`]: the requested settings, parsed into types; defaults < file < flags.

pub mod error;
pub mod flags;
mod log_options;
pub mod readiness;
pub mod request;
pub mod resolve;
pub mod rights;
pub mod service_file;
pub mod settings;
pub mod spec;
pub mod timing;
mod timing_options;
pub mod value;

pub use resolve::resolve;
pub(crate) use resolve::resolve_reading;
pub use spec::Spec;

/// The user that root becomes by default: that of the linuxserver.io images.
pub const DEFAULT_USER: &str = "abc";
