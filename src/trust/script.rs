//! A run script, and the plan that it may have.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::account::AccountError;
use super::opener::Opener;
use super::rights::{self, Rights};
use crate::cli;
use crate::config::spec::DirectoryMaker;
use crate::config::value::GroupsRequest;
use crate::config::{self, Spec};
use crate::error::Findings;
use crate::machine::Host;
use crate::machine::text_of;
use crate::plan::{self, Draft};
use crate::service::run_script::{self, NotLauncherScript, RunScript};

/// A run script, and its rights.
#[derive(Debug)]
pub struct Script {
    /// Its path.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
    pub(super) rights: Rights,
}

impl Script {
    /// The launcher's arguments in it.
    pub fn words(&self) -> Result<Vec<OsString>, NotLauncherScript> {
        Ok(match run_script::parse(&self.bytes)? {
            RunScript::File => ["--file", "./run"].map(OsString::from).to_vec(),
            RunScript::OneLine(words) => words,
        })
    }

    /// The plan that it may have, made from `words`, which were found in it. Options that its writers must not use are
    /// reported and left out.
    pub fn plan(
        &self,
        words: Vec<OsString>,
        host: &dyn Host,
        adjust: impl FnOnce(&mut Spec),
        findings: &mut Findings,
    ) -> (Draft, Opener) {
        let is_file = matches!(run_script::parse(&self.bytes), Ok(RunScript::File));
        let mut spec = match &self.rights {
            Rights::All => {
                let read = |path: &Path, most| match is_file {
                    // the content that was judged
                    true => Ok((text_of(self.bytes.clone())?, true)),
                    false => host.read_service_file(path, most),
                };
                config::resolve_reading(cli::parse(words, findings), host, &read, findings)
            }
            Rights::Of(_) => {
                let mut request = match is_file {
                    true => rights::request_of_file(&self.path, &self.bytes, findings),
                    false => cli::parse(words, findings),
                };
                rights::refuse_what_runs_nothing(&self.path, &mut request, findings);
                rights::refuse_options(&self.path, &mut request.given, host, findings);
                config::resolve(request, host, findings)
            }
        };
        if let (Rights::Of(account), true) = (&self.rights, host.is_root()) {
            spec.user = Some(account.request());
            spec.groups = GroupsRequest::OfUser;
            spec.directory_maker = DirectoryMaker::User;
        }
        adjust(&mut spec);
        let draft = plan::make(spec, host, findings);
        let opener = Opener::of(&self.rights, draft.plan());
        (draft, opener)
    }

    /// The rights of those who can write it.
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Runs an action with the ids of its writers.
    pub fn act<T>(&self, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        match &self.rights {
            Rights::All => Ok(action()),
            Rights::Of(account) => account.act(action),
        }
    }
}
