//! The rest after a failed command of `--before`.

use super::sleep::waiter_in;
use super::words::shortened;
use super::{Next, Rest};
use crate::exit::Exit;
use crate::plan::Plan;
use crate::record::{Resting, RestingKind, write_resting};
use crate::report::{Audience, Level, Reporter};
use crate::run::BeforeFailure;
use crate::sys::clock::BootTime;
use crate::wait::Waiter;

impl Rest {
    /// Rests until the command is run again. Without a supervisor the launcher exits.
    pub(super) fn after_before(
        &mut self,
        failure: &BeforeFailure,
        plan: &Plan,
        waiter: &mut Option<Waiter>,
        reporter: &mut Reporter,
    ) -> Next {
        (self.gate, self.reported) = (None, None);
        let BeforeFailure { reason, exit, failures, pause } = failure;
        if !self.starter.supervises(plan) {
            reporter.say(Level::Fatal, Audience::Everyone, reason);
            self.starter.report_why_no_rest(plan, reporter);
            return Next::Leave(*exit);
        }
        let again = BootTime::now().after(*pause);
        // before the record is written: a reader may signal immediately
        if waiter_in(waiter, self.starter.supervisor(plan), reporter).is_none() {
            return Next::Leave(Exit::SYSTEM);
        }
        let (audience, times) = match failures {
            1 => (Audience::Everyone, String::new()),
            times => (Audience::LogOnly, format!(" ({times} times in a row)")),
        };
        let text = format!("{reason}{times}; running it again in {} s (or on HUP, ALRM)", pause.as_secs());
        reporter.say(Level::Warning, audience, &text);
        let resting = Resting::now(RestingKind::Configuration, shortened(reason), *exit);
        write_resting(plan, Some(resting.clone()), reporter);
        self.resting = true;
        self.sleep(resting, Some(again), plan, waiter, reporter)
    }
}
