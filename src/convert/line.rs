//! The options of the line under way, and its canonical spelling.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::cli;
use crate::config;
use crate::config::flags::{self, Expansion, Flag};
use crate::config::settings::Settings;
use crate::config::value::ExpandableText;
use crate::error::Findings;
use crate::machine::Machine;
use crate::options::Takes;
use crate::service::run_script::{self, RunScript};
use crate::shell_quote::push_shell_word;

/// Options, each with its row in the launcher's table.
#[derive(Clone, Default)]
pub(crate) struct Line {
    options: Vec<(&'static Flag, String)>,
}

/// The row of an option.
fn row(long: &str) -> Option<(usize, &'static Flag)> {
    flags::all().enumerate().find(|(_, flag)| flag.long == long)
}

impl Line {
    /// Adds an option if the launcher takes this value.
    pub(crate) fn add(&mut self, long: &'static str, value: &str) -> Result<(), String> {
        let (_, flag) = row(long).ok_or_else(|| format!("this futo-launch has no --{long}"))?;
        check(flag, value).map_err(|why| format!("--{long} does not take this value: {why}"))?;
        if self.options.iter().any(|(each, before)| each.long == long && before == value) {
            return Ok(());
        }
        if !flag.repeats && self.options.iter().any(|(each, _)| each.long == long) {
            return Err(format!("a second value for --{long}"));
        }
        self.options.push((flag, value.to_string()));
        Ok(())
    }

    /// Whether the option was added.
    pub(crate) fn has(&self, long: &str) -> bool {
        self.options.iter().any(|(flag, _)| flag.long == long)
    }

    /// Removes an option.
    pub(crate) fn remove(&mut self, long: &str) {
        self.options.retain(|(flag, _)| flag.long != long);
    }

    /// The arguments of the launcher: options in the order of its table, then the program.
    pub(crate) fn words(&self, program: &[String]) -> Vec<String> {
        let mut options: Vec<&(&Flag, String)> = self.options.iter().collect();
        options.sort_by_key(|(flag, _)| row(flag.long).map(|(index, _)| index));
        let spelled = options.into_iter().map(|(flag, value)| match flag.takes {
            Takes::Value(_) => format!("--{}={value}", flag.long),
            Takes::OptionalValue(_) if !value.is_empty() => format!("--{}={value}", flag.long),
            _ => format!("--{}", flag.long),
        });
        spelled.chain(["--".to_string()]).chain(program.iter().cloned()).collect()
    }
}

/// Whether the launcher has this option.
#[cfg(test)]
pub(super) fn has(long: &str) -> bool {
    row(long).is_some()
}

/// Whether it takes this value.
#[cfg(test)]
pub(super) fn takes(long: &str, value: &str) -> bool {
    row(long).is_some_and(|(_, flag)| check(flag, value).is_ok())
}

/// Reads a value as the launcher will.
fn check(flag: &Flag, value: &str) -> Result<(), String> {
    let given = OsStr::from_bytes(value.as_bytes());
    let value = match flag.meaning.expansion {
        Expansion::Variables => {
            ExpandableText::parse(given).map_err(|invalid| invalid.reason.to_string())?.literal()
        }

        Expansion::None => Some(given.to_os_string()),
    };
    match value {
        Some(value) => {
            (flag.meaning.set)(&mut Settings::default(), &value).map_err(|invalid| invalid.reason.to_string())
        }
        None => Ok(()),
    }
}

/// A run file of one line; the error is why the launcher would not take it.
pub(crate) fn run_file(launcher: &str, words: &[String]) -> Result<Vec<u8>, String> {
    let mut run = format!("#!/bin/sh\nexec {launcher}").into_bytes();
    for word in words {
        run.push(b' ');
        push_shell_word(&mut run, word.as_bytes());
    }
    run.push(b'\n');
    let expected: Vec<OsString> = words.iter().map(OsString::from).collect();
    match run_script::parse(&run) {
        Ok(RunScript::OneLine(read)) if read == expected => {}
        _ => return Err("the line would not be read back as it was written".to_string()),
    }
    let mut findings = Findings::default();
    let request = cli::parse(expected, &mut findings);
    let is_plain = request.file.is_none() && request.ask.is_none() && !request.words.is_empty();
    // without --file it reads nothing of the machine
    config::resolve(request, &Machine, &mut findings);
    match findings.iter().next() {
        None if is_plain => Ok(run),
        None => Err("the line would start nothing".to_string()),
        Some(finding) => Err(finding.text.clone()),
    }
}
