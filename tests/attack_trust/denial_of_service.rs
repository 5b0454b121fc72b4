//! No process or file of abc's stops a command, floods it or exhausts its memory.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::launching::{code, finish};
use crate::support::{self, AS_ABC, needs, own_by_abc, stderr, stdout, write};
use crate::{SECRET, Scene};

/// A process of abc's that does something to every process of abc's whose words have `mark`.
struct Watcher(std::process::Child);

impl Watcher {
    const SCRIPT: &str = r#"
import ctypes, os, signal, sys
what, mark, out = sys.argv[1:]
libc, own, seen = ctypes.CDLL(None), os.getpid(), set()
print("ready", flush=True)
while True:
    for pid in [int(each) for each in os.listdir("/proc") if each.isdigit()]:
        try:
            words = open("/proc/%d/cmdline" % pid, "rb").read()
            if pid == own or mark.encode() not in words or b"abcs-watcher" in words:
                continue
            if what == "stop":
                os.kill(pid, signal.SIGSTOP)
            elif pid not in seen:
                pidfd = os.pidfd_open(pid)
                pipe = libc.syscall(438, pidfd, 1, 0)
                if pipe >= 0:
                    seen.add(pid)
                    if os.fork() == 0:
                        while True:
                            os.write(pipe, b"x" * 65536)
            with open(out, "ab") as file:
                file.write(open("/proc/%d/environ" % pid, "rb").read())
        except OSError:
            pass
"#;

    fn start(what: &str, mark: &str, out: &Path) -> Watcher {
        let mut command = Command::new(AS_ABC[0]);
        command.args(&AS_ABC[1..]).args([
            "python3",
            "-c",
            &format!("# abcs-watcher\n{}", Self::SCRIPT),
            what,
            mark,
        ]);
        let mut child =
            command.arg(out).stdout(Stdio::piped()).process_group(0).spawn().expect("python3 starts");
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut ready).expect("it is ready");
        Watcher(child)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let group = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

#[test]
fn no_command_of_roots_is_stopped_by_abc() {
    needs!(root, "python3");
    let scene = Scene::new("trust-stopped");
    let out = scene.scratch.directory_of_abc("out").join("seen");
    scene.define("x", "#!/bin/sh\nexec LAUNCHER -- true\n");
    let _watcher = Watcher::start("stop", scene.scratch.futo().to_str().expect("text"), &out);
    for number in 0..15 {
        let new = format!("new{number}");
        for words in
            [&["check", "x"][..], &["disable", "x"], &["enable", "x"], &["new", &new, "--template", "shell"]]
        {
            // within the bound of every test
            let said = scene.said(words);
            assert!(!said.is_empty(), "{words:?}");
        }
    }
    assert_eq!(support::read(&out), "");
}

#[test]
fn bash_that_abc_stops_or_floods_keeps_nobody_waiting_and_knows_nothing_of_roots() {
    needs!(root, "python3", "bash");
    let scene = Scene::new("trust-compare");
    let directory = scene.scratch.directory_of_abc("files");
    let file = directory.join("many.env");
    // enough that bash is there for a while
    let text: String = (0..4000).map(|number| format!("V{number}='{}'\n", "x".repeat(60))).collect();
    write(&file, &text, 0o600);
    own_by_abc(&file);
    for what in ["stop", "fill"] {
        let out = directory.join(what);
        let watcher = Watcher::start(what, "__futo", &out);
        let mut is_met = false;
        for _ in 0..10 {
            let mut command = Command::new(scene.scratch.futo());
            command.args(["check", "--compare"]).arg(&file).env("ROOTS_VARIABLE", SECRET);
            let output = finish(&mut command);
            let said = stdout(&output);
            is_met = said.contains("bash did not finish within 10 s")
                || said.contains("bash wrote more than 16 MiB");
            assert!(is_met || [0, 1].contains(&code(&output)), "{said}");
            if is_met {
                break;
            }
        }
        drop(watcher);
        let seen = support::read(&out);
        assert!(!seen.contains(SECRET), "{seen}");
        // where the kernel lets nobody take a descriptor, there is nothing to meet
        assert!(is_met || what == "fill", "{what}");
    }
    // a file that abc cannot read is not shown to bash as abc
    let of_root = directory.join("root.env");
    write(&of_root, &format!("TOKEN={SECRET}\n"), 0o600);
    let mut command = Command::new(scene.scratch.futo());
    let output = finish(command.args(["check", "--compare"]).arg(&of_root));
    assert!(stdout(&output).contains("permission denied"), "{}", stdout(&output));
}

#[test]
fn large_run_scripts_in_many_directories_cost_little_memory() {
    needs!(root);
    let scene = Scene::new("trust-large");
    let start = "#!/bin/sh\nexec LAUNCHER --interval 1h --";
    let words = " a".repeat((60 << 10) / 2);
    let first = scene.define("x0", &format!("{start}{words}\n"));
    for number in 1..120 {
        let directory = scene.definitions.join(format!("x{number}"));
        fs::create_dir(&directory).expect("a directory");
        own_by_abc(&directory);
        fs::hard_link(first.join("run"), directory.join("run")).expect("a name");
    }
    let huge = scene.define("y", &format!("{start}{}\n", " a".repeat(512 << 10)));
    for words in ["status", "health", "check"] {
        let line = format!(
            "ulimit -v 100000; exec {} {words} --from {} --scan-dir {}",
            scene.scratch.futo().display(),
            scene.definitions.display(),
            scene.scratch.join("scan").display()
        );
        let mut command = Command::new("sh");
        let output = command.args(["-c", &line]).output().expect("it runs");
        assert_eq!(code(&output), if words == "status" { 0 } else { 1 }, "{words}: {}", stderr(&output));
        assert!(stdout(&output).contains("x119"), "{words}");
    }
    let said = scene.said(&["try", "y"]);
    assert!(
        said.contains(&format!("unable to read '{}/run': it is longer than 65536 bytes", huge.display())),
        "{said}"
    );
}
