//! Kinds of workers: the variables that each needs, and a starter worker of each.

use std::ffi::OsStr;
use std::path::Path;

use crate::plan::Mode;

/// A kind of worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Starter {
    Python,
    Uv,
    Shell,
    Node,
}

impl Starter {
    pub(super) fn named(word: &OsStr) -> Option<Self> {
        match word.to_str()? {
            "python" => Some(Starter::Python),
            "uv" => Some(Starter::Uv),
            "shell" => Some(Starter::Shell),
            "node" => Some(Starter::Node),
            _ => None,
        }
    }

    /// By the name of a program, or its extension.
    pub(super) fn of_program(program: &OsStr) -> Option<Self> {
        let path = Path::new(program);
        let name = path.file_name()?.to_str()?;
        match path.extension().and_then(OsStr::to_str) {
            Some("py") => return Some(Starter::Python),
            Some("sh") => return Some(Starter::Shell),
            Some("js" | "mjs") => return Some(Starter::Node),
            _ => {}
        }
        match name {
            "uv" | "uvx" => Some(Starter::Uv),
            "sh" | "bash" | "dash" => Some(Starter::Shell),
            "node" | "nodejs" => Some(Starter::Node),
            _ if name.starts_with("python") => Some(Starter::Python),
            _ => None,
        }
    }

    /// The command of the starter worker.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Starter::Python => &["python3", "./worker.py"],
            // a script that declares its dependencies in a header
            Starter::Uv => &["uv", "run", "--script", "./worker.py"],
            Starter::Shell => &["sh", "./worker.sh"],
            Starter::Node => &["node", "./worker.js"],
        }
    }

    /// Variables that such a worker needs: name, value as in config.env, why.
    pub(super) fn variables(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Starter::Python => &[("PYTHONUNBUFFERED", "1", "lines reach the log as they are printed")],
            Starter::Uv => &[
                ("PYTHONUNBUFFERED", "1", "lines reach the log as they are printed"),
                ("UV_NO_PROGRESS", "1", "no progress bars in the log"),
            ],
            Starter::Shell => &[],
            Starter::Node => &[("NODE_ENV", "production", "libraries adapt to it")],
        }
    }

    /// The file of the starter worker, and its text: a single run for a loop, else one that stays until it is stopped.
    pub(super) fn file(self, mode: &Mode) -> (&'static str, &'static str) {
        match (self, mode) {
            (Starter::Python, Mode::Loop(_)) => ("worker.py", PYTHON_RUN),
            (Starter::Python, Mode::Exec | Mode::ExecAsInit) => ("worker.py", PYTHON_STAY),
            (Starter::Uv, Mode::Loop(_)) => ("worker.py", UV_RUN),
            (Starter::Uv, Mode::Exec | Mode::ExecAsInit) => ("worker.py", UV_STAY),
            (Starter::Shell, Mode::Loop(_)) => ("worker.sh", SHELL_RUN),
            (Starter::Shell, Mode::Exec | Mode::ExecAsInit) => ("worker.sh", SHELL_STAY),
            (Starter::Node, Mode::Loop(_)) => ("worker.js", NODE_RUN),
            (Starter::Node, Mode::Exec | Mode::ExecAsInit) => ("worker.js", NODE_STAY),
        }
    }
}

const PYTHON_RUN: &str = "\
#!/usr/bin/env python3
\"\"\"One run. Its output goes to the log; a nonzero exit code marks the run as failed.\"\"\"

print(\"hello\")
";

const PYTHON_STAY: &str = "\
#!/usr/bin/env python3
\"\"\"Runs until TERM stops it.\"\"\"

import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(\"ready\")
while True:
    time.sleep(60)
";

const UV_RUN: &str = "\
#!/usr/bin/env -S uv run --script
# /// script
# requires-python = \">=3.11\"
# dependencies = []
# ///
\"\"\"One run. Its output goes to the log; a nonzero exit code marks the run as failed.\"\"\"

print(\"hello\")
";

const UV_STAY: &str = "\
#!/usr/bin/env -S uv run --script
# /// script
# requires-python = \">=3.11\"
# dependencies = []
# ///
\"\"\"Runs until TERM stops it.\"\"\"

import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(\"ready\")
while True:
    time.sleep(60)
";

const SHELL_RUN: &str = "\
#!/bin/sh
# One run. Its output goes to the log; a nonzero exit code marks the run as failed.
set -eu

echo hello
";

const SHELL_STAY: &str = "\
#!/bin/sh
# Runs until TERM stops it: exec replaces this shell, so that the program receives the signal.
set -eu

echo ready
exec sleep infinity
";

const NODE_RUN: &str = "\
// One run. Its output goes to the log; a nonzero exit code marks the run as failed.
console.log('hello');
";

const NODE_STAY: &str = "\
// Runs until TERM stops it.
process.on('SIGTERM', () => process.exit(0));
console.log('ready');
setInterval(() => {}, 60_000);
";
