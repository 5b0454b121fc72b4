//! Gateways under a supervisor.

use super::boot::{Ran, Volume};
use super::{Scratch, Svscan, path_str, read};

/// A volume on whose scan directory s6-svscan runs.
pub struct Live {
    // stopped before its directory is removed
    pub svscan: Svscan,
    pub volume: Volume,
    /// The file that `futo reconcile` is configured by.
    pub config: String,
    /// A directory of root's.
    pub roots: Scratch,
}

impl Live {
    /// With a `hermes` that says how it was started, and stays.
    pub fn new(name: &str) -> Live {
        Live::with(name, "echo \"$* $PWD $HOME $VIRTUAL_ENV $(id -un) $HERMES_HOME\"; exec sleep 1000")
    }

    /// With this shell script as `hermes`.
    pub fn with(name: &str, script: &str) -> Live {
        let volume = Volume::new(name);
        volume.scratch.write("venv/bin/hermes", &format!("#!/bin/sh\n{script}\n"), 0o755);
        let roots = Scratch::of_root(name);
        let config = path_str(&roots.join("futo.toml")).to_string();
        let svscan = Svscan::on_directory(name, &volume.scan(""), &[]);
        let live = Live { svscan, volume, config, roots };
        live.configure("");
        live
    }

    /// Writes the configuration: where hermes is, and this.
    pub fn configure(&self, more: &str) {
        let venv = self.volume.scratch.join("venv");
        self.roots.write("futo.toml", &format!("venv = '{}'\n{more}", venv.display()), 0o644);
    }

    pub fn reconcile(&self, options: &[&str]) -> Ran {
        let ran = self.volume.reconcile(&[&["--config", self.config.as_str()], options].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }

    /// The pid of a service and of its logger.
    pub fn pids(&self, service: &str) -> [i32; 2] {
        [self.svscan.pid(service), self.svscan.pid(&format!("{service}/log"))]
    }

    pub fn log(&self, profile: &str) -> String {
        read(self.volume.home(format!("logs/gateways/{profile}/current")))
    }
}
