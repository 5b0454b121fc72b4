//! Resting: the one answer to what a restart every second cannot fix. Under a supervisor the launcher
//! reports the reason once, and sleeps, as the user, until something changes that may be the remedy.

mod marks;
mod sleep;
mod unplanned;
mod watch;

pub(crate) use unplanned::{Rights, until_run_changes};

use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode as FileMode;
use nix::unistd::{Pid, getppid};

use crate::config::value::Gate;
use crate::error::{Finding, Findings};
use crate::exit::Exit;
use crate::machine::Machine;
use crate::plan::{Mode, Place, Plan, Supervision};
use crate::ready::{Ready, program};
use crate::record::Resting;
use crate::record::RestingKind;
use crate::record::says_resting;
use crate::record::write_resting;
use crate::report::{Audience, Level, Reporter};
use crate::run::{Closed, Outcome};
use crate::service::layout;
use crate::service::supervision::Status;
use crate::sys::clock::BootTime;
use crate::wait::Waiter;
use sleep::{Woken, sleep};
use watch::{Changed, Watch};

/// What follows a rest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another attempt in this process: the identity is right, only the user's files are read again.
    Attempt,
    /// Leave; the supervisor starts `run` again.
    Leave(Exit),
}

/// The memory of a launch that rests, maybe several times.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// Looked at when it matters first: under which process, and what that is.
    seen: Option<(Pid, Supervision)>,
    said: Option<Findings>,
    resting: bool,
    /// Set before an attempt, so that nothing corrected during the attempt is missed.
    watch: Option<Watch>,
    first_delay: Option<Duration>,
    /// The closed gate that was said, and after which time it is looked at again.
    gate: Option<(Gate, Duration)>,
}

/// A gate that only its command can tell about is tried again after this time, then after twice as long
/// each time: what is waited for mostly comes up in the first seconds.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// At last so often: one short command each ten seconds costs nothing, and a day later nobody waits longer.
const LAST_LOOK: Duration = Duration::from_secs(10);

impl Rest {
    /// Whether somebody starts `run` again, so that a rest is of use.
    fn is_supervised(&mut self, plan: &Plan) -> bool {
        self.look(plan).1 == Supervision::Supervised
    }

    fn look(&mut self, plan: &Plan) -> &(Pid, Supervision) {
        self.seen.get_or_insert_with(|| (getppid(), supervision(plan)))
    }

    /// This process's parent, if with it goes whoever can stop this process: a supervisor, or the shell of its run
    /// script.
    pub(crate) fn supervisor(&mut self, plan: &Plan) -> Option<Pid> {
        match self.look(plan) {
            (_, Supervision::None) => None,
            (parent, Supervision::Supervised | Supervision::Left(_) | Supervision::UnderShell(_)) => {
                Some(*parent)
            }
        }
    }

    /// How long the first run of the next loop has to wait, if another than usual.
    pub(crate) fn take_first_delay(&mut self) -> Option<Duration> {
        self.first_delay.take()
    }

    /// The user's files are as they should be: the record no longer says that the service rests, which
    /// may be left from a launcher that was killed at rest.
    pub(crate) fn end(&mut self, ready: &Ready<'_>, reporter: &mut Reporter) {
        let rested = std::mem::take(&mut self.resting);
        // the loop takes a missing program as a failed run, exec mode rests on it
        let stays = matches!(ready.plan.mode, Mode::Loop(_));
        let may_say_so = !stays && ready.plan.place == Place::Service;
        let is_said = rested || (may_say_so && says_resting(ready.plan) && self.is_supervised(ready.plan));
        if !is_said {
            return;
        }
        if !stays && program::predict_failure(ready.plan, &ready.environment).is_some() {
            self.resting = rested;
            return;
        }
        self.said = None;
        self.watch = None;
        self.gate = None;
        write_resting(ready.plan, None, reporter);
        if rested {
            reporter.info("no longer resting: starting afresh");
        }
    }

    /// Says why, and sleeps if there is a supervisor that would only start the same again.
    pub(crate) fn after(
        &mut self,
        outcome: Result<Outcome, Findings>,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Next {
        let resting = match outcome {
            Ok(Outcome::Left(exit)) => return Next::Leave(exit),
            Err(findings) => {
                self.gate = None;
                let exit = findings.exit();
                let another = self.said.as_ref() != Some(&findings);
                if another {
                    reporter.findings(Level::Fatal, &findings);
                }
                // what the system refused may be over in a second
                if exit == Exit::SYSTEM || !self.is_supervised(plan) {
                    self.seen.iter().for_each(|(_, found)| say_why_no_rest(found, plan, reporter));
                    return Next::Leave(exit);
                }
                let resting = Resting::now(kind_of(exit), reason_of(&findings), exit);
                if self.resting && another {
                    write_resting(plan, Some(resting.clone()), reporter);
                }
                self.said = Some(findings);
                if self.watch.is_none() {
                    // what was corrected before it was watched is found by another attempt
                    self.watch = Some(Watch::on(plan));
                    return Next::Attempt;
                }
                resting
            }
            Ok(Outcome::GateClosed(closed)) => return self.at_gate(closed, plan, waiter, reporter),
            Ok(Outcome::Over { resting, signature, delay }) => {
                self.gate = None;
                if !self.is_supervised(plan) {
                    let level = if resting.kind == RestingKind::Done { Level::Info } else { Level::Fatal };
                    reporter.say(level, Audience::Everyone, &resting.reason);
                    return Next::Leave(exit_of(&resting));
                }
                self.watch = Some(Watch::on(plan));
                // corrected while the last run still failed
                if resting.kind == RestingKind::MaxFailures && !signature.is_current() {
                    // by the worker itself, maybe: this must not be faster than the loop was
                    self.first_delay = Some(delay);
                    return Next::Attempt;
                }
                resting
            }
        };
        self.sleep(resting, None, plan, waiter, reporter)
    }

    /// Rests at a closed gate. Without a supervisor a switch that is off ends the matter; what is waited for
    /// is waited for there, too.
    fn at_gate(
        &mut self,
        closed: Closed,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Next {
        let Closed { gate, look_again } = closed;
        let reason: String = format!("closed until {gate}").chars().take(LONGEST_REASON).collect();
        if !gate.is_waited_for() && !self.is_supervised(plan) {
            reporter.info(&format!("nothing to do: {reason}"));
            return Next::Leave(Exit::OK);
        }
        if self.watch.is_none() {
            // it may have opened before it was watched
            self.watch = Some(Watch::on(plan));
            return Next::Attempt;
        }
        // before the record says so: whoever reads that may signal at once
        let supervisor = self.supervisor(plan);
        if waiter_in(waiter, supervisor, reporter).is_none() {
            return Next::Leave(Exit::SYSTEM);
        }
        let resting = Resting::now(RestingKind::Gate, reason, Exit::OK);
        let nap = match &self.gate {
            Some((said, nap)) if *said == gate => (*nap * 2).min(LAST_LOOK),
            _ => {
                let until = match &self.watch {
                    _ if look_again => "looking again (or HUP, ALRM)".to_string(),
                    watch => format!(
                        "until that changes (or HUP, ALRM){}",
                        watch.as_ref().map(looking).unwrap_or_default()
                    ),
                };
                reporter.info(&format!("{}; resting, {until}", resting.reason));
                write_resting(plan, Some(resting.clone()), reporter);
                FIRST_LOOK
            }
        };
        self.gate = Some((gate, nap));
        self.said = None;
        self.resting = true;
        let again = look_again.then(|| BootTime::now().after(nap));
        self.sleep(resting, again, plan, waiter, reporter)
    }

    /// Sleeps until something changes, or until it is time to look again.
    fn sleep(
        &mut self,
        resting: Resting,
        again: Option<BootTime>,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Next {
        let exit = exit_of(&resting);
        let supervisor = self.supervisor(plan);
        let watch = self.watch.get_or_insert_with(|| Watch::on(plan));
        // before the record says so: whoever reads that may signal at once
        let Some(waiter) = waiter_in(waiter, supervisor, reporter) else {
            return Next::Leave(Exit::SYSTEM);
        };
        if !std::mem::replace(&mut self.resting, true) {
            let until = until(watch, "run, config.env or the program changes");
            match resting.kind {
                RestingKind::Configuration | RestingKind::Program => reporter.info(&until),
                RestingKind::MaxFailures | RestingKind::Done | RestingKind::Gate => {
                    reporter.info(&format!("{}; {until}", resting.reason));
                }
            }
            write_resting(plan, Some(resting), reporter);
        }
        match sleep(watch, waiter, Changed::UsersFiles, again) {
            Woken::ToLookAgain => Next::Attempt,
            // the record may be that of the launcher that the next supervisor has started
            Woken::Orphaned => Next::Leave(orphaned(reporter)),
            Woken::Refused(errno) => Next::Leave(unable_to_wait(errno, reporter)),
            Woken::Stop => {
                write_resting(plan, None, reporter);
                Next::Leave(Exit::OK)
            }
            Woken::By(Changed::RunFile) => {
                write_resting(plan, None, reporter);
                Next::Leave(exit)
            }
            Woken::By(_) => {
                self.watch = Some(Watch::on(plan));
                Next::Attempt
            }
        }
    }
}

/// The stream of signals, which the supervisor's end is one of.
fn waiter_in<'a>(
    place: &'a mut Option<Waiter>,
    supervisor: Option<Pid>,
    reporter: &Reporter,
) -> Option<&'a mut Waiter> {
    match Waiter::in_place(place) {
        Ok(waiter) => {
            if let Some(supervisor) = supervisor {
                waiter.watch_parent(supervisor);
            }
            Some(waiter)
        }
        Err(error) => {
            reporter.finding(Level::Fatal, &Finding::refused("take signals for a rest", error));
            None
        }
    }
}

fn orphaned(reporter: &Reporter) -> Exit {
    reporter.warn("the supervisor has gone (was it killed?): this launcher ends");
    Exit::OK
}

fn unable_to_wait(errno: Errno, reporter: &Reporter) -> Exit {
    reporter.finding(Level::Fatal, &Finding::refused("wait for the end of a rest", errno.into()));
    Exit::SYSTEM
}

/// In words: what ends the rest, and how it is found.
fn until(watch: &Watch, changes: &str) -> String {
    format!("resting until {changes} (or HUP, ALRM){}", looking(watch))
}

/// In words: that a change may go unreported, if one may.
fn looking(watch: &Watch) -> String {
    watch.unwatched().map_or(String::new(), |why| format!("; looking every minute, because {why}"))
}

/// As the user. What a supervisor executes beside `run` it does not start again.
fn supervision(plan: &Plan) -> Supervision {
    match Supervision::find(plan.place, &plan.directory, &Machine) {
        Supervision::Supervised if is_in_finish() => Supervision::None,
        supervision => supervision,
    }
}

/// A rest that no signal of the supervisor's reaches would never end.
fn say_why_no_rest(supervision: &Supervision, plan: &Plan, reporter: &Reporter) {
    if let Some(quirk) = supervision.quirk(&plan.directory) {
        reporter.info(&format!("not resting: {}", quirk.text));
        quirk.hint.iter().for_each(|hint| reporter.hint(hint));
    }
}

/// Whether the supervisor executes `finish` now: s6 would kill that after a while, and nobody starts it again.
/// Looked at as the user, whose directory it may be.
fn is_in_finish() -> bool {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let supervise = nix::fcntl::open(layout::SUPERVISE, flags, FileMode::empty());
    let status = supervise.ok().and_then(|supervise| Status::read(supervise).ok());
    status.is_some_and(|status| status.is_finishing)
}

fn kind_of(exit: Exit) -> RestingKind {
    match exit {
        Exit::CANNOT_EXECUTE | Exit::NOT_FOUND => RestingKind::Program,
        _ => RestingKind::Configuration,
    }
}

fn exit_of(resting: &Resting) -> Exit {
    Exit::of_worker(resting.exit)
}

/// In characters: the record stays small.
const LONGEST_REASON: usize = 1000;

fn reason_of(findings: &Findings) -> String {
    let all = findings.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; ");
    all.chars().take(LONGEST_REASON).collect()
}
