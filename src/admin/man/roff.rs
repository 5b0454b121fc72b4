//! A manual page in the man(7) macros.

use std::fmt::Write as _;

/// A page as it grows.
pub(super) struct Page(String);

impl Page {
    pub(super) fn new(name: &str, section: u8, summary: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let mut page = Page(String::new());
        let title = name.to_uppercase();
        let _ = writeln!(page.0, ".TH {} {section} \"\" \"futo\\-launch {version}\"", escaped(&title));
        page.section("Name");
        let _ = writeln!(page.0, "{} \\- {}", escaped(name), escaped(summary));
        page
    }

    pub(super) fn section(&mut self, title: &str) {
        let _ = writeln!(self.0, ".SH {}", escaped(&title.to_uppercase()));
    }

    pub(super) fn subsection(&mut self, title: &str) {
        let _ = writeln!(self.0, ".SS \"{}\"", escaped(title));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.0, ".PP\n{}", line(text));
    }

    /// A term and what it means.
    pub(super) fn entry(&mut self, term: &str, meaning: &str) {
        let _ = writeln!(self.0, ".TP\n.B {}\n{}", line(term), line(meaning));
    }

    /// Lines as they are.
    pub(super) fn example(&mut self, text: &str) {
        self.0.push_str(".PP\n.nf\n.RS 4\n");
        for each in text.lines() {
            let _ = writeln!(self.0, "{}", line(each));
        }
        self.0.push_str(".RE\n.fi\n");
    }

    pub(super) fn end(self) -> String {
        self.0
    }
}

/// A line that begins with no request.
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
