//! What futo shows of logs with a pump, and the orders of a supervisor.

mod support;

use std::fs;
use std::process::Output;

use support::launching::{code, finish};
use support::{Svscan, eventually, log_of, logs, needs, occurrences, said, state, stdout};

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
