//! What a boot depends on beside the volume: the environment, the container's command, a setting on the volume.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::yaml;
use crate::machine::Host;
use crate::machine::Machine;
use crate::plan::variables_of_container;
use crate::sys::file;

/// More of a process's command line is not read.
const LONGEST_COMMAND: usize = 64 << 10;
/// The largest settings file that is read, in bytes.
const LARGEST_SETTINGS: usize = 1 << 20;

/// Where the container's command is found: in the command line of a process, after a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandPlace {
    /// The word that ends with this.
    after: String,
    /// Words that may stand before the command itself, by their ends.
    skip: Vec<String>,
}

impl CommandPlace {
    /// Reads the table; none if it is not one of these.
    pub(super) fn of(table: Vec<(String, String)>) -> Option<CommandPlace> {
        let mut place = CommandPlace { after: String::new(), skip: Vec::new() };
        for (key, text) in table {
            match key.as_str() {
                "after" => place.after = text,
                "skip" => place.skip = words_of(&text),
                _ => return None,
            }
        }
        (!place.after.is_empty()).then_some(place)
    }

    /// The command in a command line that has the word.
    fn command_in(&self, line: &[String]) -> Option<Vec<String>> {
        let at = line.iter().position(|word| word.ends_with(&self.after))?;
        let mut command = line.get(at + 1..).unwrap_or_default();
        for skipped in &self.skip {
            match command.split_first() {
                Some((first, rest)) if first.rsplit('/').next() == Some(skipped) => command = rest,
                _ => {}
            }
        }
        Some(command.to_vec())
    }
}

/// Holds or does not. What `env` says decides; else all other parts have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// A variable that says yes or no.
    env: Option<String>,
    /// A variable that must not say yes.
    unless_env: Option<String>,
    /// What the container's command begins with.
    command: Vec<String>,
    /// A word that must not be in it.
    without: Option<String>,
    /// A YAML file on the volume.
    yaml: Option<String>,
    /// Keys in it, of which the first that has a value must say yes; `a.b` is a key in a mapping.
    keys: Vec<String>,
}

impl Condition {
    /// Reads the table; none if it is not one of these.
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

    /// The file on the volume that it depends on, in the home.
    pub(super) fn file(&self) -> Option<&str> {
        self.yaml.as_deref()
    }
}

fn words_of(text: &str) -> Vec<String> {
    text.split_whitespace().map(ToString::to_string).collect()
}

/// Yes, no, or neither: blanks around the word and its case do not count.
pub(super) fn yes_or_no(word: &str) -> Option<bool> {
    match word.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// What does not change while this process lives.
#[derive(Debug, Default)]
pub struct Facts {
    /// The inherited environment, then the container's.
    variables: Vec<(OsString, OsString)>,
    /// The container's command; none if no process tells it.
    command: Option<Vec<String>>,
}

impl Facts {
    /// Looks at this machine.
    pub fn of_machine(place: Option<&CommandPlace>) -> Facts {
        let mut variables = Machine.environment();
        variables.extend(variables_of_container(&Machine));
        Facts { variables, command: place.and_then(container_command) }
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let is_meant = |(each, value): &&(OsString, OsString)| each == name && !value.is_empty();
        self.variables.iter().find(is_meant).map(|(_, value)| value.as_os_str())
    }

    /// The container's command as one text, for messages.
    pub(super) fn command_line(&self) -> String {
        self.command.as_deref().unwrap_or_default().join(" ")
    }

    /// Whether a condition holds; `home` is read with the user's ids.
    pub(super) fn hold(&self, condition: &Condition, home: &OwnedFd) -> bool {
        let says = |name: &Option<String>| {
            let value = name.as_deref().and_then(|name| self.variable(name))?;
            yes_or_no(&value.to_string_lossy())
        };
        if let Some(decided) = says(&condition.env) {
            return decided;
        }
        let command = self.command.as_deref();
        says(&condition.unless_env) != Some(true)
            && (condition.command.is_empty() || command.is_some_and(|it| it.starts_with(&condition.command)))
            && !condition.without.as_ref().is_some_and(|word| command.unwrap_or_default().contains(word))
            && condition.yaml.as_deref().is_none_or(|file| setting(home, file, &condition.keys))
            && *condition != Condition { env: condition.env.clone(), ..Condition::default() }
    }
}

/// Whether the first of the keys that has a value says yes. A file that cannot be read says nothing.
fn setting(home: &OwnedFd, name: &str, keys: &[String]) -> bool {
    let open = file::open_regular_at(home, Path::new(name), OFlag::O_NOFOLLOW);
    let Ok(bytes) = open.and_then(|open| file::read_at_most(open, LARGEST_SETTINGS)) else { return false };
    let Ok(text) = String::from_utf8(bytes) else { return false };
    yaml::first_value(&text, keys).is_some_and(|value| {
        // as a truth value a number is one unless it is 0
        yes_or_no(&value).unwrap_or_else(|| value.parse().is_ok_and(|number: f64| number != 0.0))
    })
}

/// Looks for it in all processes of this PID namespace that belong to root (or to the caller): any other could
/// make it up.
fn container_command(place: &CommandPlace) -> Option<Vec<String>> {
    let first = of_process(place, "1");
    first.or_else(|| {
        let mut numbers: Vec<u32> = std::fs::read_dir("/proc")
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers.into_iter().find_map(|number| of_process(place, &number.to_string()))
    })
}

fn of_process(place: &CommandPlace, number: &str) -> Option<Vec<String>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let process =
        openat(nix::fcntl::AT_FDCWD, &Path::new("/proc").join(number), flags, Mode::empty()).ok()?;
    let read = |name: &str| {
        let open = file::open_regular_at(&process, Path::new(name), OFlag::empty());
        open.and_then(|open| file::read_at_most(open, LONGEST_COMMAND)).ok()
    };
    let is_trusted = || Some(is_trusted(&String::from_utf8_lossy(&read("status")?)));
    // before its words, which a process that has had its ids for a moment only has chosen as another user; and
    // after them, for they may be those of the next one
    is_trusted().filter(|is_trusted| *is_trusted)?;
    let line = read("cmdline")?;
    let line: Vec<String> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let command = place.command_in(&line)?;
    is_trusted()?.then_some(command)
}

/// Whether all ids of a process are root's or the caller's, and it lives in this PID namespace. The owner of
/// its directory in /proc would not do: a process that cannot be dumped has root there.
fn is_trusted(status: &str) -> bool {
    let numbers = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(
            line.split_whitespace().map(str::parse::<u32>).collect::<Result<Vec<_>, _>>().unwrap_or_default(),
        )
    };
    let own = nix::unistd::geteuid().as_raw();
    numbers("Uid:").is_some_and(|ids| !ids.is_empty() && ids.iter().all(|id| *id == 0 || *id == own))
        && numbers("NSpid:").is_none_or(|numbers| numbers.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect()
    }

    fn place() -> CommandPlace {
        CommandPlace::of(table(&[("after", "main-wrapper.sh"), ("skip", "dispatch.sh hermes")]))
            .expect("a place")
    }

    #[test]
    fn the_command_is_what_follows_the_word() {
        for (line, expected) in [
            ("/init /opt/main-wrapper.sh gateway run", Some("gateway run")),
            (
                "/bin/sh -e /run/rc.init top /opt/main-wrapper.sh dashboard --port 1",
                Some("dashboard --port 1"),
            ),
            ("/init /opt/main-wrapper.sh /opt/dispatch.sh hermes gateway run", Some("gateway run")),
            ("/init /opt/main-wrapper.sh /usr/bin/hermes dashboard", Some("dashboard")),
            ("/init /opt/main-wrapper.sh", Some("")),
            ("/init gateway run", None),
            ("", None),
        ] {
            let line = words_of(line);
            assert_eq!(
                place().command_in(&line).map(|words| words.join(" ")).as_deref(),
                expected,
                "{line:?}"
            );
        }
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
    fn a_table_that_says_something_else_is_not_a_condition() {
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
        assert_eq!(CommandPlace::of(table(&[("skip", "x")])), None);
    }

    #[test]
    fn only_root_and_the_caller_in_this_namespace_are_believed() {
        let own = nix::unistd::geteuid();
        assert!(is_trusted("Name:\tsh\nUid:\t0\t0\t0\t0\nNSpid:\t17\n"));
        assert!(is_trusted(&format!("Uid:\t{own}\t{own}\t{own}\t{own}\n")));
        for bad in ["Uid:\t0\t54321\t0\t0\n", "Uid:\t0\t0\t0\t0\nNSpid:\t17\t3\n", "Uid:\tx\n", ""] {
            assert!(!is_trusted(bad), "{bad:?}");
        }
    }
}
