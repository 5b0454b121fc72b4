//! What kinds of workers need, and a worker of each kind to begin with.

use std::ffi::OsStr;
use std::path::Path;

/// A kind of worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Template {
    Python,
    Uv,
    Shell,
    Node,
}

impl Template {
    pub(super) fn named(word: &OsStr) -> Option<Self> {
        match word.to_str()? {
            "python" => Some(Template::Python),
            "uv" => Some(Template::Uv),
            "shell" => Some(Template::Shell),
            "node" => Some(Template::Node),
            _ => None,
        }
    }

    /// By the program's name, or the end of it.
    pub(super) fn of_program(program: &OsStr) -> Option<Self> {
        let path = Path::new(program);
        let name = path.file_name()?.to_str()?;
        match path.extension().and_then(OsStr::to_str) {
            Some("py") => return Some(Template::Python),
            Some("sh") => return Some(Template::Shell),
            Some("js" | "mjs") => return Some(Template::Node),
            _ => {}
        }
        match name {
            "uv" | "uvx" => Some(Template::Uv),
            "sh" | "bash" | "dash" => Some(Template::Shell),
            "node" | "nodejs" => Some(Template::Node),
            _ if name.starts_with("python") => Some(Template::Python),
            _ => None,
        }
    }

    /// The program of a worker to begin with.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Template::Python => &["python3", "./worker.py"],
            // a script with its dependencies in its head
            Template::Uv => &["uv", "run", "--script", "./worker.py"],
            Template::Shell => &["sh", "./worker.sh"],
            Template::Node => &["node", "./worker.js"],
        }
    }

    /// Variables that such a worker wants: name, value as in config.env, why.
    pub(super) fn variables(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Template::Python => &[("PYTHONUNBUFFERED", "1", "lines reach the log as they are printed")],
            Template::Uv => &[
                ("PYTHONUNBUFFERED", "1", "lines reach the log as they are printed"),
                ("UV_NO_PROGRESS", "1", "no progress bars in the log"),
            ],
            Template::Shell => &[],
            Template::Node => &[("NODE_ENV", "production", "what libraries ask for")],
        }
    }

    /// The file of a worker to begin with, and its text: one run, or until it is stopped.
    pub(super) fn sample(self, is_periodic: bool) -> (&'static str, &'static str) {
        match (self, is_periodic) {
            (Template::Python, true) => ("worker.py", PYTHON_RUN),
            (Template::Python, false) => ("worker.py", PYTHON_STAY),
            (Template::Uv, true) => ("worker.py", UV_RUN),
            (Template::Uv, false) => ("worker.py", UV_STAY),
            (Template::Shell, true) => ("worker.sh", SHELL_RUN),
            (Template::Shell, false) => ("worker.sh", SHELL_STAY),
            (Template::Node, true) => ("worker.js", NODE_RUN),
            (Template::Node, false) => ("worker.js", NODE_STAY),
        }
    }
}

const PYTHON_RUN: &str = "\
#!/usr/bin/env python3
\"\"\"One run. What it prints goes to the log; another exit code than 0 is a failed run.\"\"\"

print(\"hello\")
";

const PYTHON_STAY: &str = "\
#!/usr/bin/env python3
\"\"\"Runs until it is stopped: TERM ends it.\"\"\"

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
\"\"\"One run. What it prints goes to the log; another exit code than 0 is a failed run.\"\"\"

print(\"hello\")
";

const UV_STAY: &str = "\
#!/usr/bin/env -S uv run --script
# /// script
# requires-python = \">=3.11\"
# dependencies = []
# ///
\"\"\"Runs until it is stopped: TERM ends it.\"\"\"

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
# One run. What it prints goes to the log; another exit code than 0 is a failed run.
set -eu

echo hello
";

const SHELL_STAY: &str = "\
#!/bin/sh
# Runs until it is stopped: the program at the end takes this shell's place and gets TERM.
set -eu

echo ready
exec sleep infinity
";

const NODE_RUN: &str = "\
// One run. What it prints goes to the log; another exit code than 0 is a failed run.
console.log('hello');
";

const NODE_STAY: &str = "\
// Runs until it is stopped: TERM ends it.
process.on('SIGTERM', () => process.exit(0));
console.log('ready');
setInterval(() => {}, 60_000);
";
