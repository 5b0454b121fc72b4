//! `futo reconcile`: instances on a volume → services.

use std::path::Path;

use super::CommandError;
use super::boot::{self, CHOICE};
use super::options::{Command, CommandOption, Words, switch, value};
use crate::boot::instances::config::{self, System};
use crate::boot::instances::{self, lines};
use crate::boot::scan::Intent;
use crate::error::Findings;
use crate::exit::Exit;
use crate::plan::{Host, Machine};
use crate::report::{Level, Reporter};

const OPTIONS: &[CommandOption] = &[
    value("preset", "hermes", "the gateways of hermes"),
    value("config", "FILE", "any other system, or what differs from the preset; keys in docs/boot.md"),
    value("home", "DIR", "the volume [hermes: HERMES_HOME, else /opt/data]"),
    value(
        "scan-dir",
        "DIR",
        "the supervisor's directory [hermes: S6_PROFILE_GATEWAY_SCANDIR, else /run/service]",
    ),
    switch("no-start", "start nothing, whatever it did before"),
    switch("prune", "take out services whose instances have gone"),
    CHOICE[0],
    CHOICE[1],
    CHOICE[2],
];

pub(super) const COMMAND: Command = Command {
    name: "reconcile",
    operands: "",
    help: "publish a service for each instance on a volume, started if it was running",
    more: "Safe at any time and again and again: what is as it should be is left alone, what runs is neither \
           started, stopped nor replaced. Prints a line an instance, and exits 0 if all is well, 1 if some \
           failed, 2 if nothing could be done, 100 if the words here are wrong.",
    options: OPTIONS,
    launch_options: false,
    run: reconcile,
};

fn reconcile(words: Words) -> Result<Exit, CommandError> {
    let usage =
        |what: &str| CommandError::Usage { command: "reconcile", what: what.to_string(), remedy: None };
    let choice = boot::choice(&words, "reconcile")?;
    let preset = match words.value("preset").map(|preset| preset.to_str()) {
        None => None,
        Some(Some("hermes")) => Some(System::hermes()),
        Some(_) => return Err(usage("--preset: there is only 'hermes'")),
    };
    let reporter = Reporter::of_program("futo");
    let mut findings = Findings::default();
    let is_hermes = preset.is_some();
    let system = match (words.value("config"), preset) {
        (Some(path), preset) => config::read(Path::new(path), preset, &mut findings),
        (None, Some(preset)) => Some(preset),
        (None, None) => return Err(usage("--preset hermes or --config FILE says what the instances are")),
    };
    let Some(mut system) = system else {
        reporter.findings(Level::Fatal, &findings);
        return Ok(Exit::NOTHING_DONE);
    };
    let inherited = Machine.environment();
    let variable = |name: &'static str| {
        let found = inherited.iter().find(|(each, value)| is_hermes && each == name && !value.is_empty());
        found.map(|(_, value)| (value.as_os_str(), name))
    };
    let named = |option: &str, by, name| {
        words.value(option).map(|value| (value.as_os_str(), by)).or_else(|| variable(name))
    };
    if let Some((home, by)) = named("home", "--home", "HERMES_HOME") {
        system.home = boot::absolute(home, by, "reconcile")?;
    }
    if let Some((scan_dir, by)) = named("scan-dir", "--scan-dir", "S6_PROFILE_GATEWAY_SCANDIR") {
        system.scan_dir = boot::absolute(scan_dir, by, "reconcile")?;
    }

    let report = match instances::reconcile(&system, &choice) {
        Ok(report) => report,
        Err(findings) => {
            reporter.findings(Level::Fatal, &findings);
            return Ok(Exit::NOTHING_DONE);
        }
    };
    let page = match words.has("json") {
        true => report.json("reconcile", choice.intent == Intent::Look),
        false => lines(&system, &report, "reconcile:"),
    };
    crate::explain::print(&page);
    report.say(&reporter);
    Ok(report.exit())
}
