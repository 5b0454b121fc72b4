//! Conditions on the environment, the container's command, and settings on the volume.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::OFlag;

use super::container_command::CommandPlace;
use super::yaml;
use crate::machine::Host;
use crate::machine::Machine;
use crate::plan::variables_of_container;
use crate::sys::file;

/// The size limit of a settings file, in bytes.
const MAX_SETTINGS: usize = 1 << 20;

/// A condition. If the variable `env` is set to yes or no, that decides; otherwise all other parts have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// A variable that overrides the other parts.
    env: Option<String>,
    /// A variable that must not be set to yes.
    unless_env: Option<String>,
    /// The first words of the container's command.
    command: Vec<String>,
    /// A word that the command must not contain.
    without: Option<String>,
    /// A YAML file in the home.
    yaml: Option<String>,
    /// Keys in it; the first one with a value must be true. `a.b` is the key `b` in the mapping `a`.
    keys: Vec<String>,
}

impl Condition {
    /// Parses the table; `None` if it has other keys or values.
    pub(super) fn of(table: Vec<(String, String)>) -> Option<Condition> {
        let mut condition = Condition::default();
        for (key, text) in table {
            if text.trim().is_empty() {
                return None;
            }
            match key.as_str() {
                "env" => condition.env = Some(text),
                "unless-env" => condition.unless_env = Some(text),
                "command" => condition.command = words_of(&text),
                "without" => condition.without = Some(text),
                "yaml" if Path::new(&text).file_name() == Some(OsStr::new(&text)) => {
                    condition.yaml = Some(text)
                }
                "keys" => condition.keys = words_of(&text),
                _ => return None,
            }
        }
        let has_both = condition.yaml.is_some() != condition.keys.is_empty();
        (has_both && condition != Condition::default()).then_some(condition)
    }

    /// The file below the home that it depends on.
    pub(super) fn file(&self) -> Option<&str> {
        self.yaml.as_deref()
    }
}

fn words_of(text: &str) -> Vec<String> {
    text.split_whitespace().map(ToString::to_string).collect()
}

/// Parses a boolean word, ignoring blanks and case.
pub(super) fn yes_or_no(word: &str) -> Option<bool> {
    match word.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Facts that do not change during the lifetime of this process.
#[derive(Debug, Default)]
pub struct Facts {
    /// The inherited environment, followed by the container's.
    variables: Vec<(OsString, OsString)>,
    /// The container's command; `None` if no process reveals it.
    command: Option<Vec<String>>,
}

impl Facts {
    /// Gathers them on this machine.
    pub fn of_machine(place: Option<&CommandPlace>) -> Facts {
        let mut variables = Machine.environment();
        variables.extend(variables_of_container(&Machine));
        Facts { variables, command: place.and_then(CommandPlace::find) }
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let is_meant = |(each, value): &&(OsString, OsString)| each == name && !value.is_empty();
        self.variables.iter().find(is_meant).map(|(_, value)| value.as_os_str())
    }

    /// The container's command on one line, for messages.
    pub(super) fn command_line(&self) -> String {
        self.command.as_deref().unwrap_or_default().join(" ")
    }

    /// Whether a condition holds; to be called with the user's ids, as `home` is read.
    pub(super) fn hold(&self, condition: &Condition, home: &OwnedFd) -> bool {
        let answer = |name: &Option<String>| {
            let value = name.as_deref().and_then(|name| self.variable(name))?;
            yes_or_no(&value.to_string_lossy())
        };
        if let Some(decided) = answer(&condition.env) {
            return decided;
        }
        let command = self.command.as_deref();
        answer(&condition.unless_env) != Some(true)
            && (condition.command.is_empty() || command.is_some_and(|it| it.starts_with(&condition.command)))
            && !condition.without.as_ref().is_some_and(|word| command.unwrap_or_default().contains(word))
            && condition.yaml.as_deref().is_none_or(|file| setting(home, file, &condition.keys))
            && *condition != Condition { env: condition.env.clone(), ..Condition::default() }
    }
}

/// Whether the first key with a value is true. An unreadable file counts as false.
fn setting(home: &OwnedFd, name: &str, keys: &[String]) -> bool {
    let open = file::open_regular_at(home, Path::new(name), OFlag::O_NOFOLLOW);
    let Ok(bytes) = open.and_then(|open| file::read_at_most(open, MAX_SETTINGS)) else { return false };
    let Ok(text) = String::from_utf8(bytes) else { return false };
    yaml::first_value(&text, keys).is_some_and(|value| {
        // as in Python, any number but 0 is true
        yes_or_no(&value).unwrap_or_else(|| value.parse().is_ok_and(|number: f64| number != 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect()
    }

    fn facts(variables: &[(&str, &str)], command: &str) -> Facts {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Facts { variables, command: Some(words_of(command)) }
    }

    fn holds(condition: &[(&str, &str)], variables: &[(&str, &str)], command: &str) -> bool {
        let directory = std::fs::File::open("/proc/self").expect("a directory").into();
        facts(variables, command).hold(&Condition::of(table(condition)).expect("a condition"), &directory)
    }

    #[test]
    fn a_condition_holds_by_its_parts() {
        let seed = [("command", "gateway run"), ("without", "--no-supervise"), ("unless-env", "NO")];
        assert!(holds(&seed, &[], "gateway run -v"));
        assert!(holds(&seed, &[("NO", "")], "gateway run"));
        assert!(holds(&seed, &[("NO", "maybe")], "gateway run"));
        assert!(!holds(&seed, &[("NO", " Yes")], "gateway run"));
        assert!(!holds(&seed, &[], "gateway run --no-supervise"));
        assert!(!holds(&seed, &[], "gateway"));
        assert!(!holds(&seed, &[], "gateway start run"));
        assert!(!holds(&seed, &[], ""));
        let dashboard = [("command", "dashboard")];
        assert!(holds(&dashboard, &[], "dashboard --host x"));
        assert!(!holds(&dashboard, &[], "gateway run -p dashboard"));
        let env = [("env", "MUX")];
        assert!(holds(&env, &[("MUX", "on")], ""));
        assert!(
            !holds(&env, &[("MUX", "0")], "") && !holds(&env, &[], "") && !holds(&env, &[("MUX", "x")], "")
        );
    }

    #[test]
    fn a_table_with_other_keys_is_not_a_condition() {
        for bad in [
            [("comand", "x")].as_slice(),
            &[],
            &[("yaml", "a.yaml")],
            &[("keys", "a")],
            &[("yaml", "../a"), ("keys", "a")],
            &[("env", " ")],
        ] {
            assert_eq!(Condition::of(table(bad)), None, "{bad:?}");
        }
    }
}
