//! Which directory and which file a command means, and what it opens.

use std::fs;
use std::process::{Command, Stdio};

use crate::Scene;
use crate::support::launching::{code, finish};
use crate::support::{self, AS_ABC, eventually, needs, own_by_abc, stderr, stdout, write};

#[test]
fn a_relative_state_directory_counts_from_the_service_wherever_one_asks() {
    needs!(root, "s6-svscan");
    let svscan = support::Svscan::start("trust-relative");
    svscan.add_launch("relative", "--state-dir state --log - --interval 1h -- false", &[]);
    let state = svscan.directory("relative").join("state");
    fs::create_dir_all(&state).expect("a directory");
    own_by_abc(&state);
    let health = |directory: &str| {
        let mut command = Command::new(svscan.scratch.futo());
        command.args(["health", "--from", "/nonexistent", "--scan-dir"]).arg(svscan.scratch.join("scan"));
        finish(command.current_dir(directory))
    };
    eventually("it fails, from any directory", || {
        let all = ["/", "/tmp"].map(health);
        all.iter().all(|output| code(output) == 1 && stdout(output).contains("failing")).then_some(())
    });
}

#[test]
fn check_opens_no_device_and_stays_root_for_nobody() {
    needs!(root, "strace");
    let scene = Scene::new("trust-devices");
    let device = scene.secrets.join("device");
    nix::sys::stat::mknod(
        &device,
        nix::sys::stat::SFlag::S_IFCHR,
        nix::sys::stat::Mode::from_bits_truncate(0o666),
        nix::sys::stat::makedev(1, 3),
    )
    .expect("a device");
    let trace = scene.scratch.join("trace");
    for user in ["--user root", "--user nosuch", ""] {
        let run = format!("#!/bin/sh\nexec LAUNCHER {user} --log {} -- true\n", device.display());
        scene.define("x", &run);
        // root's own
        let own = scene.scratch.join("own/y");
        fs::create_dir_all(&own).expect("a directory");
        let run = run.replace("LAUNCHER", &scene.scratch.launcher().display().to_string());
        write(&own.join("run"), &run, 0o755);
        for target in ["x", own.to_str().expect("text")] {
            for words in [vec!["check", target], vec!["logs", target], vec!["status"]] {
                let mut command = Command::new("strace");
                command
                    .args(["-f", "-e", "trace=open,openat,openat2", "-o"])
                    .arg(&trace)
                    .arg(scene.scratch.futo());
                command.args(&words).arg("--from").arg(&scene.definitions).arg("--scan-dir");
                command.arg(scene.scratch.join("scan")).stdin(Stdio::null());
                finish(&mut command);
                let trace = support::read(&trace);
                let opened: Vec<&str> = trace
                    .lines()
                    .filter(|line| line.contains("/device\"") && !line.contains("O_PATH"))
                    .collect();
                assert_eq!(opened, Vec::<&str>::new(), "{user} {words:?}");
            }
        }
    }
}

#[test]
fn directory_and_run_script_are_one_for_try() {
    needs!(root, "setpriv");
    // a directory that abc exchanges again and again while root tries it
    let scene = Scene::new("trust-exchange");
    let one = scene.define("x", "#!/bin/sh\nexec LAUNCHER -- cat mark\n");
    let other = scene.define("y", "#!/bin/sh\nexec LAUNCHER -- echo other\n");
    for (directory, text) in [(&one, "one\n"), (&other, "two\n")] {
        write(&directory.join("mark"), text, 0o644);
    }
    let exchange = format!(
        "import ctypes, sys\nlibc = ctypes.CDLL(None, use_errno=True)\nwhile True:\n    libc.renameat2(-100, b'{}', -100, b'{}', 2)\n",
        one.display(),
        other.display()
    );
    let mut command = Command::new(AS_ABC[0]);
    let mut swapping =
        command.args(&AS_ABC[1..]).args(["python3", "-c", &exchange]).spawn().expect("python3 starts");
    for _ in 0..40 {
        let output = scene.futo(&["try", "x"]);
        let said = stdout(&output);
        assert!(["one\n", "other\n"].contains(&said.as_str()), "{said}{}", stderr(&output));
    }
    swapping.kill().expect("ended");
    swapping.wait().expect("waited for");
}
