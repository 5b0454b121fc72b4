//! What futo shows of logs with a pump, and the orders of a supervisor.

mod support;

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use support::launching::{code, finish};
use support::numbered_log::{assert_numbered, without_stamps};
use support::{
    EndedBy, Svscan, eventually, eventually_contains, log_of, logs, needs, occurrences, said, state, stdout,
};

fn futo(svscan: &Svscan, words: &[&str]) -> Output {
    finish(&mut svscan.futo(&[], words))
}

#[test]
fn logs_are_read_across_rotated_and_compressed_files() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("history");
    let script =
        "i=0; while [ $i -lt 300 ]; do i=$((i + 1)); echo \"line $i of them\"; done; exec sleep 1000";
    let words =
        format!("--log-stamp iso --log-size 4K --log-keep 9 --log-gzip -- sh -c {}", support::quoted(script));
    svscan.add_launch("lc-history", &words, &[]);
    logs("lc-history", "line 300 of them");
    let log = state("lc-history.log").display().to_string();
    eventually("all are compressed", || {
        (fs::exists(format!("{log}.3.gz")).ok()? && !fs::exists(format!("{log}.1")).ok()?).then_some(())
    });
    let shown = stdout(&futo(&svscan, &["logs", "-n", "250", "lc-history"]));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 250, "{shown}");
    assert!(lines[0].ends_with("line 51 of them") && lines[249].ends_with("line 300 of them"), "{shown}");
    let since = stdout(&futo(&svscan, &["logs", "--since", "1h", "lc-history"]));
    assert_eq!(since.lines().count(), 300);
    assert_eq!(stdout(&futo(&svscan, &["logs", "--since", "0.001", "lc-history"])), "");

    let both = futo(&svscan, &["logs", "--since", "1h", "-n", "3", "lc-history"]);
    assert_eq!(code(&both), 100, "{}", said(&both));
    svscan.add_launch("lc-plain", "-- sh -c 'echo plain; exec sleep 1000'", &[]);
    logs("lc-plain", "plain");
    let plain = futo(&svscan, &["logs", "--since", "1h", "lc-plain"]);
    assert_eq!(code(&plain), 111);
    assert!(said(&plain).contains("no line in it has a time") && said(&plain).contains("--log-stamp"));
}

#[test]
fn orders_of_the_supervisor_lose_no_line() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("orders");
    let script = "trap 'echo hangup' HUP; echo begin; while :; do sleep 0.02; done";
    for (name, options) in [("lc-exec", "--log-live"), ("lc-loop", "--log-live --interval 1000 --grace 0.5")]
    {
        svscan.add_launch(name, &format!("{options} -- sh -c {}", support::quoted(script)), &[]);
        let begins = |count: usize| {
            eventually(&format!("{name} begins {count} times"), || {
                (occurrences(&log_of(name), "begin\n") == count).then_some(())
            });
        };
        begins(1);
        svscan.svc(&["-r"], name);
        begins(2);
        svscan.svc(&["-k"], name);
        begins(3);
        svscan.svc(&["-h"], name);
        svscan.svc(&["-d"], name);
        eventually("it is down", || (svscan.svstat("up", name) == ["false"]).then_some(()));
        svscan.svc(&["-u"], name);
        begins(4);
        svscan.svc(&["-xd"], name);
        let text = log_of(name);
        assert_eq!(occurrences(&text, "begin\n"), 4, "{text}");
    }
}

#[test]
fn a_log_that_has_long_been_too_large_is_found() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("large");
    svscan.add_launch("lc-large", "--log-size 4K -- sh -c 'echo begin; exec sleep 1000'", &[]);
    logs("lc-large", "begin");
    let log = fs::OpenOptions::new().write(true).open(state("lc-large.log")).expect("the log");
    log.set_len(39 << 10).expect("its size");
    assert!(!printed(&svscan).contains("times --log-size"), "{}", printed(&svscan));
    log.set_len(41 << 10).expect("its size");
    assert!(printed(&svscan).contains("over 10 times --log-size (4 KiB)"), "{}", printed(&svscan));
    assert!(printed(&svscan).contains("--log-live rotates it"), "{}", printed(&svscan));
}

fn printed(svscan: &Svscan) -> String {
    stdout(&futo(svscan, &["check", "lc-large"]))
}

#[test]
fn the_age_of_a_log_is_that_of_its_last_line() {
    needs!(root, "s6-svscan", "script");
    let svscan = Svscan::start("age");
    for name in ["lc-old", "lc-new"] {
        svscan.add_launch(name, "--log-live -- sh -c 'echo begin; exec sleep 1000'", &[]);
        logs(name, "begin");
    }
    let log = fs::OpenOptions::new().write(true).open(state("lc-old.log")).expect("the log");
    log.set_modified(SystemTime::now() - Duration::from_secs(3 * 3600)).expect("its time");
    let words = format!(
        "stty cols 200; {} status --scan-dir {} lc-old lc-new",
        svscan.scratch.futo().display(),
        svscan.scratch.join("scan").display()
    );
    // the column is only in the table for terminals
    let shown = stdout(&finish(Command::new("script").args(["-qec", &words, "/dev/null"])));
    let line =
        |name: &str| shown.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{shown}"));
    assert!(shown.contains("LOG AGE"), "{shown}");
    assert!(line("lc-old").contains(" 3h") && !line("lc-new").contains(" 3h"), "{shown}");
}

#[test]
fn a_volume_that_is_nearly_full_is_found() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("volume");
    let place = svscan.scratch.directory_of_abc("state");
    let options = "size=40m,mode=0755,uid=911,gid=911";
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&place).status();
    assert!(mounted.expect("mount runs").success());
    let words = format!("--state-dir {} --log-live -- sh -c 'echo begin; exec sleep 1000'", place.display());
    svscan.add_launch("lc-volume", &words, &[]);
    eventually_contains(&place.join("lc-volume.log"), "begin");
    let check = || stdout(&futo(&svscan, &["check", "lc-volume"]));
    let before = check();
    fs::write(place.join("filler"), vec![b'x'; (38 << 20) + (512 << 10)]).expect("a filler");
    let after = check();
    let status = Command::new("umount").arg("-l").arg(&place).status();
    assert!(status.expect("umount runs").success());
    assert!(!before.contains("nearly full"), "{before}");
    assert!(after.contains("is nearly full: less than 5 % left"), "{after}");
}

/// A worker that writes numbered lines while its log is rotated many times a second.
fn rotating(svscan: &Svscan, name: &str, options: &str) {
    let lines = svscan.scratch.lines().display().to_string();
    let script = format!("{lines} lines {LINES} /dev/null 100; exec sleep 1000");
    let words =
        format!("--log-live --log-size 8K --log-keep 1000 {options} -- sh -c {}", support::quoted(&script));
    svscan.add_launch(name, &words, &[]);
}

const LINES: u64 = 6000;

#[test]
fn a_log_that_is_rotated_while_it_is_read_is_read_once_and_whole() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("race");
    for (name, options) in [("lc-race", ""), ("lc-race-gzip", "--log-gzip")] {
        rotating(&svscan, name, options);
        let log = state(&format!("{name}.log"));
        eventually("the log", || log.exists().then_some(()));
        let all = ["logs", "-n", "100000", name];
        let shown = svscan.scratch.join(format!("{name}.followed"));
        let mut follow = svscan.futo(&[], &[&all[..], &["-f"]].concat());
        follow.stdin(Stdio::null()).stdout(fs::File::create(&shown).expect("a file"));
        let follow = EndedBy(Signal::SIGTERM, follow.spawn().expect("it starts"));
        // each time all of it, from the first line on
        let count = eventually("all is written", || {
            let output = futo(&svscan, &all);
            assert_eq!(code(&output), 0, "{}", said(&output));
            let count = assert_numbered(&output.stdout);
            (count == LINES).then_some(count)
        });
        let followed = || assert_numbered(&fs::read(&shown).expect("what it shows"));
        eventually("all is followed", || (followed() == count).then_some(()));
        drop(follow);
    }
}

#[test]
fn lines_since_a_time_are_read_whole_while_the_log_is_rotated() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("since");
    rotating(&svscan, "lc-since", "--log-stamp iso");
    logs("lc-since", "\n");
    eventually("all is written", || {
        let output = futo(&svscan, &["logs", "--since", "1h", "lc-since"]);
        assert_eq!(code(&output), 0, "{}", said(&output));
        (assert_numbered(&without_stamps(&output.stdout)) == LINES).then_some(())
    });
}
