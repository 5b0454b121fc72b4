//! Names of live services that pass between root and abc: directories, FIFOs, processes, locks.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::boot::{Definitions, Ran, Volume};
use crate::support::launching::{code, command, finish, with_file_at};
use crate::support::{
    ABC, AS_ABC, HERMES, PATIENCE, Scratch, Svscan, children, eventually, eventually_contains, needs,
    own_by_abc, passwd, read, rights, said, set_mode, stderr, stdout,
};
use crate::{CPU, link_into, support, sync_through};

#[test]
fn words_of_any_length_cost_little_time_and_little_output() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let long = "x".repeat(65_000);
    for (what, text) in [
        ("an unknown option", format!("#!/bin/sh\nexec futo-launch --{long} -- id\n")),
        ("an unknown key", format!("#!/usr/local/bin/futo-launch --file\n{long} = 1\nexec = ['id']\n")),
        ("a zone", format!("#!/bin/sh\nexec futo-launch --schedule '09:00 {long}' -- id\n")),
        ("a value", format!("#!/bin/sh\nexec futo-launch --interval {long} -- id\n")),
        ("a capability", format!("#!/bin/sh\nexec futo-launch --cap-drop {long} -- id\n")),
        ("a user", format!("#!/bin/sh\nexec futo-launch --user '{long}:' -- id\n")),
    ] {
        let definitions = Definitions::new("attack-words");
        link_into(&definitions, &text, 200);
        definitions.write_roots("roots/run", "#!/bin/sh\nexec futo-launch -- id\n");
        let ran = sync_through(&definitions, &CPU, &[]);
        assert_eq!(ran.code, 1, "{what}: it is not killed, and says what failed");
        assert_eq!(ran.stdout.matches("action=failed").count(), 200, "{what}");
        assert!(definitions.scan("roots/run").exists(), "{what}: root's is published");
        assert!(ran.stderr.len() < 500_000, "{what}: {} bytes", ran.stderr.len());
        let longest = ran.stderr.lines().map(str::len).max().unwrap_or(0);
        assert!(longest < 2_000, "{what}: a line of {longest} bytes");
    }
}

#[test]
fn a_zone_of_a_megabyte_costs_health_no_time() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-zone");
    let zone = "x".repeat(1_000_000);
    definitions.line("zone", &format!("--schedule '09:00 {zone}' -- id"));
    let run = definitions.abcs("zone");
    symlink(&run, definitions.scan("zone")).expect("as an old hook links it");
    let mut health = command(&CPU, Path::new("/"));
    health.arg(definitions.scratch.futo()).args(["health", "--from"]).arg(definitions.abcs(""));
    health.arg("--scan-dir").arg(definitions.scan(""));
    let output = finish(&mut health);
    assert_eq!(code(&output), 1, "not killed: {}", said(&output));
    assert!(stdout(&output).len() + stderr(&output).len() < 10_000);
}

#[test]
fn a_stop_of_the_watcher_is_seen_between_definitions() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-stop");
    link_into(&definitions, "#!/bin/sh\nexec futo-launch -- id\n", 300);
    let published = stopped_at_the_first(&definitions.command(&["--watch"]), &definitions.scan(""));
    assert!(published < 250, "it has published them all first: {published}");
}

#[test]
fn a_stop_of_the_watcher_is_seen_between_profiles() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let volume = Volume::new("attack-stop-profiles");
    for number in 0..140 {
        volume.bare_profile(&format!("p{number:03}"));
    }
    let published = stopped_at_the_first(&volume.command(&["--watch"]), &volume.scan(""));
    assert!(published < 120, "it has published them all first: {published}");
}

/// Sends TERM to this watcher when it has published something; gives how many names there are when it has ended.
fn stopped_at_the_first(ours: &Command, scan: &Path) -> usize {
    // each of them takes root a while
    let mut watcher = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", "trace=mkdirat", "-e", "inject=mkdirat:delay_enter=100000"])
        .arg(ours.get_program())
        .args(ours.get_args())
        .env_clear()
        .envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", support::launching::PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace starts");
    let published = || fs::read_dir(scan).expect("listed").count();
    eventually("the first one is published", || (published() > 2).then_some(()));
    let pid = children(watcher.id().cast_signed())[0];
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("signalled");
    let start = Instant::now();
    let ended = loop {
        match watcher.try_wait().expect("waited") {
            Some(status) => break status.code(),
            None if start.elapsed() > PATIENCE => {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                let _ = watcher.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!(ended, Some(0));
    published()
}

#[test]
fn a_launcher_that_abc_can_replace_is_never_published_for_root() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    // on the volume, beside futo
    let definitions = Definitions::new("attack-launcher");
    definitions.line("mine", "-- id");
    let volume = Volume::new("attack-launcher-hermes");
    volume.profile_in("coder", "running");
    for (what, path, mode, owner) in [
        ("abc's", definitions.volume.futo(), 0o755, ABC),
        ("writable to all", definitions.scratch.futo().with_file_name("open/futo"), 0o777, 0),
    ] {
        let directory = path.parent().expect("a directory");
        fs::create_dir_all(directory).expect("made");
        for name in ["futo", "futo-launch"] {
            let copy = directory.join(name);
            if !copy.exists() {
                support::copy_by_process(&definitions.scratch.futo().with_file_name(name), &copy);
            }
            set_mode(&copy, mode);
            std::os::unix::fs::lchown(&copy, Some(owner), Some(owner)).expect("its owner");
        }
        for ours in [definitions.command(&[]), volume.command(&[])] {
            let mut command = Command::new(&path);
            command.args(ours.get_args()).env_clear();
            command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let ran = Ran::of(&finish(&mut command));
            assert_eq!(ran.code, 2, "{what}: {}", ran.stderr);
            assert!(ran.stderr.contains("can be replaced by non-root users"), "{what}: {}", ran.stderr);
            assert!(ran.stderr.contains("hint: install futo"), "{what}: {}", ran.stderr);
        }
    }
    assert!(!definitions.scan("mine").exists() && !volume.scan("gateway-coder").exists());

    // not beside futo: what PATH finds is judged too, and published by its whole path
    let alone = definitions.scratch.write("alone/x", "", 0o644).with_file_name("futo");
    support::copy_by_process(&definitions.scratch.futo(), &alone);
    let through = |path: &str| {
        let mut command = Command::new(&alone);
        command.args(definitions.command(&[]).get_args()).env_clear().env("PATH", path);
        Ran::of(&finish(&mut command))
    };
    let abcs = definitions.volume.join("bin");
    let roots = definitions.scratch.join("bin");
    let ran = through(&format!("{}:/usr/bin:/bin", abcs.display()));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let ran = through("/nowhere:.");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("no futo-launch beside this program or on PATH"), "{}", ran.stderr);
    assert!(!definitions.scan("mine").exists());
    let ran = through(&format!("/usr/bin:/bin:{}", roots.display()));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let line = format!("\nexec {}/futo-launch ", roots.display());
    assert!(read(definitions.scan("mine/run")).contains(&line), "{}", read(definitions.scan("mine/run")));
}

#[test]
fn another_member_of_abcs_group_publishes_nothing_as_abc() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let group = |members: &str| -> String {
        let others: String = read("/etc/group")
            .lines()
            .filter(|line| !line.starts_with("abc:"))
            .map(|line| format!("{line}\n"))
            .collect();
        format!("{others}abc:x:911:{members}\n")
    };
    for (what, members, more_passwd, expected) in [
        ("alone", "", "", true),
        ("abc and root", "abc,root", "", true),
        ("a member", "bob", "bob:x:5001:5001::/:/bin/sh\n", false),
        ("by the primary group", "", "bob:x:5001:911::/:/bin/sh\n", false),
        ("known elsewhere", "ldap-user", "", false),
    ] {
        let definitions = Definitions::new("attack-group");
        let run = definitions.line("shared", "-- id");
        set_mode(&run, 0o775);
        definitions.line("own", "-- id");
        let group = definitions.scratch.write("group", &group(members), 0o644);
        let accounts = passwd(&definitions.scratch, |line| Some(line.to_string()));
        fs::write(&accounts, read(&accounts) + more_passwd).expect("written");
        let prefix: Vec<String> = with_file_at(&group, "/etc/group")
            .into_iter()
            .chain(with_file_at(&accounts, "/etc/passwd"))
            .map(|word| word.into_string().expect("text"))
            .collect();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        let ran = sync_through(&definitions, &prefix, &[]);
        assert!(definitions.scan("own/run").exists(), "{what}: {}", ran.stderr);
        assert_eq!(definitions.scan("shared/run").exists(), expected, "{what}: {}", ran.stderr);
        assert_eq!(ran.code, i32::from(!expected), "{what}: {}", ran.stderr);
    }
}

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
    let stdout = child.stdout.take().expect("its stdout");
    let mut stdout = std::io::BufReader::new(stdout);
    std::io::BufRead::read_line(&mut stdout, &mut line).expect("read");
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
        ran.stderr
            .contains("members that have its control FIFO open do until the service directory is recreated"),
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
    let said = format!("a process of another user holds its lock\nfuto: hint: kill {};", held.id());
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

#[test]
fn more_profiles_than_there_is_room_for_leave_room_for_roots_services() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let volume = Volume::new("attack-room");
    for number in 0..200 {
        volume.bare_profile(&format!("p{number:03}"));
    }
    let ran = volume.reconcile(&[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("action=registered").count(), 150, "{}", ran.stderr);
    let said = "there are more than 150 instances: 51 are left out, the first of them 'p149'";
    assert!(ran.stderr.contains(said) && !ran.stdout.contains("p149"), "{}", ran.stderr);
    assert!(volume.scan("gateway-default/run").exists() && volume.scan("gateway-p000/run").exists());
    // what is published stays, whatever comes before it
    volume.bare_profile("a-new-one");
    let ran = volume.reconcile(&["--prune"]);
    assert!(ran.stderr.contains(": 52 are left out, the first of them 'a-new-one'"), "{}", ran.stderr);
    assert!(volume.scan("gateway-p148/run").exists(), "{}", ran.stdout);
}

#[test]
fn what_there_is_no_room_for_is_not_read() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let volume = Volume::new("attack-read");
    let state = format!("{{\"x\": \"{}\", \"gateway_state\": \"running\"}}", "x".repeat(60_000));
    let first = volume.profile("p0000", state);
    volume.make("profiles/p0000/state");
    volume.write("profiles/p0000/state/gateway.lifecycle.json", vec![b' '; 1 << 20]);
    // by hard links, so that it costs hermes nothing
    for number in 1..3000 {
        let directory = volume.make(&format!("profiles/p{number:04}"));
        volume.make(&format!("profiles/p{number:04}/state"));
        for file in ["SOUL.md", "gateway_state.json", "state/gateway.lifecycle.json"] {
            fs::hard_link(first.join(file), directory.join(file)).expect("linked");
        }
    }
    let ran = volume.reconcile_through(&CPU, &[]);
    assert_eq!(ran.code, 1, "not killed: {}", ran.stderr);
    assert!(ran.stderr.contains("2851 are left out, the first of them 'p0149'"), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("action=started").count(), 149, "{}", ran.stderr);
    assert!(ran.stdout.len() + ran.stderr.len() < 50_000);
    // what is no instance is not listed for ever either
    for number in 0..500 {
        volume.make(&format!("profiles/Q{number:03}/x"));
        std::os::unix::fs::symlink("/", volume.home(format!("profiles/r{number:03}"))).expect("a link");
    }
    let ran = volume.reconcile_through(&CPU, &[]);
    assert!(ran.stdout.len() + ran.stderr.len() < 50_000, "{}", ran.stderr);
}

const TALKS: &str = "
import os, socket, sys, time
address = os.environ['NOTIFY_SOCKET']
print('socket', address, flush=True)
while not os.path.exists('now'): time.sleep(0.02)
talk = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
while True:
    try:
        talk.connect('\\0' + address[1:] if address[0] == '@' else address)
        talk.send(b'READY=1')
        break
    except OSError as error:
        print(error, flush=True)
        time.sleep(0.05)
print('told', flush=True)
time.sleep(1000)
";

/// A process of hermes' that sends as fast as it can; its exit code shows whether it may.
fn flooder(address: &str) -> Child {
    let script = "import socket, sys
address = sys.argv[1]
talk = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
try:
    talk.connect('\\0' + address[1:] if address[0] == '@' else address)
except PermissionError:
    sys.exit(13)
print('floods', flush=True)
while True:
    talk.send(b'READY=1')
";
    Command::new("python3")
        .args(["-c", script, address])
        .uid(HERMES)
        .gid(HERMES)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3 starts")
}

/// Clock ticks that a process has used.
fn ticks(pid: i32) -> u64 {
    let stat = read(format!("/proc/{pid}/stat"));
    let rest = stat.rsplit(')').next().expect("fields");
    let words: Vec<&str> = rest.split_whitespace().collect();
    words[11].parse::<u64>().expect("utime") + words[12].parse::<u64>().expect("stime")
}

#[test]
fn nobody_else_floods_the_socket_of_sd_notify() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let svscan = Svscan::start("attack-notify");
    let files = |talks| [("notification-fd", "3\n"), ("talks", talks)];
    let worker = "-- /usr/bin/python3 -c \"$(cat ./talks)\"";
    // in the state directory: the kernel refuses hermes
    let options = format!("--interval 1000 --ready sd_notify {worker}");
    let directory = svscan.add_launch("an-file", &options, &files(TALKS));
    let log = support::state("an-file.log");
    let said = eventually_contains(&log, "socket ");
    let path = said.split_whitespace().nth(1).expect("a path").to_string();
    assert_eq!(path, support::state("an-file.notify").display().to_string());
    assert_eq!(rights(Path::new(&path)), "0600 911:911");
    let status = flooder(&path).wait().expect("it ends");
    assert_eq!(status.code(), Some(13), "hermes may not send");
    support::write(&directory.join("now"), "", 0o644);
    eventually("it is ready", || (svscan.svstat("ready", "an-file") == ["true"]).then_some(()));
    svscan.svc(&["-d"], "an-file");
    eventually("the socket has gone", || (!Path::new(&path).exists()).then_some(()));

    // where it cannot be there everybody can send: a flood wakes the launcher once a second
    let scratch = Scratch::new("attack-notify-state");
    let deep = scratch.directory_of_abc(&format!("{}/{}", "d".repeat(60), "e".repeat(60)));
    own_by_abc(deep.parent().expect("a directory"));
    let options = format!("--interval 1000 --ready sd_notify --state-dir {} {worker}", deep.display());
    let directory = svscan.add_launch("an-name", &options, &files(TALKS));
    let said = eventually_contains(&deep.join("an-name.log"), "socket @");
    let name = said.split_whitespace().nth(1).expect("a name").to_string();
    let launcher = svscan.pid("an-name");
    let mut flooder = flooder(&name);
    let mut line = String::new();
    let mut out = std::io::BufReader::new(flooder.stdout.take().expect("its stdout"));
    std::io::BufRead::read_line(&mut out, &mut line).expect("read");
    assert_eq!(line, "floods\n");
    let (before, start) = (ticks(launcher), Instant::now());
    std::thread::sleep(Duration::from_secs(3));
    let (used, passed) = (ticks(launcher) - before, start.elapsed());
    // of a hundred ticks a second
    let share = used as f64 / passed.as_secs_f64();
    let not_ready = svscan.svstat("ready", "an-name");
    let _ = flooder.kill();
    let _ = flooder.wait();
    assert!(share < 5.0, "{share} % of a core");
    assert_eq!(not_ready, ["false"], "a stranger's word does not count");
    support::write(&directory.join("now"), "", 0o644);
    eventually("it is ready", || (svscan.svstat("ready", "an-name") == ["true"]).then_some(()));
}

#[test]
fn a_worker_does_not_have_roots_session_keyring() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let scratch = Scratch::new("attack-keyring");
    let ask = "import ctypes, platform
add, ctl = {'x86_64': (248, 250), 'aarch64': (217, 219)}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
";
    // -3 is the session keyring; 1 joins a new one, 10 searches, 11 reads
    let plant = format!(
        "{ask}import os, sys
if libc.syscall(ctl, 1, None) < 0 or libc.syscall(add, b'user', b'futo-root', b'secret', 6, -3) < 0:
    print('no keyrings here'); sys.exit(0)
os.execv(sys.argv[1], sys.argv[1:])
"
    );
    let look = format!(
        "{ask}key = libc.syscall(ctl, 10, -3, b'user', b'futo-root', 0)
buffer = ctypes.create_string_buffer(32)
read = libc.syscall(ctl, 11, key, buffer, 32) if key >= 0 else -1
print('found', buffer.value if read > 0 else None)
"
    );
    for mode in [&[][..], &["--once"]] {
        let mut launch = command(&["python3", "-c", &plant], &scratch.path);
        launch.arg(scratch.launcher()).args(["--log", "-"]).args(mode).args(["--", "python3", "-c", &look]);
        let output = finish(&mut launch);
        assert_eq!(code(&output), 0, "{}", said(&output));
        if stdout(&output).contains("no keyrings here") {
            eprintln!("NOT RUN: keyrings are refused here (docker's seccomp profile does)");
            return;
        }
        assert_eq!(stdout(&output), "found None\n", "{mode:?}: {}", said(&output));
    }
}

/// The lines of /proc/self/status on capabilities, of a worker.
fn capabilities(scratch: &Scratch, prefix: &[&str], options: &[&str], program: &str) -> Vec<(String, u64)> {
    let mut words: Vec<&str> = prefix.to_vec();
    if words.is_empty() {
        words.push("env");
    }
    let mut launch = command(&words, &scratch.path);
    launch.arg(scratch.launcher()).args(["--log", "-"]).args(options).args([
        "--",
        program,
        "/proc/self/status",
    ]);
    let output = finish(&mut launch);
    assert_eq!(code(&output), 0, "{options:?}: {}", said(&output));
    stdout(&output)
        .lines()
        .filter_map(|line| line.strip_prefix("Cap")?.split_once(":\t"))
        .map(|(name, set)| (name.to_string(), u64::from_str_radix(set, 16).expect("a set")))
        .collect()
}

fn set(sets: &[(String, u64)], name: &str) -> u64 {
    sets.iter().find(|(each, _)| each == name).expect("a set").1
}

#[test]
fn dropped_capabilities_come_back_by_no_program() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let scratch = Scratch::of_root("attack-caps");
    let before = set(&capabilities(&scratch, &[], &[], "cat"), "Bnd");
    assert!(before & (1 << 13) != 0, "this container has NET_RAW");
    // a program of root's with the set-uid bit, as sudo is
    let gains = scratch.join("gains");
    support::copy_by_process(&support::find_program("cat").expect("cat"), &gains);
    set_mode(&gains, 0o4755);
    let gains = gains.to_str().expect("text");
    assert_ne!(set(&capabilities(&scratch, &[], &[], gains), "Eff"), 0, "it gains rights without the option");
    let inheriting = ["setpriv", "--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--"];
    for mode in [&[][..], &["--once"]] {
        for user in ["abc", "root"] {
            let options = |drop: &'static str| [mode, &["--user", user, "--cap-drop", drop]].concat();
            for program in ["cat", gains] {
                let what = format!("{mode:?} {user} {program}");
                let all = capabilities(&scratch, &inheriting, &options("all"), program);
                assert!(all.iter().all(|(_, set)| *set == 0), "{what}: {all:x?}");
                let one = capabilities(&scratch, &inheriting, &options("net_raw"), program);
                assert_eq!(set(&one, "Bnd"), before & !(1 << 13), "{what}");
                assert!(one.iter().all(|(_, set)| set & (1 << 13) == 0), "{what}: {one:x?}");
            }
        }
    }
    // it means nothing without root: refused before anything runs
    let mut launch = scratch.launch_by(&AS_ABC, &scratch.path, &["--cap-drop", "all", "--", "echo", "ran"]);
    let output = finish(&mut launch);
    assert_eq!((code(&output), stdout(&output)), (100, String::new()), "{}", said(&output));
    assert!(said(&output).contains("--cap-drop: only root can take capabilities away"), "{}", said(&output));
    let shown =
        finish(&mut scratch.launch(&scratch.path, &["--explain", "--cap-drop", "KILL,net_raw", "--", "id"]));
    assert!(
        stdout(&shown).contains("capabilities dropped for every program: KILL,NET_RAW"),
        "{}",
        stdout(&shown)
    );
}

#[test]
fn sync_hardens_what_users_wrote_and_nothing_of_roots() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-harden");
    definitions.line("mine", "-- id");
    definitions.write_roots("roots/run", "#!/bin/sh\nexec futo-launch -- id\n");
    let hardened = "--user abc --no-new-privs --cap-drop=all --service-dir";
    let line = |name: &str| read(definitions.scan(name).join("run"));
    assert_eq!(definitions.sync(&[]).code, 0);
    assert!(!line("mine").contains(hardened), "not the default: {}", line("mine"));
    let ran = definitions.sync(&["--harden"]);
    assert!(ran.stdout.contains("service=mine action=updated"), "{}", ran.stdout);
    assert!(line("mine").contains(hardened), "{}", line("mine"));
    assert!(!line("roots").contains("--no-new-privs"), "{}", line("roots"));
    // futo new --now publishes as the last sync did
    let mut new = command(&[definitions.scratch.futo()], Path::new("/"));
    new.args(["new", "later", "--now", "--log", "-", "--from"]).arg(definitions.abcs(""));
    new.args(["--scan-dir"]).arg(definitions.scan("")).args(["--", "sleep", "1000"]);
    let output = finish(&mut new);
    let text = format!("{}{}", stdout(&output), stderr(&output));
    assert!(line("mine").contains(hardened), "{}\n{text}", line("mine"));
    assert_eq!(definitions.sync(&["--harden", "--trust-run"]).code, 100);
    assert!(definitions.sync(&[]).stdout.contains("service=mine action=updated"));
    assert!(!line("mine").contains("--no-new-privs"), "{}", line("mine"));
}

#[test]
fn no_hidden_character_of_abcs_reaches_a_terminal_or_a_program() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-hidden");
    let names = [
        "a\u{202e}b",
        "a\u{61c}b",
        "a\u{200b}b",
        "a\u{2066}b",
        "a\u{9b}31mb",
        "up yes",
        "a\u{2028}b",
        "a\u{ad}b",
    ];
    for name in names {
        definitions.line(name, &format!("--{name} -- id"));
    }
    let ran = definitions.sync(&[]);
    let json = definitions.sync(&["--json"]);
    let is_hidden = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    for text in [&ran.stdout, &ran.stderr, &json.stdout, &json.stderr] {
        assert!(!text.contains(is_hidden), "{text:?}");
    }
    assert!(ran.stdout.contains("service=up\\u{20}yes action=failed"), "{}", ran.stdout);
    let shown: Vec<String> = json.json()["services"]
        .as_array()
        .expect("services")
        .iter()
        .map(|row| row["name"].as_str().expect("a name").to_string())
        .collect();
    for name in names {
        assert!(shown.iter().any(|each| each == name), "JSON keeps the value: {name:?}");
    }
}
