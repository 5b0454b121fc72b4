//! `futo man [PAGE]`: the manual pages, from the tables of options.

mod page;
mod pages;
mod plain;
mod roff;

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::{Command as Process, Stdio};

use super::CommandError;
use super::options::{Command, Operands, Words};
use crate::exit::Exit;
use crate::sys;
use page::ManualPage;

pub(super) const COMMAND: Command = Command {
    name: "man",
    operands: Operands::OneOf("[PAGE]", names),
    help: "show a manual page: futo-launch.1, futo.1, futo-service.5 or futo-config-env.5",
    more: "At a terminal, uses man(1), or prints plain text if that is not installed; otherwise prints the \
           source. To install a page: futo man futo.1 > /usr/local/share/man/man1/futo.1",
    options: &[],
    launch_options: false,
    run: man,
};

/// A page's name, and what makes it.
type Maker = (&'static str, fn() -> ManualPage);

/// All pages.
const PAGES: [Maker; 4] = [
    ("futo-launch.1", pages::futo_launch),
    ("futo.1", pages::futo),
    ("futo-service.5", pages::service),
    ("futo-config-env.5", pages::config_env),
];

/// The names of the pages.
pub(super) fn names() -> Vec<&'static str> {
    PAGES.iter().map(|(name, _)| *name).collect()
}

fn man(words: Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: COMMAND.name, what, remedy: None };
    let name = match words.operands.as_slice() {
        [] => {
            let names: String = names().iter().map(|name| format!("{name}\n")).collect();
            return Ok(crate::report::print(&names));
        }
        [name] => name.to_string_lossy().into_owned(),
        _ => return Err(usage("takes only one page".to_string())),
    };
    let is_it =
        |(each, _): &&Maker| *each == name || each.split_once('.').is_some_and(|(each, _)| each == name);
    match PAGES.iter().find(is_it) {
        Some((_, make)) => Ok(show(&make())),
        None => Err(usage(format!("unknown page '{name}': not one of {}", names().join(", ")))),
    }
}

fn show(page: &ManualPage) -> Exit {
    let source = roff::text(page);
    if !std::io::stdout().is_terminal() {
        return crate::report::print(&source);
    }
    match through_man(&source) {
        true => Exit::OK,
        false => crate::report::print(&plain::text(page, columns())),
    }
}

/// Shows it by man(1), with its pager; false where that is missing or cannot read a page from a pipe.
fn through_man(source: &str) -> bool {
    let man = Process::new("man").args(["-l", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut man) = man else { return false };
    // one that takes no page from a pipe ends before it is written
    sys::signals::survive_writes();
    let is_written = man.stdin.take().is_some_and(|mut pipe| pipe.write_all(source.as_bytes()).is_ok());
    man.wait().is_ok_and(|status| status.success()) && is_written
}

/// Of the terminal, as status takes them.
fn columns() -> usize {
    const USUAL: usize = 80;
    sys::fd::terminal_width(std::io::stdout().as_fd()).unwrap_or(USUAL)
}
