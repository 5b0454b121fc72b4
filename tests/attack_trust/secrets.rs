//! Nothing of root's is shown.

use std::fs;
use std::process::Command;

use crate::support::launching::finish;
use crate::support::{self, eventually, needs, stderr, stdout, write};
use crate::{SECRET, Scene};

#[test]
fn no_file_of_roots_is_shown_because_a_definition_names_it() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-names");
    let log = scene.secret("log", &format!("line {SECRET}\n"));
    scene.secret("x.json", &format!("{{\"version\": \"{SECRET}\"}}"));
    let settings = scene.secret("settings", &format!("{SECRET} = 1\nexec = [\"true\"]\n"));
    let value = scene.secret("value", &format!("{SECRET}\n"));
    let variables = scene.secrets.join("variables");
    fs::create_dir(&variables).expect("a directory");
    write(&variables.join("TOKEN"), SECRET, 0o600);
    let secrets = scene.secrets.display();
    for options in [
        format!("--log {}", log.display()),
        format!("--user root --log {}", log.display()),
        format!("--user nosuch --log {}", log.display()),
        format!("--state-dir {secrets} --interval 1h"),
        format!("--user root --state-dir {secrets} --interval 1h"),
        format!("--env FILE__X={}", value.display()),
        format!("--user root --env FILE__X={}", value.display()),
        format!("--container-env {}", variables.display()),
        format!("--user root --env-dir {}", variables.display()),
        format!("--user root --env-file {}", settings.display()),
        "--log /proc/self/environ".to_string(),
        "--log /proc/1/environ".to_string(),
        "--user root --log /proc/self/environ".to_string(),
    ] {
        let directory = scene.define("x", &format!("#!/bin/sh\nexec LAUNCHER {options} -- true\n"));
        // published by an older hook, and by futo sync
        let live = scene.scratch.join("scan/x");
        std::os::unix::fs::symlink(&directory, &live).expect("a link");
        let look = |what: &str| {
            for words in [
                &["status"][..],
                &["status", "--json"],
                &["status", "--prometheus"],
                &["health"],
                &["logs", "x"],
                &["check", "x"],
                &["check", "--json", "x"],
                &["explain", "x", "--show-values"],
                &["explain", "x", "--json", "--show-values"],
                &["try", "x"],
            ] {
                let mut command = Command::new(scene.scratch.futo());
                command
                    .args(words)
                    .args(["--from", "/nonexistent", "--scan-dir"])
                    .arg(scene.scratch.join("scan"));
                // its own variables are shown to whoever asks for them
                if words[0] != "explain" {
                    command.env("ROOTS_VARIABLE", SECRET);
                }
                let output = finish(&mut command);
                let said = format!("{}{}", stdout(&output), stderr(&output));
                assert!(!said.contains(SECRET), "{options} {words:?} {what}: {said}");
            }
        };
        look("linked");
        fs::remove_file(&live).expect("removed");
        scene.futo(&["sync", "--no-start"]);
        if live.exists() {
            look("published");
            fs::remove_dir_all(&live).expect("removed");
        }
    }
    // in both forms, and a message quotes no key of a file that abc cannot read
    for (form, run) in [
        ("line", format!("#!/bin/sh\nexec LAUNCHER --file {}\n", settings.display())),
        ("toml", format!("#!LAUNCHER --file\nlog = \"{}\"\nexec = ['true']\n", log.display())),
    ] {
        scene.define("x", &run);
        for words in
            [&["status"][..], &["health"], &["check", "x"], &["explain", "x"], &["try", "x"], &["logs", "x"]]
        {
            let said = scene.said(words);
            assert!(!said.contains(SECRET), "{form} {words:?}: {said}");
        }
    }
}

#[test]
fn a_process_of_abcs_that_calls_itself_the_launcher_shows_nothing_of_roots() {
    needs!(root, "s6-svscan", "setpriv");
    let scene = Scene::new("trust-process");
    let log = scene.secret("log", &format!("line {SECRET}\n"));
    scene.secret("x.json", &format!("{{\"version\": \"{SECRET}\"}}"));
    let settings = scene.secret("settings", &format!("{SECRET} = 1\nlog = \"{}\"\n", log.display()));
    let svscan = support::Svscan::start("trust-process");
    for (number, words) in [
        format!("--user root --groups root --log {} --interval 1h -- true", log.display()),
        format!("--user root --state-dir {} --interval 1h -- true", scene.secrets.display()),
        format!("--file {}", settings.display()),
        format!("--groups root,shadow --log {} --interval 1h -- true", log.display()),
        format!("--log {} --interval 1h -- true", log.display()),
        format!("--state-dir {} --interval 1h -- true", scene.secrets.display()),
        "--user root --log /proc/self/environ -- true".to_string(),
        "--log /proc/self/environ --interval 1h -- true".to_string(),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("fake{number}");
        // abc executes the launcher itself, with words that only root could follow
        let run = format!(
            "#!/bin/sh\nexec setpriv --reuid=911 --regid=911 --clear-groups {} {words}\n",
            scene.scratch.launcher().display()
        );
        svscan.add(&name, &[("run", &run)]);
        let live = svscan.directory(&name);
        let look = |words: &[&str]| {
            let mut command = Command::new(scene.scratch.futo());
            command
                .args(words)
                .args(["--from", "/nonexistent", "--scan-dir"])
                .arg(svscan.scratch.join("scan"));
            command.env("ROOTS_VARIABLE", SECRET);
            let output = finish(&mut command);
            format!("{}{}", stdout(&output), stderr(&output))
        };
        eventually("it is up", || look(&["status"]).contains(&name).then_some(()));
        for words in [
            &["status"][..],
            &["status", "--json"],
            &["health"],
            &["logs", name.as_str()],
            &["check", name.as_str()],
        ] {
            let said = look(words);
            assert!(!said.contains(SECRET), "{words:?} {}: {said}", live.display());
        }
    }
}
