//! The rows of a table of options, and the reader of words by such a table: one of each for both programs.
//!
//! The tables themselves: `config::flags` for the launcher, one per command in `admin`.

mod parser;

pub use parser::{HasValue, Listed, Parser, Spelling, Word, WordError};

/// Whether an option has a value, and its name in the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A switch.
    Nothing,
    /// `--name VALUE` or `--name=VALUE`
    Value(&'static str),
    /// `--name` or `--name=VALUE`
    OptionalValue(&'static str),
}

/// A row: what the pages and the parser need of an option, and what it means to its program.
#[derive(Clone, Copy)]
pub struct OptionRow<M> {
    /// The long name, without dashes.
    pub long: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// Its value.
    pub takes: Takes,
    /// Whether it may be repeated (values add up); else the last one wins.
    pub repeats: bool,
    /// What its value may be or start with, for completions; only what the metavariable does not show.
    pub values: &'static [&'static str],
    /// One line for `-h`.
    pub help: &'static str,
    /// More lines for `--help`; empty if one line is enough.
    pub more: &'static str,
    /// What it means to its program.
    pub meaning: M,
}

impl<M: Copy> OptionRow<M> {
    /// A row without a short name.
    pub const fn new(meaning: M, long: &'static str, takes: Takes, help: &'static str) -> Self {
        OptionRow { long, short: None, takes, repeats: false, values: &[], help, more: "", meaning }
    }

    /// The same with a short name.
    pub const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// The same, and it may be repeated.
    pub const fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// The same with words that its value may be or start with.
    pub const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    /// The same with more lines for `--help`.
    pub const fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }
}

impl<M> OptionRow<M> {
    /// The row as the pages need it.
    pub fn for_pages(&self) -> OptionRow<()> {
        OptionRow {
            long: self.long,
            short: self.short,
            takes: self.takes,
            repeats: self.repeats,
            values: self.values,
            help: self.help,
            more: self.more,
            meaning: (),
        }
    }

    /// How the pages spell it: `--user USER[:GROUP]`.
    pub fn spelled(&self) -> String {
        let short = self.short.map_or(String::new(), |short| format!("-{short}, "));
        match self.takes {
            Takes::Nothing => format!("{short}--{}", self.long),
            Takes::Value(metavariable) => format!("{short}--{} {metavariable}", self.long),
            Takes::OptionalValue(metavariable) => format!("{short}--{}[={metavariable}]", self.long),
        }
    }
}
