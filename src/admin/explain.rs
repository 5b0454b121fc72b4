//! `futo explain NAME`: the launcher's plan for a service, from its run script.

use super::options::{Command, Key, Operands, Words, switch};
use super::{CommandError, services};
use crate::config::request::ExplainForm;
use crate::config::timing::Stays;
use crate::error::Findings;
use crate::exit::Exit;
use crate::explain::{self, Shown};

pub(super) const COMMAND: Command = Command {
    name: "explain",
    operands: Operands::Services("NAME|DIR"),
    help: "show the launcher's plan for a service and everything that would fail, without running it",
    more: "",
    options: &[
        switch(Key::Json, "print JSON"),
        switch(Key::ShowValues, "also show the values of variables"),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: explain,
};

fn explain(words: Words) -> Result<Exit, CommandError> {
    let form = if words.has(Key::Json) { ExplainForm::Json } else { ExplainForm::Text };
    let entered = services::enter(COMMAND.name, &words)?;
    let mut findings = Findings::default();
    let mut stays = Stays::No;
    let (draft, _) = entered.plan(|spec| stays = spec.stays, &mut findings);
    Ok(explain::explain(&draft, findings, form, Shown { stays, values: words.has(Key::ShowValues) }))
}
