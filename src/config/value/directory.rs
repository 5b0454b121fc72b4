//! `--mkdir PATH[:MODE]`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::mode;
use crate::invalid::Invalid;

const DEFAULT_MODE: u32 = 0o755;
const MAX_MODE: u32 = 0o7777;

/// A directory to make if it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its path.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

impl Directory {
    /// Reads `PATH` or `PATH:MODE`. A path that ends in a colon and digits is written with a slash after it, or with a
    /// mode.
    pub fn parse(value: &OsStr) -> Result<Self, Invalid> {
        let bytes = value.as_bytes();
        let colon = bytes.iter().rposition(|byte| *byte == b':').unwrap_or(bytes.len());
        let (path, digits) = bytes.split_at(colon);
        let digits = std::str::from_utf8(digits.get(1..).unwrap_or_default()).unwrap_or_default();
        let has_mode = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let (path, mode) = match has_mode {
            false => (bytes, DEFAULT_MODE),
            true if !(3..=4).contains(&digits.len()) => {
                return Err(Invalid::new("has no mode of 3 or 4 octal digits").hint(FORM));
            }
            true => (path, mode(digits, MAX_MODE).map_err(|_| Invalid::new("has no octal mode").hint(FORM))?),
        };
        match path {
            b"" => Err(Invalid::new("has no path")),
            path => Ok(Directory { path: PathBuf::from(OsStr::from_bytes(path)), mode }),
        }
    }
}

const FORM: &str =
    "for instance /data/cache:0750; a path that ends in a colon and digits needs a slash after it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_three_or_four_octal_digits_after_the_last_colon() {
        for (value, path, mode) in [
            ("/data/x", "/data/x", 0o755),
            ("/data/x:700", "/data/x", 0o700),
            ("x:2770", "x", 0o2770),
            ("/a:700/", "/a:700/", 0o755),
            ("/a:700:0750", "/a:700", 0o750),
            ("/a:b", "/a:b", 0o755),
            ("/a:", "/a:", 0o755),
            ("/a:7/b", "/a:7/b", 0o755),
        ] {
            let expected = Directory { path: PathBuf::from(path), mode };
            assert_eq!(Directory::parse(OsStr::new(value)), Ok(expected), "{value}");
        }
        for value in ["", ":0755", "/a:7", "/a:75", "/a:00755", "/a:788", "/a:9999"] {
            assert!(Directory::parse(OsStr::new(value)).is_err(), "{value}");
        }
    }
}
