//! What the tests share: a scratch directory, a supervisor on a scan directory, waiting with a bound.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test binary uses a part of it")]

pub mod boot;
pub mod direct;
pub mod docker;
pub mod launching;
pub mod needs;
pub mod overlay;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) use needs::{Need, find_program, have, needs, python_dotenv};

/// A directory that only this test knows, 0755, removed at the end. Below it: `bin/` with copies of
/// the programs that every user may execute.
pub struct Scratch {
    pub path: PathBuf,
}

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Scratch::at(std::env::temp_dir().join(format!("futo-{name}-{}-{number}", std::process::id())))
    }

    /// The same below a directory that is root's all the way up.
    pub fn of_root(name: &str) -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Scratch::at(PathBuf::from(format!("/run/futo-{name}-{}-{number}", std::process::id())))
    }

    fn at(path: PathBuf) -> Scratch {
        fs::create_dir_all(path.join("bin")).expect("a scratch directory");
        for directory in [&path, &path.join("bin")] {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        Scratch { path }
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// A copy of the launcher.
    pub fn launcher(&self) -> PathBuf {
        self.program(Path::new(env!("CARGO_BIN_EXE_futo-launch")))
    }

    /// A copy of examples/probe.rs: prints what a worker finds.
    pub fn probe(&self) -> PathBuf {
        let beside = Path::new(env!("CARGO_BIN_EXE_futo-launch")).with_file_name("examples");
        self.program(&beside.join("probe"))
    }

    /// A copy of futo, with the launcher beside it.
    pub fn futo(&self) -> PathBuf {
        self.launcher();
        self.program(Path::new(env!("CARGO_BIN_EXE_futo")))
    }

    fn program(&self, original: &Path) -> PathBuf {
        let name = original.file_name().expect("a file name").to_str().expect("a name");
        self.copy_as(name, original)
    }

    /// A program in `bin/` under this name.
    pub fn copy_as(&self, name: &str, original: &Path) -> PathBuf {
        let copy = self.join("bin").join(name);
        if !copy.exists() {
            // copied under another name first: tests of one process may ask for it at once
            let part = copy.with_extension(format!("{:?}", std::thread::current().id()));
            copy_by_process(original, &part);
            fs::rename(&part, &copy).expect("renamed");
        }
        copy
    }

    /// A file with this text and mode.
    pub fn write(&self, name: impl AsRef<Path>, text: &str, mode: u32) -> PathBuf {
        let path = self.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("its directory");
        }
        write(&path, text, mode);
        path
    }

    /// A directory that belongs to abc.
    pub fn directory_of_abc(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(&path).expect("a directory");
        own_by_abc(&path);
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Copies in a process of its own. A descriptor for writing in this one would for a moment be in
/// children that other tests start, and executing the copy would fail: text file busy.
pub fn copy_by_process(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("--").args([from, to]).status().expect("cp starts");
    assert!(copied.success(), "{} is built and can be copied", from.display());
}

/// A file with this text and mode, replaced whole.
pub fn write(path: &Path, text: &str, mode: u32) {
    let part = path.with_extension("part");
    if mode & 0o111 == 0 {
        fs::write(&part, text).expect("written");
    } else {
        let draft = path.with_extension("draft");
        fs::write(&draft, text).expect("written");
        copy_by_process(&draft, &part);
        fs::remove_file(&draft).expect("removed");
    }
    fs::set_permissions(&part, fs::Permissions::from_mode(mode)).expect("its mode");
    fs::rename(&part, path).expect("renamed");
}

/// The numbers of abc and its groups, as tests/accounts has them.
pub const ABC: u32 = 911;
pub const ABC_GROUPS: [u32; 3] = [911, 9101, 9102];

pub fn own_by_abc(path: &Path) {
    std::os::unix::fs::lchown(path, Some(ABC), Some(ABC)).expect("chown");
}

/// Waits until `condition` gives a value, for a minute at most, as on a machine that is very busy; then the test
/// fails with `what`.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn read(path: impl AsRef<Path>) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Waits until the file contains the text; gives the whole.
pub fn eventually_contains(path: &Path, text: &str) -> String {
    eventually(&format!("{} contains {text:?}; it is {:?}", path.display(), read(path)), || {
        let content = read(path);
        content.contains(text).then_some(content)
    })
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("it starts")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether the process is there and no zombie.
pub fn is_alive(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => {
            !matches!(stat.rsplit(')').next().map(|rest| rest.trim().chars().next()), Some(Some('Z' | 'X')))
        }
        Err(_) => false,
    }
}

/// s6-svscan on a scan directory of its own.
pub struct Svscan {
    pub scratch: Scratch,
    child: Child,
}

impl Svscan {
    /// Starts it on an empty scan directory; services are added with [`Svscan::add`].
    pub fn start(name: &str) -> Svscan {
        Svscan::start_behind(name, &[])
    }

    /// The same, executed by a program that prepares its surroundings.
    pub fn start_behind(name: &str, prefix: &[&str]) -> Svscan {
        Svscan::on(Scratch::new(name), prefix)
    }

    /// The same, on the directory `scan` of a scratch directory.
    pub fn on(scratch: Scratch, prefix: &[&str]) -> Svscan {
        fs::create_dir_all(scratch.join("scan")).expect("the scan directory");
        let stderr = fs::File::create(scratch.join("svscan.log")).expect("its log");
        // as at boot, whatever this test inherited (nohup): a shell cannot trap what was ignored when it began
        let words = ["env", "--default-signal"].iter().chain(prefix).chain(&["s6-svscan", "-c", "1000"]);
        let words: Vec<&str> = words.copied().collect();
        let child = Command::new(words[0])
            .args(&words[1..])
            .arg(scratch.join("scan"))
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(stderr.try_clone().expect("a copy"))
            .stderr(stderr)
            .spawn()
            .expect("s6-svscan starts");
        let svscan = Svscan { scratch, child };
        eventually("s6-svscan is ready", || {
            svscan.scratch.join("scan/.s6-svscan/control").exists().then_some(())
        });
        svscan
    }

    /// The service directory of a name, in the scan directory.
    pub fn directory(&self, name: &str) -> PathBuf {
        self.scratch.join("scan").join(name)
    }

    /// Publishes a service: `files` are (name, text); `run` gets mode 0755. Appears whole.
    pub fn add(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let hidden = self.scratch.join("scan").join(format!(".{name}"));
        fs::create_dir(&hidden).expect("a service directory");
        for (file, text) in files {
            let mode = if matches!(*file, "run" | "finish") { 0o755 } else { 0o644 };
            write(&hidden.join(file), text, mode);
        }
        let directory = self.directory(name);
        fs::rename(&hidden, &directory).expect("published");
        self.control(&["-a"]);
        directory
    }

    /// Publishes a service whose run script is one line: `exec futo-launch WORDS`.
    pub fn add_launch(&self, name: &str, words: &str, more: &[(&str, &str)]) -> PathBuf {
        let run = format!("#!/bin/sh\nexec {} {words}\n", self.scratch.launcher().display());
        let mut files = vec![("run", run.as_str())];
        files.extend_from_slice(more);
        self.add(name, &files)
    }

    /// `s6-svscanctl OPTIONS`
    pub fn control(&self, options: &[&str]) {
        let status = Command::new("s6-svscanctl").args(options).arg(self.scratch.join("scan")).status();
        assert!(status.expect("s6-svscanctl starts").success());
    }

    /// `s6-svc OPTIONS` on a service.
    pub fn svc(&self, options: &[&str], name: &str) {
        let status = Command::new("s6-svc").args(options).arg(self.directory(name)).status();
        assert!(status.expect("s6-svc starts").success(), "s6-svc {options:?} {name}");
    }

    /// `s6-svstat -o FIELDS`, the values apart.
    pub fn svstat(&self, fields: &str, name: &str) -> Vec<String> {
        let output = output(Command::new("s6-svstat").args(["-o", fields]).arg(self.directory(name)));
        stdout(&output).split_whitespace().map(str::to_string).collect()
    }

    /// The pid of the service's leader, once it is up.
    pub fn pid(&self, name: &str) -> i32 {
        eventually(&format!("{name} is up"), || {
            let pid: i32 = self.svstat("pid", name).first()?.parse().ok()?;
            (pid > 0).then_some(pid)
        })
    }

    /// The pid of s6-svscan itself.
    pub fn own_pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What s6-svscan and the services wrote to the inherited stderr.
    pub fn stderr(&self) -> String {
        read(self.scratch.join("svscan.log"))
    }

    /// `s6-svscanctl -t`, waited for; gives how long it took.
    pub fn stop(&mut self) -> Duration {
        let start = Instant::now();
        self.control(&["-t"]);
        eventually("s6-svscan has left", || self.child.try_wait().expect("waited").map(drop));
        start.elapsed()
    }
}

impl Drop for Svscan {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            let _ = Command::new("s6-svscanctl").arg("-t").arg(self.scratch.join("scan")).status();
            for _ in 0..600 {
                if self.child.try_wait().ok().flatten().is_some() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Where abc's logs and records are by default.
pub fn state(file: &str) -> PathBuf {
    Path::new("/config/.local/state/futodama").join(file)
}

/// The run record of a service as JSON, once it is there.
pub fn record(path: &Path) -> serde_json::Value {
    eventually(&format!("{} is a record", path.display()), || serde_json::from_str(&read(path)).ok())
}
