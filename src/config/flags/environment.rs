//! The variables of the worker.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::{FileForm, Flag, LaunchOption, Section, launch, path};
use crate::config::settings::{ContainerEnv, Dialect, EnvDirectory, EnvFile};
use crate::config::value::{EnvironmentEdit, Presence, assignment, names};
use crate::invalid::Invalid;
use crate::options::Takes::{Nothing, Value};

pub(super) const SECTION: Section = Section { title: "Environment", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    launch(
        LaunchOption::Env,
        "env",
        Value("NAME=VALUE"),
        "set a variable, overriding all files",
        |settings, value| {
            settings.environment.edits.push(EnvironmentEdit::parse_set(value)?);
            Ok(())
        },
    )
    .repeats()
    .file_form(FileForm::Assignments)
    .secret()
    .more("${NAME} in the value is expanded: --env 'PATH=/config/bin:${PATH}'."),
    launch(LaunchOption::Unset, "unset", Value("NAME"), "remove a variable", |settings, value| {
        settings.environment.edits.push(EnvironmentEdit::parse_unset(value)?);
        Ok(())
    })
    .repeats(),
    launch(
        LaunchOption::EnvFile,
        "env-file",
        Value("[-]PATH"),
        "read this file too; with - before its path, only if it exists",
        |settings, value| {
            let (path, presence) = path_and_presence(value)?;
            settings.environment.files.push(EnvFile { path, dialect: Dialect::Bash, presence });
            Ok(())
        },
    )
    .repeats()
    .more(
        "Read as bash would read it, after config.env in the service directory, and never executed. With a dash only \
         a missing file is no error: one that cannot be read or has an error still is.",
    ),
    launch(
        LaunchOption::Dotenv,
        "dotenv",
        Value("[-]PATH"),
        "read this file in the dotenv dialect",
        |settings, value| {
            let (path, presence) = path_and_presence(value)?;
            settings.environment.files.push(EnvFile { path, dialect: Dialect::Dotenv, presence });
            Ok(())
        },
    )
    .repeats()
    .more(
        "The values are those that compose reads from a .env file; anything else is an error. The file \
         must exist, unless a dash precedes its path. Of several --env-file and --dotenv options, the later one wins.",
    ),
    launch(LaunchOption::NoEnvFile, "no-env-file", Nothing, "do not read config.env", |settings, _| {
        settings.environment.no_env_file = true;
        Ok(())
    }),
    launch(
        LaunchOption::EnvDir,
        "env-dir",
        Value("[-]DIR"),
        "read one file per variable, like s6-envdir",
        |settings, value| {
            let (path, presence) = path_and_presence(value)?;
            settings.environment.directories.push(EnvDirectory { path, presence });
            Ok(())
        },
    )
    .repeats()
    .more(
        "The first line is the value; an empty file removes the variable. Overrides the files above. With a dash \
         before its path, the directory may be missing.",
    ),
    launch(
        LaunchOption::Default,
        "default",
        Value("NAME=VALUE"),
        "set a variable that is missing or empty",
        |settings, value| {
            settings.environment.defaults.push(assignment(value)?);
            Ok(())
        },
    )
    .repeats()
    .file_form(FileForm::Assignments)
    .secret()
    .more("Applied after all files, before --env and --unset; ${NAME} in the value is expanded."),
    launch(
        LaunchOption::Require,
        "require",
        Value("NAME,…"),
        "these variables must be set and not empty",
        |settings, value| {
            settings.environment.required.extend(names(value)?);
            Ok(())
        },
    )
    .repeats(),
    launch(
        LaunchOption::Secret,
        "secret",
        Value("NAME,…"),
        "these variables must be set, or a file that NAME_FILE names",
        |settings, value| {
            settings.environment.secrets.extend(names(value)?);
            Ok(())
        },
    )
    .repeats()
    .more(
        "The convention of the official Docker images. The file is read as the worker's user, at most 128 KiB, \
         without newlines at its end; NAME_FILE is then removed. It is an error if both are set.",
    ),
    launch(
        LaunchOption::ContainerEnv,
        "container-env",
        Value("DIR|none"),
        "directory of the container's variables",
        |settings, value| {
            settings.environment.container = Some(match value == "none" {
                true => ContainerEnv::None,
                false => ContainerEnv::Directory(path(value)?),
            });
            Ok(())
        },
    )
    .more(
        "One file per variable. Default: /run/s6/container_environment (of s6-overlay), if it exists. \
         Inherited variables override them.",
    ),
    launch(LaunchOption::ClearEnv, "clear-env", Nothing, "start from an empty environment", |settings, _| {
        settings.environment.clear = true;
        Ok(())
    }),
];

/// Reads `PATH` or `-PATH`.
fn path_and_presence(value: &OsStr) -> Result<(PathBuf, Presence), Invalid> {
    let (presence, value) = Presence::split(value);
    Ok((path(value)?, presence))
}
