//! Taking one published service away.

use std::path::Path;
use std::time::Duration;

use super::sync::MAKER;
use crate::boot::choice::Intent;
use crate::boot::manifest::source_line;
use crate::boot::scan::ScanDirectory;
use crate::error::{Finding, Findings};
use crate::exit::Exit;

/// What is left of a service.
#[derive(Debug)]
pub struct Unpublished<T> {
    /// What `put_away` has returned.
    pub put_away: T,
    /// Why the service is not gone.
    pub failures: Findings,
}

/// Ends a service that `futo sync` has published from the directory `source`, and removes it from the scan directory,
/// which is locked meanwhile: `put_away` moves its definition first, so that no other run publishes it again. On an
/// error nothing has been done.
pub fn unpublish<T>(
    scan_dir: &Path,
    source: &Path,
    name: &str,
    patience: Duration,
    put_away: impl FnOnce() -> Result<T, Finding>,
) -> Result<Unpublished<T>, Findings> {
    let sources = [source_line(source)].into();
    let scan = ScanDirectory::open(scan_dir, Intent::Apply, MAKER, sources)?;
    let is_there = scan.names()?.contains(name);
    if is_there && !scan.is_ours(name) {
        return Err(Finding {
            exit: Exit::EDIT,
            text: format!(
                "'{}' was not published from this definition by futo sync",
                scan_dir.join(name).display()
            ),
            hint: Some("remove it the way it was put there, then repeat this".to_string()),
        }
        .into());
    }
    let put_away = put_away()?;
    let mut failures = Findings::default();
    if is_there {
        for (_, pruned) in scan.prune(&[name.to_string()], patience, &mut failures) {
            failures.take(pruned);
        }
    }
    Ok(Unpublished { put_away, failures })
}
