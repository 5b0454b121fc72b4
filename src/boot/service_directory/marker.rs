//! The marker of a service directory: its maker and its source.

use nix::sys::stat::FileStat;

use crate::boot::manifest::{Author, Manifest};

/// Identifies the maker: only the maker updates or removes the directory.
pub const MARKER: &str = ".futo";
/// The content of a marker, one line per field.
pub(in crate::boot) struct Marker {
    pub(super) status: FileStat,
    pub(super) digest: Option<u64>,
    /// As [`Manifest::source`].
    pub(in crate::boot) source: String,
    /// As [`Manifest::author`], if recorded.
    pub(in crate::boot) author: Option<Author>,
    /// As [`ServiceFiles::bytes`].
    pub(in crate::boot) bytes: usize,
}

/// The size limit of a marker, in bytes.
pub(super) const MAX_MARKER: usize = 16 << 10;

impl Marker {
    pub(super) fn read(status: FileStat, text: &str, maker: &str) -> Option<Marker> {
        let mut lines = text.lines();
        if lines.next() != Some(maker) {
            return None;
        }
        let digest = lines.next().and_then(|digest| u64::from_str_radix(digest, 16).ok());
        let source = lines.next().unwrap_or_default().to_string();
        let author = lines.next().and_then(Author::of_word);
        let bytes = lines.next().and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        Some(Marker { status, digest, source, author, bytes })
    }

    pub(super) fn text(maker: &str, manifest: &Manifest) -> String {
        let Manifest { source, files, author, .. } = manifest;
        format!("{maker}\n{:016x}\n{source}\n{}\n{}\n", manifest.digest(), author.word(), files.bytes())
    }
}
