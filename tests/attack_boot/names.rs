//! Names of live services that pass between root and abc: directories, FIFOs, processes, locks.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support;
use crate::support::boot::{Definitions, Ran};
use crate::support::launching::finish;
use crate::support::{ABC, Svscan, eventually, needs, read, rights, set_mode, stderr, stdout};

/// Root's and abc's definitions, and a supervisor on what is published of them.
struct Published {
    svscan: Svscan,
    definitions: Definitions,
}

impl Published {
    fn new(name: &str) -> Published {
        let definitions = Definitions::new(name);
        Published { svscan: Svscan::on_directory(name, &definitions.scan(""), &[]), definitions }
    }

    fn sync(&self, options: &[&str]) -> Ran {
        let ran = self.definitions.sync(options);
        assert!(ran.code < 2, "{}", ran.stderr);
        ran
    }

    /// Publishes until the service is as it is to be: a supervisor may take its time to leave.
    fn sync_until(&self, what: &str, condition: impl Fn() -> bool) {
        eventually(what, || {
            self.sync(&[]);
            condition().then_some(())
        });
    }
}

const SLEEPS: &str = "#!/bin/sh\nexec futo-launch --log - -- sleep 1000\n";

#[test]
fn a_directory_of_roots_reserves_its_name_with_and_without_run() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let live = Published::new("attack-reserve");
    let Published { svscan, definitions } = &live;
    let run = definitions.write_roots("name/run", SLEEPS);
    definitions.line("name", "--log - -- sleep 2000");
    let ran = live.sync(&[]);
    assert!(ran.stderr.contains("has the same name"), "{}", ran.stderr);
    let pid = svscan.pid("name");
    let before = (read(definitions.scan("name/run")), rights(&definitions.scan("name/supervise/control")));
    // an editor that removes before it writes
    fs::remove_file(&run).expect("removed");
    for options in [&[][..], &["--prune"]] {
        let ran = live.sync(options);
        assert!(ran.stderr.contains("has the same name"), "{}", ran.stderr);
        let now = (read(definitions.scan("name/run")), rights(&definitions.scan("name/supervise/control")));
        assert_eq!(now, before, "{options:?}");
        assert_eq!(svscan.pid("name"), pid, "{options:?}");
    }
    definitions.write_roots("name/run", SLEEPS);
    assert!(live.sync(&[]).stdout.contains("service=name action=unchanged"));
}

/// A script of abc's that is given this path and waits for the end of its stdin; the first line that it prints.
fn started_by_abc(path: &Path, script: &str) -> (Child, String) {
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(path)
        .uid(ABC)
        .gid(ABC)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("its stdout"));
    std::io::BufRead::read_line(&mut stdout, &mut line).expect("read");
    (child, line)
}

/// A process of abc's that holds this open for writing, and then writes `d` when its stdin ends.
fn holder(path: &Path) -> Child {
    let script = "import os, sys
control = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
print('open', flush=True)
sys.stdin.read()
try:
    os.write(control, b'd')
except OSError as error:
    print(error, file=sys.stderr)
";
    let (child, line) = started_by_abc(path, script);
    assert_eq!(line, "open\n", "abc opens the control of their own service");
    child
}

#[test]
fn a_live_control_fifo_never_passes_between_root_and_abc() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let live = Published::new("attack-fifo");
    let Published { svscan, definitions } = &live;
    let control = definitions.scan("name/supervise/control");
    let id = || fs::metadata(&control).map(|status| status.ino()).unwrap_or(0);
    let is_abcs = || rights(&definitions.scan("name/supervise/control")).ends_with(":911");

    definitions.write_roots("name/run", SLEEPS);
    live.sync(&[]);
    let roots = svscan.pid("name");
    let roots_fifo = id();
    // root's has gone, abc's takes the name: with a control FIFO of its own
    definitions.line("name", "--log - -- sleep 2000");
    fs::remove_dir_all(definitions.roots("name")).expect("removed");
    live.sync_until("abc's is published", || {
        read(definitions.scan("name/run")).contains("sleep 2000") && id() != roots_fifo && is_abcs()
    });
    eventually("root's process has gone", || (!support::is_alive(roots)).then_some(()));
    svscan.pid("name");
    let holder = holder(&control);
    let abcs_fifo = id();

    // root's is back, while abc holds the control of the service that had its name
    definitions.write_roots("name/run", SLEEPS);
    live.sync_until("root's is published", || {
        read(definitions.scan("name/run")).contains("sleep 1000") && !is_abcs()
    });
    assert_ne!(id(), abcs_fifo);
    let pid = eventually("root's is up", || {
        let up = svscan.svstat("pid,wantedup", "name");
        match up.as_slice() {
            [pid, wanted] if wanted == "true" => pid.parse::<i32>().ok().filter(|pid| *pid > 0),
            _ => None,
        }
    });
    let written = holder.wait_with_output().expect("it ends");
    assert!(written.status.success());
    // what was written would be read at once; a round trip through the same supervisor shows that it was not
    svscan.svc(&["-c"], "name");
    assert_eq!(svscan.svstat("pid,wantedup", "name"), [pid.to_string(), "true".to_string()]);
    assert_eq!(svscan.pid("name"), pid);
}

#[test]
fn a_process_that_will_not_end_keeps_no_name_from_root() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let live = Published::new("attack-squat");
    let Published { svscan, definitions } = &live;
    definitions.write("name/run", "#!/bin/sh\nexec futo-launch --log - -- ./stays\n");
    definitions.write("name/stays", "#!/bin/sh\ntrap '' TERM\ntouch up\nwhile :; do sleep 1; done\n");
    set_mode(definitions.abcs("name/stays"), 0o755);
    live.sync(&[]);
    eventually("abc's ignores TERM", || definitions.abcs("name/up").exists().then_some(()));
    let abcs = svscan.pid("name");
    definitions.write_roots("name/run", SLEEPS);
    let ran = live.sync(&[]);
    assert!(ran.stdout.contains("service=name action=updated"), "{}{}", ran.stdout, ran.stderr);
    assert!(!support::is_alive(abcs), "it has had its time");
    assert!(read(definitions.scan("name/run")).contains("sleep 1000"));
    svscan.pid("name");
}

#[test]
fn what_a_change_of_delegation_does_not_reach_is_reported() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let live = Published::new("attack-revoke");
    live.definitions.line("mine", "--log - -- sleep 1000");
    live.sync(&[]);
    live.svscan.pid("mine");
    let ran = live.sync(&["--delegate", "none"]);
    assert!(
        ran.stderr.contains(
            "members that have its control FIFO open keep control until the service directory is recreated"
        ),
        "{}",
        ran.stderr
    );
    assert_eq!(rights(&live.definitions.scan("mine/supervise/control")), "0600 0:0");
}

/// A process of abc's that holds a read lock on this file; none if it cannot be opened.
fn locker(path: &Path) -> Option<Child> {
    locking(path, LOCKS)
}

const LOCKS: &str = "import fcntl, os, sys
try:
    lock = os.open(sys.argv[1], os.O_RDONLY)
    fcntl.lockf(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
except OSError as error:
    print(error, flush=True)
    sys.exit(1)
print('locked', flush=True)
sys.stdin.read()
";

/// The same, by a child that has ended: the lock belongs to the table of open files, which it shares.
const LOCKS_BY_A_CHILD: &str = "import ctypes, fcntl, os, platform, sys
CLONE_FILES, SIGCHLD = 0x400, 17
number = {'x86_64': 56, 'aarch64': 220}[platform.machine()]
try:
    lock = os.open(sys.argv[1], os.O_RDONLY)
except OSError as error:
    print(error, flush=True)
    sys.exit(1)
child = ctypes.CDLL(None).syscall(number, CLONE_FILES | SIGCHLD, 0, 0, 0, 0)
if child == 0:
    try:
        fcntl.lockf(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os._exit(1)
    os._exit(0)
if os.waitpid(child, 0)[1] != 0:
    sys.exit(1)
print('locked', flush=True)
sys.stdin.read()
";

fn locking(path: &Path, script: &str) -> Option<Child> {
    let (mut child, line) = started_by_abc(path, script);
    if line == "locked\n" {
        return Some(child);
    }
    let _ = child.wait();
    None
}

#[test]
fn a_lock_of_abcs_keeps_no_name_and_whoever_holds_it_is_named() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let live = Published::new("attack-lock");
    let Published { svscan, definitions } = &live;
    definitions.line("mine", "--log - -- sleep 1000");
    live.sync(&[]);
    svscan.pid("mine");
    let lock = definitions.scan("mine/supervise/lock");
    let looked = finish(Command::new("s6-svstat").arg(definitions.scan("mine")).uid(ABC).gid(ABC));
    assert!(stdout(&looked).starts_with("up "), "abc looks: {}", stderr(&looked));
    assert!(locker(&lock).is_none(), "a supervisor that runs has it");
    // the moment in which the supervisor is not there
    svscan.svc(&["-dx"], "mine");
    let mut held = eventually("abc has the lock", || locker(&lock));
    let ran = live.sync(&[]);
    let said = format!("a process of another user holds its lock\nfuto: hint: kill {},", held.id());
    assert!(ran.code == 1 && ran.stderr.contains(&said), "{}", ran.stderr);
    // it counts for nothing: what has gone is pruned, and the name is free
    fs::remove_dir_all(definitions.abcs("mine")).expect("removed");
    let ran = live.sync(&["--prune"]);
    assert!(ran.stdout.contains("service=mine action=pruned"), "{}{}", ran.stdout, ran.stderr);
    definitions.write_roots("mine/run", SLEEPS);
    let ran = live.sync(&[]);
    assert!(ran.stdout.contains("service=mine action=published"), "{}{}", ran.stdout, ran.stderr);
    svscan.pid("mine");
    let _ = held.kill();
    let _ = held.wait();
}

#[test]
fn a_lock_whose_taker_has_ended_is_no_supervisor() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let live = Published::new("attack-lock-table");
    let Published { svscan, definitions } = &live;
    definitions.line("mine", "--log - -- sleep 1000");
    live.sync(&[]);
    svscan.pid("mine");
    svscan.svc(&["-dx"], "mine");
    let lock = definitions.scan("mine/supervise/lock");
    let mut held = eventually("abc has the lock", || locking(&lock, LOCKS_BY_A_CHILD));
    let ran = live.sync(&[]);
    let said = "a process of another user holds its lock";
    assert!(ran.code == 1 && ran.stderr.contains(said), "{}{}", ran.stdout, ran.stderr);
    // root's definition of that name comes to life
    definitions.write_roots("mine/run", SLEEPS);
    let ran = live.sync(&[]);
    assert!(ran.stdout.contains("service=mine action="), "{}{}", ran.stdout, ran.stderr);
    eventually("root's own runs", || (live.sync(&[]).code == 0).then_some(()));
    svscan.pid("mine");
    assert_eq!(definitions.scan("mine").metadata().expect("there").uid(), 0);
    let _ = held.kill();
    let _ = held.wait();
}
