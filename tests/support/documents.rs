//! The pages of this repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where the repository is.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a page.
pub fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The pages below docs/, as paths from the root.
pub fn docs() -> Vec<String> {
    let entries = fs::read_dir(root().join("docs")).expect("docs");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    names.sort();
    names
}

/// Every page for readers.
pub fn all() -> Vec<String> {
    let above = [
        "README.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "benches/README.md",
    ];
    let above = above.into_iter().filter(|name| root().join(name).exists());
    above.map(String::from).chain(docs()).collect()
}

/// A page's lines outside of fenced blocks, with their numbers; those inside are empty.
pub fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let of_line = |line| {
        let is_fence = str::trim_start(line).starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence { "" } else { line }
    };
    text.lines().map(of_line).collect()
}

/// The fenced blocks of a page: what follows the opening fence, and the text.
pub fn blocks(text: &str) -> Vec<(&str, &str)> {
    let fenced = text.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').expect("a block's first line")).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let headings: Vec<&str> = prose(text).into_iter().filter(|line| line.starts_with('#')).collect();
    let anchors: BTreeSet<String> = headings
        .iter()
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect();
    assert_eq!(anchors.len(), headings.len(), "a heading twice: {headings:?}");
    anchors
}

/// The targets of a page's links.
pub fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}
