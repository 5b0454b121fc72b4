//! Whether the supervisor can execute a file at all: mode, mount, interpreter. s6-supervise reports a failed
//! execution as a process that ended, so that nothing else tells.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, fstatvfs, statvfs};
use nix::unistd::{AccessFlags, access};

use super::elf;
use super::found::Found;
use crate::error::reason_of;
use crate::observe::Machinery;
use crate::service::layout;
use crate::sys;
use crate::sys::nofollow;

/// As much of a first line as the kernel takes (BINPRM_BUF_SIZE, from 5.1 on).
const LONGEST_FIRST_LINE: usize = 255;
/// An interpreter may itself be a script; deeper the kernel refuses.
const MOST_INTERPRETERS: usize = 4;
/// What is read of a file: its first line, or its ELF headers.
const START: usize = 4096;
/// Where a supervisor looks for a program, if nothing else is known.
const USUAL_PATH: &str = "/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a service directory is to the supervisor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It executes what lies here.
    Published,
    /// It executes a copy.
    Definition,
}

/// Everything that keeps the supervisor from executing these files of a service directory.
pub(super) fn look(directory: &Path, role: Role, machinery: &Machinery) -> Vec<Found> {
    [layout::RUN, layout::FINISH, layout::LOG_RUN]
        .into_iter()
        .map(|name| directory.join(name))
        .filter(|path| sys::file::is_regular(path))
        .flat_map(|path| look_at(&path, role, machinery))
        .collect()
}

fn look_at(path: &Path, role: Role, machinery: &Machinery) -> Vec<Found> {
    let place = path.display().to_string();
    let mut found: Vec<Found> = mode(path, machinery).into_iter().collect();
    let Ok(file) = nofollow::open_regular_for(machinery.is_root(), path) else { return found };
    if role == Role::Published
        && fstatvfs(&file).is_ok_and(|volume| volume.flags().contains(FsFlags::ST_NOEXEC))
    {
        found.push(noexec(&place, path));
    }
    let Ok(start) = read_start(&file) else { return found };
    found.extend(first_bytes(&place, &start));
    if found.is_empty() {
        found.extend(interpreter(&place, &start, machinery, 0));
    }
    found
}

/// A scan directory where nothing can be executed, and a definition that only a copy makes executable.
pub(super) fn volumes(scan_dir: &Path, directory: &Path) -> Vec<Found> {
    let is_noexec = |path: &Path| statvfs(path).is_ok_and(|it| it.flags().contains(FsFlags::ST_NOEXEC));
    let mut found = Vec::new();
    if is_noexec(scan_dir) {
        found.push(noexec(&scan_dir.display().to_string(), scan_dir));
    }
    if is_noexec(directory) {
        let text = format!(
            "{}: is on a volume that is mounted noexec: a hook that links it makes a service that cannot start",
            directory.display()
        );
        found.push(Found::note(text, "futo sync writes a run script of its own and is not affected"));
    }
    found
}

fn noexec(place: &str, path: &Path) -> Found {
    let text = format!("{place}: is on a volume that is mounted noexec: s6 cannot execute it");
    let hint = match path.starts_with("/run") {
        true => "docker: --tmpfs /run:exec; now: mount -o remount,exec /run, as root",
        false => "mount that volume without noexec",
    };
    Found::problem(text, hint)
}

fn mode(path: &Path, machinery: &Machinery) -> Option<Found> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let place = path.display();
    let is_executable = match machinery.starts_as_root() {
        true => mode & 0o111 != 0,
        false => mode & 0o111 != 0 && (machinery.is_root() || access(path, AccessFlags::X_OK).is_ok()),
    };
    (!is_executable).then(|| {
        let text = format!("{place}: is not executable (mode {:04o}): s6 cannot start it", mode & 0o7777);
        Found::problem(text, &format!("chmod +x {place}"))
    })
}

fn read_start(file: impl AsFd) -> Result<Vec<u8>, nix::errno::Errno> {
    let mut room = vec![0_u8; START];
    let count = nix::unistd::read(file, &mut room)?;
    room.truncate(count);
    Ok(room)
}

/// What is wrong with the first line, whatever the machine has.
fn first_bytes(place: &str, start: &[u8]) -> Option<Found> {
    let problem = |what: &str, hint: &str| Some(Found::problem(format!("{place}:1: {what}"), hint));
    if start.starts_with(b"\xef\xbb\xbf") {
        return problem(
            "begins with a byte order mark: the kernel finds no interpreter",
            "save it without one",
        );
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return problem("is UTF-16: the kernel finds no interpreter", "save it as UTF-8");
    }
    if elf::is_elf(start) {
        return None;
    }
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        let hint = format!("sed -i 's/\\r$//' {place}");
        return problem("lines end with CR LF: the interpreter's name would end with CR", &hint);
    }
    let interpreter = line.strip_prefix(b"#!").map(<[u8]>::trim_ascii).filter(|rest| !rest.is_empty());
    let Some(interpreter) = interpreter else {
        return problem("names no interpreter", "begin it with #!/bin/sh");
    };
    if line.len() > LONGEST_FIRST_LINE {
        let what = format!(
            "has {} bytes: the kernel takes {LONGEST_FIRST_LINE} and cuts off or refuses the rest",
            line.len()
        );
        return problem(&what, "begin it with a shorter line, for instance #!/bin/sh");
    }
    if !interpreter.starts_with(b"/") {
        let what =
            format!("the interpreter '{}' is not an absolute path", String::from_utf8_lossy(interpreter));
        return problem(&what, "begin it with #!/bin/sh");
    }
    None
}

/// What is wrong with the interpreter that a file names, and with those that this names.
fn interpreter(place: &str, start: &[u8], machinery: &Machinery, depth: usize) -> Option<Found> {
    if elf::is_elf(start) {
        return binary(place, start);
    }
    let line = start.split(|byte| *byte == b'\n').next()?;
    let words = line.strip_prefix(b"#!")?.trim_ascii();
    let end = words.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(words.len());
    let (name, argument) = words.split_at_checked(end)?;
    let path = PathBuf::from(OsStr::from_bytes(name));
    let what = |why: &str| format!("{place}:1: the interpreter '{}' {why}", path.display());
    let first_line = "correct the first line, or install the interpreter";
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return None,
        Err(error) => {
            return Some(Found::problem(
                what(&format!("cannot be executed: {}", reason_of(&error))),
                first_line,
            ));
        }
    };
    if !metadata.is_file() {
        return Some(Found::problem(what("is not a file"), first_line));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Some(Found::problem(what("is not executable"), &format!("chmod +x {}", path.display())));
    }
    if statvfs(&path).is_ok_and(|volume| volume.flags().contains(FsFlags::ST_NOEXEC)) {
        return Some(Found::problem(what("is on a volume that is mounted noexec"), first_line));
    }
    if let Some(found) = searched(place, &path, argument.trim_ascii()) {
        return Some(found);
    }
    // what root reads there is a program's header; through links of root's only
    let file = nofollow::open_regular_for(machinery.is_root(), &path).ok()?;
    match depth {
        MOST_INTERPRETERS.. => Some(Found::problem(what("is one script too many"), first_line)),
        _ => interpreter(&path.display().to_string(), &read_start(&file).ok()?, machinery, depth + 1),
    }
}

/// `#!/usr/bin/env python3`: the program that is looked for by its name.
fn searched(place: &str, interpreter: &Path, argument: &[u8]) -> Option<Found> {
    let finder = interpreter.file_name()?.to_str()?;
    if !matches!(finder, "env" | "with-contenv") {
        return None;
    }
    let argument = std::str::from_utf8(argument).ok()?;
    let mut words = argument.split_ascii_whitespace();
    let program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    // the kernel hands on everything that follows as one word; with-contenv splits it
    if finder == "env" && argument.contains(char::is_whitespace) && !argument.starts_with("-S") {
        let text = format!("{place}:1: env is given '{argument}' as one word and does not find that program");
        return Some(Found::problem(text, &format!("#!/usr/bin/env -S {argument}")));
    }
    let path = Path::new(program);
    let is_there = match program.contains('/') {
        true => path.exists(),
        false => std::env::split_paths(USUAL_PATH).any(|directory| directory.join(path).exists()),
    };
    (!is_there).then(|| {
        let text = format!("{place}:1: {finder} does not find '{program}' in {USUAL_PATH}");
        Found::problem(text, "install it, or name it by its path")
    })
}

/// A program for another machine, or without its loader.
fn binary(place: &str, start: &[u8]) -> Option<Found> {
    let header = elf::read(start)?;
    if !header.is_for_this_machine {
        let text = format!("{place}: is a program for another processor");
        return Some(Found::problem(text, "install the build for this machine (uname -m)"));
    }
    let loader = header.loader?;
    (!loader.exists()).then(|| {
        let text = format!("{place}: its loader '{}' does not exist", loader.display());
        Found::problem(text, "it is built for another C library: take a static build, or one for this image")
    })
}
