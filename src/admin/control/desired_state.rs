//! The desired state of a service that `futo reconcile` has published, noted for the next boot.

use super::verb::Verb;
use crate::boot::instances::desired_state::{DesiredStateFile, Recorded};
use crate::boot::manifest::DesiredState;
use crate::error::{Finding, Problem};
use crate::report::{Level, Reporter};
use crate::service::supervised_directory::SupervisedDirectory;
use crate::service::{control, layout};

/// Notes it, where the boot preset asks for that; gives what to report about it.
pub(super) fn note(verb: Verb, live: &SupervisedDirectory, reporter: &Reporter) -> Option<String> {
    let (wanted, word) = match verb {
        Verb::Start | Verb::Restart => (DesiredState::Up, "up"),
        Verb::Stop => (DesiredState::Down, "down"),
        Verb::Reload | Verb::RunNow => return None,
    };
    let wish = DesiredStateFile::read(&live.read_of_publisher(layout::DESIRED_STATE).ok()??)?;
    // without permission for the order nothing is recorded either
    control::probe(live.supervise().ok()?).ok()?;
    let path = wish.path();
    match wish.record(wanted) {
        Ok(Recorded::NoStateFile) => Some(format!("{word} at the next boot too: it has no state")),
        Ok(Recorded::Written) => {
            Some(format!("{word} at the next boot too: {} in {}", wish.key(), path.display()))
        }
        Err(error) => {
            let text = format!("unable to note '{}' in '{}': {error}", wish.key(), path.display());
            reporter.finding(Level::Warning, &Finding::trouble(text, error.hint()));
            None
        }
    }
}
