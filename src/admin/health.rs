//! `futo health`: for a container's HEALTHCHECK.

use super::options::{Command, Key, Operands, Words, value};
use super::services::Observed;
use super::{CommandError, services};
use crate::config::value::Delay;
use crate::escape::push_escaped;
use crate::exit::Exit;
use crate::observe::{complaint, judge};
use crate::sys::clock;

pub(super) const COMMAND: Command = Command {
    name: "health",
    operands: Operands::Services("[NAME|DIR…]"),
    help: "exit 0 if all services are healthy, else 1 with one line for each that is not",
    more: "Without a name, checks all futo-launch services and all definitions, published or not; with --all, \
           also the other services of the scan directory. A service that should be up is healthy only on \
           evidence: what cannot be established is unknown, which is not healthy. A service that is down or \
           disabled intentionally, or whose gate is closed, counts as stopped. A loop that has missed a run is \
           overdue, whatever its schedule; this needs no option. No services at all is not healthy.",
    options: &[
        value(Key::MaxAge, "DURATION", "also report a loop whose last run ended longer ago than this"),
        services::ALL,
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: health,
};

fn health(words: Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: COMMAND.name, what, remedy: None };
    let max_age = match words.value(Key::MaxAge) {
        None => None,
        Some(given) => {
            let delay =
                Delay::parse(&given.to_string_lossy()).map_err(|why| usage(format!("--max-age: {why}")))?;
            Some(delay.duration())
        }
    };
    let now = clock::wall_now();
    let Observed { services, others, unseen } = services::observe(COMMAND.name, &words, 0)?;
    let complaints = services.iter().filter_map(|snapshot| {
        complaint(snapshot, now, max_age).map(|complaint| format!("{}: {complaint}", snapshot.service.name))
    });
    let mut lines: Vec<String> = complaints.chain(unseen).collect();
    if services.is_empty() && lines.is_empty() {
        let scan_dir = services::locations(&words).scan_dir;
        let others = if others == 0 { String::new() } else { format!("; {others} others not shown (--all)") };
        lines.push(format!(
            "no services: none is defined, and none is published in '{}'{others}",
            scan_dir.display()
        ));
    }
    let exit = if lines.is_empty() { Exit::OK } else { Exit::FINDINGS };
    if lines.is_empty() {
        lines.push(services::count(services.iter().map(|snapshot| judge(snapshot, now).0)));
    }
    let mut page = String::new();
    for line in lines {
        push_escaped(&mut page, &line);
        page.push('\n');
    }
    crate::report::print(&page);
    Ok(exit)
}
