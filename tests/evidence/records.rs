//! Run records that prove nothing, and state directories that cannot be written.

use std::fs;
use std::path::Path;

use crate::support::launching::{code, finish};
use crate::support::{Svscan, eventually_every, needs, set_mode, stdout, unmount};
use crate::{PAUSE, becomes, change, futo, health, mount_tmpfs, page, states};

/// A loop whose record and log are in `state`, up with a record of its own.
fn waiting(svscan: &Svscan, name: &str) -> std::path::PathBuf {
    let directory = svscan.scratch.directory_of_abc(&format!("state-{name}"));
    let words = format!("--state-dir {} --interval 1h -- true", directory.display());
    svscan.add_launch(name, &words, &[]);
    becomes(svscan, name, "waiting");
    directory.join(format!("{name}.json"))
}

#[test]
fn a_record_that_proves_nothing_is_not_healthy() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("records");
    let names =
        ["missing", "moved", "foreign", "reused", "corrupt", "stolen", "overdue", "childless", "older"];
    let [missing, moved, foreign, reused, corrupt, stolen, overdue, childless, older] =
        names.map(|name| waiting(&svscan, &format!("re-{name}")));
    fs::remove_file(&missing).expect("removed");
    let directory = moved.parent().expect("its directory");
    fs::rename(directory, directory.with_extension("away")).expect("moved");
    change(&foreign, |page| page["pid"] = 1.into());
    // the pid of an earlier life, which a restarted container gives again
    change(&reused, |page| page["pid_started"] = 4711.into());
    fs::write(&corrupt, "{").expect("written");
    std::os::unix::fs::lchown(&stolen, Some(12345), None).expect("chown");
    change(&overdue, |page| {
        page["next_due"] = "2026-01-01T09:00:00Z".into();
        page["next_due_boot"] = serde_json::Value::Null;
    });
    change(&childless, |page| {
        page["last_start"] = "2026-01-01T09:00:00.000Z".into();
        page["last_start_boot"] = serde_json::Value::Null;
        page["last_end"] = serde_json::Value::Null;
        page["next_due"] = serde_json::Value::Null;
    });
    // written by a launcher before these fields
    change(&older, |page| {
        page.as_object_mut().expect("an object").retain(|key, _| {
            !["pid_started", "next_due_boot", "last_start_boot", "waiting_for_lock"].contains(&key.as_str())
        });
    });
    let place = |record: &Path| record.display().to_string();
    let expected = [
        ("re-childless", "overdue", "the run record still shows a run that started ".to_string()),
        (
            "re-corrupt",
            "unknown",
            format!("unable to read run record '{}': it is not a run record", place(&corrupt)),
        ),
        (
            "re-foreign",
            "unknown",
            format!("run record '{}' was written by another launcher", place(&foreign)),
        ),
        ("re-missing", "unknown", format!("run record '{}' does not exist", place(&missing))),
        ("re-moved", "unknown", format!("run record '{}' does not exist", place(&moved))),
        ("re-older", "waiting", String::new()),
        ("re-overdue", "overdue", "a run was due ".to_string()),
        ("re-reused", "unknown", format!("run record '{}' was written by another launcher", place(&reused))),
        ("re-stolen", "unknown", format!("unable to read run record '{}': it is owned", place(&stolen))),
    ];
    becomes(&svscan, "re-missing", "unknown");
    let all = states(&svscan, &[]);
    assert_eq!(all.len(), expected.len());
    for ((name, state, why), (expected, word, reason)) in all.iter().zip(&expected) {
        assert_eq!((name.as_str(), state.as_str()), (*expected, *word), "{why}");
        assert!(why.starts_with(reason), "{name}: {why}");
    }
    let output = futo(&svscan, &["health"]);
    let ill: Vec<String> = expected
        .iter()
        .filter(|(_, state, _)| *state != "waiting")
        .map(|(name, state, reason)| format!("{name}: {state}: {reason}"))
        .collect();
    let said = stdout(&output);
    assert_eq!((code(&output), said.lines().count()), (1, ill.len()), "{said}");
    assert!(said.lines().zip(&ill).all(|(line, expected)| line.starts_with(expected)), "{said}");
    let metrics = stdout(&futo(&svscan, &["status", "--prometheus"]));
    for (name, state, _) in expected {
        let healthy = u8::from(state == "waiting");
        let line = format!("futo_service_healthy{{service=\"{name}\"}} {healthy}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_is_unknown() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("no-state");
    let of_root = svscan.scratch.join("of-root");
    fs::create_dir(&of_root).expect("a directory");
    let full = svscan.scratch.directory_of_abc("full");
    mount_tmpfs("size=4k,mode=0777", &full);
    fs::write(full.join("filler"), [0; 4096]).expect("full");
    for (name, directory) in [("ns-root", &of_root), ("ns-full", &full)] {
        let words = format!("--state-dir {} --log - --interval 1h -- true", directory.display());
        svscan.add_launch(name, &words, &[]);
        let why = becomes(&svscan, name, "unknown");
        let record = directory.join(format!("{name}.json"));
        assert_eq!(why, format!("run record '{}' does not exist", record.display()));
        assert_eq!(health(&svscan, name).0, 1);
    }
    // root without the right to read what is abc's
    let closed = waiting(&svscan, "ns-closed");
    set_mode(&closed, 0o600);
    let weak = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    let weaker = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-setuid", "--"];
    let output = finish(&mut svscan.futo(&weak, &["status", "--json", "ns-closed"]));
    assert_eq!(page(&output)["services"][0]["state"], "waiting", "{}", stdout(&output));
    let said = format!(
        "ns-closed: unknown: unable to read run record '{}': unable to become user 'abc': operation not permitted\n",
        closed.display()
    );
    eventually_every(PAUSE, "the record of a launcher that is no longer young is asked for", || {
        let output = finish(&mut svscan.futo(&weaker, &["health", "ns-closed"]));
        ((code(&output), stdout(&output)) == (1, said.clone())).then_some(())
    });
    drop(svscan);
    unmount(&full);
}

/// Two services that were given one name write one record: whose it is now says which other one to look at.
#[test]
fn a_record_of_another_service_names_that_service() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("one-name");
    svscan.add_launch("on-first", "--name on-both --interval 60 -- true", &[]);
    becomes(&svscan, "on-first", "waiting");
    svscan.add_launch("on-second", "--name on-both --interval 60 -- true", &[]);
    let pid = svscan.pid("on-second");
    let why = becomes(&svscan, "on-first", "unknown");
    let whose = format!("was written by another launcher (pid {pid}, service 'on-second'), not by pid ");
    assert!(why.contains(&whose), "{why}");
}
