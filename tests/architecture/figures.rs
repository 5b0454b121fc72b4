//! Figures of the source, as `--nocapture` prints them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::imports::{File, Import};
use crate::layers::LAYERS;
use crate::tokens::{Token, after_closing, code};
use crate::{backward, circles, lines, room};

/// Functions and files beyond these are listed by name.
const LONG_FUNCTION: usize = 60;
const LONG_FILE: usize = 300;

/// A function outside of the tests.
struct Function<'t> {
    place: String,
    name: &'t str,
    lines: usize,
    has_bool: bool,
}

/// One figure per line; what a figure counts is listed below it.
pub fn page(files: &[File], imports: &BTreeSet<Import>, root: &Path) -> String {
    let mut page = String::new();
    let mut figure = |name: &str, value: usize, items: Vec<String>| {
        let _ = writeln!(page, "{name}: {value}");
        items.iter().for_each(|item| page.extend(["    ", item, "\n"]));
    };
    let rooms: BTreeSet<&str> = files.iter().map(|file| room(&file.path)).collect();
    let between: BTreeSet<(&str, &str)> = imports
        .iter()
        .map(|import| (room(&import.from), room(&import.to)))
        .filter(|(from, to)| from != to)
        .collect();
    figure("rooms", rooms.len(), Vec::new());
    figure("arrows between rooms", between.len(), Vec::new());
    figure("imports between files", imports.len(), Vec::new());
    let backward = backward(LAYERS, imports);
    let listed = backward.iter().map(|import| format!("{} -> {}", import.from, import.to)).collect();
    figure("imports that run backward", backward.len(), listed);
    let circles = circles(imports);
    figure("circles", circles.len(), circles.iter().map(|circle| circle.join(", ")).collect());

    let mut sizes: Vec<(usize, &str)> =
        files.iter().map(|file| (file.source.lines().count(), file.path.as_str())).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    figure("files", sizes.len(), Vec::new());
    figure("lines of the median file", sizes[sizes.len() / 2].0, Vec::new());
    figure("lines of the longest file", sizes[0].0, vec![sizes[0].1.to_string()]);
    let long = sizes.iter().take_while(|(lines, _)| *lines > LONG_FILE);
    let listed: Vec<String> = long.map(|(lines, path)| format!("{path} {lines}")).collect();
    figure(&format!("files over {LONG_FILE} lines"), listed.len(), listed);

    let functions: Vec<Function> = files.iter().flat_map(functions).collect();
    let named = |chosen: &dyn Fn(&Function) -> bool| -> Vec<String> {
        let chosen = functions.iter().filter(|function| chosen(function));
        chosen.map(|function| format!("{} {} {}", function.place, function.name, function.lines)).collect()
    };
    figure("functions", functions.len(), Vec::new());
    let long = named(&|function| function.lines > LONG_FUNCTION);
    figure(&format!("functions over {LONG_FUNCTION} lines"), long.len(), long);
    let with_bool = named(&|function| function.has_bool);
    figure("functions with a bool parameter", with_bool.len(), with_bool);
    let of_tests = sizes_below(&root.join("tests"));
    figure("lines of tests/", of_tests.iter().map(|(_, lines)| lines).sum(), Vec::new());
    figure("lines of README.md", lines(&root.join("README.md")), Vec::new());
    page
}

fn functions(file: &File) -> Vec<Function<'_>> {
    let tokens = code(&file.source).tokens;
    let starts = (0..tokens.len().saturating_sub(1))
        .filter(|at| tokens[*at].text == "fn" && tokens[at + 1].text != "(");
    starts.filter_map(|at| function(file, &tokens, at)).collect()
}

/// `None` for one without a body.
fn function<'t>(file: &File, tokens: &[Token<'t>], at: usize) -> Option<Function<'t>> {
    let parameters = at + tokens[at..].iter().position(|token| token.text == "(")?;
    let after = after_closing(tokens, parameters);
    let has_bool = tokens[parameters..after]
        .windows(3)
        .any(|words| words[0].text == ":" && words[1].text == "bool" && [",", ")"].contains(&words[2].text));
    let mut body = after;
    while tokens.get(body)?.text != "{" {
        match tokens[body].text {
            ";" => return None,
            "(" | "[" => body = after_closing(tokens, body),
            _ => body += 1,
        }
    }
    let end = tokens[after_closing(tokens, body) - 1];
    let Token { line, .. } = tokens[at];
    Some(Function {
        place: format!("{}:{line}", file.path),
        name: tokens[at + 1].text,
        lines: end.line - line + 1,
        has_bool,
    })
}

/// The Rust files below a directory, with their lines.
pub fn sizes_below(directory: &Path) -> Vec<(PathBuf, usize)> {
    fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("its entry").path())
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sizes_below(&path),
            Some(extension) if extension == "rs" => vec![(path.clone(), lines(&path))],
            _ => Vec::new(),
        })
        .collect()
}
