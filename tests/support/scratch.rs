//! A directory for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{copy_by_process, own_by_abc, set_mode, write};

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
            set_mode(directory, 0o755);
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

    /// A copy of examples/lines.rs: writes numbered lines.
    pub fn lines(&self) -> PathBuf {
        let beside = Path::new(env!("CARGO_BIN_EXE_futo-launch")).with_file_name("examples");
        self.program(&beside.join("lines"))
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
