//! Defaults for an unset PATH.

/// The PATH of a service under s6-overlay and most container runtimes.
pub const OF_SERVICE: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The PATH of s6-overlay's supervisor: its own directory comes first.
pub const OF_SUPERVISOR: &str = "/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The PATH of a user without administrative tools.
pub const OF_USER: &str = "/usr/local/bin:/usr/bin:/bin";
