//! `futo logs NAME [-f]`: the end of a service's log, and what comes after it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::options::{Command, Words, switch, value};
use super::{CommandError, services};
use crate::error::reason_of;
use crate::exit::Exit;
use crate::observe::{Machinery, Seen, last_lines};
use crate::report::{Level, Reporter};
use crate::sys;
use crate::sys::nofollow;

/// How often is looked for more.
const LOOKS_EVERY: Duration = Duration::from_millis(200);
const LINES: usize = 20;

pub(super) const COMMAND: Command = Command {
    name: "logs",
    operands: "NAME|DIR",
    help: "the last lines of a service's log",
    more: "With -f also what comes, across rotation, until interrupted. Bytes are shown as they are in the log.",
    options: &[
        switch("follow", "stay, and show what comes").short('f'),
        value("lines", "N", "so many lines [20]").short('n'),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: logs,
};

fn logs(words: Words) -> Result<Exit, CommandError> {
    let usage =
        |what: &str| CommandError::Usage { command: COMMAND.name, what: what.to_string(), remedy: None };
    let count = match words.value("lines") {
        None => LINES,
        Some(given) => {
            given.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| usage("--lines: is no number"))?
        }
    };
    let service = services::one(COMMAND.name, &words)?;
    let machinery = Machinery::new(&services::places(&words).scan_dir);
    let seen = Seen::of(service, &machinery);
    let fatal = |text: String, hint: Option<&str>| {
        Reporter::of_program("futo").say_at_shell(Level::Fatal, &text, hint);
        Ok(Exit::SYSTEM)
    };
    let name = &seen.service.name;
    let Some(path) = seen.log_path() else {
        let why = match (&seen.plan, seen.troubles.first()) {
            (Some(_), _) => "its output goes to the supervisor's own",
            (None, Some(trouble)) => trouble,
            (None, None) => "its run script is not ours",
        };
        return fatal(
            format!("unable to find the log of '{name}': {why}"),
            Some("docker logs, or the catch-all log"),
        );
    };
    let is_root = machinery.is_root();
    let stdout = std::io::stdout();
    let position = match seen.attempt(|| last_lines(is_root, &path, count)) {
        Ok((lines, size)) => {
            if sys::fd::write_all(stdout.as_fd(), &lines).is_err() {
                return Ok(Exit::OK);
            }
            size
        }
        Err(error) if words.has("follow") && error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => {
            return fatal(format!("unable to read log '{}': {}", path.display(), reason_of(&error)), None);
        }
    };
    match words.has("follow") {
        false => Ok(Exit::OK),
        true => follow(&seen, is_root, &path, position),
    }
}

/// Shows what comes until nobody reads it any more. A rotated log is read to its end first.
fn follow(seen: &Seen, is_root: bool, path: &Path, mut position: u64) -> Result<Exit, CommandError> {
    let stdout = std::io::stdout();
    let mut open: Option<File> = None;
    loop {
        let mut is_at_end = true;
        if let Some(file) = &mut open {
            let mut part = vec![0; 64 * 1024];
            let count = file.read(&mut part).unwrap_or(0);
            part.truncate(count);
            position += count as u64;
            is_at_end = count == 0;
            if sys::fd::write_all(stdout.as_fd(), &part).is_err() {
                return Ok(Exit::OK);
            }
        }
        if is_at_end {
            open = reopened(seen, is_root, path, open, &mut position);
            if !sys::fd::has_reader(stdout.as_fd()) {
                return Ok(Exit::OK);
            }
            std::thread::sleep(LOOKS_EVERY);
        }
    }
}

/// The same file, from its beginning if it has been cut; another one if another has its name.
fn reopened(seen: &Seen, is_root: bool, path: &Path, open: Option<File>, position: &mut u64) -> Option<File> {
    let identity =
        |file: &File| file.metadata().ok().map(|status| (status.dev(), status.ino(), status.len()));
    let before = open.as_ref().and_then(identity);
    let opened = seen.attempt(|| nofollow::open_regular_for(is_root, path));
    let Ok(now) = opened.map(File::from) else { return open };
    match (before, identity(&now)) {
        (Some((device, inode, length)), Some((now_device, now_inode, _)))
            if (device, inode) == (now_device, now_inode) && length >= *position =>
        {
            return open;
        }
        (None, _) => {}
        _ => *position = 0,
    }
    let mut now = now;
    now.seek(SeekFrom::Start(*position)).ok()?;
    Some(now)
}
