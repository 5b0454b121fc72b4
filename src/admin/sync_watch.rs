//! `--watch` of `futo sync` and `futo reconcile`: stays, and publishes each change.

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

/// How often is looked where not everything can be watched, or something takes its time.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// As little as keeps all other changes within two seconds.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// What a watcher publishes again and again.
pub(super) trait Published {
    /// Everything that may change it, as it is now.
    fn watch(&self) -> Result<VolumeWatch, Errno>;
    /// Publishes it; what takes long asks in between whether it is to go on. An error is one that leaves
    /// nothing to be done.
    fn publish(&mut self, go_on: GoOn<'_>) -> Result<Report, Findings>;
    /// The lines of these rows.
    fn lines(&self, rows: &[ReportRow]) -> String;
    /// The line that says why nothing is published.
    fn skipped(&self, why: &str) -> String;
}

/// Publishes each change. What was said once is said again only when it is another.
pub(super) struct Watcher<P> {
    published: P,
    reporter: Reporter,
    said: BTreeMap<String, (Findings, Findings)>,
    said_of_all: (Findings, Findings),
}

impl<P: Published> Watcher<P> {
    pub(super) fn new(published: P, reporter: Reporter) -> Self {
        Watcher { published, reporter, said: BTreeMap::new(), said_of_all: Default::default() }
    }

    /// Stays until a signal ends it.
    pub(super) fn watch(mut self) -> Exit {
        let Ok(mut waiter) = Waiter::new() else { return Exit::SYSTEM };
        let mut has_run = false;
        loop {
            // before the run: a change during it is not missed
            let watch = match self.published.watch() {
                Ok(watch) => watch,
                Err(errno) => {
                    let text = format!("unable to watch by inotify: {}", reason(errno));
                    self.reporter.say(Level::Fatal, Audience::Everyone, &text);
                    return Exit::NOTHING_DONE;
                }
            };
            let mut woken = None;
            let mut go_on = || {
                woken = woken_by(waiter.pending()).or(woken.take());
                if woken == Some(Woken::Stop) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let is_unfinished = match self.published.publish(&mut go_on) {
                Ok(report) => {
                    if report.is_nothing_done && report.is_hopeless {
                        self.say(report);
                        return Exit::NOTHING_DONE;
                    }
                    if let (Some(why), false) = (&report.skipped, has_run) {
                        crate::report::print(&self.published.skipped(why));
                    }
                    let is_unfinished = report.rows.iter().any(|row| row.is_unfinished);
                    self.say(report);
                    is_unfinished
                }
                Err(findings) => {
                    self.say_of_all(findings, Findings::default());
                    if !has_run {
                        return Exit::NOTHING_DONE;
                    }
                    true
                }
            };
            has_run = true;
            match woken {
                Some(Woken::Stop) => return Exit::OK,
                Some(Woken::Change) => continue,
                None => {}
            }
            let looks_at =
                (is_unfinished || !watch.is_complete()).then(|| BootTime::now().after(LOOKS_EVERY));
            if wait(&watch, looks_at, &mut waiter) == Woken::Stop {
                return Exit::OK;
            }
        }
    }

    fn say(&mut self, report: Report) {
        let Report { rows, failures, warnings, .. } = report;
        let (mut changed, mut troubled) = (Vec::new(), Vec::new());
        for mut row in rows {
            if row.is_unfinished {
                // it is looked at again until it is done
                row.warnings.add_new(std::mem::take(&mut row.failures));
                row.action = "waiting";
            }
            let trouble = (row.failures.clone(), row.warnings.clone());
            let is_another = self.said.get(&row.shown).is_none_or(|said| *said != trouble);
            self.said.insert(row.shown.clone(), trouble);
            if row.is_news() || is_another {
                changed.push(row);
            } else {
                troubled.push(row.shown);
            }
        }
        crate::report::print(&self.published.lines(&changed));
        Report::say_rows(&changed, &self.reporter);
        let known = |name: &String| {
            changed.iter().map(|row: &ReportRow| &row.shown).chain(&troubled).any(|each| each == name)
        };
        self.said.retain(|name, _| known(name));
        self.say_of_all(failures, warnings);
    }

    fn say_of_all(&mut self, failures: Findings, warnings: Findings) {
        let now = (failures, warnings);
        if now != self.said_of_all {
            self.reporter.findings(Level::Fatal, &now.0);
            self.reporter.findings(Level::Warning, &now.1);
            self.said_of_all = now;
        }
    }
}

/// What ends a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Stop,
    Change,
}

/// What signals ask for; a stop counts over HUP.
fn woken_by(signals: Vec<i32>) -> Option<Woken> {
    let mut woken = None;
    for signal in signals {
        match signal {
            libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => return Some(Woken::Stop),
            libc::SIGHUP => woken = Some(Woken::Change),
            _ => {}
        }
    }
    woken
}

/// Sleeps until a change has settled, a stop, HUP, or the time to look.
fn wait(watch: &VolumeWatch, looks_at: Option<BootTime>, waiter: &mut Waiter) -> Woken {
    let mut settling = Settling::default();
    loop {
        let until = settling.due().or(looks_at);
        let Ok(signals) = waiter.wait(Deadline { boot: until, wall: None }, Some(watch.descriptor())) else {
            return Woken::Stop;
        };
        if let Some(woken) = woken_by(signals) {
            return woken;
        }
        let now = BootTime::now();
        if watch.has_changed() {
            settling.event(now);
        }
        if settling.due().or(looks_at).is_some_and(|at| now >= at) {
            return Woken::Change;
        }
    }
}
