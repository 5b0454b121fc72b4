//! Runs that are killed or cannot finish, and what the next one makes up for.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support;
use crate::support::boot::Definitions;
use crate::support::launching::finish;
use crate::support::live::Live;
use crate::support::{Svscan, eventually, is_alive, needs, rights};

#[test]
fn what_a_killed_run_did_not_report_is_reported_by_the_next() {
    needs!(root, "s6-svscan");
    let live = Live::new("unsaid");
    let (control, away) = (live.volume.scan(".s6-svscan/control"), live.volume.scan(".s6-svscan/away"));
    let unsaid = |what: &dyn Fn()| {
        fs::rename(&control, &away).expect("renamed: s6-svscan is not notified");
        what();
        fs::rename(&away, &control).expect("put back");
    };
    live.volume.profile_in("a", "running");
    unsaid(&|| drop(live.reconcile(&[])));
    live.reconcile(&[]);
    let pids = live.pids("gateway-a");
    // and a service that was taken away
    let gone = live.volume.scan(".futo-gone-gateway-a");
    unsaid(&|| fs::rename(live.volume.scan("gateway-a"), &gone).expect("as a run does it"));
    fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
    eventually("it is gone", || {
        live.reconcile(&["--prune"]);
        (!gone.exists()).then_some(())
    });
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[test]
fn killed_before_s6_svscan_is_notified_the_next_run_starts_and_stops_what_is_to_be() {
    needs!(root, "s6-svscan", "strace");
    let live = Live::new("killed-untold");
    let gone = live.volume.scan(".futo-gone-gateway-a");
    let killed_at = |step: &str, number: usize| {
        let trace = format!("trace={step}");
        let inject = format!("inject={step}:signal=KILL:when={number}");
        let strace = ["strace", "-o", "/dev/null", "-e", &trace, "-e", &inject];
        live.volume.reconcile_through(&strace, &["--config", &live.config, "--prune"]).code == 137
    };
    for step in ["renameat", "write"] {
        for number in 1.. {
            live.volume.profile_in("a", "running");
            let mut was_killed = killed_at(step, number);
            live.reconcile(&["--prune"]);
            let pids = live.pids("gateway-a");
            fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
            was_killed |= killed_at(step, number);
            eventually("it is gone", || {
                let _ = live.volume.reconcile(&["--config", &live.config, "--prune"]);
                let is_there = gone.exists() || live.volume.scan("gateway-a").exists();
                (!is_there && pids.iter().all(|pid| !is_alive(*pid))).then_some(())
            });
            if !was_killed {
                assert!(number > 1, "{step} was never made");
                break;
            }
        }
    }
}

#[test]
fn what_s6_svscan_does_not_take_up_is_named() {
    needs!(root, "s6-svscan");
    let live = Live::new("not-taken-up");
    live.volume.profile_in("a", "running");
    live.reconcile(&[]);
    let before = live.pids("gateway-a");
    live.volume.profile_in("b", "running");
    support::signal(live.svscan.own_pid(), nix::sys::signal::Signal::SIGSTOP);
    let ran = live.volume.reconcile(&["--config", &live.config]);
    support::signal(live.svscan.own_pid(), nix::sys::signal::Signal::SIGCONT);
    assert_eq!(ran.code, 1);
    let said = "fatal: gateway-b: 'gateway-b' is published, but s6-svscan has not picked it up\n";
    assert!(ran.stderr.contains(said) && !ran.stderr.contains("gateway-a"), "{}", ran.stderr);
    live.reconcile(&[]);
    live.pids("gateway-b");
    assert_eq!(live.pids("gateway-a"), before);
}

#[test]
fn what_a_member_makes_in_an_open_event_stops_no_later_run() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("deep");
    let svscan = Svscan::on_directory("deep", &definitions.scan(""), &[]);
    for name in ["closed", "pruned"] {
        definitions.line(name, "--log - -- sleep 1000");
    }
    assert_eq!(definitions.sync(&["--delegate", "wait"]).code, 0);
    for name in ["closed", "pruned"] {
        svscan.pid(name);
        let mut command = Command::new("sh");
        let script =
            "mkdir -p .futo-moved-0/x; for i in $(seq 40); do mkdir d; ln -s /etc/passwd l; cd d; done";
        command.args(["-euc", script]).current_dir(definitions.scan(name).join("event"));
        assert!(finish(command.uid(support::ABC).gid(support::ABC)).status.success());
    }
    fs::remove_dir_all(definitions.abcs("pruned")).expect("removed");
    // what a run that was killed has left is removed by the next
    fs::create_dir(definitions.scan(".futo-new-x")).expect("made");
    fs::rename(definitions.scan("pruned/event"), definitions.scan(".futo-new-x/event")).expect("renamed");
    let ran = definitions.sync(&["--prune"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.ends_with("service=closed action=updated\nsync: service=pruned action=pruned\n"));
    assert_eq!(rights(&definitions.scan("closed/event")), "0700 0:0");
    assert_eq!(fs::read_dir(definitions.scan("closed/event")).expect("listed").count(), 0);
    let names =
        fs::read_dir(definitions.scan("")).expect("listed").map(|each| each.expect("a name").file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().starts_with(".futo-")).count(), 1, "the lock");
}

#[test]
fn a_service_that_will_not_stop_is_left_for_the_next_run_and_never_doubled() {
    needs!(root, "s6-svscan");
    let live = Live::with("stubborn", "trap '' TERM; echo \"$$\"; while :; do sleep 0.1; done");
    live.volume.profile_in("a", "running");
    live.reconcile(&[]);
    let [pid, _] = live.pids("gateway-a");
    eventually("it ignores TERM", || live.log("a").contains(&pid.to_string()).then_some(()));
    fs::remove_dir_all(live.volume.home("profiles/a")).expect("removed");
    let ran = live.volume.reconcile(&["--config", &live.config, "--prune"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("its supervisor has not exited yet"), "{}", ran.stderr);
    let gone = live.volume.scan(".futo-gone-gateway-a");
    assert!(is_alive(pid) && gone.exists());
    let again = live.volume.reconcile(&["--config", &live.config, "--prune"]);
    assert_eq!(
        (again.code, again.stdout, again.stderr),
        (1, ran.stdout, ran.stderr),
        "as long as it is there"
    );
    // nor is there a second copy of it while the first one is there
    live.volume.profile_in("a", "running");
    let ran = live.volume.reconcile(&["--config", &live.config]);
    assert!(ran.stderr.contains("its supervisor has not exited yet"), "{}", ran.stderr);
    assert!(ran.code == 1 && !live.volume.scan("gateway-a").exists());
    support::signal(pid, nix::sys::signal::Signal::SIGKILL);
    eventually("the next run takes it up", || {
        live.volume.reconcile(&["--config", &live.config]);
        live.volume.scan("gateway-a/run").exists().then_some(())
    });
    assert!(!live.volume.scan(".futo-gone-gateway-a").exists());
    let second = live.svscan.pid("gateway-a");
    assert_ne!(second, pid);
    // it would outlive s6-svscan
    live.svscan.svc(&["-d"], "gateway-a");
    support::signal(second, nix::sys::signal::Signal::SIGKILL);
}
