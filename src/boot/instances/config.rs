//! What a system of instances on a volume looks like: the keys of `--config`, and the presets, which are files
//! of the same form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::conditions::{CommandPlace, Condition};
pub use super::keys::KEYS;
use crate::boot::delegate::DelegateTo;
use crate::config::rights::TrustError;
use crate::config::service_file::{self, Entry, ServiceFileError, Value};
use crate::config::value::UserRequest;
use crate::error::Findings;
use crate::machine::{Host, Machine};
use crate::nearest::nearest;
use crate::service::layout;

/// Whether an instance is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Whatever it did before.
    Always,
    /// If it was running.
    Last,
    /// By somebody's hand only.
    Never,
}

/// A system of instances on a volume.
#[derive(Clone, Debug)]
pub struct System {
    /// Names it in the marker of its service directories.
    pub name: String,
    /// The volume.
    pub home: PathBuf,
    /// The variable that names another one.
    pub home_variable: Option<String>,
    /// Where its services go.
    pub scan_dir: PathBuf,
    /// The variable that names another one.
    pub scan_dir_variable: Option<String>,
    /// Whose the instances are.
    pub user: String,
    /// Who may control the services.
    pub delegate: DelegateTo,
    /// What an instance is called in the lines.
    pub label: String,
    /// The directory below `home` whose directories are the instances.
    pub instances: String,
    /// A directory is an instance if it holds this.
    pub marker: Option<String>,
    /// The instance that `home` itself is, always there and first.
    pub root_instance: Option<String>,
    /// The name of an instance's service.
    pub service: String,
    /// The file in an instance that tells its state.
    pub state_file: Option<String>,
    /// The keys in it, of which the first that has a value counts. Of several the first is the desired state.
    pub state_keys: Vec<String>,
    /// The states that count as running.
    pub running: Vec<String>,
    /// States that count as running under one key only, and that key.
    pub transient: Vec<(String, String)>,
    /// Files in an instance that mean nothing after a start of the machine.
    pub stale: Vec<String>,
    /// Below `home`.
    pub boot_log: Option<String>,
    /// In bytes: a boot log of this size becomes `.1`.
    pub boot_log_size: u64,
    /// One more field of its lines.
    pub log_field: LogField,
    /// Where the container's command is found.
    pub container_command: Option<CommandPlace>,
    /// Nothing is done in such a container.
    pub skip: Option<Condition>,
    /// Instances but the root instance are registered and not started.
    pub hold: Option<Condition>,
    /// A root instance without a state file is given one.
    pub seed: Option<Condition>,
    /// What it is given.
    pub seed_state: Vec<(String, String)>,
    /// Service directories of another maker that are taken over.
    pub predecessor: Predecessor,
    /// Of instances that have none of their own.
    pub policy: Policy,
    /// By instance.
    pub policies: BTreeMap<String, Policy>,
    /// What the services are.
    pub template: Template,
}

/// A field of the boot log's lines whose word depends on a text in a JSON file.
#[derive(Clone, Debug, Default)]
pub struct LogField {
    /// What stands before the `=`; no field without.
    pub name: Option<String>,
    /// In the instance's directory.
    pub file: Option<String>,
    /// The key in it.
    pub key: Option<String>,
    /// By the text under the key, and under the empty text the word for all others.
    pub words: Vec<(String, String)>,
}

impl LogField {
    /// The word for a text.
    pub(super) fn word(&self, text: &str) -> Option<&str> {
        self.words.iter().find(|(each, _)| each == text).map(|(_, word)| word.as_str())
    }

    /// The word for all others.
    pub(super) fn other(&self) -> &str {
        self.word("").unwrap_or("unknown")
    }
}

/// What tells the service directories of an earlier maker.
#[derive(Clone, Debug, Default)]
pub struct Predecessor {
    /// The last line of `run`, one of these.
    pub run: Vec<String>,
    /// The same of the root instance's.
    pub root_run: Vec<String>,
    /// Names of directories in which it makes them.
    pub staging: Vec<String>,
}

/// What the services are; texts with `{name}`, `{home}`, `{directory}`, `{service}`, `{log-dir}`.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The same of the root instance, if another.
    pub root_command: Option<Vec<String>>,
    /// Options for futo-launch.
    pub options: Vec<String>,
    /// The working directory.
    pub chdir: Option<String>,
    /// HOME.
    pub user_home: Option<String>,
    /// A Python environment to run in.
    pub venv: Option<String>,
    /// Variables.
    pub env: Vec<(String, String)>,
    /// Where the logger writes; no logger without.
    pub log_dir: Option<String>,
    /// The logger.
    pub log_command: Vec<String>,
    /// Exit codes after which the service is not started again.
    pub no_restart: Vec<u8>,
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_string).to_vec()
}

impl System {
    /// Nothing but what every system has.
    fn plain() -> System {
        System {
            name: "instances".to_string(),
            home: PathBuf::new(),
            home_variable: None,
            scan_dir: PathBuf::from(layout::SCAN_DIRECTORY),
            scan_dir_variable: None,
            user: String::new(),
            delegate: DelegateTo::Nobody,
            label: "instance".to_string(),
            instances: ".".to_string(),
            marker: None,
            root_instance: None,
            service: "{name}".to_string(),
            state_file: None,
            state_keys: Vec::new(),
            running: texts(["running"]),
            transient: Vec::new(),
            stale: Vec::new(),
            boot_log: None,
            boot_log_size: BOOT_LOG_SIZE,
            log_field: LogField::default(),
            container_command: None,
            skip: None,
            hold: None,
            seed: None,
            seed_state: Vec::new(),
            predecessor: Predecessor::default(),
            policy: Policy::Last,
            policies: BTreeMap::new(),
            template: Template {
                log_command: texts(["s6-log", "n10", "s1000000", "T", "{log-dir}"]),
                ..Template::default()
            },
        }
    }

    /// One of [`PRESETS`].
    pub fn preset(name: &str) -> Option<System> {
        let (_, text) = PRESETS.iter().find(|(each, _)| *each == name)?;
        // a test holds that there are none
        let mut findings = Findings::default();
        parse(Path::new(name), text, None, &mut findings)
    }

    /// Whose the instances are, looked up later.
    pub fn user_request(&self) -> Option<UserRequest> {
        UserRequest::parse(&self.user).ok()
    }
}

const BOOT_LOG_SIZE: u64 = 262_144;

/// The presets, by name.
pub const PRESETS: [(&str, &str); 1] = [("hermes", include_str!("presets/hermes.toml"))];

/// Their names, for messages.
pub fn preset_names() -> String {
    PRESETS.map(|(name, _)| name).join(", ")
}

/// Reads the file of `--config`, over the preset that is asked for or that it names.
pub fn read(path: &Path, preset: Option<System>, findings: &mut Findings) -> Option<System> {
    let failed = |source| ServiceFileError::Read { path: path.to_path_buf(), source };
    let read = Machine.read_service_file(path, service_file::MAX_BYTES).map_err(failed);
    let (text, is_roots) = findings.take(read)?;
    if Machine.is_root() && !is_roots {
        // it says what is run, and as whom
        let what = "what root is to run".to_string();
        findings.push(TrustError::NamesRights { path: path.to_path_buf(), what });
        return None;
    }
    parse(path, &text, preset, findings)
}

fn parse(path: &Path, text: &str, preset: Option<System>, findings: &mut Findings) -> Option<System> {
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
                let wanted = "a text without a NUL byte".to_string();
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
            findings.push(super::InstancesError::MissingKey { path: path.to_path_buf(), key });
        }
    }
    (findings.iter().count() == before).then_some(system)
}

#[cfg(test)]
mod tests {
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
    fn every_preset_is_read_without_a_finding() {
        for (name, text) in PRESETS {
            let mut findings = Findings::default();
            let system = parse(Path::new(name), text, None, &mut findings);
            assert_eq!(findings.iter().map(|f| f.text.as_str()).collect::<Vec<_>>(), [""; 0], "{name}");
            assert_eq!(system.expect("read").name, name);
        }
    }

    #[test]
    fn changes_a_preset_where_it_says_otherwise() {
        let system =
            parsed("preset = 'hermes'\nhome = '/data'\npolicies = { coder = 'always' }\n").expect("read");
        assert_eq!(system.home, Path::new("/data"));
        assert_eq!(system.service, "gateway-{name}");
        assert!(system.hold.is_some() && system.container_command.is_some());
        let system = parsed("preset = 'hermes'\nhold = {}\ncontainer-command = {}\n").expect("read");
        assert!(system.hold.is_none() && system.container_command.is_none());
    }

    #[test]
    fn says_all_that_is_wrong_with_line_and_nearest_name() {
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
                "a.toml:6: stale: must be a list of names of files (-)",
                "a.toml:7: options: must be a list of options of futo-launch: [\"--nice\", \"5\"] (-)",
                "a.toml:8: preset: must be hermes (-)",
                "a.toml:9: service: must be a text with {name} in it: no two instances may have one service (-)",
                "a.toml:10: env: must be a table of variables: { NAME = \"value\" } (-)",
                "a.toml: home is missing (-)",
                "a.toml: user is missing (-)",
                "a.toml: command is missing (-)",
            ]
        );
    }
}
