//! What `futo convert` prints.

use std::io::IsTerminal;
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::write::{Undone, Written};
use crate::convert::{Conversion, Kind};
use crate::escape::{escaped, push_escaped};
use crate::report;
use crate::service::layout;

/// What became of a run file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    OneLine,
    WithScript,
    Stays,
    Nothing,
    Restored,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::OneLine => "one line",
            Outcome::WithScript => "with a script",
            Outcome::Stays => "stays",
            Outcome::Nothing => "unchanged",
            Outcome::Restored => "restored",
        }
    }
}

/// A row of the table of `--all`.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) result: Outcome,
    pub(super) why: String,
}

/// The row of a conversion: why it keeps a script, or how many notes it has.
pub(super) fn row_of(name: &str, conversion: &Conversion) -> Row {
    let first = conversion.findings.iter().find(|finding| finding.kind == Kind::Stays);
    let notes = conversion.findings.iter().filter(|finding| finding.kind == Kind::Note).count();
    let (result, why) = match (&conversion.script, first) {
        (Some(_), Some(first)) => (Outcome::WithScript, format!("line {}: {}", first.line, first.why)),
        (Some(_), None) => (Outcome::WithScript, String::new()),
        (None, _) => {
            (Outcome::OneLine, format!("{notes} notes: futo convert {}", crate::shell_quote::operand(name)))
        }
    };
    Row { name: name.to_string(), result, why }
}

/// The table of `--all`.
pub(super) fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no definitions\n".to_string();
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["NAME", "RUN FILE", "WHY"]);
    for row in rows {
        table.add_row([escaped(&row.name), row.result.word().to_string(), escaped(&row.why)]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_string()).collect();
    let count = |outcome| rows.iter().filter(|row| row.result == outcome).count();
    let counts = format!(
        "{} one line, {} with a script, {} stay",
        count(Outcome::OneLine),
        count(Outcome::WithScript),
        count(Outcome::Stays)
    );
    format!("{}\n{counts}\n", lines.join("\n"))
}

/// A conversion: the files, then what became of each line.
pub(super) fn print(run: &Path, conversion: &Conversion, written: Written) {
    let mut page = String::new();
    let shown = run.display().to_string();
    file(&mut page, &shown, &conversion.run);
    if let Some(script) = &conversion.script {
        file(&mut page, &run.with_file_name(&script.name).display().to_string(), &script.text);
    }
    page.push_str("==> report <==\n");
    for finding in &conversion.findings {
        let place = if finding.line == 0 { String::new() } else { format!("line {}: ", finding.line) };
        push_escaped(&mut page, &format!("{place}{}: {}", finding.kind.word(), finding.why));
        page.push('\n');
    }
    if written == Written::Yes {
        push_escaped(&mut page, &format!("written: {shown}; the old one is {}", layout::RUN_BEFORE));
        page.push_str("\na running service keeps the old one until it is restarted: futo restart\n");
    }
    report::print(&page);
}

/// A file with its name; at a terminal nothing in it controls that.
fn file(page: &mut String, name: &str, text: &[u8]) {
    page.push_str("==> ");
    push_escaped(page, name);
    page.push_str(" <==\n");
    let text = String::from_utf8_lossy(text);
    if !std::io::stdout().is_terminal() {
        return page.push_str(&text);
    }
    for line in text.lines() {
        for (index, part) in line.split('\t').enumerate() {
            page.push_str(if index > 0 { "\t" } else { "" });
            push_escaped(page, part);
        }
        page.push('\n');
    }
}

/// The result of an undo.
pub(super) fn print_undone(run: &Path, undone: Undone) {
    let mut page = String::new();
    push_escaped(&mut page, &format!("{}: {}", run.display(), undone.words()));
    page.push('\n');
    report::print(&page);
}
