//! `futo check FILE.env`: reports how a file of variables is read.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::bash::{self, BashUser, VariableMap, steers_bash};
use crate::config::settings::Dialect;
use crate::config::value::VariableName;
use crate::env_file::{self, Assignment, Refusal};
use crate::error::reason_of;
use crate::escape::push_escaped;
use crate::exit::Exit;
use crate::ready::environment::dotenv;
use crate::sys;
use crate::sys::nofollow;
use crate::sys::privilege::Privilege;
use crate::trust::Trust;

/// What to show of a file that can be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Whether it can be read.
    Verdict,
    /// `--canonical`: the file in canonical spelling, with its values: it is the user's own file.
    Canonical,
    /// `--compare`: the names of variables that have a different value in bash.
    Comparison,
}

/// A file that has been read, in either dialect.
struct Reading {
    assignments: Vec<Assignment>,
    quirk: Option<String>,
}

impl Reading {
    fn of(bytes: &[u8], dialect: Dialect, inherited: &VariableMap) -> Result<Self, Vec<Refusal>> {
        match dialect {
            Dialect::Bash => {
                let value = |name: &str| inherited.get(OsStr::new(name)).map(|value| value.as_bytes());
                let file = env_file::parse(bytes, &value)?;
                let quirk = file.quirk().map(str::to_string);
                Ok(Reading { assignments: file.assignments, quirk })
            }
            Dialect::Dotenv => {
                let variables = inherited.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
                let file = dotenv::parse(bytes, variables)?;
                let quirk = file.quirk();
                Ok(Reading { assignments: file.assignments, quirk })
            }
        }
    }
}

/// Reports how each file is read.
pub(super) fn check<'a>(files: impl Iterator<Item = &'a Path>, dialect: Dialect, show: Show) -> Exit {
    let mut exit = Exit::OK;
    for file in files {
        let (page, is_good) = page(file, dialect, show);
        // the canonical spelling may be redirected to a file, findings may not
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let to_stderr = show == Show::Canonical && !is_good;
        let output = if to_stderr { stderr.as_fd() } else { stdout.as_fd() };
        sys::fd::write_all_or_give_up(output, &page);
        if !is_good {
            exit = Exit::FINDINGS;
        }
    }
    exit
}

/// The report about a file, and whether the file is good.
fn page(path: &Path, dialect: Dialect, show: Show) -> (Vec<u8>, bool) {
    let mut page = FileReport::of(path);
    let who = match (show, BashUser::of(path)) {
        (Show::Comparison, Err(error)) => {
            page.line(None, &error.to_string());
            return page.faulty();
        }
        (Show::Comparison, Ok(who)) => who,
        (Show::Verdict | Show::Canonical, _) => BashUser::Caller,
    };
    // root does not follow user-owned links
    let read = || {
        let file = nofollow::open_regular_for(Privilege::current(), path)?;
        sys::file::read_at_most(file, env_file::MAX_BYTES)
    };
    // bash gets what its user can read
    let read = match &who {
        BashUser::Caller => read(),
        BashUser::User(_) => Trust::default().read_as_user(read),
    };
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) => {
            page.line(None, &format!("unable to read it: {}", reason_of(&error)));
            return page.faulty();
        }
    };
    let inherited: VariableMap = who.environment();
    let reading = match Reading::of(&bytes, dialect, &inherited) {
        Ok(reading) => reading,
        Err(refusals) => {
            page.refusals(refusals);
            if dialect == Dialect::Bash && Reading::of(&bytes, Dialect::Dotenv, &inherited).is_ok() {
                page.line(
                    None,
                    "is valid as a dotenv file: use futo check --dotenv, and --dotenv in the run file",
                );
            }
            return page.faulty();
        }
    };
    let value = |name: &str| inherited.get(OsStr::new(name)).map(|value| value.as_bytes());
    match show {
        Show::Verdict => {
            page.verdict(&reading, dialect);
            return page.good();
        }
        Show::Canonical => match env_file::spell(&bytes, &value) {
            Ok(Some(text)) => return (text, true),
            _ => page.line(None, "it has no canonical spelling with the same values"),
        },
        Show::Comparison => match bash::variables(&who, &bytes, &inherited) {
            Ok(in_bash) => return page.comparison(&reading, &inherited, &in_bash),
            Err(error) => page.line(None, &error.to_string()),
        },
    }
    page.faulty()
}

/// A report whose lines start with the name of the file.
struct FileReport {
    place: String,
    text: String,
}

impl FileReport {
    fn of(path: &Path) -> Self {
        FileReport { place: path.display().to_string(), text: String::new() }
    }

    fn good(self) -> (Vec<u8>, bool) {
        (self.text.into_bytes(), true)
    }

    fn faulty(self) -> (Vec<u8>, bool) {
        (self.text.into_bytes(), false)
    }

    fn line(&mut self, line: Option<usize>, what: &str) {
        push_escaped(&mut self.text, &self.place);
        let _ = line.map(|line| write!(self.text, ":{line}"));
        self.text.push_str(": ");
        push_escaped(&mut self.text, what);
        self.text.push('\n');
    }

    fn hint(&mut self, remedy: &str) {
        self.text.push_str("  hint: ");
        push_escaped(&mut self.text, remedy);
        self.text.push('\n');
    }

    fn refusals(&mut self, refusals: Vec<Refusal>) {
        for Refusal { line, what, remedy } in refusals {
            self.line(Some(line), &what);
            self.hint(&remedy);
        }
    }

    fn verdict(&mut self, reading: &Reading, dialect: Dialect) {
        let names: BTreeSet<&str> = reading.assignments.iter().map(|each| each.name.as_str()).collect();
        let count = names.len();
        let variables = if count == 1 { "variable" } else { "variables" };
        let whose = match dialect {
            Dialect::Bash => "bash",
            Dialect::Dotenv => "compose",
        };
        let but = if reading.quirk.is_some() { ", except as follows" } else { "" };
        self.line(None, &format!("{count} {variables}, with the values that {whose} would assign{but}"));
        if let Some(quirk) = &reading.quirk {
            self.line(None, quirk);
        }
    }

    /// Names only: a value may be a secret.
    fn comparison(
        mut self,
        reading: &Reading,
        inherited: &VariableMap,
        in_bash: &VariableMap,
    ) -> (Vec<u8>, bool) {
        let mut ours = inherited.clone();
        for assignment in &reading.assignments {
            let value = OsStr::from_bytes(&assignment.value).to_os_string();
            ours.insert(OsString::from(&assignment.name), value);
        }
        let is_set = |name: &OsStr| reading.assignments.iter().any(|each| OsStr::new(&each.name) == name);
        // other variables are inherited unchanged, or set by bash itself
        let is_set_by_bash = |name: &OsStr| {
            steers_bash(name)
                || SET_BY_BASH.iter().any(|own| name == *own)
                || VariableName::parse(name.as_bytes()).is_err()
        };
        let counts = |name: &&OsString| is_set(name) || !is_set_by_bash(name);
        let names: BTreeSet<&OsString> = ours.keys().chain(in_bash.keys()).filter(counts).collect();
        let differing: Vec<&OsString> =
            names.into_iter().filter(|name| ours.get(*name) != in_bash.get(*name)).collect();
        if differing.is_empty() {
            self.line(None, "all values are the same in bash");
        }
        for name in &differing {
            self.line(None, &format!("{} has a different value in bash", name.display()));
        }
        if let Some(quirk) = &reading.quirk {
            self.line(None, quirk);
        }
        if differing.is_empty() { self.good() } else { self.faulty() }
    }
}

/// Variables that bash sets for itself.
const SET_BY_BASH: [&str; 4] = ["SHLVL", "_", "PWD", "OLDPWD"];
