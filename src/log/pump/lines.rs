//! What a pump makes of the bytes of a worker: each line gets the time of its arrival.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::cut::Position;

/// The time of this many nanoseconds since 1970.
pub(super) fn time_of(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

/// Copies `bytes` to `out`, which is large enough, with the stamp before each line that starts in them. Returns the
/// length.
pub(super) fn stamped(bytes: &[u8], position: Position, stamp: &[u8], out: &mut [u8]) -> usize {
    let mut written = 0;
    let mut put = |piece: &[u8]| {
        if let Some(room) = out.get_mut(written..written + piece.len()) {
            room.copy_from_slice(piece);
            written += piece.len();
        }
    };
    let mut from = 0;
    let mut position = position;
    for end in memchr::memchr_iter(b'\n', bytes) {
        if position == Position::LineStart {
            put(stamp);
        }
        put(bytes.get(from..=end).unwrap_or_default());
        position = Position::LineStart;
        from = end + 1;
    }
    let rest = bytes.get(from..).unwrap_or_default();
    if !rest.is_empty() {
        if position == Position::LineStart {
            put(stamp);
        }
        put(rest);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use Position::{LineStart, MidLine};

    #[test]
    fn a_line_has_one_stamp_however_many_pieces_it_comes_in() {
        for (bytes, position, expected) in [
            (&b"one\ntwo\n"[..], LineStart, &b"S one\nS two\n"[..]),
            (b"e\n\ntwo", MidLine, b"e\nS \nS two"),
            (b"o", MidLine, b"o"),
            (b"\0\n", LineStart, b"S \0\n"),
            (b"", LineStart, b""),
        ] {
            let mut out = [0; 64];
            let length = stamped(bytes, position, b"S ", &mut out);
            assert_eq!(out.get(..length), Some(expected));
        }
    }
}
