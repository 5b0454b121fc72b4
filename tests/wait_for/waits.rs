//! The service while it waits: under a supervisor in every mode, and without one.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::names::Dns;
use crate::support::direct::{Caller, Direct};
use crate::support::{
    Svscan, children, eventually, eventually_dead, log_of, logs, needs, output, quoted, record_of, stdout,
    throughout,
};

/// A port on which nothing listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn rests_at(name: &str, reason: &str) {
    eventually(&format!("{name} rests: {}", record_of(name)), || {
        let resting = &record_of(name)["resting"];
        (resting["kind"] == "gate" && resting["reason"].as_str()?.contains(reason)).then_some(())
    });
}

#[test]
fn the_worker_starts_once_the_port_accepts_in_every_mode_and_not_before() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("wait-port");
    for (mode, pace) in [("exec", ""), ("loop", "--interval 0.05"), ("once", "--once")] {
        let name = format!("wp-{mode}");
        let port = free_port();
        let script = "echo run; [ -z \"$STAY\" ] || exec sleep 1000";
        let stay = if mode == "exec" { "--env STAY=1" } else { "" };
        svscan.add_launch(
            &name,
            &format!("{pace} {stay} --wait-for tcp:127.0.0.1:{port} -- sh -c {}", quoted(script)),
            &[("notification-fd", "4\n")],
        );
        rests_at(&name, &format!("closed until 127.0.0.1:{port} accepts connections: connection refused"));
        let pid = svscan.pid(&name);
        let status = stdout(&output(&mut svscan.futo(&[], &["status", &name])));
        assert!(status.contains("gated") && status.contains("connection refused"), "{status}");
        throughout("it waits", Duration::from_millis(500), || !log_of(&name).contains("run\n"));
        assert_eq!(svscan.svstat("ready", &name), ["false"]);
        // a port that closes at once counts
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
        std::thread::spawn(move || {
            for peer in listener.incoming().take(3) {
                drop(peer);
            }
        });
        let log = logs(&name, "run\n");
        assert_eq!(log.matches("closed until").count(), 1, "{log}");
        assert_eq!(svscan.pid(&name), pid, "in the same process");
        eventually("no longer resting", || {
            let resting = record_of(&name)["resting"].clone();
            (resting.is_null() || resting["kind"] == "done").then_some(())
        });
    }
}

#[test]
fn a_different_reason_is_in_the_record_and_not_in_every_line_of_the_log() {
    needs!(root, "s6-svscan", "python3", "unshare");
    let dns = Dns::start("wait-reason", "127.77.3.1");
    let behind = dns.behind();
    let words: Vec<&str> = behind.iter().map(String::as_str).collect();
    let svscan = Svscan::start_behind("wait-reason-svscan", &words);
    let port = free_port();
    svscan.add_launch(
        "wr",
        &format!("--wait-for tcp:later:{port} -- sh -c 'echo run; exec sleep 1000'"),
        &[],
    );
    rests_at("wr", "accepts connections: no such host name");
    let since = record_of("wr")["resting"]["since"].clone();
    dns.write("hosts", "127.0.0.1 later\n");
    rests_at("wr", "accepts connections: 127.0.0.1: connection refused");
    assert_eq!(record_of("wr")["resting"]["since"], since, "since the wait began");
    let log = log_of("wr");
    assert!(log.contains("no such host name; resting") && !log.contains("refused"), "{log}");
    let _listener = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
    logs("wr", "run\n");
}

#[test]
fn a_stop_ends_a_lookup_at_once() {
    needs!(root, "s6-svscan", "python3", "unshare");
    let dns = Dns::start("wait-stop", "127.77.4.1");
    dns.write("resolv.conf", "nameserver 127.77.4.1\noptions timeout:30 attempts:5\n");
    let behind = dns.behind();
    let words: Vec<&str> = behind.iter().map(String::as_str).collect();
    let svscan = Svscan::start_behind("wait-stop-svscan", &words);
    svscan.add_launch("ws", "--wait-for tcp:silent:80 -- sh -c 'echo run; exec sleep 1000'", &[]);
    let pid = svscan.pid("ws");
    let helper = eventually("a helper looks it up", || children(pid).first().copied());
    let start = Instant::now();
    svscan.svc(&["-wd", "-d"], "ws");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    eventually_dead(helper);
    assert!(!log_of("ws").contains("run\n"));
}

#[test]
fn without_a_supervisor_it_waits_too() {
    needs!(root);
    let mut direct = Direct::new("wait-direct");
    let port = free_port();
    let option = format!("tcp:127.0.0.1:{port}");
    direct.launch(Caller::Abc, &["--wait-for", &option], &["sh", "-c", "echo run"]);
    direct.logs("connection refused; resting, rechecking");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
    direct.logs("run\n");
    assert_eq!(direct.end(), 0);
    drop(listener);
    direct.launch(Caller::Abc, &["--interval", "1", "--wait-for", &option], &["sh", "-c", "echo again"]);
    eventually("it rests", || (direct.record()["resting"]["kind"] == "gate").then_some(()));
    assert_eq!(direct.end_by(Signal::SIGINT).0, 0);
    assert!(!direct.log().contains("again"));
}
