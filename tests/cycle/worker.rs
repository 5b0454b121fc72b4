//! What a worker finds.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::needs;

#[test]
fn a_worker_finds_a_group_of_its_own_an_empty_mask_defaults_and_three_descriptors() {
    needs!(root);
    for caller in [Caller::Root, Caller::Abc] {
        let direct = Direct::new("finds");
        direct.write("config.env", "TOKEN='a b'\n", 0o600);
        let probe = direct.scratch.probe();
        let probe = probe.to_str().expect("a text");
        let command = direct.command(caller, &["--once", "--env", "MORE=1"], &[probe, "first word", ""]);
        // as a careless starter leaves them: everything blocked or ignored that can be
        let status = Command::new("python3")
            .args(["-c", IGNORING])
            .arg(direct.scratch.launcher())
            .args(command.get_args())
            .current_dir(direct.directory())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/nowhere")
            .env("KEPT", "yes")
            .env("FUTO_TESTS_UID", if caller == Caller::Abc { "911" } else { "0" })
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("python3 starts").success());
        let page = direct.log();
        let row = |name: &str| {
            page.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap_or("(no such row)")
        };
        assert_eq!(row("uids"), "911 911 911 911", "{page}");
        assert_eq!(row("blocked"), "0000000000000000", "{page}");
        assert_eq!(row("caught"), "0000000000000000", "{page}");
        let ignored = u64::from_str_radix(row("ignored"), 16).expect("a mask");
        assert_eq!(ignored & 0x7fff_ffff, 0, "{page}");
        assert_eq!(row("pgid"), row("pid"), "{page}");
        let log = direct.log_path().display().to_string();
        assert_eq!(row("fds"), format!("0:/dev/null 1:{log} 2:{log}"), "{page}");
        assert_eq!(row("cwd"), direct.directory().display().to_string(), "{page}");
        let variables: Vec<&str> = page.lines().filter(|line| line.starts_with("env.")).collect();
        let home = if caller == Caller::Abc { "env.HOME=/nowhere" } else { "env.HOME=/config" };
        let expected = [
            home,
            "env.KEPT=yes",
            "env.LOGNAME=abc",
            "env.MORE=1",
            "env.PATH=/usr/bin:/bin",
            "env.TOKEN=a b",
            "env.USER=abc",
        ];
        assert_eq!(variables, expected, "{page}");
    }
}

/// Starts a program with blocked and ignored signals and stray descriptors.
const IGNORING: &str = r#"
import os, signal, sys
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.environ.pop("LC_CTYPE", None)
null = os.open("/dev/null", os.O_RDWR)
os.dup2(null, 0)
for number in (3, 7, 42, 900):
    os.dup2(null, number, inheritable=True)
if os.environ.pop("FUTO_TESTS_UID") == "911":
    os.setgroups([]); os.setresgid(911, 911, 911); os.setresuid(911, 911, 911)
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[test]
fn bounds_bind_the_worker_and_not_the_launcher() {
    needs!(root);
    let mut direct = Direct::new("bounds");
    // less than the launcher itself needs
    let options = ["--interval", "1000", "--ulimit", "nofile=4"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "ulimit -n; exit 3"]);
    let record = direct.after_runs(1);
    assert_eq!(record["last_status"], 3, "{record}: {}", direct.stderr());
    let bounded: u64 = fs::read_to_string(format!("/proc/{}/limits", direct.pid()))
        .expect("its limits")
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
        .expect("a number");
    assert!(bounded > 4, "{bounded}");
    assert_eq!(direct.end_by(Signal::SIGTERM).0, 0);
}
