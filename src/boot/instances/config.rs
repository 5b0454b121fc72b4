//! Reads the file of `--config`, or a preset of the same form, into a [`System`].

use std::path::Path;

use super::InstancesError;
pub use super::keys::KEYS;
use super::presets::PRESETS;
use super::system::System;
use crate::config::rights::TrustError;
use crate::config::service_file::{self, Entry, ServiceFileError, Value};
use crate::error::Findings;
use crate::machine::{Host, Machine};
use crate::nearest::nearest;

impl System {
    /// The preset with this name, if it exists.
    pub fn preset(name: &str) -> Option<System> {
        let (_, text) = PRESETS.iter().find(|(each, _)| *each == name)?;
        // a test ensures that there are none
        let mut findings = Findings::default();
        parse(Path::new(name), text, None, &mut findings)
    }
}

/// The names of the presets, for messages.
pub fn preset_names() -> String {
    PRESETS.map(|(name, _)| name).join(", ")
}

/// Reads the file of `--config`, on top of the requested preset or the one that it names.
pub fn read(path: &Path, preset: Option<System>, findings: &mut Findings) -> Option<System> {
    let failed = |source| ServiceFileError::Read { path: path.to_path_buf(), source };
    let read = Machine.read_service_file(path, service_file::MAX_BYTES).map_err(failed);
    let (text, is_root_owned) = findings.take(read)?;
    if Machine.is_root() && !is_root_owned {
        // the file decides which commands run, and as which user
        let what = "what root is to run".to_string();
        findings.push(TrustError::NamesRights { path: path.to_path_buf(), what });
        return None;
    }
    parse(path, &text, preset, findings)
}

pub(super) fn parse(
    path: &Path,
    text: &str,
    preset: Option<System>,
    findings: &mut Findings,
) -> Option<System> {
    let before = findings.iter().count();
    let entries = service_file::entries(path, text, findings);
    let named = entries.iter().find(|entry| entry.key == "preset").and_then(|entry| match &entry.value {
        Value::Text(name) => System::preset(name),
        _ => None,
    });
    let is_known = named.is_some();
    let mut system = preset.or(named).unwrap_or_else(System::plain);
    for Entry { line, column, key, value } in entries {
        let path = path.to_path_buf();
        if key == "preset" {
            if !is_known {
                findings.push(ServiceFileError::WrongKind { path, line, key, wanted: preset_names() });
            }
            continue;
        }
        match KEYS.iter().find(|each| each.name == key) {
            None => {
                let known = KEYS.iter().map(|each| each.name).chain(["preset"]);
                let near = nearest(&key.replace('_', "-"), known);
                let remedy = near.map(|near| format!("did you mean {near}?"));
                findings.push(ServiceFileError::UnknownKey { path, line, column, key, remedy });
            }
            Some(_) if value.has_nul() => {
                let wanted = "a string without NUL bytes".to_string();
                findings.push(ServiceFileError::WrongKind { path, line, key, wanted });
            }
            Some(known) => {
                if let Err(wanted) = (known.set)(&mut system, value) {
                    let wanted = wanted.to_string();
                    findings.push(ServiceFileError::WrongKind { path, line, key, wanted });
                }
            }
        }
    }
    for (key, is_missing) in [
        ("home", system.home.as_os_str().is_empty()),
        ("user", system.user.is_empty()),
        ("command", system.template.command.is_empty()),
    ] {
        if is_missing {
            findings.push(InstancesError::MissingKey { path: path.to_path_buf(), key });
        }
    }
    (findings.iter().count() == before).then_some(system)
}

/// A system for tests.
#[cfg(test)]
pub(super) fn example() -> System {
    let text = "name = 'bots'\nhome = '/srv/bots'\nuser = 'bot'\ncommand = ['bot', '{name}']\n\
                service = 'gateway-{name}'\nstate-file = 'state.json'\n\
                state-keys = ['desired_state', 'gateway_state']\n\
                transient = { draining = 'gateway_state', degraded = 'gateway_state' }\n\
                predecessor-staging = ['.{service}.tmp', '{service}.tmp']\n";
    parse(Path::new("example.toml"), text, None, &mut Findings::default()).expect("a system")
}

#[cfg(test)]
mod tests {
    use super::super::system::Policy;
    use super::*;

    fn parsed(text: &str) -> Result<System, Vec<String>> {
        let mut findings = Findings::default();
        let system = parse(Path::new("a.toml"), text, None, &mut findings);
        system.ok_or_else(|| {
            findings.iter().map(|f| format!("{} ({})", f.text, f.hint.as_deref().unwrap_or("-"))).collect()
        })
    }

    #[test]
    fn describes_any_system_of_instances() {
        let text = "name = 'bots'\nhome = '/srv/bots'\nuser = 'bot:bots'\ncommand = ['bot', '{name}', 5]\n\
                    policy = 'always'\nno-restart = [0]\nboot-log-size = 1000\n\
                    [policies]\na = 'never'\n[env]\nA = 'b'\n";
        let system = parsed(text).expect("read");
        assert_eq!((system.name.as_str(), system.policy), ("bots", Policy::Always));
        assert_eq!(system.template.command, ["bot", "{name}", "5"]);
        assert_eq!(system.policies.get("a"), Some(&Policy::Never));
        assert_eq!((system.boot_log_size, system.template.no_restart), (1000, vec![0]));
    }

    #[test]
    fn reports_every_error_with_line_and_nearest_name() {
        let findings = parsed(
            "home = 'data'\nstate_file = 'x'\ninstances = '../x'\npolicy = 'maybe'\nno-restart = [256]\n\
             stale = ['a/b']\noptions = ['--nise', '5']\npreset = 'zeus'\nservice = 'fixed'\nenv = { 'A B' = 'c' }\n",
        )
        .expect_err("refused");
        assert_eq!(
            findings,
            [
                "a.toml:1: home: must be an absolute path (-)",
                "a.toml:2:1: unknown key 'state_file' (did you mean state-file?)",
                "a.toml:3: instances: must be a path below home, without .. (-)",
                "a.toml:4: policy: must be always, last or never (-)",
                "a.toml:5: no-restart: must be a list of exit codes, 0 to 255 (-)",
                "a.toml:6: stale: must be a list of file names (-)",
                "a.toml:7: options: must be a list of futo-launch options: [\"--nice\", \"5\"] (-)",
                &format!("a.toml:8: preset: must be {} (-)", preset_names()),
                "a.toml:9: service: must be a string containing {name}: every instance needs a service of its own (-)",
                "a.toml:10: env: must be a table of variables: { NAME = \"value\" } (-)",
                "a.toml: home is missing (-)",
                "a.toml: user is missing (-)",
                "a.toml: command is missing (-)",
            ]
        );
    }
}
