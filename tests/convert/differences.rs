//! The differences that are wanted: each has its row in docs/differences.md.

use std::collections::BTreeSet;

use crate::comparison::Difference;
use crate::ground::CONTAINER;

/// A difference that is wanted.
pub struct Deliberate {
    pub key: &'static str,
    /// A part of its row in docs/differences.md.
    pub row: &'static str,
    /// Seen wherever it can be. The others are announced in `differs` of case.toml.
    pub is_everywhere: bool,
    pub is_it: fn(&Difference) -> bool,
}

/// A deliberate difference that is seen wherever it can be.
const fn everywhere(key: &'static str, row: &'static str, is_it: fn(&Difference) -> bool) -> Deliberate {
    Deliberate { key, row, is_everywhere: true, is_it }
}

/// One that case.toml announces.
const fn announced(key: &'static str, row: &'static str, is_it: fn(&Difference) -> bool) -> Deliberate {
    Deliberate { key, row, is_everywhere: false, is_it }
}

/// All that a comparison lets pass.
pub const DELIBERATE: &[Deliberate] = &[
    everywhere(
        "home",
        "| HOME, USER, LOGNAME are those of root, or missing | those of the worker's user |",
        |row| {
            let is_roots = |old: &str| ["root", "/root"].contains(&old);
            let ours: &[&str] = match row.field {
                "env HOME" => &["/config", "/root", "/"],
                "env USER" | "env LOGNAME" => &["abc", "root"],
                _ => return false,
            };
            row.old.is_none_or(is_roots) && row.new.is_some_and(|new| ours.contains(&new))
        },
    ),
    everywhere(
        "home of abc",
        "| HOME | the account's, or `/` | the account's, or `/`; `/config` for abc by default |",
        |row| (row.field, row.old, row.new) == ("env HOME", Some("/home/abc"), Some("/config")),
    ),
    everywhere(
        "container",
        "| the worker gets the variables of s6-svscan, which are PATH at most |",
        |row| {
            let is_new = |(variable, value): &(&str, &str)| row.is_env(variable) && row.new == Some(value);
            row.old.is_none() && CONTAINER.iter().any(is_new)
        },
    ),
    everywhere("descriptors", "| the worker inherits all descriptors |", |row| {
        let number = row.field.strip_prefix("fds ").and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| number >= 3) && row.new.is_none()
    }),
    everywhere("shell", "| bash sets SHLVL, OLDPWD and `_` |", |row| {
        ["SHLVL", "OLDPWD", "_"].iter().any(|name| row.is_env(name)) && row.new.is_none()
    }),
    everywhere("PWD", "| PWD is the directory that `cd` has entered; execline sets none |", |row| {
        row.is_env("PWD") && row.new == Some(&format!("/run/service/{}", row.case.name))
    }),
    everywhere(
        "left",
        "| a worker in a pipe, in the background or behind `su -c` lives on when the service is stopped |",
        |row| row.field == "left after TERM" && row.new == Some(""),
    ),
    everywhere("primary group", "- In the list given to setgroups the primary group comes first", |row| {
        let list = |text: Option<&'_ str>| -> BTreeSet<String> {
            text.unwrap_or_default().split_whitespace().map(String::from).collect()
        };
        let (old, mut new) = (list(row.old), list(row.new));
        let primary = row.case.settings.primary_group.as_deref().unwrap_or("911");
        row.field == "groups" && !old.contains(primary) && new.remove(primary) && old == new
    }),
    announced("log rights", "| `>> log` creates with the umask (mostly 0644)", |row| {
        row.field.starts_with("rights /") && row.field.ends_with(".log") && row.new == Some("0640 911:911")
    }),
    announced(
        "not asked to stop",
        "| a worker in a pipe, in the background or behind `su -c` lives on when the service is stopped |",
        |row| {
            let asked = |line: &&str| line.contains(": got SIG");
            let without: Vec<&str> =
                row.new.unwrap_or_default().lines().filter(|line| !asked(line)).collect();
            row.field.starts_with("log ") && row.old == Some(&without.join("\n"))
        },
    ),
    announced(
        "supervisord",
        "- Its programs get `SUPERVISOR_*` variables, a pipe as stdin and another one as stdout",
        |row| {
            let is_stream = ["fds 0", "fds 1", "fds 2"].contains(&row.field);
            (row.field.starts_with("env SUPERVISOR_") || row.is_env("LC_CTYPE")) && row.new.is_none()
                || row.field == "signals ignored" && row.old == Some("0000000001001000")
                || is_stream && row.old == Some("pipe")
        },
    ),
    announced("execline status", "| `foreground` and `if` of execline leave the exit code", |row| {
        row.is_env("?") && row.old.is_some() && row.new.is_none()
    }),
    announced("not exported", "| only exported names reach the worker |", |row| {
        let options = "--no-collector.wifi --web.timeout 5";
        let names = [("CITY", "Osaka"), ("UMASK_SET", "022"), ("WEB_PORT", "8181"), ("OPTS", options)];
        names.iter().any(|(name, value)| row.is_env(name) && (row.old, row.new) == (None, Some(*value)))
    }),
    announced("probe", "- `--ready tcp:` and `--wait-for tcp:` connect themselves", |row| {
        row.field == "nc argv" && row.new == Some("")
    }),
    announced("soft limit", "- `chpst -o 1024` sets the soft limit.", |row| {
        let soft = row.old.and_then(|old| old.split(':').next()).unwrap_or_default();
        row.field == "limits Max open files" && row.new == Some(&format!("{soft}:{soft}"))
    }),
    announced("background", "| `app &` starts with INT and QUIT ignored |", |row| {
        row.field == "signals ignored"
            && row.old == Some("0000000000000006")
            && row.new == Some("0000000000000000")
    }),
    announced("run variables", "| `hook \\|\\| alert`: the alert gets the variables of the loop |", |row| {
        row.field.starts_with("env FUTO_RUN_") && row.old.is_none()
    }),
    announced("su", "- su and sudo set SHELL and MAIL", |row| {
        let of_theirs = ["SHELL", "MAIL", "TERM", "SUDO_COMMAND", "SUDO_GID", "SUDO_UID", "SUDO_USER"];
        of_theirs.iter().any(|name| row.is_env(name)) && row.new.is_none()
            || row.is_env("PATH") && row.old == Some(crate::support::launching::PATH)
            || row.field.starts_with("limits ")
    }),
];
