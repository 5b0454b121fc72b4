//! `futo enable`, `futo disable`: the file `down` in a definition.

use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::options::{Command, Operands, Words};
use super::{CommandError, persistence, services};
use crate::error::reason;
use crate::exit::Exit;
use crate::machine::Host;
use crate::machine::Machine;
use crate::observe::Observer;
use crate::report::{Level, Reporter};
use crate::service::layout;
use crate::service::place::Service;
use crate::shell_quote::operand;
use crate::sys::nofollow::{self, Missing};
use crate::sys::privilege::Privilege;
use crate::trust::account::Account;

pub(super) const DISABLE: Command = Command {
    name: "disable",
    operands: Operands::Services("NAME|DIR…"),
    help: "keep a service from starting at boot (write the file 'down' into its definition)",
    more: "A running process stays up; futo stop ends it. The file is written with the permissions of the \
           definition's owner. A service without a definition that is recreated whenever the container starts \
           (for instance, custom-svc-NAME from /custom-services.d) is refused, and the message names the file \
           that defines it.",
    options: &[services::SCAN_DIR, services::FROM],
    launch_options: false,
    run: |words| set(AtBoot::Down, &words),
};

pub(super) const ENABLE: Command = Command {
    name: "enable",
    operands: Operands::Services("NAME|DIR…"),
    help: "start a service at boot again (remove the file 'down' from its definition)",
    more: "To start it now: futo start. The file is removed with the permissions of the definition's owner.",
    options: &[services::SCAN_DIR, services::FROM],
    launch_options: false,
    run: |words| set(AtBoot::Up, &words),
};

/// At the next boot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtBoot {
    Up,
    Down,
}

fn set(at_boot: AtBoot, words: &Words) -> Result<Exit, CommandError> {
    let (command, done) = match at_boot {
        AtBoot::Up => (ENABLE.name, "enabled"),
        AtBoot::Down => (DISABLE.name, "disabled"),
    };
    let services = services::named(command, words)?;
    let places = services::locations(words);
    let observer = Observer::new(&places.scan_dir);
    let reporter = Reporter::of_program("futo");
    let mut worst = Exit::OK;
    for service in services {
        let name = service.name.clone();
        let operand = operand(&name);
        let Some(directory) = service.definition.as_ref().or(service.live.as_ref()) else { continue };
        if let Some((why, hint)) = why_lost(&service, &places.scan_dir, observer.caller()) {
            let text = format!("unable to {command} '{name}': {why}");
            reporter.say_at_shell(Level::Fatal, &text, Some(&hint));
            worst = worst.max(Exit::EDIT);
            continue;
        }
        let is_changed = match change(directory, at_boot) {
            Ok(is_changed) => is_changed,
            Err(why) => {
                let path = directory.join(layout::DOWN);
                let text = format!("unable to {command} '{name}': '{}': {why}", path.display());
                reporter.say_at_shell(Level::Fatal, &text, None);
                worst = worst.max(Exit::SYSTEM);
                continue;
            }
        };
        let already = if is_changed { "" } else { "already " };
        let is_published = service.live.is_some();
        let is_up = observer.observe(service).status().is_some_and(|status| status.pid.is_some());
        let now = match (at_boot, is_up) {
            (AtBoot::Down, true) => format!("; it is still up: futo stop {operand}"),
            (AtBoot::Up, false) if is_published => format!("; it is not up: futo start {operand}"),
            (AtBoot::Up, false) => "; it is not published".to_string(),
            _ => String::new(),
        };
        services::print_line(&name, &format!("{already}{done}{now}"));
    }
    Ok(worst)
}

/// Why a change would be lost, and what lasts instead: for a service without a definition, in a scan directory that
/// is recreated when the container starts.
fn why_lost(service: &Service, scan_dir: &Path, caller: Privilege) -> Option<(String, String)> {
    let live = service.live.as_ref().filter(|_| service.definition.is_none())?;
    let is_published = std::fs::canonicalize(live.parent()?).ok()? == std::fs::canonicalize(scan_dir).ok()?;
    if !is_published || !persistence::is_rebuilt(scan_dir) {
        return None;
    }
    let why = format!(
        "'{}' is recreated whenever the container starts, and the change would be lost",
        live.display()
    );
    let name = &service.name;
    let operand = operand(name);
    let hint = match (persistence::origin(name), persistence::records_orders(caller, live)) {
        (Some((path, how)), _) => format!("it is defined in '{}': {how}", path.display()),
        (None, true) => format!("futo stop {operand} and futo start {operand} last across restarts"),
        (None, false) => "give the directory of its definition instead".to_string(),
    };
    Some((why, hint))
}

/// Writes or removes the file; returns whether that changed anything.
fn change(directory: &Path, at_boot: AtBoot) -> Result<bool, String> {
    if !Machine.is_root() {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = nix::fcntl::open(directory, flags, Mode::empty()).map_err(reason)?;
        return change_in(&directory, at_boot).map_err(reason);
    }
    let directory =
        nofollow::open_directory(directory, Missing::Refuse).map_err(|error| error.to_string())?;
    let owner = fstat(&directory).map_err(reason)?;
    // in a user-owned directory root does only what that user may do
    let changed = Account::owner(&owner).act(|| change_in(&directory, at_boot));
    changed.map_err(|error| error.to_string())?.map_err(reason)
}

fn change_in(directory: &OwnedFd, at_boot: AtBoot) -> Result<bool, Errno> {
    match at_boot {
        AtBoot::Up => match unlinkat(directory, layout::DOWN, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::ENOENT) => Ok(false),
            result => result.map(|()| true),
        },
        AtBoot::Down => {
            let flags =
                OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let mode = Mode::from_bits_truncate(0o644);
            match nofollow::with_no_umask(|| openat(directory, layout::DOWN, flags, mode)) {
                Err(Errno::EEXIST) => Ok(false),
                result => result.map(|_| true),
            }
        }
    }
}
