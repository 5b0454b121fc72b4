//! The end of a run, for the record, the log and the loop.

use std::time::Duration;

use crate::error::Finding;
use crate::exit::Exit;
use crate::log::Log;
use crate::record::{How, Judgement};

/// How a run ended.
pub(super) struct RunEnd {
    pub(super) exit: Exit,
    pub(super) how: How,
    pub(super) what: String,
    /// The remedy, if there is one.
    pub(super) hint: Option<String>,
    pub(super) duration: Duration,
    /// After a stop, the exit code.
    pub(super) stopped: Option<Exit>,
    pub(super) cut_short: CutShort,
}

/// Whether a stop ended the run, which then counts neither as success nor as failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutShort {
    /// `--on-stop kill`, after a stop.
    ByStop,
    /// The worker ended on its own, or by `--timeout`.
    No,
}

impl RunEnd {
    /// A run whose worker did not start.
    pub(super) fn not_started(finding: Finding) -> Self {
        RunEnd {
            exit: finding.exit,
            how: How::NotStarted,
            what: finding.text,
            hint: finding.hint,
            duration: Duration::ZERO,
            stopped: None,
            cut_short: CutShort::No,
        }
    }

    /// Describes the end, and the remedy.
    pub(super) fn in_words(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} (hint: {hint})", self.what),
            None => self.what.clone(),
        }
    }

    /// How the run counts; a failure keeps the end of this log.
    pub(super) fn judge(&self, log: &Log) -> Judgement {
        match log {
            _ if self.cut_short == CutShort::ByStop => Judgement::Stopped,
            _ if self.exit.is_ok() => Judgement::Succeeded,
            log => Judgement::Failed { last_lines: log.last_lines() },
        }
    }
}

/// `60 s`, `1m 30s`, to the millisecond below two minutes.
pub(super) fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(120) {
        format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
    } else {
        humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
    }
}
