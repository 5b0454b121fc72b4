//! A manual page as text, for a terminal without man(1).

use std::fmt::Write as _;

use super::page::{ManualPage, Part};
use crate::cli::help::wrapped;

/// Columns that are used at most, and at least.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=100;

/// The page in lines of this many columns.
pub(super) fn text(page: &ManualPage, columns: usize) -> String {
    let width = columns.clamp(*WIDTHS.start(), *WIDTHS.end());
    let mut text = format!("{}({})\n", page.name.to_uppercase(), page.section);
    for part in &page.parts {
        match part {
            Part::Section(title) => _ = writeln!(text, "\n{title}"),
            Part::Subsection(title) => _ = writeln!(text, "\n  {title}"),
            Part::Summary(summary) => lines(&mut text, 4, width, &format!("{} - {summary}", page.name)),
            Part::Paragraph(paragraph) => lines(&mut text, 4, width, paragraph),
            Part::Entry(term, meaning) => {
                let _ = writeln!(text, "    {term}");
                lines(&mut text, 8, width, meaning);
            }
            Part::Example(example) => {
                example.lines().for_each(|line| _ = writeln!(text, "        {line}"));
            }
        }
    }
    text
}

fn lines(text: &mut String, indent: usize, width: usize, paragraph: &str) {
    for line in wrapped(paragraph, width - indent) {
        let _ = writeln!(text, "{:indent$}{line}", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_text_within_the_columns() {
        let mut page = ManualPage::new("futo-x", 1, "do x");
        page.section("Options");
        page.subsection("Some");
        page.entry("--interval DURATION", &"word ".repeat(20));
        page.example("#!/bin/sh\n  exec x");
        let text = text(&page, 40);
        assert!(
            text.starts_with("FUTO-X(1)\n\nNAME\n    futo-x - do x\n\nOPTIONS\n\n  Some\n    --interval"),
            "{text}"
        );
        assert!(text.ends_with("        #!/bin/sh\n          exec x\n"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 40) && !text.contains('\\'), "{text}");
    }
}
