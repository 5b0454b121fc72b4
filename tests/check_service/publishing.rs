//! What `futo sync` refuses, what it fixes by publishing, and where the hints lead.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Scene;
use crate::support::boot::Definitions;
use crate::support::launching::{code, finish};
use crate::support::{
    Scratch, Svscan, eventually, eventually_contains, needs, own_by_abc, state, stderr, stdout,
};

/// Definitions of abc's that futo sync refuses: run, finish, what check says, and the hint.
const REFUSED: [(&str, &str, &str, &str, &str); 5] = [
    (
        "finish",
        "exec futo-launch -- true\n",
        "#!/bin/sh\necho over\n",
        "'DIR/finish/finish' is not a futo-launch script: ",
        "remove it, or rewrite ",
    ),
    ("root", "exec futo-launch --user root -- true\n", "", "DIR/root/run: ", "remove the option"),
    (
        "lines",
        "set -e\nexec futo-launch -- true\n",
        "",
        "'DIR/lines/run' is not a futo-launch script: ",
        "can become root",
    ),
    ("foreign", "exec sleep 1\n", "", "'DIR/foreign/run' is not a futo-launch script: ", "can become root"),
    ("nothing", "exec futo-launch --version\n", "", "DIR/nothing/run: ", ""),
];

#[test]
fn check_reports_of_an_unpublished_definition_what_sync_reports() {
    needs!(root);
    let definitions = Definitions::new("verdict");
    definitions.line("good", "-- true");
    for (name, run, finish, _, _) in REFUSED {
        definitions.write(&format!("{name}/run"), &format!("#!/bin/sh\n{run}"));
        if !finish.is_empty() {
            definitions.write(&format!("{name}/finish"), finish);
        }
    }
    // no directory of definitions that sync looks into by itself
    let elsewhere = definitions.roots("else where/good");
    definitions.write_roots("else where/good/run", "#!/bin/sh\nexec futo-launch -- true\n");
    let check = |operand: &std::ffi::OsStr| {
        let mut command = Command::new(definitions.scratch.futo());
        command.arg("check").arg(operand).arg("--from").arg(definitions.abcs(""));
        let output = finish(command.arg("--scan-dir").arg(definitions.scan("")));
        assert_eq!((code(&output), stderr(&output)), (1, String::new()));
        stdout(&output).replace(definitions.abcs("").to_str().expect("a path").trim_end_matches('/'), "DIR")
    };
    for (name, _, _, why, remedy) in REFUSED {
        let said = check(name.as_ref());
        let lines: Vec<&str> = said.lines().collect();
        let start = format!("{name}: is not published, and futo sync refuses it: {why}");
        let at = lines
            .iter()
            .position(|line| line.starts_with(&start))
            .unwrap_or_else(|| panic!("{start}: {said}"));
        assert!(remedy.is_empty() || lines[at + 1].contains(remedy), "{said}");
        assert!(!said.contains("no supervisor knows of it"), "{said}");
    }
    let ran = definitions.sync(&["--dry-run"]);
    for (name, ..) in REFUSED {
        assert!(
            ran.stdout.contains(&format!("service={name} action=not-ours"))
                || ran.stdout.contains(&format!("service={name} action=failed")),
            "{}",
            ran.stdout
        );
    }
    // the command of the hint does what it says
    for operand in [std::ffi::OsStr::new("good"), elsewhere.as_os_str()] {
        let said = check(operand)
            .replace("DIR", definitions.abcs("").to_str().expect("a path").trim_end_matches('/'));
        let (_, hint) =
            said.split_once("is not published: no supervisor knows of it\n  hint: ").expect(&said);
        let (words, _) = hint.split_once(" publishes it").expect(hint);
        let words = words.replace("futo sync", &format!("{} sync", definitions.scratch.futo().display()));
        let output = finish(Command::new("sh").arg("-c").arg(&words));
        assert!(stdout(&output).contains("service=good action="), "{words}: {output:?}");
        assert!(definitions.scan("good/run").exists(), "{words}");
        fs::remove_dir_all(definitions.scan("good")).expect("removed");
    }
}

#[test]
fn hints_lead_only_to_commands_that_work_there() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("where");
    let launcher = scene.svscan.scratch.launcher();
    let longer = format!("#!/bin/sh\nset -e\nfalse\nexec {} -- true\n", launcher.display());
    scene.svscan.add("wh-longer", &[("run", &longer)]);
    scene.svscan.add_launch("wh-bare", "--log - -- false", &[]);
    scene.svscan.add_launch("wh-log", "-- false", &[]);
    for (name, logs, tries) in [("wh-longer", false, false), ("wh-bare", false, true), ("wh-log", true, true)]
    {
        let hint = eventually(&format!("{name} is crashing"), || {
            let (_, said) = scene.check(&[], &[name]);
            let (_, rest) = said.split_once(&format!("{name}: is crashing: "))?;
            Some(rest.lines().nth(1).expect("a hint").to_string())
        });
        assert_eq!((hint.contains("futo logs"), hint.contains("futo try")), (logs, tries), "{hint}");
        assert!(logs || hint.contains("docker logs, or the catch-all log"), "{hint}");
        let futo = |command: &str| {
            let mut futo = Command::new(scene.svscan.scratch.futo());
            futo.args([command, name, "--scan-dir"]).arg(scene.svscan.scratch.join("scan"));
            finish(&mut futo)
        };
        let output = futo("logs");
        assert_eq!(code(&output), if logs { 0 } else { 111 }, "{output:?}");
        assert!(!stderr(&output).contains("is not a futo-launch script"), "{output:?}");
        // false leaves with 1; what cannot be tried is refused
        assert_eq!(code(&futo("try")) == 1, tries, "{name}");
        if name == "wh-longer" {
            let expected =
                "futo-launch is not running, and its run script is not a plain futo-launch command\n";
            assert!(stderr(&output).contains(expected), "{output:?}");
        }
    }
}

#[test]
fn what_only_a_linked_definition_would_suffer_from_is_a_note_where_sync_publishes() {
    needs!(root, "s6-svscan");
    // neither directory is anybody's beside root and abc: sync refuses others
    let root = Scratch::of_root("copies");
    std::fs::create_dir(root.join("scan")).expect("made");
    let svscan = Svscan::on(root, &[]);
    let definitions = Scratch::new("copies-volume");
    let source = definitions.directory_of_abc("services");
    let scan = svscan.scratch.join("scan");
    let worker = "futo-launch --interval 1h -- true";
    for (name, run, mode) in [
        ("cp-mode", format!("#!/bin/sh\nexec {worker}\n"), 0o644),
        ("cp-contenv", format!("#!/usr/bin/with-contenv bash\nexec {worker}\n"), 0o755),
        ("cp-noexec", format!("#!/bin/sh\n{worker}\n"), 0o755),
        ("cp-crlf", format!("#!/bin/sh\r\nexec {worker}\r\n"), 0o755),
        ("cp-late", "#!/bin/sh\nexec futo-launch \\\r\n  --interval 1h -- true\r\n".to_string(), 0o755),
    ] {
        let path = definitions.write(format!("services/{name}/run"), &run, mode);
        own_by_abc(path.parent().expect("a directory"));
        own_by_abc(&path);
    }
    let futo = |words: &[&str]| {
        let mut command = Command::new(svscan.scratch.futo());
        command.args(words).arg("--from").arg(&source).arg("--scan-dir").arg(&scan);
        let output = finish(&mut command);
        (code(&output), stdout(&output) + &stderr(&output))
    };
    let (exit, said) = futo(&["sync"]);
    assert!(exit == 0 && said.matches("action=published").count() == 5, "{said}");
    svscan.control(&["-a"]);
    for name in ["cp-mode", "cp-contenv", "cp-noexec", "cp-crlf", "cp-late"] {
        eventually_contains(&state(&format!("{name}.json")), "\"last_status\":0");
        let (exit, said) = futo(&["check", name]);
        assert_eq!(exit, 0, "{said}");
        let is_clean = name == "cp-contenv" && Path::new("/usr/bin/with-contenv").exists();
        let notes = said.matches("(only where a hook links it: futo sync writes its own script)").count();
        assert_eq!(notes, usize::from(!is_clean), "{name}: {said}");
    }
    // a hook has linked the very same: s6 executes it
    fs::remove_dir_all(definitions.join("services/cp-late")).expect("removed");
    for (name, expected) in
        [("cp-mode", "is not executable"), ("cp-noexec", "no exec before"), ("cp-crlf", "CR LF")]
    {
        let linked = format!("{name}-linked");
        let place = definitions.join("services").join(&linked);
        fs::rename(definitions.join("services").join(name), &place).expect("renamed");
        std::os::unix::fs::symlink(&place, scan.join(&linked)).expect("a link");
        let (exit, said) = futo(&["check", &linked]);
        assert!(exit == 1 && said.contains(expected) && !said.contains("where a hook"), "{linked}: {said}");
    }
}
