//! A manual page as its parts; roff.rs and plain.rs write them.

/// A page as it grows.
pub(super) struct ManualPage {
    pub(super) name: String,
    pub(super) section: u8,
    pub(super) parts: Vec<Part>,
}

/// A part of a page.
pub(super) enum Part {
    Section(String),
    Subsection(String),
    /// The name of the page and its subject.
    Summary(String),
    Paragraph(String),
    /// A term and its meaning.
    Entry(String, String),
    /// Lines as they are.
    Example(String),
}

impl ManualPage {
    pub(super) fn new(name: &str, section: u8, summary: &str) -> Self {
        let mut page = ManualPage { name: name.to_string(), section, parts: Vec::new() };
        page.section("Name");
        page.parts.push(Part::Summary(summary.to_string()));
        page
    }

    pub(super) fn section(&mut self, title: &str) {
        self.parts.push(Part::Section(title.to_uppercase()));
    }

    pub(super) fn subsection(&mut self, title: &str) {
        self.parts.push(Part::Subsection(title.to_string()));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.parts.push(Part::Paragraph(text.to_string()));
    }

    pub(super) fn entry(&mut self, term: &str, meaning: &str) {
        self.parts.push(Part::Entry(term.to_string(), meaning.to_string()));
    }

    pub(super) fn example(&mut self, text: &str) {
        self.parts.push(Part::Example(text.to_string()));
    }
}
