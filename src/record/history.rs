//! The history `STATE/NAME.runs`: a line of JSON for each finished run and for dropped ticks, the oldest first. Lines are
//! appended when the record is written; older ones than `--history` allows are cut off now and then, by a rename.

use std::fmt::Write as _;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::unistd::ftruncate;
use serde::{Deserialize, Serialize};

use super::directory::StateDirectory;
use super::form::{EndedRun, How, RunRecord};
use super::read::{RecordError, file_names, open_file};
use crate::sys;
use crate::sys::clock::BootTime;

/// How long the lines of runs in quick succession wait.
const MAX_LAG: Duration = Duration::from_secs(10);
/// Older runs are not kept.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// The file is not larger, in bytes; and how much of it is kept if it would be.
const MAX_BYTES: usize = 1024 * 1024;
const KEPT_BYTES: usize = MAX_BYTES / 4;
/// Lines that could not be written yet; more are given up, the oldest first.
const MAX_PENDING: usize = 64 * 1024;
/// A description or a line of output is shortened to so many characters.
const MAX_CHARS: usize = 200;
/// How a line begins; the time in it is UTC in RFC 3339, so that lines can be compared as text.
const LINE_START: &[u8] = b"{\"start\":\"";

/// A run, or dropped ticks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastRun {
    /// When it started, in UTC, to the millisecond; of dropped ticks, when they were found to have passed.
    pub start: String,
    /// How it ended.
    pub how: PastHow,
    /// How long it ran, in seconds; none if it did not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// As in [`RunRecord::last_status`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// A description of how it ended; empty for a success.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// The last line of output of a failed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many ticks were dropped; none of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<u64>,
}

/// How a run of the history ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastHow {
    /// The program could not be started.
    NotStarted,
    /// The worker exited.
    Exited,
    /// A signal killed it.
    Killed,
    /// `--timeout`.
    TimedOut,
    /// A stop ended it; neither a success nor a failure.
    Stopped,
    /// These ticks were dropped.
    Dropped,
    /// Something that a newer futo-launch has written.
    #[serde(other)]
    Unknown,
}

impl From<How> for PastHow {
    fn from(how: How) -> Self {
        match how {
            How::NotStarted => PastHow::NotStarted,
            How::Exited => PastHow::Exited,
            How::Killed => PastHow::Killed,
            How::TimedOut => PastHow::TimedOut,
        }
    }
}

impl PastRun {
    /// Whether it counts as a failure.
    pub fn is_failure(&self) -> bool {
        match self.how {
            PastHow::NotStarted | PastHow::Killed | PastHow::TimedOut => true,
            PastHow::Exited => self.status != Some(0),
            PastHow::Stopped | PastHow::Dropped | PastHow::Unknown => false,
        }
    }

    /// The run that has just ended, as this record has it.
    pub(super) fn ended(run: &EndedRun, how: PastHow, record: &RunRecord) -> Self {
        let mut past = PastRun {
            start: record.last_start.clone().unwrap_or_else(|| run.end.clone()),
            how,
            duration: Some(run.duration),
            status: Some(run.status),
            what: String::new(),
            error: None,
            ticks: None,
        };
        if past.is_failure() {
            past.what = shortened(&run.what);
            past.error = record.last_error().map(shortened);
        }
        past
    }

    /// Ticks that have passed without a run.
    pub(super) fn dropped(ticks: u64, now: SystemTime) -> Self {
        PastRun {
            start: sys::clock::utc_to_the_millisecond(now),
            how: PastHow::Dropped,
            duration: None,
            status: None,
            what: String::new(),
            error: None,
            ticks: Some(ticks),
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

/// What is to be added to the history of a service.
#[derive(Debug, Default)]
pub(super) struct History {
    /// `--history`; none if this launcher has no runs.
    keep: Option<u32>,
    /// Whole lines.
    pending: String,
    /// How many of them.
    waiting: u32,
    /// How many lines have been added since the file was cut; more than `keep` by one of an unknown number.
    added: u32,
    written_at: Option<BootTime>,
}

/// When lines are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Of runs in quick succession, only now and then: one write per second, that of the record, is enough.
    Sparingly,
    Now,
}

impl History {
    /// Keeps this many runs from now on.
    pub(super) fn keep(&mut self, runs: u32) {
        self.keep = Some(runs);
        self.added = runs;
    }

    pub(super) fn add(&mut self, run: &PastRun) {
        if matches!(self.keep, None | Some(0)) {
            return;
        }
        let Ok(line) = serde_json::to_string(run) else { return };
        let _ = writeln!(self.pending, "{line}");
        if self.pending.len() > MAX_PENDING {
            let mut ends = self.pending.bytes().enumerate().skip(MAX_PENDING / 2);
            let end = ends.find(|(_, byte)| *byte == b'\n').map_or(self.pending.len(), |(at, _)| at + 1);
            self.pending.drain(..end);
        }
        self.added = self.added.saturating_add(1);
        self.waiting = self.waiting.saturating_add(1);
    }

    /// Whether there is something to be added.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Appends what is to be added; removes the file if nothing is to be kept.
    pub(super) fn write(
        &mut self,
        directory: &StateDirectory,
        service: &str,
        mode: Mode,
        when: When,
    ) -> Result<(), RecordError> {
        let Some(keep) = self.keep else { return Ok(()) };
        let name = file_name(service);
        if keep == 0 {
            // once is enough
            self.keep = None;
            return directory.remove(&name);
        }
        let is_recent = self.written_at.is_some_and(|at| BootTime::now().since(at) < MAX_LAG);
        if self.waiting == 0 || (when == When::Sparingly && self.waiting > 1 && is_recent) {
            return Ok(());
        }
        let size = append(directory.open_file(), &name, self.pending.as_bytes(), mode)?;
        // its memory is returned
        self.pending = String::new();
        self.waiting = 0;
        self.written_at = Some(BootTime::now());
        if self.added > keep || size > MAX_BYTES as u64 / 2 {
            cut(directory, &name, keep, mode)?;
            self.added = 0;
        }
        Ok(())
    }
}

/// Cuts off what need not be kept.
fn cut(directory: &StateDirectory, name: &str, keep: u32, mode: Mode) -> Result<(), RecordError> {
    let oldest = sys::clock::wall_now().checked_sub(LONGEST).map(sys::clock::utc_to_the_millisecond);
    let bytes = read_bytes(directory.open_file(), name)?.unwrap_or_default();
    let kept = newest(&bytes, keep, oldest.as_deref().unwrap_or_default());
    if kept.len() < bytes.len() {
        directory.replace(name, kept, mode)?;
    }
    drop(bytes);
    sys::process::give_back_memory();
    Ok(())
}

/// The last lines of these: at most so many, of so many bytes, none older.
fn newest<'b>(bytes: &'b [u8], most: u32, oldest: &str) -> &'b [u8] {
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|end| end + 1));
    let starts: Vec<usize> = starts.filter(|start| *start < bytes.len()).collect();
    let first = starts.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
    let is_kept = |start: &&usize| {
        let rest = bytes.get(**start..).unwrap_or_default();
        let time = rest.strip_prefix(LINE_START).and_then(|time| time.get(..oldest.len()));
        rest.len() <= KEPT_BYTES && time.is_some_and(|time| time >= oldest.as_bytes())
    };
    let from = starts.get(first..).unwrap_or_default().iter().find(is_kept);
    from.and_then(|from| bytes.get(*from..)).unwrap_or_default()
}

fn file_name(service: &str) -> String {
    let [_, history] = file_names(service);
    history
}

/// Appends to a regular file with a single link; returns its size. If not all can be written, nothing is.
fn append(directory: &OwnedFd, name: &str, text: &[u8], mode: Mode) -> Result<u64, RecordError> {
    let flags = OFlag::O_WRONLY
        | OFlag::O_APPEND
        | OFlag::O_CREAT
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let file = match sys::nofollow::with_no_umask(|| openat(directory, name, flags, mode)) {
        Err(Errno::ELOOP) => return Err(RecordError::Content("it is a symbolic link".to_string())),
        file => file?,
    };
    let status = fstat(&file)?;
    refuse_unless_plain(&status)?;
    sys::fd::write_all(file.as_fd(), text).inspect_err(|_| {
        let _ = ftruncate(&file, status.st_size);
    })?;
    Ok(u64::try_from(status.st_size).unwrap_or(0) + text.len() as u64)
}

fn refuse_unless_plain(status: &FileStat) -> Result<(), RecordError> {
    match sys::file::kind_name(sys::file::kind(status)) {
        Some(what) => Err(RecordError::Content(format!("it is {what}, not a regular file"))),
        None if status.st_nlink > 1 => {
            Err(RecordError::Content(format!("it has {} hard links", status.st_nlink)))
        }
        None => Ok(()),
    }
}

fn read_bytes(directory: &OwnedFd, name: &str) -> Result<Option<Vec<u8>>, RecordError> {
    let file = match sys::file::open_regular_at(directory, Path::new(name), OFlag::O_NOFOLLOW) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| RecordError::Content(error.to_string()))?,
    };
    let bytes = sys::file::read_at_most(file, MAX_BYTES);
    bytes.map(Some).map_err(|error| RecordError::Content(error.to_string()))
}

/// The runs at the end of a history, the oldest first: as many as there are in so many bytes, at most all that is ever
/// kept. Lines that are no runs are left out. Also the uid of the owner of the file.
pub(crate) fn read_history(
    directory: &Path,
    service: &str,
    bytes: u64,
) -> Result<Option<(Vec<PastRun>, u32)>, RecordError> {
    let Some((file, status)) = open_file(directory, &file_name(service))? else { return Ok(None) };
    let size = u64::try_from(status.st_size).unwrap_or(0);
    let from = size.saturating_sub(bytes.min(MAX_BYTES as u64));
    let mut end = Vec::new();
    let mut file = std::fs::File::from(file);
    file.seek(SeekFrom::Start(from))
        .and_then(|_| file.take(MAX_BYTES as u64).read_to_end(&mut end))
        .map_err(|error| RecordError::Content(error.to_string()))?;
    let mut lines = end.split(|byte| *byte == b'\n');
    if from > 0 {
        // it may be the end of a line
        lines.next();
    }
    let runs = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    Ok(Some((runs, status.st_uid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: &str) -> String {
        format!("{{\"start\":\"{start}\",\"how\":\"exited\",\"duration\":0.5,\"status\":0}}\n")
    }

    #[test]
    fn the_newest_lines_are_kept() {
        let lines: Vec<String> = (1..=9).map(|day| line(&format!("2026-11-0{day}T10:00:00.000Z"))).collect();
        let all = lines.concat();
        let kept = |most, oldest| {
            newest(all.as_bytes(), most, oldest).split_inclusive(|byte| *byte == b'\n').count()
        };
        assert_eq!(kept(20, ""), 9);
        assert_eq!(kept(4, ""), 4);
        assert_eq!(kept(4, "2026-11-08T09:00:00.000Z"), 2);
        assert_eq!(kept(4, "2026-12-01T00:00:00.000Z"), 0);
        // what is no run is cut off where a cut is made at all
        let odd = format!("\n\u{0}garbage\n{}", line("2026-11-08T10:00:00.000Z"));
        assert_eq!(newest(odd.as_bytes(), 20, ""), line("2026-11-08T10:00:00.000Z").as_bytes());
    }

    #[test]
    fn a_line_can_be_read_again_and_by_older_readers() {
        let run = PastRun {
            start: "2026-11-08T10:00:00.000Z".to_string(),
            how: PastHow::TimedOut,
            duration: Some(1.5),
            status: Some(124),
            what: "timed out".to_string(),
            error: Some("a \"line\"\u{7}".to_string()),
            ticks: None,
        };
        let text = serde_json::to_string(&run).expect("a line");
        assert!(text.as_bytes().starts_with(LINE_START), "{text}");
        assert_eq!(serde_json::from_str::<PastRun>(&text).expect("a run"), run);
        let newer =
            text.replace("timed-out", "claimed-elsewhere").replace("\"what\"", "\"more\":[],\"what\"");
        let read: PastRun = serde_json::from_str(&newer).expect("a run");
        assert_eq!((read.how, read.is_failure()), (PastHow::Unknown, false));
    }

    #[test]
    fn what_cannot_be_written_is_bounded() {
        let mut history = History::default();
        history.keep(200);
        let run = PastRun { what: "x".repeat(150), ..PastRun::dropped(1, SystemTime::UNIX_EPOCH) };
        for _ in 0..10_000 {
            history.add(&run);
        }
        assert!(history.pending.len() <= MAX_PENDING && history.pending.len() > MAX_PENDING / 4);
        assert!(history.pending.as_bytes().starts_with(LINE_START) && history.pending.ends_with("\n"));
    }
}
