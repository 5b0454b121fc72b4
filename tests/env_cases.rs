//! What bash 5.2 made of some hundred files, beside what we make of them. tests/data/config-env-cases.jsonl
//! holds a case a line; each byte of a file or value is the Latin-1 character of its number.

use std::collections::BTreeMap;

use futo_launch::env_file;
use serde_json::{Map, Value};

type Variables = BTreeMap<String, Vec<u8>>;

const CASES: &str = include_str!("data/config-env-cases.jsonl");

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    text.chars().map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect()
}

fn variables(map: &Map<String, Value>) -> Variables {
    map.iter().map(|(name, value)| (name.clone(), bytes(value))).collect()
}

/// The environment behind a file, and whether it was read otherwise than bash does on purpose.
fn ours(file: &[u8], inherited: &Variables) -> Option<(Variables, bool)> {
    let read = env_file::parse(file, &|name| inherited.get(name).map(Vec::as_slice)).ok()?;
    let mut environment = inherited.clone();
    let is_odd = read.quirk().is_some();
    for assignment in read.assignments {
        environment.insert(assignment.name, assignment.value);
    }
    Some((environment, is_odd))
}

#[test]
fn what_is_read_has_the_values_that_bash_gives() {
    let (mut plain, mut agreed, mut accepted) = (0_u32, 0_u32, 0_u32);
    let (mut differing, mut refused) = (Vec::new(), Vec::new());
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let name = case["name"].as_str().expect("a name").to_string();
        let bash = &case["bash"];
        let counts = case["class"] == "plain" && bash["complains"] == false;
        plain += u32::from(counts);
        let mut inherited = variables(case["inherited"].as_object().expect("variables"));
        for (name, value) in [("HOME", "/config"), ("PATH", "/usr/bin:/bin")] {
            inherited.entry(name.to_string()).or_insert_with(|| value.as_bytes().to_vec());
        }
        let Some((environment, is_odd)) = ours(&bytes(&case["file"]), &inherited) else {
            if counts {
                refused.push(name);
            }
            continue;
        };
        accepted += 1;
        let mut expected = bash["environment"].as_object().map(variables).unwrap_or_default();
        if is_odd {
            // docs/differences.md: a byte order mark and CR LF are read as if absent
            for value in expected.values_mut() {
                let text: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'\r').collect();
                *value = text;
            }
            if name == "px-continuation-crlf" {
                // without the CR bash takes the backslash at the line's end for a continuation
                expected.remove("B");
                expected.insert("A".to_string(), b"xB=2".to_vec());
            }
        }
        let is_byte_order_mark = bytes(&case["file"]).starts_with(b"\xef\xbb\xbf");
        if environment == expected {
            agreed += u32::from(counts);
        } else if !is_byte_order_mark {
            differing.push(name);
        }
    }
    let percentage = 100.0 * f64::from(agreed) / f64::from(plain);
    eprintln!("of {plain} plain files {agreed} agree ({percentage:.1} %); {accepted} of all are read");
    eprintln!("plain files refused: {refused:?}");
    assert_eq!(differing, [""; 0], "silently other values than bash's");
    assert!(percentage >= 97.0, "{percentage:.1} %: {refused:?}");
}

/// What `docker create --env-file` of Docker 28.2.2 makes of a file, none if it is an error, and how config.env
/// and `--env-file` read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Same,
    /// Read, with another value: docs/differences.md.
    Differs,
    /// Only docker reads it.
    Refused,
    /// Only we do.
    OnlyHere,
}

/// A file, docker's variables if it reads it, and how it is read here.
type Input = (&'static str, Option<&'static [(&'static str, &'static str)]>, Beside);

const DOCKER: [Input; 44] = {
    use Beside::{Differs, OnlyHere, Refused, Same};
    [
        ("A=x\n", Some(&[("A", "x")]), Same),
        ("A=\n", Some(&[("A", "")]), Same),
        ("#A=x\n", Some(&[]), Same),
        ("  A=x\n", Some(&[("A", "x")]), Same),
        ("\u{feff}A=x\n", Some(&[("A", "x")]), Same),
        ("A=x\r\n", Some(&[("A", "x")]), Same),
        ("A=1\nA=2\n", Some(&[("A", "2")]), Same),
        ("A=a#b\n", Some(&[("A", "a#b")]), Same),
        ("A=*\n", Some(&[("A", "*")]), Same),
        ("A={a,b}\n", Some(&[("A", "{a,b}")]), Same),
        ("A=!x\n", Some(&[("A", "!x")]), Same),
        ("A=https://h/p?x=1#f\n", Some(&[("A", "https://h/p?x=1#f")]), Same),
        ("A=a=b\n", Some(&[("A", "a=b")]), Same),
        ("A=caf\u{e9}\n", Some(&[("A", "caf\u{e9}")]), Same),
        ("A='x'\n", Some(&[("A", "'x'")]), Differs),
        ("A=\"x\"\n", Some(&[("A", "\"x\"")]), Differs),
        ("A='it'\"s\"\n", Some(&[("A", "'it'\"s\"")]), Differs),
        ("A=\"a\\nb\"\n", Some(&[("A", "\"a\\nb\"")]), Differs),
        ("A=x # c\n", Some(&[("A", "x # c")]), Differs),
        ("A='x' # c\n", Some(&[("A", "'x' # c")]), Differs),
        ("A=$HOME\n", Some(&[("A", "$HOME")]), Differs),
        ("A=${B:-c}\n", Some(&[("A", "${B:-c}")]), Differs),
        ("A=~/x\n", Some(&[("A", "~/x")]), Differs),
        ("A=C:\\x\n", Some(&[("A", "C:\\x")]), Differs),
        ("A=x \n", Some(&[("A", "x ")]), Differs),
        ("A=x;\n", Some(&[("A", "x;")]), Differs),
        ("A=a\\\nB=1\n", Some(&[("A", "a\\"), ("B", "1")]), Differs),
        ("A=x\tB=y\n", Some(&[("A", "x\tB=y")]), Differs),
        ("A+=x\n", Some(&[("A+", "x")]), Differs),
        ("A=x y\n", Some(&[("A", "x y")]), Refused),
        ("A= x\n", Some(&[("A", " x")]), Refused),
        ("A=$(x)\n", Some(&[("A", "$(x)")]), Refused),
        ("A=`x`\n", Some(&[("A", "`x`")]), Refused),
        ("A=a&b\n", Some(&[("A", "a&b")]), Refused),
        ("A=a;b\n", Some(&[("A", "a;b")]), Refused),
        ("A=(x)\n", Some(&[("A", "(x)")]), Refused),
        ("A=x'y\n", Some(&[("A", "x'y")]), Refused),
        ("A\n", Some(&[]), Refused),
        ("a.b=x\n", Some(&[("a.b", "x")]), Refused),
        ("A-B=x\n", Some(&[("A-B", "x")]), Refused),
        ("1A=x\n", Some(&[("1A", "x")]), Refused),
        ("A='a\nb=c'\n", Some(&[("A", "'a"), ("b", "c'")]), Differs),
        ("export A=x\n", None, OnlyHere),
        ("A=$'x y'\nexport A\n", None, OnlyHere),
    ]
};

#[test]
fn differs_from_dockers_env_file_which_has_raw_values() {
    let inherited = Variables::from([("HOME".to_string(), b"/config".to_vec())]);
    let mut counts = BTreeMap::new();
    for (file, docker, beside) in DOCKER {
        let ours = env_file::parse(file.as_bytes(), &|name| inherited.get(name).map(Vec::as_slice)).ok().map(
            |read| {
                let text = |value: Vec<u8>| String::from_utf8(value).expect("text");
                read.assignments
                    .into_iter()
                    .map(|each| (each.name, text(each.value)))
                    .collect::<BTreeMap<_, _>>()
            },
        );
        let docker: Option<BTreeMap<String, String>> = docker.map(|variables| {
            variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        });
        let found = match (&ours, &docker) {
            (Some(ours), Some(docker)) if ours == docker => Beside::Same,
            (Some(_), Some(_)) => Beside::Differs,
            (None, Some(_)) => Beside::Refused,
            (Some(_), None) => Beside::OnlyHere,
            (None, None) => panic!("{file:?} is read by neither"),
        };
        assert_eq!(found, beside, "{file:?}: {ours:?}, {docker:?}");
        *counts.entry(format!("{found:?}")).or_insert(0) += 1;
    }
    let page = include_str!("../docs/differences.md");
    let said = format!(
        "Of {} inputs {} are read the same, {} are an error here, {} are read differently",
        DOCKER.len(),
        counts["Same"],
        counts["Refused"],
        counts["Differs"]
    );
    assert!(page.replace('\n', " ").contains(&said), "docs/differences.md says: {said}");
}
