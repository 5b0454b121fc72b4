//! The commands under s6, runit and daemontools, from one table: what is seen, what an order brings about, and what
//! each of the supervisors cannot know.

mod support;

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::launching::{code, finish};
use support::{
    AS_ABC, Need, Scratch, eventually, eventually_every, have, logs, needs, printed, state, stderr, stdout,
    without_pids,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Suite {
    S6,
    Runit,
    Daemontools,
}

impl Suite {
    fn word(self) -> &'static str {
        match self {
            Suite::S6 => "s6",
            Suite::Runit => "runit",
            Suite::Daemontools => "daemontools",
        }
    }

    /// What watches a scan directory.
    fn scanner(self) -> &'static str {
        match self {
            Suite::S6 => "s6-svscan",
            Suite::Runit => "runsvdir",
            Suite::Daemontools => "svscan",
        }
    }

    fn is_possible(self) -> bool {
        have(&[Need::Root, Need::Program(self.scanner())])
    }

    /// What only s6 knows.
    fn of_s6(self, text: &str) -> &str {
        if self == Suite::S6 { text } else { "" }
    }
}

/// A supervisor's scan directory.
struct Scan {
    scratch: Scratch,
    suite: Suite,
    scanner: Child,
    names: Vec<String>,
}

impl Scan {
    /// All services are there when it begins: some look for new ones only every five seconds. `services` are a name
    /// and files; `run` without a `#!` are the launcher's words.
    fn start(suite: Suite, name: &str, services: &[(&str, &[(&str, &str)])]) -> Scan {
        let scratch = Scratch::of_root(&format!("{name}-{}", suite.word()));
        let launcher = scratch.launcher().display().to_string();
        for (service, files) in services {
            for (file, text) in *files {
                let path = Path::new("scan").join(service).join(file);
                let is_words = *file == "run" && !text.starts_with("#!");
                let text =
                    if is_words { format!("#!/bin/sh\nexec {launcher} {text}\n") } else { text.to_string() };
                let mode = if matches!(*file, "run" | "finish") { 0o755 } else { 0o644 };
                scratch.write(path, &text, mode);
            }
        }
        let log = fs::File::create(scratch.join("log")).expect("a log");
        let scanner = Command::new("env")
            .args(["--default-signal", suite.scanner()])
            .arg(scratch.join("scan"))
            .env("PATH", support::launching::PATH)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a copy"))
            .stderr(log)
            .spawn()
            .expect("it starts");
        let names = services.iter().map(|(name, _)| name.to_string()).collect();
        let scan = Scan { scratch, suite, scanner, names };
        for name in &scan.names {
            eventually("it is supervised", || {
                let has_status = scan.directory(name).join("supervise/status").exists();
                (is_supervised(&scan.directory(name)) && has_status).then_some(())
            });
        }
        scan
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.scratch.join("scan").join(name)
    }

    fn command(&self, prefix: &[&str], words: &[&str]) -> Command {
        let mut command = self.scratch.futo_by(prefix, words);
        command.arg("--scan-dir").arg(self.scratch.join("scan"));
        command.arg("--from").arg(self.scratch.join("none"));
        command
    }

    fn futo(&self, words: &[&str]) -> Output {
        finish(&mut self.command(&[], words))
    }

    /// Exit code and what was said, with PID for each process number.
    fn says(&self, words: &[&str]) -> (i32, String) {
        outcome(&self.futo(words))
    }

    fn seen(&self, name: &str) -> serde_json::Value {
        let output = self.futo(&["status", "--json", name]);
        let page: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("JSON: {}", stderr(&output)));
        page["services"][0].clone()
    }

    fn becomes(&self, name: &str, state: &str) -> serde_json::Value {
        let what = format!("{}: {name} is {state}; {}", self.suite.word(), self.seen(name));
        eventually_every(Duration::from_millis(100), &what, || {
            let seen = self.seen(name);
            (seen["state"] == state).then_some(seen)
        })
    }

    /// One of the suite's own orders: what `s6-svc`, `sv` and `svc` call it.
    fn order(&self, name: &str, [s6, runit, daemontools]: [&str; 3]) {
        let (program, word) = match self.suite {
            Suite::S6 => ("s6-svc", s6),
            Suite::Runit => ("sv", runit),
            Suite::Daemontools => ("svc", daemontools),
        };
        let output = finish(Command::new(program).arg(word).arg(self.directory(name)));
        assert_eq!(code(&output), 0, "{program} {word}: {}{}", stdout(&output), stderr(&output));
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.scanner.id().cast_signed());
        match self.suite {
            Suite::S6 => _ = Command::new("s6-svscanctl").arg("-t").arg(self.scratch.join("scan")).status(),
            // its services too
            Suite::Runit => _ = kill(pid, Signal::SIGHUP),
            Suite::Daemontools => {
                let _ = kill(pid, Signal::SIGTERM);
                for name in &self.names {
                    let _ = Command::new("svc").arg("-dx").arg(self.directory(name)).status();
                }
            }
        }
        let _ = self.scanner.wait();
        let start = Instant::now();
        while self.names.iter().any(|name| is_supervised(&self.directory(name)))
            && start.elapsed() < Duration::from_secs(20)
        {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Whether somebody reads the FIFO.
fn is_supervised(directory: &Path) -> bool {
    let nonblocking = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let control = directory.join("supervise/control");
    fs::OpenOptions::new().write(true).custom_flags(nonblocking).open(control).is_ok()
}

fn outcome(output: &Output) -> (i32, String) {
    (code(output), without_pids(&printed(output)))
}

/// A worker that ends with 1 on TERM.
const ENDS_WITH_1: &str = "#!/bin/sh\ntrap 'exit 1' TERM\necho ready > ready\nwhile :; do sleep 0.02; done\n";

fn orders(suite: Suite) {
    needs!(root, suite.scanner());
    let name = |name: &str| format!("su-{}-{name}", suite.word());
    let (up, busy, bad, rest) = (name("up"), name("loop"), name("bad"), name("rest"));
    let (down, crash, ready) = (name("down"), name("crash"), name("ready"));
    let scan = Scan::start(
        suite,
        "suite",
        &[
            (&up, &[("run", "-- sleep 1000")]),
            (&busy, &[("run", "--interval 1h -- echo run")]),
            (&bad, &[("run", "--interval 1h -- sh -c 'echo kaputt; exit 3'")]),
            (&rest, &[("run", "-- /nonexistent")]),
            (&down, &[("run", "-- sleep 1000"), ("down", "")]),
            (&crash, &[("run", "#!/bin/sh\nexit 7\n")]),
            (
                &ready,
                &[("run", "#!/bin/sh\necho >&3 2>/dev/null\nexec sleep 1000\n"), ("notification-fd", "3\n")],
            ),
        ],
    );
    // what is seen, by itself
    let crashing = if suite == Suite::S6 { "crashing" } else { "unknown" };
    let states = [
        (&up, "up", ""),
        (&busy, "waiting", ""),
        (&bad, "failing", "1 run failed with status 3: kaputt"),
        (&rest, "resting", "unable to execute '/nonexistent': not found"),
        (&down, "down", "disabled"),
        (&ready, "up", ""),
    ];
    for (name, state, why) in states {
        let seen = scan.becomes(name, state);
        assert_eq!(seen["why"].as_str().unwrap_or_default(), why, "{seen}");
        assert_eq!(seen["supervisor"], suite.word());
        assert_eq!(seen["deaths_last_hour"].is_null(), suite != Suite::S6, "{seen}");
        let is_ill = ["failing", "resting"].contains(&state);
        let (exit, said) = scan.says(&["health", "--all", name]);
        assert_eq!(exit, i32::from(is_ill), "{said}");
    }
    assert_eq!(scan.seen(&ready)["ready"].is_null(), suite != Suite::S6);
    logs(&busy, "run\n");
    assert_eq!(scan.says(&["logs", &busy]), (0, "run\n".to_string()));
    assert_eq!(scan.says(&["check", &busy]).0, 0, "{}", scan.says(&["check", &busy]).1);

    // what an order brings about
    let by_term = suite.of_s6(" (killed by signal 15)");
    let with_0 = suite.of_s6(" (exit status 0)");
    for (words, name, exit, expected) in [
        ("start", &up, 0, "is already up (pid PID)".to_string()),
        ("restart", &up, 0, "restarted (pid PID)".to_string()),
        ("stop", &up, 0, format!("stopped{by_term}")),
        ("stop", &up, 0, "is already down".to_string()),
        ("reload", &up, 1, "is down: there is nothing to reload".to_string()),
        ("run-now", &up, 1, "is down: start it first".to_string()),
        ("restart", &up, 0, "was down: started (pid PID)".to_string()),
        ("run-now", &up, 1, "is not a loop: ALRM would end its worker, and was not sent".to_string()),
        ("reload", &up, 1, "HUP sent to pid PID, which ended it".to_string()),
        ("start", &down, 0, "started (pid PID)".to_string()),
        ("reload", &busy, 0, "HUP sent to pid PID".to_string()),
        ("stop", &busy, 0, format!("stopped{with_0}")),
        ("start", &busy, 0, "started (pid PID)".to_string()),
        ("run-now", &rest, 1, "is still resting: unable to execute '/nonexistent': not found".to_string()),
    ] {
        let timeout = if words == "run-now" { "1" } else { "20" };
        assert_eq!(
            scan.says(&[words, name, "--timeout", timeout]),
            (exit, format!("{name}: {expected}\n")),
            "{words} {name} under {}",
            suite.word()
        );
    }
    // a restart that was ordered is nothing to complain of
    for name in [&up, &down, &busy] {
        let (exit, said) = scan.says(&["health", name]);
        assert_eq!((exit, said.as_str()), (0, "1 healthy\n"), "{name}");
    }
    eventually("a run by order", || {
        let (exit, said) = scan.says(&["run-now", &busy]);
        (exit == 0 && (said.contains(" ended with status 0") || said.contains(" has started"))).then_some(())
    });
    // stopped by the suite's own tool, and continued by a restart
    scan.order(&up, ["-p", "pause", "-p"]);
    scan.becomes(&up, "paused");
    assert_eq!(scan.says(&["restart", &up]), (0, format!("{up}: restarted (pid PID)\n")));
    scan.becomes(&up, "up");
    // one that dies again and again
    let says_why =
        |why: &str| suite == Suite::S6 || why.contains(&format!("{} does not record deaths", suite.word()));
    eventually("the reason", || {
        let seen = scan.seen(&crash);
        assert_eq!(seen["healthy"], false, "{seen}");
        (seen["state"] == crashing && says_why(seen["why"].as_str()?)).then_some(())
    });
    assert_eq!(scan.says(&["health", "--all"]).0, 1);
    assert_eq!(scan.says(&["stop", &crash]).0, 0);
    scan.becomes(&crash, "down");
    let (exit, said) = scan.says(&["start", &crash]);
    let ended = format!(", but ended at once{}\n", suite.of_s6(": exit status 7"));
    assert!(exit == 1 && said.starts_with(&format!("{crash}: started")) && said.ends_with(&ended), "{said}");
    // who may not, learns it
    let (exit, said) = said_as_abc(&scan, &["stop", &up]);
    assert!(exit == 111 && said.contains("permission denied"), "{said}");
}

fn said_as_abc(scan: &Scan, words: &[&str]) -> (i32, String) {
    outcome(&finish(&mut scan.command(&AS_ABC, words)))
}

#[test]
fn s6_is_seen_and_given_orders() {
    orders(Suite::S6);
}

#[test]
fn runit_is_seen_and_given_orders() {
    orders(Suite::Runit);
}

#[test]
fn daemontools_is_seen_and_given_orders() {
    orders(Suite::Daemontools);
}

#[test]
fn what_is_stopped_on_purpose_is_down_however_it_ends() {
    for suite in [Suite::S6, Suite::Runit, Suite::Daemontools] {
        if !suite.is_possible() {
            continue;
        }
        // (name, run, finish, by whom): as hermes, as Java, as a database that needs its time
        let as_java = ENDS_WITH_1.replace("exit 1", "exit 143");
        let slow = ENDS_WITH_1.replace("exit 1", "sleep 1; exit 2");
        let none: &[(&str, &str)] = &[];
        let with_finish: &[(&str, &str)] = &[("finish", "#!/bin/sh\nexit 0\n")];
        let cases = [
            ("hermes", ENDS_WITH_1, with_finish),
            ("java", &as_java, with_finish),
            ("slow", &slow, with_finish),
            ("plain", ENDS_WITH_1, none),
        ];
        let names: Vec<String> =
            cases.iter().map(|(name, ..)| format!("sp-{}-{name}", suite.word())).collect();
        let files: Vec<Vec<(&str, &str)>> =
            cases.iter().map(|(_, run, more)| [&[("run", *run)][..], more].concat()).collect();
        let services: Vec<(&str, &[(&str, &str)])> =
            names.iter().zip(&files).map(|(name, files)| (name.as_str(), files.as_slice())).collect();
        let scan = Scan::start(suite, "purpose", &services);
        let is_ready = |name: &str| {
            eventually("it takes TERM", || scan.directory(name).join("ready").exists().then_some(()));
            fs::remove_file(scan.directory(name).join("ready")).expect("removed");
        };
        for name in &names {
            is_ready(name);
            assert_eq!(scan.says(&["stop", name]).0, 0);
            assert_eq!(scan.becomes(name, "down")["healthy"], true);
            assert_eq!(scan.says(&["health", "--all", name]), (0, "1 stopped\n".to_string()));
            assert_eq!(scan.says(&["start", name]).0, 0);
            is_ready(name);
            scan.order(name, ["-d", "down", "-d"]);
            scan.becomes(name, "down");
            assert_eq!(scan.says(&["health", "--all", name]), (0, "1 stopped\n".to_string()));
        }
    }
}

#[test]
fn restarts_that_were_ordered_are_no_crash_loop() {
    for suite in [Suite::S6, Suite::Runit, Suite::Daemontools] {
        if !suite.is_possible() {
            continue;
        }
        let name = |name: &str| format!("sr-{}-{name}", suite.word());
        let (worker, looped, stubborn) = (name("exec"), name("loop"), name("one"));
        let scan = Scan::start(
            suite,
            "restarts",
            &[
                (&worker, &[("run", "-- sleep 1000")]),
                (&looped, &[("run", "--interval 1h -- true")]),
                (&stubborn, &[("run", ENDS_WITH_1)]),
            ],
        );
        for _ in 0..6 {
            for name in [&worker, &looped, &stubborn] {
                if name == &stubborn {
                    let ready = scan.directory(name).join("ready");
                    eventually("it takes TERM", || ready.exists().then_some(()));
                    fs::remove_file(ready).expect("removed");
                }
                assert_eq!(scan.says(&["restart", name]), (0, format!("{name}: restarted (pid PID)\n")));
            }
        }
        scan.becomes(&looped, "waiting");
        assert_eq!(scan.says(&["health", "--all"]), (0, "3 healthy\n".to_string()), "{}", suite.word());
    }
}

#[test]
fn what_rests_after_it_has_crashed_is_resting_at_once() {
    needs!(root, "s6-svscan");
    let run = "#!/bin/sh\n[ -e fixed ] || exit 7\nexec LAUNCHER -- /nonexistent\n";
    let scratch = Scratch::of_root("rests-then");
    let run = run.replace("LAUNCHER", &scratch.launcher().display().to_string());
    let scan = Scan::start(Suite::S6, "rests", &[("sx-rests", &[("run", &run)])]);
    scan.becomes("sx-rests", "crashing");
    scan.scratch.write("scan/sx-rests/fixed", "", 0o644);
    eventually_every(Duration::from_millis(20), "it rests", || {
        let record = support::read(state("sx-rests.json"));
        record.contains("not found").then_some(())
    });
    let seen = scan.seen("sx-rests");
    assert_eq!(seen["state"], "resting", "{seen}");
}

#[test]
fn a_service_that_finish_gives_up_is_not_down() {
    needs!(root, "s6-svscan");
    let files = [("run", "#!/bin/sh\nsleep 0.3\nexit 1\n"), ("finish", "#!/bin/sh\nexit 125\n")];
    let scan = Scan::start(Suite::S6, "gives-up", &[("sg-gives-up", &files)]);
    let seen = scan.becomes("sg-gives-up", "gave-up");
    assert_eq!(seen["why"], "ended with exit status 1");
    assert_eq!(scan.says(&["health", "--all", "sg-gives-up"]).0, 1);
}

/// Debian's packages for runit link `/etc/service/NAME` to `/etc/sv/NAME`, and `supervise` in it to a directory below
/// `/run`.
#[test]
fn a_link_in_place_of_supervise_is_followed_if_root_made_it() {
    needs!(root, "runsvdir");
    let scratch = Scratch::of_root("runit-link");
    let launcher = scratch.launcher();
    let run = format!("#!/bin/sh\nexec {} -- sleep 1000\n", launcher.display());
    scratch.write("sv/sl-link/run", &run, 0o755);
    fs::create_dir(scratch.join("scan")).expect("the scan directory");
    std::os::unix::fs::symlink("../sv/sl-link", scratch.join("scan/sl-link")).expect("a link");
    fs::create_dir(scratch.join("live")).expect("a directory");
    std::os::unix::fs::symlink(scratch.join("live"), scratch.join("sv/sl-link/supervise")).expect("a link");
    let mut runsv = Command::new("runsv").arg(scratch.join("scan/sl-link")).spawn().expect("runsv starts");
    let futo = |words: &[&str]| {
        let mut command = Command::new(scratch.futo());
        command.args(words).arg("--scan-dir").arg(scratch.join("scan"));
        outcome(&finish(command.arg("--from").arg(scratch.join("none"))))
    };
    eventually("it is up", || (futo(&["health"]) == (0, "1 healthy\n".to_string())).then_some(()));
    assert_eq!(futo(&["stop", "sl-link"]), (0, "sl-link: stopped\n".to_string()));
    assert_eq!(futo(&["health"]), (0, "1 stopped\n".to_string()));
    // one that a user can have made is not followed
    std::os::unix::fs::lchown(scratch.join("sv/sl-link/supervise"), Some(support::ABC), None).expect("chown");
    support::own_by_abc(&scratch.join("sv/sl-link"));
    let (exit, said) = futo(&["health"]);
    assert!(exit == 1 && said.starts_with("sl-link: unknown: unable to read 'supervise/status'"), "{said}");
    kill(Pid::from_raw(runsv.id().cast_signed()), Signal::SIGTERM).expect("ended");
    runsv.wait().expect("waited");
}
