//! What a command says at a terminal while it waits, and no trace of it anywhere else.

mod support;

use std::process::Command;

use support::boot::Definitions;
use support::launching::{code, finish};
use support::{Svscan, eventually, needs, stderr, stdout};

/// Runs the words at a terminal of their own, and passes on what they show.
const AT_TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";

/// What a command shows at a terminal, with its line ends as in a file.
fn shown(svscan: &Svscan, words: &[&str]) -> String {
    at_terminal(&svscan.futo(&[], words))
}

fn at_terminal(futo: &Command) -> String {
    let mut command = Command::new("python3");
    command.args(["-c", AT_TERMINAL]).arg(futo.get_program()).args(futo.get_args());
    let output = finish(&mut command);
    assert!(code(&output) <= 1, "{}{}", stdout(&output), stderr(&output));
    stdout(&output).replace("\r\n", "\n")
}

/// What is left on the screen: a line that was erased is gone.
fn left(shown: &str) -> String {
    let last = |line: &str| line.rsplit("\r\u{1b}[K").next().unwrap_or_default().to_string();
    shown.lines().map(|line| last(line) + "\n").collect()
}

#[test]
fn at_a_terminal_one_line_says_what_is_waited_for() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("progress");
    for name in ["pr-a", "pr-b"] {
        svscan.add_launch(name, "--interval 60 -- true", &[]);
        eventually("it is up", || (!support::record_of(name).is_null()).then_some(()));
    }
    svscan.scratch.directory_of_abc("definitions/pr-old");
    svscan.scratch.write("definitions/pr-old/run", "#!/bin/sh\nexec sleep 1000\n", 0o755);
    for (words, line) in [
        (&["convert", "--all"][..], "converting pr-old"),
        (&["stop", "pr-a", "pr-b"], "stop pr-b (2 of 2)"),
        (&["start", "pr-a", "pr-b"], "start pr-a (1 of 2)"),
        (&["restart", "pr-a", "pr-b"], "restart pr-b (2 of 2)"),
        (&["check", "pr-a", "pr-b"], "checking pr-a (1 of 2)"),
    ] {
        let shown = shown(&svscan, words);
        assert!(shown.contains(&format!("\r\u{1b}[K{line}\r\u{1b}[K")), "{shown:?}");
        assert!(!left(&shown).contains(line), "{shown:?}");
        let piped = finish(&mut svscan.futo(&[], words));
        assert!(!stdout(&piped).contains('\r') && !stderr(&piped).contains('\r'), "{piped:?}");
    }
    let definitions = Definitions::new("progress-sync");
    definitions.line("pr-c", "--interval 60 -- true");
    let synced = at_terminal(&definitions.command(&["--dry-run"]));
    assert!(synced.contains("\r\u{1b}[Kpublishing (service 1)\r\u{1b}[K"), "{synced:?}");
    assert!(left(&synced).contains("pr-c"), "{synced:?}");
}

#[test]
fn at_a_terminal_runs_are_marks_and_a_table() {
    needs!(root, "s6-svscan", "python3");
    let svscan = Svscan::start("progress-runs");
    svscan.add_launch("pr-runs", "--interval 60 -- sh -c 'echo no; exit 3'", &[]);
    eventually("it has run", || support::record_of("pr-runs")["last_status"].as_i64());
    let page = eventually("the run is shown", || {
        let page = shown(&svscan, &["runs", "pr-runs"]);
        page.contains("x failed\n").then_some(page)
    });
    assert!(page.starts_with("pr-runs: failing: 1 run failed with status 3: no\n1 run since "), "{page}");
    assert!(page.contains("\nx\n█\n"), "{page}");
}
