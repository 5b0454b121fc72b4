//! Every message of ours that names a page, a section, a command or an option names one that exists; and every
//! message that docs/troubleshooting.md explains is one of ours.

mod support;

use std::collections::BTreeSet;

use futo_launch::admin::COMMANDS;
use futo_launch::config::flags;
use support::documents::{anchors, page, root};
use support::literals::{Literal, literals, texts};

/// Words of this form in a text.
fn words<'t>(text: &'t str, is_part: impl Fn(char) -> bool + 't) -> impl Iterator<Item = &'t str> {
    text.split(move |character| !is_part(character)).filter(|word| !word.is_empty())
}

#[test]
fn the_literals_are_read_as_the_compiler_does() {
    let code = r##"a("one \"x\" \
                   two"); // "no"
        b('"', "three", r#"four "five""#, '\'');"##;
    assert_eq!(texts(code), ["one \"x\" two", "three", "four \"five\""]);
    assert!(literals().len() > 1000);
}

#[test]
fn a_page_that_a_message_names_exists_with_its_section() {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '#');
    let mut named = 0;
    for Literal { place, text } in literals() {
        for word in words(&text, is_part) {
            let word = word.trim_end_matches(['.', '/']);
            let (name, section) = word.split_once('#').unwrap_or((word, ""));
            let is_ours =
                name.starts_with("docs/") || ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].contains(&name);
            if !is_ours {
                continue;
            }
            named += 1;
            assert!(root().join(name).exists(), "{place}: no page {name}: {text}");
            // a form has no sections
            let page = if name.ends_with(".md") { page(name) } else { String::new() };
            // a page of many entries says nothing without one
            let needs_section = name == "docs/troubleshooting.md";
            assert!(!needs_section || !section.is_empty(), "{place}: which section of {name}? {text}");
            let has_section = section.is_empty() || anchors(&page).contains(section);
            assert!(has_section, "{place}: {name} has no section {section}: {:?}", anchors(&page));
        }
    }
    assert!(named > 4, "{named}");
}

#[test]
fn a_command_option_or_manual_page_that_a_message_names_exists() {
    let commands: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    let flags = flags::all().map(|flag| flag.long);
    let options = COMMANDS.iter().flat_map(|command| command.options).map(|option| option.long);
    let known: BTreeSet<&str> = flags.chain(options).chain(["help", "version"]).chain(OTHERS).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut missing = Vec::new();
    for Literal { place, text } in literals() {
        // what a shell is to complete is no message; nor is a word of a table or of a program's arguments
        if place.contains("completions") || !text.contains(' ') {
            continue;
        }
        for (at, _) in text.match_indices("futo ") {
            let before = text[..at].chars().next_back();
            let word = words(&text[at + 5..], is_part).next().unwrap_or_default();
            let follows = text[at + 5..].starts_with(|c: char| c.is_ascii_lowercase());
            let is_command = commands.contains(&word) || PROSE.contains(&word);
            if follows && before.is_none_or(|c| !is_part(c)) && !is_command {
                missing.push(format!("{place}: there is no futo {word}: {text}"));
            }
        }
        for (at, _) in text.match_indices("--") {
            let starts = text[..at].chars().next_back().is_none_or(|c| !is_part(c));
            let name = words(&text[at + 2..], is_part).next().unwrap_or_default();
            let is_name = text[at + 2..].starts_with(|c: char| c.is_ascii_lowercase());
            if starts && is_name && !known.contains(name.trim_end_matches('-')) {
                missing.push(format!("{place}: there is no --{name}: {text}"));
            }
        }
        for (at, _) in text.match_indices("(5)").chain(text.match_indices("(1)")) {
            let name = words(&text[..at], is_part).last().unwrap_or_default();
            let pages = ["futo", "futo-launch", "futo-service", "futo-config-env"];
            if name.starts_with("futo") && !pages.contains(&name) {
                missing.push(format!("{place}: there is no page {name}: {text}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Words that follow `futo` in a sentence.
const PROSE: [&str; 3] = ["and", "in", "knows"];

/// Options of other programs that our messages name.
const OTHERS: [&str; 3] = ["cap-add", "script", "tmpfs"];

#[test]
fn a_message_that_the_page_explains_is_one_of_ours() {
    let all = literals().iter().map(|literal| literal.text.as_str()).collect::<Vec<_>>().join("\n");
    let page = page("docs/troubleshooting.md");
    let table = page.split_once("## By message").expect("the table").1.split("\n## ").next().expect("it");
    let mut rows = 0;
    let mut missing = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cell = line.trim_start_matches("| ").split(" | ").next().expect("a cell");
        for message in cell.split('`').skip(1).step_by(2) {
            rows += 1;
            for fragment in fragments(message) {
                // one message for several verbs
                let of_verb = |rest: &str| all.contains("unable to {") && all.contains(rest);
                let is_ours =
                    all.contains(fragment) || fragment.strip_prefix("unable to ").is_some_and(of_verb);
                if !is_ours && !is_of_system(fragment) {
                    missing.push(format!("'{fragment}' of: {message}"));
                }
            }
        }
    }
    assert!(rows > 15, "{rows}");
    assert!(missing.is_empty(), "no message says\n{}", missing.join("\n"));
}

/// Whether a fragment is a reason that the system gives, maybe with the place.
fn is_of_system(fragment: &str) -> bool {
    (1..134).any(|number| {
        let reason = std::io::Error::from_raw_os_error(number).to_string().to_lowercase();
        let reason = reason.split(" (").next().expect("the reason");
        fragment == reason || fragment.strip_suffix(" at") == Some(reason)
    })
}

/// What of a message is the same in each: no names, numbers, quoted words.
fn fragments(message: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = message.split('\'').step_by(2).collect();
    parts = parts.into_iter().flat_map(|part| part.split(['…', '(', ')'])).collect();
    let is_fixed = |word: &&str| !word.contains(|c: char| c.is_ascii_digit());
    parts = parts
        .into_iter()
        .flat_map(|part| part.split([':', ';', ',']))
        .filter(|part| part.split_whitespace().all(|word| is_fixed(&word)))
        .map(|part| part.trim_matches([' ', ':', ';', ',']))
        .filter(|part| part.len() > 7)
        .collect();
    parts
}
