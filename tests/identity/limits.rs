//! Limits, nice and oom_score_adj.

use crate::support::launching::{code, command, finish};
use crate::support::{Probe, Scratch, has_capability, needs, said, stdout};
use crate::{as_abc, by_launcher, by_tool, refused, rows, support};

const CAP_SYS_RESOURCE: u32 = 24;

#[test]
fn ulimits_hold_for_the_worker_as_prlimit_sets_them() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("ulimit");
    let limits =
        |prefix: &[&str]| stdout(&finish(command(prefix, &scratch.path).args(["cat", "/proc/self/limits"])));
    let launcher = scratch.launcher();
    let ours = limits(&[
        launcher.to_str().expect("text"),
        "--ulimit",
        "nofile=512:1024",
        "--ulimit",
        "core=0",
        "--ulimit",
        "stack=4194304:unlimited",
        "--ulimit",
        "nproc=4000",
    ]);
    let theirs =
        limits(&["prlimit", "--nofile=512:1024", "--core=0:0", "--stack=4194304:", "--nproc=4000:4000"]);
    assert_eq!(ours, theirs);
    assert_eq!(by_launcher(&scratch, &["--ulimit", "nofile=512:1024"]).get("nofile"), "512:1024");
    // the last of a name counts
    let again = ["--ulimit", "nofile=512", "--ulimit", "nofile=256"];
    assert_eq!(by_launcher(&scratch, &again).get("nofile"), "256:256");
    // lowering needs no root, raising does
    let lower =
        finish(scratch.launch_by(&as_abc(), &scratch.path, &["--ulimit", "nofile=256"]).arg(scratch.probe()));
    assert_eq!(Probe::of(&lower).get("nofile"), "256:256");
    let (code, said) = refused(&scratch, &as_abc(), &["--ulimit", "nofile=unlimited"]);
    assert_eq!(code, 111, "{said}");
    assert!(
        said.contains("unable to set ulimit nofile to unlimited:unlimited: operation not permitted"),
        "{said}"
    );
}

#[test]
fn a_file_size_limit_binds_the_worker_and_never_kills_the_launcher() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("ulimit-fsize");
    let service = scratch.service("identity-fsize");
    let state = scratch.directory_of_abc("state");
    let options = ["--state-dir", state.to_str().expect("text"), "--once", "--ulimit", "fsize=0", "--"];
    let output = finish(scratch.launch(&service, &options).args(["touch"]).arg(state.join("ran")));
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(state.join("ran").exists());
    assert!(!said(&output).contains("warning"), "{}", said(&output));
    assert!(support::read(state.join("identity-fsize.json")).contains("\"last_status\":0"));
    // one that was there before the launcher keeps it from writing, not from running the worker
    let output = finish(scratch.launch_by(&["prlimit", "--fsize=0"], &service, &options).args(["true"]));
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(
        said(&output).contains("unable to write the run record of 'identity-fsize': file too large"),
        "{}",
        said(&output)
    );
    // the worker itself is killed by its limit, as ever
    let script = "trap '' TERM; echo more > \"$1\"; echo survived";
    let words =
        ["--once", "--max-failures", "1", "--log", "-", "--ulimit", "fsize=0", "sh", "-c", script, "sh"];
    let output = finish(scratch.launch(&service, &words).arg(state.join("ran")));
    assert_eq!((code(&output), stdout(&output).as_str()), (128 + 25, ""), "{}", said(&output));
    let output = finish(scratch.launch(&service, &["--ulimit", "fsize=0", "nosuchprogram"]).env("HOME", "/"));
    assert_eq!(code(&output), 127, "{}", said(&output));
}

#[test]
fn an_unknown_or_senseless_ulimit_is_refused() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("ulimit-bad");
    for (value, what) in [
        ("files=1", "--ulimit: invalid value 'files=1': has an unknown resource name"),
        ("nofile=2:1", "--ulimit: invalid value 'nofile=2:1': the soft limit exceeds the hard limit"),
        ("nofile", "--ulimit: invalid value 'nofile': is not NAME=SOFT[:HARD]"),
    ] {
        let (code, said) = refused(&scratch, &[], &["--ulimit", value]);
        assert_eq!((code, said.lines().next()), (100, Some(format!("futo-launch: fatal: {what}").as_str())));
    }
}

#[test]
fn nice_and_oom_score_adj_are_set_as_root_and_kept_by_the_worker() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("nice");
    let probe = by_launcher(&scratch, &["--nice", "-5"]);
    assert_eq!(probe.get("nice"), "-5");
    assert_eq!(probe.identity(), rows(911, 911, "911 9101 9102"));
    if has_capability(CAP_SYS_RESOURCE) {
        let probe = by_launcher(&scratch, &["--oom-score-adj", "-500"]);
        assert_eq!(probe.get("oom_score_adj"), "-500");
    } else {
        let (code, said) = refused(&scratch, &[], &["--oom-score-adj", "-500"]);
        assert_eq!(code, 111);
        assert!(said.contains("unable to set oom-score-adj to -500: permission denied\n"), "{said}");
        assert!(said.contains("SYS_RESOURCE"), "{said}");
    }
    let probe = by_launcher(&scratch, &["--nice", "7", "--oom-score-adj", "300"]);
    assert_eq!((probe.get("nice"), probe.get("oom_score_adj")), ("7", "300"));
    // the user may do the harmless half
    let output = finish(
        scratch
            .launch_by(&as_abc(), &scratch.path, &["--nice", "7", "--oom-score-adj", "300"])
            .arg(scratch.probe()),
    );
    assert_eq!(Probe::of(&output).get("nice"), "7");
    let (code, said) = refused(&scratch, &as_abc(), &["--nice", "-5"]);
    assert_eq!(code, 111);
    assert!(said.starts_with("TIME probe: fatal: unable to set nice to -5: permission denied\n"), "{said}");
    for options in [["--nice", "20"], ["--nice", "x"], ["--oom-score-adj", "1001"]] {
        assert_eq!(refused(&scratch, &[], &options).0, 100, "{options:?}");
    }
}

#[test]
fn differs_from_chpst_nice_is_absolute() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("nice-absolute");
    assert_eq!(by_tool(&scratch, &["nice", "-n", "3", "chpst", "-n", "4"]).get("nice"), "7");
    let output =
        finish(scratch.launch_by(&["nice", "-n", "3"], &scratch.path, &["--nice", "4"]).arg(scratch.probe()));
    assert_eq!(Probe::of(&output).get("nice"), "4");
}
