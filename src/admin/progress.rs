//! One line on a terminal that says what a command waits for; rewritten in place, and gone at the end.

use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::unistd::isatty;

use crate::escape::escaped;
use crate::sys;
use crate::sys::clock::BootTime;

/// Between two changes of the line.
const PAUSE: Duration = Duration::from_millis(100);
/// To the start of the line, and nothing in it.
const ERASE: &str = "\r\u{1b}[K";

/// The line. Without a terminal on stderr there is none.
pub(super) struct Progress {
    width: Option<usize>,
    changed: Option<BootTime>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let stderr = std::io::stderr();
        let is_terminal = isatty(stderr.as_fd()).unwrap_or(false);
        let width = is_terminal.then(|| sys::fd::terminal_width(stderr.as_fd()).unwrap_or(80));
        Progress { width, changed: None }
    }

    /// Sets the line, unless it has just been set.
    pub(super) fn step(&mut self, text: &str) {
        if self.changed.is_none_or(|at| BootTime::now().since(at) >= PAUSE) {
            self.set(text);
        }
    }

    /// To be called between two services: shows how many there have been.
    pub(super) fn counting(&mut self, what: &str) -> impl FnMut() -> ControlFlow<()> {
        let mut count = 0_u64;
        move || {
            count += 1;
            self.step(&format!("{what} (service {count})"));
            ControlFlow::Continue(())
        }
    }

    /// Removes it: something else is about to be printed.
    pub(super) fn clear(&mut self) {
        if self.width.is_some() && self.changed.take().is_some() {
            write(ERASE);
        }
    }

    /// Sets the line.
    pub(super) fn set(&mut self, text: &str) {
        let Some(width) = self.width else { return };
        self.changed = Some(BootTime::now());
        // in the last column a terminal may begin a new line
        let text: String = escaped(text).chars().take(width.saturating_sub(1)).collect();
        write(&format!("{ERASE}{text}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn write(text: &str) {
    sys::fd::write_all_or_give_up(std::io::stderr().as_fd(), text.as_bytes());
}
