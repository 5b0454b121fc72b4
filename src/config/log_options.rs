//! The options of the log: checks and defaults.

use super::error::SpecError;
use super::settings::{LogSettings, LogTarget};
use super::spec::{LogRules, LogWriter};
use super::value::ByteSize;
use crate::error::Findings;

const LOG_MODE: u32 = 0o640;
const LOG_SIZE: ByteSize = ByteSize(10 << 20);
const LOG_KEEP: u32 = 5;

/// Refuses options of the log that have no effect with each other, or without a log file.
pub(super) fn check(log: &LogSettings, findings: &mut Findings) {
    let size = log.size.unwrap_or(LOG_SIZE);
    if log.gzip && log.keep == Some(0) {
        findings.push(SpecError::NoRotatedLog { option: "log-gzip", other: "log-keep" });
    }
    for (option, is_given) in [("log-gzip", log.gzip), ("log-live", log.live)] {
        if is_given && size.0 == 0 {
            findings.push(SpecError::NoRotatedLog { option, other: "log-size" });
        }
    }
    let why = match log.target {
        Some(LogTarget::Inherited) => {
            "with --log - output goes to the inherited stdout, and there is no file"
        }
        Some(LogTarget::Discarded) => "with --log none output is discarded",
        Some(LogTarget::File(_)) | None => return,
    };
    for option in of_log_file(log) {
        findings.push(SpecError::NoLogFile { option, why });
    }
}

/// The given options that need a log file. `--log-mode`, `--log-size` and `--log-keep` are not among them: without a
/// file they have no effect.
fn of_log_file(log: &LogSettings) -> impl Iterator<Item = &'static str> {
    let given = [
        ("log-gzip", log.gzip),
        ("log-live", log.live),
        ("log-stamp", log.stamp.is_some()),
        ("log-tee", log.tee.is_some()),
        ("log-full", log.full.is_some()),
    ];
    given.into_iter().filter(|(_, is_given)| *is_given).map(|(option, _)| option)
}

/// How a log file is kept, with the defaults.
pub(super) fn rules(log: &LogSettings) -> LogRules {
    let LogSettings { target: _, mode, size, keep, gzip, live, stamp, tee, full } = *log;
    LogRules {
        mode: mode.unwrap_or(LOG_MODE),
        size: size.unwrap_or(LOG_SIZE),
        keep: keep.unwrap_or(LOG_KEEP),
        gzip,
        writer: match live || stamp.is_some() || tee.is_some() || full.is_some() {
            true => LogWriter::Pump,
            false => LogWriter::Worker,
        },
        stamp,
        tee,
        full: full.unwrap_or_default(),
    }
}
