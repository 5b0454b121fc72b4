//! What a worker can send and keep: the socket of sd_notify, keyrings, capabilities.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support;
use crate::support::launching::{code, command, finish};
use crate::support::{
    AS_ABC, HERMES, Scratch, Svscan, eventually, eventually_contains, needs, own_by_abc, read, rights, said,
    set_mode, stdout,
};

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
    assert!(said(&output).contains("--cap-drop: only root can drop capabilities"), "{}", said(&output));
    let shown =
        finish(&mut scratch.launch(&scratch.path, &["--explain", "--cap-drop", "KILL,net_raw", "--", "id"]));
    assert!(
        stdout(&shown).contains("capabilities dropped for every program: KILL,NET_RAW"),
        "{}",
        stdout(&shown)
    );
}
