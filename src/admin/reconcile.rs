//! `futo reconcile`: instances on a volume → services.

use std::ffi::OsStr;
use std::path::Path;

use nix::errno::Errno;

use super::CommandError;
use super::boot::{self, CHOICE};
use super::options::{Command, CommandOption, Key, Operands, Words, switch, value};
use super::progress::Progress;
use super::sync_watch::{PATIENCE, Published, Watcher};
use crate::boot::instances::config;
use crate::boot::instances::{self, Facts, Follow, Reconciler, System, lines};
use crate::boot::report::{Report, ReportRow};
use crate::boot::watch::VolumeWatch;
use crate::boot::{Choice, GoOn};
use crate::error::Findings;
use crate::exit::Exit;
use crate::report::{Level, Reporter};

const OPTIONS: &[CommandOption] = &[
    value(Key::Preset, "hermes", "use a built-in configuration: the gateways of hermes"),
    value(
        Key::Config,
        "FILE",
        "a TOML file that describes another system, or changes the preset; keys: see \
         above",
    ),
    value(Key::Home, "DIR", "the volume [hermes: HERMES_HOME, else /opt/data]"),
    value(
        Key::ScanDir,
        "DIR",
        "the supervisor's directory [hermes: S6_PROFILE_GATEWAY_SCANDIR, else /run/service]",
    ),
    switch(
        Key::Watch,
        "keep running and publish every change within two seconds: instances that are created, renamed or \
         deleted, and changes of the desired state, which start or stop the service. Implies --prune. Run it \
         as a service, as root; TERM ends it",
    ),
    switch(Key::NoStart, "start nothing, whatever was running before"),
    switch(Key::Prune, "remove services whose instances are gone"),
    CHOICE[0],
    CHOICE[1],
    CHOICE[2],
];

pub(super) const COMMAND: Command = Command {
    name: "reconcile",
    operands: Operands::None,
    help: "publish a service for each instance on a volume, started if it was running",
    more: "Safe to run at any time, and repeatedly: what is correct is left alone, and a running service is \
           not stopped or replaced. Prints one line per instance. Exits 0 on success, 1 if some instances \
           failed, 2 if nothing could be done, 100 if the command line is wrong.\nKeys of --config: home, user and \
           command, which are required; preset, name, home-variable, scan-dir, scan-dir-variable, delegate, \
           label, instances, marker, root-instance, service, state-file, state-keys, running, transient, \
           stale, boot-log, boot-log-size, log-field, log-field-file, log-field-key, log-field-words, \
           container-command, skip, hold, seed, seed-state, predecessor-run, predecessor-root-run, \
           predecessor-staging, policy, policies, root-command, options, chdir, user-home, venv, env, log-dir, \
           log-command, no-restart. A value of the wrong form is reported with the right one.",
    options: OPTIONS,
    launch_options: false,
    run: reconcile,
};

fn reconcile(words: Words) -> Result<Exit, CommandError> {
    let choice = boot::choice(&words, "reconcile")?;
    let reporter = Reporter::of_program("futo");
    let mut findings = Findings::default();
    let Some(mut system) = system(&words, &mut findings)? else {
        reporter.findings(Level::Fatal, &findings);
        return Ok(Exit::NOTHING_DONE);
    };
    let facts = Facts::of_machine(system.container_command.as_ref());
    place(&mut system, &words, &facts)?;
    if words.has(Key::Watch) {
        if words.has(Key::Json) || words.has(Key::DryRun) {
            return Err(usage("--watch: cannot be combined with --dry-run or --json"));
        }
        let choice = Choice { prune: true, patience: PATIENCE, ..choice };
        let watched = Reconciler::new(system, choice, facts, Follow::Changes);
        return Ok(Watcher::new(watched, reporter).watch());
    }
    let intent = choice.intent;
    let mut reconciler = Reconciler::new(system, choice, facts, Follow::Once);
    let mut progress = Progress::new();
    let result = reconciler.pass_while(&mut progress.counting("publishing"));
    progress.clear();
    let report = match result {
        Ok(report) => report,
        Err(findings) => {
            reporter.findings(Level::Fatal, &findings);
            return Ok(Exit::NOTHING_DONE);
        }
    };
    let page = match (words.has(Key::Json), &report.skipped) {
        (true, _) => report.json("reconcile", intent),
        (false, Some(why)) => reconciler.skipped(why),
        (false, None) => reconciler.lines(&report.rows),
    };
    crate::report::print(&page);
    report.print(&reporter);
    Ok(report.exit())
}

fn usage(what: impl Into<String>) -> CommandError {
    CommandError::Usage { command: "reconcile", what: what.into(), remedy: None }
}

/// What `--preset` and `--config` describe; none, and a finding, if that is invalid.
fn system(words: &Words, findings: &mut Findings) -> Result<Option<System>, CommandError> {
    let names = config::preset_names();
    let preset = match words.value(Key::Preset) {
        None => None,
        Some(name) => match name.to_str().and_then(System::preset) {
            None => return Err(usage(format!("--preset: is not one of: {names}"))),
            preset => preset,
        },
    };
    match (words.value(Key::Config), preset) {
        (Some(path), preset) => Ok(config::read(Path::new(path), preset, findings)),
        (None, Some(preset)) => Ok(Some(preset)),
        (None, None) => Err(usage(format!("--preset NAME ({names}) or --config FILE is required"))),
    }
}

/// The volume and the scan directory: from the command line, from a variable of the preset that it names, or from the
/// file.
fn place(system: &mut System, words: &Words, facts: &Facts) -> Result<(), CommandError> {
    // variables are read only for a preset that the command line names
    let has_preset = words.value(Key::Preset).is_some();
    let variable = |name: &Option<String>| {
        let name = name.clone().filter(|_| has_preset)?;
        Some((facts.variable(&name)?.to_os_string(), name))
    };
    let named = |option: Key, name: &Option<String>| {
        let given = words.value(option).map(|value| (value.clone(), format!("--{}", option.long())));
        given.or_else(|| variable(name))
    };
    if let Some((home, by)) = named(Key::Home, &system.home_variable) {
        system.home = boot::absolute(OsStr::new(&home), &by, "reconcile")?;
    }
    if let Some((scan_dir, by)) = named(Key::ScanDir, &system.scan_dir_variable) {
        system.scan_dir = boot::absolute(OsStr::new(&scan_dir), &by, "reconcile")?;
    }
    Ok(())
}

impl Published for Reconciler {
    fn watch(&self) -> Result<VolumeWatch, Errno> {
        instances::watch(self.system(), self.account().as_ref())
    }

    fn publish(&mut self, go_on: GoOn<'_>) -> Result<Report, Findings> {
        self.pass_while(go_on)
    }

    fn lines(&self, rows: &[ReportRow]) -> String {
        lines(self.system(), rows, "reconcile:")
    }

    fn skipped(&self, why: &str) -> String {
        format!("reconcile: skipped: {why}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_key_of_a_configuration() {
        let (_, keys) = COMMAND.more.split_once("Keys of --config: ").expect("the keys");
        let is_part = |character: char| character.is_ascii_lowercase() || character == '-';
        let named: Vec<&str> = keys.split(|character| !is_part(character)).collect();
        for key in config::KEYS {
            assert!(named.contains(&key.name), "{}", key.name);
        }
    }
}
