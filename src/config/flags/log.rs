//! The log and the run record.

use super::{Flag, LaunchOption, Section, launch, path};
use crate::config::settings::{LogStamp, LogTarget, LogTee, OnFull};
use crate::config::value::{ByteSize, mode, text, whole};
use crate::invalid::Invalid;
use crate::options::Takes::{Nothing, OptionalValue, Value};

pub(super) const SECTION: Section = Section { title: "Log", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    launch(LaunchOption::Log, "log", Value("PATH|-|none"), "where stdout and stderr go", |settings, value| {
        settings.log.target = Some(match value.as_encoded_bytes() {
            b"-" => LogTarget::Inherited,
            b"none" => LogTarget::Discarded,
            _ => LogTarget::File(path(value)?),
        });
        Ok(())
    })
    .more(
        "Default in a service directory: NAME.log in the state directory; elsewhere, and if log/run exists, '-': \
         the inherited stdout, for stderr too. none: output is discarded.",
    ),
    launch(
        LaunchOption::LogMode,
        "log-mode",
        Value("MODE"),
        "mode of a new log, octal [0640]",
        |settings, value| {
            settings.log.mode = Some(mode(text(value)?, 0o777)?);
            Ok(())
        },
    ),
    launch(
        LaunchOption::LogSize,
        "log-size",
        Value("SIZE"),
        "rotate the log if larger than this [10 MiB]",
        |settings, value| {
            settings.log.size = Some(ByteSize::parse(text(value)?)?);
            Ok(())
        },
    )
    .more("At the start and between runs; with --log-live also during runs. 0: never."),
    launch(
        LaunchOption::LogKeep,
        "log-keep",
        Value("N"),
        "number of rotated logs to keep [5]",
        |settings, value| {
            settings.log.keep = Some(whole(text(value)?, 0, 1000)?);
            Ok(())
        },
    ),
    launch(LaunchOption::LogGzip, "log-gzip", Nothing, "compress rotated logs", |settings, _| {
        settings.log.gzip = true;
        Ok(())
    })
    .more("In the background, at the lowest priority: NAME.log.1 becomes NAME.log.1.gz."),
    launch(
        LaunchOption::LogLive,
        "log-live",
        Nothing,
        "hold --log-size while a worker runs",
        |settings, _| {
            settings.log.live = true;
            Ok(())
        },
    )
    .more(
        "A process between the worker and its log, the pump, rotates between lines. No file is ever larger than \
         --log-size. A line of more than 64 KiB, or a quarter of --log-size, may be cut by a rotation.",
    ),
    launch(
        LaunchOption::LogStamp,
        "log-stamp",
        Value("iso|tai64n"),
        "put the time of its arrival before each line",
        |settings, value| {
            settings.log.stamp = Some(match text(value)? {
                "iso" => LogStamp::Iso,
                "tai64n" => LogStamp::Tai64n,
                _ => return Err(Invalid::new("is neither 'iso' nor 'tai64n'")),
            });
            Ok(())
        },
    )
    .more(
        "iso: 2026-11-26T19:04:51.123456Z; tai64n: @ and 24 hexadecimal digits, which s6-tai64nlocal reads. Done \
         by the pump, as with --log-live.",
    ),
    launch(
        LaunchOption::LogTee,
        "log-tee",
        OptionalValue("raw"),
        "copy each line to the inherited stdout",
        |settings, value| {
            settings.log.tee = Some(match text(value)? {
                "" => LogTee::Prefixed,
                "raw" => LogTee::Raw,
                _ => return Err(Invalid::new("is not 'raw'")),
            });
            Ok(())
        },
    )
    .more(
        "With 'NAME: ' before it, for docker logs; raw: without. Lines that find no room there are left out and \
         counted, and the log never waits for them; without a reader they are lost. Done by the pump, as with \
         --log-live.",
    ),
    launch(
        LaunchOption::LogFull,
        "log-full",
        Value("block|drop"),
        "the worker waits for a full volume, or lines are dropped",
        |settings, value| {
            settings.log.full = Some(match text(value)? {
                "block" => OnFull::Block,
                "drop" => OnFull::Drop,
                _ => return Err(Invalid::new("is neither 'block' nor 'drop'")),
            });
            Ok(())
        },
    )
    .more(
        "What is dropped is counted, and reported in its place in the log. Also where the log cannot be written for another \
         reason. Done by the pump, as with --log-live; block is what it does without this option.",
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
