//! `futo start` and its kin, `logs`, `try`, `enable`, `disable`: what they say and what is then so.

mod support;

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::SystemTime;

use support::launching::{code, finish};
use support::{
    ABC, AS_ABC, Svscan, eventually, eventually_contains, needs, own_by_abc, printed, set_mode, state,
    stdout, without_pids,
};

/// Exit code and what was said, with PID for each process number.
fn futo(svscan: &Svscan, words: &[&str]) -> (i32, String) {
    outcome(&finish(&mut svscan.futo(&[], words)))
}

fn outcome(output: &Output) -> (i32, String) {
    (code(output), without_pids(&printed(output)))
}

fn so(line: &str) -> (i32, String) {
    (0, format!("{line}\n"))
}

fn not_so(line: &str) -> (i32, String) {
    (1, format!("{line}\n"))
}

#[test]
fn each_order_waits_for_its_effect_and_reports_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("control");
    svscan.add_launch("co-up", "-- sleep 1000", &[]);
    let pid = svscan.pid("co-up");
    assert_eq!(futo(&svscan, &["start", "co-up"]), so("co-up: is already up (pid PID)"));
    assert_eq!(futo(&svscan, &["restart", "co-up"]), so("co-up: restarted (pid PID)"));
    assert_ne!(svscan.pid("co-up"), pid);
    assert_eq!(futo(&svscan, &["stop", "co-up"]), so("co-up: stopped (killed by signal 15)"));
    assert_eq!(svscan.svstat("up,wantedup", "co-up"), ["false", "false"]);
    assert_eq!(futo(&svscan, &["stop", "co-up"]), so("co-up: is already down"));
    assert_eq!(futo(&svscan, &["reload", "co-up"]), not_so("co-up: is down: there is nothing to reload"));
    assert_eq!(futo(&svscan, &["run-now", "co-up"]), not_so("co-up: is down: start it first"));
    // what s6-svc -r passes over silently
    assert_eq!(futo(&svscan, &["restart", "co-up"]), so("co-up: was down: started (pid PID)"));
    let refused = "co-up: is not a loop: ALRM would end its worker, and was not sent";
    assert_eq!(futo(&svscan, &["run-now", "co-up"]), not_so(refused));
    assert_eq!(svscan.svstat("up", "co-up"), ["true"]);
    let ended = "co-up: HUP sent to pid PID, which ended it";
    assert_eq!(futo(&svscan, &["reload", "co-up"]), not_so(ended));

    svscan.add("co-crash", &[("run", "#!/bin/sh\nexit 7\n"), ("down", "")]);
    eventually("it is supervised", || (svscan.svstat("up", "co-crash") == ["false"]).then_some(()));
    let (exit, said) = futo(&svscan, &["start", "co-crash"]);
    assert!(exit == 1 && said.ends_with(", but ended at once: exit status 7\n"), "{exit} {said}");

    svscan.add("co-stubborn", &[("run", "#!/bin/sh\ntrap '' TERM\nexec sleep 1000\n")]);
    let stubborn = svscan.pid("co-stubborn");
    eventually("it ignores TERM", || {
        support::read(format!("/proc/{stubborn}/comm")).starts_with("sleep").then_some(())
    });
    let stays = "co-stubborn: was asked to stop, but pid PID is still running";
    assert_eq!(futo(&svscan, &["stop", "co-stubborn", "--timeout", "0.2"]), not_so(stays));
    svscan.svc(&["-k"], "co-stubborn");

    let slow = "#!/bin/sh\nexec 2>&1\nread line < go\necho >&3\nexec sleep 1000\n";
    let directory = svscan.add("co-ready", &[("run", slow), ("notification-fd", "3\n"), ("down", "")]);
    nix::unistd::mkfifo(&directory.join("go"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    eventually("it is supervised", || (svscan.svstat("up", "co-ready") == ["false"]).then_some(()));
    let late = "co-ready: started (pid PID), but has not reported readiness";
    assert_eq!(futo(&svscan, &["start", "co-ready", "--timeout", "0.5"]), not_so(late));
    fs::write(directory.join("go"), "\n").expect("written");
    eventually("it is ready", || (svscan.svstat("ready", "co-ready") == ["true"]).then_some(()));
}

#[test]
fn run_now_reports_the_run_that_it_caused() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("run-now");
    svscan.add_launch("rn-loop", "--interval 1h -- sh -c 'echo run; exit 3'", &[]);
    svscan.add_launch("rn-busy", "--interval 1h -- sleep 1000", &[]);
    svscan.add_launch("rn-rest", "-- /nonexistent", &[]);
    for name in ["rn-loop", "rn-rest"] {
        eventually_contains(
            &state(&format!("{name}.json")),
            if name == "rn-loop" { "\"last_status\":3" } else { "resting" },
        );
    }
    let (exit, said) = futo(&svscan, &["run-now", "rn-loop"]);
    assert!(
        exit == 0
            && ["rn-loop: run 2 ended with status 3\n", "rn-loop: run 2 has started\n"]
                .contains(&said.as_str()),
        "{said}"
    );
    eventually_contains(&state("rn-busy.json"), "\"last_end\":null");
    assert_eq!(
        futo(&svscan, &["run-now", "rn-busy"]),
        so("rn-busy: a run is in progress; another one follows immediately")
    );
    let rests = "rn-rest: is still resting: unable to execute '/nonexistent': not found";
    assert_eq!(futo(&svscan, &["run-now", "rn-rest", "--timeout", "1"]), not_so(rests));
    assert_eq!(futo(&svscan, &["reload", "rn-loop"]), so("rn-loop: HUP sent to pid PID"));
}

/// What the launcher rests for is no success of the order that started it.
#[test]
fn start_and_restart_report_a_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("control-rest");
    /// Name, words, config.env, what the launcher rests for.
    type Case<'a> = (&'a str, &'a str, &'a str, &'a str);
    let cases: [Case<'_>; 4] = [
        ("cr-loop", "--interval 1h -- true", "A=b c\n", "config.env:1"),
        ("cr-exec", "-- sleep 1000", "A=b c\n", "config.env:1"),
        ("cr-missing", "-- /nonexistent", "", "unable to execute '/nonexistent': not found"),
        ("cr-option", "--interval never -- true", "", "--interval"),
    ];
    for (name, words, content, reason) in cases {
        svscan.add_launch(name, words, &[("config.env", content)]);
        svscan.pid(name);
        let orders =
            [("restart", "restarted"), ("start", "is already up"), ("stop", ""), ("start", "started")];
        for (order, verb) in orders {
            let (exit, said) = futo(&svscan, &[order, name]);
            if order == "stop" {
                assert_eq!(exit, 0, "{said}");
                continue;
            }
            let start = format!("{name}: {verb} (pid PID), resting: ");
            assert!(exit == 1 && said.starts_with(&start) && said.contains(reason), "{exit} {said}");
        }
    }
    // what is done, and what a gate keeps closed, is as it should be
    svscan.add_launch("cr-done", "--once -- true", &[]);
    eventually_contains(&state("cr-done.json"), "\"done\"");
    assert_eq!(futo(&svscan, &["restart", "cr-done"]), so("cr-done: restarted (pid PID)"));
    svscan.add_launch("cr-gated", "--if-env ENABLED -- sleep 1000", &[]);
    eventually_contains(&state("cr-gated.json"), "\"gate\"");
    assert_eq!(futo(&svscan, &["restart", "cr-gated"]), so("cr-gated: restarted (pid PID)"));
}

#[test]
fn run_now_names_the_lock_that_the_run_waits_for() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("control-lock");
    let path = svscan.scratch.write("lock", "", 0o666);
    let held = fs::File::open(&path).expect("opened");
    held.lock().expect("held");
    let words = format!("--interval 1h --lock {} -- true", path.display());
    svscan.add_launch("cl-loop", &words, &[]);
    eventually_contains(&state("cl-loop.json"), "\"waiting_for_lock\":{");
    let waits = format!("cl-loop: ALRM was sent, but the run is waiting for the lock '{}'", path.display());
    assert_eq!(futo(&svscan, &["run-now", "cl-loop", "--timeout", "1"]), not_so(&waits));
}

#[test]
fn abc_may_do_what_has_been_delegated_and_is_refused_the_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("delegated");
    let directory = svscan.add_launch("de-up", "-- sleep 1000", &[]);
    svscan.pid("de-up");
    let refused = "futo: fatal: unable to stop 'de-up': permission denied\n\
        futo: hint: run this as root, or as a member of the group that owns supervise/control\n";
    let as_abc = |words: &[&str]| outcome(&finish(&mut svscan.futo(&AS_ABC, words)));
    assert_eq!(as_abc(&["stop", "de-up"]), (111, refused.to_string()));
    assert_eq!(svscan.svstat("up", "de-up"), ["true"]);
    for (file, mode) in [("supervise", 0o710), ("supervise/control", 0o620)] {
        let path = directory.join(file);
        std::os::unix::fs::chown(&path, Some(0), Some(ABC)).expect("chown");
        set_mode(&path, mode);
    }
    assert_eq!(as_abc(&["stop", "de-up"]), so("de-up: stopped (killed by signal 15)"));
    assert_eq!(as_abc(&["start", "de-up"]), so("de-up: started (pid PID)"));
}

#[test]
fn an_unsupervised_service_is_reported_and_a_planted_control_is_not_written() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("unsupervised");
    let run = "#!/bin/sh\nexec futo-launch -- true\n";
    svscan.scratch.write("definitions/us-draft/run", run, 0o755);
    let (exit, said) = futo(&svscan, &["start", "us-draft"]);
    assert_eq!(exit, 111);
    assert!(
        said.starts_with("futo: fatal: unable to start 'us-draft': it is not published\nfuto: hint: "),
        "{said}"
    );
    let bare = svscan.scratch.write("bare/us-bare/run", run, 0o755);
    let bare = bare.parent().expect("its directory").to_path_buf();
    let given = bare.to_str().expect("a path");
    fs::create_dir(bare.join("supervise")).expect("a directory");
    let refuses = |why: &str| {
        let (exit, said) = futo(&svscan, &["start", given]);
        assert!(
            exit == 111 && said.starts_with(&format!("futo: fatal: unable to start 'us-bare': {why}\n")),
            "{said}"
        );
    };
    refuses("no supervisor is running");
    let control = bare.join("supervise/control");
    nix::unistd::mkfifo(&control, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    refuses("no supervisor is running");
    fs::remove_file(&control).expect("removed");
    let victim = svscan.scratch.write("victim", "kept\n", 0o644);
    std::os::unix::fs::symlink(&victim, &control).expect("a link");
    refuses("'supervise/control' is not a FIFO");
    fs::remove_file(&control).expect("removed");
    fs::hard_link(&victim, &control).expect("a link");
    refuses("'supervise/control' is not a FIFO");
    assert_eq!(support::read(&victim), "kept\n");
}

#[test]
fn logs_shows_the_end_and_follows_across_rotation() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("logs");
    let log = svscan.scratch.join("state/lo-x.log");
    let words = format!("--state-dir {} -- true", svscan.scratch.join("state").display());
    let run = format!("#!/bin/sh\nexec futo-launch {words}\n");
    svscan.scratch.write("definitions/lo-x/run", &run, 0o755);
    let (exit, said) = futo(&svscan, &["logs", "lo-x"]);
    assert_eq!(
        (exit, said.lines().next()),
        (
            111,
            Some(&*format!("futo: fatal: unable to read log '{}': no such file or directory", log.display()))
        )
    );
    svscan.scratch.write("state/lo-x.log", "one\ntwo\nthree", 0o644);
    assert_eq!(futo(&svscan, &["logs", "lo-x", "-n", "2"]), (0, "two\nthree".to_string()));
    assert_eq!(futo(&svscan, &["logs", "lo-x", "-n0"]), (0, String::new()));
    assert_eq!(futo(&svscan, &["logs", "lo-x"]), (0, "one\ntwo\nthree".to_string()));
    let shown = svscan.scratch.join("shown");
    let mut follower = svscan.futo(&[], &["logs", "-f", "-n", "1", "lo-x"]);
    let mut follower = follower.stdout(fs::File::create(&shown).expect("a file")).spawn().expect("it starts");
    eventually_contains(&shown, "three");
    fs::write(&log, "one\ntwo\nthree\nfour\n").expect("written");
    eventually_contains(&shown, "four\n");
    fs::rename(&log, log.with_extension("log.1")).expect("rotated");
    fs::write(&log, "five\n").expect("written");
    assert_eq!(eventually_contains(&shown, "five\n"), "three\nfour\nfive\n");
    follower.kill().expect("killed");
    follower.wait().expect("waited");

    // who has gone is not written to for ever
    let mut follower = svscan.futo(&[], &["logs", "-f", "lo-x"]);
    let mut follower = follower.stdout(Stdio::piped()).spawn().expect("it starts");
    drop(follower.stdout.take());
    eventually("it has left", || follower.try_wait().expect("waited"));
}

#[test]
fn try_runs_once_as_the_service_would_and_leaves_as_the_worker_did() {
    needs!(root);
    let svscan = Svscan::start("try");
    let script = "echo \"$GREETING $(id -un) $HOME $(pwd) ${SHELL_ONLY-unset}\"; exit 5";
    let run = format!("#!/bin/sh\nexec futo-launch --interval 60 --timeout 5 -- sh -c '{script}'\n");
    let run = svscan.scratch.write("definitions/tr-x/run", &run, 0o755);
    let directory = run.parent().expect("its directory");
    svscan.scratch.write("definitions/tr-x/config.env", "GREETING=hello\n", 0o644);
    svscan.scratch.write("definitions/tr-x/notification-fd", "3\n", 0o644);
    let expected = (5, format!("hello abc /config {} unset\n", directory.display()));
    for prefix in [&[][..], &AS_ABC] {
        let mut command = svscan.futo(prefix, &["try", "tr-x"]);
        assert_eq!(
            outcome(&finish(command.env("SHELL_ONLY", "1").env("HOME", "/elsewhere"))),
            expected,
            "{prefix:?}"
        );
    }
    for file in ["tr-x.log", "tr-x.json"] {
        assert!(!state(file).exists(), "{file}");
    }
    svscan.scratch.write("definitions/tr-x/config.env", "A=b c\n", 0o644);
    let said = "futo: fatal: config.env:1: a second word, which bash would run as a command\n\
        futo: hint: put the value in quotes: A='…'\n";
    assert_eq!(futo(&svscan, &["try", "tr-x"]), (100, said.to_string()));
}

#[test]
fn disable_writes_down_with_the_owners_rights_and_enable_removes_it() {
    needs!(root);
    let svscan = Svscan::start("disable");
    let run = svscan.scratch.write("definitions/di-x/run", "#!/bin/sh\nexec futo-launch -- true\n", 0o755);
    let directory = run.parent().expect("its directory");
    own_by_abc(directory);
    let down = directory.join("down");
    assert_eq!(futo(&svscan, &["disable", "di-x"]), so("di-x: disabled"));
    let status = fs::metadata(&down).expect("down");
    assert_eq!((status.uid(), status.mode() & 0o7777), (ABC, 0o644));
    assert_eq!(futo(&svscan, &["disable", "di-x"]), so("di-x: already disabled"));
    assert_eq!(futo(&svscan, &["enable", "di-x"]), so("di-x: enabled; it is not published"));
    assert!(!down.exists());
    // a link of the user's is taken for what it is: down is there; nothing is written through it
    std::os::unix::fs::symlink("/etc/futo-planted", &down).expect("a link");
    assert_eq!(futo(&svscan, &["disable", "di-x"]), so("di-x: already disabled"));
    assert!(!std::path::Path::new("/etc/futo-planted").exists());
    assert_eq!(futo(&svscan, &["enable", "di-x"]), so("di-x: enabled; it is not published"));
    // root with the owner's rights can do no more than the owner
    set_mode(directory, 0o555);
    let said = format!("futo: fatal: unable to disable 'di-x': '{}': permission denied\n", down.display());
    assert_eq!(futo(&svscan, &["disable", "di-x"]), (111, said));
}

#[test]
fn status_marks_a_disabled_service_while_it_is_up() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("disabled");
    svscan.add_launch("di-up", "-- sleep 1000", &[]);
    svscan.scratch.write("definitions/di-up/run", "#!/bin/sh\nexec futo-launch -- sleep 1000\n", 0o755);
    assert_eq!(futo(&svscan, &["start", "di-up"]).0, 0);
    assert_eq!(futo(&svscan, &["disable", "di-up"]), so("di-up: disabled; it is still up: futo stop di-up"));
    let (exit, said) = futo(&svscan, &["status", "di-up"]);
    let mark = " disabled: will not be started at the next boot\n";
    assert!(exit == 0 && said.contains(" up ") && said.ends_with(mark), "{said}");
    assert_eq!(futo(&svscan, &["enable", "di-up"]), so("di-up: enabled"));
    assert!(!futo(&svscan, &["status", "di-up"]).1.contains("disabled"));
}

#[test]
fn a_service_is_explained_from_where_all_commands_find_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("explain");
    svscan.add_launch("ex-live", "--interval 1m -- sleep 1000", &[]);
    svscan.scratch.write("definitions/ex-draft/run", "#!/bin/sh\nexec futo-launch -- sleep 1000\n", 0o755);
    for name in ["ex-live", "ex-draft"] {
        let output = finish(&mut svscan.futo(&[], &["explain", "--json", name]));
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((code(&output), &plan["name"]), (0, &name.into()), "{plan}");
    }
    let place = svscan.scratch.path.display();
    let unknown =
        format!("futo: fatal: unable to find service 'ex-none' in {place}/definitions or {place}/scan\n");
    assert_eq!(futo(&svscan, &["explain", "ex-none"]), (100, unknown));
    let (exit, said) = futo(&svscan, &["explain", "ex-live", "ex-draft"]);
    assert_eq!((exit, said.lines().next()), (100, Some("futo: fatal: explain: takes only one service")));
}

/// The process number in what a command said.
fn pid_in(output: &Output) -> i32 {
    let said = stdout(output);
    let digits = said.split("pid ").nth(1).expect("a pid").split(')').next().expect("digits");
    digits.parse().expect("a number")
}

#[test]
fn a_finish_script_is_not_taken_for_the_service() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("finishing");
    let finish_script = "#!/bin/sh\nexec sleep 2\n";
    svscan.add_launch("fi-slow", "-- sleep 1000", &[("finish", finish_script)]);
    svscan.pid("fi-slow");
    let is_worker = |output: &Output| {
        let words = support::read(format!("/proc/{}/cmdline", pid_in(output)));
        assert!(words.ends_with("sleep\x001000\0"), "{}: {words:?}", stdout(output));
    };
    let output = finish(&mut svscan.futo(&[], &["restart", "fi-slow"]));
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    is_worker(&output);
    svscan.svc(&["-d"], "fi-slow");
    eventually("finish runs", || {
        let finishing = svscan.svstat("up,wantedup,pid", "fi-slow");
        (finishing[..2] == ["false", "false"]).then_some(())
    });
    let output = finish(&mut svscan.futo(&[], &["start", "fi-slow"]));
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    is_worker(&output);

    // without one, s6 forks in its place for a moment
    svscan.add_launch("fi-none", "-- sleep 1000", &[]);
    svscan.pid("fi-none");
    for _ in 0..20 {
        assert_eq!(futo(&svscan, &["restart", "fi-none"]), so("fi-none: restarted (pid PID)"));
    }
}

/// Writes `supervise/` as s6-supervise does, in the layout of a version, and obeys its letters.
struct StandIn {
    directory: std::path::PathBuf,
    /// Whether its status has the process group.
    has_group: bool,
    child: Option<Child>,
    wait_status: u16,
    wants_up: bool,
}

impl StandIn {
    fn write(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let stamp = [((1_u64 << 62) + 37 + now.as_secs()).to_be_bytes().as_slice(), &[0; 4]].concat();
        let pid = u64::from(self.child.as_ref().map_or(0, Child::id)).to_be_bytes();
        let group = if self.has_group { pid.as_slice() } else { &[] };
        let flags = match (self.wants_up, self.child.is_some()) {
            (true, _) => 4,
            (false, true) => 0,
            // not started yet
            (false, false) => 8 | 1,
        };
        let status =
            [&stamp, &stamp, pid.as_slice(), group, &self.wait_status.to_be_bytes(), &[flags]].concat();
        assert_eq!(status.len(), if self.has_group { 43 } else { 35 });
        let supervise = self.directory.join("supervise");
        fs::write(supervise.join("status.new"), status).expect("written");
        fs::rename(supervise.join("status.new"), supervise.join("status")).expect("renamed");
    }

    fn obey(&mut self, letter: u8) {
        match letter {
            b'u' => {
                self.wants_up = true;
                self.child.get_or_insert_with(|| {
                    Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().expect("it starts")
                });
            }
            b'd' | b'r' => {
                self.wants_up = letter == b'r';
                if let Some(mut child) = self.child.take() {
                    child.kill().expect("killed");
                    child.wait().expect("waited");
                    self.wait_status = 15;
                }
                if letter == b'r' {
                    return self.obey(b'u');
                }
            }
            // CONT
            b'c' => {}
            other => panic!("letter {other}"),
        }
        self.write();
    }

    /// Until it gets an `x`.
    fn run(mut self, control: fs::File) {
        self.write();
        for letter in std::io::BufReader::new(control).bytes() {
            match letter.expect("a letter") {
                b'x' => return self.obey(b'd'),
                letter => self.obey(letter),
            }
        }
    }
}

#[test]
fn services_are_controlled_under_every_layout_of_the_status() {
    needs!(root);
    for has_group in [false, true] {
        let scratch = support::Scratch::new("layouts");
        let directory = scratch.join("scan/ly-x");
        scratch.write("scan/ly-x/run", "#!/bin/sh\nexec futo-launch -- sleep 1000\n", 0o755);
        fs::create_dir(directory.join("supervise")).expect("a directory");
        let control = directory.join("supervise/control");
        nix::unistd::mkfifo(&control, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        let open = || fs::OpenOptions::new().read(true).write(true).open(&control).expect("the FIFO");
        let (mut keep, reader) = (open(), open());
        let stand_in =
            StandIn { directory: directory.clone(), has_group, child: None, wait_status: 0, wants_up: false };
        stand_in.write();
        let supervisor = std::thread::spawn(move || stand_in.run(reader));
        let futo = |words: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_futo"));
            command.args(words).arg("--scan-dir").arg(scratch.join("scan"));
            outcome(&finish(command.arg("--from").arg(scratch.join("none"))))
        };
        let state = |expected: &str| {
            let (exit, page) = futo(&["status", "--json"]);
            let page: serde_json::Value = serde_json::from_str(&page).expect("JSON");
            assert_eq!((exit, &page["services"][0]["state"]), (0, &expected.into()), "{page}");
        };
        // s6 2.13.2 and later call it paused, and all call it ready
        state("down");
        assert_eq!(futo(&["health"]), so("1 stopped"));
        assert_eq!(futo(&["start", "ly-x"]), so("ly-x: started (pid PID)"));
        state("up");
        assert_eq!(futo(&["restart", "ly-x"]), so("ly-x: restarted (pid PID)"));
        assert_eq!(futo(&["health"]), so("1 healthy"));
        assert_eq!(futo(&["stop", "ly-x"]), so("ly-x: stopped (killed by signal 15)"));
        state("down");
        std::io::Write::write_all(&mut keep, b"x").expect("asked to leave");
        supervisor.join().expect("it has left");
    }
}
