//! The names of files in a service directory: those of s6, runit and daemontools, and futo's own.

/// The directory from which s6-rc runs all oneshots.
pub const ONESHOT_RUNNER: &str = "s6rc-oneshot-runner";
/// What the supervisor executes.
pub const RUN: &str = "run";
/// The supervisor's own directory: where it exists, the service is supervised.
pub const SUPERVISE: &str = "supervise";
/// In it: the state of the service, written by the supervisor.
pub const STATUS: &str = "status";
/// In it: when and how the processes of the service died (s6).
pub const DEATH_TALLY: &str = "death_tally";
/// In it: the FIFO from which the supervisor reads commands.
pub const CONTROL: &str = "control";
/// In it: locked while a supervisor runs.
pub const LOCK: &str = "lock";
/// In a scan directory: s6-svscan's own directory.
pub const SCANNER: &str = ".s6-svscan";
/// Where s6 notifies processes that wait for a change (s6-svwait).
pub const EVENT: &str = "event";
/// What the supervisor executes after `run` has exited.
pub const FINISH: &str = "finish";
/// What `futo convert` keeps of a run script.
pub const RUN_BEFORE: &str = "run.before-futo";
/// Where it exists, the service is not started automatically (s6).
pub const DOWN: &str = "down";
/// The signal that stops it (s6).
pub const DOWN_SIGNAL: &str = "down-signal";
/// The number of the descriptor on which a newline means ready (s6).
pub const NOTIFICATION_FD: &str = "notification-fd";
/// The worker's settings, read as bash would read them.
pub const CONFIG_ENV: &str = "config.env";
/// The directory of a service's logger, itself a service directory.
pub const LOG: &str = "log";
/// What the supervisor of a service's logger executes.
pub const LOG_RUN: &str = "log/run";
/// Where it exists, the logger is not started automatically (s6).
pub const LOG_DOWN: &str = "log/down";
/// In a service directory updated by futo: the link through which its other names resolve.
pub const CURRENT: &str = ".cur";
/// In a service directory published by `futo reconcile`: where its desired state is recorded.
pub const DESIRED_STATE: &str = ".wish";
/// The files that make up a service directory: those read by a supervisor or s6-rc, the logger's, and futo's own.
pub const FILES: [&str; 15] = [
    DESIRED_STATE,
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
/// User-writable definitions, on the container's volume.
pub const DEFINITIONS: &str = "/config/s6-services";
/// Root-owned definitions.
pub const ROOT_DEFINITIONS: &str = "/etc/futo/services";
/// The scan directory of s6-overlay.
pub const SCAN_DIRECTORY: &str = "/run/service";
