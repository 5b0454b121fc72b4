//! The end of a log. The file belongs to a user: only a regular one is read, and within bounds.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::log::{PumpState, SUFFIX};
use crate::sys::nofollow;
use crate::sys::privilege::Privilege;

/// How much of the end is read for one line, in bytes.
const END: u64 = 4096;
/// A pump notes within this time that it cannot write any more.
const NOTED_AFTER: Duration = Duration::from_secs(2);

/// A log as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its last line that is not blank.
    pub last_line: Option<String>,
    /// When it was written last.
    pub written: Option<SystemTime>,
    /// Lines that its pump has dropped.
    pub dropped: u64,
    /// Why its pump cannot write it.
    pub trouble: Option<String>,
}

impl LogSummary {
    /// None if there is no log yet.
    pub(super) fn of(reader: Privilege, path: PathBuf) -> io::Result<Option<Self>> {
        let (status, end) = match end_of(reader, &path, END) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&end);
        let last_line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(String::from);
        let (size, written) = (status.len(), status.modified().ok());
        let (PumpState { dropped, trouble, since: _ }, noted) = pump_state(reader, &path).unwrap_or_default();
        // a service that has no pump any more
        let over = noted.zip(written).is_some_and(|(noted, written)| written > noted + NOTED_AFTER);
        let trouble = trouble.filter(|_| !over);
        Ok(Some(LogSummary { path, size, last_line, written, dropped, trouble }))
    }
}

/// What the pump of a log has written down, if it has one, and when.
fn pump_state(reader: Privilege, log: &Path) -> Option<(PumpState, Option<SystemTime>)> {
    let mut path = log.as_os_str().to_os_string();
    path.push(SUFFIX);
    let mut text = Vec::new();
    let file = File::from(nofollow::open_regular_for(reader, Path::new(&path)).ok()?);
    let noted = file.metadata().ok()?.modified().ok();
    file.take(END).read_to_end(&mut text).ok()?;
    PumpState::parse(&text).map(|state| (state, noted))
}

/// Its status, and at most `most` bytes of its end.
pub(super) fn end_of(reader: Privilege, path: &Path, most: u64) -> io::Result<(Metadata, Vec<u8>)> {
    let mut file = File::from(nofollow::open_regular_for(reader, path)?);
    let status = file.metadata()?;
    file.seek(SeekFrom::Start(status.len().saturating_sub(most)))?;
    let mut end = Vec::new();
    file.take(most.min(status.len())).read_to_end(&mut end)?;
    Ok((status, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_a_pump_has_noted_is_shown_until_the_log_is_written_after_it() {
        let directory = crate::sys::scratch::directory("noted");
        let log = directory.join("a.log");
        fs::write(&log, "line\n").expect("a log");
        let noted = directory.join("a.log.pump");
        fs::write(&noted, "{\"dropped\":3,\"trouble\":\"full\"}  \n00000000000000ab\n").expect("a state");
        let summary = || LogSummary::of(Privilege::User, log.clone()).expect("read").expect("a log");
        assert_eq!((summary().dropped, summary().trouble.as_deref()), (3, Some("full")));
        let before = crate::sys::clock::wall_now() - 2 * NOTED_AFTER;
        fs::File::options().write(true).open(&noted).expect("it").set_modified(before).expect("set");
        assert_eq!((summary().dropped, summary().trouble), (3, None));
        fs::remove_dir_all(&directory).expect("removed");
    }
}
