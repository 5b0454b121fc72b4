//! What the measurements share: the job, its contenders, medians.
#![allow(dead_code, reason = "each measurement uses a part of it")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a worker's PATH is in a container.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The same job for everyone: a config.env of 20 lines, drop to abc with all groups, HOME, the log
/// opened for appending, then the worker.
pub struct Job {
    pub directory: PathBuf,
    pub worker: PathBuf,
}

/// A name and the words to execute.
pub struct Contender {
    pub name: &'static str,
    pub words: Vec<String>,
}

const CONFIG_ENV: &str = "\
# worker settings
APP_NAME=discord-webhook-heartbeat
APP_MODE=production
INTERVAL_SECONDS=300
WEBHOOK_URL=https://example.invalid/api/webhooks/123456789012345678/abcdefABCDEF
WEBHOOK_TIMEOUT=30
USER_AGENT=heartbeat/1.0

# python
PYTHONUNBUFFERED=1
PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=/config/lib:/config/startup
LOG_LEVEL=INFO
# database
DB_HOST=127.0.0.1
DB_PORT=5432
DB_NAME=app
DB_USER=abc
DB_PASSWORD=correct-horse-battery-staple
CACHE_DIR=/config/.cache/app
TZ=Asia/Tokyo
";

impl Job {
    /// Builds the C programs and the files. Needs root and the account abc (benches/run).
    pub fn set_up() -> Job {
        let directory = std::env::temp_dir().join(format!("futo-bench-{}", std::process::id()));
        fs::create_dir_all(directory.join("log")).expect("a scratch directory");
        fs::create_dir_all(directory.join("home")).expect("a home");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::write(directory.join("config.env"), CONFIG_ENV).expect("config.env");
        fs::write(directory.join("log/app.log"), "").expect("a log");
        for path in ["log", "log/app.log", "home"] {
            lchown(directory.join(path), Some(911), Some(911)).expect("root");
        }
        let bare = ["-nostdlib", "-fno-stack-protector", "-fno-builtin", "-Wl,-z,norelro"];
        compile(&directory, "nop", "nop", &bare);
        compile(&directory, "floor", "floor_nolibc", &bare);
        compile(&directory, "floor", "floor_glibc", &["-DLIBC"]);
        compile(&directory, "interval", "interval", &[]);
        fs::copy(env!("CARGO_BIN_EXE_futo-launch"), directory.join("futo-launch")).expect("the launcher");
        // pages of a file just written count as dirty
        Command::new("sync").status().expect("sync");
        Job { worker: directory.join("nop"), directory }
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    fn script(&self, name: &str, text: &str) -> Vec<String> {
        let path = self.directory.join(name);
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        vec![path.display().to_string()]
    }

    /// Everyone who does the job and then executes `worker` (a program with arguments); `ours` are more
    /// options for the launcher. The first is the floor.
    pub fn contenders(&self, worker: &str, ours: &str) -> Vec<Contender> {
        let config = self.path("config.env");
        let home = self.path("home");
        let log_directory = self.path("log");
        let log = self.path("log/app.log");
        let floor = |program: &str| -> Vec<String> {
            [&self.path(program), &config, "abc", &home, &log_directory, &log]
                .into_iter()
                .map(ToString::to_string)
                .chain(worker.split(' ').map(String::from))
                .collect()
        };
        let sourced = format!("set -a; . {config}; set +a\nmkdir -p {log_directory}\nexport HOME={home}\n");
        let bash = format!(
            "#!/usr/bin/env bash\nset -euo pipefail\nCONFIG={config}\nLOG={log}\n\
             if [[ -f \"$CONFIG\" ]]; then\n  set -a\n  source \"$CONFIG\"\n  set +a\nfi\n\
             mkdir -p \"$(dirname \"$LOG\")\"\ntouch \"$LOG\"\nchown abc:abc \"$LOG\"\n\
             export HOME={home}\nexec s6-setuidgid abc {worker} >>\"$LOG\" 2>&1\n"
        );
        let execline = format!(
            "#!/usr/bin/execlineb -P\nenvfile {config}\nexport HOME {home}\nif {{ mkdir -p {log_directory} }}\n\
             redirfd -a 1 {log}\nfdmove -c 2 1\ns6-setuidgid abc\n{worker}\n"
        );
        let chpst = format!("#!/bin/sh\n{sourced}exec chpst -u abc:abc:futoa:futob {worker} >>{log} 2>&1\n");
        let setpriv = format!(
            "#!/bin/sh\n{sourced}exec setpriv --reuid=abc --regid=abc --init-groups {worker} >>{log} 2>&1\n"
        );
        let ours = format!(
            "{}{ours} --user abc --env-file {config} --home {home} --log {log} -- {worker}",
            self.path("futo-launch")
        );
        vec![
            Contender { name: "C without libc (floor)", words: floor("floor_nolibc") },
            Contender { name: "C static glibc", words: floor("floor_glibc") },
            Contender { name: "futo-launch", words: ours.split(' ').map(String::from).collect() },
            Contender { name: "dash + chpst", words: self.script("run-chpst", &chpst) },
            Contender { name: "dash + setpriv", words: self.script("run-setpriv", &setpriv) },
            Contender { name: "bash, as people write it", words: self.script("run-bash", &bash) },
            Contender { name: "execline + s6", words: self.script("run-execline", &execline) },
        ]
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Builds a C program of benches/c.
pub fn compile(directory: &Path, source: &str, program: &str, more: &[&str]) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/c");
    let status = Command::new("gcc")
        .args(["-O2", "-static", "-no-pie"])
        .args(more)
        .arg("-o")
        .arg(directory.join(program))
        .arg(sources.join(source).with_extension("c"))
        .status()
        .expect("gcc");
    assert!(status.success(), "{source}.c");
}

/// The number before the name of an option on the command line: `benches/run --bench launch -- -n 500`
pub fn option(name: &str, default: usize) -> usize {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == name);
    at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(default)
}

/// The value below which the share `part` of the values lies.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (part * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
