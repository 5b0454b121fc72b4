//! The end of a run: what the record and the log have of it, and what it means for the loop.

use std::time::Duration;

use crate::error::Finding;
use crate::exit::Exit;
use crate::log::{Log, tail};
use crate::record::{How, Judgement};

/// How a run ended, and whether another follows.
pub(super) struct RunEnd {
    pub(super) exit: Exit,
    pub(super) how: How,
    pub(super) what: String,
    /// The remedy, where there is one.
    pub(super) hint: Option<String>,
    pub(super) duration: Duration,
    /// A stop came: the code to leave with.
    pub(super) stopped: Option<Exit>,
    pub(super) cut_short: CutShort,
}

/// Whether a stop ended the run: then its end is no judgement of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutShort {
    /// `--on-stop kill`, after a stop.
    ByStop,
    /// The worker ended by itself, or by `--timeout`.
    No,
}

impl RunEnd {
    /// A run whose worker did not start.
    pub(super) fn not_begun(finding: Finding) -> Self {
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

    /// What it ended with, and the remedy.
    pub(super) fn in_words(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} (hint: {hint})", self.what),
            None => self.what.clone(),
        }
    }

    /// What it counts as; of a failure the end of this log is kept.
    pub(super) fn judge(&self, log: &Log) -> Judgement {
        match log {
            _ if self.cut_short == CutShort::ByStop => Judgement::Stopped,
            _ if self.exit.is_ok() => Judgement::Succeeded,
            Log::File { file, path, length } => {
                Judgement::Failed { last_lines: tail::last_lines(file, path, *length) }
            }
            Log::Inherited | Log::Unavailable => Judgement::Failed { last_lines: Vec::new() },
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
