//! `--now`: publishes the new service, and waits until it works.

use std::path::PathBuf;
use std::time::Duration;

use crate::admin::options::Words;
use crate::admin::{boot, persistence, services};
use crate::boot::definitions::{self, DefinitionSource, Definitions, Foreign, MissingSource};
use crate::exit::Exit;
use crate::observe::{Observer, Reason, ServiceState, Snapshot, judge};
use crate::report::{Level, Reporter};
use crate::service::ServiceName;
use crate::service::place::{Locations, Service};
use crate::sys::clock::{self, BootTime};
use crate::sys::privilege::Privilege;

/// How long to wait for the service to work,
const PATIENCE: Duration = Duration::from_secs(10);
/// how long for the first run of a loop to end,
const FIRST_RUN: Duration = Duration::from_secs(2);
/// and how often to check.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) fn publish(words: &Words, places: &Locations, name: &ServiceName, reporter: &Reporter) -> Exit {
    if boot::may_publish(places)
        && let Some(exit) = sync(words, places, name, reporter)
    {
        return exit;
    }
    let observer = Observer::new(&places.scan_dir);
    let start = BootTime::now();
    loop {
        let live: PathBuf = places.scan_dir.join(name.as_str());
        let is_published = crate::sys::file::exists(&live);
        let service =
            Service { name: name.to_string(), definition: None, live: is_published.then_some(live) };
        let snapshot = observer.observe(service);
        let (state, why) = judge(&snapshot, clock::wall_now());
        let waited = BootTime::now().since(start);
        let is_settled = match state {
            ServiceState::Up | ServiceState::Waiting | ServiceState::Done | ServiceState::Gated => {
                !is_first_run_due(&snapshot) || waited > FIRST_RUN
            }
            ServiceState::Running => waited > FIRST_RUN,
            ServiceState::Failing
            | ServiceState::Resting
            | ServiceState::Crashing
            | ServiceState::CannotStart
            | ServiceState::GaveUp
            | ServiceState::Down => true,
            _ => false,
        };
        if is_settled || waited > PATIENCE {
            let exit = report_state(name, state, why, reporter);
            if is_published {
                warn_if_lost(name, places, reporter);
            }
            return exit;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Warns of a service that is gone after a restart of the container.
fn warn_if_lost(name: &ServiceName, places: &Locations, reporter: &Reporter) {
    if !persistence::is_rebuilt(&places.scan_dir)
        || persistence::is_published_at_start(Privilege::current(), &places.scan_dir)
    {
        return;
    }
    let text =
        format!("'{name}' will be gone after a restart of the container: no hook or service runs futo sync");
    let hint = "add a script to /custom-cont-init.d or /etc/cont-init.d that runs: futo sync";
    reporter.say_at_shell(Level::Warning, &text, Some(hint));
}

/// Whether the first run of a loop has not started, or has not ended.
fn is_first_run_due(snapshot: &Snapshot) -> bool {
    snapshot.is_loop() && snapshot.current_record().is_none_or(|record| record.last_end.is_none())
}

/// Publishes as `futo sync` does; an exit code if nothing could be done. What is wrong with other services is not
/// reported.
fn sync(words: &Words, places: &Locations, name: &ServiceName, reporter: &Reporter) -> Option<Exit> {
    let choice = boot::choice(words, "new").ok()?;
    let missing = MissingSource::Ignored;
    let definitions = Definitions {
        sources: places
            .definitions
            .iter()
            .map(|path| DefinitionSource { path: path.clone(), missing })
            .collect(),
        scan_dir: places.scan_dir.clone(),
        foreign: Foreign::Skipped,
    };
    match definitions::sync(&definitions, &choice) {
        Ok(mut report) => {
            report.rows.retain(|row| row.shown == name.as_str());
            report.print(reporter);
            None
        }
        Err(findings) => {
            reporter.findings(Level::Fatal, &findings);
            Some(Exit::FINDINGS)
        }
    }
}

fn report_state(name: &ServiceName, state: ServiceState, why: Option<Reason>, reporter: &Reporter) -> Exit {
    if state == ServiceState::NotPublished {
        let text = format!("'{name}' is written, but not published");
        reporter.say_at_shell(
            Level::Fatal,
            &text,
            Some("run futo sync as root, or as the owner of the scan directory"),
        );
        return Exit::FINDINGS;
    }
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    services::print_line(name.as_str(), &format!("{}{why}", state.word()));
    if state.is_healthy() { Exit::OK } else { Exit::FINDINGS }
}
