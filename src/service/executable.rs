//! Whether the supervisor can execute a file at all: mode, mount, interpreter. s6-supervise reports a failed exec only
//! on its own stderr, and retries it every 10 or 60 seconds forever.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, Statvfs, fstatvfs, statvfs};
use nix::unistd::AccessFlags;

use super::{elf, layout, search_path};
use crate::error::{reason, reason_of};
use crate::shell_quote::shell_word;
use crate::sys;
use crate::sys::nofollow;
use crate::sys::privilege::Privilege;

/// The part of the first line that the kernel reads (BINPRM_BUF_SIZE, since 5.1).
const MAX_FIRST_LINE: usize = 255;
/// An interpreter may be a script itself; the kernel rejects longer chains.
const MAX_INTERPRETERS: usize = 4;
/// The number of bytes read from a file, enough for its first line or its ELF headers.
const HEAD_SIZE: usize = 4096;

/// How the supervisor uses a service directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryKind {
    /// It executes the files themselves.
    Published,
    /// It executes a copy of them.
    Definition,
}

/// The privileges of the processes that read and execute the files.
#[derive(Clone, Copy, Debug)]
pub struct Privileges {
    /// This process.
    pub reader: Privilege,
    /// The supervisor.
    pub starter: Privilege,
}

/// Why a file cannot be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The file, or the scan directory.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The problem, for a message.
    pub what: String,
    /// The remedy.
    pub hint: String,
}

impl Obstacle {
    fn of_file(file: &Path, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Obstacle { file: file.to_path_buf(), line: None, what: what.into(), hint: hint.into() }
    }

    fn of_first_line(file: &Path, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Obstacle { line: Some(1), ..Obstacle::of_file(file, what, hint) }
    }

    /// Whether it is the first line of this file.
    pub fn is_first_line_of(&self, file: &Path) -> bool {
        self.line == Some(1) && self.file == file
    }

    /// The location as shown in messages: `/run/service/x/run:1`.
    pub fn place(&self) -> String {
        self.with_line(&self.file.display().to_string())
    }

    /// On one line, without the directory: `run:1: names no interpreter`.
    pub fn in_short(&self) -> String {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        format!("{}: {}", self.with_line(&name), self.what)
    }

    fn with_line(&self, name: &str) -> String {
        self.line.map_or(name.to_string(), |line| format!("{name}:{line}"))
    }
}

/// All reasons why the supervisor cannot execute the files of a service directory.
pub fn obstacles(directory: &Path, kind: DirectoryKind, privileges: Privileges) -> Vec<Obstacle> {
    scripts(directory).iter().flat_map(|path| obstacles_of(path, kind, privileges)).collect()
}

/// The existing files of a service directory that a supervisor executes.
pub fn scripts(directory: &Path) -> Vec<PathBuf> {
    let paths = [layout::RUN, layout::FINISH, layout::LOG_RUN].map(|name| directory.join(name));
    paths.into_iter().filter(|path| sys::file::is_regular(path)).collect()
}

/// Why the supervisor cannot execute the run script published here.
pub fn obstacle_of_run(directory: &Path, privileges: Privileges) -> Option<Obstacle> {
    let path = directory.join(layout::RUN);
    let missing = |what: String| Some(Obstacle::of_file(&path, what, "create it, or remove the service"));
    match nix::sys::stat::stat(&path) {
        Err(errno) => missing(reason(errno)),
        Ok(status) => match sys::file::kind_name(sys::file::kind(&status)) {
            Some(kind) => missing(format!("is {kind}, not a regular file")),
            None => obstacles_of(&path, DirectoryKind::Published, privileges).into_iter().next(),
        },
    }
}

/// All reasons why the supervisor cannot execute one file.
pub fn obstacles_of(path: &Path, kind: DirectoryKind, privileges: Privileges) -> Vec<Obstacle> {
    let mut found: Vec<Obstacle> = mode(path, privileges).into_iter().collect();
    let Ok(file) = nofollow::open_regular_for(privileges.reader, path) else { return found };
    if kind == DirectoryKind::Published && fstatvfs(&file).is_ok_and(|volume| is_noexec(&volume)) {
        found.push(noexec(path));
    }
    let Ok(start) = read_start(&file) else { return found };
    found.extend(first_line(path, &start));
    if found.is_empty() {
        found.extend(interpreter(path, &start, privileges, 0));
    }
    found
}

/// Whether the file is on a volume mounted noexec.
pub fn is_on_noexec(path: &Path) -> bool {
    statvfs(path).is_ok_and(|volume| is_noexec(&volume))
}

fn is_noexec(volume: &Statvfs) -> bool {
    volume.flags().contains(FsFlags::ST_NOEXEC)
}

/// The obstacle of a file or scan directory on such a volume.
pub fn noexec(path: &Path) -> Obstacle {
    let hint = match path.starts_with("/run") {
        true => "docker run --tmpfs /run:exec; to fix it now: mount -o remount,exec /run, as root",
        false => "mount the volume without noexec",
    };
    Obstacle::of_file(path, "is on a volume that is mounted noexec: s6 cannot execute it", hint)
}

fn mode(path: &Path, privileges: Privileges) -> Option<Obstacle> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let is_executable = match privileges.starter {
        Privilege::Root => mode & 0o111 != 0,
        Privilege::User => {
            mode & 0o111 != 0
                && (privileges.reader.is_root() || sys::file::may(path, AccessFlags::X_OK).is_ok())
        }
    };
    (!is_executable).then(|| {
        let what = format!("is not executable (mode {:04o}): s6 cannot start it", mode & 0o7777);
        let hint = format!("chmod +x {}", shell_word(&path.to_string_lossy()));
        Obstacle::of_file(path, what, hint)
    })
}

fn read_start(file: impl AsFd) -> Result<Vec<u8>, nix::errno::Errno> {
    let mut room = vec![0_u8; HEAD_SIZE];
    let count = nix::unistd::read(file, &mut room)?;
    room.truncate(count);
    Ok(room)
}

/// A problem with the first line itself, regardless of installed programs.
fn first_line(file: &Path, start: &[u8]) -> Option<Obstacle> {
    let problem = |what: &str, hint: &str| Some(Obstacle::of_first_line(file, what, hint));
    if start.starts_with(b"\xef\xbb\xbf") {
        return problem(
            "starts with a byte order mark: the kernel finds no interpreter",
            "save the file without a byte order mark",
        );
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return problem("is UTF-16: the kernel finds no interpreter", "save the file as UTF-8");
    }
    if elf::is_elf(start) {
        return None;
    }
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        let hint = format!("sed -i 's/\\r$//' {}", shell_word(&file.to_string_lossy()));
        return problem("ends with CR LF: the kernel takes the CR as part of the interpreter's name", &hint);
    }
    let interpreter = line.strip_prefix(b"#!").map(<[u8]>::trim_ascii).filter(|rest| !rest.is_empty());
    let Some(interpreter) = interpreter else {
        return problem("names no interpreter", "start the file with #!/bin/sh");
    };
    if line.len() > MAX_FIRST_LINE {
        let what = format!(
            "is {} bytes long: the kernel reads {MAX_FIRST_LINE} and truncates or rejects the rest",
            line.len()
        );
        return problem(&what, "shorten the first line, for example to #!/bin/sh");
    }
    if !interpreter.starts_with(b"/") {
        let what =
            format!("the interpreter '{}' is not an absolute path", String::from_utf8_lossy(interpreter));
        return problem(&what, "start the file with #!/bin/sh");
    }
    None
}

/// A problem with the interpreter of a file, or with that interpreter's own interpreter.
fn interpreter(file: &Path, start: &[u8], privileges: Privileges, depth: usize) -> Option<Obstacle> {
    if elf::is_elf(start) {
        return binary(file, start);
    }
    let line = start.split(|byte| *byte == b'\n').next()?;
    let words = line.strip_prefix(b"#!")?.trim_ascii();
    let end = words.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(words.len());
    let (name, argument) = words.split_at_checked(end)?;
    let path = PathBuf::from(OsStr::from_bytes(name));
    let shown = path.display();
    let problem = |why: &str| {
        let what = format!("the interpreter '{shown}' {why}");
        let hint = "correct the first line, or install the interpreter";
        Some(Obstacle::of_first_line(file, what, hint))
    };
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return None,
        Err(error) => return problem(&format!("cannot be executed: {}", reason_of(&error))),
    };
    if !metadata.is_file() {
        return problem("is not a file");
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return problem("is not executable");
    }
    if is_on_noexec(&path) {
        return problem("is on a volume that is mounted noexec");
    }
    if let Some(found) = searched(file, &path, argument.trim_ascii()) {
        return Some(found);
    }
    // root follows only root-owned links to read the header of the program
    let opened = nofollow::open_regular_for(privileges.reader, &path).ok()?;
    match depth {
        MAX_INTERPRETERS.. => problem("is nested too deeply for the kernel"),
        _ => interpreter(&path, &read_start(&opened).ok()?, privileges, depth + 1),
    }
}

/// `#!/usr/bin/env python3`: a program that is searched for by name.
fn searched(file: &Path, interpreter: &Path, argument: &[u8]) -> Option<Obstacle> {
    let finder = interpreter.file_name()?.to_str()?;
    if !matches!(finder, "env" | "with-contenv") {
        return None;
    }
    let argument = std::str::from_utf8(argument).ok()?;
    let mut words = argument.split_ascii_whitespace();
    let program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    // the kernel passes the rest of the line as one argument; with-contenv splits it
    if finder == "env" && argument.contains(char::is_whitespace) && !argument.starts_with("-S") {
        let what = format!("env gets '{argument}' as a single argument and finds no program of that name");
        let hint = format!("#!/usr/bin/env -S {argument}");
        return Some(Obstacle::of_first_line(file, what, hint));
    }
    let path = Path::new(program);
    let is_there = match program.contains('/') {
        true => path.exists(),
        false => {
            std::env::split_paths(search_path::OF_SUPERVISOR).any(|directory| directory.join(path).exists())
        }
    };
    (!is_there).then(|| {
        let what = format!("{finder} cannot find '{program}' in {}", search_path::OF_SUPERVISOR);
        Obstacle::of_first_line(file, what, "install it, or use its absolute path")
    })
}

/// A program for another machine, or one whose dynamic loader is missing.
fn binary(file: &Path, start: &[u8]) -> Option<Obstacle> {
    let header = elf::ElfHeader::parse(start)?;
    if !header.is_for_this_machine {
        let hint = "install the build for this machine (uname -m)";
        return Some(Obstacle::of_file(file, "is built for a different CPU architecture", hint));
    }
    let loader = header.loader?;
    (!loader.exists()).then(|| {
        let what = format!("its dynamic loader '{}' does not exist", loader.display());
        let hint = "install a static build, or one for this image's C library";
        Obstacle::of_file(file, what, hint)
    })
}
