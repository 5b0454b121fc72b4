//! The script that keeps what was not understood: the user's own lines, untouched.

use super::interpreter::Interpreter;

/// Programs that change the user by their first argument: the launcher does it before the script.
const CHANGE_USER: [&str; 6] =
    ["s6-setuidgid", "setuidgid", "su-exec", "gosu", "/command/s6-setuidgid", "/bin/s6-setuidgid"];

/// The text of a script with these parts of the run file.
pub(crate) fn text<'p>(interpreter: &Interpreter, parts: impl Iterator<Item = &'p str>) -> Vec<u8> {
    let mut text =
        format!("{}\n# the lines of run that futo-launch has no option for\n", interpreter.of_script());
    for part in parts {
        text.push_str(part.trim_end());
        text.push('\n');
    }
    text.into_bytes()
}

/// Removes the one `s6-setuidgid USER` from a text; none unless there is exactly one.
pub(crate) fn without_user(text: &str, user: &str) -> Option<String> {
    let mut found = None;
    for program in CHANGE_USER {
        let words = format!("{program} {user} ");
        for (at, _) in text.match_indices(&words) {
            let before = text.get(..at)?.chars().next_back();
            if before.is_none_or(char::is_whitespace) {
                found = if found.is_some() { return None } else { Some((at, words.len())) };
            }
        }
    }
    let (at, length) = found?;
    Some(format!("{}{}", text.get(..at)?, text.get(at + length..)?))
}

/// Whether a script uses the argument that s6 gives to run: the name of the service.
pub(crate) fn uses_arguments(text: &str) -> bool {
    ["$1", "${1", "$@", "${@", "$*", "$#"].iter().any(|mark| text.contains(mark))
}
