//! For people: a table on a terminal, a line a service in a pipe.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

use super::Look;
use super::row::{HEADINGS, Row};
use crate::observe::State;
use crate::report::push_escaped;

/// The longest name that is shown whole on a terminal.
const NAME: usize = 24;
/// Of these columns numbers stand below each other.
const NUMBERS: std::ops::RangeInclusive<usize> = 2..=8;

fn colour(state: State) -> Option<Color> {
    match state {
        State::Crashing | State::Failing | State::GaveUp | State::Unsupervised | State::Unknown => {
            Some(Color::Red)
        }
        State::Resting | State::Restarting | State::Starting | State::Paused | State::Gated => {
            Some(Color::Yellow)
        }
        State::Running | State::Waiting | State::Done | State::Up => Some(Color::Green),
        State::Down | State::NotPublished => None,
    }
}

/// The table, no line longer than `width`: below each service that has something to say, a line with it.
pub(super) fn page(look: &Look, width: usize, has_colour: bool) -> String {
    let rows: Vec<Row> = look.rows().collect();
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    match has_colour {
        true => table.enforce_styling(),
        false => table.force_no_tty(),
    };
    table.add_row(HEADINGS.iter().map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
    for row in &rows {
        table.add_row(row.fields.iter().enumerate().map(|(column, field)| {
            let field = if column == 0 { shortened(field, NAME) } else { field.clone() };
            let cell = Cell::new(field);
            match (column, colour(row.state)) {
                (1, Some(colour)) => cell.fg(colour),
                _ => cell,
            }
        }));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if NUMBERS.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut page = String::new();
    let details = rows.iter().map(|row| row.detail.as_str());
    for (line, detail) in table.lines().zip([""].into_iter().chain(details)) {
        page.push_str(line.trim_end());
        page.push('\n');
        if !detail.is_empty() {
            let detail = shortened(detail, width.saturating_sub(2));
            let _ = match has_colour {
                true => writeln!(page, "  \u{1b}[2m{detail}\u{1b}[0m"),
                false => writeln!(page, "  {detail}"),
            };
        }
    }
    let healthy = rows.iter().filter(|row| row.state.is_healthy()).count();
    let all = rows.len();
    let _ = match (all, all - healthy) {
        (0, _) => writeln!(page, "no services"),
        (_, 0) => writeln!(page, "{all} services, all well"),
        (_, ill) => writeln!(page, "{all} services, {ill} not well"),
    };
    push_unseen(&mut page, look);
    page
}

/// A line a service, columns apart by blanks, an empty field is `-`; the reason comes last.
pub(super) fn plain(look: &Look) -> String {
    let headings = HEADINGS.map(String::from);
    let mut lines = vec![(headings, "WHY".to_string())];
    for row in look.rows() {
        lines.push((
            row.fields.map(|field| if field.is_empty() { "-".to_string() } else { field }),
            row.detail,
        ));
    }
    let mut widths = [0; HEADINGS.len()];
    for (fields, _) in &lines {
        for (width, field) in widths.iter_mut().zip(fields) {
            *width = field.chars().count().max(*width);
        }
    }
    let mut page = String::new();
    for (fields, detail) in lines {
        for (field, width) in fields.iter().zip(widths) {
            let _ = write!(page, "{field:<width$} ");
        }
        let _ = writeln!(page, "{}", if detail.is_empty() { "-" } else { &detail });
    }
    push_unseen(&mut page, look);
    page
}

fn push_unseen(page: &mut String, look: &Look) {
    for unseen in &look.unseen {
        push_escaped(page, unseen);
        page.push('\n');
    }
}

/// At most so many characters.
fn shortened(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_string(),
    }
}
