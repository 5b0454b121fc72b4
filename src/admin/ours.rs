//! Which services futo is about: an overlay's own (`s6rc-oneshot-runner`, `svc-cron`, …) live in the same scan
//! directory.

use crate::observe::run_script_of;
use crate::service::place::Service;
use crate::service::run_outline;

/// Services of s6-rc and s6-linux-init themselves.
const SYSTEM: [&str; 3] = ["s6rc-", "s6-linux-init-", "s6-rc-"];

/// Whether a service was made for futo: it has a definition, or its run script starts the launcher. One whose
/// run script cannot be read counts, so that nothing of ours is hidden.
pub(super) fn is_ours(service: &Service, is_root: bool) -> bool {
    if service.definition.is_some() {
        return true;
    }
    let Some(live) = &service.live else { return true };
    if SYSTEM.iter().any(|prefix| service.name.starts_with(prefix)) {
        return false;
    }
    match run_script_of(is_root, live) {
        Ok((_, script)) => run_outline::names_launcher(&script),
        Err((_, error)) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}
