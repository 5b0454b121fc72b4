//! The string literals of the program's sources.

use std::fs;
use std::path::{Path, PathBuf};

use super::documents::root;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|end| end == "rs") => found.push(path),
            false => {}
        }
    }
}

/// A text of ours, and where it stands.
pub struct Literal {
    pub place: String,
    pub text: String,
}

/// All texts of the program, without those of its tests.
pub fn literals() -> Vec<Literal> {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    let mut literals = Vec::new();
    for path in paths {
        let whole = fs::read_to_string(&path).expect("a source");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name.contains("tests") {
            continue;
        }
        let code = whole.split("\n#[cfg(test)]\nmod tests {").next().expect("the code");
        let place = path.strip_prefix(root()).expect("below").display().to_string();
        literals.extend(texts(code).into_iter().map(|text| Literal { place: place.clone(), text }));
    }
    literals
}

/// The string literals of a source, as they are at run time.
pub fn texts(code: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = code;
    while let Some(next) = rest.find(['"', '/', '\'']) {
        let (before, from) = rest.split_at(next);
        rest = if from.starts_with("//") {
            from.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(after) = from.strip_prefix("'\"'").or(from.strip_prefix("'\\\"'")) {
            after
        } else if from.starts_with('"') && before.ends_with(['r', '#']) {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let end = format!("\"{}", "#".repeat(hashes));
            let (text, after) = from[1..].split_once(&end).expect("a raw string ends");
            texts.push(text.to_string());
            after
        } else if let Some(from) = from.strip_prefix('"') {
            let (text, after) = unescaped(from);
            texts.push(text);
            after
        } else {
            &from[1..]
        };
    }
    texts
}

/// A literal up to its closing quote, and what follows it.
fn unescaped(from: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = from.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, &from[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((at, '\n')) => {
                    let rest = from[at + 1..].trim_start();
                    let (more, after) = unescaped(rest);
                    return (text + &more, after);
                }
                Some((_, other)) => text.push(other),
                None => break,
            },
            _ => text.push(character),
        }
    }
    (text, "")
}
