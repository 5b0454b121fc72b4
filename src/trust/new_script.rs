//! The plan of a run script about to be written.

use std::ffi::OsString;
use std::path::Path;

use super::authority::Trust;
use super::rights::{self, Rights};
use crate::cli;
use crate::config::{self, Spec};
use crate::error::Findings;
use crate::machine::Machine;
use crate::plan::{self, Draft};
use crate::sys::file;

impl Trust {
    /// The plan of a run script about to be written to `path`, with the rights of those who can write there.
    pub fn plan_of_new(
        &self,
        path: &Path,
        words: Vec<OsString>,
        adjust: impl FnOnce(&mut Spec),
        findings: &mut Findings,
    ) -> Draft {
        let place = path.ancestors().skip(1).find(|place| file::exists(place));
        let rights = place.and_then(|place| {
            let opened = self.open(place).ok()?;
            self.rights(&opened.provenance, place).ok()
        });
        let mut request = cli::parse(words, findings);
        if let Some(Rights::Of(_)) = &rights {
            rights::refuse_options(path, &mut request.given, &Machine, findings);
        }
        let mut spec = config::resolve(request, &Machine, findings);
        if let Some(Rights::Of(account)) = &rights {
            spec.user = Some(account.request());
        }
        adjust(&mut spec);
        plan::make(spec, &Machine, findings)
    }
}
