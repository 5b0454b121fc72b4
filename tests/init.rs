//! As PID 1 of a container: signals work, orphans are reaped, the worker's code is handed on.

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{
    Scratch, children, context_switches, eventually, eventually_contains, kill_all, needs, read, signal,
    throughout,
};

/// The launcher as PID 1 of a PID namespace; its output is in `out`.
struct Container {
    scratch: Scratch,
    unshare: Child,
}

impl Container {
    fn start(name: &str, options: &[&str], script: &str) -> Container {
        let scratch = Scratch::new(name);
        let out = fs::File::create(scratch.join("out")).expect("a file");
        let unshare = Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc"])
            .arg(scratch.launcher())
            .args(["--state-dir", scratch.directory_of_abc("state").to_str().expect("a text")])
            .args(options)
            .args(["--", "sh", "-c", script])
            .current_dir(&scratch.path)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a copy"))
            .stderr(out)
            .spawn()
            .expect("unshare starts");
        Container { scratch, unshare }
    }

    fn out(&self) -> String {
        read(self.scratch.join("out"))
    }

    fn prints(&self, text: &str) -> String {
        eventually_contains(&self.scratch.join("out"), text)
    }

    /// The launcher's pid as seen from here.
    fn init(&self) -> i32 {
        let unshare = self.unshare.id();
        eventually("unshare has a child", || children(unshare.cast_signed()).first().copied())
    }

    fn signal(&self, number: Signal) {
        signal(self.init(), number);
    }

    /// Waits for the end; unshare leaves as its child did.
    fn end(&mut self) -> i32 {
        let status = eventually("the container ends", || self.unshare.try_wait().expect("waited for"));
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.unshare.try_wait().ok().flatten().is_some() {
            return;
        }
        // PID 1, with which the kernel ends all the rest; --kill-child would not: the parent-death
        // signal is lost when the launcher becomes abc
        kill_all(&children(self.unshare.id().cast_signed()));
        let _ = self.unshare.wait();
    }
}

/// Makes five orphans that end at once.
const ORPHANS: &str = "for i in 1 2 3 4 5; do sh -c 'sleep 0.05 & echo orphan'; done; sleep 0.2";
/// Counts zombies as the namespace sees them.
const ZOMBIES: &str = "echo zombies=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '),";

#[test]
fn the_worker_is_a_child_of_pid_1_and_its_code_is_handed_on() {
    needs!(root, "unshare");
    let mut container = Container::start("init-code", &[], "echo parent=$PPID, user=$(id -un),; exit 42");
    assert_eq!(container.end(), 42, "{}", container.out());
    assert_eq!(container.out(), "parent=1, user=abc,\n");
    let mut container = Container::start("init-killed", &[], "kill -9 $$");
    assert_eq!(container.end(), 137, "{}", container.out());
}

#[test]
fn term_ends_a_worker_and_a_loop_in_a_run_and_in_sleep() {
    needs!(root, "unshare");
    let polite = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut container = Container::start("init-term", &[], polite);
    container.prints("ready");
    container.signal(Signal::SIGTERM);
    assert_eq!(container.end(), 7, "exec mode hands the worker's code on");
    container.prints("bye");

    let mut container = Container::start("init-term-run", &["--interval", "1000"], polite);
    container.prints("ready");
    container.signal(Signal::SIGTERM);
    assert_eq!(container.end(), 0);
    container.prints("bye");

    let mut container = Container::start("init-term-sleep", &["--interval", "1000"], "echo ran");
    container.prints("ran");
    let start = Instant::now();
    container.signal(Signal::SIGTERM);
    assert_eq!(container.end(), 0);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn orphans_leave_no_zombies() {
    needs!(root, "unshare");
    let script = format!("{ORPHANS}; {ZOMBIES}; {ORPHANS}; {ZOMBIES}");
    let mut container = Container::start("init-orphans", &[], &script);
    assert_eq!(container.end(), 0);
    assert_eq!(container.out().matches("zombies=0,").count(), 2, "{}", container.out());

    // in a loop: what the last run left is reaped in sleep
    let script = "for i in 1 2 3 4 5; do sh -c 'sleep 0.3 & :'; done; echo ready";
    let container = Container::start("init-orphans-loop", &["--interval", "1000"], script);
    container.prints("ready");
    let init = container.init();
    eventually("five orphans", || (children(init).len() == 5).then_some(()));
    eventually("none left, not even as a zombie", || children(init).is_empty().then_some(()));
}

/// Prints `got-N,` for each signal that it gets.
const ECHO: &str = r#"
import os, signal
for n in set(range(1, 65)) - {9, 19, 32, 33}:
    signal.signal(n, lambda got, frame: os.write(1, b"got-%d," % got))
os.write(1, b"ready\n")
while True:
    signal.pause()
"#;

/// The rows of the table of signals to PID 1 in docs/signals.md: the numbers, and what becomes of them without a timing
/// option and in a loop. Between them they have each signal once.
fn table_of_signals() -> Vec<(i32, String, String)> {
    let page = read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/signals.md"));
    let table = page.split("| signal to PID 1 |").nth(1).expect("the table");
    let mut rows = Vec::new();
    for line in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let names = cells[0].split([':', '(']).next().expect("names").trim();
        let numbers: Vec<i32> = match names.split_once(" to ") {
            Some((from, to)) => (from.parse().expect("a number")..=to.parse().expect("a number")).collect(),
            None => names
                .split(", ")
                .map(|name| {
                    name.parse()
                        .unwrap_or_else(|_| format!("SIG{name}").parse::<Signal>().expect("a signal") as i32)
                })
                .collect(),
        };
        rows.extend(numbers.into_iter().map(|number| (number, cells[1].to_string(), cells[2].to_string())));
    }
    rows.sort();
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), (1..=64).collect::<Vec<_>>());
    rows
}

impl Container {
    /// A signal of any number.
    fn signal_number(&self, number: i32) {
        let sent = Command::new("kill")
            .args([format!("-{number}"), self.init().to_string()])
            .status()
            .expect("kill");
        assert!(sent.success(), "{number}");
    }
}

#[test]
fn each_signal_to_pid_1_is_forwarded_or_has_the_effect_that_the_page_says() {
    needs!(root, "unshare", "python3", "kill");
    let python = |name: &str, options: &[&str]| {
        let container = Container::start(name, options, "exec python3 -c \"$PYTHON_WORKER\"");
        container.prints("ready\n");
        container
    };
    let (usr1, worker) = (Signal::SIGUSR1 as i32, format!("PYTHON_WORKER={ECHO}"));
    let modes: [(&str, &[&str]); 2] = [("exec", &[]), ("loop", &["--interval", "1000"])];
    for (mode, options) in modes {
        let options = [options, &["--env", &worker]].concat();
        let container = python(&format!("init-matrix-{mode}"), &options);
        for (number, exec, in_loop) in table_of_signals() {
            let becomes = if mode == "exec" { &exec } else { &in_loop };
            let before = container.out();
            match becomes.as_str() {
                "not caught" | "stop" => continue,
                "forwarded" => {
                    container.signal_number(number);
                    container.prints(&format!("{before}got-{number},"));
                }
                "ignored" | "reload" | "run now" => {
                    container.signal_number(number);
                    container.signal_number(usr1);
                    container.prints(&format!("{before}got-{usr1},"));
                }
                other => panic!("{other}"),
            }
        }
    }
    for (number, _, becomes) in table_of_signals() {
        if becomes == "stop" {
            let options = ["--interval", "1000", "--grace", "0.1", "--env", &worker];
            let mut container = python(&format!("init-stop-{number}"), &options);
            container.signal_number(number);
            assert_eq!(container.end(), 137, "{number}");
            assert!(container.out().contains("got-15,"), "{number}: {}", container.out());
        }
    }
}

#[test]
fn in_exec_mode_the_whole_process_group_is_signalled_and_a_real_time_signal_may_be_the_stop_signal() {
    needs!(root, "unshare");
    // one process in the background, which only a signal to the group reaches
    let forever = "while :; do sleep 0.02; done";
    let script = format!(
        "trap 'echo child-got' PWR; (trap 'echo grandchild-got' PWR; echo ready; {forever}) & {forever}"
    );
    let container = Container::start("init-group", &[], &script);
    container.prints("ready");
    container.signal(Signal::SIGPWR);
    container.prints("child-got");
    container.prints("grandchild-got");
    // SIGRTMIN+3, which ends a worker that does not take it
    let mut container = Container::start("init-rtmin", &[], "echo ready; exec sleep 1000");
    container.prints("ready");
    container.signal_number(37);
    assert_eq!(container.end(), 128 + 37);
}

#[test]
fn what_the_launcher_itself_cannot_write_is_no_signal_for_the_worker() {
    needs!(root, "unshare", "prlimit");
    let scratch = Scratch::new("init-own");
    let state = scratch.directory_of_abc("state");
    // no file can be written, so that the record of a run that lasts a second brings XFSZ; the pipe can
    let worker = "trap 'echo got-xfsz' XFSZ; while :; do echo tick; sleep 0.1; done";
    let launch = format!(
        "exec prlimit --fsize=0 {} --log - --state-dir {} --interval 1000 -- sh -c \"{worker}\" 2>&1",
        scratch.launcher().display(),
        state.display()
    );
    let mut unshare = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "sh", "-c", &launch])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("unshare starts");
    let lines = std::io::BufReader::new(unshare.stdout.take().expect("a pipe"));
    let lines = std::io::BufRead::lines(lines).map(|line| line.expect("a line"));
    let mut container = Container { scratch, unshare };
    let mut said = Vec::new();
    for line in lines {
        if said.iter().filter(|line| *line == "tick").count() == 25 {
            break;
        }
        said.push(line);
    }
    assert!(said.iter().any(|line| line.contains("unable to write the run record")), "{said:?}");
    assert!(!said.contains(&"got-xfsz".to_string()), "{said:?}");
    // the same signal from somebody else comes through; with nobody to read, the worker ends by PIPE
    container.signal(Signal::SIGXFSZ);
    container.signal(Signal::SIGTERM);
    container.end();
}

#[test]
fn in_exec_mode_it_sleeps_as_long_as_the_worker_runs() {
    needs!(root, "unshare");
    let mut container = Container::start("init-idle", &[], "echo ready; exec sleep 1000");
    container.prints("ready");
    let init = container.init();
    let asleep = || read(format!("/proc/{init}/stat")).contains(") S ");
    eventually("asleep", || asleep().then_some(()));
    let before = context_switches(init);
    throughout("asleep", Duration::from_millis(700), || asleep() && context_switches(init) == before);
    container.signal(Signal::SIGTERM);
    assert_eq!(container.end(), 143);
}

#[test]
fn usr1_reaches_the_worker_of_a_loop() {
    needs!(root, "unshare");
    let script = "trap 'echo got-usr1' USR1; echo ready; while :; do sleep 0.02; done";
    let mut container = Container::start("init-loop-usr1", &["--interval", "1000", "--grace", "0.1"], script);
    container.prints("ready");
    container.signal(Signal::SIGUSR1);
    container.prints("got-usr1");
    throughout("it goes on", Duration::from_millis(100), || {
        container.unshare.try_wait().expect("asked").is_none()
    });
    container.signal(Signal::SIGTERM);
    assert_eq!(container.end(), 0);
}

#[test]
fn a_program_that_cannot_be_executed_is_126_or_127_at_once() {
    needs!(root, "unshare");
    let scratch = Scratch::new("init-missing");
    let plain = scratch.write("plain", "", 0o644);
    for (program, code) in [("/nowhere/program", 127), (plain.to_str().expect("a text"), 126)] {
        let done = Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc"])
            .arg(scratch.launcher())
            .args(["--", program])
            .current_dir(&scratch.path)
            .output()
            .expect("unshare starts");
        assert_eq!(done.status.code(), Some(code), "{}", support::stderr(&done));
    }
}

#[test]
fn readiness_is_looked_for_and_the_worker_does_not_get_the_descriptor() {
    needs!(root, "unshare");
    let scratch = Scratch::new("init-ready");
    let service = scratch.service_of_abc("service");
    scratch.write("service/notification-fd", "5\n", 0o644);
    let notice = scratch.join("notice");
    nix::unistd::mkfifo(&notice, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a FIFO");
    let notified = fs::File::create(scratch.join("notified")).expect("a file");
    let mut reader = Command::new("cat").arg(&notice).stdout(notified).spawn().expect("cat starts");
    let script = "[ -e /proc/self/fd/5 ] || echo without; exec sleep 1000";
    let run = format!(
        "exec 5> ../notice; exec {} --log - --state-dir {} --ready file:now -- sh -c '{script}'",
        scratch.launcher().display(),
        scratch.directory_of_abc("state").display()
    );
    let out = fs::File::create(scratch.join("out")).expect("a file");
    let unshare = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "sh", "-c", &run])
        .current_dir(&service)
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a copy"))
        .stderr(out)
        .spawn()
        .expect("unshare starts");
    let mut container = Container { scratch, unshare };
    container.prints("without\n");
    let notified = || read(container.scratch.join("notified"));
    throughout("not ready", Duration::from_millis(300), || notified().is_empty());
    support::write(&service.join("now"), "", 0o644);
    eventually("ready", || (notified() == "\n").then_some(()));
    container.signal(Signal::SIGTERM);
    assert_eq!(container.end(), 128 + 15);
    assert!(reader.wait().expect("waited").success());
}
