//! Escapes text from users (a name, a word, a log line) for terminals, tables, JSON and metrics.
//!
//! Untrusted text can contain characters that control a terminal, reverse the direction of text, break a line, or are
//! invisible. All code that prints such text escapes it here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character is invisible, or changes how its neighbours are displayed: control characters (C0, DEL, C1),
/// direction marks and overrides, zero-width characters, line and paragraph separators, fillers, tags, variation
/// selectors.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Appends text to a line, making hidden characters visible (`\n`, `\u{202e}`).
pub fn push_escaped(line: &mut String, text: &str) {
    for character in text.chars() {
        if is_hidden(character) {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
}

/// Text with hidden characters made visible.
pub fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    push_escaped(&mut line, text);
    line
}

/// Text as one field of a line or one cell of a table: no blank can end the field, and nothing can be mistaken for an
/// escape.
pub fn field(text: &str) -> String {
    let mut field = String::with_capacity(text.len());
    for character in text.chars().take(MAX_FIELD_CHARS) {
        match character {
            // printable ASCII, except the blank and the backslash, which would make escapes ambiguous
            '!'..='~' if character != '\\' => field.push(character),
            ' ' => field.extend(character.escape_unicode()),
            _ => field.extend(character.escape_default()),
        }
    }
    if text.chars().nth(MAX_FIELD_CHARS).is_some() {
        field.push('…');
    }
    field
}

/// The longest field, in characters.
const MAX_FIELD_CHARS: usize = 256;

/// JSON that is safe to show on a terminal: hidden characters in strings are written as `\u202e`. The values do not
/// change; the JSON writer escapes only C0.
pub fn json(text: &str) -> Cow<'_, str> {
    // newlines and blanks between tokens belong to JSON; the writer has escaped those in strings
    let is_to_escape = |character: char| character > '~' && is_hidden(character);
    if !text.contains(is_to_escape) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_to_escape(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// The value of a label in the Prometheus text format, without its quotes, escaped as by [`push_escaped`].
pub fn label(text: &str) -> String {
    escaped(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Text shortened to about `most` bytes: the start, the length and the end, since the reason is often at the end of a
/// message.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let head = text.floor_char_boundary(most / 4 * 3);
    let tail = text.ceil_char_boundary(text.len() - most / 4);
    let (head, tail) = (text.get(..head).unwrap_or_default(), text.get(tail..).unwrap_or_default());
    Cow::Owned(format!("{head}…({} bytes)…{tail}", text.len()))
}

/// A word typed by the user, for a message.
pub fn word(text: &str) -> Cow<'_, str> {
    shortened(text, MAX_WORD_BYTES)
}

/// The longest word shown in full, in bytes: longer than any option, zone or service name.
const MAX_WORD_BYTES: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    /// Invisible or terminal-control characters; none may reach a terminal.
    const HIDDEN: &str = "\0\u{7}\t\n\r\u{1b}\u{7f}\u{80}\u{85}\u{9b}\u{9f}\u{ad}\u{61c}\u{200b}\u{200c}\
        \u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\
        \u{2067}\u{2068}\u{2069}\u{feff}\u{3164}\u{e0041}";

    #[test]
    fn nothing_hidden_reaches_a_line_a_field_a_label_or_json() {
        for character in HIDDEN.chars() {
            let text = format!("a{character}b");
            let json_text = serde_json::to_string(&text).expect("JSON");
            for shown in [escaped(&text), field(&text), label(&text), json(&json_text).into_owned()] {
                assert!(!shown.contains(is_hidden), "{character:?}: {shown:?}");
                assert_ne!(shown, "ab", "{character:?}");
            }
            let back: String = serde_json::from_str(&json(&json_text)).expect("JSON");
            assert_eq!(back, text, "the value is the same");
        }
        assert_eq!(escaped("plain é 日本 ✓"), "plain é 日本 ✓");
        assert_eq!(json("{\n  \"a\": \"é\"\n}"), "{\n  \"a\": \"é\"\n}");
        assert_eq!(label("a\\b\"c\u{61c}"), "a\\\\b\\\"c\\\\u{61c}");
    }

    #[test]
    fn a_field_can_end_neither_itself_nor_the_line() {
        assert_eq!(field("running"), "running");
        assert_eq!(field("x action=started"), "x\\u{20}action=started");
        assert_eq!(field("x\u{a0}up"), "x\\u{a0}up");
        assert_eq!(field("a\nreconcile: profile=b\\"), "a\\nreconcile:\\u{20}profile=b\\\\");
        assert_eq!(field("\u{85}\u{2028}é"), "\\u{85}\\u{2028}\\u{e9}");
        assert_eq!(field(&"x".repeat(300)).chars().count(), 257);
    }

    #[test]
    fn a_long_text_keeps_both_ends_and_shows_its_length() {
        assert_eq!(shortened("short", 8), "short");
        assert_eq!(shortened("aaaaaaaaaaaaaaaaaaaab", 8), "aaaaaa…(21 bytes)…ab");
        // never within a character
        assert_eq!(shortened("éééééééééé", 8), "ééé…(20 bytes)…é");
        let long = format!("'{}' is not a time zone", "x".repeat(1 << 20));
        let cut = shortened(&long, 300);
        assert!(cut.len() < 340 && cut.ends_with("' is not a time zone"), "{cut}");
    }
}
