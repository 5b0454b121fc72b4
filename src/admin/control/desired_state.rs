//! The desired state of a service that `futo reconcile` has published, recorded for the next boot.

use super::verb::Verb;
use crate::boot::instances::desired_state::{DesiredStateFile, Recorded};
use crate::boot::manifest::DesiredState;
use crate::error::{Finding, Problem};
use crate::report::{Level, Reporter};
use crate::service::supervised_directory::SupervisedDirectory;
use crate::service::{control, layout};

/// Records it, where the boot preset asks for that; returns what to report about it.
pub(super) fn note(verb: Verb, live: &SupervisedDirectory, reporter: &Reporter) -> Option<String> {
    let (desired, word) = match verb {
        Verb::Start | Verb::Restart => (DesiredState::Up, "up"),
        Verb::Stop => (DesiredState::Down, "down"),
        Verb::Reload | Verb::RunNow => return None,
    };
    let file = DesiredStateFile::read(&live.read_of_publisher(layout::DESIRED_STATE).ok()??)?;
    // without permission for the order nothing is recorded either
    control::probe(live.supervise().ok()?).ok()?;
    let path = file.path();
    match file.record(desired) {
        Ok(Recorded::NoStateFile) => Some(format!("{word} at the next boot, too: it has no state file")),
        Ok(Recorded::Written) => {
            Some(format!("{word} at the next boot, too: {} in {}", file.key(), path.display()))
        }
        Err(error) => {
            let text = format!("unable to record '{}' in '{}': {error}", file.key(), path.display());
            reporter.finding(Level::Warning, &Finding::trouble(text, error.hint()));
            None
        }
    }
}
