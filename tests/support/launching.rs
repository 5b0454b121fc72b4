//! Running the launcher once, within a bound, and reading what the probe prints.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{PATIENCE, Scratch, kill_with_descendants, own_by_abc, path_str};

/// The PATH that s6-overlay gives.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Scratch {
    /// A service directory of root's: it holds a `run`, so the launcher sees a service.
    pub fn service(&self, name: &str) -> PathBuf {
        self.write(Path::new(name).join("run"), "#!/bin/sh\n", 0o755);
        self.join(name)
    }

    /// The same, all of it abc's.
    pub fn service_of_abc(&self, name: &str) -> PathBuf {
        let directory = self.service(name);
        own_by_abc(&directory.join("run"));
        own_by_abc(&directory);
        directory
    }

    /// The launcher with these words, in this directory, with PATH as its whole environment.
    pub fn launch<S: AsRef<OsStr>>(&self, directory: &Path, words: &[S]) -> Command {
        let mut command = command(&[self.launcher()], directory);
        command.args(words);
        command
    }

    /// The launcher as a supervisor starts it.
    pub fn launch_supervised<S: AsRef<OsStr>>(&self, directory: &Path, words: &[S]) -> Command {
        let mut command = self.supervised(directory);
        command.arg(self.launcher()).args(words);
        command
    }

    /// A stand-in for a supervisor, to be given a command: a shell by the name of one, which starts the command
    /// from the service directory as its child, and leaves with its exit code. The child's pid is in
    /// [`Scratch::supervised_pid`].
    pub fn supervised(&self, directory: &Path) -> Command {
        fs::create_dir_all(directory.join("supervise")).expect("the supervisor's directory");
        let supervisor = self.copy_as("runsv", Path::new("/bin/sh"));
        let mut command = command(&[supervisor], directory);
        // exec would make the shell the command
        command.args(["-c", "sh -c 'echo $$ >\"$0\"; exec \"$@\"' \"$0\" \"$@\"; exit $?"]);
        command.arg(self.join("supervised.pid"));
        command
    }

    /// The process that the stand-in has started.
    pub fn supervised_pid(&self) -> i32 {
        let file = self.join("supervised.pid");
        super::eventually("the command is started", || super::read(&file).trim().parse().ok())
    }

    /// `PREFIX… futo WORDS…`
    pub fn futo_by(&self, prefix: &[&str], words: &[&str]) -> Command {
        let futo = self.futo();
        let mut all = prefix.to_vec();
        all.push(path_str(&futo));
        let mut command = Command::new(all[0]);
        command.args(&all[1..]).args(words);
        command
    }

    /// `PREFIX… futo-launch WORDS…`
    pub fn launch_by<P: AsRef<OsStr>, S: AsRef<OsStr>>(
        &self,
        prefix: &[P],
        directory: &Path,
        words: &[S],
    ) -> Command {
        let mut command = command(prefix, directory);
        command.arg(self.launcher()).args(words);
        command
    }
}

/// A command in a directory, with PATH as its whole environment.
pub fn command<S: AsRef<OsStr>>(words: &[S], directory: &Path) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).current_dir(directory).env_clear().env("PATH", PATH);
    command
}

/// Runs a command to its end; one that does not end within [`PATIENCE`] is killed and fails the test.
pub fn finish(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let drain = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.expect("a pipe").read_to_end(&mut bytes).expect("read");
            bytes
        })
    };
    let stdout = drain(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let stderr = drain(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("waited") {
            break status;
        }
        if start.elapsed() > PATIENCE {
            kill_with_descendants(&mut child);
            panic!("it hangs: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Output { status, stdout: stdout.join().expect("stdout"), stderr: stderr.join().expect("stderr") }
}

/// The exit code; 128 + n for signal n.
pub fn code(output: &Output) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0))
}

/// A command in a mount namespace of its own, where `file` stands at `path`.
pub fn with_file_at(file: &Path, path: &str) -> Vec<std::ffi::OsString> {
    // what tests/run has bound there is a file without a name by now, and nothing can be bound on it
    let script = "umount \"$2\" 2>/dev/null; mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
        .map(std::ffi::OsString::from)
        .into_iter()
        .chain([file.as_os_str().to_os_string(), path.into()])
        .collect()
}
