//! A volume that is full: the worker waits, or lines are dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::direct::{Caller, Direct};
use crate::support::numbered::line;
use crate::support::numbered_log::{assert_numbered, files, without_stamps};
use crate::support::{eventually, needs, own_by_abc, read, throughout, write};
use crate::{eventually_no_pump, lines_words, start};

/// A small file system of its own at `state/`; unmounted when it is dropped.
pub(crate) struct Volume(PathBuf);

impl Volume {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn mount(direct: &Direct, size: &str) -> Volume {
        let path = direct.scratch.join("state");
        let options = format!("size={size},mode=0755,uid=911,gid=911");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).status();
        assert!(status.expect("mount runs").success());
        Volume(path)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_worker_waits_for_a_full_volume_and_goes_on() {
    needs!(root);
    for stamp in [&[][..], &["--log-stamp", "iso"]] {
        let mut direct = Direct::new("full");
        let _volume = Volume::mount(&direct, "2m");
        let filler = direct.scratch.join("state/filler");
        fs::write(&filler, vec![b'x'; 1 << 20]).expect("a filler");
        let mut words = lines_words(&direct, "bursts", "15000");
        words.truncate(3);
        start(&mut direct, &[&["--log-live", "--log-size", "100M"], stamp].concat(), &words);
        eventually("it is reported", || direct.stderr().contains("no space left").then_some(()));
        throughout("it waits", Duration::from_millis(500), || direct.is_running());
        let state = read(format!("{}.pump", direct.log_path().display()));
        assert!(state.to_lowercase().contains("no space left"), "{state}");
        fs::remove_file(&filler).expect("removed");
        assert_eq!(direct.end(), 0);
        eventually_no_pump(&direct);
        let bytes = fs::read(direct.log_path()).expect("the log");
        let bytes = if stamp.is_empty() { bytes } else { without_stamps(&bytes) };
        assert_eq!(assert_numbered(&bytes), 15_000);
        assert_eq!(direct.stderr().matches("unable to write log").count(), 1, "{}", direct.stderr());
    }
}

#[test]
fn lines_that_a_full_volume_does_not_take_are_dropped_whole_and_counted() {
    needs!(root);
    let mut direct = Direct::new("drop");
    let _volume = Volume::mount(&direct, "1m");
    let filler = direct.scratch.join("state/filler");
    fs::write(&filler, vec![b'x'; 700 << 10]).expect("a filler");
    let lines = direct.scratch.lines().display().to_string();
    let script = format!("{lines} bursts 20000; while [ ! -e go ]; do sleep 0.05; done; echo end");
    direct.launch(Caller::Root, &["--log-full", "drop", "--log-size", "100M"], &["sh", "-c", &script]);
    eventually("it is reported", || direct.stderr().contains("no space left").then_some(()));
    let state = || read(format!("{}.pump", direct.log_path().display()));
    eventually("all is dropped", || state().contains("dropped").then_some(()));
    std::thread::sleep(Duration::from_millis(300));
    fs::remove_file(&filler).expect("removed");
    direct.write("go", "", 0o644);
    let log = direct.logs("end\n");
    assert_eq!(direct.end(), 0);
    let mut expected = 0;
    let mut missing = 0_u64;
    for got in log.as_bytes().split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(got);
        if let Some((_, rest)) = text.split_once("drop: warning: ") {
            let dropped: u64 = rest.split(' ').next().and_then(|word| word.parse().ok()).expect("a number");
            expected += dropped;
            missing += dropped;
        } else if text != "end\n" {
            assert_eq!(got, line(expected), "line {expected}");
            expected += 1;
        }
    }
    assert!(missing > 0);
    assert_eq!(expected, 20_000);
}

#[test]
fn a_report_of_dropped_lines_and_a_line_too_long_for_one_file_keep_the_history() {
    needs!(root);
    let mut direct = Direct::new("history");
    let volume = Volume::mount(&direct, "1m");
    let filler = volume.0.join("filler");
    let old = PathBuf::from(format!("{}.1", direct.log_path().display()));
    write(&old, "old\n", 0o644);
    own_by_abc(&old);
    let filler_text = filler.display();
    let script = format!(
        "cat /dev/zero > {filler_text} 2>/dev/null; echo lost; while [ ! -e go ]; do sleep 0.05; done
         head -c 4079 /dev/zero | tr '\\0' x; echo; echo end"
    );
    let options = ["--log-full", "drop", "--log-size", "4096", "--log-keep", "3"];
    direct.launch(Caller::Root, &options, &["sh", "-c", &script]);
    eventually("it is reported", || direct.stderr().contains("no space left").then_some(()));
    fs::remove_file(&filler).expect("removed");
    direct.write("go", "", 0o644);
    assert_eq!(direct.end(), 0);
    eventually_no_pump(&direct);
    let files = files(&direct.log_path());
    assert!(files.iter().all(|file| !file.is_empty() && file.len() <= 4096));
    let text = String::from_utf8(files.concat()).expect("text");
    let expected = format!("warning: 1 lines were dropped here\n{}\nend\n", "x".repeat(4079));
    assert!(text.starts_with("old\n") && text.ends_with(&expected), "{text}");
}
