//! Where the settings come from, and what to show.

use super::{CommandLineOption, Flag, LaunchOption, Section, absolute, command_line, launch};
use crate::invalid::Invalid;
use crate::options::Takes::{Nothing, OptionalValue, Value};
use crate::service::ServiceName;

pub(super) const SECTION: Section = Section { title: "General", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    command_line(CommandLineOption::File, "file", Value("PATH"), "read the settings from a TOML file").more(
        "Each long option is a key of the same name; exec = [\"PROGRAM\", \"ARG\"] or script = '''…''' \
         (run by sh -eu) names the worker. Options behind it win over the file; at most the service name \
         may follow. Made for a first line of #!/usr/local/bin/futo-launch --file",
    ),
    command_line(
        CommandLineOption::Explain,
        "explain",
        OptionalValue("text|json"),
        "show the whole plan, run nothing",
    )
    .more(
        "Needs no privilege, touches nothing, and lists everything that would fail. Exits 0, or with the \
         code of what would fail.",
    ),
    command_line(
        CommandLineOption::ShowValues,
        "show-values",
        Nothing,
        "with --explain: show the variables' values",
    ),
    launch(LaunchOption::Name, "name", Value("NAME"), "the service's name", |settings, value| {
        settings.name = Some(ServiceName::parse(value).map_err(|why| Invalid::new(why.to_string()))?);
        Ok(())
    })
    .more(
        "Default: the name that s6 passes, else the name of the service directory (NAME-log in \
         NAME/log), else the program's.",
    ),
    launch(
        LaunchOption::ServiceDir,
        "service-dir",
        Value("DIR"),
        "where the service's own files are",
        |settings, value| {
            settings.service_dir = Some(absolute(value)?);
            Ok(())
        },
    )
    .more(
        "config.env and all relative paths count from there. It is entered as the worker's user. \
         Default: the directory in which the launcher is started, as supervisors do. futo sync writes \
         it.",
    ),
    command_line(CommandLineOption::Help, "help", Nothing, "show this (-h: one line each)").short('h'),
    command_line(CommandLineOption::Version, "version", Nothing, "show the version").short('V'),
];
