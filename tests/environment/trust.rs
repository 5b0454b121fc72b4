//! No value is shown, and root takes none from others.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::direct::{Caller, Direct};
use crate::support::launching::{code, finish};
use crate::support::{Scratch, needs, path_str, read, stderr, stdout};
use crate::{directory_of, refused};

#[test]
fn no_message_log_record_or_plan_shows_a_value() {
    needs!(root, "s6-envdir", "chpst");
    // each source with values that can be used, and with some that cannot
    let scratch = Scratch::of_root("env-secrets");
    let service = scratch.service("env-secrets");
    let secret = scratch.write("secret", "hunter2\0\n", 0o644);
    let container = directory_of(&scratch, "container", &[("C", "hunter2"), ("FILE__C2", "hunter2")]);
    scratch.write("envdir/D", "hunter2", 0o644);
    scratch.write("envdir/FILE__D2", path_str(&secret), 0o644);
    let good = "A='hunter2'\nB=\"hunter2 $A\"\n";
    let bad = "A=hunter2 hunter2\nB=$(hunter2)\nC='hunter2\n";
    for (config, dotenv) in [(good, good), (bad, good), (good, "A=hunter2 x\nB=${A:-hunter2}\nC='hunter2\n")]
    {
        scratch.write("env-secrets/config.env", config, 0o644);
        scratch.write("dot.env", dotenv, 0o644);
        let mut words = vec![
            "--container-env",
            &container,
            "--env-dir",
            "../envdir",
            "--dotenv",
            "../dot.env",
            "--env",
            "E=hunter2",
            "--env",
            "E2=${A}${NOT}hunter2",
            "--env",
            "9=hunter2",
            "--default",
            "F=hunter2${",
            "--require",
            "C,NONE",
            "--interval",
            "${C}",
            "--max-failures",
            "${INHERITED}",
        ];
        for explain in [None, Some("--explain"), Some("--explain=json")] {
            // without the options whose form is wrong, the sources are read
            for skipped in [None, Some("9=hunter2")] {
                words.retain(|word| skipped.is_none() || (*word != "9=hunter2" && *word != "F=hunter2${"));
                if skipped.is_some() {
                    remove_valueless(&mut words);
                }
                let mut command = scratch.launch(&service, &words);
                command.args(explain).args(["--", "true"]).env("INHERITED", "hunter2");
                let output = finish(&mut command);
                assert_eq!(code(&output), 100, "{output:?}");
                let said = format!("{}{}", stdout(&output), stderr(&output));
                assert!(!said.contains("hunter2"), "{said}");
                assert!(said.len() > 200, "it says what is wrong: {said}");
            }
        }
    }
    // a worker that runs: log and record
    let mut direct = Direct::new("env-secrets-run");
    direct.write("config.env", good, 0o600);
    let options = ["--interval", "0.05", "--max-failures", "2", "--env", "E=hunter2", "--require", "A,E"];
    direct.launch(Caller::Root, &options, &["false"]);
    direct.end();
    let all = format!("{}{}{}", direct.log(), direct.stderr(), read(direct.record_path()));
    assert!(all.contains("worker failed") && !all.contains("hunter2"), "{all}");
}

/// Options whose value has been taken out.
fn remove_valueless(words: &mut Vec<&str>) {
    let mut index = 0;
    while index < words.len() {
        let next_is_option = words.get(index + 1).is_none_or(|next| next.starts_with("--"));
        if words[index].starts_with("--") && next_is_option {
            words.remove(index);
        } else {
            index += 1;
        }
    }
}

#[test]
fn a_worker_that_is_root_gets_no_variables_from_what_others_can_write() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-root");
    let service = scratch.service("env-root");
    let abcs = scratch.directory_of_abc("abcs");
    fs::write(abcs.join("file"), "A=1\n").expect("written");
    let directory =
        directory_of(&scratch, "envdir", &[("GOOD", "1"), ("FILE__B", path_str(&abcs.join("file")))]);
    symlink(abcs.join("file"), scratch.join("envdir/LINKED")).expect("a link");
    let file = path_str(&abcs.join("file")).to_string();
    let options = [
        "--user",
        "root",
        "--env-dir",
        &directory,
        "--env-dir",
        path_str(&abcs),
        "--dotenv",
        &file,
        "--env-file",
        &file,
    ];
    let (code, said) = refused(&scratch, &service, &options);
    let place = abcs.display().to_string();
    let lines: Vec<String> = said
        .lines()
        .filter_map(|line| {
            line.split_once("fatal: ")
                .map(|(_, rest)| rest.replace(&place, "ABCS").replace(&directory, "DIR"))
        })
        .collect();
    let why = "it is writable by non-root users, and the worker would be root";
    let expected = [
        format!("'ABCS/file': {why}"),
        format!("'ABCS/file': {why}"),
        format!("unable to read 'DIR/LINKED': {why}"),
        format!("DIR/FILE__B: unable to read the file named by FILE__B, 'ABCS/file': {why}"),
        format!("'ABCS': {why}"),
    ];
    assert_eq!((code, lines), (100, expected.to_vec()), "{said}");
}
