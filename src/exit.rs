//! The exit codes, all of them: a contract with users (docs/troubleshooting.md), in execline's terms.

/// The exit status of our programs, for the parent process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exit(u8);

impl Exit {
    /// Success.
    pub const OK: Exit = Exit(0);
    /// `futo sync`, `futo reconcile`: some services failed; each was reported.
    pub const SOME_FAILED: Exit = Exit(1);
    /// `futo sync`, `futo reconcile`: nothing could be done.
    pub const NOTHING_DONE: Exit = Exit(2);
    /// `futo check`: there are findings.
    pub const FINDINGS: Exit = Exit(1);
    /// Someone must edit something: an option, a file, an account.
    pub const EDIT: Exit = Exit(100);
    /// The system refused: no memory, no process, no permission for the launcher itself.
    pub const SYSTEM: Exit = Exit(111);
    /// The worker ran longer than `--timeout`.
    pub const TIMED_OUT: Exit = Exit(124);
    /// The program was found and cannot be executed.
    pub const CANNOT_EXECUTE: Exit = Exit(126);
    /// The program was not found.
    pub const NOT_FOUND: Exit = Exit(127);
    /// The worker had to be killed: the code a shell reports for signal 9.
    pub const KILLED: Exit = Exit(137);

    /// The code a shell reports for a process killed by `signal`: 128 + its number.
    pub fn killed_by(signal: i32) -> Exit {
        Exit(128_u8.saturating_add(u8::try_from(signal).unwrap_or(127)))
    }

    /// The worker's own exit code.
    pub fn of_worker(code: i32) -> Exit {
        Exit(u8::try_from(code & 0xff).unwrap_or(u8::MAX))
    }

    /// The number for the parent process.
    pub fn code(self) -> i32 {
        i32::from(self.0)
    }

    /// Whether this is success.
    pub fn is_ok(self) -> bool {
        self == Exit::OK
    }
}
