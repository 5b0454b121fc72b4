//! Numbered lines: what `examples/lines.rs` writes, and what a log of it must hold.

use std::io::Write;

/// The line of this number, with its end: mostly short, some with NUL bytes, a few of 40,000 bytes.
pub(crate) fn line(number: u64) -> Vec<u8> {
    let mut line = Vec::new();
    append_line(number, &mut line);
    line
}

/// Appends it.
pub(crate) fn append_line(number: u64, to: &mut Vec<u8>) {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let length = if number % 10_007 == 10_006 { 40_000 } else { (mixed % 160) as usize };
    let filler = if number % 97 == 96 { 0 } else { b'a' + (number % 26) as u8 };
    let _ = write!(to, "{number:010} ");
    to.resize(to.len() + length, filler);
    to.push(b'\n');
}
