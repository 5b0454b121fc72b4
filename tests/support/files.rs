//! Files, written whole, and read.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

pub fn read(path: impl AsRef<Path>) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Copies in a process of its own. A descriptor for writing in this one would for a moment be in
/// children that other tests start, and executing the copy would fail: text file busy.
pub fn copy_by_process(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("--").args([from, to]).status().expect("cp starts");
    assert!(copied.success(), "{} is built and can be copied", from.display());
}

/// A file with this text and mode, replaced whole.
pub fn write(path: &Path, text: &str, mode: u32) {
    let part = path.with_extension("part");
    if mode & 0o111 == 0 {
        fs::write(&part, text).expect("written");
    } else {
        let draft = path.with_extension("draft");
        fs::write(&draft, text).expect("written");
        copy_by_process(&draft, &part);
        fs::remove_file(&draft).expect("removed");
    }
    set_mode(&part, mode);
    fs::rename(&part, path).expect("renamed");
}

/// Everything below a directory: path, mode, owner, inode, and content or target. The same twice means
/// that nothing was touched.
pub fn snapshot(directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut todo = vec![directory.to_path_buf()];
    while let Some(path) = todo.pop() {
        let status = fs::symlink_metadata(&path).expect("it is there");
        let kind = status.file_type();
        let content = if kind.is_symlink() {
            format!("{}", fs::read_link(&path).expect("a link").display())
        } else if kind.is_file() {
            read(&path)
        } else {
            if kind.is_dir() {
                todo.extend(
                    fs::read_dir(&path).expect("listed").map(|entry| entry.expect("an entry").path()),
                );
            }
            format!("fifo {}", kind.is_fifo())
        };
        lines.push(format!(
            "{} {:o} {}:{} {} {}.{} {content}",
            path.display(),
            status.mode(),
            status.uid(),
            status.gid(),
            status.ino(),
            if kind.is_dir() { 0 } else { status.mtime() },
            if kind.is_dir() { 0 } else { status.mtime_nsec() },
        ));
    }
    lines.sort();
    lines
}

/// `0755 root:root`, in numbers.
pub fn rights(path: &Path) -> String {
    let status = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    format!("{:04o} {}:{}", status.permissions().mode() & 0o7777, status.uid(), status.gid())
}

/// A path of plain text.
pub fn path_str(path: &Path) -> &str {
    path.to_str().expect("a path of plain text")
}

pub fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

/// The names in a directory, sorted.
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("listed");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub fn unmount(path: &Path) {
    assert!(Command::new("umount").arg(path).status().expect("umount starts").success());
}
