//! A launcher without a supervisor, started, signalled and looked at.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{
    ABC, Scratch, descendants, eventually, eventually_contains, is_alive, kill_all, kill_with_descendants,
    own_by_abc, read, signal, write,
};

/// Who starts a launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Root, who becomes abc.
    Root,
    /// abc himself, without supplementary groups.
    Abc,
}

/// A launcher without a supervisor, in a service directory `NAME` of its own, which is abc's. Log and
/// record are in `state/`, its stderr in `stderr`.
pub struct Direct {
    pub scratch: Scratch,
    name: String,
    child: Option<Child>,
}

impl Direct {
    /// Makes the directories; nothing is started.
    pub fn new(name: &str) -> Direct {
        let scratch = Scratch::new(name);
        scratch.directory_of_abc("state");
        scratch.directory_of_abc(name);
        scratch.write(Path::new(name).join("run"), "#!/bin/sh\n", 0o755);
        Direct { scratch, name: name.to_string(), child: None }
    }

    /// Makes the directories and starts a shell script as the worker.
    pub fn start(name: &str, options: &[&str], script: &str) -> Direct {
        let mut direct = Direct::new(name);
        direct.launch(Caller::Root, options, &["sh", "-c", script]);
        direct
    }

    /// `futo-launch --state-dir … OPTIONS -- WORKER`
    pub fn command(&self, caller: Caller, options: &[&str], worker: &[&str]) -> Command {
        let mut command = Command::new(self.scratch.launcher());
        let stderr = fs::OpenOptions::new().create(true).append(true).open(self.scratch.join("stderr"));
        command
            .arg("--state-dir")
            .arg(self.scratch.join("state"))
            .args(options)
            .arg("--")
            .args(worker)
            .current_dir(self.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.expect("a file for its stderr"));
        if caller == Caller::Abc {
            command.uid(ABC).gid(ABC);
        }
        command
    }

    /// Starts a launcher; the one before must have ended.
    pub fn launch(&mut self, caller: Caller, options: &[&str], worker: &[&str]) {
        assert!(self.child.is_none(), "the launcher before still runs");
        self.child = Some(self.command(caller, options, worker).spawn().expect("it starts"));
    }

    /// The same by root, with this stdout.
    pub fn launch_onto(&mut self, stdout: impl Into<Stdio>, options: &[&str], worker: &[&str]) {
        assert!(self.child.is_none(), "the launcher before still runs");
        let mut command = self.command(Caller::Root, options, worker);
        self.child = Some(command.stdout(stdout).spawn().expect("it starts"));
    }

    /// Starts root's launcher through another program that executes the words it is given.
    pub fn launch_through(&mut self, through: &[&str], options: &[&str], worker: &[&str]) {
        assert!(self.child.is_none(), "the launcher before still runs");
        let launcher = self.command(Caller::Root, options, worker);
        let stderr = fs::File::create(self.scratch.join("stderr")).expect("a file for its stderr");
        let mut command = Command::new(through[0]);
        command.args(&through[1..]).arg(launcher.get_program()).args(launcher.get_args());
        command.current_dir(self.directory()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        self.child = Some(command.spawn().expect("it starts"));
    }

    /// The service directory.
    pub fn directory(&self) -> PathBuf {
        self.scratch.join(&self.name)
    }

    /// Writes a file of abc's into the service directory, replaced whole.
    pub fn write(&self, file: &str, text: &str, mode: u32) {
        let part = self.directory().join(format!(".{file}.part"));
        write(&part, text, mode);
        own_by_abc(&part);
        fs::rename(&part, self.directory().join(file)).expect("renamed");
    }

    pub fn log_path(&self) -> PathBuf {
        self.scratch.join("state").join(format!("{}.log", self.name))
    }

    pub fn log(&self) -> String {
        read(self.log_path())
    }

    /// Waits until the log contains the text; gives the whole.
    pub fn logs(&self, text: &str) -> String {
        eventually_contains(&self.log_path(), text)
    }

    pub fn stderr(&self) -> String {
        read(self.scratch.join("stderr"))
    }

    pub fn record_path(&self) -> PathBuf {
        self.scratch.join("state").join(format!("{}.json", self.name))
    }

    /// The run record, null until there is one.
    pub fn record(&self) -> serde_json::Value {
        serde_json::from_str(&read(self.record_path())).unwrap_or_default()
    }

    /// Waits until this many runs have ended and the launcher waits for the next; gives the record.
    pub fn after_runs(&self, runs: u64) -> serde_json::Value {
        eventually(&format!("{runs} runs of {}; {}", self.name, self.record()), || {
            let record = self.record();
            let count = record["runs"].as_u64()?;
            assert!(count <= runs, "too many runs: {record}");
            (count == runs && record["next_due"].is_string()).then_some(record)
        })
    }

    pub fn pid(&self) -> i32 {
        self.child.as_ref().expect("it was started").id().cast_signed()
    }

    pub fn signal(&self, number: Signal) {
        signal(self.pid(), number);
    }

    pub fn is_running(&self) -> bool {
        is_alive(self.pid())
    }

    /// Waits for its end; gives the exit code, 128 + n if signal n killed it.
    pub fn end(&mut self) -> i32 {
        let child = self.child.as_mut().expect("it was started");
        let status = eventually("the launcher ends", || child.try_wait().expect("waited for"));
        self.child = None;
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }

    /// Sends the signal and blocks until the end; gives the exit code and how long that took.
    pub fn end_by(&mut self, number: Signal) -> (i32, Duration) {
        let mut child = self.child.take().expect("it was started");
        let start = Instant::now();
        signal(child.id().cast_signed(), number);
        let status = child.wait().expect("waited for");
        let time = start.elapsed();
        (status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)), time)
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // a program that it was started through leaves it behind
        let below = descendants(child.id().cast_signed());
        for number in [Signal::SIGCONT, Signal::SIGINT, Signal::SIGINT] {
            let _ = kill(Pid::from_raw(child.id().cast_signed()), number);
            for _ in 0..100 {
                if child.try_wait().ok().flatten().is_some() {
                    kill_all(&below);
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        kill_with_descendants(child);
        kill_all(&below);
    }
}
