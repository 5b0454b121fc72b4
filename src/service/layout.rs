//! The names of files in a service directory, as s6, runit and daemontools give them, and ours.

/// What the supervisor executes.
pub const RUN: &str = "run";
/// The supervisor's own directory: its presence tells that the directory is supervised.
pub const SUPERVISE: &str = "supervise";
/// Holds the number of the descriptor on which a newline means ready (s6).
pub const NOTIFICATION_FD: &str = "notification-fd";
/// The worker's settings, read as bash would read them.
pub const CONFIG_ENV: &str = "config.env";
/// The directory of a service's logger, itself a service directory.
pub const LOG: &str = "log";
/// Where our container image keeps the definitions; s6-overlay's live scan directory.
pub const PLACES: [&str; 2] = ["/config/s6-services", "/run/service"];
