//! Supervisors: s6-svscan, and runsv.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::launching::PATH;
use super::{EndedBy, Scratch, eventually, kill_with_descendants, output, read, stdout, write};

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

    /// The same, on a scan directory elsewhere.
    pub fn on_directory(name: &str, scan: &Path, prefix: &[&str]) -> Svscan {
        let scratch = Scratch::new(&format!("{name}-svscan"));
        symlink(scan, scratch.join("scan")).expect("a link");
        Svscan::on(scratch, prefix)
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
            .env("PATH", PATH)
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

    /// `PREFIX… futo WORDS` on this scan directory, and on the definitions in `definitions`.
    pub fn futo(&self, prefix: &[&str], words: &[&str]) -> Command {
        let mut command = self.scratch.futo_by(prefix, words);
        command.arg("--scan-dir").arg(self.scratch.join("scan"));
        command.arg("--from").arg(self.scratch.join("definitions"));
        command
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
            // a service that does not stop
            kill_with_descendants(&mut self.child);
        }
    }
}

/// runsv on a service directory, in the end it gets TERM, which ends the service too.
pub fn runsv(directory: &Path, stderr: &Path) -> EndedBy {
    let runsv = Command::new("runsv")
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(stderr).expect("a file"))
        .spawn()
        .expect("runsv starts");
    EndedBy(Signal::SIGTERM, runsv)
}
