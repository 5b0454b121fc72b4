//! Running the launcher once, within a bound, and reading what the probe prints.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{Scratch, own_by_abc, write};

/// The PATH that s6-overlay gives.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// setpriv's words for becoming abc as a login would.
pub const AS_ABC: [&str; 6] = ["setpriv", "--reuid=abc", "--regid=abc", "--init-groups", "--", "env"];

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

/// Runs a command to its end; one that takes more than 20 seconds is killed and fails the test.
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
        if start.elapsed() > Duration::from_secs(20) {
            let _ = child.kill();
            let _ = child.wait();
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

/// What was written to stderr, with TIME for each time stamp at the start of a line.
pub fn said(output: &Output) -> String {
    without_times(&super::stderr(output))
}

/// A text with TIME for each time stamp at the start of a line.
pub fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        shape == "0000-00-00T00:00:00Z"
    };
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_at_checked(20) {
            Some((time, rest)) if is_time(time) => {
                lines.push_str("TIME");
                lines.push_str(rest);
            }
            _ => lines.push_str(line),
        }
    }
    lines
}

/// What examples/probe.rs printed.
pub struct Probe(BTreeMap<String, String>);

impl Probe {
    /// Reads it; other lines do not count.
    pub fn parse(text: &str) -> Probe {
        Probe(
            text.lines()
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        )
    }

    /// From the stdout of a command that ended well.
    pub fn of(output: &Output) -> Probe {
        assert_eq!(code(output), 0, "{output:?}");
        let probe = Probe::parse(&super::stdout(output));
        assert!(probe.0.contains_key("uids"), "no probe: {output:?}");
        probe
    }

    /// A row; fails the test if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("the probe has no {name}: {:?}", self.0))
    }

    /// A variable.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.0.get(&format!("env.{name}")).map(String::as_str)
    }

    /// The names of all variables.
    pub fn variables(&self) -> Vec<&str> {
        self.0.keys().filter_map(|name| name.strip_prefix("env.")).collect()
    }

    /// Ids, groups and rights, as one text to compare.
    pub fn identity(&self) -> String {
        ["uids", "gids", "groups", "capabilities"].map(|row| format!("{row}={}", self.get(row))).join("\n")
    }

    /// The numbers of the open descriptors.
    pub fn descriptors(&self) -> Vec<i32> {
        self.get("fds").split(' ').filter_map(|fd| fd.split(':').next()?.parse().ok()).collect()
    }
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

/// /etc/passwd with these changes, as a file of the scratch directory.
pub fn passwd(scratch: &Scratch, change: impl Fn(&str) -> Option<String>) -> PathBuf {
    let text: String = fs::read_to_string("/etc/passwd")
        .expect("the accounts")
        .lines()
        .filter_map(&change)
        .map(|line| line + "\n")
        .collect();
    let path = scratch.join("passwd");
    write(&path, &text, 0o644);
    path
}

/// Whether this process has the capability of this number (capabilities(7)).
pub fn has_capability(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("its status");
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("its capabilities");
    u64::from_str_radix(set.trim(), 16).expect("a number") >> number & 1 == 1
}

/// The lines of a trace (strace -f -o) whose system call creates, opens for writing, renames, removes a
/// path or changes its mode, owner or times.
pub fn touching(trace: &str) -> Vec<&str> {
    const ALWAYS: [&str; 12] = [
        "creat", "rename", "link", "symlink", "unlink", "rmdir", "mkdir", "mknod", "chmod", "chown",
        "truncate", "utime",
    ];
    trace
        .lines()
        .filter(|line| {
            let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
            let name = call.split('(').next().unwrap_or_default();
            match name {
                "open" | "openat" | "openat2" => ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_TMPFILE"]
                    .iter()
                    .any(|flag| call.contains(flag)),
                "readlink" | "readlinkat" => false,
                _ => ALWAYS.iter().any(|part| name.contains(part)) || name.contains("setxattr"),
            }
        })
        .collect()
}
