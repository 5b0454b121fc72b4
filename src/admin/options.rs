//! What a command of futo is, and an option of one: the tables that feed the parser, `futo --help`, `futo COMMAND --help`, the
//! manual page and the completions.

use std::ffi::OsString;
use std::fmt::Write as _;

use super::CommandError;
use crate::cli::help::wrapped;
use crate::config::flags::{self, Flag};
use crate::config::request::Given;
use crate::exit::Exit;
use crate::options::{OptionRow, Takes};

/// The columns of a help page.
const WIDTH: usize = 80;
/// Where the descriptions of the commands start.
const INDENT: usize = 31;

/// A command of `futo`.
pub struct Command {
    /// `sync`
    pub name: &'static str,
    /// What follows the options.
    pub operands: Operands,
    /// One line for `futo --help`.
    pub help: &'static str,
    /// More for `futo COMMAND --help`; one paragraph per line.
    pub more: &'static str,
    /// Its options.
    pub options: &'static [CommandOption],
    /// Whether those of futo-launch may be given too.
    pub launch_options: bool,
    /// Carries it out.
    pub run: fn(Words) -> Result<Exit, CommandError>,
}

/// What follows a command's options, with the text that the pages have for it.
#[derive(Clone, Copy)]
pub enum Operands {
    /// Nothing may.
    None,
    /// Names or directories of services.
    Services(&'static str),
    /// The same, or files of variables.
    ServicesAndFiles(&'static str),
    /// The name of a service that does not exist yet, then a program and its arguments.
    NewService(&'static str),
    /// One of these words.
    OneOf(&'static str, fn() -> Vec<&'static str>),
    /// Words that no shell could complete.
    Other(&'static str),
}

impl Operands {
    /// `NAME|DIR`; empty if nothing may follow.
    fn text(self) -> &'static str {
        match self {
            Operands::None => "",
            Operands::Services(text)
            | Operands::ServicesAndFiles(text)
            | Operands::NewService(text)
            | Operands::OneOf(text, _)
            | Operands::Other(text) => text,
        }
    }
}

/// A row of a command's table.
pub type CommandOption = OptionRow<Key>;

/// An option of futo. Several commands may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the option of the same name")]
pub enum Key {
    All,
    Canonical,
    Compare,
    Config,
    Count,
    Delegate,
    Dotenv,
    DryRun,
    Failed,
    Follow,
    Since,
    From,
    Harden,
    Help,
    Home,
    Html,
    Json,
    Lines,
    MaxAge,
    NoStart,
    Now,
    Output,
    Preset,
    Prometheus,
    Prune,
    Purge,
    Raw,
    Refresh,
    ScanDir,
    ShowValues,
    Template,
    Timeout,
    TrustRun,
    Undo,
    Watch,
    Write,
}

impl Key {
    /// The long name, without dashes.
    pub const fn long(self) -> &'static str {
        match self {
            Key::All => "all",
            Key::Canonical => "canonical",
            Key::Compare => "compare",
            Key::Config => "config",
            Key::Count => "count",
            Key::Delegate => "delegate",
            Key::Dotenv => "dotenv",
            Key::DryRun => "dry-run",
            Key::Failed => "failed",
            Key::Follow => "follow",
            Key::Since => "since",
            Key::From => "from",
            Key::Harden => "harden",
            Key::Help => "help",
            Key::Home => "home",
            Key::Html => "html",
            Key::Json => "json",
            Key::Lines => "lines",
            Key::MaxAge => "max-age",
            Key::NoStart => "no-start",
            Key::Now => "now",
            Key::Output => "output",
            Key::Preset => "preset",
            Key::Prometheus => "prometheus",
            Key::Prune => "prune",
            Key::Purge => "purge",
            Key::Raw => "raw",
            Key::Refresh => "refresh",
            Key::ScanDir => "scan-dir",
            Key::ShowValues => "show-values",
            Key::Template => "template",
            Key::Timeout => "timeout",
            Key::TrustRun => "trust-run",
            Key::Undo => "undo",
            Key::Watch => "watch",
            Key::Write => "write",
        }
    }
}

/// A switch.
pub const fn switch(key: Key, help: &'static str) -> CommandOption {
    OptionRow::new(key, key.long(), Takes::Nothing, help)
}

/// An option with a value.
pub const fn value(key: Key, metavariable: &'static str, help: &'static str) -> CommandOption {
    OptionRow::new(key, key.long(), Takes::Value(metavariable), help)
}

/// The option that every command has.
pub(super) static HELP: CommandOption = switch(Key::Help, "show this help").short('h');

/// The words after a command's name, read by its table.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// The command's own options in order; a switch has an empty value.
    pub(super) given: Vec<(Key, OsString)>,
    /// The launcher's options in order.
    pub launch: Vec<Given>,
    /// What is not an option.
    pub operands: Vec<OsString>,
}

impl Words {
    /// Whether the option was given.
    pub fn has(&self, key: Key) -> bool {
        self.given.iter().any(|(each, _)| *each == key)
    }

    /// The option's value; the last one wins.
    pub fn value(&self, key: Key) -> Option<&OsString> {
        self.given.iter().rfind(|(each, _)| *each == key).map(|(_, value)| value)
    }

    /// All values of the option, in order.
    pub fn values(&self, key: Key) -> impl Iterator<Item = &OsString> {
        self.given.iter().filter(move |(each, _)| *each == key).map(|(_, value)| value)
    }
}

impl Command {
    /// The options of futo-launch that may be given too.
    pub(super) fn launch_options(&self) -> impl Iterator<Item = &'static Flag> + Clone + use<> {
        let are_accepted = self.launch_options;
        flags::settings().filter(move |_| are_accepted)
    }

    /// The rows of all options that may be given.
    pub(super) fn rows(&self) -> Vec<OptionRow<()>> {
        let launch = self.launch_options();
        let launch = launch.filter(|flag| !self.options.iter().any(|option| option.long == flag.long));
        let own = self.options.iter().map(OptionRow::for_pages);
        own.chain(launch.map(OptionRow::for_pages)).chain([HELP.for_pages()]).collect()
    }

    /// `futo sync [OPTION…]`
    pub(super) fn usage(&self) -> String {
        let options = if self.options.is_empty() { "" } else { " [OPTION…]" };
        let blank = if self.operands.text().is_empty() { "" } else { " " };
        format!("{}{options}{blank}{}", self.name, self.operands.text())
    }

    /// The line of `futo --help`.
    pub(super) fn line(&self) -> String {
        let usage = self.usage();
        let mut page = String::new();
        let mut lines = wrapped(self.help, WIDTH - INDENT).into_iter();
        // a long one gets a line of its own
        let _ = match usage.chars().count() < INDENT - 2 {
            true => writeln!(page, "{:<INDENT$}{}", format!("  {usage}"), lines.next().unwrap_or_default()),
            false => writeln!(page, "  {usage}"),
        };
        for line in lines {
            let _ = writeln!(page, "{:INDENT$}{line}", "");
        }
        page
    }

    /// The page of `futo COMMAND --help`.
    pub(super) fn page(&self) -> String {
        let mut page = format!("Usage: futo {}\n", self.usage());
        let summary = format!("{}.", capital(self.help));
        for paragraph in [summary.as_str()].into_iter().chain(self.more.lines()) {
            page.push('\n');
            for line in wrapped(paragraph, WIDTH) {
                let _ = writeln!(page, "{line}");
            }
        }
        page.push_str("\nOptions:\n");
        for option in self.options.iter().chain([&HELP]) {
            let _ = writeln!(page, "  {}", option.spelled());
            for line in wrapped(option.help, WIDTH - 6) {
                let _ = writeln!(page, "      {line}");
            }
        }
        page
    }
}

/// The text as the start of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}
