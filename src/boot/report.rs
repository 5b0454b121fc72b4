//! The report of a run, for people and for programs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::choice::Intent;
use super::service_directory::{DirectoryChange, PublishError};
use crate::error::{Finding, Findings};
use crate::escape;
pub use crate::escape::field;
use crate::exit::Exit;
use crate::report::{Level, Reporter};

/// The result for one service.
#[derive(Debug)]
pub struct ReportRow {
    /// The name on its line: of the instance, or of the service.
    pub shown: String,
    /// Its name in the scan directory; `None` if the name is not valid.
    pub service: Option<String>,
    /// Its state before this run, if a file records it.
    pub prior_state: Option<String>,
    /// The word on its line.
    pub action: &'static str,
    /// The change to its service directory.
    pub change: Option<DirectoryChange>,
    /// Whether its supervisor was sent a command to start or stop it.
    pub is_ordered: bool,
    /// The errors.
    pub failures: Findings,
    /// Whether the errors are temporary: another run will succeed.
    pub is_unfinished: bool,
    /// The warnings.
    pub warnings: Findings,
    /// Warnings that are the reason why it is not published.
    pub refusals: Findings,
}

impl ReportRow {
    /// A row without a result yet.
    pub fn new(shown: impl Into<String>) -> Self {
        ReportRow {
            shown: shown.into(),
            service: None,
            prior_state: None,
            action: FAILED,
            change: None,
            is_ordered: false,
            failures: Findings::default(),
            is_unfinished: false,
            warnings: Findings::default(),
            refusals: Findings::default(),
        }
    }

    /// All warnings.
    fn all_warnings(&self) -> impl Iterator<Item = &Finding> {
        self.warnings.iter().chain(self.refusals.iter())
    }

    /// Records why its service directory does not match its manifest.
    pub fn fail(&mut self, error: PublishError) {
        self.is_unfinished |= error.is_temporary();
        self.failures.push(error);
    }

    /// Whether anything was done.
    pub fn is_news(&self) -> bool {
        self.is_ordered || self.change.is_some_and(|change| change != DirectoryChange::Unchanged)
    }

    /// Whether there are errors.
    pub fn has_failed(&self) -> bool {
        !self.failures.is_empty()
    }
}

/// The action of a service with errors.
pub const FAILED: &str = "failed";

/// The result of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of the lines.
    pub rows: Vec<ReportRow>,
    /// The errors that do not concern a single service.
    pub failures: Findings,
    /// The warnings that do not concern a single service.
    pub warnings: Findings,
    /// Why the run was skipped, if so.
    pub skipped: Option<String>,
    /// Whether no source could be examined.
    pub is_nothing_done: bool,
    /// Whether the errors will persist for the lifetime of this process.
    pub is_hopeless: bool,
}

impl Report {
    /// 0 on success, 1 if some services have failed, 2 if nothing could be done.
    pub fn exit(&self) -> Exit {
        let failed = !self.failures.is_empty() || self.rows.iter().any(ReportRow::has_failed);
        match (self.is_nothing_done, failed) {
            (true, _) => Exit::NOTHING_DONE,
            (false, true) => Exit::SOME_FAILED,
            (false, false) => Exit::OK,
        }
    }

    /// Prints errors and warnings with their services.
    pub fn print(&self, reporter: &Reporter) {
        Report::print_rows(&self.rows, reporter);
        reporter.findings(Level::Fatal, &self.failures);
        reporter.findings(Level::Warning, &self.warnings);
    }

    /// Prints errors and warnings of these services; a hint that several of them share is printed once.
    pub fn print_rows(rows: &[ReportRow], reporter: &Reporter) {
        let mut hints = BTreeSet::new();
        for row in rows {
            let mut print = |level, finding: &Finding| {
                let text = format!("{}: {}", row.service.as_ref().unwrap_or(&row.shown), finding.text);
                let hint = finding.hint.clone().filter(|hint| hints.insert(hint.clone()));
                reporter.finding(level, &Finding { text, hint, ..finding.clone() });
            };
            row.failures.iter().for_each(|each| print(Level::Fatal, each));
            row.all_warnings().for_each(|each| print(Level::Warning, each));
        }
    }

    /// The JSON form.
    pub fn json(&self, command: &'static str, intent: Intent) -> String {
        let services = self
            .rows
            .iter()
            .map(|row| ServiceJson {
                name: &row.shown,
                service: row.service.as_deref(),
                prior_state: row.prior_state.as_deref(),
                action: row.action,
                change: row.change.map(change_word),
                problems: problems_json(row.failures.iter()),
                warnings: problems_json(row.all_warnings()),
            })
            .collect();
        let page = ReportJson {
            version: 1,
            command,
            dry_run: intent == Intent::DryRun,
            exit: self.exit().code(),
            skipped: self.skipped.as_deref(),
            services,
            problems: problems_json(self.failures.iter()),
            warnings: problems_json(self.warnings.iter()),
        };
        // a struct of strings and numbers always has a JSON form
        let text = serde_json::to_string_pretty(&page).unwrap_or_default();
        escape::json(&text).into_owned() + "\n"
    }
}

/// The word for a change, as in `published`.
pub fn change_word(change: DirectoryChange) -> &'static str {
    match change {
        DirectoryChange::Published => "published",
        DirectoryChange::Updated => "updated",
        DirectoryChange::Unchanged => "unchanged",
        DirectoryChange::Pruned => "pruned",
    }
}

#[derive(Serialize)]
struct ReportJson<'r> {
    version: u32,
    command: &'static str,
    dry_run: bool,
    exit: i32,
    skipped: Option<&'r str>,
    services: Vec<ServiceJson<'r>>,
    problems: Vec<ProblemJson<'r>>,
    warnings: Vec<ProblemJson<'r>>,
}

#[derive(Serialize)]
struct ServiceJson<'r> {
    name: &'r str,
    service: Option<&'r str>,
    prior_state: Option<&'r str>,
    action: &'static str,
    change: Option<&'static str>,
    problems: Vec<ProblemJson<'r>>,
    warnings: Vec<ProblemJson<'r>>,
}

#[derive(Serialize)]
struct ProblemJson<'r> {
    text: &'r str,
    hint: Option<&'r str>,
}

fn problems_json<'r>(findings: impl Iterator<Item = &'r Finding>) -> Vec<ProblemJson<'r>> {
    findings.map(|finding| ProblemJson { text: &finding.text, hint: finding.hint.as_deref() }).collect()
}
