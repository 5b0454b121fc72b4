//! A run file on disk: read with the ids of those who can write it, no link of a user followed, nothing executed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, fstat};

use crate::cli;
use crate::convert::{self, Context, Conversion, Definer, MAX_BYTES, NotConverted, WorkerScript};
use crate::error::{Findings, reason, reason_of};
use crate::exit::Exit;
use crate::machine::{Host, Machine};
use crate::service::run_script::{self, RunScript};
use crate::service::{launcher, layout};
use crate::sys::file;
use crate::sys::nofollow::belongs_to_root_alone;
use crate::trust::account::{Account, AccountError};
use crate::trust::{Rights, Script, ServiceDirectory, Trust, Untrusted, rights};

/// Files beside a run file that mean something for the result.
const BESIDE: [&str; 12] = [
    layout::FINISH,
    layout::DOWN,
    layout::NOTIFICATION_FD,
    layout::CONFIG_ENV,
    layout::DOWN_SIGNAL,
    layout::LOG_RUN,
    "timeout-kill",
    "timeout-finish",
    "type",
    "data",
    "worker.sh",
    "run-worker.sh",
];

/// Why a run file is not converted, or not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("{0}")]
    Stays(#[from] NotConverted),
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    #[error("{}: {what}", path.display())]
    System { path: PathBuf, what: String },
    #[error("it was converted before: {} exists", .0.display())]
    KeptBefore(PathBuf),
    #[error("it has changed in the meantime")]
    Changed,
    #[error("there is no run.before-futo")]
    NothingToUndo,
}

impl Refused {
    pub(super) fn system(path: &Path, errno: Errno) -> Self {
        Refused::System { path: path.to_path_buf(), what: reason(errno) }
    }

    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        Refused::System { path: path.to_path_buf(), what: reason_of(error) }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Refused::System { .. } => Exit::SYSTEM,
            _ => Exit::EDIT,
        }
    }

    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Refused::Stays(
                NotConverted::Stays { .. } | NotConverted::Interpreter(_) | NotConverted::Syntax { .. },
            ) => Some("docs/convert.md lists what is understood"),
            Refused::KeptBefore(_) => Some("remove it, or restore it: futo convert --undo"),
            Refused::Changed => Some("run futo convert again"),
            _ => None,
        }
    }
}

/// A run file, and the directory that it is in.
pub(super) struct Definition {
    pub(super) path: PathBuf,
    pub(super) script: Script,
    pub(super) directory: OwnedFd,
    /// Of the directory.
    pub(super) owner: FileStat,
}

impl Definition {
    pub(super) fn open(run: &Path) -> Result<Definition, Refused> {
        let above = run.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let trust = Trust::default();
        let directory: ServiceDirectory<'_> = trust.open(above)?;
        let script = directory.script_named(run.file_name().unwrap_or(OsStr::new(layout::RUN)))?;
        let fd = directory.descriptor().map_err(|error| Refused::io(above, &error))?;
        let owner = fstat(&fd).map_err(|errno| Refused::system(above, errno))?;
        Ok(Definition { path: run.to_path_buf(), script, directory: fd, owner })
    }

    /// The conversion, with no more rights than those who can write the run file have.
    pub(super) fn convert(&self, name: &str) -> Result<Conversion, Refused> {
        let made = self.convert_beside(&self.script.bytes, name, self.files())?;
        // a script that a killed conversion left is not in the way
        let earlier = made.script.as_ref().and_then(|_| self.made_from(&self.script.bytes, name));
        let is_there = |script: &WorkerScript| {
            let read = self.as_owner(|| read(&self.directory, &script.name.clone().into()));
            matches!(read, Ok(Ok((_, text))) if text == script.text)
        };
        Ok(earlier.filter(|earlier| earlier.script.as_ref().is_some_and(is_there)).unwrap_or(made))
    }

    /// What this text became when it was converted, with the script that lies beside it by now.
    pub(super) fn made_from(&self, text: &[u8], name: &str) -> Option<Conversion> {
        let files: Vec<String> = self.files();
        let without_script = |last: &[&str]| -> Vec<String> {
            files.iter().filter(|file| !last.contains(&file.as_str())).cloned().collect()
        };
        let made = |files| self.convert_beside(text, name, files).ok();
        // the script has the first name that was free
        match files.iter().any(|file| file == "run-worker.sh") {
            true => made(without_script(&["run-worker.sh"])),
            false => made(without_script(&["worker.sh"])),
        }
    }

    fn convert_beside(&self, text: &[u8], name: &str, files: Vec<String>) -> Result<Conversion, Refused> {
        let definer = match self.script.rights() {
            Rights::Of(_) => Definer::User,
            Rights::All if Machine.is_root() => Definer::Root,
            // as any other user sees it
            Rights::All if belongs_to_root_alone(&self.owner) => Definer::Root,
            Rights::All => Definer::User,
        };
        let context = Context { name: name.to_string(), files, definer, launcher: launcher::word() };
        let conversion = convert::convert(text, &context)?;
        if let (Rights::Of(_), Ok(RunScript::OneLine(words))) =
            (self.script.rights(), run_script::parse(&conversion.run))
        {
            let mut findings = Findings::default();
            let mut request = cli::parse(words, &mut findings);
            rights::refuse_options(&self.path, &mut request.given, &Machine, &mut findings);
            if let Some(finding) = findings.iter().next() {
                return Err(NotConverted::Stays { line: 1, why: finding.text.clone() }.into());
            }
        }
        Ok(conversion)
    }

    /// The files beside it that matter.
    fn files(&self) -> Vec<String> {
        let is_there = |name: &&&str| {
            let flags = nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW;
            self.as_owner(|| nix::sys::stat::fstatat(&self.directory, **name, flags))
                .is_ok_and(|found| found.is_ok())
        };
        BESIDE.iter().filter(is_there).map(|name| (*name).to_string()).collect()
    }

    /// Acts with the ids of the directory's owner: in a user-owned directory root does only what that user may do.
    pub(super) fn as_owner<T>(&self, action: impl FnOnce() -> T) -> Result<T, AccountError> {
        Account::owner(&self.owner).act(action)
    }
}

/// Opens and reads a regular file, no link followed.
pub(super) fn read(directory: &OwnedFd, name: &OsString) -> std::io::Result<(OwnedFd, Vec<u8>)> {
    let open = file::open_regular_at(directory, Path::new(name), OFlag::O_NOFOLLOW)?;
    let text = file::read_at_most(open.try_clone()?, MAX_BYTES)?;
    Ok((open, text))
}
