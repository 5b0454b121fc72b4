//! The log and the run record.

use super::{Flag, LaunchOption, Section, launch, path};
use crate::config::settings::LogTarget;
use crate::config::value::{ByteSize, mode, text, whole};
use crate::options::Takes::Value;

pub(super) const SECTION: Section = Section { title: "Log", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    launch(LaunchOption::Log, "log", Value("PATH|-"), "where stdout and stderr go", |settings, value| {
        settings.log = Some(if value == "-" { LogTarget::Inherited } else { LogTarget::File(path(value)?) });
        Ok(())
    })
    .more(
        "Default in a service directory: NAME.log in the state directory; elsewhere '-': the inherited \
         stdout, for stderr too.",
    ),
    launch(
        LaunchOption::LogMode,
        "log-mode",
        Value("MODE"),
        "mode of a new log, octal [0640]",
        |settings, value| {
            settings.log_mode = Some(mode(text(value)?, 0o777)?);
            Ok(())
        },
    ),
    launch(
        LaunchOption::LogSize,
        "log-size",
        Value("SIZE"),
        "rotate the log between runs if larger than this [10 MiB]",
        |settings, value| {
            settings.log_size = Some(ByteSize::parse(text(value)?)?);
            Ok(())
        },
    ),
    launch(
        LaunchOption::LogKeep,
        "log-keep",
        Value("N"),
        "number of rotated logs to keep [5]",
        |settings, value| {
            settings.log_keep = Some(whole(text(value)?, 0, 1000)?);
            Ok(())
        },
    ),
    launch(
        LaunchOption::StateDir,
        "state-dir",
        Value("DIR"),
        "directory of the log and the run record",
        |settings, value| {
            settings.state_dir = Some(path(value)?);
            Ok(())
        },
    )
    .more("Default: HOME/.local/state/futodama, with the HOME of --home, never that of config.env."),
];
