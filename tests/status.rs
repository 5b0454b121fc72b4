//! `futo status` and `futo health` on real services, and on files that somebody has planted.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use support::launching::{code, finish};
use support::{ABC, AS_ABC, Scratch, Svscan, eventually, needs, own_by_abc, set_mode, state, stderr, stdout};

fn futo(svscan: &Svscan, words: &[&str]) -> Output {
    finish(&mut svscan.futo(&[], words))
}

fn services(svscan: &Svscan) -> serde_json::Value {
    let output = futo(svscan, &["status", "--json", "--all"]);
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
    serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")["services"].clone()
}

/// A service as status has it.
fn service(svscan: &Svscan, name: &str) -> serde_json::Value {
    let all = services(svscan);
    all.as_array().expect("a list").iter().find(|each| each["name"] == name).cloned().unwrap_or_default()
}

fn becomes(svscan: &Svscan, name: &str, state: &str) -> serde_json::Value {
    eventually(&format!("{name} is {state}; {}", service(svscan, name)), || {
        let service = service(svscan, name);
        (service["state"] == state).then_some(service)
    })
}

#[test]
fn each_state_of_a_service_is_shown_with_its_reason() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("status");
    svscan.scratch.write("definitions/st-draft/run", "#!/bin/sh\nexec futo-launch -- true\n", 0o755);
    svscan.add_launch("st-good", "--interval 60 -- echo hello", &[]);
    svscan.add_launch("st-bad", "--interval 60 -- sh -c 'echo kaputt; exit 3'", &[]);
    svscan.add_launch("st-busy", "--interval 60 -- sleep 1000", &[]);
    svscan.add_launch("st-up", "-- sleep 1000", &[]);
    svscan.add_launch("st-rest", "-- /nonexistent", &[]);
    svscan.add_launch("st-once", "--once -- true", &[]);
    svscan.add_launch("st-slow", "-- sleep 1000", &[("notification-fd", "3\n")]);
    svscan.add_launch("st-down", "-- sleep 1000", &[("down", "")]);
    svscan.add("st-crash", &[("run", "#!/bin/sh\nexit 7\n")]);
    let gave_up = [("run", "#!/bin/sh\nexit 4\n"), ("finish", "#!/bin/sh\nexit 125\n")];
    svscan.add("st-gone", &gave_up);

    assert_eq!(becomes(&svscan, "st-draft", "unpublished")["published"], serde_json::Value::Null);
    let good = becomes(&svscan, "st-good", "waiting");
    assert_eq!((&good["healthy"], &good["runs"]["last_status"]), (&true.into(), &0.into()));
    assert_eq!(good["log"]["last_line"], "hello");
    let bad = becomes(&svscan, "st-bad", "failing");
    assert_eq!((&bad["healthy"], &bad["why"]), (&false.into(), &"1 run failed with status 3: kaputt".into()));
    becomes(&svscan, "st-busy", "running");
    becomes(&svscan, "st-up", "up");
    let rest = becomes(&svscan, "st-rest", "resting");
    assert_eq!(rest["why"], "unable to execute '/nonexistent': not found");
    assert_eq!(becomes(&svscan, "st-once", "done")["healthy"], true);
    becomes(&svscan, "st-slow", "starting");
    assert_eq!(becomes(&svscan, "st-down", "down")["healthy"], true);
    let crash = becomes(&svscan, "st-crash", "crashing");
    assert!(crash["why"].as_str().is_some_and(|why| why.ends_with(" (last: exit status 7)")), "{crash}");
    assert_eq!(becomes(&svscan, "st-gone", "gave-up")["why"], "ended with exit status 4");

    let health = futo(&svscan, &["health", "--all"]);
    let lines: Vec<String> =
        stdout(&health).lines().map(|line| line.split(": died").next().expect("one").into()).collect();
    let expected = [
        "st-bad: failing: 1 run failed with status 3: kaputt",
        "st-crash: crashing",
        "st-draft: unpublished: it is defined, but not published",
        "st-gone: gave-up: ended with exit status 4",
        "st-rest: resting: unable to execute '/nonexistent': not found",
    ];
    assert_eq!((code(&health), lines), (1, expected.map(String::from).to_vec()));
    let health = futo(&svscan, &["health", "st-good", "st-up", "st-once"]);
    assert_eq!((code(&health), stdout(&health).as_str()), (0, "3 healthy\n"));
    let health = futo(&svscan, &["health", "st-draft"]);
    assert_eq!(
        (code(&health), stdout(&health).as_str()),
        (1, "st-draft: unpublished: it is defined, but not published\n")
    );
    eventually("the last run is older than a second", || {
        let health = futo(&svscan, &["health", "st-good", "--max-age", "1"]);
        (code(&health) == 1 && stdout(&health).starts_with("st-good: waiting: the last run was "))
            .then_some(())
    });
    assert_eq!(code(&futo(&svscan, &["health", "st-good", "--max-age", "1h"])), 0);
    let unknown = futo(&svscan, &["status", "st-nothing"]);
    assert_eq!(code(&unknown), 100);
    assert!(stderr(&unknown).starts_with("futo: fatal: unable to find service 'st-nothing' in "));
}

/// A loop that fails and runs again is failing all the time: its last run does not vanish while the next one runs.
#[test]
fn the_last_run_is_shown_with_its_reason_while_the_next_one_runs() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("last-run");
    let again = "if [ -e $0.ran ]; then exec sleep 1000; fi; : > $0.ran; echo oops;";
    let worker = |name: &str, last: &str| {
        let place = svscan.scratch.join(name);
        format!("--interval 0.1 -- sh -c '{again} {last}' {}", place.display())
    };
    let absent = format!("--interval 60 -- {}", svscan.scratch.join("absent").display());
    let missing =
        format!("1 run failed: unable to execute '{}': not found", svscan.scratch.join("absent").display());
    set_mode(&svscan.scratch.path, 0o777);
    // name, words, how, WHY, CODE
    let cases = [
        ("lr-exit", worker("lr-exit", "exit 3"), "exited", "1 run failed with status 3: oops", "3"),
        (
            "lr-kill",
            worker("lr-kill", "kill -USR1 $$"),
            "killed",
            "1 run failed: killed by SIGUSR1: oops",
            "138",
        ),
        ("lr-none", absent, "not-started", missing.as_str(), "127"),
    ];
    for (name, words, ..) in &cases {
        svscan.add_launch(name, words, &[]);
    }
    for (name, _, how, why, status) in &cases {
        let runs = if *name == "lr-none" { 1 } else { 2 };
        let look = || {
            let page = stdout(&futo(&svscan, &["status", "--json", name]));
            let page: serde_json::Value = serde_json::from_str(&page).expect("JSON");
            page["services"][0].clone()
        };
        let service = eventually("a run is under way", || {
            let service = look();
            (service["runs"]["total"] == runs).then_some(service)
        });
        assert_eq!((&service["why"], &service["state"]), (&(*why).into(), &"failing".into()), "{service}");
        assert_eq!(service["runs"]["ended_run"]["how"], *how, "{service}");
        assert_eq!(service["runs"]["last_end"].is_null(), runs == 2, "{service}");
        let table = stdout(&futo(&svscan, &["status", name]));
        let row: Vec<&str> = table.lines().nth(1).expect("a row").split_whitespace().collect();
        assert!(row[4] != "-" && row[5] == *status && row[6] == "1", "{table}");
    }
    // what --timeout ends
    svscan.add_launch("lr-late", "--interval 60 --timeout 0.2 -- sh -c 'echo slow; exec sleep 1000'", &[]);
    let why = becomes(&svscan, "lr-late", "failing")["why"].as_str().expect("why").to_string();
    assert!(why.starts_with("1 run failed: timed out after 0.") && why.ends_with(" s: slow"), "{why}");
    let done = becomes(&svscan, "lr-late", "failing")["runs"]["ended_run"]["how"].clone();
    assert_eq!(done, "timed-out");
    svscan.add_launch("lr-once", "--once -- true", &[]);
    assert_eq!(becomes(&svscan, "lr-once", "done")["why"], "the run succeeded");
}

#[test]
fn the_json_has_the_form_of_the_schema() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("schema");
    svscan.add_launch("sc-good", "--interval 60 -- true", &[]);
    svscan.add_launch("sc-rest", "-- /nonexistent", &[]);
    svscan.add("sc-foreign", &[("run", "#!/bin/sh\nexec sleep 1000\n")]);
    becomes(&svscan, "sc-good", "waiting");
    becomes(&svscan, "sc-rest", "resting");
    for (words, schema) in
        [(["status", "--json"], "docs/status.schema.json"), (["check", "--json"], "docs/check.schema.json")]
    {
        let output = futo(&svscan, &words);
        support::schema::holds(schema, &output.stdout);
    }
}

#[test]
fn promtool_takes_the_metrics() {
    needs!(root, "s6-svscan", "promtool");
    let svscan = Svscan::start("metrics");
    svscan.add_launch("pm-good", "--interval 60 -- true", &[]);
    becomes(&svscan, "pm-good", "waiting");
    let page = futo(&svscan, &["status", "--prometheus"]);
    let file = svscan.scratch.write("metrics", &stdout(&page), 0o644);
    let input = fs::File::open(file).expect("the metrics");
    let judged = Command::new("promtool").args(["check", "metrics"]).stdin(input).output().expect("promtool");
    assert_eq!((code(&judged), stdout(&judged), stderr(&judged)), (0, String::new(), String::new()));
}

#[test]
fn a_planted_record_log_or_tally_is_reported_and_not_followed() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("planted");
    let secret = svscan.scratch.write("secret", "{\"resting\":null,\"name\":\"SECRET\"}\nSECRET\n", 0o600);
    let home = svscan.scratch.directory_of_abc("home");
    let plant = |name: &str, make: &dyn Fn(&Path, &Path)| {
        let directory = home.join(name);
        fs::create_dir(&directory).expect("a directory");
        own_by_abc(&directory);
        make(&directory.join(format!("pl-{name}.json")), &directory.join(format!("pl-{name}.log")));
        let words = format!("--state-dir {} -- sleep 1000", directory.display());
        // a definition only: the launcher itself would repair some of it
        let run = format!("#!/bin/sh\nexec {} {words}\n", svscan.scratch.launcher().display());
        svscan.scratch.write(format!("definitions/pl-{name}/run"), &run, 0o755);
    };
    let fifo = |path: &Path| {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("a FIFO");
    };
    let put = |path: &Path, text: &[u8]| {
        fs::write(path, text).expect("written");
        own_by_abc(path);
    };
    plant("link", &|record, log| {
        std::os::unix::fs::symlink(&secret, record).expect("a link");
        std::os::unix::fs::symlink(&secret, log).expect("a link");
    });
    plant("fifo", &|record, log| {
        fifo(record);
        fifo(log);
    });
    plant("huge", &|record, log| {
        put(record, &vec![b' '; 70_000]);
        put(log, "x".repeat(3 << 20).as_bytes());
    });
    plant("corrupt", &|record, log| {
        put(record, b"{\"runs\":-1}");
        put(log, b"\xff\xfe\x1b[2J\n");
    });
    plant("cut", &|record, _| put(record, b"{\"runs\":"));
    plant("foreign", &|record, _| {
        put(record, b"{}");
        std::os::unix::fs::lchown(record, Some(ABC + 1), Some(ABC)).expect("chown");
    });
    plant("directory", &|record, log| {
        fs::create_dir(record).expect("a directory");
        fs::create_dir(log).expect("a directory");
    });
    let start = Instant::now();
    let mut said = Vec::new();
    for service in services(&svscan).as_array().expect("a list") {
        for trouble in service["troubles"].as_array().expect("a list") {
            let trouble = trouble.as_str().expect("a text").replace(&format!("{}/", home.display()), "");
            said.push(format!("{}: {trouble}", service["name"].as_str().expect("a name")));
        }
        assert!(!service.to_string().contains("SECRET"), "{service}");
    }
    assert!(start.elapsed().as_secs() < 5, "it waited");
    let mut expected = Vec::new();
    for (name, why) in [
        ("corrupt", "it is not a run record: line 1, column 10"),
        ("cut", "it is not a run record: line 1, column 8"),
        ("directory", "it is a directory, not a regular file"),
        ("fifo", "it is a FIFO, not a regular file"),
        ("foreign", "it is owned by uid 912, not by the service's user"),
        ("huge", "it is longer than 65536 bytes"),
        ("link", "it is a symbolic link"),
    ] {
        expected.push(format!("pl-{name}: unable to read run record '{name}/pl-{name}.json': {why}"));
        if matches!(name, "directory" | "fifo" | "link") {
            expected.push(format!("pl-{name}: unable to read log '{name}/pl-{name}.log': {why}"));
        }
    }
    assert_eq!(said, expected);
    // the terminal is not driven by a log
    assert!(!stdout(&futo(&svscan, &["status"])).contains('\u{1b}'));
}

#[test]
fn what_no_supervisor_has_written_is_reported() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("not-so");
    let plant = |name: &str, file: &str, make: &dyn Fn(&Path)| {
        svscan.add(name, &[("run", "#!/bin/sh\nexec sleep 1000\n")]);
        becomes(&svscan, name, "up");
        let path = svscan.directory(name).join("supervise").join(file);
        let _ = fs::remove_file(&path);
        make(&path);
    };
    let fifo = |path: &Path| {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("a FIFO");
    };
    plant("ns-short", "status", &|path| fs::write(path, b"x").expect("written"));
    plant("ns-long", "status", &|path| fs::write(path, [0; 100]).expect("written"));
    plant("ns-fifo", "status", &fifo);
    plant("ns-link", "status", &|path| std::os::unix::fs::symlink("/etc/passwd", path).expect("a link"));
    plant("ns-tally", "death_tally", &|path| fs::write(path, b"x").expect("written"));
    plant("ns-tallies", "death_tally", &|path| fs::write(path, vec![0; 60_000]).expect("written"));
    let why = |name: &str| match service(&svscan, name)["why"].as_str() {
        Some(why) => why.to_string(),
        None => service(&svscan, name)["troubles"][0].as_str().expect("a trouble").to_string(),
    };
    assert_eq!(
        why("ns-short"),
        "unable to read 'supervise/status': it is 1 bytes long, expected 35 or 43 (s6), 20 (runit) or 18 (daemontools)"
    );
    assert_eq!(why("ns-long"), "unable to read 'supervise/status': it is longer than 43 bytes");
    assert_eq!(why("ns-fifo"), "unable to read 'supervise/status': it is a FIFO, not a regular file");
    assert_eq!(why("ns-link"), "unable to read 'supervise/status': it is a symbolic link");
    assert_eq!(
        why("ns-tally"),
        "unable to read 'supervise/death_tally': it is 1 bytes long, not a multiple of 14"
    );
    assert_eq!(why("ns-tallies"), "unable to read 'supervise/death_tally': it is longer than 57344 bytes");
    assert_eq!(code(&futo(&svscan, &["health", "--all"])), 1);
}

#[test]
fn as_abc_the_record_is_shown_and_what_is_owned_by_root_is_named() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("as-abc");
    svscan.add_launch("aa-good", "--interval 60 -- true", &[]);
    becomes(&svscan, "aa-good", "waiting");
    let root = svscan.futo(&[], &["status", "--json"]);
    let mut words = AS_ABC.map(std::ffi::OsStr::new).to_vec();
    words.push(root.get_program());
    words.extend(root.get_args());
    let mut as_abc = Command::new(words[0]);
    let output = finish(as_abc.args(&words[1..]));
    let page: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let service = &page["services"][0];
    assert_eq!(service["state"], "unknown");
    assert_eq!(service["why"], "unable to read 'supervise/status': permission denied");
    assert_eq!(service["runs"]["last_status"], 0);
}

#[test]
fn a_link_of_abcs_in_the_scan_directory_is_not_followed_by_root() {
    needs!(root, "s6-svscan");
    let scratch = Scratch::of_root("planted-scan");
    let home = scratch.directory_of_abc("home");
    let target = scratch.write("secret/run", "#!/bin/sh\nexec futo-launch -- SECRET\n", 0o700);
    std::os::unix::fs::symlink(target.parent().expect("its directory"), home.join("ln")).expect("a link");
    std::os::unix::fs::lchown(home.join("ln"), Some(ABC), Some(ABC)).expect("chown");
    let mut command = Command::new(env!("CARGO_BIN_EXE_futo"));
    let output =
        finish(command.args(["status", "--json", "--scan-dir"]).arg(&home).args(["--from", "/nonexistent"]));
    let page: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(page["services"][0]["why"], format!("'{}' is a symbolic link", home.join("ln").display()));
    assert!(!page.to_string().contains("SECRET"), "{page}");
    assert!(!state("ln.log").exists());
}

#[test]
fn where_nothing_is_published_health_is_not_well() {
    let scratch = Scratch::new("nothing");
    let mut command = Command::new(env!("CARGO_BIN_EXE_futo"));
    let missing = scratch.join("missing");
    let output = finish(command.args(["health", "--from"]).arg(&missing).arg("--scan-dir").arg(&missing));
    let said = format!("no services: none is defined, and none is published in '{}'\n", missing.display());
    assert_eq!((code(&output), stdout(&output)), (1, said));
}

#[test]
fn watch_shows_it_again_and_ends_when_nobody_looks() {
    use std::io::{BufRead, BufReader};
    let scratch = Scratch::new("watch");
    scratch.write("definitions/wa-x/run", "#!/bin/sh\nexec futo-launch -- true\n", 0o755);
    let mut command = Command::new(env!("CARGO_BIN_EXE_futo"));
    command.args(["status", "--watch", "--from"]).arg(scratch.join("definitions"));
    command.arg("--scan-dir").arg(scratch.join("scan")).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let page = |line: String| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let mut next = || page(lines.next().expect("a line").expect("text"));
    let shown: Vec<String> = (0..4).map(|_| next()).collect();
    assert_eq!(shown, ["SERVICE STATE", "wa-x unpublished", "SERVICE STATE", "wa-x unpublished"]);
    drop(lines);
    eventually("it has left", || child.try_wait().expect("waited"));
}
