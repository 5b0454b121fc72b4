//! What a test needs beside the programs themselves.

use std::path::{Path, PathBuf};

/// What a test needs beside the programs themselves.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// uid 0, and the account abc that tests/run makes.
    Root,
    /// A program on PATH.
    Program(&'static str),
    /// python-dotenv, where tests/install puts it.
    PythonDotenv,
}

/// Whether everything is there. If not, the test fails with `CI=true`; otherwise the lack is reported.
pub fn have(needs: &[Need]) -> bool {
    let lacking: Vec<String> = needs.iter().filter_map(lack).collect();
    if lacking.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "lacking: {}", lacking.join(", "));
    eprintln!("NOT RUN, lacking: {} (tests/run, as root, brings it)", lacking.join(", "));
    false
}

fn lack(need: &Need) -> Option<String> {
    match need {
        Need::Root => {
            let inside = std::env::var_os("FUTO_TESTS_INSIDE").is_some();
            (!nix::unistd::geteuid().is_root() || !inside).then(|| "root in tests/run".to_string())
        }
        Need::Program(program) => find_program(program).is_none().then(|| program.to_string()),
        Need::PythonDotenv => (!python_dotenv().join("dotenv").is_dir()).then(|| "python-dotenv".to_string()),
    }
}

/// The first line of a test that needs root (which includes the account abc) or programs on PATH:
/// `needs!(root, "s6-svscan", "strace");`. Where something is lacking the test passes without testing and says
/// NOT RUN; with `CI=true` it fails.
macro_rules! needs {
    (root $(, $program:expr)*) => {
        if !$crate::support::have(&[
            $crate::support::Need::Root,
            $($crate::support::Need::Program($program)),*
        ]) {
            return;
        }
    };
    ($($program:expr),+) => {
        if !$crate::support::have(&[$($crate::support::Need::Program($program)),+]) {
            return;
        }
    };
}
pub(crate) use needs;

/// Where tests/install puts python-dotenv, beside whatever this machine's python3 has.
pub fn python_dotenv() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python-dotenv")
}

pub fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}
