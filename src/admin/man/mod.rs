//! `futo man [PAGE]`: the manual pages, from the tables of options.

mod pages;
mod roff;

use super::CommandError;
use super::options::{Command, Words};
use crate::exit::Exit;

pub(super) const COMMAND: Command = Command {
    name: "man",
    operands: "[PAGE]",
    help: "print a manual page: futo-launch.1, futo.1, futo-service.5 or futo-config-env.5",
    more: "futo man futo.1 | man -l - shows it. To install: futo man futo.1 > /usr/local/share/man/man1/futo.1",
    options: &[],
    launch_options: false,
    run: man,
};

/// A page's name, and what makes it.
type Page = (&'static str, fn() -> String);

/// All pages.
const PAGES: [Page; 4] = [
    ("futo-launch.1", pages::futo_launch),
    ("futo.1", pages::futo),
    ("futo-service.5", pages::service),
    ("futo-config-env.5", pages::config_env),
];

fn man(words: Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: COMMAND.name, what, remedy: None };
    let page = match words.operands.as_slice() {
        [] => {
            let names: String = PAGES.iter().map(|(name, _)| format!("{name}\n")).collect();
            return Ok(crate::explain::print(&names));
        }
        [page] => page.to_string_lossy().into_owned(),
        _ => return Err(usage("one page at a time".to_string())),
    };
    let is_it =
        |(name, _): &&Page| *name == page || name.split_once('.').is_some_and(|(name, _)| name == page);
    match PAGES.iter().find(is_it) {
        Some((_, make)) => Ok(crate::explain::print(&make())),
        None => Err(usage(format!("there is no page '{page}'"))),
    }
}
