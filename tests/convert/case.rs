//! The corpus: one directory per case in tests/data/convert.
//!
//! `run` is the old run file, beside it what its service directory holds (config.env, notification-fd, …);
//! `root/` has files for the machine, `case.toml` the [`Settings`].

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::support::direct::Caller;
use crate::support::{names_in, read, set_mode, write};

/// What a case needs, and how long it is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The patterns of real run files that it shows.
    pub style: Vec<String>,
    /// The programs that examples/witness.rs stands for, and what each does. A path, or a name in /usr/local/bin.
    pub programs: BTreeMap<String, String>,
    /// Programs that ask for something (nc, pg_isready): how often depends on the moment.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Programs that must not run.
    #[serde(default)]
    pub never: Vec<String>,
    /// How many runs of each other program are looked at.
    #[serde(default = "one")]
    pub runs: usize,
    /// The seconds that lie at least between the starts of two runs.
    #[serde(default)]
    pub gap: f64,
    /// The supervisor must be notified that it is ready.
    #[serde(default)]
    pub ready: bool,
    /// Who runs the tree in which it makes sense: `root`, `abc`.
    #[serde(default = "by_root")]
    pub callers: Vec<String>,
    /// The worker's gid, where it is not abc's.
    pub primary_group: Option<String>,
    /// Paths that it makes, whose owner and mode are compared.
    #[serde(default)]
    pub makes: Vec<PathBuf>,
    /// The line of futo-launch that does the same, by hand.
    pub now: Option<String>,
    /// What `futo convert` makes of it: `line`, `script`, or `stays: ` and how the reason begins.
    pub conversion: String,
    /// The rows of docs/migrating.md of which this is the proof, by their first cell.
    #[serde(default)]
    pub rows: Vec<String>,
    /// The keys of the deliberate differences that are to be seen, beside those that are everywhere.
    #[serde(default)]
    pub differs: Vec<String>,
    /// Those that only what `futo convert` makes shows.
    #[serde(default)]
    pub conversion_differs: Vec<String>,
}

fn one() -> usize {
    1
}

fn by_root() -> Vec<String> {
    vec!["root".to_string()]
}

/// A run file, and the script beside it that it runs: its name and text.
#[derive(Debug)]
pub struct RunFile {
    pub text: String,
    pub script: Option<(String, String)>,
}

impl RunFile {
    /// One without a script.
    pub fn alone(text: String) -> RunFile {
        RunFile { text, script: None }
    }
}

/// Services, each a case and its run file.
pub type Services<'c> = Vec<(&'c Case, RunFile)>;

/// A case of the corpus.
pub struct Case {
    pub name: String,
    pub directory: PathBuf,
    pub settings: Settings,
}

impl Case {
    /// The old run file.
    pub fn run(&self) -> String {
        read(self.directory.join("run"))
    }

    /// The run file of one line, by hand.
    pub fn by_hand(&self) -> Option<String> {
        self.settings.now.as_ref().map(|line| format!("#!/bin/sh\n{line}\n"))
    }

    /// Copies its service directory, with this run file, as one of the user who runs the tree.
    pub fn copy_to(&self, directory: &Path, run: &str, caller: Caller) {
        copy_tree(&self.directory, directory);
        fs::remove_file(directory.join("case.toml")).expect("removed");
        let _ = fs::remove_dir_all(directory.join("root"));
        write(&directory.join("run"), run, 0o755);
        for script in ["finish", "log/run", "hook.sh"] {
            if directory.join(script).exists() {
                set_mode(directory.join(script), 0o755);
            }
        }
        if caller == Caller::Abc {
            let owned = Command::new("chown").args(["-R", "911:911"]).arg(directory).status();
            assert!(owned.expect("chown starts").success());
        }
    }

    /// The programs whose runs are compared one by one, without their directories.
    pub fn workers(&self) -> impl Iterator<Item = &str> {
        let is_other = |name: &str| {
            [&self.settings.checks, &self.settings.never]
                .iter()
                .any(|list| list.iter().any(|other| other == name))
        };
        self.settings.programs.keys().map(|path| base_name(path)).filter(move |name| !is_other(name))
    }

    /// Whether its tree is run by this user.
    pub fn is_for(&self, caller: Caller) -> bool {
        let caller = if caller == Caller::Root { "root" } else { "abc" };
        self.settings.callers.iter().any(|other| other == caller)
    }
}

/// `app` of `/opt/app`.
pub fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `cp -R FROM/. TO`
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    let copied = Command::new("cp").arg("-R").arg(from.join(".")).arg(to).status();
    assert!(copied.expect("cp starts").success(), "{}", from.display());
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/convert")
}

/// All of them, by name.
pub fn all() -> Vec<Case> {
    let directories = names_in(&corpus()).into_iter().filter(|name| corpus().join(name).is_dir());
    directories
        .map(|name| {
            let directory = corpus().join(&name);
            let text = fs::read_to_string(directory.join("case.toml"))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let settings = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            Case { name, directory, settings }
        })
        .collect()
}
