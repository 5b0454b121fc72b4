//! `--dotenv`.

use std::fs;
use std::os::unix::ffi::OsStringExt;

use crate::refused;
use crate::support::launching::{code, command, finish};
use crate::support::{Scratch, needs, path_str, said, stdout};

#[test]
fn dotenv_files_are_read_in_their_dialect() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv");
    let file = "\u{feff}# a comment with 'a quote\n\nPLAIN=word # comment\nexport EXPORTED=1\nSPACED = x\n\
                SINGLE='a $b \\n # c'\nDOUBLE=\"a\\nb \\$c\"\nMULTI=\"one\ntwo\"\nFROM=${PLAIN}-$EXPORTED\nEMPTY=\n\
                dotted.name=d\nHASH=a#b\nBLANKS=value value # it's\nTAB=\"a\\tb\"#c\nYAML: v\nUNDER_SCORE=u\n\
                CUT=$UNDER_SCORE/x\nLAST=\"${GIVEN:-}\"  ";
    let file = scratch.write(".env", file, 0o644);
    let output = finish(&mut scratch.launch(
        &scratch.path,
        &["--dotenv", path_str(&file), "--clear-env", "--env", "GIVEN=", "--", "/usr/bin/env", "-0"],
    ));
    let all = stdout(&output);
    let value = |name: &str| all.split('\0').find_map(|line| line.strip_prefix(&format!("{name}=")));
    for (name, expected) in [
        ("PLAIN", "word"),
        ("EXPORTED", "1"),
        ("SPACED", "x"),
        ("SINGLE", "a $b \\n # c"),
        ("DOUBLE", "a\nb $c"),
        ("MULTI", "one\ntwo"),
        ("FROM", "word-1"),
        ("EMPTY", ""),
        ("dotted.name", "d"),
        ("HASH", "a#b"),
        ("BLANKS", "value value"),
        ("TAB", "a\tb"),
        ("YAML", "v"),
        ("CUT", "u/x"),
        ("LAST", ""),
    ] {
        assert_eq!(value(name), Some(expected), "{name}: {output:?}");
    }
}

#[test]
fn what_dotenv_cannot_read_or_would_misread_is_refused_with_its_line_and_no_value() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv-bad");
    let bad = [
        ("hunter2 hunter2", "not a valid dotenv line"),
        ("B='1' hunter2", "text right after the closing quote"),
        ("C=${D:-$hunter2}", "a '${' that is neither ${NAME} nor ${NAME:-word} with a plain word"),
        ("D=pa$hunter2", "a '$' before the name of an unset variable"),
        ("D=\"${hunter2}\"", "a '$' before the name of an unset variable"),
        ("D=$2y$10$hunter2", "a '$' without a variable name"),
        ("E=hunter2$", "a '$' without a variable name"),
        ("F=#hunter2", "a '#' at the start of the value"),
        ("F= # hunter2", "a '#' at the start of the value"),
        ("F=hunter2\t# c", "a '#' right after a tab"),
        ("G=hunter2\\$GOOD", "a backslash before an unquoted '$'"),
        ("H=\"a\\qhunter2\"", "a backslash in double quotes that other programs read differently"),
        ("I=hunter2\u{a0}", "a control character or unusual blank outside quotes"),
        ("J='hunter2'x", "text right after the closing quote"),
        ("J=\"one\nhunter2\"x", "a quote closed on a later line, with text right after it"),
        ("=hunter2", "no name at the start of the line"),
        ("1HUNTER=hunter2", "no name followed by '=' at the start of the line"),
        ("K:hunter2", "a ':' after the name without a space after it"),
        ("L=${LATIN}", "a variable whose value is not UTF-8"),
        ("GOOD", "a name without '=' that an earlier line already sets"),
        ("# hunter2\rN=1", "a CR in the middle of a line"),
        ("M=\"one\nhunter2", "an unterminated quote"),
        // goes on after it; what refers to a refused line is not judged
        ("O=$K$M", "-"),
        ("P=hunter2$", "a '$' without a variable name"),
    ];
    let mut file = "GOOD=1\n\n# it's a comment\nFINE='${J:-fine}' # ${K:-comment}\nhunter2\n".to_string();
    let mut expected = Vec::new();
    for (line, what) in bad {
        if what != "-" {
            expected.push(format!("{}: {what}", 1 + file.matches('\n').count()));
        }
        file.push_str(line);
        file.push('\n');
    }
    let file = scratch.write(".env", &file, 0o644);
    let mut command = scratch.launch(&scratch.path, &["--dotenv", path_str(&file), "--", "echo", "ran"]);
    let output = finish(command.env("LATIN", std::ffi::OsString::from_vec(b"\xff".to_vec())));
    let (code, said) = (code(&output), said(&output));
    let places: Vec<&str> =
        said.lines().filter_map(|line| line.split_once("/.env:").map(|(_, rest)| rest)).collect();
    assert_eq!(places, expected);
    assert_eq!((code, said.contains("hunter2")), (100, false), "{said}");
    fs::write(&file, b"A=1\nB=\xff\n").expect("written");
    let (code, said) = refused(&scratch, &scratch.path, &["--dotenv", path_str(&file)]);
    assert!(code == 100 && said.contains("/.env:2: a byte that is not UTF-8"), "{said}");
    for (file, form) in [("env", "--env-file"), (".env", "--dotenv")] {
        let utf_16: Vec<u8> = "A=hunter2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [utf_16.clone(), [b"\xff\xfe".as_slice(), &utf_16].concat()] {
            let path = scratch.join(file);
            fs::write(&path, bytes).expect("written");
            let (code, said) = refused(&scratch, &scratch.path, &[form, path_str(&path)]);
            assert!(
                code == 100 && said.contains(":1: the file is UTF-16") && said.contains("iconv"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_name_alone_in_a_dotenv_file_takes_the_variable_from_the_environment() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv-inherited");
    let file = scratch.write(".env", "PASSED\nexport PASSED\nhunter2\nB=${PASSED}\nhunter3\n", 0o644);
    let mut command = scratch.launch(&scratch.path, &["--dotenv", path_str(&file), "--", "/usr/bin/env"]);
    let output = finish(command.env("PASSED", "on"));
    let said = said(&output);
    assert!(
        ["PASSED=on", "B=on"].iter().all(|line| stdout(&output).lines().any(|each| each == *line)),
        "{output:?}"
    );
    assert!(said.contains(".env: lines 3, 5: a name without '=' is not in the environment"), "{said}");
    assert!(!said.contains("hunter"), "{said}");
}

#[test]
fn what_a_dotenv_file_comes_to_is_bounded_in_time_and_memory() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv-bounds");
    let doubling = "A=xxxxxxxxxxxxxxxx\n".to_string() + &"A=${A}${A}\n".repeat(40);
    let long_line = format!("A='{}'\nB={}\n", "x".repeat(100_000), "${A}".repeat(100_000));
    let many_lines = format!("A='{}'\n", "x".repeat(100_000)) + &"B=${A}\n".repeat(1000);
    let many = (0..100_000).map(|number| format!("V{number}=1\n")).collect::<String>();
    let blanks = format!("A='{0}'\n{1}B={2}\n", "x".repeat(100_000), " ".repeat(20_000), "${A}".repeat(1000));
    for (file, what) in [
        (doubling, ":14: a value longer than 128 KiB"),
        (long_line, ":2: a value longer than 128 KiB"),
        (many_lines, ":42: the values in this file exceed 4 MiB"),
        (many, ":4097: more than 4096 variables"),
        (blanks, ":2: a value longer than 128 KiB"),
        (
            (0..4000).map(|n| format!("V{n}=1\n")).collect::<String>() + &"N\n".repeat(400_000) + "=\n",
            ":404001: no name",
        ),
    ] {
        let path = scratch.write(".env", &file, 0o644);
        // 256 MiB are ample for the launcher
        let script = "ulimit -v 262144; ulimit -t 10; exec \"$@\"";
        let mut command =
            command(&["bash", "-c", script, "bash", path_str(&scratch.launcher())], &scratch.path);
        let output = finish(command.args(["--dotenv", path_str(&path), "--", "echo", "ran"]));
        assert!(code(&output) == 100 && said(&output).contains(what), "{what}: {output:?}");
    }
    // comments do not count
    let comments = format!("# {}\n", "c".repeat(100)).repeat(5000);
    let path = scratch.write(".env", &format!("{comments}A=1\n"), 0o644);
    let output = finish(&mut scratch.launch(&scratch.path, &["--dotenv", path_str(&path), "--", "true"]));
    assert_eq!(code(&output), 0, "{output:?}");
}
