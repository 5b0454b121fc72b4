//! Trust: a definition, and those who can write it → the plan that it may have. Every command that makes a plan for
//! a service makes it here, so that none gives a definition more rights than `futo sync` would.
//!
//! Two things bear words of a launcher: a run script, whose writers are judged over its directory, every directory
//! above and every link on the way (a link of an older hook counts as what it leads to); and a live process, whose
//! user could have chosen any words. What a plan names is opened with the ids that come with it ([`Opener`]), never
//! with those that its words ask for.

pub mod account;
mod others;
pub(crate) mod rights;
pub(crate) mod writers;

use std::cell::{OnceCell, RefCell};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

pub use others::Others;
pub use rights::Rights;

use account::{Account, AccountError, Refusal};
use writers::{Judge, Judged, Numbers, Writers};

use crate::config::DEFAULT_USER;
use crate::config::request::Given;
use crate::config::value::{GroupRequest, GroupsRequest, UserRequest};
use crate::config::{self, Spec};
use crate::error::{Findings, Problem, reason_of};
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::Machine;
use crate::machine::ownership::belongs_to_root;
use crate::machine::text_of;
use crate::plan::{self, Change, Draft, Plan};
use crate::service::run_script::{self, NotOurs, RunScript};
use crate::service::{launcher, layout};
use crate::sys::file::{self, kind};
use crate::sys::nofollow::{self, Missing, PathError};
use crate::sys::privilege::Privilege;
use crate::{cli, sys};

/// The largest run script that is read, in bytes.
pub(crate) const MAX_SCRIPT: usize = 64 << 10;

/// Why nothing is made of a definition.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// It cannot be read.
    #[error("unable to read '{}': {}", .0.display(), reason_of(.1))]
    Read(PathBuf, io::Error),
    /// Somebody else than root and abc can write it.
    #[error(transparent)]
    Others(#[from] Others),
    /// There is nobody to run it as.
    #[error("'{}' is not owned by root, and there is no user '{DEFAULT_USER}'", .0.display())]
    NoUser(PathBuf),
}

impl Untrusted {
    /// Whether there is no run script.
    pub fn is_missing(&self) -> bool {
        matches!(self, Untrusted::Read(_, error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether a right to look is missing.
    pub fn is_denied(&self) -> bool {
        matches!(self, Untrusted::Read(_, error) if error.kind() == io::ErrorKind::PermissionDenied)
    }
}

impl Problem for Untrusted {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            Untrusted::Others(others) => others.hint(),
            Untrusted::Read(..) | Untrusted::NoUser(_) => None,
        }
    }
}

/// Who judges, for as long as a command runs.
#[derive(Debug)]
pub struct Trust {
    is_root: bool,
    abc: OnceCell<Option<(Account, Numbers)>>,
    /// The directory that was opened last: services lie side by side.
    above: RefCell<Option<(PathBuf, OwnedFd, Judged)>>,
}

impl Default for Trust {
    fn default() -> Self {
        Trust { is_root: Machine.is_root(), abc: OnceCell::new(), above: RefCell::new(None) }
    }
}

impl Trust {
    /// Who may write definitions beside root, if there is such a user.
    fn abc(&self) -> Option<&(Account, Numbers)> {
        let find = || {
            let request = UserRequest::Name(DEFAULT_USER.to_string(), None);
            let abc = Account::find(&request, &mut Findings::default())?;
            let numbers = Numbers::of(&abc.identity, &Machine);
            Some((abc, numbers))
        };
        self.abc.get_or_init(find).as_ref()
    }

    fn judge(&self) -> Judge {
        match self.is_root {
            true => Judge::Root(self.abc().map(|(_, numbers)| *numbers)),
            false => Judge::User,
        }
    }

    /// Opens a service directory, and notes who can write it. As root no link is followed that is not root's.
    pub fn open(&self, path: &Path) -> Result<ServiceDirectory<'_>, Untrusted> {
        let unread = |source: io::Error| Untrusted::Read(path.join(layout::RUN), source);
        if !self.is_root {
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let fd = open(path, flags, Mode::empty()).map_err(|errno| unread(errno.into()))?;
            let judged = Judged::nothing(Judge::User);
            return Ok(ServiceDirectory { trust: self, path: path.to_path_buf(), fd, judged });
        }
        // every directory above it counts
        let whole = std::path::absolute(path).map_err(unread)?;
        if let Some((fd, judged)) = self.open_beside(&whole) {
            return Ok(ServiceDirectory { trust: self, path: path.to_path_buf(), fd, judged });
        }
        match self.walk(&whole).map_err(|error| unread(io::Error::other(error.to_string())))? {
            Ok((fd, judged)) => Ok(ServiceDirectory { trust: self, path: path.to_path_buf(), fd, judged }),
            Err(PathError::Refused(_, errno)) => Err(unread(errno.into())),
            Err(error) => Err(unread(io::Error::other(error.to_string()))),
        }
    }

    /// Opens a directory, and notes who can write it and those above.
    fn walk(&self, whole: &Path) -> Result<Result<(OwnedFd, Judged), PathError>, AccountError> {
        let seen = RefCell::new(Judged::nothing(self.judge()));
        let opened = self.reach(|| {
            seen.replace(Judged::nothing(self.judge()));
            let see = |path: &Path, status: &_| seen.borrow_mut().see(path, status);
            nofollow::open_directory_seeing(whole, Missing::Refuse, see)
        });
        Ok(opened?.map(|fd| (fd, seen.into_inner())))
    }

    /// The same in one step, from the directory above, which stays open; none for what is no directory.
    fn open_beside(&self, whole: &Path) -> Option<(OwnedFd, Judged)> {
        let (above, name) = (whole.parent()?, whole.file_name()?);
        let mut known = self.above.borrow_mut();
        if known.as_ref().is_none_or(|(path, ..)| path != above) {
            let (fd, judged) = self.walk(above).ok()?.ok()?;
            *known = Some((above.to_path_buf(), fd, judged));
        }
        let (_, directory, judged) = known.as_ref()?;
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = openat(directory, name, flags, Mode::empty()).ok()?;
        let mut judged = judged.clone();
        judged.see(whole, &fstat(&fd).ok()?);
        Some((fd, judged))
    }

    /// Reads as the user of the volume.
    pub(crate) fn read_as_user<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.abc() {
            Some((abc, _)) => act(abc, read),
            None => Err(io::Error::other(AccountError::Nobody.to_string())),
        }
    }

    /// The run script in a service directory.
    pub fn script(&self, directory: &Path) -> Result<Script, Untrusted> {
        self.open(directory)?.script()
    }

    /// The plan of a run script that is about to be written to `path`: by the rules for whoever can write there.
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
            self.rights(&opened.judged, place).ok()
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

    /// With whose rights the words of a process count; none where its ids are not those of one user: a program
    /// with the set-uid or set-gid bit has words that somebody else chose.
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

    /// As root, and as abc where root has no rights on the volume.
    fn reach<T, E: Refusal>(&self, action: impl Fn() -> Result<T, E>) -> Result<Result<T, E>, AccountError> {
        match action() {
            Err(error) if error.is_refusal() => match self.abc() {
                Some((abc, _)) => abc.act(action),
                None => Ok(Err(error)),
            },
            result => Ok(result),
        }
    }

    /// The rights that come with what was seen.
    fn rights(&self, judged: &Judged, place: &Path) -> Result<Rights, Untrusted> {
        match (judged.writers, self.abc()) {
            (Writers::Root, _) => Ok(Rights::All),
            (Writers::Abc, Some((abc, _))) => Ok(Rights::Of(abc.clone())),
            (Writers::Abc, None) => Err(Untrusted::NoUser(place.to_path_buf())),
            (Writers::Others(hand), abc) => {
                let path = judged.others().map_or(place, |(path, _)| path).to_path_buf();
                match abc {
                    Some((_, abc)) => {
                        Err(Others { path, hand, abc: *abc, place: place.to_path_buf() }.into())
                    }
                    None => Err(Untrusted::NoUser(path)),
                }
            }
        }
    }
}

/// An open service directory, and who can write it.
#[derive(Debug)]
pub struct ServiceDirectory<'t> {
    trust: &'t Trust,
    path: PathBuf,
    fd: OwnedFd,
    judged: Judged,
}

impl ServiceDirectory<'_> {
    /// Makes it the working directory: what was opened, whatever has its name by now.
    pub fn enter(&self) -> Result<(), Errno> {
        self.trust.reach(|| nix::unistd::fchdir(&self.fd)).unwrap_or(Err(Errno::EPERM))
    }

    /// Its run script, read with the ids of those who can write it.
    pub fn script(&self) -> Result<Script, Untrusted> {
        let path = self.path.join(layout::RUN);
        let unread = |source: io::Error| Untrusted::Read(path.clone(), source);
        if !self.trust.is_root {
            let file =
                file::open_regular_at(&self.fd, Path::new(layout::RUN), OFlag::empty()).map_err(unread)?;
            let bytes = file::read_at_most(file, MAX_SCRIPT).map_err(unread)?;
            return Ok(Script { path, bytes, rights: Rights::All });
        }
        let seen = RefCell::new(self.judged.clone());
        let walk = || {
            seen.replace(self.judged.clone());
            nofollow::walk_in(&self.fd, Path::new(layout::RUN), |_, status, above| match kind(status) {
                SFlag::S_IFLNK if nofollow::only_root_put_it_there(status, above) => Ok(()),
                SFlag::S_IFLNK => Err(PathError::Link(path.clone())),
                _ => {
                    seen.borrow_mut().see(&path, status);
                    Ok(())
                }
            })
        };
        let walked =
            match self.trust.reach(walk).map_err(|error| unread(io::Error::other(error.to_string())))? {
                Ok(walked) => walked,
                Err(PathError::Refused(_, errno)) => return Err(unread(errno.into())),
                Err(PathError::Link(_)) => return Err(unread(io::Error::other("it is a symbolic link"))),
                Err(error) => return Err(unread(io::Error::other(error.to_string()))),
            };
        let judged = seen.into_inner();
        let rights = self.trust.rights(&judged, &self.path)?;
        let read = || walked.open_regular().and_then(|file| file::read_at_most(file, MAX_SCRIPT));
        let bytes = match &rights {
            Rights::All => read(),
            Rights::Of(account) => act(account, read),
        };
        Ok(Script { bytes: bytes.map_err(unread)?, path, rights })
    }
}

fn act<T>(account: &Account, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    account.act(action).unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
}

/// A run script, and with whose rights it counts.
#[derive(Debug)]
pub struct Script {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub bytes: Vec<u8>,
    rights: Rights,
}

impl Script {
    /// The launcher's words in it.
    pub fn words(&self) -> Result<Vec<OsString>, NotOurs> {
        Ok(match run_script::parse(&self.bytes)? {
            RunScript::File => ["--file", "./run"].map(OsString::from).to_vec(),
            RunScript::OneLine(words) => words,
        })
    }

    /// The plan that it may have: of `words`, which were found in it. What its writers may not ask for is a
    /// finding, and is not in the plan.
    pub fn plan(
        &self,
        words: Vec<OsString>,
        host: &dyn Host,
        adjust: impl FnOnce(&mut Spec),
        findings: &mut Findings,
    ) -> (Draft, Opener) {
        let is_file = words.iter().map(OsString::as_os_str).eq(["--file", "./run"]);
        let mut spec = match &self.rights {
            Rights::All => {
                let read = |path: &Path, most| match is_file {
                    // as it was judged
                    true => Ok((text_of(self.bytes.clone())?, true)),
                    false => host.read_service_file(path, most),
                };
                config::spec::resolve_reading(cli::parse(words, findings), host, &read, findings)
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
        }
        adjust(&mut spec);
        let draft = plan::make(spec, host, findings);
        let opener = Opener::of(&self.rights, draft.plan());
        (draft, opener)
    }

    /// Does something with the ids of those who can write it.
    pub fn act<T>(&self, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        match &self.rights {
            Rights::All => Ok(action()),
            Rights::Of(account) => account.act(action),
        }
    }
}

/// The plan of a launcher that runs, from its own words.
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
        Rights::Of(account) => act(account, || {
            let path = directory.join(path);
            let bytes = file::read_at_most(nofollow::open_regular_for(Privilege::Root, &path)?, most)?;
            Ok((text_of(bytes)?, belongs_to_root(&path)?))
        }),
    };
    if matches!(rights, Rights::Of(_)) {
        // root would read it
        let is_container = |given: &Given| given.flag.long == "container-env" && given.value != "none";
        request.given.retain(|given| !is_container(given));
    }
    let mut spec = config::spec::resolve_reading(request, host, &read, findings);
    adjust(&mut spec);
    let draft = plan::make(spec, host, findings);
    let opener = Opener::of(rights, draft.plan());
    (draft, opener)
}

/// With whose ids that is opened which a plan names; none if there is no such user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opener(Option<Account>);

impl Opener {
    /// Those of the writers; of root's words those of the worker's user.
    fn of(rights: &Rights, plan: &Plan) -> Self {
        match (rights, plan.change) {
            (Rights::Of(account), _) => Opener(Some(account.clone())),
            (Rights::All, Change::Unknown) if Machine.is_root() => Opener(None),
            (Rights::All, _) => Opener(Some(Account::of(plan.identity.clone()))),
        }
    }

    /// Does something with these ids.
    pub fn act<T>(&self, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        match &self.0 {
            Some(account) => account.act(action),
            None => Err(AccountError::Nobody),
        }
    }

    /// The same of what may fail itself.
    pub fn attempt<T>(&self, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.act(action).unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
    }
}
