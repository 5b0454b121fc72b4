//! Signals that were ignored when the launcher began: under a supervisor nobody intends that, at a shell somebody does.

mod support;

use nix::sys::signal::Signal;
use support::launching::command;
use support::{Probe, Svscan, eventually, log_of, needs, output, stdout};

/// Ignores every signal that can be ignored, also those without a name, and becomes another program.
const IGNORING: &str = "import os, signal, sys\n\
    for number in set(range(1, 65)) - {9, 19, 32, 33}:\n\
    \x20   signal.signal(number, signal.SIG_IGN)\n\
    os.execv(sys.argv[1], sys.argv[1:])\n";

fn ignored(probe: &Probe) -> u64 {
    u64::from_str_radix(probe.get("ignored"), 16).expect("a mask")
}

#[test]
fn under_a_supervisor_no_worker_begins_with_an_ignored_signal() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("ignored");
    let python = svscan.scratch.write("ignoring.py", IGNORING, 0o644);
    let (launcher, probe) = (svscan.scratch.launcher(), svscan.scratch.probe());
    // with a config.env that is corrected after a while: exec mode after a rest
    let cases = [
        ("ignored-exec", "", ""),
        ("ignored-loop", "--interval 1000", ""),
        ("ignored-rested", "", "A=$(date)\n"),
    ];
    for (name, options, text) in cases {
        let run = format!(
            "#!/bin/sh\nexec python3 {} {} {options} -- {}\n",
            python.display(),
            launcher.display(),
            probe.display()
        );
        let directory = svscan.add(name, &[("run", &run), ("config.env", text)]);
        if !text.is_empty() {
            eventually("it rests", || log_of(name).contains("resting until").then_some(()));
            support::write(&directory.join("config.env"), "A=good\n", 0o644);
        }
    }
    for (name, ..) in cases {
        let page = eventually(&format!("a probe of {name}"), || {
            let page = log_of(name);
            page.contains("args=").then_some(page)
        });
        assert_eq!(ignored(&Probe::parse(&page)), 0, "{name}: {page}");
    }
}

#[test]
fn at_a_shell_what_nohup_has_set_stays() {
    needs!(root, "s6-svscan", "python3");
    let scratch = support::Scratch::new("nohup");
    let python = scratch.write("ignoring.py", IGNORING, 0o644);
    let words = [
        "python3".into(),
        python.into_os_string(),
        scratch.launcher().into_os_string(),
        "--".into(),
        scratch.probe().into_os_string(),
    ];
    let ended = output(&mut command(&words, &scratch.path));
    let mask = ignored(&Probe::of(&ended));
    // a write to a closed pipe is the worker's business, as everywhere
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1] {
        assert!(mask & (1 << (signal as i32 - 1)) != 0, "{signal}: {}", stdout(&ended));
    }
}
