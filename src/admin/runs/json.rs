//! `--json`. The form is docs/runs.schema.json; fields are added, never changed.

use serde::Serialize;

use super::Page;
use crate::escape;
use crate::record::PastRun;
use crate::sys::clock;

#[derive(Serialize)]
struct RunsJson<'a> {
    version: u32,
    time: String,
    name: &'a str,
    is_loop: bool,
    runs: Vec<RunJson<'a>>,
    troubles: Vec<&'a str>,
}

#[derive(Serialize)]
struct RunJson<'a> {
    #[serde(flatten)]
    run: &'a PastRun,
    failed: bool,
}

pub(super) fn page(page: &Page<'_>) -> String {
    let json = RunsJson {
        version: 1,
        time: clock::utc(page.now),
        name: &page.snapshot.service.name,
        is_loop: page.snapshot.is_loop(),
        runs: page.rows().map(|run| RunJson { run, failed: run.is_failure() }).collect(),
        troubles: page.snapshot.troubles.iter().map(|trouble| trouble.text.as_str()).collect(),
    };
    // a struct of texts and numbers always has a JSON form
    let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
    text.push('\n');
    escape::json(&text).into_owned()
}
