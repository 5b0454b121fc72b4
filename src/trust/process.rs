//! A live launcher: the rights of its command line, and the resulting plan.

use std::ffi::OsString;
use std::path::Path;

use super::account::Account;
use super::authority::Trust;
use super::opener::Opener;
use super::rights::Rights;
use crate::cli;
use crate::config::flags::{Key, LaunchOption};
use crate::config::spec::DirectoryMaker;
use crate::config::value::{GroupRequest, UserRequest};
use crate::config::{self, Spec};
use crate::error::Findings;
use crate::machine::Host;
use crate::machine::ownership::belongs_to_root;
use crate::machine::text_of;
use crate::plan::{self, Draft};
use crate::service::launcher;
use crate::sys::privilege::Privilege;
use crate::sys::{self, file, nofollow};

impl Trust {
    /// The rights of a process's command line; `None` if its ids are not those of a single user, since the command
    /// line of a set-uid or set-gid program was chosen by another user.
    pub(crate) fn rights_of_process(&self, pid: i32) -> Option<Rights> {
        if !self.is_root {
            return Some(Rights::All);
        }
        let ids = sys::proc::ids(pid).ok()?;
        let (uid, gid) = (ids.only_uid()?, ids.only_gid()?);
        if uid == 0 {
            let program = sys::proc::program(pid).ok()?;
            return launcher::is_launcher(program).then_some(Rights::All);
        }
        let abc = self.abc().map(|(abc, _)| abc);
        if let Some(abc) =
            abc.filter(|abc| (abc.identity.uid.as_raw(), abc.identity.gid.as_raw()) == (uid, gid))
        {
            return Some(Rights::Of(abc.clone()));
        }
        let request = UserRequest::Uid(uid, Some(GroupRequest::Gid(gid)));
        Account::find(&request, &mut Findings::default()).map(Rights::Of)
    }
}

/// The plan of a live launcher, made from its own command line.
pub(crate) fn plan_of_process(
    words: Vec<OsString>,
    rights: &Rights,
    directory: &Path,
    host: &dyn Host,
    adjust: impl FnOnce(&mut Spec),
    findings: &mut Findings,
) -> (Draft, Opener) {
    let mut request = cli::parse(words, findings);
    let read = |path: &Path, most| match rights {
        Rights::All => host.read_service_file(path, most),
        Rights::Of(account) => account.attempt(|| {
            let path = directory.join(path);
            let bytes = file::read_at_most(nofollow::open_regular_for(Privilege::Root, &path)?, most)?;
            Ok((text_of(bytes)?, belongs_to_root(&path)?))
        }),
    };
    if matches!(rights, Rights::Of(_)) {
        // root would read the directory that it names
        let is_container = |given: &crate::config::request::Given| {
            given.is(Key::Launch(LaunchOption::ContainerEnv)) && given.value != "none"
        };
        request.given.retain(|given| !is_container(given));
    }
    let mut spec = config::resolve_reading(request, host, &read, findings);
    if matches!(rights, Rights::Of(_)) {
        spec.directory_maker = DirectoryMaker::User;
    }
    adjust(&mut spec);
    let draft = plan::make(spec, host, findings);
    let opener = Opener::of(rights, draft.plan());
    (draft, opener)
}
