//! Which services a command is about: names, directories, or all; and the options that say where they are.

use std::path::PathBuf;

use super::CommandError;
use super::options::{CommandOption, Words, value};
use crate::observe::{Machinery, Seen};
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
        .map(|(path, error)| {
            format!("unable to read '{}': {}", path.display(), crate::error::reason_of(&error))
        })
        .collect();
    Ok((seen, unseen))
}
