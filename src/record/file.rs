//! The record of this launcher's service, and when it is written.

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::stat::Mode;

use super::directory::StateDirectory;
use super::events::Judgement;
use super::form::{EndedRun, Resting, RunRecord};
use super::history::{History, PastHow, PastRun, When};
use super::read::{RecordError, file_names, read_of};
use crate::error::Finding;
use crate::log;
use crate::plan::Plan;
use crate::report::{Reporter, Topic};
use crate::sys;
use crate::sys::clock::BootTime;

/// The maximum lag of the file while the service runs.
const MAX_LAG: Duration = Duration::from_secs(1);

/// The record and its location. Errors are reported once, and never keep a worker from running.
#[derive(Debug)]
pub(crate) struct RecordFile {
    /// The content.
    pub(crate) content: RunRecord,
    directory_path: Option<PathBuf>,
    directory: Option<StateDirectory>,
    written_at: Option<BootTime>,
    /// Whether the file lags, to be replaced within a second.
    lags: bool,
    mode: Mode,
    history: History,
}

impl RecordFile {
    /// Reads the record of earlier launchers; an unreadable one is reported, and replaced.
    pub(crate) fn open(plan: &Plan, reporter: &Reporter) -> Self {
        let mut file = RecordFile::at(plan);
        match read_of(plan) {
            Ok(Some(record)) => file.content = record,
            // a missing directory is reported on writing
            Ok(None) | Err(RecordError::NoDirectory) => {}
            Err(error) => reporter.warn(&format!(
                "unable to read the run record of '{}': {error}; starting a new one",
                plan.name
            )),
        }
        file.content.version = 1;
        file.content.name = plan.name.to_string();
        file.content.pid = std::process::id().cast_signed();
        file.content.pid_started = sys::proc::own_stat().ok().map(|stat| stat.started);
        file.content.waiting_for_lock = None;
        file.content.log = plan.log.file().map(|path| plan.directory.join(path));
        file
    }

    fn at(plan: &Plan) -> Self {
        RecordFile {
            content: RunRecord::default(),
            directory_path: plan.state_dir.clone(),
            directory: None,
            written_at: None,
            lags: false,
            // it quotes the log, so its mode is no more permissive
            mode: Mode::from_bits_truncate(0o640 & plan.log_rules.mode | 0o600),
            history: History::default(),
        }
    }

    /// Keeps this many runs in the history from now on.
    pub(crate) fn keep_history(&mut self, runs: u32) {
        self.history.keep(runs);
    }

    /// A run has ended.
    pub(crate) fn ended(&mut self, run: EndedRun, judgement: Judgement) {
        let how = match judgement {
            Judgement::Stopped => PastHow::Stopped,
            Judgement::Succeeded | Judgement::Failed { .. } => run.how.into(),
        };
        self.content.ended(run.clone(), judgement);
        self.history.add(&PastRun::ended(&run, how, &self.content));
    }

    /// So many ticks have passed without a run.
    pub(crate) fn dropped(&mut self, ticks: u64) {
        if ticks > 0 {
            self.content.skipped = self.content.skipped.saturating_add(ticks);
            self.history.add(&PastRun::dropped(ticks, sys::clock::wall_now()));
        }
    }

    /// Replaces the file, unless it was replaced within the last second and can be again within the next: on a disk
    /// this is the most expensive part of a tick.
    pub(crate) fn write_soon(&mut self, next_in: Duration, reporter: &mut Reporter) {
        let is_fresh = self.written_at.is_some_and(|at| BootTime::now().since(at) < MAX_LAG);
        self.lags = is_fresh && next_in < MAX_LAG;
        if !self.lags {
            self.write(reporter);
        }
    }

    /// HUP: the state directory may have been replaced.
    pub(crate) fn reopen_directory(&mut self) {
        self.directory = None;
    }

    /// Replaces the file if it lags.
    pub(crate) fn catch_up(&mut self, reporter: &mut Reporter) {
        if self.lags {
            self.write(reporter);
        }
    }

    /// Replaces the file.
    pub(crate) fn write(&mut self, reporter: &mut Reporter) {
        self.write_with(When::Sparingly, reporter);
    }

    /// Replaces the file if it lags, or the history does: no run follows.
    pub(crate) fn finish(&mut self, reporter: &mut Reporter) {
        if self.lags || self.history.is_waiting() {
            self.write_with(When::Now, reporter);
        }
    }

    fn write_with(&mut self, history: When, reporter: &mut Reporter) {
        self.written_at = Some(BootTime::now());
        self.lags = false;
        let trouble = self.replace(history).err().map(|error| {
            // the directory may have been replaced
            self.directory = None;
            let name = &self.content.name;
            let hint = error.errno().and_then(log::remedy_on_volume);
            Finding::trouble(format!("unable to write the run record of '{name}': {error}"), hint)
        });
        reporter.trouble(Topic::Record, trouble);
    }

    fn replace(&mut self, history: When) -> Result<(), RecordError> {
        let text =
            serde_json::to_string(&self.content).map_err(|error| RecordError::Content(error.to_string()))?;
        let path = self.directory_path.as_deref().ok_or(RecordError::NoDirectory)?;
        let directory = match self.directory.take().filter(|directory| directory.is_still_at(path)) {
            Some(directory) => directory,
            None => StateDirectory::open(path)?,
        };
        let directory = self.directory.insert(directory);
        let [record, _] = file_names(&self.content.name);
        directory.replace(&record, text.as_bytes(), self.mode)?;
        self.history.write(directory, &self.content.name, self.mode, history)
    }
}

/// Notes in the record that the service rests, or no longer does.
pub(crate) fn write_resting(plan: &Plan, resting: Option<Resting>, reporter: &mut Reporter) {
    let mut file = RecordFile::open(plan, reporter);
    file.content.resting = resting;
    file.content.set_next_due(None);
    file.write(reporter);
}
