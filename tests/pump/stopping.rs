//! What a pump does when its container or its volume goes away.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{children, eventually, needs, own_by_abc, read, signal, write};
use crate::{LIVE, all, assert_numbered, eventually_no_pump, lines_words, pair, progress, start};

#[test]
fn a_container_that_is_stopped_has_all_that_its_worker_has_written_in_the_log() {
    needs!(root, "unshare");
    for options in [&[][..], &["--log-stamp", "iso"], &["--every", "1000"]] {
        let mut direct = Direct::new("stopped");
        let words = lines_words(&direct, "bursts", "100000000");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let through = ["unshare", "--pid", "--fork", "--mount-proc"];
        direct.launch_through(&through, &[&LIVE[..], options].concat(), &words);
        let file = direct.scratch.join("state/progress");
        eventually("it has written", || (progress(&file) > 3 << 20).then_some(()));
        let init = children(direct.pid())[0];
        signal(init, Signal::SIGTERM);
        direct.end();
        let bytes = all(&direct.log_path());
        let bytes = if options.contains(&"iso") { crate::without_stamps(&bytes) } else { bytes };
        assert_numbered(&bytes);
        assert!(bytes.len() as u64 >= progress(&file), "{options:?}: {} of {}", bytes.len(), progress(&file));
    }
}

#[test]
fn pid_1_of_a_container_replaces_a_pump_whose_processes_are_both_killed() {
    needs!(root, "unshare");
    let mut direct = Direct::new("init");
    let mut words = lines_words(&direct, "bursts", "20000");
    words.push("20000".to_string());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    direct.launch_through(&["unshare", "--pid", "--fork", "--mount-proc"], &LIVE, &words);
    let (keeper, writer) = eventually("a pump", || pair(&direct));
    for number in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in [writer, keeper] {
            signal(pid, number);
        }
    }
    eventually("another pump", || pair(&direct).filter(|(now, _)| *now != keeper));
    assert_eq!(direct.end(), 0);
    assert_eq!(assert_numbered(&all(&direct.log_path())), 20_000);
}

#[test]
fn a_volume_cannot_be_made_read_only_while_a_pump_has_its_log_open() {
    needs!(root);
    let mut direct = Direct::new("read-only");
    let volume = crate::full_volume::Volume::mount(&direct, "64m");
    let mut words = lines_words(&direct, "bursts", "20000");
    words.push("10000".to_string());
    start(&mut direct, &LIVE, &words);
    eventually("the log", || fs::metadata(direct.log_path()).ok().filter(|log| log.len() > 0));
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(volume.path()).output();
    let remounted = remounted.expect("mount runs");
    assert!(!remounted.status.success(), "the system refuses it");
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
    assert_eq!(assert_numbered(&all(&direct.log_path())), 20_000, "{}", read(direct.scratch.join("stderr")));
    // and afterwards nothing keeps it
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(volume.path()).status();
    assert!(remounted.expect("mount runs").success());
}

#[test]
fn a_compression_that_was_killed_is_continued_by_the_next_run_or_start() {
    needs!(root);
    for options in [&["--every", "0.1"][..], &[]] {
        let mut direct = Direct::new("compressed");
        let options = [&["--log-live", "--log-gzip"], options].concat();
        direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
        direct.logs("run");
        if !options.contains(&"--every") {
            assert_eq!(direct.end(), 0);
        }
        // as a killed one leaves it
        let log = direct.log_path().display().to_string();
        for (name, text) in [(".2", "two\n"), (".gz-part", "half")] {
            let path = format!("{log}{name}");
            write(path.as_ref(), text, 0o644);
            own_by_abc(path.as_ref());
        }
        if !options.contains(&"--every") {
            direct.launch(Caller::Root, &options, &["sh", "-c", "echo run"]);
        }
        eventually("it is compressed", || fs::metadata(format!("{log}.2.gz")).ok());
        eventually("and the plain file is gone", || fs::metadata(format!("{log}.2")).err());
        assert!(fs::metadata(format!("{log}.gz-part")).is_err());
        direct.end_by(Signal::SIGTERM);
    }
}
