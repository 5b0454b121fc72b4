//! `--explain`.

use std::fs;
use std::process::Command;

use crate::ended;
use crate::support::launching::{code, command, finish};
use crate::support::{AS_ABC, Probe, Scratch, needs, path_str, read, said, stdout, touching};

#[test]
fn explain_shows_all_problems_at_once_and_never_a_value() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain");
    let service = scratch.service("exec-explain");
    scratch.write("exec-explain/config.env", "GOOD=hunter2\nBAD=$(hunter2)\n", 0o644);
    scratch.write("exec-explain/notification-fd", "x", 0o644);
    let options = [
        "--nice",
        "99",
        "--chdir",
        "/nosuch",
        "--keep-fd",
        "77",
        "--env",
        "TOKEN=hunter2",
        "--xyzzy",
        "--",
        "nosuchprogram",
        "an argument",
    ];
    let problems = [
        "unknown option '--xyzzy'",
        "--nice: invalid value '99': is not a whole number from -20 to 19",
        "notification-fd: not a descriptor number of 3 or more",
        "--keep-fd: descriptor 77 is not open",
        "config.env:2: command substitution is not supported",
        "unable to change to directory '/nosuch': no such file or directory",
        "unable to execute 'nosuchprogram': not found in PATH",
    ];
    let run = |more: &[&str]| {
        let words: Vec<&str> = more.iter().chain(&options).copied().collect();
        let output = finish(scratch.launch(&service, &words).env("INHERITED", "hunter2"));
        assert_eq!((code(&output), said(&output).as_str()), (100, ""), "{more:?}");
        stdout(&output)
    };
    let page = run(&["--explain"]);
    for problem in problems {
        assert!(page.contains(problem), "{problem}: {page}");
    }
    assert!(
        page.contains("'an argument'") && page.contains("INHERITED") && page.contains("(inherited)"),
        "{page}"
    );
    assert!(!page.contains("hunter2"), "{page}");
    let page = run(&["--explain=json"]);
    assert!(!page.contains("hunter2"), "{page}");
    let json: serde_json::Value = serde_json::from_str(&page).expect("JSON");
    let texts: Vec<&str> = json["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|each| each["text"].as_str())
        .collect();
    assert_eq!(texts.len(), problems.len(), "{texts:?}");
    for problem in problems {
        assert!(texts.iter().any(|each| each.starts_with(problem)), "{problem}: {texts:?}");
    }
    let token = |json: &serde_json::Value| {
        let list = json["environment"].as_array().expect("a list").clone();
        list.into_iter().find(|each| each["name"] == "TOKEN").expect("TOKEN")
    };
    assert_eq!(token(&json), serde_json::json!({"name": "TOKEN", "source": "--env"}));
    let json: serde_json::Value =
        serde_json::from_str(&run(&["--explain=json", "--show-values"])).expect("JSON");
    assert_eq!(token(&json)["value"], "hunter2");
    assert!(run(&["--explain", "--show-values"]).contains("TOKEN=hunter2  (--env)"));
}

#[test]
fn explain_says_nothing_of_a_timing_that_it_could_not_read() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain-timing");
    let service = scratch.service("exec-timing");
    let file = "#!/usr/local/bin/futo-launch --file\nexec = ['true']\ninterval = '5x'\n";
    scratch.write("exec-timing/bad.toml", file, 0o644);
    for words in [
        &["--interval", "5x", "--", "true"][..],
        &["--schedule", "0 0 12 * * *", "--", "true"],
        &["--interval", "5", "--every", "6", "--", "true"],
        &["--file", "bad.toml"],
    ] {
        let said = |form: &str| stdout(&finish(scratch.launch(&service, &[form]).args(words)));
        let page = said("--explain");
        assert!(page.contains("unknown; see problems\n"), "{words:?}: {page}");
        assert!(!page.contains("replaces the launcher"), "{words:?}: {page}");
        let json: serde_json::Value = serde_json::from_str(&said("--explain=json")).expect("JSON");
        assert_eq!((json["mode"].as_str(), json["timing"].is_null()), (Some("loop"), true), "{words:?}");
    }
    scratch.write("exec-timing/run", "#!/bin/sh\nexec futo-launch --interval 5x -- true\n", 0o755);
    let page = stdout(&finish(std::process::Command::new(scratch.futo()).arg("explain").arg(&service)));
    assert!(page.contains("unknown; see problems\n"), "futo explain: {page}");
    let page = stdout(&finish(scratch.launch(&service, &["--explain"]).args(["--nice", "99", "--", "true"])));
    assert!(page.contains("none: the worker replaces the launcher"), "{page}");
}

#[test]
fn explain_takes_nobody_for_a_user_that_there_is_not() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain-nobody");
    let service = scratch.service("exec-nobody");
    // root does not read what was meant for another
    scratch.write("exec-nobody/config.env", "FROM=file\nBAD=$x\n", 0o644);
    for (prefix, user) in [([].as_slice(), "nosuch"), (&[], "12345"), (&AS_ABC, "nosuch"), (&AS_ABC, "root")]
    {
        let launcher = scratch.launcher();
        let run = |form: &str| {
            let mut words: Vec<&str> = prefix.to_vec();
            words.extend([path_str(&launcher), form, "--user", user, "--", "true"]);
            let output = finish(&mut command(&words, &service));
            assert_eq!(code(&output), 100, "{user}");
            stdout(&output)
        };
        let page = run("--explain");
        assert!(page.contains("\nuser         none\n             see problems\n"), "{user}: {page}");
        assert_eq!(page.contains("config.env:2"), !prefix.is_empty(), "{user}: {page}");
        let json: serde_json::Value = serde_json::from_str(&run("--explain=json")).expect("JSON");
        assert_eq!(json["user"], serde_json::Value::Null, "{user}");
    }
}

#[test]
fn explain_shows_the_plan_that_is_carried_out() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("plan");
    let service = scratch.service("exec-plan");
    let probe = scratch.probe();
    let options = ["--user", "abc:futoa", "--umask", "027", "--nice", "3", "--ulimit", "nofile=99:100", "--"];
    let words: Vec<&str> =
        ["--explain=json"].iter().chain(&options).copied().chain([path_str(&probe)]).collect();
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&finish(&mut scratch.launch(&service, &words)))).expect("JSON");
    let output = finish(scratch.launch(&service, &options).arg(&probe));
    assert_eq!(ended(&output), (0, String::new()));
    let found = Probe::parse(&read(json["log"]["path"].as_str().expect("a log")));
    assert_eq!(
        json["user"],
        serde_json::json!({
            "name": "abc", "uid": 911, "gid": 9101, "groups": [9101, 9102], "change": "become"
        })
    );
    assert_eq!(
        found.identity().lines().take(3).collect::<Vec<_>>(),
        ["uids=911 911 911 911", "gids=9101 9101 9101 9101", "groups=9101 9102"]
    );
    assert_eq!((json["umask"].as_str(), found.get("umask")), (Some("0027"), "0027"));
    assert_eq!((json["nice"].as_i64(), found.get("nice")), (Some(3), "3"));
    assert_eq!(json["home"].as_str(), found.env("HOME"));
    assert_eq!(json["directory"].as_str(), Some(found.get("cwd")));
    assert_eq!(json["found"].as_str(), Some(path_str(&probe)));
    let names: Vec<&str> = json["environment"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|each| each["name"].as_str())
        .collect();
    assert_eq!(names, found.variables());
}

#[test]
fn explain_needs_no_privilege_and_touches_nothing() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain-traced");
    let service = scratch.service_of_abc("exec-untouched");
    scratch.write("exec-untouched/config.env", "A=1\n", 0o644);
    fs::create_dir(service.join("supervise")).expect("as under s6");
    let home = scratch.directory_of_abc("home");
    let traces = scratch.directory_of_abc("traces");
    let launcher = scratch.launcher();
    for (number, prefix) in [[].as_slice(), &AS_ABC].into_iter().enumerate() {
        for (variant, options) in
            [["--once"].as_slice(), &["--interval", "60"], &[], &["--user", "nosuch"]].iter().enumerate()
        {
            let trace = traces.join(format!("{number}-{variant}"));
            let mut words: Vec<&str> = prefix.to_vec();
            words.extend([
                "strace",
                "-f",
                "-o",
                path_str(&trace),
                path_str(&launcher),
                "--explain",
                "--home",
                path_str(&home),
            ]);
            words.extend(*options);
            words.extend(["--log-size", "4096", "true"]);
            let output = finish(&mut command(&words, &service));
            let expected = if options.contains(&"nosuch") { 100 } else { 0 };
            assert_eq!(code(&output), expected, "{words:?}: {}", stdout(&output));
            let trace = read(&trace);
            assert!(trace.contains("/etc/passwd"), "{trace}");
            assert_eq!(touching(&trace), Vec::<&str>::new(), "{words:?}");
        }
    }
    assert_eq!(fs::read_dir(&home).expect("home").count(), 0);
    // what such a trace looks like
    let trace = traces.join("real");
    let mut real = Command::new("strace");
    real.args(["-f", "-o", path_str(&trace), path_str(&launcher), "--home", path_str(&home), "true"])
        .current_dir(&service);
    finish(&mut real);
    assert_ne!(touching(&read(&trace)).len(), 0);
}
