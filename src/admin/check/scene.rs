//! The context of a check, and the hints that several checks share.

use std::path::Path;

use crate::observe::Observer;
use crate::sys::privilege::Privilege;

/// Who checks, and where the service is published.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) observer: &'a Observer,
    /// The supervisor's directory.
    pub(super) scan_dir: &'a Path,
}

/// Refers to the manual page that has the remedy for each reason why something cannot be read.
pub(super) const UNREADABLE: &str = "the remedies are in futo man futo.1, section What cannot be read";

/// What to do where a permission is missing.
pub(super) fn hint_of_denied(caller: Privilege) -> &'static str {
    match caller {
        Privilege::Root => "root lacks the capability DAC_OVERRIDE here: run this as the owner of the file",
        Privilege::User => "run this as root",
    }
}
