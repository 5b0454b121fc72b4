//! `futo rm`: ends a service, and moves its definition aside.

mod aside;
mod purge;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::boot::may_publish;
use super::options::{Command, Key, Operands, Words, switch};
use super::{CommandError, persistence, services};
use crate::boot::definitions;
use crate::error::{Finding, Findings};
use crate::escape::push_escaped;
use crate::exit::Exit;
use crate::observe::Observer;
use crate::report::{Level, Reporter};
use crate::service::place::{Locations, Service};
use crate::service::{ServiceName, layout};
use crate::shell_quote::shell_word;
use crate::sys;
use crate::sys::clock::{self, BootTime};
use aside::{PutAside, put_aside};
use purge::purge;

/// How long to wait for the service's processes to end, or for `futo sync --watch` to take it away.
const PATIENCE: Duration = Duration::from_secs(15);
/// The interval of checks for the latter.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) const COMMAND: Command = Command {
    name: "rm",
    operands: Operands::Services("NAME|DIR…"),
    help: "end a service and move its definition aside, from where it can be restored",
    more: "The definition is renamed to .NAME.removed-TIME beside it, which futo sync ignores; the command that \
           restores it is printed. It is deleted by the next futo rm of the same name, or by any futo rm in the same \
           directory after 30 days. Log and run record stay, unless --purge deletes them. As root, everything is done \
           with the permissions of the directory's owner. Services without a definition are refused.",
    options: &[
        switch(Key::Purge, "also delete the log, its rotated files and the run record, for good"),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: rm,
};

fn rm(words: Words) -> Result<Exit, CommandError> {
    let services = services::named(COMMAND.name, &words)?;
    let places = services::locations(&words);
    let observer = Observer::new(&places.scan_dir);
    let reporter = Reporter::of_program("futo");
    let mut worst = Exit::OK;
    for service in services {
        let snapshot = words.has(Key::Purge).then(|| observer.observe(service.clone()));
        let mut failures = remove(&service, &places, &observer, &reporter).err().unwrap_or_default();
        if let Some(snapshot) = snapshot.filter(|_| failures.is_empty()) {
            match purge(&snapshot) {
                Ok(deleted) => services::print_line(
                    &service.name,
                    &format!("{deleted} files of its log and record deleted"),
                ),
                Err(finding) => failures.push(finding),
            }
        }
        if !failures.is_empty() {
            reporter.findings(Level::Fatal, &failures);
            worst = worst.max(failures.exit());
        }
    }
    Ok(worst)
}

/// Ends a service and moves its definition aside.
fn remove(
    service: &Service,
    places: &Locations,
    observer: &Observer,
    reporter: &Reporter,
) -> Result<(), Findings> {
    let name = &service.name;
    let Some(definition) = &service.definition else {
        return Err(no_definition(service, observer).into());
    };
    if let Err(why) = ServiceName::parse(OsStr::new(name)) {
        let text = format!("unable to remove '{}': its name {why}", definition.display());
        return Err(Finding { exit: Exit::EDIT, text, hint: None }.into());
    }
    let source = definition.parent().unwrap_or(Path::new("/"));
    let (aside, failures) = match &service.live {
        Some(_) if may_publish(places) => {
            let taken =
                definitions::unpublish(&places.scan_dir, source, name, PATIENCE, || put_aside(definition))?;
            (taken.put_away, taken.failures)
        }
        live => {
            let aside = put_aside(definition)?;
            (aside, live.as_ref().map_or_else(Findings::default, |live| wait_for_sync(name, live)))
        }
    };
    report(name, definition, &aside);
    for trouble in &aside.troubles {
        reporter.finding(Level::Warning, trouble);
    }
    let is_other = |path: &PathBuf| sys::file::is_regular(&path.join(layout::RUN));
    if let Some(other) = places.definitions.iter().map(|place| place.join(name)).find(is_other) {
        let text = format!(
            "'{}' defines a service of the same name, which futo sync publishes now",
            other.display()
        );
        reporter.say_at_shell(Level::Warning, &text, None);
    }
    failures.or(())
}

/// Without the right to change the scan directory, a running `futo sync --watch` takes the service away.
fn wait_for_sync(name: &str, live: &Path) -> Findings {
    let until = BootTime::now().after(PATIENCE);
    while sys::file::exists(live) {
        if BootTime::now() >= until {
            let text = format!("'{name}' is still published as '{}'", live.display());
            let hint = "run futo sync --prune as root, or as the owner of the scan directory".to_string();
            return Finding::trouble(text, Some(hint)).into();
        }
        clock::pause(POLL_INTERVAL);
    }
    Findings::default()
}

fn report(name: &str, definition: &Path, aside: &PutAside) {
    let word = |path: &Path| shell_word(&path.to_string_lossy());
    let mut page = String::new();
    push_escaped(&mut page, &format!("{name}: removed; its definition is now '{}'", aside.path.display()));
    page.push_str("\n  restore: ");
    push_escaped(&mut page, &format!("mv -T {} {} && futo sync", word(&aside.path), word(definition)));
    page.push('\n');
    crate::report::print(&page);
}

/// Why a service without a definition is not removed, and how to remove it.
fn no_definition(service: &Service, observer: &Observer) -> Finding {
    let name = &service.name;
    let hint = match (persistence::origin(name), &service.live) {
        (Some((path, how)), _) => format!("it is defined in '{}': {how}", path.display()),
        (None, Some(live)) if persistence::records_orders(observer.caller(), live) => {
            "futo reconcile publishes it while its instance exists: remove that, or use futo stop".to_string()
        }
        (None, _) => "it belongs to the program that put it there; futo stop ends it".to_string(),
    };
    Finding {
        exit: Exit::EDIT,
        text: format!("unable to remove '{name}': it has no definition in a directory of --from"),
        hint: Some(hint),
    }
}
