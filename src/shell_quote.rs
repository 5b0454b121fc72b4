//! Words as a shell takes them, for scripts and for commands that people paste.

/// A word as a shell takes it, whatever is in it: in single quotes.
pub fn shell_quoted(word: &str) -> String {
    as_text(|line| push_shell_quoted(line, word.as_bytes()))
}

/// As one would type it into a shell: in quotes only where they are needed.
pub fn shell_word(word: &str) -> String {
    as_text(|line| push_shell_word(line, word.as_bytes()))
}

/// The same for an operand of a command of ours: one that begins with a dash is no option.
pub fn operand(word: &str) -> String {
    let dashes = if word.starts_with('-') { "-- " } else { "" };
    format!("{dashes}{}", shell_word(word))
}

/// The same of a word that may be no text, for a script.
pub fn push_shell_word(script: &mut Vec<u8>, word: &[u8]) {
    // of other characters some are blanks in some locales
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(byte);
    match !word.is_empty() && word.iter().all(plain) {
        true => script.extend_from_slice(word),
        false => push_shell_quoted(script, word),
    }
}

fn push_shell_quoted(script: &mut Vec<u8>, word: &[u8]) {
    script.push(b'\'');
    for byte in word {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            _ => script.push(*byte),
        }
    }
    script.push(b'\'');
}

/// What is pushed, where only ASCII is put in between.
fn as_text(push: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = Vec::new();
    push(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
