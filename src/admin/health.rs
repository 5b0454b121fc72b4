//! `futo health`: for a container's HEALTHCHECK.

use std::fmt::Write as _;

use super::options::{Command, Words, value};
use super::{CommandError, services};
use crate::config::value::Delay;
use crate::exit::Exit;
use crate::observe::state::complaint;
use crate::report::push_escaped;
use crate::service::place::Service;
use crate::sys::clock;

pub(super) const COMMAND: Command = Command {
    name: "health",
    operands: "[NAME|DIR…]",
    help: "leave with 0 if all services work, else with 1 and a line for each that does not",
    more: "Without a name: every service that is published. Down because someone wants it so, done, or waiting for \
           its gate is well; crashing, failing, resting otherwise, given up or without a supervisor is not.",
    options: &[
        value("max-age", "DURATION", "a loop whose last run ended longer ago is not well either"),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: health,
};

fn health(words: Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: COMMAND.name, what, remedy: None };
    let max_age = match words.value("max-age") {
        None => None,
        Some(given) => {
            let delay =
                Delay::parse(&given.to_string_lossy()).map_err(|why| usage(format!("--max-age: {why}")))?;
            Some(delay.duration())
        }
    };
    let now = clock::wall_now();
    let (seen, unseen) = services::look(COMMAND.name, &words)?;
    let is_asked_for = |service: &Service| !words.operands.is_empty() || service.live.is_some();
    let seen: Vec<_> = seen.iter().filter(|seen| is_asked_for(&seen.service)).collect();
    let mut page = String::new();
    for seen in &seen {
        let complaint = complaint(seen, now, max_age).or_else(|| {
            let is_missing = seen.service.live.is_none();
            is_missing.then(|| "not published".to_string())
        });
        if let Some(complaint) = complaint {
            push_escaped(&mut page, &format!("{}: {complaint}", seen.service.name));
            page.push('\n');
        }
    }
    for unseen in &unseen {
        push_escaped(&mut page, unseen);
        page.push('\n');
    }
    if seen.is_empty() && page.is_empty() {
        let scan_dir = services::places(&words).scan_dir;
        push_escaped(&mut page, &format!("no service is published in '{}'", scan_dir.display()));
        page.push('\n');
    }
    let exit = if page.is_empty() { Exit::OK } else { Exit::FINDINGS };
    if page.is_empty() {
        let _ = match seen.len() {
            1 => writeln!(page, "1 service works"),
            count => writeln!(page, "{count} services work"),
        };
    }
    crate::explain::print(&page);
    Ok(exit)
}
