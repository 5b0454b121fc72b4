//! Where output goes, and what becomes of rotated logs where the worker writes to its log itself.
mod support;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use support::direct::{Caller, Direct};
use support::launching::{code, finish};
use support::{Scratch, eventually, names_in, needs, read, said, stdout};

#[test]
fn output_can_be_discarded() {
    needs!(root);
    let direct = Direct::new("none");
    let mut command =
        direct.command(Caller::Root, &["--log", "none"], &["sh", "-c", "echo one; echo two >&2"]);
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("it runs");
    assert_eq!((code(&output), stdout(&output), said(&output)), (0, String::new(), String::new()));
    assert!(!direct.log_path().exists());
    let explained = direct
        .command(Caller::Root, &["--log", "none", "--explain"], &["true"])
        .stdout(Stdio::piped())
        .output();
    let page = stdout(&explained.expect("it runs"));
    assert!(page.contains("output is discarded"), "{page}");
}

#[test]
fn a_logger_of_the_service_gets_the_output() {
    needs!(root);
    let direct = Direct::new("logger");
    direct.scratch.write("logger/log/run", "#!/bin/sh\n", 0o755);
    let run = |options: &[&str]| {
        let mut command = direct.command(Caller::Root, options, &["sh", "-c", "echo one; echo two >&2"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("it runs")
    };
    let output = run(&[]);
    assert_eq!((code(&output), stdout(&output)), (0, "one\ntwo\n".to_string()));
    assert!(!direct.log_path().exists());
    let page = stdout(&run(&["--explain"]));
    assert!(page.contains("the service's own logger (log/run)"), "{page}");
    for option in ["--log-live", "--log-gzip", "--log-stamp=iso", "--log-tee", "--log-full=drop"] {
        let output = run(&[option]);
        assert_eq!(code(&output), 100, "{option}");
        assert!(said(&output).contains("log/run"), "{}", said(&output));
    }
    // a file that is named is what is meant
    let path = direct.log_path().display().to_string();
    assert_eq!(stdout(&run(&["--log", &path])), "");
    assert_eq!(direct.log(), "one\ntwo\n");
}

#[test]
fn options_that_mean_nothing_together_are_refused() {
    let scratch = Scratch::new("combined");
    for (options, expected) in [
        (&["--log", "-", "--log-live"][..], "--log-live: has no meaning here"),
        (&["--log", "none", "--log-stamp", "iso"], "--log-stamp: has no meaning here"),
        (&["--log", "x", "--log-gzip", "--log-keep", "0"], "--log-gzip: has no meaning with --log-keep 0"),
        (&["--log", "x", "--log-live", "--log-size", "0"], "--log-live: has no meaning with --log-size 0"),
        (&["--log", "x", "--log-stamp", "utc"], "is neither 'iso' nor 'tai64n'"),
        (&["--log", "x", "--log-full", "wait"], "is neither 'block' nor 'drop'"),
        (&["--log-tee"], "output goes to the inherited stdout"),
    ] {
        let words: Vec<&str> = options.iter().copied().chain(["--", "true"]).collect();
        let output = finish(&mut scratch.launch(&scratch.path, &words));
        assert_eq!(code(&output), 100, "{options:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{options:?}: {}", said(&output));
    }
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = fs::File::open(path).expect("a compressed log");
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).expect("its text");
    text
}

#[test]
fn rotated_logs_are_compressed_between_runs() {
    needs!(root);
    let script = "head -c 5000 /dev/zero | tr '\\0' x; echo; echo end";
    let options = ["--every", "0.1", "--log-size", "4K", "--log-keep", "3", "--log-gzip"];
    let direct = Direct::start("gzip", &options, script);
    let rotated =
        |number: u32| Path::new(&format!("{}.{number}.gz", direct.log_path().display())).to_path_buf();
    eventually("the third is compressed", || rotated(3).exists().then_some(()));
    let text = eventually("it is there", || rotated(3).exists().then(|| unpacked(&rotated(3))));
    assert!(text.ends_with("x\nend\n"), "{} bytes", text.len());
    assert!(!rotated(4).exists());
    let status = fs::metadata(rotated(3)).expect("its status");
    let (uid, mode) = {
        use std::os::unix::fs::MetadataExt;
        (status.uid(), status.mode() & 0o777)
    };
    assert_eq!((uid, mode), (911, 0o640));
}

#[test]
fn a_size_of_0_is_never_rotated() {
    needs!(root);
    let direct = Direct::start("never", &["--every", "0.05", "--log-size", "0"], "echo run");
    eventually("five runs", || (read(direct.log_path()).lines().count() >= 5).then_some(()));
    assert!(!names_in(&direct.scratch.join("state")).contains(&"never.log.1".to_string()));
}
