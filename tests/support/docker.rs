//! Containers, where a Docker daemon answers. No registry is asked: the image is made of packages.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{find_program, stderr, stdout};

/// Debian with s6, abc and hermes (tests/container/base).
#[derive(Clone, Copy, Debug)]
pub enum Base {
    /// Debian 12: s6 2.11.
    Bookworm,
    /// Debian 13: s6 2.13.
    Trixie,
}

impl Base {
    fn suite(self) -> &'static str {
        match self {
            Base::Bookworm => "bookworm",
            Base::Trixie => "trixie",
        }
    }

    /// The image.
    pub fn image(self) -> &'static str {
        match self {
            Base::Bookworm => "futo-test-base:bookworm-1",
            Base::Trixie => "futo-test-base:trixie-1",
        }
    }
}

/// `docker WORDS`: what it prints, or why it failed.
pub fn docker(words: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(words).stdin(Stdio::null()).output().expect("docker starts");
    if output.status.success() { Ok(stdout(&output)) } else { Err(stderr(&output)) }
}

/// Whether containers can be run; the image is made then. If they cannot, stderr has a line.
pub fn have_containers(base: Base) -> bool {
    if find_program("docker").is_none() || docker(&["info"]).is_err() {
        eprintln!("NOT RUN: no Docker daemon answers; the same scenario runs in namespaces of our own");
        return false;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/container/base");
    let base =
        Command::new("sh").arg(script).arg(base.suite()).stdin(Stdio::null()).output().expect("sh starts");
    assert!(base.status.success(), "{}", stderr(&base));
    true
}
