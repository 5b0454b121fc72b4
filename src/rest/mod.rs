//! Resting: the response to errors that a restart every second cannot fix. Under a supervisor the launcher reports the
//! reason once and sleeps, as the user, until a change that may fix it.

mod before;
mod change;
mod closed_gate;
mod marks;
mod sleep;
mod starter;
mod unplanned;
mod watch;
mod words;

pub(crate) use unplanned::{RunsAs, until_run_changes};

use std::ops::ControlFlow;
use std::time::Duration;

use nix::unistd::Pid;

use crate::config::value::Gate;
use crate::error::Findings;
use crate::exit::Exit;
use crate::plan::{Mode, Place, Plan};
use crate::ready::environment::Signature;
use crate::ready::{Ready, program};
use crate::record::{Resting, RestingKind, is_recorded_as_resting, write_resting};
use crate::report::{Audience, Level, Reporter};
use crate::run::{Closed, Outcome, Patience, Recheck};
use crate::sys::clock::BootTime;
use crate::wait::Waiter;
use change::Changed;
use closed_gate::ClosedGate;
use sleep::{Woken, orphaned, sleep, unable_to_wait, waiter_in};
use starter::Starter;
use watch::RestWatch;
use words::{exit_of, kind_of, polling_note, reason_of, until};

/// What to do after an attempt, and any rest that followed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again in this process: the identity is kept, only the user's files are read again.
    Attempt,
    /// Exit; the supervisor starts `run` again.
    Leave(Exit),
}

/// The state of a launch that may rest several times.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    starter: Starter,
    /// The findings that were reported.
    reported: Option<Findings>,
    /// Whether log and record show that the service rests.
    resting: bool,
    /// Set up before an attempt, so that a fix during the attempt is not missed.
    watch: Option<RestWatch>,
    first_delay: Option<Duration>,
    gate: Option<ClosedGate>,
}

impl Rest {
    /// The process whose end must end this one, if there is one.
    pub(crate) fn supervisor(&mut self, plan: &Plan) -> Option<Pid> {
        self.starter.supervisor(plan)
    }

    /// The delay of the next loop's first run, if it differs from the usual one.
    pub(crate) fn take_first_delay(&mut self) -> Option<Duration> {
        self.first_delay.take()
    }

    /// Ends the rest after a successful attempt. Also clears the record of a launcher that was killed at rest.
    pub(crate) fn end(&mut self, ready: &Ready<'_>, reporter: &mut Reporter) {
        let rested = std::mem::take(&mut self.resting);
        // a missing program is a failed run in a loop, and a rest in exec mode
        let stays = matches!(ready.plan.mode, Mode::Loop(_));
        let may_have_rested = !stays && ready.plan.place == Place::Service;
        let shows_resting = rested
            || (may_have_rested && is_recorded_as_resting(ready.plan) && self.starter.supervises(ready.plan));
        if !shows_resting {
            return;
        }
        if !stays && program::predict_failure(ready.plan, &ready.environment).is_some() {
            self.resting = rested;
            return;
        }
        self.reported = None;
        self.watch = None;
        self.gate = None;
        write_resting(ready.plan, None, reporter);
        if rested {
            reporter.info("no longer resting: starting");
        }
    }

    /// Reports why the attempt ended, and sleeps under a supervisor that would otherwise only restart it.
    pub(crate) fn after(
        &mut self,
        outcome: Result<Outcome, Findings>,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Next {
        let answer = match outcome {
            Ok(Outcome::Left(exit)) => return Next::Leave(exit),
            Ok(Outcome::Outdated) => return Next::Attempt,
            Ok(Outcome::BeforeFailed(failure)) => {
                return self.after_before(&failure, plan, waiter, reporter);
            }
            Ok(Outcome::GateClosed(closed)) => return self.at_gate(closed, plan, waiter, reporter),
            Ok(Outcome::Over { resting, signature, delay }) => {
                self.after_loop(resting, &signature, delay, plan, reporter)
            }
            Err(findings) => self.after_findings(findings, plan, reporter),
        };
        match answer {
            ControlFlow::Continue(resting) => self.sleep(resting, None, plan, waiter, reporter),
            ControlFlow::Break(next) => next,
        }
    }

    /// Handles findings; returns the rest to take, if any.
    fn after_findings(
        &mut self,
        findings: Findings,
        plan: &Plan,
        reporter: &mut Reporter,
    ) -> ControlFlow<Next, Resting> {
        self.gate = None;
        let exit = findings.exit();
        let is_new = self.reported.as_ref() != Some(&findings);
        if is_new {
            reporter.findings(Level::Fatal, &findings);
        }
        // a refusal by the system may be transient
        if exit == Exit::SYSTEM || !self.starter.supervises(plan) {
            self.starter.report_why_no_rest(plan, reporter);
            return ControlFlow::Break(Next::Leave(exit));
        }
        let resting = Resting::now(kind_of(exit), reason_of(&findings), exit);
        if self.resting && is_new {
            write_resting(plan, Some(resting.clone()), reporter);
        }
        self.reported = Some(findings);
        if self.watch.is_none() {
            // a fix made before the watch was set up is found by another attempt
            self.watch = Some(RestWatch::on(plan));
            return ControlFlow::Break(Next::Attempt);
        }
        ControlFlow::Continue(resting)
    }

    /// Handles the end of the loop; returns the rest to take, if any. `signature` is that of the files it last read,
    /// `delay` the time until the run that would have followed.
    fn after_loop(
        &mut self,
        resting: Resting,
        signature: &Signature,
        delay: Duration,
        plan: &Plan,
        reporter: &Reporter,
    ) -> ControlFlow<Next, Resting> {
        self.gate = None;
        if !self.starter.supervises(plan) {
            let level = if resting.kind == RestingKind::Done { Level::Info } else { Level::Fatal };
            reporter.say(level, Audience::Everyone, &resting.reason);
            return ControlFlow::Break(Next::Leave(exit_of(&resting)));
        }
        self.watch = Some(RestWatch::on(plan));
        // fixed during the last failing run
        if resting.kind == RestingKind::MaxFailures && !signature.is_current() {
            // possibly by the worker itself: restarting must not be faster than the loop
            self.first_delay = Some(delay);
            return ControlFlow::Break(Next::Attempt);
        }
        ControlFlow::Continue(resting)
    }

    /// Rests at a closed gate. Without a supervisor, a switch that is off ends the launch, while other gates are still
    /// waited for.
    fn at_gate(
        &mut self,
        closed: Closed,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Next {
        if !closed.gate.is_waited_for() && !self.starter.supervises(plan) {
            let reason = closed_gate::in_words(&closed.gate, None);
            reporter.info(&format!("nothing to do: {reason}"));
            return Next::Leave(Exit::OK);
        }
        let Some(watch) = &self.watch else {
            // it may have opened before the watch was set up
            self.watch = Some(RestWatch::on(plan));
            return Next::Attempt;
        };
        // before the record is written: a reader may signal immediately
        if waiter_in(waiter, self.starter.supervisor(plan), reporter).is_none() {
            return Next::Leave(Exit::SYSTEM);
        }
        let needs_polling = closed.recheck != Recheck::OnChange;
        let gate = match self.gate.take().filter(|known| known.is(&closed.gate)) {
            Some(known) => known.again(&closed, plan, reporter),
            None => {
                let until = match needs_polling {
                    true => ", rechecking regularly (or on HUP, ALRM)".to_string(),
                    false => format!(" until that changes (or HUP, ALRM){}", polling_note(watch)),
                };
                ClosedGate::report(closed, &until, plan, reporter)
            }
        };
        let resting = gate.resting.clone();
        let again = needs_polling.then(|| gate.recheck_at());
        self.gate = Some(gate);
        self.reported = None;
        self.resting = true;
        self.sleep(resting, again, plan, waiter, reporter)
    }

    /// How long to try a port: it is reported as closed after one attempt.
    pub(crate) fn patience(&self, gate: &Gate) -> Patience {
        match &self.gate {
            Some(known) if known.is(gate) => Patience::Round,
            _ => Patience::Once,
        }
    }

    /// Sleeps until something changes, or a recheck is due.
    fn sleep(
        &mut self,
        resting: Resting,
        again: Option<BootTime>,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Next {
        let exit = exit_of(&resting);
        let supervisor = self.starter.supervisor(plan);
        let watch = self.watch.get_or_insert_with(|| RestWatch::on(plan));
        // before the record is written: a reader may signal immediately
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
            Woken::RecheckDue => Next::Attempt,
            // the record may belong to the launcher started by the next supervisor
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
                self.watch = Some(RestWatch::on(plan));
                Next::Attempt
            }
        }
    }
}
