//! The keys of the `--config` file, each with the form of its value.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::conditions::Condition;
use super::container_command::CommandPlace;
use super::system::{Policy, System};
use crate::boot::delegate::DelegateTo;
use crate::cli;
use crate::config::service_file::Value;
use crate::config::value::{EnvironmentEdit, UserRequest};
use crate::error::Findings;

/// A key of the file.
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// Sets a valid value, or returns a description of valid values.
    pub(super) set: fn(&mut System, Value) -> Result<(), &'static str>,
}

macro_rules! keys {
    ($($name:literal: $kind:ident => $($field:ident).+;)*) => {
        &[$(Key {
            name: $name,
            set: |system, value| {
                system.$($field).+ = $kind(value)?.into();
                Ok(())
            },
        }),*]
    };
}

/// All keys except `preset`, which is read first.
pub static KEYS: &[Key] = keys! {
    "name": word => name;
    "home": absolute => home;
    "home-variable": variable => home_variable;
    "scan-dir": absolute => scan_dir;
    "scan-dir-variable": variable => scan_dir_variable;
    "user": user => user;
    "delegate": delegate => delegate;
    "label": word => label;
    "instances": below => instances;
    "marker": file => marker;
    "root-instance": word => root_instance;
    "service": service => service;
    "state-file": file => state_file;
    "state-keys": list => state_keys;
    "running": list => running;
    "transient": pairs => transient;
    "stale": files => stale;
    "boot-log": below => boot_log;
    "boot-log-size": size => boot_log_size;
    "log-field": word => log_field.name;
    "log-field-file": below => log_field.file;
    "log-field-key": text => log_field.key;
    "log-field-words": fields => log_field.words;
    "container-command": command_place => container_command;
    "skip": condition => skip;
    "hold": condition => hold;
    "seed": condition => seed;
    "seed-state": pairs => seed_state;
    "predecessor-run": list => predecessor.run;
    "predecessor-root-run": list => predecessor.root_run;
    "predecessor-staging": staging => predecessor.staging;
    "policy": policy => policy;
    "policies": policies => policies;
    "command": words => template.command;
    "root-command": words => template.root_command;
    "options": options => template.options;
    "chdir": text => template.chdir;
    "user-home": text => template.user_home;
    "venv": text => template.venv;
    "env": table => template.env;
    "log-dir": text => template.log_dir;
    "log-command": words => template.log_command;
    "no-restart": codes => template.no_restart;
};

type Parsed<T> = Result<T, &'static str>;

/// A string that satisfies `fits`.
fn text_that(value: Value, fits: impl Fn(&str) -> bool, wanted: &'static str) -> Parsed<String> {
    match value {
        Value::Text(text) if fits(&text) => Ok(text),
        _ => Err(wanted),
    }
}

/// A list of strings that satisfies `fits`.
fn list_that(value: Value, fits: impl Fn(&[String]) -> bool, wanted: &'static str) -> Parsed<Vec<String>> {
    match value {
        Value::List(list) if fits(&list) => Ok(list),
        _ => Err(wanted),
    }
}

fn text(value: Value) -> Parsed<String> {
    text_that(value, |text| !text.is_empty(), "a string")
}

fn service(value: Value) -> Parsed<String> {
    let wanted = "a string containing {name}: every instance needs a service of its own";
    text_that(value, |text| text.contains("{name}"), wanted)
}

fn word(value: Value) -> Parsed<String> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let fits = |text: &str| !text.is_empty() && text.bytes().all(is_word);
    text_that(value, fits, "a word of letters, digits, _ and -")
}

fn variable(value: Value) -> Parsed<String> {
    let is_name = |name: &str| EnvironmentEdit::parse_unset(OsStr::new(name)).is_ok();
    text_that(value, is_name, "a variable name")
}

fn pairs(value: Value) -> Parsed<Vec<(String, String)>> {
    match value {
        Value::Table(table) => Ok(table),
        _ => Err("a table of strings: { NAME = \"text\" }"),
    }
}

fn fields(value: Value) -> Parsed<Vec<(String, String)>> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    match pairs(value) {
        Ok(table) if table.iter().all(|(_, word)| is_word(word)) => Ok(table),
        _ => Err("a table of words without spaces: { TEXT = \"word\", \"\" = \"all others\" }"),
    }
}

/// `None` for an empty table, which resets the value of a preset.
fn table_of<T>(
    value: Value,
    read: impl Fn(Vec<(String, String)>) -> Option<T>,
    wanted: &'static str,
) -> Parsed<Option<T>> {
    let table = pairs(value).map_err(|_| wanted)?;
    if table.is_empty() { Ok(None) } else { read(table).map(Some).ok_or(wanted) }
}

fn command_place(value: Value) -> Parsed<Option<CommandPlace>> {
    table_of(value, CommandPlace::of, "a table: { after = \"WORD\", skip = \"WORDS\" }")
}

fn condition(value: Value) -> Parsed<Option<Condition>> {
    let wanted =
        "a table of env, unless-env, command and without, or of yaml and keys: { command = \"serve\" }";
    table_of(value, Condition::of, wanted)
}

fn staging(value: Value) -> Parsed<Vec<String>> {
    let fits = |list: &[String]| list.iter().all(|name| name.contains("{service}") && is_file_name(name));
    list_that(value, fits, "a list of names containing {service}")
}

fn user(value: Value) -> Parsed<String> {
    text_that(value, |text| UserRequest::parse(text).is_ok(), "NAME, NAME:GROUP, UID or UID:GID")
}

fn delegate(value: Value) -> Parsed<DelegateTo> {
    Ok(match text(value)?.as_str() {
        "none" => DelegateTo::RootOnly,
        group => DelegateTo::Group(group.to_string()),
    })
}

fn absolute(value: Value) -> Parsed<PathBuf> {
    let path = text_that(value, |text| Path::new(text).is_absolute(), "an absolute path")?;
    // removes repeated and trailing slashes
    Ok(Path::new(&path).components().collect())
}

fn below(value: Value) -> Parsed<String> {
    use std::path::Component::{CurDir, Normal};
    let inside = |text: &str| Path::new(text).components().all(|part| matches!(part, Normal(_) | CurDir));
    text_that(value, |text| !text.is_empty() && inside(text), "a path below home, without ..")
}

fn is_file_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains('/')
}

fn file(value: Value) -> Parsed<String> {
    text_that(value, is_file_name, "a file name")
}

fn list(value: Value) -> Parsed<Vec<String>> {
    list_that(value, |_| true, "a list of strings")
}

fn files(value: Value) -> Parsed<Vec<String>> {
    list_that(value, |list| list.iter().all(|name| is_file_name(name)), "a list of file names")
}

fn words(value: Value) -> Parsed<Vec<String>> {
    let names_program = |list: &[String]| list.first().is_some_and(|program| !program.is_empty());
    list_that(value, names_program, "a list of the program and its arguments: [\"bot\", \"{name}\"]")
}

fn options(value: Value) -> Parsed<Vec<String>> {
    let are_options = |list: &[String]| {
        let mut findings = Findings::default();
        let request = cli::parse(list.iter().map(Into::into), &mut findings);
        findings.is_empty() && request.words.is_empty() && request.ask.is_none() && request.file.is_none()
    };
    list_that(value, are_options, "a list of futo-launch options: [\"--nice\", \"5\"]")
}

fn table(value: Value) -> Parsed<Vec<(String, String)>> {
    let is_name = |name: &str| EnvironmentEdit::parse_unset(OsStr::new(name)).is_ok();
    match value {
        Value::Table(table) if table.iter().all(|(name, _)| is_name(name)) => Ok(table),
        _ => Err("a table of variables: { NAME = \"value\" }"),
    }
}

fn size(value: Value) -> Parsed<u64> {
    const WANTED: &str = "a number of bytes, 1 or more";
    let text = text(value).map_err(|_| WANTED)?;
    text.parse().ok().filter(|number| *number > 0).ok_or(WANTED)
}

fn codes(value: Value) -> Parsed<Vec<u8>> {
    const WANTED: &str = "a list of exit codes, 0 to 255";
    let list = list(value).map_err(|_| WANTED)?;
    list.iter().map(|code| code.parse().map_err(|_| WANTED)).collect()
}

fn policy(value: Value) -> Parsed<Policy> {
    match value {
        Value::Text(text) if text == "always" => Ok(Policy::Always),
        Value::Text(text) if text == "last" => Ok(Policy::Last),
        Value::Text(text) if text == "never" => Ok(Policy::Never),
        _ => Err("always, last or never"),
    }
}

fn policies(value: Value) -> Parsed<BTreeMap<String, Policy>> {
    let Value::Table(table) = value else { return Err("a table: { NAME = \"always\" }") };
    table.into_iter().map(|(name, text)| Ok((name, policy(Value::Text(text))?))).collect()
}
