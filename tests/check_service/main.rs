//! `futo check` of services: each mistake that people make, seeded, and what is said of it, exactly.

mod definitions;
mod publishing;
mod run_script;
mod running;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;

use support::launching::{code, finish};
use support::{Svscan, own_by_abc, stderr, stdout};

/// Definitions below a directory of abc's.
struct Scene {
    svscan: Svscan,
    definitions: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let svscan = Svscan::start(name);
        let definitions = svscan.scratch.directory_of_abc("definitions");
        Scene { svscan, definitions }
    }

    /// A definition whose run script is this, with LAUNCHER for the launcher.
    fn define(&self, name: &str, run: &str) -> PathBuf {
        let run = run.replace("LAUNCHER", &self.svscan.scratch.launcher().display().to_string());
        let path = self.svscan.scratch.write(format!("definitions/{name}/run"), &run, 0o755);
        let directory = path.parent().expect("its directory").to_path_buf();
        own_by_abc(&directory);
        own_by_abc(&path);
        directory
    }

    /// What is said, with DIR for the directory of definitions; and the exit code.
    fn check(&self, prefix: &[&str], names: &[&str]) -> (i32, String) {
        let mut command = self.svscan.scratch.futo_by(prefix, &[&["check"], names].concat());
        command.arg("--from").arg(&self.definitions).arg("--scan-dir").arg(self.svscan.scratch.join("scan"));
        let output = finish(&mut command);
        assert_eq!(stderr(&output), "");
        let text = stdout(&output).replace(&self.definitions.display().to_string(), "DIR");
        (code(&output), text.replace(&self.svscan.scratch.path.display().to_string(), "SCRATCH"))
    }

    /// Said of a definition that is not published, without the line that says so.
    fn said(&self, name: &str) -> String {
        let (exit, said) = self.check(&[], &[name]);
        assert_eq!(exit, 1);
        let end = said.find(&format!("{name}: is not published"));
        said[..end.unwrap_or_else(|| panic!("{said}"))].to_string()
    }
}

/// A command in a mount namespace of its own, after this script.
fn behind(script: &str) -> [&str; 7] {
    ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script]
}
