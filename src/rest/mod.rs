//! Resting: the one answer to what a restart each second cannot mend. Under a supervisor the launcher
//! says once why, and sleeps, as the user, until something that can mend it changes.

mod watch;

use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;

use crate::config::value::Gate;
use crate::drop;
use crate::error::Findings;
use crate::exit::Exit;
use crate::log::{Log, Rotation};
use crate::plan::{Host, Machine, Mode, Place, Plan, Supervision};
use crate::ready::{Ready, program};
use crate::report::{Audience, Level, Reporter};
use crate::run::{Closed, Deadline, Ended, Resting, RestingKind, Waiter, says_resting, write_resting};
use crate::service::layout;
use crate::sys::clock::BootTime;
use crate::sys::file;
use watch::{Changed, Watch};

/// What follows a rest.
#[derive(Debug, PartialEq, Eq)]
pub enum Then {
    /// Try again in this process: the identity is right, only the user's files are read again.
    StartAfresh,
    /// Leave; the supervisor starts `run` again.
    Leave(Exit),
}

/// The memory of a launch that rests, maybe several times.
#[derive(Debug, Default)]
pub struct Rest {
    /// Looked at when it matters first.
    supervision: Option<Supervision>,
    said: Option<Findings>,
    resting: bool,
    /// Set before an attempt, so that nothing mended during the attempt is missed.
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
        *self.supervision.get_or_insert_with(|| supervision(plan)) == Supervision::Supervised
    }

    /// How long the first run of the next loop has to wait, if another than usual.
    pub fn take_first_delay(&mut self) -> Option<Duration> {
        self.first_delay.take()
    }

    /// The user's files are as they should be: the record no longer says that the service rests, which
    /// may be left from a launcher that was killed at rest.
    pub fn is_over(&mut self, ready: &Ready<'_>, reporter: &mut Reporter) {
        let rested = std::mem::take(&mut self.resting);
        // the loop takes a missing program as a failed run, exec mode rests on it
        let stays = matches!(ready.plan.mode, Mode::Loop(_));
        let may_say_so = !stays && ready.plan.place == Place::Service;
        let is_said = rested || (may_say_so && says_resting(ready.plan) && self.is_supervised(ready.plan));
        if !is_said {
            return;
        }
        if !stays && program::foretell(ready.plan, &ready.environment).is_some() {
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
    pub fn after(
        &mut self,
        ended: Ended,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Then {
        let resting = match ended {
            Ended::Left(exit) => return Then::Leave(exit),
            Ended::Broken(findings) => {
                self.gate = None;
                let exit = findings.exit();
                let another = self.said.as_ref() != Some(&findings);
                if another {
                    reporter.findings(Level::Fatal, &findings);
                }
                // what the system refused may be over in a second
                if exit == Exit::SYSTEM || !self.is_supervised(plan) {
                    self.supervision.iter().for_each(|found| say_why_no_rest(found, plan, reporter));
                    return Then::Leave(exit);
                }
                let resting = Resting::now(kind_of(exit), reason_of(&findings), exit);
                if self.resting && another {
                    write_resting(plan, Some(resting.clone()), reporter);
                }
                self.said = Some(findings);
                if self.watch.is_none() {
                    self.watch = Watch::on(plan);
                    if self.watch.is_some() {
                        return Then::StartAfresh;
                    }
                }
                resting
            }
            Ended::Gate(closed) => return self.at_gate(closed, plan, waiter, reporter),
            Ended::Over { resting, signature, delay } => {
                self.gate = None;
                if !self.is_supervised(plan) {
                    let level = if resting.kind == RestingKind::Done { Level::Info } else { Level::Fatal };
                    reporter.say(level, Audience::Everyone, &resting.reason);
                    return Then::Leave(exit_of(&resting));
                }
                self.watch = Watch::on(plan);
                // mended while the last run still failed
                if resting.kind == RestingKind::MaxFailures && !signature.is_current() {
                    // by the worker itself, maybe: this must not be faster than the loop was
                    self.first_delay = Some(delay);
                    return Then::StartAfresh;
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
    ) -> Then {
        let Closed { gate, look_again } = closed;
        let reason: String = format!("closed until {gate}").chars().take(LONGEST_REASON).collect();
        if !gate.is_waited_for() && !self.is_supervised(plan) {
            reporter.info(&format!("nothing to do: {reason}"));
            return Then::Leave(Exit::OK);
        }
        if self.watch.is_none() {
            self.watch = Watch::on(plan);
            if self.watch.is_some() {
                // it may have opened before it was watched
                return Then::StartAfresh;
            }
        }
        // before the record says so: whoever reads that may signal at once
        if Waiter::in_place(waiter).is_err() {
            return Then::Leave(Exit::SYSTEM);
        }
        let resting = Resting::now(RestingKind::Gate, reason, Exit::OK);
        let nap = match &self.gate {
            Some((said, nap)) if *said == gate => (*nap * 2).min(LAST_LOOK),
            _ => {
                let until = if look_again { "looking again" } else { "until that changes" };
                reporter.info(&format!("{}; resting, {until} (or HUP, ALRM)", resting.reason));
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
    ) -> Then {
        let exit = exit_of(&resting);
        // before the record says so: whoever reads that may signal at once
        let Ok(waiter) = Waiter::in_place(waiter) else { return Then::Leave(Exit::SYSTEM) };
        if !std::mem::replace(&mut self.resting, true) {
            let until = match self.watch {
                Some(_) => "resting until run, config.env or the program changes (or HUP, ALRM)",
                None => "resting until HUP or ALRM: there is no inotify watch to be had",
            };
            match resting.kind {
                RestingKind::Configuration | RestingKind::Program => reporter.info(until),
                RestingKind::MaxFailures | RestingKind::Done | RestingKind::Gate => {
                    reporter.info(&format!("{}; {until}", resting.reason));
                }
            }
            write_resting(plan, Some(resting), reporter);
        }
        match wait(self.watch.as_ref(), waiter, Changed::UsersFiles, again) {
            Woken::ToLookAgain => Then::StartAfresh,
            Woken::Stop => {
                write_resting(plan, None, reporter);
                Then::Leave(Exit::OK)
            }
            Woken::By(Changed::RunFile) => {
                write_resting(plan, None, reporter);
                Then::Leave(exit)
            }
            Woken::By(_) => {
                self.watch = Watch::on(plan);
                Then::StartAfresh
            }
        }
    }
}

/// What ends a rest.
enum Woken {
    Stop,
    ToLookAgain,
    By(Changed),
}

/// Editors replace a file in steps: away with the old one, make the new one, write it. A change counts
/// when nothing more has happened for this long,
const SETTLES: Duration = Duration::from_millis(100);
/// or after this time at the latest.
const SETTLES_AT_LAST: Duration = Duration::from_millis(500);

/// Sleeps until a stop, a wish to try again, or a change of at least this weight.
fn wait(watch: Option<&Watch>, waiter: &mut Waiter, least: Changed, again: Option<BootTime>) -> Woken {
    let mut most = Changed::Nothing;
    let mut settled_at: Option<BootTime> = None;
    let mut latest: Option<BootTime> = None;
    loop {
        let deadline = Deadline { boot: settled_at.into_iter().chain(again).min(), wall: None };
        let Ok(signals) = waiter.wait(deadline, watch.map(|watch| watch.descriptor())) else {
            return Woken::Stop;
        };
        crate::run::reap_orphans();
        for signal in signals {
            match signal {
                Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT => return Woken::Stop,
                Signal::SIGHUP | Signal::SIGALRM => return Woken::By(most.max(Changed::UsersFiles)),
                _ => {}
            }
        }
        let now = BootTime::now();
        let changed = watch.map_or(Changed::Nothing, Watch::changed);
        if changed >= least {
            most = most.max(changed);
            let latest = *latest.get_or_insert(now.after(SETTLES_AT_LAST));
            settled_at = Some(latest.min(now.after(SETTLES)));
        }
        if settled_at.is_some_and(|at| now >= at) {
            return Woken::By(most);
        }
        if again.is_some_and(|at| now >= at) {
            return Woken::ToLookAgain;
        }
    }
}

/// Whose rights the process has when it comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// The caller's.
    Undropped,
    /// The user's: the drop has been made, and cannot be made again.
    Dropped,
}

/// A launch that cannot even be planned: its options, its user, its descriptors. Only an edit of `run`,
/// of an account or of `notification-fd` fixes that, and only the supervisor can start `run` again.
pub fn until_run_changes(plan: &Plan, rights: Rights, findings: &Findings, reporter: &mut Reporter) -> Exit {
    let exit = findings.exit();
    let supervision = Supervision::find(plan.place, &plan.directory, &Machine);
    if exit == Exit::SYSTEM || supervision != Supervision::Supervised {
        reporter.findings(Level::Fatal, findings);
        say_why_no_rest(&supervision, plan, reporter);
        return exit;
    }
    // log, record and sleep are the user's business; without a user nothing but stderr: a plan with
    // findings may name places that root must not write to
    let as_user = match rights {
        Rights::Dropped => true,
        Rights::Undropped => drop::become_identity(plan).is_ok() && !Machine.is_root(),
    };
    if as_user && is_in_finish() {
        reporter.findings(Level::Fatal, findings);
        return exit;
    }
    // before anything says so: whoever reads that may edit or signal at once
    let watch = Watch::on_run_files(plan);
    let Ok(mut waiter) = Waiter::new() else { return Exit::SYSTEM };
    if as_user {
        Log::open(plan, Rotation::Never, reporter);
    }
    reporter.findings(Level::Fatal, findings);
    reporter.info("resting until run or /etc/passwd changes (or HUP, ALRM)");
    if as_user {
        let resting = Resting::now(RestingKind::Configuration, reason_of(findings), exit);
        write_resting(plan, Some(resting), reporter);
    }
    let woken = wait(watch.as_ref(), &mut waiter, Changed::RunFile, None);
    if as_user {
        write_resting(plan, None, reporter);
    }
    match woken {
        Woken::Stop => Exit::OK,
        Woken::By(_) | Woken::ToLookAgain => exit,
    }
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

/// Whether s6 says, in the last byte of its status, that it executes `finish` now: it would kill that after
/// a while, and does not start it again. Looked at as the user, whose directory it may be.
fn is_in_finish() -> bool {
    let path = Path::new(layout::SUPERVISE).join("status");
    let read = file::open_regular(&path, OFlag::O_NOFOLLOW).and_then(|open| file::read_at_most(open, 64));
    read.is_ok_and(|status| status.last().is_some_and(|flags| flags & 2 != 0))
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
