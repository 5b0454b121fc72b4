//! Settings that are refused when root runs a file that non-root users can write.

use std::path::{Path, PathBuf};

use crate::config::DEFAULT_USER;
use crate::config::settings::{ContainerEnv, Settings};
use crate::config::spec::{DirectoryMaker, SpecFile};
use crate::config::value::UserRequest;
use crate::error::{Finding, Findings, Problem, exit_of_io, reason_of};
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::ownership::is_root_owned;
use crate::service::layout;
use crate::shell_quote::shell_word;
use crate::sys;

/// Refused when root runs a file that non-root users can write.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the parts of the message")]
pub enum TrustError {
    /// It asks for privileges.
    #[error("{}: {what}: not allowed in a file writable by non-root users", path.display())]
    NamesRights { path: PathBuf, what: String },
    /// An option after it asks for privileges.
    #[error("--file '{}': {what}: not allowed after a file writable by non-root users", path.display())]
    RightsAfter { path: PathBuf, what: String },
    /// It, or a file of variables, would be used for a worker that is root.
    #[error("'{}': it is writable by non-root users, and the worker would be root", path.display())]
    ForRoot { path: PathBuf },
}

impl Problem for TrustError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        let path = match self {
            TrustError::NamesRights { path, .. } | TrustError::ForRoot { path } => path,
            // they can also choose the service's name, which a supervisor puts there
            TrustError::RightsAfter { .. } => return Some("write the option before --file".to_string()),
        };
        Some(format!(
            "make the file and every directory above it owned and writable by root only (chown root, chmod go-w): {}",
            shell_word(&path.to_string_lossy())
        ))
    }
}

/// Refuses every setting of a file that would give its writers more rights than they have, and removes it: what
/// follows (a log line about it) must not happen with those rights either.
pub(crate) fn refuse_rights<P: Problem>(
    settings: &mut Settings,
    host: &dyn Host,
    refusal: impl Fn(String) -> P,
    findings: &mut Findings,
) {
    let mut refuse = |what: String| findings.push(refusal(what));
    match &settings.user {
        None => {}
        Some(UserRequest::Name(name, None)) if name == DEFAULT_USER => {}
        Some(_) => {
            refuse(format!("user other than {DEFAULT_USER}"));
            settings.user = None;
        }
    }
    if settings.groups.take().is_some() {
        refuse("groups".to_string());
    }
    settings.limits.ulimits.retain(|(resource, bounds)| {
        let hard = host.limit(*resource).map_or(0, |(_, hard)| hard);
        let lowers = bounds.hard.to_rlim() <= hard;
        if !lowers {
            let name = crate::config::value::resource_name(*resource);
            refuse(format!("ulimit {name} above the current limit"));
        }
        lowers
    });
    if settings.limits.nice.take_if(|nice| *nice < 0).is_some() {
        refuse("nice below 0".to_string());
    }
    if !std::mem::take(&mut settings.keep_fds).is_empty() {
        // an ancestor that runs as root may have leaked a file that the worker could not open
        refuse("keep-fd".to_string());
    }
    if matches!(settings.environment.container, Some(ContainerEnv::Directory(_))) {
        // read by root: it may hold secrets of root
        refuse("container-env other than none".to_string());
        settings.environment.container = None;
    }
    if let Some(requested) = settings.limits.oom_score_adj {
        match host.oom_score_adj() {
            Ok(current) if requested >= current => return,
            Ok(_) => refuse("oom-score-adj below the current value".to_string()),
            Err(error) => findings.push(Finding {
                exit: exit_of_io(&error),
                text: format!("unable to read the current oom-score-adj: {}", reason_of(&error)),
                hint: None,
            }),
        }
        settings.limits.oom_score_adj = None;
    }
}

/// Who makes the directories of `--mkdir`. If non-root users can write the file of `--file`, or the definition that
/// `futo sync` has published with `--service-dir`, they would choose places where they cannot write.
pub(crate) fn directory_maker(file: Option<&SpecFile>, service_dir: Option<&Path>) -> DirectoryMaker {
    let is_roots = |directory: &Path| {
        let run = directory.join(layout::RUN);
        is_root_owned(directory) && (!sys::file::exists(&run) || is_root_owned(&run))
    };
    match file.is_none_or(|file| file.is_root_owned) && service_dir.is_none_or(is_roots) {
        true => DirectoryMaker::RootOrUser,
        false => DirectoryMaker::User,
    }
}
