//! The English of documents and messages: no phrase of the glossary's left column.

mod support;

use support::documents::{all, page, prose};
use support::literals::{Literal, literals};

/// A phrase, and what to write instead. `#` is a word that begins with a digit, `.` any punctuation or code; a word that
/// ends with `*` is the beginning of one. Case and line ends do not count.
const PHRASES: &[(&str, &str)] = &[
    ("mend*", "fix, repair, correct"),
    ("is told", "is notified"),
    ("are told", "are notified"),
    ("be told", "be notified"),
    ("was told", "was notified"),
    ("not told", "not notified"),
    ("told to", "notified of"),
    ("as told", "as described"),
    ("tells it", "notifies it"),
    ("tells whether", "shows whether"),
    ("tells what", "shows what"),
    ("tells who", "shows who"),
    ("is said", "is reported"),
    ("are said", "are reported"),
    ("said once", "reported once"),
    ("it says why", "it reports the reason"),
    ("log says", "log has, is logged"),
    ("launcher says", "launcher reports"),
    ("message says why", "message has the reason"),
    ("warning says so", "warning reports it"),
    ("afresh", "restart, reset"),
    ("anew", "again, recreate"),
    ("behind an option", "after an option"),
    ("behind a name", "after a name"),
    ("behind a value", "after a value"),
    ("behind the name", "after the name"),
    ("behind all files", "after all files"),
    ("others than root", "non-root users"),
    ("is root's", "is owned by root"),
    ("are root's", "are owned by root"),
    ("be root's", "be owned by root"),
    ("of root's .", "of root, owned by root"),
    ("root's alone", "owned by root and writable by nobody else"),
    ("is abc's", "belongs to abc"),
    ("of abc's .", "of abc"),
    ("of a user's .", "of a user"),
    ("of the user's .", "of the user"),
    ("each second", "every second"),
    ("each minute", "every minute"),
    ("each hour", "every hour"),
    ("each day", "every day"),
    ("each #", "every"),
    ("so long after", "this long after"),
    ("so long before", "this long before"),
    ("so many", "this many"),
    ("so much later", "by up to DURATION"),
    ("without a word", "silently"),
    ("none of ours", "is not a futo-launch …"),
    ("one of ours", "a futo-launch …"),
    ("not ours", "is not a futo-launch …"),
    ("of ours", "of futo-launch"),
    ("of our own", "of futo-launch"),
    ("comes to more than", "exceeds"),
    ("what is over", "what exceeds"),
    ("file a command", "one file per command"),
    ("file a variable", "one file per variable"),
    ("line a service", "one line per service"),
    ("line a command", "one line per command"),
    ("foretell*", "predict"),
    ("oddit*", "quirk"),
    ("leavings", "leftovers"),
    ("wish", "desired state"),
    ("wishes", "desired states"),
    ("wants it so", "down, but not intentionally"),
    ("to begin with", "starter"),
    ("happened so", "was recorded"),
    ("stays who you are", "keeps your uid"),
    ("he", "they"),
    ("his", "their"),
    ("him", "them"),
];

/// What messages avoid besides. A document may quote these.
const IN_MESSAGES: &[(&str, &str)] = &[
    ("says", "reports, shows"),
    ("tells", "reports, shows"),
    ("nobody", "no process, only root"),
    ("somebody", "another user, someone"),
    ("whoever", "the user who"),
    ("goes by", "follows"),
    ("it wants", "it requires"),
    ("behind it", "after it"),
    ("stands between", "is between"),
    ("line ends of", "LF line endings"),
    ("is meant", "for a literal X"),
    ("as it may", "has reached its limit"),
    ("is not there", "does not exist"),
    ("must be there", "must exist"),
    ("has gone", "is gone"),
    ("begin*", "start"),
    ("everybody", "world-writable, all users"),
    ("passed over", "ignored, skipped"),
    ("taken away", "removed"),
    ("taken up", "picked up"),
    ("it is no", "it is not a"),
    ("all the same", "anyway"),
];

/// A text in words, without its code: the line of each, and the word in lower case. Punctuation, code and the end of a
/// paragraph are a `.`.
fn words(lines: &[&str]) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut is_code = false;
    for (number, line) in lines.iter().enumerate() {
        if line.trim().is_empty() {
            // a paragraph ends, and with it all code that was left open
            is_code = false;
            words.push((number + 1, String::from(".")));
        }
        for (index, part) in line.split('`').enumerate() {
            is_code ^= index > 0;
            if index > 0 {
                words.push((number + 1, String::from(".")));
            }
            for word in part.split_whitespace().filter(|_| !is_code) {
                let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
                words.push((number + 1, bare.to_lowercase().replace('’', "'")));
                if word.ends_with(|c: char| c.is_ascii_punctuation()) {
                    words.push((number + 1, String::from(".")));
                }
            }
        }
    }
    words
}

fn is_like(pattern: &str, word: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None if pattern == "#" => word.starts_with(|c: char| c.is_ascii_digit()),
        None => word == pattern,
    }
}

/// The lines of a text that have one of the phrases.
fn found(lines: &[&str], phrases: &[(&str, &str)]) -> Vec<String> {
    let words = words(lines);
    let mut found = Vec::new();
    for (phrase, instead) in phrases {
        let patterns: Vec<&str> = phrase.split(' ').collect();
        for window in words.windows(patterns.len()) {
            if patterns.iter().zip(window).all(|(pattern, (_, word))| is_like(pattern, word)) {
                found.push(format!("{}: '{phrase}': {instead}", window[0].0));
            }
        }
    }
    found
}

/// A line that repeats what the program prints, in its words (the table of options), or a row of the glossary.
fn quotes(name: &str, line: &str) -> bool {
    match name {
        "docs/options.md" => line.starts_with("| `-"),
        "CONTRIBUTING.md" => line.starts_with('|'),
        _ => false,
    }
}

#[test]
fn documents_use_the_fields_words() {
    let mut all_found = Vec::new();
    for name in all() {
        let text = page(&name);
        let lines: Vec<&str> =
            prose(&text).into_iter().map(|line| if quotes(&name, line) { "" } else { line }).collect();
        all_found.extend(found(&lines, PHRASES).into_iter().map(|line| format!("{name}:{line}")));
    }
    assert!(all_found.is_empty(), "{}", all_found.join("\n"));
}

#[test]
fn messages_use_the_fields_words() {
    let phrases = [PHRASES, IN_MESSAGES].concat();
    let mut all_found = Vec::new();
    // a word alone is a key, a name or a path
    let is_message = |literal: &Literal| literal.text.contains(' ');
    for literal in literals().into_iter().filter(is_message) {
        let lines: Vec<&str> = literal.text.lines().collect();
        let found = found(&lines, &phrases);
        all_found
            .extend(found.into_iter().map(|phrase| format!("{}: {phrase}: {}", literal.place, literal.text)));
    }
    assert!(all_found.is_empty(), "{}", all_found.join("\n"));
}

#[test]
fn phrases_are_found_over_line_ends_and_not_in_code() {
    let lines = [
        "It is",
        "told. Each 10 s, as `he` does, a file of root's: its",
        "the theme of `his",
        "mend` Mended.",
    ];
    assert_eq!(
        found(&lines, PHRASES),
        [
            "4: 'mend*': fix, repair, correct",
            "1: 'is told': is notified",
            "2: 'of root's .': of root, owned by root",
            "2: 'each #': every",
        ]
    );
    assert_eq!(found(&["It is", "", "told. Tell them each: 10 wishing of root's group"], PHRASES), [""; 0]);
}
