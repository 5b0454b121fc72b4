//! `$'…'`: escapes as in C.

use super::cursor::Cursor;
use super::refusal::Refusal;

/// Reads from the opening `$'` to the closing quote.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Refusal> {
    let opened = cursor.line();
    let mut value = Vec::new();
    loop {
        let line = cursor.line();
        match cursor.next() {
            None => return Err(Refusal::unclosed(opened, '\'')),
            Some(b'\'') => return Ok(value),
            Some(0) => return Err(Refusal::nul(line)),
            Some(b'\\') => escape(cursor, line, &mut value)?,
            Some(byte) => value.push(byte),
        }
    }
}

fn escape(cursor: &mut Cursor<'_>, line: usize, value: &mut Vec<u8>) -> Result<(), Refusal> {
    let Some(letter) = cursor.next() else { return Ok(()) };
    let byte = match letter {
        b'a' => 7,
        b'b' => 8,
        b'e' | b'E' => 0x1b,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'\'' | b'"' | b'?' => letter,
        b'0'..=b'7' => {
            let first = u32::from(letter - b'0');
            // '\777' is one byte to bash too
            u8::try_from(digits(cursor, 8, 2, first).1 & 0xff).unwrap_or_default()
        }
        b'x' if cursor.peek() == Some(b'{') => {
            return Err(Refusal::new(line, "'\\x{' inside $'…'", "write \\xHH with one or two digits"));
        }
        b'x' | b'u' | b'U' => {
            let most = match letter {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let (count, number) = digits(cursor, 16, most, 0);
            if count == 0 {
                value.extend([b'\\', letter]);
                return Ok(());
            }
            if letter != b'x' && number > 0x7f {
                // in the C locale bash produces the escape itself, otherwise the character
                let what = format!("'\\{}' beyond ASCII depends on bash's locale", char::from(letter));
                return Err(Refusal::new(line, what, "write the character itself"));
            }
            u8::try_from(number).unwrap_or_default()
        }
        b'c' => control(cursor, line)?,
        0 => return Err(Refusal::nul(line)),
        other => {
            value.extend([b'\\', other]);
            return Ok(());
        }
    };
    if byte == 0 {
        return Err(Refusal::new(
            line,
            "an escape for a NUL byte",
            "remove it: a variable cannot contain one",
        ));
    }
    value.push(byte);
    Ok(())
}

/// The number of digits, and their value.
fn digits(cursor: &mut Cursor<'_>, radix: u32, most: usize, first: u32) -> (usize, u32) {
    let mut number = first;
    let mut count = 0;
    while count < most
        && let Some(digit) = cursor.peek().and_then(|byte| char::from(byte).to_digit(radix))
    {
        cursor.next();
        number = number.wrapping_mul(radix).wrapping_add(digit);
        count += 1;
    }
    (count, number)
}

fn control(cursor: &mut Cursor<'_>, line: usize) -> Result<u8, Refusal> {
    match cursor.peek() {
        Some(letter @ (b'A'..=b'Z' | b'a'..=b'z' | b'@' | b'[' | b']' | b'^' | b'_')) => {
            cursor.next();
            Ok(letter.to_ascii_uppercase() & 0x1f)
        }
        Some(b'?') => {
            cursor.next();
            Ok(0x7f)
        }
        _ => Err(Refusal::new(line, "'\\c' without a letter after it", "write \\xHH")),
    }
}
