//! A single run at a shell, for `futo`: without resting or readiness notification.

use super::exec::{Stopped, exec};
use crate::drop::Dropped;
use crate::exit::Exit;
use crate::ready::{self, ReadyError};
use crate::report::{Level, Reporter};
use crate::sys;

/// Runs the worker in place of this process. Returns only if the program could not be executed.
pub(crate) fn run_in_foreground(dropped: &Dropped, reporter: &mut Reporter) -> Exit {
    if let Err(errno) = sys::fd::close_all_but(&[]) {
        reporter.finding(Level::Fatal, &ReadyError::Close(errno).into());
        return Exit::SYSTEM;
    }
    let mut nobody = None;
    match ready::prepare(dropped, &mut nobody, reporter).and_then(|ready| exec(ready, None, reporter)) {
        Ok(Stopped) => Exit::OK,
        Err(findings) => {
            reporter.findings(Level::Fatal, &findings);
            findings.exit()
        }
    }
}
