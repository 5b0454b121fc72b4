//! The names of files in a service directory, as s6, runit and daemontools give them, and ours.

/// The directory from which s6-rc runs all oneshots.
pub const ONESHOT_RUNNER: &str = "s6rc-oneshot-runner";
/// What the supervisor executes.
pub const RUN: &str = "run";
/// The supervisor's own directory: its presence tells that the directory is supervised.
pub const SUPERVISE: &str = "supervise";
/// In it: what the supervisor writes down of the service's state.
pub const STATUS: &str = "status";
/// In it: when and how its processes have died (s6).
pub const DEATH_TALLY: &str = "death_tally";
/// In it: the FIFO through which the supervisor gets orders.
pub const CONTROL: &str = "control";
/// In it: locked for as long as a supervisor lives.
pub const LOCK: &str = "lock";
/// In a scan directory: s6-svscan's own directory.
pub const SCANNER: &str = ".s6-svscan";
/// Where s6 tells those who wait.
pub const EVENT: &str = "event";
/// What the supervisor executes when `run` has ended.
pub const FINISH: &str = "finish";
/// The service is not started by itself (s6).
pub const DOWN: &str = "down";
/// Which signal stops it (s6).
pub const DOWN_SIGNAL: &str = "down-signal";
/// Holds the number of the descriptor on which a newline means ready (s6).
pub const NOTIFICATION_FD: &str = "notification-fd";
/// The worker's settings, read as bash would read them.
pub const CONFIG_ENV: &str = "config.env";
/// The directory of a service's logger, itself a service directory.
pub const LOG: &str = "log";
/// What the supervisor of a service's logger executes.
pub const LOG_RUN: &str = "log/run";
/// The logger is not started by itself (s6).
pub const LOG_DOWN: &str = "log/down";
/// In a service directory that futo has updated: a link to what the names in it lead into.
pub const CURRENT: &str = ".cur";
/// In a service directory that `futo reconcile` has published: where the wish that it be up or down is noted.
pub const WISH: &str = ".wish";
/// The files of a service directory that a supervisor or s6-rc reads, its logger's, and our own.
pub const FILES: [&str; 15] = [
    WISH,
    RUN,
    FINISH,
    "type",
    DOWN,
    NOTIFICATION_FD,
    "timeout-kill",
    "timeout-finish",
    DOWN_SIGNAL,
    "max-death-tally",
    LOG_RUN,
    "log/finish",
    LOG_DOWN,
    "log/notification-fd",
    "log/type",
];
/// Where our container image keeps the definitions.
pub const DEFINITIONS: &str = "/config/s6-services";
/// Where root keeps his own.
pub const ROOTS_DEFINITIONS: &str = "/etc/futo/services";
/// s6-overlay's live scan directory.
pub const SCAN_DIRECTORY: &str = "/run/service";
