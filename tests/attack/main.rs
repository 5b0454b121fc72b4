//! What abc can plant, and what root and the worker must not do because of it.

#[path = "../support/mod.rs"]
mod support;

mod config_env;
mod launcher;
mod log;
mod mkdir;
mod pump;
mod record;
mod settings_file;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::Pid;
use support::launching::{PATH, command, finish};
use support::{AS_ABC, Scratch, eventually, needs, own_by_abc, path_str, read, set_mode};

/// A service of root's, a home of abc's, and what an attacker would like to be written.
struct Scene {
    scratch: Scratch,
    name: String,
    service: PathBuf,
    home: PathBuf,
    /// A file of root's that everybody may write: only not following keeps it untouched.
    victim: PathBuf,
    /// A directory that everybody may write.
    elsewhere: PathBuf,
}

const VICTIMS_TEXT: &str = "nobody shall write here\n";

impl Scene {
    fn new(name: &str) -> Scene {
        let scratch = Scratch::new(name);
        let victim = scratch.write("victims/victim", VICTIMS_TEXT, 0o666);
        let elsewhere = scratch.join("elsewhere");
        fs::create_dir(&elsewhere).expect("a directory");
        set_mode(&elsewhere, 0o777);
        set_mode(scratch.join("victims"), 0o777);
        let service = scratch.service(name);
        let home = scratch.directory_of_abc("home");
        Scene { name: name.to_string(), service, home, victim, elsewhere, scratch }
    }

    fn state(&self) -> PathBuf {
        self.home.join(".local/state/futodama")
    }

    fn log(&self) -> PathBuf {
        self.state().join(format!("{}.log", self.name))
    }

    fn record(&self) -> PathBuf {
        self.state().join(format!("{}.json", self.name))
    }

    /// The home as it is after a first run.
    fn make_state(&self) {
        for directory in [".local", ".local/state", ".local/state/futodama"] {
            let path = self.home.join(directory);
            fs::create_dir(&path).expect("a directory");
            own_by_abc(&path);
        }
    }

    fn run(&self, options: &[&str], worker: &[&str]) -> Output {
        let mut command = self.scratch.launch(&self.service, &["--home", path_str(&self.home)]);
        finish(command.args(options).arg("--").args(worker))
    }

    fn assert_untouched(&self, what: &str) {
        assert_eq!(read(&self.victim), VICTIMS_TEXT, "{what}");
        let victim = fs::metadata(&self.victim).expect("the victim");
        assert_eq!((victim.uid(), victim.mode() & 0o7777), (0, 0o666), "{what}");
        let names = |path: &Path| -> Vec<_> {
            fs::read_dir(path)
                .expect("a directory")
                .map(|entry| entry.expect("an entry").file_name())
                .collect()
        };
        assert_eq!(names(&self.elsewhere), Vec::<std::ffi::OsString>::new(), "{what}");
        assert_eq!(names(&self.scratch.join("victims")), ["victim"], "{what}");
    }
}

/// What stands in the way of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plant {
    LinkToFile,
    LinkToDirectory,
    DanglingLink,
    LinkToItself,
    HardLink,
    Fifo,
    FifoWithReader,
    Directory,
    FullDirectory,
    NullDevice,
    FullDevice,
    Socket,
}

const PLANTS: [Plant; 12] = [
    Plant::LinkToFile,
    Plant::LinkToDirectory,
    Plant::DanglingLink,
    Plant::LinkToItself,
    Plant::HardLink,
    Plant::Fifo,
    Plant::FifoWithReader,
    Plant::Directory,
    Plant::FullDirectory,
    Plant::NullDevice,
    Plant::FullDevice,
    Plant::Socket,
];

impl Plant {
    /// Plants it, as abc's; what is given must be kept while it is to stand.
    fn at(self, path: &Path, scene: &Scene) -> Option<Box<dyn std::any::Any>> {
        let mut keep: Option<Box<dyn std::any::Any>> = None;
        let fifo = || nix::unistd::mkfifo(path, Mode::from_bits_truncate(0o666)).expect("a FIFO");
        let device = |minor| {
            let mode = Mode::from_bits_truncate(0o666);
            mknod(path, SFlag::S_IFCHR, mode, makedev(1, minor)).expect("a device");
            set_mode(path, 0o666);
        };
        match self {
            Plant::LinkToFile => symlink(&scene.victim, path).expect("a link"),
            Plant::LinkToDirectory => symlink(&scene.elsewhere, path).expect("a link"),
            Plant::DanglingLink => symlink(scene.scratch.join("victims/made"), path).expect("a link"),
            Plant::LinkToItself => symlink(path, path).expect("a link"),
            Plant::HardLink => fs::hard_link(&scene.victim, path).expect("a hard link"),
            Plant::Fifo => fifo(),
            Plant::FifoWithReader => {
                fifo();
                let both = fs::OpenOptions::new().read(true).write(true).open(path);
                keep = Some(Box::new(both.expect("a reader")));
            }
            Plant::Directory => fs::create_dir(path).expect("a directory"),
            Plant::FullDirectory => {
                fs::create_dir(path).expect("a directory");
                fs::write(path.join("file"), "").expect("a file");
            }
            Plant::NullDevice => device(3),
            Plant::FullDevice => device(7),
            Plant::Socket => keep = Some(Box::new(UnixListener::bind(path).expect("a socket"))),
        }
        if self != Plant::HardLink {
            own_by_abc(path);
        }
        keep
    }

    fn is_directory(self) -> bool {
        matches!(self, Plant::Directory | Plant::FullDirectory)
    }
}

const MODES: [&[&str]; 2] = [&[], &["--once"]];

/// A directory that is root's all the way, with one of abc's in it, and a probe.
fn roots_place(name: &str) -> (Scratch, PathBuf, PathBuf) {
    let scratch = Scratch::of_root(name);
    let inner = scratch.directory_of_abc("abcs");
    let probe = scratch.probe();
    (scratch, inner, probe)
}

/// A launcher that rests, or would.
fn resting(scene: &Scene, service: &Path, words: &[&str]) -> (Child, PathBuf) {
    let said = scene.scratch.join("said");
    let stderr = fs::File::create(&said).expect("a file");
    let child = scene
        .scratch
        .launch_supervised(service, words)
        .env("HOME", &scene.home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("it starts");
    (child, said)
}

fn stop(scene: &Scene, mut child: Child) {
    kill(Pid::from_raw(scene.scratch.supervised_pid()), Signal::SIGTERM).expect("signalled");
    let status = eventually("the launcher leaves", || child.try_wait().expect("waited"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn the_plants_are_what_they_are_called() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-plants");
    for (number, plant) in PLANTS.into_iter().enumerate() {
        let path = scene.scratch.join(format!("plant{number}"));
        let _keep = plant.at(&path, &scene);
        let kind = fs::symlink_metadata(&path).expect("planted").file_type();
        let is = match plant {
            Plant::LinkToFile | Plant::LinkToDirectory | Plant::DanglingLink | Plant::LinkToItself => {
                kind.is_symlink()
            }
            Plant::HardLink => kind.is_file(),
            Plant::Fifo | Plant::FifoWithReader => kind.is_fifo(),
            Plant::Directory | Plant::FullDirectory => kind.is_dir(),
            Plant::NullDevice | Plant::FullDevice => kind.is_char_device(),
            Plant::Socket => kind.is_socket(),
        };
        assert!(is, "{plant:?}");
    }
    // and abc could follow the links: only not following keeps the victim as it is
    let link = scene.scratch.join("plant0");
    let script = format!("echo followed >> {}", link.display());
    let words: Vec<&str> = AS_ABC.iter().copied().chain(["sh", "-c", &script]).collect();
    finish(&mut command(&words, &scene.scratch.path));
    assert!(read(&scene.victim).ends_with("followed\n"));
    assert!(PATH.contains("/bin"));
}
