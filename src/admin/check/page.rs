//! The report of `futo check`, for people and as JSON.

use serde::Serialize;

use super::finding::{CheckFinding, Weight};
use crate::escape;
use crate::escape::push_escaped;
use crate::service::place::Service;

type Checked = [(Service, Vec<CheckFinding>)];

/// The report for people; `others` services were left out.
pub(super) fn text(checked: &Checked, others: usize) -> String {
    let mut page = String::new();
    for (service, found) in checked {
        for CheckFinding { weight, text, hint } in found {
            let word = match weight {
                Weight::Problem => "",
                Weight::Note => "note: ",
                Weight::Unseen => "not checked: ",
            };
            push_escaped(&mut page, &format!("{}: {word}{text}", service.name));
            page.push('\n');
            if let Some(hint) = hint {
                page.push_str("  hint: ");
                push_escaped(&mut page, hint);
                page.push('\n');
            }
        }
        if !found.iter().any(CheckFinding::is_problem) {
            let is_whole = found.iter().all(|found| found.weight != Weight::Unseen);
            let verdict = if is_whole { "nothing to fix" } else { "nothing to fix in what could be checked" };
            push_escaped(&mut page, &format!("{}: {verdict}", service.name));
            page.push('\n');
        }
    }
    if checked.is_empty() {
        page.push_str(&match others {
            0 => "no services\n".to_string(),
            others => format!("no futo-launch services; {others} others not shown (--all)\n"),
        });
    }
    page
}

#[derive(Serialize)]
struct CheckJson<'a> {
    version: u32,
    services: Vec<CheckedServiceJson<'a>>,
}

#[derive(Serialize)]
struct CheckedServiceJson<'a> {
    name: &'a str,
    findings: &'a [CheckFinding],
}

/// The form is docs/check.schema.json.
pub(super) fn json(checked: &Checked) -> String {
    let services = checked
        .iter()
        .map(|(service, findings)| CheckedServiceJson { name: &service.name, findings })
        .collect();
    // a struct of texts always has a JSON form
    let mut text = serde_json::to_string_pretty(&CheckJson { version: 1, services }).unwrap_or_default();
    text.push('\n');
    escape::json(&text).into_owned()
}
