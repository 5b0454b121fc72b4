//! Where the log is, and who writes to it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::ended;
use crate::support::launching::{PATH, finish};
use crate::support::{Scratch, log_of, needs, path_str, read, state, stderr, stdout, without_times};

#[test]
fn the_log_is_in_the_state_directory_with_mode_0640_whatever_the_umask() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("log");
    for umask in ["000", "077", "777"] {
        let name = format!("exec-log{umask}");
        let script = format!("umask {umask}; exec \"$@\"");
        let mut command = scratch.launch_by(
            &["sh", "-c", &script, "sh"],
            &scratch.service(&name),
            &["--", "sh", "-c", "echo out; echo err >&2; umask"],
        );
        assert_eq!(ended(&finish(&mut command)), (0, String::new()), "{umask}");
        let log = state(&format!("{name}.log"));
        assert_eq!(read(&log), format!("out\nerr\n0{umask}\n"));
        let made = fs::metadata(&log).expect("the log");
        assert_eq!((made.mode() & 0o7777, made.uid(), made.gid()), (0o640, 911, 911), "{umask}");
    }
    for directory in ["/config/.local", "/config/.local/state", "/config/.local/state/futodama"] {
        let made = fs::metadata(directory).expect("made");
        assert_eq!((made.mode() & 0o7777, made.uid(), made.gid()), (0o755, 911, 911), "{directory}");
    }
}

#[test]
fn log_mode_and_log_path_are_as_given_and_appended_to() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("log-path");
    let service = scratch.service("exec-logpath");
    let log = scratch.directory_of_abc("logs").join("deep/er/my.log");
    let options = ["--log", path_str(&log), "--log-mode", "604", "--"];
    for word in ["one", "two"] {
        let output = finish(scratch.launch(&service, &options).args(["sh", "-c", "echo $1", "sh", word]));
        assert_eq!(ended(&output), (0, String::new()));
    }
    assert_eq!(read(&log), "one\ntwo\n");
    assert_eq!(fs::metadata(&log).expect("the log").mode() & 0o7777, 0o604);
    let state_dir = scratch.directory_of_abc("state");
    let output =
        finish(&mut scratch.launch(&service, &["--state-dir", path_str(&state_dir), "echo", "three"]));
    assert_eq!(ended(&output), (0, String::new()));
    assert_eq!(read(state_dir.join("exec-logpath.log")), "three\n");
}

#[test]
fn log_dash_is_the_inherited_stdout_and_stderr_joins_it() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("log-dash");
    let service = scratch.service("exec-logdash");
    for options in [["--log", "-"].as_slice(), &["--log", "-", "--once"]] {
        let mut command = scratch.launch(&service, options);
        let output = finish(command.args(["--", "sh", "-c", "echo out; echo err >&2"]));
        assert_eq!(stdout(&output), "out\nerr\n", "{options:?}");
        assert!(!stderr(&output).contains("err\n"), "{options:?}");
    }
    assert!(!state("exec-logdash.log").exists());
}

#[test]
fn our_own_lines_about_a_missing_program_go_to_stderr_and_to_the_log() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("own-lines");
    let service = scratch.service("exec-ownlines");
    let output = finish(&mut scratch.launch(&service, &["nosuchprogram"]));
    let expected = format!(
        "TIME exec-ownlines: fatal: unable to execute 'nosuchprogram': not found in PATH ({PATH})\n\
         TIME exec-ownlines: hint: check the name, or give the full path\n"
    );
    assert_eq!(ended(&output), (127, expected.clone()));
    assert_eq!(without_times(&log_of("exec-ownlines")), expected);
}
