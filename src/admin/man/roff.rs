//! A manual page in the man(7) macros.

use std::fmt::Write as _;

use super::page::{ManualPage, Part};

/// The page as source of man(1).
pub(super) fn text(page: &ManualPage) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let title = escaped(&page.name.to_uppercase());
    let mut text = format!(".TH {title} {} \"\" \"futo\\-launch {version}\"\n", page.section);
    for part in &page.parts {
        let _ = match part {
            Part::Section(title) => writeln!(text, ".SH {}", escaped(title)),
            Part::Subsection(title) => writeln!(text, ".SS \"{}\"", escaped(title)),
            Part::Summary(summary) => writeln!(text, "{} \\- {}", escaped(&page.name), escaped(summary)),
            Part::Paragraph(paragraph) => writeln!(text, ".PP\n{}", line(paragraph)),
            Part::Entry(term, meaning) => writeln!(text, ".TP\n.B {}\n{}", line(term), line(meaning)),
            Part::Example(example) => {
                let lines: Vec<String> = example.lines().map(line).collect();
                writeln!(text, ".PP\n.nf\n.RS 4\n{}\n.RE\n.fi", lines.join("\n"))
            }
        };
    }
    text
}

/// A line that does not start with a request.
fn line(text: &str) -> String {
    let escaped = escaped(text);
    if escaped.is_empty() || escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            '"' => escaped.push_str("\\(dq"),
            character if character.is_ascii() => escaped.push(character),
            character => {
                let _ = write!(escaped, "\\[u{:04X}]", u32::from(character));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_request() {
        assert_eq!(line(".SH x"), "\\&.SH x");
        assert_eq!(line("'a' --b \\n …"), "\\(aqa\\(aq \\-\\-b \\en \\[u2026]");
        assert_eq!(line(""), "\\&");
    }
}
