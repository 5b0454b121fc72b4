//! Which file of a crate imports which, read from `use` items and from paths in the code.
//!
//! An import leads to the file that has the item: where a module hands on what its own parts have (`pub use` in
//! a `mod.rs`), it is looked through, and imports nothing itself. What it hands on of others it counts for. A module that
//! is imported counts where a path goes through it. What has no path is not seen: methods, and the fields of values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use crate::tokens::{Code, Token, code};

/// A file of the crate, as it lies below `src/`.
pub struct File {
    /// `plan/host.rs`
    pub path: String,
    pub source: String,
}

/// That one file uses what another has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    /// Where, the first time.
    pub line: usize,
    pub to: String,
}

impl Import {
    /// From a part of a module to the module's own file: from `plan/host.rs` to `plan/mod.rs`.
    pub fn leads_to_its_own_module(&self) -> bool {
        module_of(&self.from).starts_with(&module_of(&self.to))
    }
}

/// The files below `src/` that are neither tests nor the roots of a crate.
pub fn files(src: &Path) -> Vec<File> {
    let mut files = Vec::new();
    let mut directories = vec![src.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of src/") {
            let path = entry.expect("its entry").path();
            let name = path.strip_prefix(src).expect("below src/").to_str().expect("UTF-8").to_string();
            if path.is_dir() {
                directories.push(path);
            } else if name.ends_with(".rs") {
                files.push(File { source: fs::read_to_string(&path).expect("a source file"), path: name });
            }
        }
    }
    let tests: BTreeSet<String> = files.iter().flat_map(test_files).collect();
    files.retain(|file| {
        let is_root = file.path == "lib.rs" || file.path.starts_with("bin/");
        let is_test = file.path.ends_with("tests.rs") || tests.contains(&file.path);
        !is_root && !is_test
    });
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// The files of the modules that this one declares for tests only.
fn test_files(file: &File) -> impl Iterator<Item = String> {
    let module = module_of(&file.path);
    code(&file.source).test_modules.into_iter().map(move |name| {
        let path: Vec<&str> = module.iter().map(String::as_str).chain([name]).collect();
        format!("{}.rs", path.join("/"))
    })
}

/// `plan/host.rs` is the module `[plan, host]`, `plan/mod.rs` is `[plan]`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(String::from).collect() }
}

/// The first words of `use` items and of other paths in one file, and the names that they bring in.
struct Module<'t> {
    file: &'t str,
    imports: Vec<UsePath<'t>>,
    paths: Vec<CodePath<'t>>,
    /// Words of the code outside of `use` items.
    words: BTreeSet<&'t str>,
}

/// One name that a `use` item brings in.
struct UsePath<'t> {
    segments: Vec<&'t str>,
    name: &'t str,
    line: usize,
    is_public: bool,
}

/// `crate::a::b` or `a::b` in the code.
struct CodePath<'t> {
    segments: Vec<&'t str>,
    line: usize,
}

/// All imports from one of the files to another.
pub fn imports(files: &[File]) -> BTreeSet<Import> {
    let codes: Vec<Code> = files.iter().map(|file| code(&file.source)).collect();
    let modules: HashMap<Vec<String>, Module> = files
        .iter()
        .zip(&codes)
        .map(|(file, code)| (module_of(&file.path), read(&file.path, &code.tokens)))
        .collect();
    let house = House { modules };
    let mut first: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (place, module) in &house.modules {
        for (line, to) in house.targets(place, module) {
            if to != module.file {
                let known = first.entry((module.file.to_string(), to.to_string())).or_insert(line);
                *known = line.min(*known);
            }
        }
    }
    first.into_iter().map(|((from, to), line)| Import { from, line, to }).collect()
}

fn read<'t>(file: &'t str, tokens: &[Token<'t>]) -> Module<'t> {
    let mut module = Module { file, imports: Vec::new(), paths: Vec::new(), words: BTreeSet::new() };
    let mut at = 0;
    let mut is_public = false;
    while at < tokens.len() {
        let Token { text, line } = tokens[at];
        if text == "use" {
            let mut reader = UseReader { tokens, at: at + 1, is_public, paths: &mut module.imports };
            reader.tree(Vec::new());
            at = reader.at;
            continue;
        }
        is_public = text == "pub" || (is_public && ["(", "crate", "super", ")"].contains(&text));
        let follows = |at: usize| tokens.get(at + 1).is_some_and(|next| next.text == "::");
        if !is_word(text) || !follows(at) || at > 0 && tokens[at - 1].text == "::" {
            if is_word(text) {
                module.words.insert(text);
            }
            at += 1;
            continue;
        }
        module.words.insert(text);
        let mut segments = vec![text];
        while follows(at) && tokens.get(at + 2).is_some_and(|segment| is_word(segment.text)) {
            at += 2;
            segments.push(tokens[at].text);
        }
        module.paths.push(CodePath { segments, line });
        at += 1;
    }
    module
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads `a::{b, c::{self, D as E}}`.
struct UseReader<'a, 't> {
    tokens: &'a [Token<'t>],
    at: usize,
    is_public: bool,
    paths: &'a mut Vec<UsePath<'t>>,
}

impl<'t> UseReader<'_, 't> {
    fn text(&self) -> &'t str {
        self.tokens.get(self.at).map_or(";", |token| token.text)
    }

    fn tree(&mut self, mut segments: Vec<&'t str>) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let mut name = None;
        loop {
            match self.text() {
                "{" => {
                    self.at += 1;
                    while !["}", ";"].contains(&self.text()) {
                        self.tree(segments.clone());
                        if self.text() == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "::" => {}
                "as" => {
                    self.at += 1;
                    name = Some(self.text());
                }
                "self" if !segments.is_empty() => {}
                "," | "}" | ";" => break,
                segment => segments.push(segment),
            }
            self.at += 1;
        }
        if let Some(name) = name.or(segments.last().copied()) {
            self.paths.push(UsePath { segments, name, line, is_public: self.is_public });
        }
    }
}

/// All modules of the crate.
struct House<'t> {
    modules: HashMap<Vec<String>, Module<'t>>,
}

impl<'t> House<'t> {
    /// The files that this module's imports and paths lead to.
    fn targets(&self, place: &[String], module: &Module<'t>) -> Vec<(usize, &'t str)> {
        let mut targets = Vec::new();
        for import in &module.imports {
            let Some(End { module: end, is_item: true }) = self.follow(place, &import.segments, 0) else {
                continue;
            };
            let is_face = import.is_public && end.starts_with(place) && !module.words.contains(import.name);
            if !is_face {
                targets.push((import.line, self.modules[&end].file));
            }
        }
        for path in &module.paths {
            if let Some(End { module: end, is_item: true }) = self.follow(place, &path.segments, 0) {
                targets.push((path.line, self.modules[&end].file));
            }
        }
        targets
    }

    /// Where a path leads that stands in the module at `place`; `None` for other crates.
    fn follow(&self, place: &[String], segments: &[&str], depth: usize) -> Option<End> {
        let (first, rest) = segments.split_first()?;
        match *first {
            "crate" => self.descend(Vec::new(), rest, depth),
            "self" => self.descend(place.to_vec(), rest, depth),
            "super" => {
                let (_, above) = place.split_last()?;
                match rest.first() {
                    Some(&"super") => self.follow(above, rest, depth),
                    _ => self.descend(above.to_vec(), rest, depth),
                }
            }
            name => self.step(place, name, depth).and_then(|end| self.go_on(end, rest, depth)),
        }
    }

    /// From a module along the segments, through the names that modules hand on.
    fn descend(&self, place: Vec<String>, segments: &[&str], depth: usize) -> Option<End> {
        let Some((first, rest)) = segments.split_first() else {
            return self.modules.contains_key(&place).then_some(End { module: place, is_item: false });
        };
        match self.step(&place, first, depth).filter(|end| end.module.starts_with(&place)) {
            Some(end) => self.go_on(end, rest, depth),
            None => self.modules.contains_key(&place).then_some(End { module: place, is_item: true }),
        }
    }

    fn go_on(&self, end: End, rest: &[&str], depth: usize) -> Option<End> {
        if end.is_item { Some(end) } else { self.descend(end.module, rest, depth) }
    }

    /// What the name is in the module: a module in it, or what a `use` of it brings in.
    fn step(&self, place: &[String], name: &str, depth: usize) -> Option<End> {
        let child = [place, &[name.to_string()]].concat();
        if self.modules.contains_key(&child) {
            return Some(End { module: child, is_item: false });
        }
        // a circle of names would not compile; `use a::a` of another crate only looks like one
        if depth > 8 {
            return None;
        }
        let import = self.modules.get(place)?.imports.iter().find(|import| import.name == name)?;
        self.follow(place, &import.segments, depth + 1)
    }
}

/// Where a path ends.
struct End {
    module: Vec<String>,
    /// In an item of the module, or in the module itself.
    is_item: bool,
}
