//! A grace period that is longer than a stopping container allows its services.

use std::path::Path;

use nix::fcntl::OFlag;

use super::finding::CheckFinding;
use crate::config::flags::{Key, LoopOption};
use crate::config::value::Delay;
use crate::error::Findings;
use crate::service::s6_overlay;
use crate::{cli, sys};

/// How long s6-overlay waits before it kills what is left when the container stops: the default.
const OVERLAYS_GRACE: Delay = Delay::from_secs(3);
/// The variable that sets it, in milliseconds. S6_SERVICES_GRACETIME is another limit, for /etc/services.d.
const GRACE_VARIABLE: &str = "S6_KILL_GRACETIME";

/// A grace period that the stop of the container cuts short.
pub(super) fn check_grace(words: Vec<std::ffi::OsString>, name: &str) -> Option<CheckFinding> {
    if !s6_overlay::is_present() {
        return None;
    }
    let variable = Path::new(s6_overlay::CONTAINER_ENVIRONMENT).join(GRACE_VARIABLE);
    let set = sys::file::open_regular(&variable, OFlag::O_NOFOLLOW)
        .and_then(|file| sys::file::read_at_most(file, 64));
    let milliseconds = set.map(|bytes| format!("{}ms", String::from_utf8_lossy(&bytes).trim()));
    let theirs =
        milliseconds.ok().and_then(|text| Delay::parse_or_zero(&text).ok()).unwrap_or(OVERLAYS_GRACE);
    let mut findings = Findings::default();
    let request = cli::parse(words, &mut findings);
    let given = request.given.iter().rfind(|given| given.is(Key::Loop(LoopOption::Grace)))?;
    let ours = Delay::parse_or_zero(&given.value.to_string_lossy()).ok()?;
    (ours > theirs).then(|| {
        let text =
            format!("--grace {ours}: when the container stops, s6-overlay kills '{name}' after {theirs}");
        CheckFinding::problem(
            text,
            &format!("set {GRACE_VARIABLE}, in milliseconds, in the container's environment"),
        )
    })
}
