//! The description of a system of instances on a volume.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::conditions::Condition;
use super::container_command::CommandPlace;
use crate::boot::delegate::DelegateTo;
use crate::config::value::UserRequest;
use crate::service::layout;

/// Whether an instance is started at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Always.
    Always,
    /// If it was running before.
    Last,
    /// Never: only by hand.
    Never,
}

/// A system of instances on a volume.
#[derive(Clone, Debug)]
pub struct System {
    /// Identifies it in the marker of its service directories.
    pub name: String,
    /// The volume.
    pub home: PathBuf,
    /// The variable that overrides it.
    pub home_variable: Option<String>,
    /// The scan directory.
    pub scan_dir: PathBuf,
    /// The variable that overrides it.
    pub scan_dir_variable: Option<String>,
    /// The owner of the instances.
    pub user: String,
    /// Who may control the services.
    pub delegate: DelegateTo,
    /// The label of an instance in the report lines.
    pub label: String,
    /// The directory below `home` that holds one directory per instance.
    pub instances: String,
    /// A directory is an instance if it contains this name.
    pub marker: Option<String>,
    /// The name of the instance formed by `home` itself, which always exists and comes first.
    pub root_instance: Option<String>,
    /// The name of an instance's service.
    pub service: String,
    /// The file of an instance that holds its state.
    pub state_file: Option<String>,
    /// The keys in it; the first one with a value counts. If there are several, the first holds the desired state.
    pub state_keys: Vec<String>,
    /// The states that count as running.
    pub running: Vec<String>,
    /// States that count as running under one key only, and that key.
    pub transient: Vec<(String, String)>,
    /// Files of an instance that become stale at boot.
    pub stale: Vec<String>,
    /// Relative to `home`.
    pub boot_log: Option<String>,
    /// A boot log of at least this size, in bytes, is renamed to `.1`.
    pub boot_log_size: u64,
    /// An additional field of its lines.
    pub log_field: LogField,
    /// Where the container's command is found.
    pub container_command: Option<CommandPlace>,
    /// The containers in which nothing is done.
    pub skip: Option<Condition>,
    /// The containers in which all instances except the root instance are published but not started.
    pub hold: Option<Condition>,
    /// The containers in which a missing state file of the root instance is created.
    pub seed: Option<Condition>,
    /// Its content.
    pub seed_state: Vec<(String, String)>,
    /// Service directories of another tool, which are replaced.
    pub predecessor: PredecessorPattern,
    /// The policy of instances without their own.
    pub policy: Policy,
    /// The policies by instance.
    pub policies: BTreeMap<String, Policy>,
    /// The template of the services.
    pub template: ServiceTemplate,
}

/// A field of the boot log's lines whose value depends on a string in a JSON file.
#[derive(Clone, Debug, Default)]
pub struct LogField {
    /// The name of the field; without a name there is no field.
    pub name: Option<String>,
    /// In the instance's directory.
    pub file: Option<String>,
    /// The key in that file.
    pub key: Option<String>,
    /// The value of the field for each string; the empty string has the default.
    pub words: Vec<(String, String)>,
}

impl LogField {
    /// The value for a string.
    pub(super) fn word(&self, text: &str) -> Option<&str> {
        self.words.iter().find(|(each, _)| each == text).map(|(_, word)| word.as_str())
    }

    /// The default.
    pub(super) fn other(&self) -> &str {
        self.word("").unwrap_or("unknown")
    }
}

/// Identifies the service directories of another tool.
#[derive(Clone, Debug, Default)]
pub struct PredecessorPattern {
    /// The last line of `run` is one of these.
    pub run: Vec<String>,
    /// The same for the root instance.
    pub root_run: Vec<String>,
    /// The names under which it prepares them.
    pub staging: Vec<String>,
}

/// The template of the services. Its strings may contain `{name}`, `{home}`, `{directory}`, `{service}` and
/// `{log-dir}`.
#[derive(Clone, Debug, Default)]
pub struct ServiceTemplate {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The same for the root instance, if it differs.
    pub root_command: Option<Vec<String>>,
    /// Options for futo-launch.
    pub options: Vec<String>,
    /// The working directory.
    pub chdir: Option<String>,
    /// The value of HOME.
    pub user_home: Option<String>,
    /// A Python virtual environment to run in.
    pub venv: Option<String>,
    /// Variables.
    pub env: Vec<(String, String)>,
    /// The log directory; if unset, there is no logger.
    pub log_dir: Option<String>,
    /// The logger.
    pub log_command: Vec<String>,
    /// Exit codes after which the service is not restarted.
    pub no_restart: Vec<u8>,
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_string).to_vec()
}

const BOOT_LOG_SIZE: u64 = 262_144;

impl System {
    /// The defaults.
    pub(super) fn plain() -> System {
        System {
            name: "instances".to_string(),
            home: PathBuf::new(),
            home_variable: None,
            scan_dir: PathBuf::from(layout::SCAN_DIRECTORY),
            scan_dir_variable: None,
            user: String::new(),
            delegate: DelegateTo::RootOnly,
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
            predecessor: PredecessorPattern::default(),
            policy: Policy::Last,
            policies: BTreeMap::new(),
            template: ServiceTemplate {
                log_command: texts(["s6-log", "n10", "s1000000", "T", "{log-dir}"]),
                ..ServiceTemplate::default()
            },
        }
    }

    /// The owner of the instances, to be looked up later.
    pub fn user_request(&self) -> Option<UserRequest> {
        UserRequest::parse(&self.user).ok()
    }
}
