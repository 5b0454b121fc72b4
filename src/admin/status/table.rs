//! The pages for people: a table at a terminal, one line per service in a pipe.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

use super::overview::Overview;
use super::row::{HEADINGS, TableRow};
use crate::admin::services;
use crate::escape::push_escaped;
use crate::observe::ServiceState;

/// The longest name that is shown whole on a terminal.
const NAME: usize = 24;
/// So many columns are in a line of a pipe: what reads them knows them by their place.
const IN_A_LINE: usize = 9;
/// Columns that are aligned to the right.
const NUMBERS: std::ops::RangeInclusive<usize> = 2..=9;

/// Whether the table is in colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    On,
    Off,
}

fn colour(state: ServiceState) -> Option<Color> {
    match state {
        ServiceState::Resting | ServiceState::Restarting | ServiceState::Starting | ServiceState::Gated => {
            Some(Color::Yellow)
        }
        ServiceState::Down => None,
        ServiceState::Running | ServiceState::Waiting | ServiceState::Done | ServiceState::Up => {
            Some(Color::Green)
        }
        _ => Some(Color::Red),
    }
}

/// Columns that are left out where there is no room, in this order.
const DISPENSABLE: [usize; 9] = [10, 9, 8, 2, 3, 7, 5, 6, 4];

/// The columns that fit, and the gap between them.
fn layout(rows: &[TableRow], width: usize) -> (Vec<usize>, u16) {
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            let fields = rows.iter().filter_map(|row| row.fields.get(column));
            let widest = fields.map(|field| field.chars().count()).max().unwrap_or(0);
            let widest = if column == 0 { widest.min(NAME) } else { widest };
            widest.max(HEADINGS.get(column).map_or(0, |heading| heading.len()))
        })
        .collect();
    let mut columns: Vec<usize> = (0..HEADINGS.len()).collect();
    let mut dispensable = DISPENSABLE.into_iter();
    loop {
        let needed: usize = columns.iter().filter_map(|column| widths.get(*column)).sum();
        for gap in [2, 1] {
            if needed + gap * (columns.len() - 1) <= width {
                return (columns, u16::try_from(gap).unwrap_or(1));
            }
        }
        match dispensable.next() {
            Some(column) => columns.retain(|each| *each != column),
            None => return (columns, 1),
        }
    }
}

/// The table, within `width` where that is possible; a service that has something to report gets a second line.
pub(super) fn page(overview: &Overview, width: usize, colours: Colours) -> String {
    let rows: Vec<TableRow> = overview.rows().collect();
    let (columns, gap) = layout(&rows, width);
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    match colours {
        Colours::On => table.enforce_styling(),
        Colours::Off => table.force_no_tty(),
    };
    let headings = columns.iter().filter_map(|column| HEADINGS.get(*column));
    table.add_row(headings.map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
    for row in &rows {
        table.add_row(columns.iter().filter_map(|column| row.fields.get(*column).zip(Some(*column))).map(
            |(field, column)| {
                let field = if column == 0 { shortened(field, NAME) } else { field.clone() };
                let cell = Cell::new(field);
                match (column, colour(row.state)) {
                    (1, Some(colour)) => cell.fg(colour),
                    _ => cell,
                }
            },
        ));
    }
    for (column, index) in table.column_iter_mut().zip(&columns) {
        column.set_padding((0, gap));
        if NUMBERS.contains(index) {
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
            let _ = match colours {
                Colours::On => writeln!(page, "  \u{1b}[2m{detail}\u{1b}[0m"),
                Colours::Off => writeln!(page, "  {detail}"),
            };
        }
    }
    let count = services::count(rows.iter().map(|row| row.state));
    let count = if rows.is_empty() { "no services" } else { &count };
    let others = match overview.others {
        0 => String::new(),
        others => format!("; {others} others not shown (--all)"),
    };
    let _ = writeln!(page, "{count}{others}");
    push_unseen(&mut page, overview);
    page
}

/// One line per service: columns separated by blanks, `-` for an empty field, the reason last.
pub(super) fn plain(overview: &Overview) -> String {
    // a heading is one word there
    let headings = HEADINGS.map(|heading| heading.replace(' ', "-"));
    let mut lines = vec![(headings, "WHY".to_string())];
    for row in overview.rows() {
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
        for (field, width) in fields.iter().zip(widths).take(IN_A_LINE) {
            let _ = write!(page, "{field:<width$} ");
        }
        let _ = writeln!(page, "{}", if detail.is_empty() { "-" } else { &detail });
    }
    push_unseen(&mut page, overview);
    page
}

fn push_unseen(page: &mut String, overview: &Overview) {
    for unseen in &overview.unseen {
        push_escaped(page, unseen);
        page.push('\n');
    }
}

/// A text of at most this many characters.
fn shortened(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_string(),
    }
}
