//! `futo new`: definitions that are whole, live by their own words, and overwrite nothing.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};

use support::launching::{code, finish};
use support::{ABC, AS_ABC, Scratch, names_in, needs, own_by_abc, read, stderr, stdout};

fn futo(scratch: &Scratch, prefix: &[&str], words: &[&str]) -> Output {
    let mut command = scratch.futo_by(prefix, &[words[0], "--from"]);
    command.arg(scratch.join("definitions")).args(&words[1..]);
    finish(command.current_dir(&scratch.path))
}

#[test]
fn a_definition_holds_what_was_asked_for() {
    needs!(root);
    let scratch = Scratch::new("new");
    scratch.directory_of_abc("definitions");
    let words = [
        "new",
        "beat",
        "--interval",
        "1h",
        "--env",
        "MSG=it's me",
        "--env",
        "WAY=${PATH}:x",
        "--require",
        "TOKEN",
        "--",
        "sh",
        "./beat.sh",
        "a b",
    ];
    let made = futo(&scratch, &[], &words);
    let directory = scratch.join("definitions/beat");
    let said = format!(
        "written: {} (run, config.env)\n  \
         check: futo check beat\n  \
         run once: futo try beat\n  \
         publish: futo sync\n",
        directory.display()
    );
    assert_eq!((code(&made), stdout(&made), stderr(&made)), (0, said, String::new()));
    let sh = support::find_program("sh").expect("sh");
    let run = format!(
        "#!/bin/sh\n# beat: runs periodically; a restart does not repeat a run (--persist). Details: futo explain beat\n\
         exec {} --interval=1h '--env=WAY=${{PATH}}:x' --require=TOKEN --persist --chdir={} -- {} ./beat.sh 'a b'\n",
        scratch.launcher().display(),
        scratch.path.display(),
        sh.display()
    );
    assert_eq!(read(directory.join("run")), run);
    let config_env = "\
# Variables of beat, read as bash would read them, before each start; never executed.
# One per line: NAME='value'. To check them: futo check beat

MSG='it'\\''s me'

# required: fill in
TOKEN=
";
    assert_eq!(read(directory.join("config.env")), config_env);
    let mode = |name: &str| {
        let status = fs::metadata(directory.join(name)).expect("the file");
        (status.uid(), status.mode() & 0o7777)
    };
    assert_eq!([mode("run"), mode("config.env"), mode("")], [(ABC, 0o755), (ABC, 0o600), (ABC, 0o755)]);

    let again = futo(&scratch, &[], &["new", "beat", "--template", "shell"]);
    let said = format!(
        "futo: fatal: unable to write '{}': it already exists\nfuto: hint: choose another name\n",
        directory.display()
    );
    assert_eq!((code(&again), stderr(&again)), (100, said));
    assert_eq!(read(directory.join("run")), run);
    assert_eq!(names_in(&scratch.join("definitions")), ["beat"]);
}

#[test]
fn a_restart_repeats_no_run_from_an_hour_on_unless_set_otherwise() {
    needs!(root);
    let scratch = Scratch::new("new-persist");
    scratch.directory_of_abc("definitions");
    for (number, (given, expected)) in [
        (&["--interval", "60m"][..], "--interval=60m --persist --"),
        (&["--every", "1d", "--splay", "1m"], "--every=1d --splay=1m --persist --"),
        (&["--every", "1d", "--persist"], "--every=1d --persist --"),
        (&["--interval", "2h", "--persist=no"], "--interval=2h --persist=no --"),
        (&["--interval", "59m"], "--interval=59m --"),
        (&["--once", "--interval", "2h"], "--once --interval=2h --"),
        (&["--schedule", "@daily"], "--schedule=@daily --"),
        (&["--interval", "${EVERY:-2h}"], "'--interval=${EVERY:-2h}' --"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("p{number}");
        let words = [&["new", &name, "--template", "shell"], given].concat();
        let made = futo(&scratch, &AS_ABC, &words);
        assert_eq!((code(&made), stderr(&made)), (0, String::new()), "{given:?}");
        let run = read(scratch.join("definitions").join(&name).join("run"));
        let expected = format!("exec {} {expected} sh ./worker.sh\n", scratch.launcher().display());
        assert!(run.ends_with(&expected), "{given:?}: {run}");
        assert_eq!(
            run.contains("a restart does not repeat a run"),
            expected.contains("--persist --"),
            "{run}"
        );
    }
    // a word of the program's own
    assert_eq!(
        code(&futo(&scratch, &AS_ABC, &["new", "own", "--interval", "1m", "--", "sh", "--persist"])),
        0
    );
    assert!(!read(scratch.join("definitions/own/run")).contains("a restart does not repeat a run"));
}

#[test]
fn ready_brings_the_file_without_which_nobody_listens() {
    needs!(root);
    let scratch = Scratch::new("new-ready");
    scratch.directory_of_abc("definitions");
    for (name, options, number) in [
        ("tcp", &["--ready", "tcp:8097"][..], Some("3\n")),
        ("start", &["--ready", "start"], Some("3\n")),
        ("loop", &["--interval", "5", "--ready", "first-success"], Some("3\n")),
        ("kept", &["--ready", "start", "--keep-fd", "3"], Some("4\n")),
        ("none", &[], None),
    ] {
        let words = [&["new", name], options, &["--", "sleep", "1000"]].concat();
        let made = futo(&scratch, &AS_ABC, &words);
        let file = scratch.join("definitions").join(name).join("notification-fd");
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), number, "{name}: {made:?}");
        assert_eq!(stdout(&made).contains("config.env, notification-fd)"), number.is_some(), "{made:?}");
    }
}

#[test]
fn each_template_makes_a_service_that_runs() {
    needs!(root, "python3");
    let scratch = Scratch::new("templates");
    scratch.directory_of_abc("definitions");
    for template in ["python", "uv", "shell", "node"] {
        for (kind, timing) in [("often", &["--interval", "5m"][..]), ("long", &[])] {
            let name = format!("{template}-{kind}");
            let mut words = vec!["new", &name, "--template", template];
            words.extend(timing);
            let made = futo(&scratch, &AS_ABC, &words);
            let warning = format!("futo: warning: program '{template}' was not found in PATH\n");
            let said = stderr(&made);
            assert!(code(&made) == 0 && (said.is_empty() || said.starts_with(&warning)), "{name}: {said}");
            let explained = futo(&scratch, &[], &["check", "--json", &name]);
            let page: serde_json::Value = serde_json::from_slice(&explained.stdout).expect("JSON");
            for finding in page["services"][0]["findings"].as_array().expect("a list") {
                let text = finding["text"].as_str().expect("a text");
                let is_expected = text == "is not published: no supervisor knows of it"
                    || text.contains("': not found in PATH");
                assert!(is_expected, "{name}: {text}");
            }
        }
    }
    for name in ["python-often", "shell-often"] {
        if name.starts_with("python") && !Path::new("/usr/bin/python3").exists() {
            continue;
        }
        let run = futo(&scratch, &[], &["try", name]);
        assert_eq!(
            (code(&run), stdout(&run), stderr(&run)),
            (0, "hello\n".to_string(), String::new()),
            "{name}"
        );
    }
}

#[test]
fn what_is_wrong_is_reported_at_once_and_nothing_is_left() {
    needs!(root);
    let scratch = Scratch::new("new-wrong");
    scratch.directory_of_abc("definitions");
    let refused = |words: &[&str], said: &str| {
        let output = futo(&scratch, &[], words);
        assert_eq!((code(&output), stderr(&output)), (100, said.to_string()), "{words:?}");
    };
    refused(
        &["new", "x", "--interval", "0", "--nice", "99", "--", "sh"],
        "futo: fatal: --interval: invalid value '0': must be greater than zero\n\
         futo: fatal: --nice: invalid value '99': is not a whole number from -20 to 19\n",
    );
    refused(
        &["new", "a/b", "--", "sh"],
        "futo: fatal: new: the name 'a/b' contains a slash\nfuto: hint: futo new --help\n",
    );
    refused(&["new"], "futo: fatal: new: no name given\nfuto: hint: futo new --help\n");
    refused(
        &["new", "x"],
        "futo: fatal: new: no program given, and no --template for a starter worker\n\
         futo: hint: futo new --help\n",
    );
    refused(
        &["new", "x", "--intervall", "5", "--", "sh"],
        "futo: fatal: new: unknown option '--intervall'\nfuto: hint: did you mean --interval?\n",
    );
    assert_eq!(names_in(&scratch.join("definitions")), [""; 0]);
}

#[test]
fn a_definition_in_a_directory_of_roots_is_roots_and_its_variables_are_the_workers() {
    needs!(root);
    let scratch = Scratch::of_root("new-root");
    let made = futo(&scratch, &[], &["new", "x", "--interval", "5m", "--template", "shell"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let owner = |name: &str| fs::metadata(scratch.join("definitions/x").join(name)).expect("the file").uid();
    assert_eq!([owner("run"), owner("worker.sh"), owner("config.env")], [0, 0, ABC]);
    assert_eq!(stdout(&futo(&scratch, &[], &["try", "x"])), "hello\n");
}

#[test]
fn root_makes_nothing_through_a_link_of_a_users() {
    needs!(root);
    let scratch = Scratch::new("new-link");
    let target = scratch.join("target");
    fs::create_dir(&target).expect("a directory");
    let home = scratch.directory_of_abc("home");
    std::os::unix::fs::symlink(&target, home.join("services")).expect("a link");
    own_by_abc(&home.join("services"));
    let mut command = Command::new(scratch.futo());
    let output =
        finish(command.args(["new", "x", "--template", "shell", "--from"]).arg(home.join("services")));
    let said = format!(
        "futo: fatal: unable to write '{}': '{}' is a symbolic link\n",
        home.join("services/x").display(),
        home.join("services").display()
    );
    assert_eq!((code(&output), stderr(&output)), (111, said));
    assert_eq!(names_in(&target), [""; 0]);
}

#[test]
fn a_program_that_is_not_there_is_reported_and_the_root_directory_is_not_recorded() {
    needs!(root);
    let scratch = Scratch::new("new-program");
    scratch.directory_of_abc("definitions");
    scratch.write("plain", "#!/bin/sh\n", 0o644);
    scratch.write("good", "#!/bin/sh\n", 0o755);
    let place = scratch.path.display();
    let hint = "futo: hint: the service rests until the program exists; futo check NAME tests it as the service's \
         user\n";
    for (number, (program, expected)) in [
        ("nosuch-program", "program 'nosuch-program' was not found in PATH"),
        ("./nosuch", "program 'SCRATCH/nosuch': no such file or directory"),
        ("/nowhere/x", "program '/nowhere/x': no such file or directory"),
        ("./plain", "program 'SCRATCH/plain' is not executable"),
        ("definitions/", "program 'SCRATCH/definitions/' is not a file"),
        ("./good", ""),
        ("sh", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("n{number}");
        let made = futo(&scratch, &[], &["new", &name, "--", program]);
        let expected = match expected {
            "" => String::new(),
            text => format!("futo: warning: {}\n{hint}", text.replace("SCRATCH", &place.to_string())),
        };
        assert_eq!((code(&made), stderr(&made)), (0, expected), "{program}");
    }
    let in_root = |name: &str, words: &[&str]| {
        let mut command = Command::new(scratch.futo());
        command.args(["new", name, "--from"]).arg(scratch.join("definitions")).arg("--").args(words);
        assert_eq!(code(&finish(command.current_dir("/"))), 0);
        read(scratch.join("definitions").join(name).join("run"))
    };
    assert!(!in_root("r0", &["sh", "-c", "true"]).contains("--chdir"));
    // an argument that counts from there
    assert!(in_root("r1", &["cat", "etc/passwd"]).contains(" --chdir=/ -- "));
}

#[test]
fn the_owner_of_the_scan_directory_publishes_without_root() {
    needs!(root, "s6-svscan");
    let scratch = Scratch::new("new-owner");
    for name in ["definitions", "scan", "home"] {
        let path = scratch.join(name);
        fs::create_dir(&path).expect("a directory");
        std::os::unix::fs::chown(&path, Some(12345), Some(12345)).expect("chown");
    }
    // a container with user: 12345:12345, of which /etc/passwd knows nothing
    let home = format!("HOME={}", scratch.join("home").display());
    let prefix = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "--", "env", &home];
    let svscan = support::Svscan::on(scratch, &prefix);
    let scratch = &svscan.scratch;
    let scan = scratch.join("scan");
    // what is wrong with another definition is for sync to report
    scratch.write("definitions/broken/run", "#!/bin/sh\nexec futo-launch --nonsense -- true\n", 0o755);
    let made = futo(
        scratch,
        &prefix,
        &[
            "new",
            "own",
            "--interval",
            "1h",
            "--template",
            "shell",
            "--now",
            "--scan-dir",
            scan.to_str().expect("text"),
        ],
    );
    assert_eq!((code(&made), stderr(&made)), (0, String::new()), "{made:?}");
    assert!(stdout(&made).contains("own: waiting\n") || stdout(&made).contains("own: running\n"), "{made:?}");
    let made = futo(
        scratch,
        &prefix,
        &["new", "later", "--template", "shell", "--scan-dir", scan.to_str().expect("text")],
    );
    assert!(stdout(&made).ends_with("  publish: futo sync\n"), "{made:?}");
    let synced = futo(scratch, &prefix, &["sync", "--scan-dir", scan.to_str().expect("text")]);
    assert!(stderr(&synced).contains("broken"), "{synced:?}");
    // another user cannot
    let made = futo(
        scratch,
        &AS_ABC,
        &["new", "none", "--template", "shell", "--scan-dir", scan.to_str().expect("text")],
    );
    assert_eq!(code(&made), 111, "{made:?}");
}
