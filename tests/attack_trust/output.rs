//! What abc's names do to remedies, tables, JSON and metrics.

use std::fs;
use std::process::Command;

use crate::Scene;
use crate::support::launching::finish;
use crate::support::{needs, set_mode, stdout};

#[test]
fn no_name_makes_a_remedy_do_more_than_it_says() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-remedies");
    let place = scene.scratch.join("place");
    let empty = scene.scratch.join("empty");
    for directory in [&place, &empty] {
        fs::create_dir(directory).expect("a directory");
    }
    for (number, name) in [
        "x;>mark",
        "x&&>mark",
        "$(>mark)",
        "`>mark`",
        "x'>mark'",
        "'>mark;'",
        "\">mark;\"",
        "x|>mark",
        "-x",
        "--help;>mark",
        "a b",
        "~",
        "*",
        "#x",
        "x\\;>mark",
        "x >mark",
    ]
    .into_iter()
    .enumerate()
    {
        let log = scene.definitions.join(name).join("log");
        let definitions = [
            "exec LAUNCHER -- true\n".to_string(),
            "#!/bin/sh\r\nexec LAUNCHER -- true\r\n".to_string(),
            "#!/bin/sh\nexec LAUNCHER --user root -- true\n".to_string(),
            format!("#!/bin/sh\nexec LAUNCHER --log \"{}/log\" -- sh \"{}\"\n", log.display(), log.display()),
            "#!/bin/sh\nwhile true; do id; sleep 60; done\n".to_string(),
        ];
        for run in definitions {
            let directory = scene.define(name, &run);
            // not executable, and root has left something there
            set_mode(directory.join("run"), 0o644);
            fs::create_dir_all(&log).expect("a directory");
            for words in [
                &["check"][..],
                &["status"],
                &["health"],
                &["sync"],
                &["try", "--", name],
                &["explain", "--", name],
                &["disable", "--", name],
                &["enable", "--", name],
                &["logs", "--", name],
                &["start", "--", name],
            ] {
                let said = scene.said(words);
                for line in said.lines() {
                    let Some((_, hint)) = line.split_once("hint: ").or_else(|| line.split_once("; ")) else {
                        continue;
                    };
                    let hint = hint.trim_start_matches("as uid 911: ");
                    let mut shell = Command::new("/bin/sh");
                    shell.args(["-c", hint]).env_clear().env("PATH", &empty).current_dir(&place);
                    finish(&mut shell);
                    let made: Vec<_> = fs::read_dir(&place).expect("a directory").collect();
                    assert!(made.is_empty(), "{number} {name} {words:?}: {hint}");
                }
            }
            fs::remove_dir_all(&directory).expect("removed");
        }
    }
}

#[test]
fn no_hidden_character_of_abcs_is_in_tables_json_or_metrics() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-hidden");
    let names =
        ["a\u{202e}b", "a\u{61c}b", "a\u{200b}b", "a\u{2066}b", "x up 1s 0", "a\u{2028}b", "a\u{ad}b"];
    for name in names {
        scene.define(name, &format!("#!/bin/sh\nexec LAUNCHER --state-dir '/run/{name}' -- true\n"));
    }
    let is_hidden = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["status", "--prometheus"],
        &["health"],
        &["check"],
        &["check", "--json"],
    ] {
        let said = scene.said(words);
        assert!(!said.contains(is_hidden), "{words:?}: {said:?}");
    }
    let table = stdout(&scene.futo(&["status"]));
    assert!(table.contains("x\\u{20}up\\u{20}1s\\u{20}0 "), "{table}");
    let json: serde_json::Value =
        serde_json::from_slice(&scene.futo(&["status", "--json"]).stdout).expect("JSON");
    let shown: Vec<&str> = json["services"]
        .as_array()
        .expect("services")
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert!(names.iter().all(|name| shown.contains(name)), "{shown:?}");
}
