//! What a system of instances on a volume looks like.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::conditions::Condition;
use super::container_command::CommandPlace;
use crate::boot::delegate::DelegateTo;
use crate::config::value::UserRequest;
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
    /// ServiceFiles in an instance that mean nothing after a start of the machine.
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
    pub predecessor: PredecessorPattern,
    /// Of instances that have none of their own.
    pub policy: Policy,
    /// By instance.
    pub policies: BTreeMap<String, Policy>,
    /// What the services are.
    pub template: ServiceTemplate,
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
pub struct PredecessorPattern {
    /// The last line of `run`, one of these.
    pub run: Vec<String>,
    /// The same of the root instance's.
    pub root_run: Vec<String>,
    /// Names of directories in which it makes them.
    pub staging: Vec<String>,
}

/// What the services are; texts with `{name}`, `{home}`, `{directory}`, `{service}`, `{log-dir}`.
#[derive(Clone, Debug, Default)]
pub struct ServiceTemplate {
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

const BOOT_LOG_SIZE: u64 = 262_144;

impl System {
    /// Nothing but what every system has.
    pub(super) fn plain() -> System {
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
            predecessor: PredecessorPattern::default(),
            policy: Policy::Last,
            policies: BTreeMap::new(),
            template: ServiceTemplate {
                log_command: texts(["s6-log", "n10", "s1000000", "T", "{log-dir}"]),
                ..ServiceTemplate::default()
            },
        }
    }

    /// Whose the instances are, looked up later.
    pub fn user_request(&self) -> Option<UserRequest> {
        UserRequest::parse(&self.user).ok()
    }
}
