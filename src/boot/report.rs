//! What was done, for people and for programs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::choice::Intent;
use super::service_directory::{DirectoryChange, PublishError};
use crate::error::{Finding, Findings};
use crate::escape;
pub use crate::escape::field;
use crate::exit::Exit;
use crate::report::{Level, Reporter};

/// What became of one service.
#[derive(Debug)]
pub struct ReportRow {
    /// The name on its line: the instance's, or the service's.
    pub shown: String,
    /// Its name in the scan directory; none if the name is not valid.
    pub service: Option<String>,
    /// The state that it was left in, if a file records it.
    pub prior_state: Option<String>,
    /// The word on its line.
    pub action: &'static str,
    /// What was done to its service directory.
    pub change: Option<DirectoryChange>,
    /// Its supervisor was ordered to start or stop it.
    pub is_ordered: bool,
    /// What is wrong with it.
    pub failures: Findings,
    /// What is wrong passes by itself; another run will succeed.
    pub is_unfinished: bool,
    /// What deserves attention, without being a failure.
    pub warnings: Findings,
}

impl ReportRow {
    /// A row about which nothing is known yet.
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
        }
    }

    /// Notes why its service directory is not as desired.
    pub fn fail(&mut self, error: PublishError) {
        self.is_unfinished |= error.is_temporary();
        self.failures.push(error);
    }

    /// Whether anything was done.
    pub fn is_news(&self) -> bool {
        self.is_ordered || self.change.is_some_and(|change| change != DirectoryChange::Unchanged)
    }

    /// Whether it is not as desired.
    pub fn has_failed(&self) -> bool {
        !self.failures.is_empty()
    }
}

/// The word for a service that is not as desired.
pub const FAILED: &str = "failed";

/// What a run has done.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of the lines.
    pub rows: Vec<ReportRow>,
    /// What is wrong, apart from single services.
    pub failures: Findings,
    /// What deserves attention, apart from single services.
    pub warnings: Findings,
    /// Why there was nothing to be done here, if so.
    pub skipped: Option<String>,
    /// Nothing could be examined.
    pub is_nothing_done: bool,
    /// What has failed will fail again for as long as this process lives.
    pub is_hopeless: bool,
}

impl Report {
    /// 0 if nothing has failed, 1 if something has, 2 if nothing could be done.
    pub fn exit(&self) -> Exit {
        let failed = !self.failures.is_empty() || self.rows.iter().any(ReportRow::has_failed);
        match (self.is_nothing_done, failed) {
            (true, _) => Exit::NOTHING_DONE,
            (false, true) => Exit::SOME_FAILED,
            (false, false) => Exit::OK,
        }
    }

    /// Reports what is wrong, and where.
    pub fn say(&self, reporter: &Reporter) {
        Report::say_rows(&self.rows, reporter);
        reporter.findings(Level::Fatal, &self.failures);
        reporter.findings(Level::Warning, &self.warnings);
    }

    /// Reports what is wrong with these services; a hint that several of them share is printed once.
    pub fn say_rows(rows: &[ReportRow], reporter: &Reporter) {
        let mut hints = BTreeSet::new();
        for row in rows {
            let mut say = |level, finding: &Finding| {
                let text = format!("{}: {}", row.service.as_ref().unwrap_or(&row.shown), finding.text);
                let hint = finding.hint.clone().filter(|hint| hints.insert(hint.clone()));
                reporter.finding(level, &Finding { text, hint, ..finding.clone() });
            };
            row.failures.iter().for_each(|each| say(Level::Fatal, each));
            row.warnings.iter().for_each(|each| say(Level::Warning, each));
        }
    }

    /// The form for programs.
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
                problems: problems_json(&row.failures),
                warnings: problems_json(&row.warnings),
            })
            .collect();
        let page = ReportJson {
            version: 1,
            command,
            dry_run: intent == Intent::Look,
            exit: self.exit().code(),
            skipped: self.skipped.as_deref(),
            services,
            problems: problems_json(&self.failures),
            warnings: problems_json(&self.warnings),
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

fn problems_json(findings: &Findings) -> Vec<ProblemJson<'_>> {
    findings
        .iter()
        .map(|finding| ProblemJson { text: &finding.text, hint: finding.hint.as_deref() })
        .collect()
}
