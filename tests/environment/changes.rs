//! A source that changes, between runs and at rest.

use std::fs;

use crate::support::direct::{Caller, Direct};
use crate::support::{self, Svscan, eventually_contains, needs, own_by_abc, path_str, read, set_mode, state};

#[test]
fn a_change_of_any_source_is_read_before_the_next_run() {
    needs!(root, "s6-envdir", "chpst");
    let mut direct = Direct::new("env-reload");
    direct.write("config.env", "EVERY=0.1\n", 0o644);
    for (file, text) in [("envdir/V", "dir1\n"), (".env", "W=dot1\n"), ("named", "file1\n")] {
        direct.scratch.write(file, text, 0o644);
    }
    let at = |name: &str| path_str(&direct.scratch.join(name)).to_string();
    let named = format!("FILE__X={}", at("named"));
    let options =
        ["--interval", "${EVERY}", "--env-dir", &at("envdir"), "--dotenv", &at(".env"), "--env", &named];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo $V $W $X"]);
    direct.logs("dir1 dot1 file1\n");
    direct.scratch.write("envdir/V", "dir2\n", 0o644);
    direct.logs("dir2 dot1 file1\n");
    direct.scratch.write(".env", "W=dot2\n", 0o644);
    direct.logs("dir2 dot2 file1\n");
    direct.scratch.write("named", "file2\n", 0o644);
    direct.logs("dir2 dot2 file2\n");
    // a bad one keeps the old values, and the old timing, and is said once
    direct.write("config.env", "EVERY=soon\n", 0o644);
    let log = direct.logs("the worker keeps its previous environment");
    assert!(log.contains("--interval: invalid value '${EVERY}': is not a duration"), "{log}");
    direct.write("config.env", "EVERY=1h\nV=unused\n", 0o644);
    let record = support::eventually("the next run is due in an hour", || {
        let record = direct.record();
        let (last, next) =
            (record["last_end"].as_str()?.to_string(), record["next_due"].as_str()?.to_string());
        let seconds = |time: &str| humantime::parse_rfc3339(time).ok();
        (seconds(&next)?.duration_since(seconds(&last)?).ok()?.as_secs() >= 3590).then_some(record)
    });
    assert_eq!(record["failures"], 0, "{record}");
    assert_eq!(direct.log().matches("the worker keeps its previous environment").count(), 1);
}

#[test]
fn a_missing_requirement_rests_under_s6_and_a_fixed_config_env_starts_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("env-require");
    let log = state("env-require-s6.log");
    let _ = fs::remove_file(&log);
    let directory = svscan.add_launch(
        "env-require-s6",
        "--require TOKEN --interval '${EVERY}' -- sh -c 'echo run $TOKEN'",
        &[],
    );
    eventually_contains(&log, "resting until");
    assert!(
        read(&log).contains("variable 'TOKEN' is not set")
            && read(&log).contains("variable 'EVERY' is not set")
    );
    let pid = svscan.pid("env-require-s6");
    fs::write(directory.join("config.env"), "TOKEN=t\nEVERY=60\n").expect("written");
    set_mode(directory.join("config.env"), 0o644);
    eventually_contains(&log, "run t\n");
    assert_eq!(svscan.pid("env-require-s6"), pid);
}

#[test]
fn a_config_env_that_was_made_readable_is_read_and_reported() {
    needs!(root, "s6-envdir", "chpst");
    let mut direct = Direct::new("env-chown");
    direct.write("config.env", "V=old\n", 0o600);
    let options = ["--interval", "0.1", "--max-failures", "100"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo v=$V"]);
    direct.logs("v=old\n");
    // as root does it: written, moved there, and only then given to the user
    let draft = direct.scratch.write("draft", "V=new\n", 0o600);
    let config = direct.directory().join("config.env");
    fs::rename(&draft, &config).expect("renamed");
    direct.logs("the worker keeps its previous environment");
    own_by_abc(&config);
    direct.logs("v=new\n");
    let log = direct.logs("the worker's environment is up to date again");
    assert_eq!(log.matches("permission denied").count(), 1, "{log}");
    // in place, of the same length and time
    let time = fs::metadata(&config).expect("its times").modified().expect("a time");
    let file = fs::OpenOptions::new().write(true).open(&config).expect("opened");
    std::io::Write::write_all(&mut &file, b"V=NEW\n").expect("written");
    file.set_modified(time).expect("its time");
    drop(file);
    direct.logs("v=NEW\n");
}
