//! Services that run, their supervisors, and the rights to look at them.

use std::fs;
use std::process::Command;

use crate::support::launching::{code, finish};
use crate::support::{
    ABC, AS_ABC, Svscan, eventually, eventually_contains, needs, set_mode, state, stderr, stdout,
};
use crate::{Scene, behind, support};

#[test]
fn a_full_volume_is_reported_once_for_log_and_record() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("full");
    let state = scene.svscan.scratch.directory_of_abc("small");
    let place = state.display();
    scene.define("both", &format!("#!/bin/sh\nexec LAUNCHER --state-dir {place} -- sleep 1\n"));
    let record = format!("#!/bin/sh\nexec LAUNCHER --state-dir {place}/below --log - -- sleep 1\n");
    scene.define("record", &record);
    let on = |size: &str, fill: &str, name: &str| {
        let script =
            format!("mount -t tmpfs -o size={size},uid={ABC} tmpfs {place}; {fill} exec \"$0\" \"$@\"");
        let (exit, said) = scene.check(&behind(&script), &[name]);
        assert_eq!(exit, 1);
        let end = format!(
            "{name}: is not published: no supervisor knows of it\n  hint: futo sync --from DIR --scan-dir SCRATCH/scan publishes it\n"
        );
        said.strip_suffix(&end).unwrap_or_else(|| panic!("{said}")).to_string()
    };
    let full = |name: &str, left: &str| {
        format!(
            "{name}: the volume of 'SCRATCH/small' is full: {left} bytes left\n  \
             hint: free some space; see df -h and df -i\n"
        )
    };
    let fill = format!("head -c 65536 /dev/zero > {place}/fill;");
    assert_eq!(on("64k", &fill, "both"), full("both", "0"));
    assert_eq!(on("64k", &fill, "record"), full("record", "0"));
    assert_eq!(on("512k", "", "both"), full("both", "524288"));
    // no room for one more name
    assert_eq!(on("4m,nr_inodes=2", &format!("touch {place}/one;"), "both"), full("both", "4194304"));
    assert_eq!(on("4m", "", "both"), "");
}

#[test]
fn what_is_wrong_with_a_service_that_runs_is_reported() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("running");
    scene.svscan.add_launch("ck-bad", "--interval 1h -- sh -c 'echo kaputt; exit 3'", &[]);
    eventually_contains(&state("ck-bad.json"), "\"last_status\":3");
    scene.svscan.add_launch("ck-rest", "-- /nonexistent", &[]);
    eventually_contains(&state("ck-rest.json"), "resting");
    scene.svscan.add("ck-crash", &[("run", "#!/bin/sh\nexec s6-setuidgid abc false\n")]);
    // scratch directories lie in /tmp, which everybody can write: what a definition of abc's is in a container
    let writable = |name: &str| {
        format!(
            "{name}: SCRATCH/scan/{name}/run: is writable by non-root users, and root executes it: they can become root\n  \
             hint: publish it with futo sync, or make it and every directory above it root-owned\n"
        )
    };
    let expected = format!(
        "{}ck-bad: is failing: 1 run failed with status 3: kaputt\n  \
         hint: its process is up, but its worker fails; the reason is in its log: futo logs ck-bad; to run it \
         once in the foreground: futo try ck-bad\n",
        writable("ck-bad")
    );
    assert_eq!(scene.check(&[], &["ck-bad"]), (1, expected));
    let expected = format!(
        "ck-rest: unable to execute '/nonexistent': not found\n  \
         hint: check the name, or give the full path\n\
         {}ck-rest: is resting: unable to execute '/nonexistent': not found\n  \
         hint: fix that and it starts by itself, or run: futo run-now ck-rest\n",
        writable("ck-rest")
    );
    assert_eq!(scene.check(&[], &["ck-rest"]), (1, expected));
    // the cause may be where nothing is watched
    scene.svscan.add_launch(
        "ck-tired",
        "--interval 0.1 --max-failures 2 -- sh -c 'echo no net; exit 3'",
        &[],
    );
    eventually_contains(&state("ck-tired.json"), "max-failures");
    let expected = format!(
        "{}ck-tired: is resting: 2 failures in a row, the last: exit status 3: no net\n  \
         hint: fix it, then run: futo run-now ck-tired\n",
        writable("ck-tired")
    );
    assert_eq!(scene.check(&[], &["ck-tired"]), (1, expected));
    scene.svscan.add_launch("ck-paused", "-- sleep 1000", &[]);
    scene.svscan.pid("ck-paused");
    scene.svscan.svc(&["-p"], "ck-paused");
    eventually("it is paused", || (scene.svscan.svstat("paused", "ck-paused") == ["true"]).then_some(()));
    let expected = format!(
        "{}ck-paused: is paused (SIGSTOP)\n  hint: s6-svc -c, or futo restart ck-paused\n",
        writable("ck-paused")
    );
    assert_eq!(scene.check(&[], &["ck-paused"]), (1, expected));
    scene.svscan.svc(&["-c"], "ck-paused");
    eventually("the crash loop is reported", || {
        let (_, said) = scene.check(&[], &["ck-crash"]);
        said.contains("ck-crash: is crashing: died ").then_some(())
    });
    // an upgrade replaces the binary by a rename; what runs is the older one
    let launcher = scene.svscan.scratch.launcher();
    fs::copy(&launcher, launcher.with_extension("new")).expect("copied");
    fs::rename(launcher.with_extension("new"), &launcher).expect("renamed");
    let (_, said) = scene.check(&[], &["ck-bad"]);
    assert!(said.contains(" runs an older launcher: '"), "{said}");
    // abc learns what they cannot see
    let (exit, said) = scene.check(&AS_ABC, &["ck-bad"]);
    assert_eq!(exit, 1);
    assert!(
        said.ends_with(
            "ck-bad: not checked: unable to read 'supervise/status': permission denied\n  \
             hint: run this as root, or as a member of the group that it is delegated to\n"
        ),
        "{said}"
    );
}

#[test]
fn a_missing_supervisor_is_distinguished_from_a_missing_scanner() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("scanner");
    let scratch = &scene.svscan.scratch;
    let run = "#!/bin/sh\nexec s6-setuidgid abc sleep 1000\n";
    // s6-svscan runs, has scanned, and has not been notified of it
    scene.svscan.add_launch("sc-first", "-- sleep 1000", &[]);
    scene.svscan.pid("sc-first");
    scratch.write("scan/sc-new/run", run, 0o755);
    let (_, said) = scene.check(&[], &["sc-new"]);
    let expected = "is published, but no supervisor is running\n  \
                    hint: run as root: s6-svscanctl -a SCRATCH/scan\n";
    assert!(said.contains(expected), "{said}");
    // one has run here and is gone; none ever has
    for (name, before) in [("gone", true), ("never", false)] {
        let scan = scratch.join(name);
        scratch.write(format!("{name}/sc-new/run"), run, 0o755);
        if before {
            std::fs::create_dir(scan.join(".s6-svscan")).expect("made");
            nix::unistd::mkfifo(&scan.join(".s6-svscan/control"), nix::sys::stat::Mode::S_IRWXU)
                .expect("a FIFO");
        }
        let mut command = Command::new(scratch.futo());
        command.args(["check", "sc-new", "--scan-dir"]).arg(&scan).arg("--from").arg(&scene.definitions);
        let said = stdout(&finish(&mut command));
        let shown = scan.display();
        let expected = format!(
            "is published, but no s6-svscan is running on '{shown}'\n  hint: restart the container; "
        );
        assert!(said.contains(&expected) && !said.contains("s6-svscanctl"), "{name}: {said}");
    }
}

#[test]
fn a_supervisor_without_the_right_to_signal_is_named_before_an_order_is_lost() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start_behind("deaf", &["setpriv", "--bounding-set=-kill", "--"]);
    let scene = Scene { definitions: svscan.scratch.directory_of_abc("definitions"), svscan };
    scene.svscan.add_launch("de-up", "--interval 1h -- true", &[]);
    eventually_contains(&state("de-up.json"), "\"last_status\":0");
    let pid = scene.svscan.pid("de-up");
    let futo = |verb: &str| {
        let mut command = Command::new(scene.svscan.scratch.futo());
        command.args([verb, "de-up", "--scan-dir"]).arg(scene.svscan.scratch.join("scan"));
        let output = finish(&mut command);
        (code(&output), stderr(&output))
    };
    let verbs = ["stop", "restart", "reload", "run-now"];
    let said = verbs.map(futo);
    let up = scene.svscan.svstat("up,wantedup", "de-up");
    let started = futo("start");
    let (exit, checked) = scene.check(&[], &["de-up"]);
    // the test may
    scene.svscan.svc(&["-d"], "de-up");
    support::signal(pid, nix::sys::signal::Signal::SIGTERM);
    eventually("it is down", || (scene.svscan.svstat("up", "de-up") == ["false"]).then_some(()));
    for (verb, (code, said)) in verbs.iter().zip(said) {
        assert_eq!(code, 111, "{said}");
        let (begin, end) = (
            format!("futo: fatal: unable to {verb} 'de-up': its supervisor (pid "),
            format!(
                ") lacks the capability KILL and cannot signal pid {pid} (uid {ABC})\n\
                 futo: hint: grant the container the capability KILL: docker run --cap-add KILL\n"
            ),
        );
        assert!(said.starts_with(&begin) && said.ends_with(&end), "{said}");
    }
    assert_eq!(up, ["true", "true"]);
    assert_eq!(started.0, 0, "{}", started.1);
    assert!(
        exit == 1 && checked.contains("de-up: stop, restart and reload have no effect: its supervisor (pid "),
        "{checked}"
    );
}

#[test]
fn a_worker_that_opens_its_streams_by_name_is_found_where_that_empties_the_log() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("streams");
    let place = scene.svscan.scratch.path.clone();
    scene.svscan.scratch.write(
        "bad.sh",
        "#!/bin/sh\n# > /dev/stderr\necho one\necho two > /dev/stderr\n",
        0o755,
    );
    scene.svscan.scratch.write("good.sh", "#!/bin/sh\necho two >> /dev/stderr; echo one >&2\n", 0o755);
    let said = |name: &str, words: &str| {
        let words = words.replace("SCRATCH", &place.display().to_string());
        scene.define(name, &format!("#!/bin/sh\nexec LAUNCHER {words}\n"));
        scene.said(name)
    };
    let found = |name: &str, at: &str| {
        format!(
            "{name}: {at}: opens /dev/stderr by name, which truncates the log \
             '/config/.local/state/futodama/{name}.log'\n  \
             hint: in a shell script, write >&2 or >&1, or >> to append; in a program, use its setting for \
             stderr\n"
        )
    };
    assert_eq!(said("program", "-- SCRATCH/bad.sh"), found("program", "SCRATCH/bad.sh:4"));
    assert_eq!(said("script", "-- sh SCRATCH/bad.sh"), found("script", "SCRATCH/bad.sh:4"));
    assert_eq!(said("words", "-- sh -c 'echo a >/dev/stderr'"), found("words", "an argument of the program"));
    assert_eq!(said("good", "-- SCRATCH/good.sh"), "");
    assert_eq!(said("pipe", "--log - -- SCRATCH/bad.sh"), "");
    assert!(
        said("named", "-- printf /dev/stdout")
            .starts_with("named: note: an argument of the program: names /dev/stdout: ")
    );
    // that it does what is said of it
    scene.svscan.add_launch("st-loop", &format!("--once -- {}/bad.sh", place.display()), &[]);
    let record = state("st-loop.json");
    eventually_contains(&record, "\"last_status\":0");
    assert_eq!(fs::read_to_string(state("st-loop.log")).expect("its log").lines().next(), Some("two"));
}

#[test]
fn root_without_the_right_to_read_is_not_sent_to_root() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("no-right");
    let directory = scene.define("closed", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    set_mode(directory.join("run"), 0o700);
    let unable = "closed: not checked: unable to read 'DIR/closed/run': permission denied\n";
    let bounded = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    // with the ids of those who can write it
    let (_, said) = scene.check(&bounded, &["closed"]);
    assert!(!said.contains("unable to read 'DIR/closed/run'"), "{said}");
    set_mode(directory.join("run"), 0o000);
    let (_, said) = scene.check(&bounded, &["closed"]);
    let hint = "  hint: root lacks the capability DAC_OVERRIDE here: run this as the owner of the file\n";
    assert!(said.starts_with(&format!("{unable}{hint}")) && !said.contains("run this as root"), "{said}");
    let as_other = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "--"];
    let (_, said) = scene.check(&as_other, &["closed"]);
    assert!(said.starts_with(&format!("{unable}  hint: run this as root\n")), "{said}");
    // the owner reads it
    set_mode(directory.join("run"), 0o700);
    let (_, said) = scene.check(&AS_ABC, &["closed"]);
    assert!(!said.contains("unable to read 'DIR/closed/run'"), "{said}");
}
