//! `futo runs NAME`: the last runs of a service, or, where the worker runs continuously, how its processes died.

mod json;
mod table;

use std::os::fd::AsFd;
use std::time::SystemTime;

use nix::unistd::isatty;

use super::CommandError;
use super::options::{Command, Key, Operands, Words, switch, value};
use super::services;
use crate::config::value::{Delay, whole};
use crate::exit::Exit;
use crate::invalid::Invalid;
use crate::machine::{Host, Machine};
use crate::observe::{Observer, Snapshot, judge, parse_time};
use crate::record::PastRun;
use crate::report::{Level, Reporter};
use crate::schedule::Zone;
use crate::sys;

const ROWS: u32 = 20;
/// All that a history can have.
const ALL_BYTES: u64 = u64::MAX;

pub(super) const COMMAND: Command = Command {
    name: "runs",
    operands: Operands::Services("NAME|DIR"),
    help: "show the last runs of a service, the newest first",
    more: "Start, duration, exit code and reason of each run, with the last line of its output if it failed; \
           at a terminal also one mark and one bar per run, the oldest on the left. --history of the service \
           sets how many runs are kept. Of a worker without a timing option, shows the deaths that s6 has \
           recorded. Times are in the zone of TZ, else of /etc/localtime; in JSON, in UTC.",
    options: &[
        value(Key::Lines, "N", "number of runs [20]").short('n'),
        switch(Key::Failed, "only runs that failed"),
        value(Key::Since, "DURATION", "only runs that started since this long ago"),
        switch(Key::Json, "print JSON"),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: runs,
};

/// What the page shows of a service.
struct Page<'a> {
    snapshot: &'a Snapshot,
    now: SystemTime,
    /// All that are chosen, the oldest first.
    runs: Vec<PastRun>,
    /// So many rows are shown.
    most: usize,
}

fn runs(words: Words) -> Result<Exit, CommandError> {
    let most = given(&words, Key::Lines, |text| whole(text, 1, 100_000))?.unwrap_or(ROWS);
    let since = given(&words, Key::Since, Delay::parse)?;
    let service = services::one(COMMAND.name, &words)?;
    let observer = Observer::new(&services::locations(&words).scan_dir).with_history(ALL_BYTES);
    let snapshot = observer.observe(service);
    let now = sys::clock::wall_now();
    let oldest = since.and_then(|since| now.checked_sub(since.duration()));
    let is_chosen = |run: &PastRun| {
        let is_recent = oldest.is_none_or(|oldest| parse_time(&run.start).is_some_and(|at| at >= oldest));
        is_recent && (run.is_failure() || !words.has(Key::Failed))
    };
    let all = if snapshot.is_loop() { snapshot.history.clone() } else { snapshot.deaths_as_runs() };
    let page = Page {
        snapshot: &snapshot,
        now,
        runs: all.into_iter().filter(is_chosen).collect(),
        most: usize::try_from(most).unwrap_or(usize::MAX),
    };
    if page.runs.is_empty()
        && let Some(trouble) = snapshot.troubles.first()
    {
        let reporter = Reporter::of_program("futo");
        reporter.say_at_shell(Level::Fatal, &trouble.text, None);
        return Ok(Exit::SYSTEM);
    }
    let stdout = std::io::stdout();
    let text = match (words.has(Key::Json), isatty(stdout.as_fd()).unwrap_or(false)) {
        (true, _) => json::page(&page),
        (false, true) => {
            let width = sys::fd::terminal_width(stdout.as_fd()).unwrap_or(80);
            table::page(&page, &zone()?, width)
        }
        (false, false) => table::plain(&page, &zone()?),
    };
    Ok(crate::report::print(&text))
}

fn zone() -> Result<Zone, CommandError> {
    let variable = Machine.environment().into_iter().find(|(name, _)| name == "TZ").map(|(_, value)| value);
    Ok(Zone::of_environment(variable.as_deref())?)
}

/// The value of an option, if it was given.
fn given<T>(
    words: &Words,
    option: Key,
    read: impl Fn(&str) -> Result<T, Invalid>,
) -> Result<Option<T>, CommandError> {
    let Some(value) = words.value(option) else { return Ok(None) };
    let value = value.to_string_lossy().into_owned();
    let error = |invalid| CommandError::Value {
        command: COMMAND.name,
        what: option.long(),
        value: value.clone(),
        invalid,
    };
    read(&value).map(Some).map_err(error)
}

impl Page<'_> {
    /// The rows, the newest first.
    fn rows(&self) -> impl Iterator<Item = &PastRun> {
        self.runs.iter().rev().take(self.most)
    }

    /// The state of the service, with the reason.
    fn state(&self) -> String {
        let (state, why) = judge(self.snapshot, self.now);
        let why = why.map_or(String::new(), |why| format!(": {}", why.text));
        format!("{}{why}", state.word())
    }
}
