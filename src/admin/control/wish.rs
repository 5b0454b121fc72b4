//! What is wished of a service that `futo reconcile` has published, noted for the next boot.

use super::effect::Verb;
use crate::boot::instances::desired_state::{DesiredStateFile, Recorded};
use crate::boot::manifest::DesiredState;
use crate::error::{Finding, Problem};
use crate::report::{Level, Reporter};
use crate::service::place::Live;
use crate::service::{control, layout};

/// Notes it, where the boot preset asks for it; gives words for that.
pub(super) fn note(verb: Verb, live: &Live, reporter: &Reporter) -> Option<String> {
    let (wanted, word) = match verb {
        Verb::Start | Verb::Restart => (DesiredState::Up, "up"),
        Verb::Stop => (DesiredState::Down, "down"),
        Verb::Reload | Verb::RunNow => return None,
    };
    let wish = DesiredStateFile::read(&live.read_of_publisher(layout::WISH).ok()??)?;
    // who may not give the order wishes nothing
    control::look(live.supervise().ok()?).ok()?;
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
