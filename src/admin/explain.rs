//! `futo explain NAME`: the launcher's plan for a service, from its run script.

use std::ffi::OsString;

use super::options::{Command, Words, switch};
use super::{CommandError, services};
use crate::exit::Exit;
use crate::launch::launch;

pub(super) const COMMAND: Command = Command {
    name: "explain",
    operands: "NAME|DIR",
    help: "show the launcher's plan for a service, and everything that would fail; runs nothing",
    more: "",
    options: &[
        switch("json", "for programs"),
        switch("show-values", "show the variables' values too"),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: explain,
};

fn explain(words: Words) -> Result<Exit, CommandError> {
    let mut options = vec![OsString::from(if words.has("json") { "--explain=json" } else { "--explain" })];
    if words.has("show-values") {
        options.push("--show-values".into());
    }
    let (_, launch_words) = services::enter_one(COMMAND.name, &words)?;
    options.extend(launch_words);
    Ok(launch(options))
}
