//! Which services a command is about: names, directories, or all; and the options that say where they are.

use std::ffi::OsString;
use std::path::PathBuf;

use super::CommandError;
use super::options::{CommandOption, Words, value};
use crate::error::{reason, reason_of};
use crate::observe::{Machinery, Seen, run_script_of, words_of};
use crate::plan::{Host, Machine};
use crate::report::push_escaped;
use crate::service::place::{Places, Service};

/// `--scan-dir`
pub(super) const SCAN_DIR: CommandOption =
    value("scan-dir", "DIR", "where the supervisor looks for services [/run/service]");
/// `--from`
pub(super) const FROM: CommandOption = value(
    "from",
    "DIR",
    "where service definitions are; may be given again [/etc/futo/services, /config/s6-services]",
);

/// Where the words say that services are.
pub(super) fn places(words: &Words) -> Places {
    let usual = Places::default();
    let given: Vec<PathBuf> = words.values(FROM.long).map(PathBuf::from).collect();
    Places {
        definitions: if given.is_empty() { usual.definitions } else { given },
        scan_dir: words.value(SCAN_DIR.long).map_or(usual.scan_dir, PathBuf::from),
    }
}

/// The services that the operands name.
pub(super) fn named(command: &'static str, words: &Words) -> Result<Vec<Service>, CommandError> {
    if words.operands.is_empty() {
        let what = "which service?".to_string();
        return Err(CommandError::Usage { command, what, remedy: None });
    }
    let places = places(words);
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
                    Err(CommandError::NoService { name, places: searched })
                }
                Err(why) => {
                    let what = format!("'{name}' {why}");
                    Err(CommandError::Usage { command, what, remedy: None })
                }
            }
        })
        .collect()
}

/// The one service that the operand names.
pub(super) fn one(command: &'static str, words: &Words) -> Result<Service, CommandError> {
    let mut services = named(command, words)?;
    services.pop().filter(|_| services.is_empty()).ok_or_else(|| {
        let what = "one service at a time".to_string();
        CommandError::Usage { command, what, remedy: None }
    })
}

/// Says on stdout what came of a command on a service.
pub(super) fn say(name: &str, said: &str) {
    let mut line = String::new();
    push_escaped(&mut line, &format!("{name}: {said}"));
    line.push('\n');
    crate::explain::print(&line);
}

/// Changes to the directory of the one service that the operand names: of what is being worked on, not of what
/// is published. Gives the launcher's words in its run script.
pub(super) fn enter_one(
    command: &'static str,
    words: &Words,
) -> Result<(Service, Vec<OsString>), CommandError> {
    let service = one(command, words)?;
    let Some(directory) = service.definition.as_ref().or(service.live.as_ref()) else {
        return Err(CommandError::NoService { name: service.name, places: Vec::new() });
    };
    let (path, script) = run_script_of(Machine.is_root(), directory)
        .map_err(|(path, error)| CommandError::Read { path, reason: reason_of(&error) })?;
    let launch = words_of(&script).map_err(|why| CommandError::NotOurs { path, why })?;
    let unreachable = |errno| CommandError::Read { path: directory.clone(), reason: reason(errno) };
    nix::unistd::chdir(directory).map_err(unreachable)?;
    Ok((service, launch))
}

/// What can be seen of the services that are named, or of all; and which places could not be looked at.
pub(super) fn look(command: &'static str, words: &Words) -> Result<(Vec<Seen>, Vec<String>), CommandError> {
    let places = places(words);
    let (services, unseen) = match words.operands.is_empty() {
        false => (named(command, words)?, Vec::new()),
        true => places.services(),
    };
    let machinery = Machinery::new(&places.scan_dir);
    let seen = services.into_iter().map(|service| Seen::of(service, &machinery)).collect();
    let unseen = unseen
        .into_iter()
        .map(|(path, error)| format!("unable to read '{}': {}", path.display(), reason_of(&error)))
        .collect();
    Ok((seen, unseen))
}
