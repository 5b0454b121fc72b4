//! `futo sync`: definitions on the volume → services.

use std::ffi::{OsStr, OsString};

use nix::errno::Errno;

use super::CommandError;
use super::boot::{self, CHOICE};
use super::options::{Command, CommandOption, Key, Operands, Words, switch, value};
use super::progress::Progress;
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
        "a directory of definitions, in place of /etc/futo/services and /config/s6-services; may be repeated, \
         and of two definitions with the same name the first one counts",
    ),
    value(Key::ScanDir, "DIR", "the supervisor's directory [/run/service]"),
    switch(
        Key::Watch,
        "keep running and publish every change within two seconds. Implies --prune. Run it as a service, as \
         root; TERM ends it",
    ),
    switch(Key::Prune, "remove services whose definitions are gone"),
    switch(
        Key::TrustRun,
        "also publish run scripts that are not futo-launch commands: root executes them as they are, and \
         anyone who can write them can become root",
    ),
    switch(
        Key::Harden,
        "add --no-new-privs --cap-drop all to definitions that non-root users can write. Not the default, \
         because their workers may use sudo, as in webtop images",
    ),
    CHOICE[0],
    CHOICE[1],
    CHOICE[2],
];

pub(super) const COMMAND: Command = Command {
    name: "sync",
    operands: Operands::None,
    help: "publish the service definitions on the volume, with no more rights than their writers have",
    more: "Parses each run script as a single futo-launch command, without executing it, and publishes a \
           script of its own. The worker runs as the user abc, unless only root can write the definition. Safe \
           to run at any time, and repeatedly: running services are not stopped or replaced. Prints one line \
           per service. Exits 0 on success, 1 if some services failed, 2 if nothing could be done, 100 if the \
           command line is wrong.",
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
            "--harden: cannot be combined with --trust-run, which makes root execute what users wrote"
                .to_string(),
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
            return Err(usage("--watch: cannot be combined with --dry-run or --json".to_string()));
        }
        let choice = Choice { prune: true, patience: PATIENCE, ..choice };
        return Ok(Watcher::new(Synced { definitions, choice }, reporter).watch());
    }
    let mut progress = Progress::new();
    let result = definitions::sync_while(&definitions, &choice, &mut progress.counting("publishing"));
    progress.clear();
    let report = match result {
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

/// What `--watch` keeps published.
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
