//! `futo sync`: definitions on the volume → services.

use std::ffi::{OsStr, OsString};

use nix::errno::Errno;

use super::CommandError;
use super::boot::{self, CHOICE};
use super::options::{Command, CommandOption, Key, Operands, Words, switch, value};
use super::sync_watch::{PATIENCE, Published, Watcher};
use crate::boot::definitions::{
    self, DefinitionSource, Definitions, Foreign, MissingSource, lines, usual_sources,
};
use crate::boot::report::{Report, ReportRow};
use crate::boot::watch::VolumeWatch;
use crate::boot::{Choice, GoOn, Hardening};
use crate::error::Findings;
use crate::exit::Exit;
use crate::report::{Level, Reporter};
use crate::service::layout;

const OPTIONS: &[CommandOption] = &[
    value(
        Key::From,
        "DIR",
        "a directory of definitions, in place of /etc/futo/services and /config/s6-services; again for \
         another one, of two definitions with one name the first counts",
    ),
    value(Key::ScanDir, "DIR", "the supervisor's directory [/run/service]"),
    switch(
        Key::Watch,
        "stay, and publish each change within two seconds; --prune is part of it. A service run by root: TERM \
         ends it",
    ),
    switch(Key::Prune, "take out services whose definitions have gone"),
    switch(
        Key::TrustRun,
        "publish run scripts that are no command of futo-launch too: root executes them as they are, and \
         whoever can write them can become root",
    ),
    switch(
        Key::Harden,
        "give definitions that non-root users can write --no-new-privs --cap-drop all. Not the default: their \
         workers may use sudo, as those of webtop images do",
    ),
    CHOICE[0],
    CHOICE[1],
    CHOICE[2],
];

pub(super) const COMMAND: Command = Command {
    name: "sync",
    operands: Operands::None,
    help: "publish the service definitions on the volume, with no more rights than their writers have",
    more: "Reads run as one command of futo-launch, never executes it, and publishes what it writes itself: as \
           the user abc unless the definition is root's alone. Safe at any time and again and again: nothing \
           that runs is started, stopped or replaced. Prints one line per service, and exits 0 if all is well, \
           1 if some failed, 2 if nothing could be done, 100 if the words here are wrong.",
    options: OPTIONS,
    launch_options: false,
    run: sync,
};

fn sync(words: Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: "sync", what, remedy: None };
    let hardening = if words.has(Key::Harden) { Hardening::On } else { Hardening::Off };
    let choice = Choice { hardening: Some(hardening), ..boot::choice(&words, "sync")? };
    if words.has(Key::Harden) && words.has(Key::TrustRun) {
        return Err(usage(
            "--harden: not with --trust-run, by which root executes what users wrote".to_string(),
        ));
    }
    let named = |path: &OsString| {
        let path = boot::absolute(path, "--from", "sync")?;
        Ok(DefinitionSource { path, missing: MissingSource::Error })
    };
    let mut sources = words.values(Key::From).map(named).collect::<Result<Vec<_>, CommandError>>()?;
    if sources.is_empty() {
        sources = usual_sources();
    }
    let scan_dir = words.value(Key::ScanDir).map_or(OsStr::new(layout::SCAN_DIRECTORY), OsString::as_os_str);
    let definitions = Definitions {
        sources,
        scan_dir: boot::absolute(scan_dir, "--scan-dir", "sync")?,
        foreign: if words.has(Key::TrustRun) { Foreign::Trusted } else { Foreign::Skipped },
    };
    let reporter = Reporter::of_program("futo");
    if words.has(Key::Watch) {
        if words.has(Key::Json) || words.has(Key::DryRun) {
            return Err(usage("--watch: not with --dry-run or --json".to_string()));
        }
        let choice = Choice { prune: true, patience: PATIENCE, ..choice };
        return Ok(Watcher::new(Synced { definitions, choice }, reporter).watch());
    }
    let report = match definitions::sync(&definitions, &choice) {
        Ok(report) => report,
        Err(findings) => {
            reporter.findings(Level::Fatal, &findings);
            return Ok(Exit::NOTHING_DONE);
        }
    };
    let page = match words.has(Key::Json) {
        true => report.json("sync", choice.intent),
        false => lines(&report.rows),
    };
    crate::report::print(&page);
    report.print(&reporter);
    Ok(report.exit())
}

/// What `--watch` publishes again and again.
struct Synced {
    definitions: Definitions,
    choice: Choice,
}

impl Published for Synced {
    fn watch(&self) -> Result<VolumeWatch, Errno> {
        let paths = self.definitions.sources.iter().map(|source| &source.path);
        definitions::watch(paths, definitions::user_of_volume().as_ref())
    }

    fn publish(&mut self, go_on: GoOn<'_>) -> Result<Report, Findings> {
        definitions::sync_while(&self.definitions, &self.choice, go_on)
    }

    fn lines(&self, rows: &[ReportRow]) -> String {
        lines(rows)
    }

    fn skipped(&self, why: &str) -> String {
        format!("sync: skipped: {why}\n")
    }
}
