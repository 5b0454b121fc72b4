//! The one check of logs with numbered lines: each is there whole, once, and in order.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::numbered::append_line;

/// As many rotated files as `--log-keep` can keep.
const MOST_FILES: usize = 1000;
/// As long as a stamp in the form of ISO 8601, with the space after it.
const STAMP: usize = "2026-11-26T19:04:51.123456Z ".len();

/// What is before each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    None,
    Iso,
}

impl Stamps {
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Stamps::None => &[],
            Stamps::Iso => &["--log-stamp", "iso"],
        }
    }
}

/// Reads numbered lines in portions of any size, and fails at the first byte that is not what comes next. A worker
/// that is started again begins a new series; the last line of the one before may then be cut, as the worker was.
pub struct NumberedLines {
    stamps: Stamps,
    /// Whose own lines may stand between the series.
    service: Option<String>,
    due: Vec<u8>,
    /// The line that comes next, and its number.
    expected: Vec<u8>,
    next: u64,
    /// How many bytes have been examined; how many of each series.
    examined: usize,
    series: Vec<u64>,
    /// Whether a line was cut: only a new series can follow.
    is_cut: bool,
}

impl NumberedLines {
    /// One series, of which nothing may be missing but its end.
    pub fn new(stamps: Stamps) -> Self {
        let mut lines = NumberedLines {
            stamps,
            service: None,
            due: Vec::new(),
            expected: Vec::new(),
            next: 0,
            examined: 0,
            series: vec![0],
            is_cut: false,
        };
        lines.expect(0);
        lines
    }

    /// Any number of series, between them lines of the launcher of this service.
    pub fn of_service(stamps: Stamps, service: &str) -> Self {
        NumberedLines { service: Some(service.to_string()), ..NumberedLines::new(stamps) }
    }

    fn expect(&mut self, number: u64) {
        self.next = number;
        self.expected.clear();
        append_line(number, &mut self.expected);
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.due.extend_from_slice(bytes);
        let due = std::mem::take(&mut self.due);
        let mut rest = &due[..];
        while let Some(length) = self.take_line(rest) {
            self.examined += length;
            rest = &rest[length..];
        }
        self.due = rest.to_vec();
    }

    /// Examines the next line, if it is there to its end; gives its length.
    fn take_line(&mut self, rest: &[u8]) -> Option<usize> {
        let stamp = if self.stamps == Stamps::Iso { STAMP } else { 0 };
        let plain = rest.get(stamp..)?;
        if !self.is_cut && plain.starts_with(&self.expected) {
            self.assert_stamp(&rest[..stamp]);
            let length = self.expected.len();
            *self.series.last_mut().expect("a series") += length as u64;
            self.expect(self.next + 1);
            return Some(stamp + length);
        }
        let length = stamp + plain.iter().position(|byte| *byte == b'\n')? + 1;
        self.assert_stamp(&rest[..stamp]);
        self.take_other(&rest[stamp..length]);
        Some(length)
    }

    fn assert_stamp(&self, stamp: &[u8]) {
        let is_stamp = stamp.is_empty() || (stamp.starts_with(b"20") && stamp.ends_with(b"Z "));
        assert!(is_stamp, "no stamp at {}: {:?}", self.examined, String::from_utf8_lossy(stamp));
    }

    /// A line that is not the next of the series: the start of a series, or a line of the launcher, each perhaps after
    /// the beginning of a line that was cut.
    fn take_other(&mut self, line: &[u8]) {
        let cut = if self.is_cut { &[][..] } else { &self.expected[..] };
        let same = line.iter().zip(cut).take_while(|(one, other)| one == other).count();
        let first = super::numbered::line(0);
        let service = self.service.as_ref().map(|name| format!("Z {name}: "));
        for begun in (0..=same).rev().filter(|_| service.is_some()) {
            let rest = &line[begun..];
            let text = String::from_utf8_lossy(&rest[..rest.len().min(200)]).into_owned();
            let is_own = text.starts_with("20") && text.contains(service.as_deref().unwrap_or_default());
            if rest != first && !is_own {
                continue;
            }
            *self.series.last_mut().expect("a series") += begun as u64;
            self.is_cut |= begun > 0;
            if !is_own {
                self.is_cut = false;
                self.series.push(first.len() as u64);
                self.expect(1);
            }
            return;
        }
        panic!(
            "line {} is {:?}, at {}",
            self.next,
            String::from_utf8_lossy(&line[..line.len().min(60)]),
            self.examined
        );
    }

    /// How many bytes of lines each series has. What is left must be the beginning of the next line.
    pub fn finish(mut self) -> Vec<u64> {
        if self.stamps == Stamps::Iso && !self.due.is_empty() {
            let stamp: Vec<u8> = self.due.drain(..STAMP.min(self.due.len())).collect();
            self.assert_stamp(&stamp);
        }
        assert!(
            self.expected.starts_with(&self.due),
            "line {} is {:?}, at {} at the end",
            self.next,
            String::from_utf8_lossy(&self.due[..self.due.len().min(60)]),
            self.examined
        );
        *self.series.last_mut().expect("a series") += self.due.len() as u64;
        self.series
    }

    /// How many whole lines there are of the last series.
    pub fn lines(&self) -> u64 {
        self.next
    }
}

/// Asserts that this is the beginning of the numbered lines; gives how many whole ones it has.
pub fn assert_numbered(bytes: &[u8]) -> u64 {
    let mut lines = NumberedLines::new(Stamps::None);
    lines.feed(bytes);
    let count = lines.lines();
    lines.finish();
    count
}

/// The lines without their stamps in the form of ISO 8601; each must have one.
pub fn without_stamps(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (stamp, rest) = line.split_at(STAMP.min(line.len()));
        let stamp = String::from_utf8_lossy(stamp);
        assert!(stamp.starts_with("20") && stamp.ends_with("Z "), "no stamp: {stamp}");
        plain.extend_from_slice(rest);
    }
    plain
}

/// The files of a log, the oldest first, unpacked. A rotation that is killed may leave a gap in their numbers, which
/// the next one fills.
pub fn files(log: &Path) -> Vec<Vec<u8>> {
    files_one_by_one(log).collect()
}

/// The same; one at a time is in memory.
pub fn files_one_by_one(log: &Path) -> impl Iterator<Item = Vec<u8>> {
    let numbered = move |number: usize| {
        let path = PathBuf::from(format!("{}.{number}", log.display()));
        match fs::read(format!("{}.gz", path.display())) {
            Ok(bytes) => Some(unpacked(&bytes)),
            Err(_) => fs::read(&path).ok(),
        }
    };
    let current = move || std::iter::once(fs::read(log).unwrap_or_default());
    (1..=MOST_FILES).rev().filter_map(numbered).chain(std::iter::once_with(current).flatten())
}

pub fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut unpacked).expect("gzip");
    unpacked
}
