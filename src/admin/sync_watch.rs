//! `--watch` of `futo sync` and `futo reconcile`: runs until it is stopped, and publishes every change.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use nix::errno::Errno;

use crate::boot::GoOn;
use crate::boot::report::{Report, ReportRow};
use crate::boot::watch::VolumeWatch;
use crate::error::{Findings, reason};
use crate::exit::Exit;
use crate::report::{Audience, Level, Reporter};
use crate::sys::clock::BootTime;
use crate::sys::settle::Settling;
use crate::wait::Deadline;
use crate::wait::Waiter;

/// How often to publish where not everything can be watched, or something is unfinished.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Short enough for all other changes to be published within two seconds.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// What a watcher keeps published.
pub(super) trait Published {
    /// A watch on everything that may change it.
    fn watch(&self) -> Result<VolumeWatch, Errno>;
    /// Publishes it; what takes long asks in between whether to go on. An error means that nothing could be done.
    fn publish(&mut self, go_on: GoOn<'_>) -> Result<Report, Findings>;
    /// The report of these rows.
    fn lines(&self, rows: &[ReportRow]) -> String;
    /// The report that nothing is published, with the reason.
    fn skipped(&self, why: &str) -> String;
}

/// Publishes every change, and reports only what is new.
pub(super) struct Watcher<P> {
    published: P,
    reporter: Reporter,
    reported: BTreeMap<String, (Findings, Findings, Findings)>,
    reported_overall: (Findings, Findings),
}

impl<P: Published> Watcher<P> {
    pub(super) fn new(published: P, reporter: Reporter) -> Self {
        Watcher { published, reporter, reported: BTreeMap::new(), reported_overall: Default::default() }
    }

    /// Runs until a signal ends it.
    pub(super) fn watch(mut self) -> Exit {
        let Ok(mut waiter) = Waiter::new() else { return Exit::SYSTEM };
        let mut has_run = false;
        loop {
            // set before the run, so that no change during the run is missed
            let watch = match self.published.watch() {
                Ok(watch) => watch,
                Err(errno) => {
                    let text = format!("unable to watch with inotify: {}", reason(errno));
                    self.reporter.say(Level::Fatal, Audience::Everyone, &text);
                    return Exit::NOTHING_DONE;
                }
            };
            let mut wake = None;
            let mut go_on = || {
                wake = wake_of(waiter.pending()).or(wake.take());
                if wake == Some(Wake::Stop) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let is_unfinished = match self.published.publish(&mut go_on) {
                Ok(report) => {
                    if report.is_nothing_done && report.is_hopeless {
                        self.report(report);
                        return Exit::NOTHING_DONE;
                    }
                    if let (Some(why), false) = (&report.skipped, has_run) {
                        crate::report::print(&self.published.skipped(why));
                    }
                    let is_unfinished = report.rows.iter().any(|row| row.is_unfinished);
                    self.report(report);
                    is_unfinished
                }
                Err(findings) => {
                    self.report_overall(findings, Findings::default());
                    if !has_run {
                        return Exit::NOTHING_DONE;
                    }
                    true
                }
            };
            has_run = true;
            match wake {
                Some(Wake::Stop) => return Exit::OK,
                Some(Wake::Change) => continue,
                None => {}
            }
            let next_look =
                (is_unfinished || !watch.is_complete()).then(|| BootTime::now().after(POLL_INTERVAL));
            if wait(&watch, next_look, &mut waiter) == Wake::Stop {
                return Exit::OK;
            }
        }
    }

    fn report(&mut self, report: Report) {
        let Report { rows, failures, warnings, .. } = report;
        let (mut changed, mut troubled) = (Vec::new(), Vec::new());
        for mut row in rows {
            if row.is_unfinished {
                // it is tried again until it is done
                row.warnings.add_new(std::mem::take(&mut row.failures));
                row.action = "waiting";
            }
            let trouble = (row.failures.clone(), row.warnings.clone(), row.refusals.clone());
            let is_another = self.reported.get(&row.shown).is_none_or(|reported| *reported != trouble);
            self.reported.insert(row.shown.clone(), trouble);
            if row.is_news() || is_another {
                changed.push(row);
            } else {
                troubled.push(row.shown);
            }
        }
        crate::report::print(&self.published.lines(&changed));
        Report::print_rows(&changed, &self.reporter);
        let known = |name: &String| {
            changed.iter().map(|row: &ReportRow| &row.shown).chain(&troubled).any(|each| each == name)
        };
        self.reported.retain(|name, _| known(name));
        self.report_overall(failures, warnings);
    }

    fn report_overall(&mut self, failures: Findings, warnings: Findings) {
        let now = (failures, warnings);
        if now != self.reported_overall {
            self.reporter.findings(Level::Fatal, &now.0);
            self.reporter.findings(Level::Warning, &now.1);
            self.reported_overall = now;
        }
    }
}

/// What ends a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wake {
    Stop,
    Change,
}

/// What signals ask for; a stop outweighs HUP.
fn wake_of(signals: Vec<i32>) -> Option<Wake> {
    let mut wake = None;
    for signal in signals {
        match signal {
            libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => return Some(Wake::Stop),
            libc::SIGHUP => wake = Some(Wake::Change),
            _ => {}
        }
    }
    wake
}

/// Sleeps until a change has settled, a signal arrives, or it is time to publish again.
fn wait(watch: &VolumeWatch, next_look: Option<BootTime>, waiter: &mut Waiter) -> Wake {
    let mut settling = Settling::default();
    loop {
        let until = settling.due().or(next_look);
        let Ok(signals) = waiter.wait(Deadline { boot: until, wall: None }, Some(watch.descriptor())) else {
            return Wake::Stop;
        };
        if let Some(wake) = wake_of(signals) {
            return wake;
        }
        let now = BootTime::now();
        if watch.has_changed() {
            settling.event(now);
        }
        if settling.due().or(next_look).is_some_and(|at| now >= at) {
            return Wake::Change;
        }
    }
}
