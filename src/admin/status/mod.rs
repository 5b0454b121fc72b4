//! `futo status`: the state of services, and what is wrong with them.

mod html;
mod json;
mod overview;
mod prometheus;
mod row;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::isatty;

use super::CommandError;
use super::options::{Command, Key, Operands, Words, switch, value};
use super::services;
use crate::config::value::Delay;
use crate::error::reason;
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::Machine;
use crate::report::{Level, Reporter};
use crate::sys;
use crate::sys::nofollow::{self, Missing};
use crate::sys::replace::{Flush, ReplaceError, Replacement, replace};
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
        switch(Key::Html, "print a web page, with pictures of the last 24 hours and 7 days"),
        value(Key::Refresh, "DURATION", "let browsers load the page again so often (with --html)"),
        value(Key::Output, "FILE", "replace this file instead of printing; no symbolic link is followed"),
        switch(Key::Watch, "refresh every second until interrupted"),
        services::ALL,
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: status,
};

/// The form of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Prometheus,
    Html {
        refresh: Option<Duration>,
    },
    /// A table of this width.
    Terminal(usize),
    Lines,
}

impl Form {
    fn of(words: &Words) -> Result<Self, CommandError> {
        let forms = [Key::Json, Key::Prometheus, Key::Html].into_iter().filter(|form| words.has(*form));
        let forms: Vec<Key> = forms.collect();
        if let [one, other, ..] = forms.as_slice() {
            return Err(usage(&format!("--{} cannot be combined with --{}", other.long(), one.long())));
        }
        let refresh = words.value(Key::Refresh).map(|text| {
            let text = text.to_string_lossy().into_owned();
            Delay::parse(&text).map_err(|invalid| CommandError::Value {
                command: COMMAND.name,
                what: "refresh",
                value: text.clone(),
                invalid,
            })
        });
        let refresh = refresh.transpose()?.map(|delay| delay.duration());
        match forms.first() {
            Some(Key::Html) => Ok(Form::Html { refresh }),
            _ if refresh.is_some() => Err(usage("--refresh needs --html")),
            Some(Key::Json) => Ok(Form::Json),
            Some(_) => Ok(Form::Prometheus),
            None if words.has(Key::Output) => Ok(Form::Lines),
            None => {
                let stdout = std::io::stdout();
                match isatty(stdout.as_fd()).unwrap_or(false) {
                    true => Ok(Form::Terminal(sys::fd::terminal_width(stdout.as_fd()).unwrap_or(80))),
                    false => Ok(Form::Lines),
                }
            }
        }
    }

    /// How much of the histories of runs the page needs, in bytes.
    fn history(self) -> u64 {
        match self {
            Form::Html { .. } => html::HISTORY_BYTES,
            Form::Terminal(_) => row::MARKS_BYTES,
            Form::Json | Form::Prometheus | Form::Lines => 0,
        }
    }

    fn page(self, overview: &Overview) -> String {
        match self {
            Form::Json => json::page(overview),
            Form::Prometheus => prometheus::page(overview),
            Form::Html { refresh } => html::page(overview, refresh),
            Form::Terminal(width) => table::page(overview, width, colours()),
            Form::Lines => table::plain(overview),
        }
    }
}

fn usage(what: &str) -> CommandError {
    CommandError::Usage { command: COMMAND.name, what: what.to_string(), remedy: None }
}

fn status(words: Words) -> Result<Exit, CommandError> {
    let watches = words.has(Key::Watch);
    if watches && words.has(Key::Output) {
        return Err(usage("--watch cannot be combined with --output"));
    }
    loop {
        // the width may change meanwhile
        let form = Form::of(&words)?;
        let page = form.page(&Overview::of(&words, form.history())?);
        if let Some(path) = words.value(Key::Output) {
            return Ok(write_file(Path::new(path), &page));
        }
        // the whole screen: cursor home, the page, and nothing below it
        let is_terminal = matches!(form, Form::Terminal(_));
        let page = if watches && is_terminal { format!("\u{1b}[H\u{1b}[J{page}") } else { page };
        if sys::fd::write_all(std::io::stdout().as_fd(), page.as_bytes()).is_err() || !watches {
            return Ok(Exit::OK);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Replaces a file by a rename: a web server sees the old page or the new one.
fn write_file(path: &Path, page: &str) -> Exit {
    let fail = |why: String| {
        let text = format!("unable to write '{}': {why}", path.display());
        Reporter::of_program("futo").say_at_shell(Level::Fatal, &text, None);
        Exit::SYSTEM
    };
    let Some(name) = path.file_name() else { return fail("it does not name a file".to_string()) };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = match nofollow::open_directory(parent, Missing::Refuse) {
        Ok(directory) => directory,
        Err(error) => return fail(error.to_string()),
    };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".tmp");
    let new = Replacement {
        temporary: Path::new(&temporary),
        content: page.as_bytes(),
        mode: Mode::from_bits_truncate(0o644),
        flush: Flush::Later,
    };
    match replace(&directory, Path::new(name), new) {
        Ok(()) => Exit::OK,
        Err(ReplaceError::Create(errno) | ReplaceError::Replace(errno)) => fail(reason(errno)),
    }
}

/// As <https://no-color.org> has it.
fn colours() -> Colours {
    let turns_colour_off = |(name, value): &(OsString, OsString)| name == "NO_COLOR" && !value.is_empty();
    if Machine.environment().iter().any(turns_colour_off) { Colours::Off } else { Colours::On }
}
