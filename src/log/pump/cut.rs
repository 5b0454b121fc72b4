//! Where a log is cut for a rotation: between lines, unless a line is longer than what is kept free for it.

/// A line up to this length is never cut, nor is one up to a quarter of `--log-size`.
const LONGEST_LINE: u64 = 64 << 10;

/// What to do with the bytes that come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// This many of them go to the current file.
    Write(usize),
    /// The file is full.
    Rotate,
}

/// Where the end of a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Position {
    /// Between two lines.
    #[default]
    LineStart,
    /// Within a line.
    MidLine,
}

impl Position {
    /// Where it is after this byte.
    pub(super) fn after(byte: u8) -> Self {
        if byte == b'\n' { Position::LineStart } else { Position::MidLine }
    }
}

/// Below this size of the file bytes need not be examined: a line that starts here fits.
pub(super) fn looked_at_from(limit: u64) -> u64 {
    limit - LONGEST_LINE.min(limit / 4)
}

/// Decides on the bytes that come next, of which there is at least one, for a file of this size.
pub(super) fn cut(bytes: &[u8], size: u64, limit: u64, position: Position) -> Cut {
    if size.saturating_add(bytes.len() as u64) <= looked_at_from(limit) {
        return Cut::Write(bytes.len());
    }
    let room = usize::try_from(limit.saturating_sub(size)).unwrap_or(usize::MAX);
    let fits = bytes.get(..room).unwrap_or(bytes);
    if let Some(last) = memchr::memrchr(b'\n', fits) {
        return Cut::Write(last + 1);
    }
    match position {
        // the end of a line that is here: it fits, or the line is too long for any file
        Position::MidLine if !fits.is_empty() => Cut::Write(fits.len()),
        // a line that is too long for any file, or whose end is still to come
        Position::LineStart if size == 0 => Cut::Write(fits.len()),
        _ => Cut::Rotate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Position::{LineStart, MidLine};

    #[test]
    fn a_file_ends_with_a_line() {
        for (bytes, size, position, expected) in [
            (&b"one\ntwo\n"[..], 0, LineStart, Cut::Write(8)),
            (b"one\ntwo\n", 95, LineStart, Cut::Write(4)),
            (b"one\ntwo\n", 98, LineStart, Cut::Rotate),
            (b"one\ntwo\n", 100, LineStart, Cut::Rotate),
            // it may be larger already
            (b"one\ntwo\n", 200, LineStart, Cut::Rotate),
            (b"on", 70, LineStart, Cut::Write(2)),
            // a line whose end has not arrived starts a new file
            (b"on", 90, LineStart, Cut::Rotate),
            (b"one\ntw", 90, LineStart, Cut::Write(4)),
            (b"e\ntwo\n", 97, MidLine, Cut::Write(2)),
            (b"e", 97, MidLine, Cut::Write(1)),
        ] {
            assert_eq!(cut(bytes, size, 100, position), expected, "{bytes:?} {size} {position:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_nothing_is_larger_than_the_limit() {
        let long = [b'x'; 300];
        assert_eq!(cut(&long, 0, 100, LineStart), Cut::Write(100));
        assert_eq!(cut(&long, 40, 100, MidLine), Cut::Write(60));
        assert_eq!(cut(&long, 100, 100, MidLine), Cut::Rotate);
    }

    #[test]
    fn the_bound_of_a_line_is_kept_free() {
        assert_eq!(looked_at_from(1 << 20), (1 << 20) - (64 << 10));
        assert_eq!(looked_at_from(4096), 3072);
        assert_eq!(looked_at_from(u64::MAX), u64::MAX - (64 << 10));
    }
}
