//! The architecture as a test: which room of `src/` may import which, and no circles between files.
//!
//! `cargo test --test architecture -- --nocapture` also prints figures.

mod figures;
mod imports;
mod layers;
mod made_up;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use imports::{File, Import};
use layers::{LAYERS, MAY_RUN_IN_A_CIRCLE};

const HERE: &str = "tests/architecture/layers.rs";

/// A file of tests/ has no more lines.
const LONGEST_TEST_FILE: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<File> {
    imports::files(&root().join("src"))
}

/// `plan` of `plan/host.rs`, `drop` of `drop.rs`.
fn room(path: &str) -> &str {
    path.split('/').next().expect("a first part").trim_end_matches(".rs")
}

fn layer(layers: &[&[&str]], path: &str) -> Option<usize> {
    layers.iter().position(|rooms| rooms.contains(&room(path)))
}

/// The imports that do not run from a room to one below it.
fn backward<'i>(layers: &[&[&str]], imports: &'i BTreeSet<Import>) -> Vec<&'i Import> {
    let runs_down = |import: &Import| layer(layers, &import.from) > layer(layers, &import.to);
    imports.iter().filter(|import| room(&import.from) != room(&import.to) && !runs_down(import)).collect()
}

/// The groups of files that import each other, directly or through each other. That a file uses what the module
/// has of which it is a part (`super::Error`) makes no circle: the two are one thing in several files.
fn circles(imports: &BTreeSet<Import>) -> Vec<Vec<&str>> {
    let mut imported: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for import in imports.iter().filter(|import| !import.leads_to_its_own_module()) {
        imported.entry(&import.from).or_default().push(&import.to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        imported.keys().map(|file| (*file, reached(&imported, file))).collect();
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for (file, ahead) in &reached {
        let leads_back = |other: &&str| reached.get(other).is_some_and(|ahead| ahead.contains(file));
        let circle: Vec<&str> = ahead.iter().copied().filter(leads_back).collect();
        if !circle.is_empty() && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

/// All files that a file imports, directly or through others; itself only if a circle leads back.
fn reached<'i>(imported: &BTreeMap<&str, Vec<&'i str>>, file: &str) -> BTreeSet<&'i str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![file];
    while let Some(from) = waiting.pop() {
        for to in imported.get(from).into_iter().flatten() {
            if reached.insert(*to) {
                waiting.push(to);
            }
        }
    }
    reached
}

#[test]
fn every_room_has_one_layer() {
    let named: Vec<&str> = LAYERS.iter().flat_map(|rooms| rooms.iter().copied()).collect();
    let files = sources();
    let rooms: BTreeSet<&str> = files.iter().map(|file| room(&file.path)).collect();
    for room in &rooms {
        let times = named.iter().filter(|name| *name == room).count();
        assert!(
            times == 1,
            "src/{room}: in {times} layers. Give it one in {HERE}, above all that it imports"
        );
    }
    for name in named {
        assert!(rooms.contains(name), "{HERE}: there is no room {name} in src/. Remove it");
    }
}

#[test]
fn the_map_draws_these_layers() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let (_, after) = page.split_once("<!-- layers -->\n").expect("the map's first line");
    let (map, _) = after.split_once("<!-- end -->").expect("the map's last line");
    let rooms = |line: &str| {
        line.trim_start().split("  ").next().expect("rooms").split(' ').map(String::from).collect()
    };
    let drawn: Vec<Vec<String>> = map.lines().map(rooms).collect();
    assert_eq!(drawn, LAYERS, "ARCHITECTURE.md and {HERE} draw different maps");
}

#[test]
fn imports_run_down() {
    let imports = imports::imports(&sources());
    let wrong: Vec<String> = backward(LAYERS, &imports)
        .iter()
        .map(|import| {
            let Import { from, line, to } = import;
            format!("src/{from}:{line}: {} imports src/{to}, and {} is not below it", room(from), room(to))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{}\n\nMove what both use into a room below both, or pass it as an argument. The order of the rooms is in {HERE}.",
        wrong.join("\n")
    );
}

#[test]
fn files_do_not_import_each_other_in_a_circle() {
    let imports = imports::imports(&sources());
    let circles = circles(&imports);
    let wrong: Vec<String> = circles
        .iter()
        .filter(|circle| !MAY_RUN_IN_A_CIRCLE.contains(&circle.as_slice()))
        .map(|circle| format!("these files import each other: {circle:?}\n{}", ties(&imports, circle)))
        .collect();
    let remedy = "Move what both sides use into a file of its own that imports neither.";
    assert!(wrong.is_empty(), "{}\n{remedy}", wrong.join("\n"));
    for entry in MAY_RUN_IN_A_CIRCLE {
        let is_needed = circles.iter().any(|circle| circle == entry);
        assert!(is_needed, "{HERE}: there is no circle {entry:?}. Remove the entry");
    }
}

fn ties(imports: &BTreeSet<Import>, circle: &[&str]) -> String {
    imports
        .iter()
        .filter(|import| !import.leads_to_its_own_module())
        .filter(|import| [&import.from, &import.to].iter().all(|file| circle.contains(&file.as_str())))
        .map(|import| format!("  src/{}:{} imports src/{}\n", import.from, import.line, import.to))
        .collect()
}

#[test]
fn test_files_are_not_long() {
    let sizes = figures::sizes_below(&root().join("tests"));
    let long: Vec<_> = sizes.iter().filter(|(_, lines)| *lines > LONGEST_TEST_FILE).collect();
    assert!(
        long.is_empty(),
        "over {LONGEST_TEST_FILE} lines: {long:?}. Split tests/NAME.rs by subject into the files of tests/NAME/, \
         of which main.rs has what they share"
    );
}

#[test]
fn files_have_plain_names() {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let entries = std::fs::read_dir(root()).expect("the repository");
    let names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    let odd: Vec<_> =
        names.iter().filter(|name| !name.as_encoded_bytes().iter().copied().all(is_plain)).collect();
    assert!(odd.is_empty(), "made by accident, such as a `>` in a command? {odd:?}");
}

#[test]
fn figures() {
    let files = sources();
    print!("{}", figures::page(&files, &imports::imports(&files), &root()));
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).expect("a text").lines().count()
}
