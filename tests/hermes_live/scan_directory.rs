//! A scan directory that is not root's alone.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::{HERMES, eventually, needs, own_by_hermes, set_mode, signal};
use crate::{Container, RUNNING};

#[test]
fn a_scan_directory_that_is_not_roots_alone_is_refused_by_every_command_and_left_as_it_is() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-given");
    container.volume.profile("coder", RUNNING);
    let chmod = |mode| set_mode(&container.scan, mode);
    let is_refused = |what: &str| container.refuses(what, "is writable by non-root users");
    container.give_away();
    is_refused("hermes'");
    container.take_back();
    chmod(0o775);
    is_refused("writable to the group");
    chmod(0o755);
    set_acl(&container.scan, "default");
    is_refused("a default ACL");
    remove_acl(&container.scan, "default");
    set_acl(&container.scan, "access");
    is_refused("an access ACL");
    remove_acl(&container.scan, "access");
    chmod(0o755);
    let ran = container.reconcile(&[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    eventually("it serves", || (!container.starts("coder").is_empty()).then_some(()));
}

/// Gives hermes all rights by a POSIX ACL.
fn set_acl(path: &std::path::Path, which: &str) {
    let script = "import os, struct, sys
entries = [(1, 7, -1), (2, 7, 10000), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', tag, perm, id & 0xffffffff) for tag, perm, id in entries)
os.setxattr(sys.argv[1], 'system.posix_acl_' + sys.argv[2], acl)";
    let status = Command::new("python3").args(["-c", script]).arg(path).arg(which).status();
    assert!(status.expect("python3 starts").success());
}

fn remove_acl(path: &std::path::Path, which: &str) {
    let script = "import os, sys; os.removexattr(sys.argv[1], 'system.posix_acl_' + sys.argv[2])";
    let status = Command::new("python3").args(["-c", script]).arg(path).arg(which).status();
    assert!(status.expect("python3 starts").success());
}

#[test]
fn what_was_planted_in_a_scan_directory_is_never_executed_though_it_is_roots_again() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-planted");
    container.volume.profile("coder", RUNNING);
    container.give_away();
    let proof = container.volume.scratch.join("proof");
    let scan = container.scan.display().to_string();
    // one that root's s6-svscan has taken up, and one of the same making that it has not
    let make = |name: &str| {
        container.hermes(&format!(
            "mkdir -p {scan}/{name}/supervise {scan}/{name}/log
             printf '#!/bin/sh\nexec sleep 1000\n' > {scan}/{name}/run; chmod +x {scan}/{name}/run"
        ))
    };
    make("taken");
    container.svscan.control(&["-a"]);
    let taken = container.svscan.pid("taken");
    let plant = |name: &str| {
        container.hermes(&format!(
            "mkdir -p {scan}/{name}/supervise {scan}/{name}/log
             printf '#!/bin/sh\ntouch {proof}\nexec s6-setuidgid hermes hermes -p coder gateway run\n' \
                 > {scan}/{name}/run
             chmod +x {scan}/{name}/run",
            proof = proof.display()
        ))
    };
    let as_root = |words: &str| {
        let status = Command::new("sh").args(["-c", words]).current_dir(&container.scan).status();
        assert!(status.expect("sh starts").success(), "{words}");
    };
    let is_refused = |what: &str, name: &str| {
        container.take_back();
        container.refuses(what, &format!("would execute or obey as root: {name}\n"));
        as_root("chown hermes:hermes .");
    };
    plant("evil");
    is_refused("a directory of hermes'", "evil");
    as_root("chown root:root evil");
    is_refused("a script of hermes' in root's directory", "evil");
    as_root("chown hermes:hermes evil");
    // whose lock root's supervisor holds
    as_root("rm -rf evil/supervise; mv taken/supervise evil/supervise");
    is_refused("a lock that was moved", "evil, taken");
    as_root("mv evil/supervise taken/supervise; rm -rf evil");
    plant("gateway-coder");
    is_refused("one that looks like the module's", "gateway-coder");
    as_root("rm -rf gateway-coder");
    plant(".hidden");
    container.hermes(&format!("ln -s .hidden {scan}/linked"));
    is_refused("a link", "linked");
    as_root("rm -rf linked .hidden");
    // what s6-svscan keeps
    as_root("printf '#!/bin/sh\n' > .s6-svscan/SIGUSR1; chmod 777 .s6-svscan/SIGUSR1");
    is_refused("a script that all can write", ".s6-svscan/SIGUSR1");
    as_root("rm .s6-svscan/SIGUSR1; mv .s6-svscan .kept; ln -s .kept .s6-svscan");
    is_refused("a link in its place", ".s6-svscan");
    as_root("rm .s6-svscan; mv .kept .s6-svscan");
    as_root("mv .s6-svscan/control .s6-svscan/kept; touch .s6-svscan/control");
    is_refused("no FIFO", ".s6-svscan/control");
    as_root("mv .s6-svscan/kept .s6-svscan/control");
    as_root("rm .futo-lock");
    container.hermes(&format!("mkdir -p {scan}/.futo-lock/full"));
    container.take_back();
    for _ in 0..2 {
        let ran = container.reconcile(&[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    }
    as_root("rm -rf .futo-lock");

    // what root executes already is named, and hinders nothing
    let ran = container.reconcile(&[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("that non-root users own or can write: taken\n"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("chown -hR"), "{}", ran.stderr);
    eventually("it serves", || (!container.starts("coder").is_empty()).then_some(()));
    assert_eq!(container.svscan.pid("taken"), taken);
    assert!(!proof.exists());
}

#[test]
fn another_user_is_warned_of_roots_supervisor() {
    needs!(root, "s6-svscan", "setpriv");
    let container = Container::new("hermes-as-hermes");
    container.volume.profile("coder", RUNNING);
    container.give_away();
    let setpriv = ["setpriv", "--reuid=hermes", "--regid=hermes", "--init-groups", "--"];
    let ran = container.volume.reconcile_through(&setpriv, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("uid 10000 can become root"), "{}", ran.stderr);

    // their own supervisor executes with their own rights
    let own = container.volume.scratch.join("own");
    fs::create_dir(&own).expect("a directory");
    own_by_hermes(&own);
    let mut svscan = Command::new("s6-svscan");
    svscan.arg(&own).uid(HERMES).gid(HERMES).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut svscan = svscan.spawn().expect("it starts");
    eventually("it is ready", || own.join(".s6-svscan/control").exists().then_some(()));
    let ran = container.volume.reconcile_through(&setpriv, &["--scan-dir", own.to_str().expect("a path")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    signal(svscan.id().cast_signed(), Signal::SIGTERM);
    svscan.wait().expect("waited");
}
