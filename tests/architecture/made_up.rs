//! The reader itself, on a crate that is made up for it.

use std::collections::BTreeSet;

use crate::imports::{File, imports};
use crate::tokens::{code, tokens};
use crate::{backward, circles};

fn tree(files: &[(&str, &str)]) -> Vec<File> {
    files.iter().map(|(path, source)| File { path: path.to_string(), source: source.to_string() }).collect()
}

/// `a.rs:1 b.rs` for each import.
fn read(files: &[(&str, &str)]) -> BTreeSet<String> {
    let imports = imports(&tree(files));
    imports.iter().map(|import| format!("{}:{} {}", import.from, import.line, import.to)).collect()
}

fn set(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| line.to_string()).collect()
}

const ROOM: [(&str, &str); 4] = [
    ("room/mod.rs", "mod door;\nmod inner;\npub use door::{Door, open};\npub struct Room;\n"),
    ("room/door.rs", "pub struct Door;\npub fn open() {}\n"),
    ("room/inner/mod.rs", "pub mod deep;\n"),
    ("room/inner/deep.rs", "pub fn dig() {}\n"),
];

fn beside_the_room(source: &str) -> BTreeSet<String> {
    let mut files = ROOM.to_vec();
    files.push(("guest.rs", source));
    read(&files)
}

#[test]
fn a_use_item_leads_to_the_file_that_has_the_name() {
    let found =
        beside_the_room("use std::io;\nuse crate::room::{Room, inner::deep::{self, dig},\n  open as enter};");
    assert_eq!(
        found,
        set(&["guest.rs:2 room/mod.rs", "guest.rs:2 room/inner/deep.rs", "guest.rs:3 room/door.rs"])
    );
}

#[test]
fn a_path_in_the_code_counts_and_a_module_only_where_a_path_goes_through_it() {
    assert_eq!(beside_the_room("fn f() { crate::room::open(); }"), set(&["guest.rs:1 room/door.rs"]));
    let through = "use crate::room::{self, inner};\nfn f() {\n  inner::deep::dig();\n}";
    assert_eq!(beside_the_room(through), set(&["guest.rs:3 room/inner/deep.rs"]));
}

#[test]
fn super_and_self_lead_to_other_files() {
    let files = [
        ("a/mod.rs", "mod b;\nmod c;\nfn top() { self::b::lower(); c::upper() }\n"),
        ("a/b.rs", "use super::c::upper;\npub fn lower() {}\n"),
        ("a/c.rs", "pub fn upper() { super::super::d::other() }\n"),
        ("d.rs", "pub fn other() {}\n"),
    ];
    assert_eq!(
        read(&files),
        set(&["a/mod.rs:3 a/b.rs", "a/mod.rs:3 a/c.rs", "a/b.rs:1 a/c.rs", "a/c.rs:1 d.rs"])
    );
}

#[test]
fn a_face_imports_what_it_hands_on_only_if_it_uses_it() {
    let face = |rest: &str| {
        let face = format!("mod part;\npub use part::Part;\n{rest}");
        read(&[("face/mod.rs", face.as_str()), ("face/part.rs", "pub struct Part;")])
    };
    assert_eq!(face(""), set(&[]));
    assert_eq!(face("fn f(_: Part) {}"), set(&["face/mod.rs:2 face/part.rs"]));
}

#[test]
fn what_a_room_hands_on_of_another_is_imported_from_it() {
    let files = [
        ("low.rs", "pub struct Low;"),
        ("high/mod.rs", "mod part;\npub use crate::low::Low;\npub use part::Part;"),
        ("high/part.rs", "pub struct Part;"),
        ("guest.rs", "use crate::high::Low;\nuse crate::high::Part;"),
    ];
    let expected = ["guest.rs:1 high/mod.rs", "guest.rs:2 high/part.rs", "high/mod.rs:2 low.rs"];
    assert_eq!(read(&files), set(&expected));
}

#[test]
fn comments_literals_and_tests_are_not_read() {
    let source = r####"// use crate::room::Room;
        /* crate::room::open() /* in */ crate::room::open() */
        const A: &str = "crate::room::open()\"";
        const B: &str = r#"crate::room::open() ""#;
        const C: char = '"'; // crate::room::open()
        fn f<'a>(x: &'a str) -> char { '\'' }
        #[cfg(test)]
        #[path = "x.rs"]
        mod tests;
        #[cfg(test)]
        mod more { fn f() { crate::room::open(); } }
        #[cfg(test)]
        fn g(_: [u8; 3]) { crate::room::open(); }
    "####;
    assert_eq!(beside_the_room(source), set(&[]));
    assert_eq!(code(source).test_modules, BTreeSet::from(["tests"]));
    let texts: Vec<&str> = tokens("b'a' r#x br\"y\" 'b: z::w").iter().map(|token| token.text).collect();
    assert_eq!(texts, ["r", "#", "x", ":", "z", "::", "w"]);
}

#[test]
fn an_import_upward_to_a_neighbour_or_to_an_unknown_room_is_backward() {
    let files = tree(&[
        ("low.rs", "use crate::high::H;\npub struct L;"),
        ("high.rs", "use crate::low::L;\npub struct H;"),
        ("left.rs", "use crate::right::R;\nuse crate::low::L;"),
        ("right.rs", "use crate::new::N;\npub struct R;"),
        ("new.rs", "pub struct N;\nuse crate::low::L;"),
    ]);
    let imports = imports(&files);
    let layers: [&[&str]; 3] = [&["low"], &["left", "right"], &["high"]];
    let found: Vec<String> =
        backward(&layers, &imports).iter().map(|import| format!("{} {}", import.from, import.to)).collect();
    assert_eq!(found, ["left.rs right.rs", "low.rs high.rs", "new.rs low.rs"]);
    assert_eq!(circles(&imports), [["high.rs", "low.rs"]]);
}

#[test]
fn a_circle_is_found_through_other_files() {
    let files = tree(&[
        ("a.rs", "use crate::b::B;\npub struct A;"),
        ("b.rs", "use crate::c::C;\npub struct B;"),
        ("c.rs", "use crate::a::A;\nuse crate::d::D;\npub struct C;"),
        ("d.rs", "pub struct D;"),
        ("e.rs", "use crate::a::A;"),
    ]);
    assert_eq!(circles(&imports(&files)), [["a.rs", "b.rs", "c.rs"]]);
}

#[test]
fn a_module_and_its_parts_are_no_circle() {
    let files = tree(&[
        ("a/mod.rs", "mod b;\nmod c;\npub struct A;\nfn f() { b::f(); }"),
        ("a/b.rs", "use super::A;\nuse super::c::C;\npub fn f() {}\npub struct B;"),
        ("a/c.rs", "use super::A;\nuse super::b::B;\npub struct C;"),
    ]);
    assert_eq!(circles(&imports(&files)), [["a/b.rs", "a/c.rs"]]);
}
