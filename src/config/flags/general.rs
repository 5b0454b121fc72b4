//! Where the settings come from, and what to show.

use super::{CommandLineOption, Flag, LaunchOption, Section, absolute, command_line, launch};
use crate::invalid::Invalid;
use crate::options::Takes::{Nothing, OptionalValue, Value};
use crate::service::ServiceName;

pub(super) const SECTION: Section = Section { title: "General", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    command_line(CommandLineOption::File, "file", Value("PATH"), "read the settings from a TOML file").more(
        "Every long option is a key of the same name; exec = [\"PROGRAM\", \"ARG\"] or script = '''…''' \
         (run by sh -eu) sets the worker. Options after it override the file; only the service name may \
         follow them. Intended for the first line #!/usr/local/bin/futo-launch --file",
    ),
    command_line(
        CommandLineOption::Explain,
        "explain",
        OptionalValue("text|json"),
        "show the whole plan, run nothing",
    )
    .more(
        "Needs no privileges, changes nothing, and lists everything that would fail. Exits with 0, or \
         with the exit code of the failure.",
    ),
    command_line(
        CommandLineOption::ShowValues,
        "show-values",
        Nothing,
        "with --explain, show the values of variables",
    ),
    launch(LaunchOption::Name, "name", Value("NAME"), "name of the service", |settings, value| {
        settings.name = Some(ServiceName::parse(value).map_err(|why| Invalid::new(why.to_string()))?);
        Ok(())
    })
    .more(
        "Default: the name that s6 passes, else the name of the service directory (NAME-log in \
         NAME/log), else the name of the program.",
    ),
    launch(
        LaunchOption::ServiceDir,
        "service-dir",
        Value("DIR"),
        "directory of the service's own files",
        |settings, value| {
            settings.service_dir = Some(absolute(value)?);
            Ok(())
        },
    )
    .more(
        "config.env and all relative paths are relative to it. It is entered as the worker's user. \
         Default: the current directory, which supervisors set to the service directory. futo sync adds \
         this option.",
    ),
    command_line(CommandLineOption::Help, "help", Nothing, "show this help (-h: one line per option)")
        .short('h'),
    command_line(CommandLineOption::Version, "version", Nothing, "show the version").short('V'),
];
