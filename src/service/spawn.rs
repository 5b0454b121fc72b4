//! Why a supervisor cannot execute a run script. s6-supervise reports it on its own stderr only, and tries again
//! every 10 or 60 seconds, for ever.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::stat;
use nix::sys::statvfs::{FsFlags, statvfs};

use super::layout;
use crate::error::{reason, reason_of};
use crate::sys::{file, nofollow};

/// As much of the first line as the kernel reads.
const FIRST_LINE: usize = 256;

/// What keeps `run` from being executed, as far as can be seen: one line, without the file's name.
pub fn obstacle(is_root: bool, directory: &Path) -> Option<String> {
    let run = directory.join(layout::RUN);
    let status = match stat(&run) {
        Ok(status) => status,
        Err(Errno::ENOENT) => return Some("it is not found".to_string()),
        Err(errno) => return Some(reason(errno)),
    };
    if let Some(kind) = file::kind_name(file::kind(&status)) {
        return Some(format!("it is {kind}, not a regular file"));
    }
    if status.st_mode & 0o111 == 0 {
        return Some(format!("it is not executable (mode {:04o})", status.st_mode & 0o7777));
    }
    if is_noexec(&run) {
        return Some("its file system is mounted noexec".to_string());
    }
    match first_bytes(is_root, &run) {
        Ok(bytes) => interpreter(&bytes),
        Err(error) => Some(reason_of(&error)),
    }
}

fn is_noexec(path: &Path) -> bool {
    statvfs(path).is_ok_and(|system| system.flags().contains(FsFlags::ST_NOEXEC))
}

fn first_bytes(is_root: bool, path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let opened = nofollow::open_regular_for(is_root, path)?;
    std::fs::File::from(opened).take(FIRST_LINE as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong with the program that is to read the script.
fn interpreter(script: &[u8]) -> Option<String> {
    if script.starts_with(b"\x7fELF") {
        return None;
    }
    let Some(line) = script.strip_prefix(b"#!") else {
        return Some("it begins with no '#!' line".to_string());
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let blanks: &[u8] = b" \t";
    let start = line.iter().position(|byte| !blanks.contains(byte)).unwrap_or(line.len());
    let name = line.get(start..).unwrap_or_default().split(|byte| blanks.contains(byte)).next()?;
    let (name, has_cr) = match name.strip_suffix(b"\r") {
        Some(name) => (name, true),
        None => (name, line.ends_with(b"\r")),
    };
    let path = PathBuf::from(OsStr::from_bytes(name));
    // with a blank before it, the CR is an argument of the interpreter
    if has_cr && line.get(start..) == Some([name, b"\r"].concat().as_slice()) {
        return Some("its lines end in CR LF, and no interpreter has that name".to_string());
    }
    let shown = path.display();
    match stat(&path) {
        Err(Errno::ENOENT) => Some(format!("its interpreter '{shown}' is not found")),
        Err(errno) => Some(format!("its interpreter '{shown}': {}", reason(errno))),
        Ok(status) if file::kind_name(file::kind(&status)).is_some() => {
            Some(format!("its interpreter '{shown}' is not a program"))
        }
        Ok(status) if status.st_mode & 0o111 == 0 => {
            Some(format!("its interpreter '{shown}' is not executable"))
        }
        Ok(_) if is_noexec(&path) => {
            Some(format!("its interpreter '{shown}' is on a file system that is mounted noexec"))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_reason_is_named() {
        let directory = std::env::temp_dir().join(format!("futo-spawn-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let run = directory.join("run");
        for (text, mode, expected) in [
            ("#!/bin/sh\n", 0o755, None),
            ("#! /bin/sh -e\n", 0o755, None),
            ("\x7fELF\x02", 0o755, None),
            ("#!/bin/sh\n", 0o644, Some("it is not executable (mode 0644)")),
            ("#!/nonexistent/bash -e\n", 0o755, Some("its interpreter '/nonexistent/bash' is not found")),
            ("#!/etc\n", 0o755, Some("its interpreter '/etc' is not a program")),
            ("#!/etc/passwd\n", 0o755, Some("its interpreter '/etc/passwd' is not executable")),
            ("#!/bin/sh\r\n", 0o755, Some("its lines end in CR LF, and no interpreter has that name")),
            ("exec true\n", 0o755, Some("it begins with no '#!' line")),
            ("", 0o755, Some("it begins with no '#!' line")),
        ] {
            std::fs::write(&run, text).expect("written");
            std::fs::set_permissions(&run, std::fs::Permissions::from_mode(mode)).expect("its mode");
            assert_eq!(obstacle(false, &directory).as_deref(), expected, "{text:?} {mode:o}");
        }
        std::fs::remove_file(&run).expect("removed");
        assert_eq!(obstacle(false, &directory).as_deref(), Some("it is not found"));
        std::fs::create_dir(&run).expect("a directory");
        assert_eq!(obstacle(false, &directory).as_deref(), Some("it is a directory, not a regular file"));
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
