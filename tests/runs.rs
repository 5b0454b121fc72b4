//! The history of runs, and `futo runs`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use support::direct::{Caller, Direct};
use support::launching::{code, finish};
use support::{Svscan, eventually, names_in, needs, own_by_abc, read, rights, stderr, stdout};

fn history_path(direct: &Direct, name: &str) -> PathBuf {
    direct.scratch.join("state").join(format!("{name}.runs"))
}

fn runs_of(path: &Path) -> Vec<serde_json::Value> {
    read(path).lines().map(|line| serde_json::from_str(line).expect("a run")).collect()
}

/// `futo runs` of a service, as JSON by the schema.
fn runs(svscan: &Svscan, words: &[&str]) -> serde_json::Value {
    let words: Vec<&str> = ["runs", "--json"].iter().chain(words).copied().collect();
    let output = finish(&mut svscan.futo(&[], &words));
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
    support::schema::holds("docs/runs.schema.json", &output.stdout)
}

#[test]
fn each_way_in_which_a_run_can_end_is_shown() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("runs");
    let dropped = "--every 0.2 -- sleep 0.5";
    // name, words, how, failed, status, what, error
    let cases = [
        ("ru-good", "--interval 60 -- true", "exited", false, 0, "", None),
        (
            "ru-bad",
            "--interval 60 -- sh -c 'echo kaputt; exit 3'",
            "exited",
            true,
            3,
            "exit status 3",
            Some("kaputt"),
        ),
        ("ru-kill", "--interval 60 -- sh -c 'kill -USR1 $$'", "killed", true, 138, "killed by SIGUSR1", None),
        (
            "ru-late",
            "--interval 60 --timeout 0.2 -- sleep 1000",
            "timed-out",
            true,
            124,
            "timed out after ",
            None,
        ),
        (
            "ru-none",
            "--interval 60 -- /nonexistent",
            "not-started",
            true,
            127,
            "unable to execute '/nonexistent': not found",
            None,
        ),
        ("ru-drop", dropped, "dropped", false, 0, "", None),
    ];
    for (name, words, ..) in cases {
        svscan.add_launch(name, words, &[]);
    }
    svscan.add_launch("ru-exec", "-- sh -c 'sleep 0.1; exit 7'", &[]);
    for (name, _, how, failed, status, what, error) in cases {
        let run = eventually(&format!("{name} has a run that ended"), || {
            let page = runs(&svscan, &[name]);
            page["runs"].as_array().expect("runs").iter().find(|run| run["how"] == how).cloned()
        });
        assert_eq!(run["failed"], failed, "{run}");
        if how == "dropped" {
            assert!(run["ticks"].as_u64().is_some_and(|ticks| ticks >= 1), "{run}");
            continue;
        }
        assert_eq!(run["status"], status, "{run}");
        assert!(run["what"].as_str().unwrap_or_default().starts_with(what), "{run}");
        assert_eq!(run.get("error").and_then(|error| error.as_str()), error, "{run}");
        assert!(run["duration"].as_f64().is_some_and(|duration| duration < 1000.0), "{run}");
    }
    let deaths = eventually("s6 has recorded deaths", || {
        let page = runs(&svscan, &["ru-exec"]);
        let died = |run: &serde_json::Value| run["status"] == 7 && run["what"] == "exit status 7";
        let runs = page["runs"].as_array().expect("deaths").clone();
        (page["is_loop"] == false && !runs.is_empty()).then(|| runs.iter().all(died))
    });
    assert!(deaths);

    let failed = runs(&svscan, &["ru-good", "--failed"]);
    assert_eq!(failed["runs"], serde_json::json!([]));
    assert_eq!(runs(&svscan, &["ru-bad", "--since", "1h"])["runs"].as_array().map(Vec::len), Some(1));
    let lines = stdout(&finish(&mut svscan.futo(&[], &["runs", "ru-bad"])));
    let mut words = lines.lines().nth(1).expect("a row").split_whitespace().skip(2);
    assert!(words.next().is_some_and(|number| number.parse::<f64>().is_ok()), "{lines}");
    assert_eq!(words.collect::<Vec<_>>().join(" "), "s 3 exit status 3: kaputt");
    for (words, message) in [
        (&["ru-bad", "-n", "0"][..], "futo: fatal: runs: invalid lines '0'"),
        (&["ru-bad", "--since", "soon"], "futo: fatal: runs: invalid since 'soon'"),
        (&[], "futo: fatal: runs: no service given"),
        (&["ru-bad", "ru-good"], "futo: fatal: runs: takes only one service"),
    ] {
        let words: Vec<&str> = ["runs"].iter().chain(words).copied().collect();
        let output = finish(&mut svscan.futo(&[], &words));
        assert_eq!(code(&output), 100);
        assert!(stderr(&output).starts_with(message), "{}", stderr(&output));
    }
}

#[test]
fn a_run_that_a_stop_ended_is_neither_a_success_nor_a_failure() {
    needs!(root);
    let mut direct = Direct::start("ru-stop", &["--interval", "60"], "echo up; exec sleep 1000");
    direct.logs("up\n");
    direct.end_by(Signal::SIGTERM);
    let runs = runs_of(&history_path(&direct, "ru-stop"));
    assert_eq!((runs.len(), &runs[0]["how"]), (1, &"stopped".into()));
}

#[test]
fn the_history_is_bounded_and_lasts_over_restarts() {
    needs!(root);
    let mut direct = Direct::new("ru-many");
    let path = history_path(&direct, "ru-many");
    let options = ["--interval", "0.01", "--history", "5", "--log", "none"];
    let mut last = 0;
    for start in 0..3 {
        direct.launch(Caller::Root, &options, &["true"]);
        let total = eventually("it has run often", || {
            let total = direct.record()["runs"].as_u64()?;
            (total > last + 20).then_some(total)
        });
        direct.end_by(Signal::SIGTERM);
        let kept = runs_of(&path);
        assert!(!kept.is_empty() && (kept.len() as u64) <= total, "start {start}: {}", kept.len());
        last = total;
    }
    // a restart cuts it: the file is cut when a launcher first writes it
    direct.launch(Caller::Root, &["--interval", "60", "--history", "5"], &["true"]);
    eventually("it is cut", || (runs_of(&path).len() == 5).then_some(()));
    direct.end_by(Signal::SIGTERM);
    assert_eq!(rights(&path), rights(&direct.record_path()));
    // none is kept any more
    direct.launch(Caller::Root, &["--interval", "60", "--history", "0"], &["true"]);
    eventually("it is removed", || (!path.exists()).then_some(()));
    assert_eq!(
        names_in(&direct.scratch.join("state")).iter().filter(|name| name.ends_with(".runs")).count(),
        0
    );
}

/// What the user can have made of the file.
#[test]
fn a_hostile_history_is_reported_and_left_alone() {
    needs!(root);
    let victim = "not to be changed\n";
    type Make = fn(&Path, &Path);
    let cases: [(&str, Make, &str); 4] = [
        (
            "link",
            |path, victim| std::os::unix::fs::symlink(victim, path).expect("a link"),
            "it is a symbolic link",
        ),
        ("hard", |path, victim| fs::hard_link(victim, path).expect("a link"), "it has 2 hard links"),
        (
            "fifo",
            |path, _| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO"),
            "no such device or address",
        ),
        ("directory", |path, _| fs::create_dir(path).expect("a directory"), "is a directory"),
    ];
    for (kind, make, why) in cases {
        let name = format!("ru-{kind}");
        let mut direct = Direct::new(&name);
        let target = direct.scratch.write("victim", victim, 0o644);
        own_by_abc(&target);
        let path = history_path(&direct, &name);
        make(&path, &target);
        own_by_abc(&path);
        direct.launch(Caller::Root, &["--interval", "60"], &["true"]);
        direct.after_runs(1);
        let log = direct.logs("unable to write");
        assert!(
            log.contains(&format!("unable to write the run record of '{name}': ")) && log.contains(why),
            "{log}"
        );
        assert_eq!(read(&target), victim);
        assert_eq!(direct.record()["runs"], 1, "the record itself is written");
    }
}

#[test]
fn what_is_in_the_file_is_shown_as_text_and_what_is_no_run_is_left_out() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("runs-hostile");
    svscan.add_launch("ru-hostile", "--interval 60 -- true", &[]);
    let record = eventually("a record", || support::record_of("ru-hostile").get("runs").cloned());
    assert!(record.is_u64());
    let path = support::state("ru-hostile.runs");
    let lines = "garbage\n{\"start\":5}\n\u{0}\n\
                 {\"start\":\"\\u001b[2J\",\"how\":\"exited\",\"status\":1,\"what\":\"a\\nb\\u202ec\",\"duration\":1e300}\n\
                 {\"start\":\"2026-01-01T00:00:00Z\",\"how\":\"of-the-future\",\"more\":{\"a\":[1]}}\n";
    fs::write(&path, lines).expect("written");
    let output = finish(&mut svscan.futo(&[], &["runs", "ru-hostile"]));
    let page = stdout(&output);
    assert_eq!((code(&output), page.lines().count()), (0, 3), "{page}");
    assert!(!page.contains('\u{1b}') && page.contains("a\\nb\\u{202e}c"), "{page}");
    assert!(page.contains("recorded by a newer futo-launch"), "{page}");
    // more than is ever read
    fs::write(&path, lines.repeat(40_000)).expect("written");
    let output = finish(&mut svscan.futo(&[], &["runs", "-n", "3", "ru-hostile"]));
    assert_eq!((code(&output), stdout(&output).lines().count()), (0, 4));
    fs::remove_file(&path).expect("removed");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    own_by_abc(&path);
    let output = finish(&mut svscan.futo(&[], &["runs", "ru-hostile"]));
    assert_eq!(code(&output), 111, "{output:?}");
    assert!(stderr(&output).contains("it is a FIFO, not a regular file"), "{}", stderr(&output));
    fs::remove_file(&path).expect("removed");
}
