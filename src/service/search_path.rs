//! What stands in for a PATH that is not set.

/// What s6-overlay, and most container runtimes, give a service.
pub const OF_SERVICE: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where s6-overlay's supervisor looks for a program: its own directory comes first.
pub const OF_SUPERVISOR: &str = "/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What a user without administrative tools gets.
pub const OF_USER: &str = "/usr/local/bin:/usr/bin:/bin";
