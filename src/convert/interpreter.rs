//! The first line of a run file: who reads it, and who is started before.

use std::path::Path;

/// The reader of a run file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// sh or dash: what only bash reads is not understood.
    Sh,
    /// bash
    Bash,
    /// bash with the functions of Home Assistant's add-ons.
    Bashio,
    /// execlineb
    Execline,
}

/// The first line in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The language.
    pub(crate) language: Language,
    /// Whether the container's variables are loaded before (`with-contenv`).
    pub(crate) loads_container: bool,
    /// Options of the shell, such as `-e`.
    pub(crate) options: Vec<String>,
    /// The whole line.
    pub(crate) line: String,
}

/// Reads the first line; the error is the name of another interpreter.
pub(crate) fn read(script: &str) -> Result<Interpreter, String> {
    let line = script.lines().next().unwrap_or_default();
    let other = || line.trim_start_matches("#!").trim().chars().take(40).collect::<String>();
    let mut words = line.strip_prefix("#!").ok_or_else(other)?.split_whitespace();
    let mut loads_container = false;
    let mut name = basename(words.next().unwrap_or_default());
    loop {
        match name {
            "env" => {}
            "with-contenv" => loads_container = true,
            _ => break,
        }
        match words.find(|word| *word != "-S") {
            Some(word) => name = basename(word),
            // with-contenv alone reads execline
            None if loads_container => name = "execlineb",
            None => return Err(other()),
        }
    }
    let language = match name {
        "sh" | "dash" | "ash" => Language::Sh,
        "bash" => Language::Bash,
        "bashio" => Language::Bashio,
        "execlineb" => Language::Execline,
        _ => return Err(other()),
    };
    let options: Vec<String> = words.map(String::from).collect();
    let is_plain = |option: &String| {
        option.strip_prefix('-').is_some_and(|letters| letters.chars().all(|c| "eux".contains(c)))
    };
    // others change what the shell reads or does: -l, -i, -c
    if language != Language::Execline && !options.iter().all(is_plain) {
        return Err(other());
    }
    Ok(Interpreter { language, loads_container, options, line: line.to_string() })
}

fn basename(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

impl Interpreter {
    /// The first line of a script that keeps the user's lines. The launcher has loaded the container's variables; a
    /// second time they would override config.env.
    pub(crate) fn of_script(&self) -> String {
        let options: String = self.options.iter().map(|option| format!(" {option}")).collect();
        match self.language {
            Language::Sh if self.loads_container => format!("#!/bin/sh{options}"),
            Language::Bash if self.loads_container => match options.is_empty() {
                true => "#!/usr/bin/env bash".to_string(),
                false => format!("#!/bin/bash{options}"),
            },
            _ => self.line.clone(),
        }
    }

    /// The shell for a command of one line.
    pub(crate) fn shell(&self) -> &'static str {
        match self.language {
            Language::Bash | Language::Bashio => "bash",
            Language::Sh | Language::Execline => "sh",
        }
    }
}
