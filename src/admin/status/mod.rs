//! `futo status`: the state of services, and what is wrong with them.

mod json;
mod overview;
mod prometheus;
mod row;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::unistd::isatty;

use super::CommandError;
use super::options::{Command, Key, Operands, Words, switch};
use super::services;
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::Machine;
use crate::sys;
use overview::Overview;
use table::Colours;

pub(super) const COMMAND: Command = Command {
    name: "status",
    operands: Operands::Services("[NAME|DIR…]"),
    help: "show the state of services, and what is wrong with them",
    more: "A service is crashing if its processes died repeatedly in the last 5 minutes (by s6's death tally, \
           not counting ordered deaths), failing if it is a loop whose last run failed, overdue if it has \
           missed a run, resting if the launcher waits for something to be fixed, and unknown if there is no \
           evidence of what it does. DEATHS/H: deaths in the last hour. LAST RUN, CODE: time since the end of \
           the last run, and its exit code. FAILS: failed runs in a row. LAST RUNS: a mark for each of the last \
           ten, as in futo runs (. succeeded, x failed). At a terminal, prints a table, in \
           colour unless NO_COLOR is set, without the columns that do not fit; in a pipe, prints one line per \
           service, with '-' for an empty field. Services that do not use futo-launch and have no definition \
           are shown only with --all, or by name.",
    options: &[
        switch(Key::Json, "print JSON"),
        switch(Key::Prometheus, "print metrics for node_exporter's textfile collector"),
        switch(Key::Watch, "refresh every second until interrupted"),
        services::ALL,
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: status,
};

fn status(words: Words) -> Result<Exit, CommandError> {
    let stdout = std::io::stdout();
    let watches = words.has(Key::Watch);
    let is_terminal = isatty(stdout.as_fd()).unwrap_or(false);
    loop {
        let form = (words.has(Key::Json), words.has(Key::Prometheus));
        let has_marks = form == (false, false) && is_terminal;
        let overview = Overview::of(&words, if has_marks { row::MARKS_BYTES } else { 0 })?;
        let page = match form {
            (true, _) => json::page(&overview),
            (false, true) => prometheus::page(&overview),
            (false, false) if is_terminal => {
                let width = sys::fd::terminal_width(stdout.as_fd()).unwrap_or(80);
                table::page(&overview, width, colours())
            }
            (false, false) => table::plain(&overview),
        };
        // the whole screen: cursor home, the page, and nothing below it
        let page = if watches && is_terminal { format!("\u{1b}[H\u{1b}[J{page}") } else { page };
        if sys::fd::write_all(stdout.as_fd(), page.as_bytes()).is_err() || !watches {
            return Ok(Exit::OK);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// As <https://no-color.org> has it.
fn colours() -> Colours {
    let turns_colour_off = |(name, value): &(OsString, OsString)| name == "NO_COLOR" && !value.is_empty();
    if Machine.environment().iter().any(turns_colour_off) { Colours::Off } else { Colours::On }
}
