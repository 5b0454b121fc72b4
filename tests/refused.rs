//! A passing refusal of the system is retried by the supervisor, never rested on, wherever in a launch it comes:
//! strace refuses each system call of the launcher in turn.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::launching::{code, finish};
use support::{Scratch, needs, own_by_abc, read, stderr};

/// What opens, looks or reads.
const CALLS: &str = "openat,openat2,newfstatat,fstat,read,getcwd,readlink,readlinkat,getdents64,close_range";

/// A service that uses every source of variables, with a worker that needs them, so that none can be missed.
struct Scene {
    scratch: Scratch,
    service: PathBuf,
    words: Vec<String>,
}

impl Scene {
    fn new(name: &str, more: &[&str]) -> Scene {
        // the container's variables must be root's all the way up
        let scratch = Scratch::of_root(name);
        let service = scratch.service_of_abc("rf-service");
        let file = |name: &str, text: &str| {
            own_by_abc(&scratch.write(Path::new("rf-service").join(name), text, 0o644))
        };
        file("config.env", "A=1\n");
        file("more.env", "B=1\n");
        file("dot.env", "C=1\n");
        file("envdir/D", "1\n");
        file("secret", "1\n");
        file("notification-fd", "9\n");
        scratch.write("container/F", "1\n", 0o644);
        let container = scratch.join("container").display().to_string();
        let probe = scratch.probe().display().to_string();
        let words = [
            "--container-env",
            &container,
            "--state-dir",
            &scratch.directory_of_abc("state").display().to_string(),
            "--env-file",
            "more.env",
            "--dotenv",
            "dot.env",
            "--env-dir",
            "envdir",
            "--env",
            "FILE__E=secret",
            "--require",
            "A,B,C,D,E,F",
        ];
        let words = words.iter().chain(more).copied().chain(["--", &probe]).map(str::to_string).collect();
        Scene { scratch, service, words }
    }

    fn strace(&self, options: &[&str]) -> Command {
        let mut command = self.scratch.supervised(&self.service);
        // -D: the launcher stays the supervisor's child
        command.args(["strace", "-D", "-q", "-o"]).arg(self.scratch.join("trace"));
        command.args(options).arg(self.scratch.launcher()).args(&self.words);
        command
    }

    /// How often the launcher makes each call before the worker is executed.
    fn calls(&self) -> Vec<(String, usize)> {
        let trace = format!("trace={CALLS},execve");
        let ran = finish(&mut self.strace(&["-e", &trace]));
        assert_eq!(code(&ran), 0, "{}", stderr(&ran));
        let mut counts: Vec<(String, usize)> = Vec::new();
        // strace writes on when the launcher's parent has been answered already
        let trace = support::eventually("the trace is whole", || {
            Some(read(self.scratch.join("trace"))).filter(|trace| trace.contains("+++ exited"))
        });
        let launcher = trace.lines().skip(1).take_while(|line| !line.contains("execve("));
        for line in launcher.filter(|line| line.contains('(')) {
            let call = line.split('(').next().expect("a name").trim().to_string();
            match counts.iter_mut().find(|(name, _)| *name == call) {
                Some((_, count)) => *count += 1,
                None => counts.push((call, 1)),
            }
        }
        counts
    }

    /// Refuses each call in turn; whatever comes of it, it is no rest and no word about something to edit.
    fn refuse(&self, errors: &[&str]) -> usize {
        let mut refused = 0;
        for (call, count) in self.calls() {
            for number in 1..=count {
                let error = errors[refused % errors.len()];
                let inject = format!("inject={call}:error={error}:when={number}");
                let trace = format!("trace={call}");
                let ran = finish(&mut self.strace(&["-e", &trace, "-e", &inject]));
                let said = stderr(&ran);
                assert!([0, 111].contains(&code(&ran)), "{inject}: {}: {said}", code(&ran));
                assert!(!said.contains("resting"), "{inject}: {said}");
                refused += 1;
            }
        }
        refused
    }
}

const ERRORS: [&str; 4] = ["EMFILE", "ENOMEM", "EINTR", "EIO"];

#[test]
fn a_passing_refusal_at_any_step_of_a_launch_is_never_rested_on() {
    needs!(root, "strace");
    let scene = Scene::new("refused", &[]);
    let refused = scene.refuse(&ERRORS);
    assert!(refused > 60, "{refused}");
}

#[test]
fn nor_at_any_step_of_a_launch_of_root() {
    needs!(root, "strace");
    let scene = Scene::new("refused-root", &["--user", "root"]);
    // only its own files are read for a worker that is root
    let chown = Command::new("chown").args(["-R", "root:root"]).arg(&scene.service).status();
    assert!(chown.expect("chown starts").success());
    let refused = scene.refuse(&ERRORS);
    assert!(refused > 60, "{refused}");
}
