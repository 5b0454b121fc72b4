//! The services that a command applies to: by name, by directory, or all; and the options that locate them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;

use super::CommandError;
use super::options::{CommandOption, Key, Words, switch, value};
use crate::config::Spec;
use crate::error::{Findings, reason_of};
use crate::escape::push_escaped;
use crate::machine::Machine;
use crate::nearest::nearest;
use crate::observe::{Observer, Owner, ServiceState, Snapshot, Verdict, judge};
use crate::plan::Draft;
use crate::service::place::{Locations, Service};
use crate::sys::clock;
use crate::trust::{Opener, Script, Trust, Untrusted};

/// `--scan-dir`
pub(super) const SCAN_DIR: CommandOption =
    value(Key::ScanDir, "DIR", "the supervisor's scan directory [/run/service]");
/// `--from`
pub(super) const FROM: CommandOption = value(
    Key::From,
    "DIR",
    "a directory of service definitions; may be repeated [/etc/futo/services, /config/s6-services]",
);

/// `--all`
pub(super) const ALL: CommandOption =
    switch(Key::All, "include services that do not use futo-launch and have no definition in --from");

/// Where to look for services, by these options.
pub(super) fn locations(words: &Words) -> Locations {
    let usual = Locations::default();
    let given: Vec<PathBuf> = words.values(Key::From).map(PathBuf::from).collect();
    Locations {
        definitions: if given.is_empty() { usual.definitions } else { given },
        scan_dir: words.value(Key::ScanDir).map_or(usual.scan_dir, PathBuf::from),
    }
}

/// The services that the operands name.
pub(super) fn named(command: &'static str, words: &Words) -> Result<Vec<Service>, CommandError> {
    if words.operands.is_empty() {
        let what = "no service given".to_string();
        return Err(CommandError::Usage { command, what, remedy: None });
    }
    let places = locations(words);
    words
        .operands
        .iter()
        .map(|operand| {
            let name = operand.to_string_lossy().into_owned();
            match places.find(operand) {
                Ok(Some(service)) => Ok(service),
                Ok(None) => {
                    let searched = match PathBuf::from(operand).components().count() {
                        1 if !operand.is_empty() => {
                            places.definitions.iter().chain([&places.scan_dir]).cloned().collect()
                        }
                        _ => Vec::new(),
                    };
                    let near = meant(&places, &name);
                    Err(CommandError::NoService { name, places: searched, near })
                }
                Err(why) => {
                    let what = format!("'{name}' {why}");
                    Err(CommandError::Usage { command, what, remedy: None })
                }
            }
        })
        .collect()
}

/// What images and presets put before the name of a service.
const PREFIXES: [&str; 3] = ["custom-svc-", "gateway-", "svc-"];

/// The service that may have been meant by a name: the same name with or without a known prefix, else the most similar
/// one.
fn meant(places: &Locations, name: &str) -> Option<String> {
    let (services, _) = places.services();
    let names = || services.iter().map(|service| service.name.as_str());
    let is_same = |known: &&str| {
        PREFIXES.iter().any(|prefix| {
            known.strip_prefix(prefix) == Some(name) || name.strip_prefix(prefix) == Some(*known)
        })
    };
    names().find(is_same).or_else(|| nearest(name, names())).map(String::from)
}

/// The one service that the operand names.
pub(super) fn one(command: &'static str, words: &Words) -> Result<Service, CommandError> {
    let mut services = named(command, words)?;
    services.pop().filter(|_| services.is_empty()).ok_or_else(|| {
        let what = "takes only one service".to_string();
        CommandError::Usage { command, what, remedy: None }
    })
}

/// Prints the result of a command for one service.
pub(super) fn print_line(name: &str, result: &str) {
    let mut line = String::new();
    push_escaped(&mut line, &format!("{name}: {result}"));
    line.push('\n');
    crate::report::print(&line);
}

/// A service whose directory is now the working directory.
pub(super) struct EnteredService {
    /// Its name.
    pub(super) name: String,
    /// Its run script.
    pub(super) script: Script,
    /// The launcher's arguments in it.
    pub(super) words: Vec<OsString>,
}

impl EnteredService {
    /// The plan that it may have.
    pub(super) fn plan(self, adjust: impl FnOnce(&mut Spec), findings: &mut Findings) -> (Draft, Opener) {
        self.script.plan(self.words, &Machine, adjust, findings)
    }
}

/// Changes to the directory of the one service that the operand names: to the definition if there is one. The run
/// script is read from the same open directory, even if another one takes its name.
pub(super) fn enter(command: &'static str, words: &Words) -> Result<EnteredService, CommandError> {
    let service = one(command, words)?;
    let Some(path) = service.definition.as_ref().or(service.live.as_ref()) else {
        return Err(CommandError::NoService { name: service.name, places: Vec::new(), near: None });
    };
    let trust = Trust::default();
    let directory = trust.open(path)?;
    let script = directory.script()?;
    let words =
        script.words().map_err(|why| CommandError::NotLauncherScript { path: script.path.clone(), why })?;
    let unreachable = |errno: Errno| Untrusted::Read(path.clone(), errno.into());
    directory.enter().map_err(unreachable)?;
    Ok(EnteredService { name: service.name, script, words })
}

/// The services that a command applies to, observed.
pub(super) struct Observed {
    /// The named services; without a name, all of futo-launch, and with `--all` the others too.
    pub(super) services: Vec<Snapshot>,
    /// How many others there are.
    pub(super) others: usize,
    /// Which directories could not be read, and why.
    pub(super) unseen: Vec<String>,
}

/// Observes the named services, or all, with so many bytes of their histories of runs.
pub(super) fn observe(command: &'static str, words: &Words, history: u64) -> Result<Observed, CommandError> {
    let places = locations(words);
    let (services, unseen) = match words.operands.is_empty() {
        false => (named(command, words)?, Vec::new()),
        true => places.services(),
    };
    let observer = Observer::new(&places.scan_dir).with_history(history);
    let snapshot = observe_settled(services, &observer).into_iter();
    let shows_all = words.has(Key::All) || !words.operands.is_empty();
    let (services, others): (Vec<_>, Vec<_>) =
        snapshot.partition(|snapshot| shows_all || snapshot.owner == Owner::Ours);
    let unseen = unseen
        .into_iter()
        .map(|(path, error)| format!("unable to read '{}': {}", path.display(), reason_of(&error)))
        .collect();
    Ok(Observed { services, others: others.len(), unseen })
}

/// A launcher writes its record within a second of its start, or of the start of a run.
const RECORDS_WITHIN: Duration = Duration::from_millis(1500);

/// Observes services; those whose launcher has given no evidence yet, a second time: it may just have started.
fn observe_settled(services: Vec<Service>, observer: &Observer) -> Vec<Snapshot> {
    let mut all = observer.observe_all(services);
    let now = clock::wall_now();
    let doubtful = |snapshot: &&mut Snapshot| {
        snapshot.launcher.is_some() && judge(snapshot, now).0 == ServiceState::Unknown
    };
    let mut doubtful: Vec<&mut Snapshot> = all.iter_mut().filter(doubtful).collect();
    if !doubtful.is_empty() {
        clock::pause(RECORDS_WITHIN);
    }
    for snapshot in &mut doubtful {
        **snapshot = observer.observe(snapshot.service.clone());
    }
    all
}

/// The number of services by health: `5 healthy, 1 stopped`.
pub(super) fn count(states: impl Iterator<Item = ServiceState>) -> String {
    let mut counts = [
        (Verdict::Healthy, "healthy", 0),
        (Verdict::Stopped, "stopped", 0),
        (Verdict::Unhealthy, "not healthy", 0),
    ];
    for state in states {
        for (verdict, _, count) in &mut counts {
            *count += u32::from(*verdict == state.verdict());
        }
    }
    let parts =
        counts.iter().filter(|(_, _, count)| *count > 0).map(|(_, word, count)| format!("{count} {word}"));
    parts.collect::<Vec<_>>().join(", ")
}
