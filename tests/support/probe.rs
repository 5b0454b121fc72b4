//! What a worker finds: examples/probe.rs.

use std::collections::BTreeMap;
use std::process::Output;

use super::launching::code;

/// What examples/probe.rs printed.
pub struct Probe(BTreeMap<String, String>);

impl Probe {
    /// Reads it; other lines do not count.
    pub fn parse(text: &str) -> Probe {
        Probe(
            text.lines()
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        )
    }

    /// From the stdout of a command that ended well.
    pub fn of(output: &Output) -> Probe {
        assert_eq!(code(output), 0, "{output:?}");
        let probe = Probe::parse(&super::stdout(output));
        assert!(probe.0.contains_key("uids"), "no probe: {output:?}");
        probe
    }

    /// A row; fails the test if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("the probe has no {name}: {:?}", self.0))
    }

    /// A variable.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.0.get(&format!("env.{name}")).map(String::as_str)
    }

    /// The names of all variables.
    pub fn variables(&self) -> Vec<&str> {
        self.0.keys().filter_map(|name| name.strip_prefix("env.")).collect()
    }

    /// Ids, groups and rights, as one text to compare.
    pub fn identity(&self) -> String {
        ["uids", "gids", "groups", "capabilities"].map(|row| format!("{row}={}", self.get(row))).join("\n")
    }

    /// The numbers of the open descriptors.
    pub fn descriptors(&self) -> Vec<i32> {
        self.get("fds").split(' ').filter_map(|fd| fd.split(':').next()?.parse().ok()).collect()
    }
}
