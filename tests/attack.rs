//! What abc can plant, and what root and the worker must not do because of it.

mod support;

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::Pid;

use support::launching::{PATH, code, command, finish};
use support::{
    ABC, AS_ABC, EndedBy, Probe, Scratch, Svscan, eventually, eventually_contains, needs, own_by_abc,
    path_str, read, said, set_mode, stderr, stdout, touching,
};

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

#[test]
fn whatever_stands_in_the_place_of_the_log_is_not_touched_and_the_worker_runs() {
    needs!(root, "strace", "setpriv", "python3");
    for plant in PLANTS {
        for mode in MODES {
            let what = format!("{plant:?} {mode:?}");
            let scene = Scene::new("attack-log");
            scene.make_state();
            let _keep = plant.at(&scene.log(), &scene);
            let before = fs::symlink_metadata(scene.log()).expect("the plant");
            let output = scene.run(mode, &["sh", "-c", "echo worker ran; echo and said >&2"]);
            assert_eq!(code(&output), 0, "{what}: {}", said(&output));
            assert!(stderr(&output).contains("worker ran\nand said\n"), "{what}: {}", said(&output));
            assert_eq!(stdout(&output), "", "{what}");
            let warning =
                format!("TIME attack-log: warning: unable to open log '{}': ", scene.log().display());
            assert_eq!(said(&output).matches(&warning).count(), 1, "{what}: {}", said(&output));
            scene.assert_untouched(&what);
            let after = fs::symlink_metadata(scene.log()).expect("the plant");
            assert_eq!(
                (before.ino(), before.mode(), before.len()),
                (after.ino(), after.mode(), after.len()),
                "{what}"
            );
        }
    }
}

#[test]
fn a_worker_that_is_root_does_not_follow_them_either() {
    needs!(root, "strace", "setpriv", "python3");
    for plant in PLANTS {
        for place in [".local/state/futodama/attack-asroot.log", ".local/state/futodama", ".local"] {
            let what = format!("{plant:?} {place}");
            if plant.is_directory() && !place.ends_with(".log") {
                continue;
            }
            let scene = Scene::new("attack-asroot");
            let place = scene.home.join(place);
            fs::create_dir_all(place.parent().expect("above")).expect("directories");
            for above in place.ancestors().skip(1).take_while(|above| *above != scene.home) {
                own_by_abc(above);
            }
            let _keep = plant.at(&place, &scene);
            let output = scene.run(&["--user", "root", "--once"], &["echo", "worker ran"]);
            assert_eq!(code(&output), 0, "{what}: {}", said(&output));
            assert!(stderr(&output).contains("worker ran\n"), "{what}: {}", said(&output));
            scene.assert_untouched(&what);
        }
    }
}

#[test]
fn whatever_stands_in_the_place_of_a_directory_above_the_log_is_not_followed() {
    needs!(root, "strace", "setpriv", "python3");
    for plant in PLANTS.into_iter().filter(|plant| !plant.is_directory()) {
        for mode in MODES {
            for (depth, place) in [".local", ".local/state", ".local/state/futodama"].into_iter().enumerate()
            {
                let what = format!("{plant:?} {mode:?} {place}");
                let scene = Scene::new("attack-above");
                for above in [".local", ".local/state"].into_iter().take(depth) {
                    fs::create_dir(scene.home.join(above)).expect("a directory");
                    own_by_abc(&scene.home.join(above));
                }
                let _keep = plant.at(&scene.home.join(place), &scene);
                let output = scene.run(mode, &["sh", "-c", "echo worker ran; echo and said >&2"]);
                assert_eq!(code(&output), 0, "{what}: {}", said(&output));
                assert!(stderr(&output).contains("worker ran\nand said\n"), "{what}: {}", said(&output));
                let warning = format!("unable to open log '{}': ", scene.log().display());
                assert_eq!(said(&output).matches(&warning).count(), 1, "{what}: {}", said(&output));
                scene.assert_untouched(&what);
            }
        }
    }
}

#[test]
fn whatever_stands_in_the_place_of_the_record_is_not_followed_and_the_worker_runs() {
    needs!(root, "strace", "setpriv", "python3");
    for plant in PLANTS {
        for temporary in [false, true] {
            let what = format!("{plant:?} temporary: {temporary}");
            let scene = Scene::new("attack-record");
            scene.make_state();
            let place = match temporary {
                false => scene.record(),
                true => scene.state().join(".attack-record.json.tmp"),
            };
            let _keep = plant.at(&place, &scene);
            let output = scene.run(&["--once"], &["echo", "worker ran"]);
            assert_eq!(code(&output), 0, "{what}: {}", said(&output));
            assert!(read(scene.log()).contains("worker ran\n"), "{what}: {}", said(&output));
            scene.assert_untouched(&what);
            if plant.is_directory() {
                let warning = "unable to write the run record of 'attack-record'";
                assert_eq!(said(&output).matches(warning).count(), 1, "{what}: {}", said(&output));
            } else {
                let record = fs::symlink_metadata(scene.record()).expect("the record");
                assert!(record.is_file() && record.uid() == ABC, "{what}");
                assert!(read(scene.record()).contains("\"runs\":1"), "{what}");
            }
        }
    }
}

#[test]
fn a_record_below_a_planted_link_is_not_even_read() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-read");
    let planted = scene.scratch.join("planted");
    fs::create_dir(&planted).expect("a directory");
    fs::write(planted.join("attack-read.json"), "no record\n").expect("written");
    set_mode(&planted, 0o755);
    scene.make_state();
    fs::remove_dir(scene.state()).expect("removed");
    symlink(&planted, scene.state()).expect("a link");
    own_by_abc(&scene.state());
    let output = scene.run(&["--once"], &["echo", "worker ran"]);
    assert!(stderr(&output).contains("worker ran\n"));
    let line = format!(
        "unable to read the run record of 'attack-read': '{}' is a symbolic link",
        scene.state().display()
    );
    assert!(said(&output).contains(&line), "{}", said(&output));
}

#[test]
fn a_record_with_senseless_content_does_not_keep_the_worker_from_running() {
    needs!(root, "strace", "setpriv", "python3");
    let most = u64::MAX;
    for content in [
        format!("{{\"runs\":{most},\"failures\":{most},\"consecutive_failures\":{most},\"skipped\":{most}}}")
            .into_bytes(),
        b"{".to_vec(),
        b"\xff\xfe\0".to_vec(),
        b"[".repeat(60_000),
        b"{\"last_errors\":[".iter().copied().chain(b"\"\",".repeat(15_000)).chain(*b"\"\"]}").collect(),
        b"{\"last_duration\":1e999,\"pid\":99999999999}".to_vec(),
        b"x".repeat(1 << 20),
    ] {
        let scene = Scene::new("attack-content");
        scene.make_state();
        fs::write(scene.record(), &content).expect("written");
        own_by_abc(&scene.record());
        // fails once, so that every number is counted up
        let options = ["--interval", "1", "--max-failures", "1"];
        let output = scene.run(&options, &["sh", "-c", "echo worker ran; exit 3"]);
        assert_eq!(code(&output), 3, "{:?}: {}", content.get(..20), said(&output));
        assert!(read(scene.log()).contains("worker ran\n"), "{:?}", content.get(..20));
        let record: serde_json::Value = serde_json::from_str(&read(scene.record())).expect("a record");
        assert_eq!(record["last_status"], 3, "{:?}: {}", content.get(..20), said(&output));
    }
}

#[test]
fn a_log_left_by_root_is_renamed_aside_with_its_content_and_it_is_reported() {
    needs!(root, "strace", "setpriv", "python3");
    for mode in MODES {
        let scene = Scene::new("attack-left");
        scene.make_state();
        fs::write(scene.log(), "root's lines\n").expect("written");
        set_mode(scene.log(), 0o600);
        let output = scene.run(mode, &["echo", "worker ran"]);
        assert_eq!(code(&output), 0, "{}", said(&output));
        assert!(read(scene.log()).contains("worker ran\n"), "{}", said(&output));
        assert_eq!(fs::metadata(scene.log()).expect("the log").uid(), ABC);
        let aside: Vec<PathBuf> = fs::read_dir(scene.state())
            .expect("the state")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path_str(path).contains(".unwritable-"))
            .collect();
        assert_eq!(aside.len(), 1);
        assert_eq!(read(&aside[0]), "root's lines\n");
        let kept = fs::metadata(&aside[0]).expect("kept");
        assert_eq!((kept.uid(), kept.mode() & 0o7777), (0, 0o600));
        let line = format!(
            "TIME attack-left: warning: log '{}' could not be opened (it belongs to uid 0, mode 0600) and is now '{}'\n",
            scene.log().display(),
            aside[0].file_name().expect("a name").display()
        );
        assert_eq!(said(&output).matches(&line).count(), 1, "{}", said(&output));
    }
}

#[test]
fn a_root_owned_state_directory_is_reported_once_with_the_line_that_fixes_it() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-roots");
    scene.make_state();
    std::os::unix::fs::chown(scene.state(), Some(0), Some(0)).expect("chown");
    let options = ["--interval", "10ms", "--max-failures", "3"];
    let output = scene.run(&options, &["sh", "-c", "echo worker ran; exit 1"]);
    assert_eq!(stderr(&output).matches("worker ran\n").count(), 3, "{}", said(&output));
    let hint = format!("as uid 911: mv -T '{0}' '{0}.old'", scene.state().display());
    assert_eq!(said(&output).matches(&hint).count(), 1, "{}", said(&output));
    assert_eq!(said(&output).matches("unable to open log").count(), 1, "{}", said(&output));
    assert_eq!(said(&output).matches("unable to write the run record").count(), 1, "{}", said(&output));
    // what it says helps
    let line = hint.trim_start_matches("as uid 911: ");
    assert_eq!(code(&finish(Command::new(AS_ABC[0]).args(&AS_ABC[1..]).args(["sh", "-c", line]))), 0);
    let output = scene.run(&[], &["echo", "worker ran"]);
    assert_eq!(said(&output), "");
    assert_eq!(read(scene.log()), "worker ran\n");
}

#[test]
fn a_loop_finds_its_log_once_the_directory_is_fixed() {
    needs!(root, "strace", "setpriv", "python3");
    let mut scene = Scene::new("attack-fixed");
    // even HOME is root's, all the way up: the line makes what is missing, and changes nothing
    let of_root = Scratch::of_root("attack-fixed");
    scene.home = of_root.join("home");
    fs::create_dir(&scene.home).expect("a directory");
    let words = ["--home", path_str(&scene.home), "--interval", "10ms", "echo", "worker ran"];
    let (child, said) = resting(&scene, &scene.service, &words);
    let lines = eventually_contains(&said, "worker ran\n");
    let (_, line) = lines.split_once("as root: ").expect("a hint");
    let line = line.lines().next().expect("a line");
    assert_eq!(code(&finish(Command::new("sh").args(["-c", line]))), 0, "{line}");
    eventually_contains(&scene.log(), "worker ran\n");
    eventually("a record", || scene.record().exists().then_some(()));
    stop(&scene, child);
    // half-way there may be another reason; none is said twice
    let text = support::without_times(&read(&said));
    let mut reasons: Vec<&str> = text.lines().filter(|line| line.contains("unable to open log")).collect();
    let count = reasons.len();
    reasons.sort_unstable();
    reasons.dedup();
    assert!(count >= 1 && count == reasons.len(), "{text}");
}

#[test]
fn the_line_that_fixes_it_cannot_be_made_to_do_more() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-hint");
    let made = scene.scratch.join("made-by-hint");
    // root's, in a directory of abc's, whose name is a command
    let planted = scene.home.join("x'; touch made-by-hint; echo '");
    fs::create_dir(&planted).expect("a directory");
    let output = scene.run(&["--log", path_str(&planted.join("log"))], &["echo", "worker ran"]);
    assert!(stderr(&output).contains("worker ran\n"));
    let said = said(&output);
    let (_, line) = said.split_once("as uid 911: ").expect("a hint");
    let line = line.lines().next().expect("a line");
    let mut shell = Command::new(AS_ABC[0]);
    shell.args(&AS_ABC[1..]).args(["sh", "-c", line]).current_dir(&scene.scratch.path);
    assert_eq!(code(&finish(&mut shell)), 0, "{line}");
    assert!(!made.exists() && !planted.exists(), "{line}");
    // what abc names of root's is never given away
    for place in ["/etc", "/etc/sudoers.d", "/root", "/run/futo-no-such-place"] {
        let output = scene.run(&["--log", &format!("{place}/log")], &["echo", "worker ran"]);
        let said = self::said(&output);
        assert!(said.contains("hint: name a place that uid 911 can write"), "{place}: {said}");
        for word in ["install", "chown", "chmod", "mv "] {
            assert!(!said.contains(word), "{place}: {said}");
        }
    }
}

/// Somebody who swaps a path between two things for as long as this lives.
fn swapper(directory: &Path, one: &str, other: &str) -> EndedBy {
    let script = "import os, sys\nos.chdir(sys.argv[1])\na, b = sys.argv[2:]\nprint('ready', flush=True)\n\
                  while True:\n os.rename(a, 'spare'); os.rename(b, a); os.rename('spare', b)\n";
    let mut child = command(&[&AS_ABC[..], &["python3", "-c", script]].concat(), Path::new("/"))
        .arg(directory)
        .args([one, other])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut ready = [0; 6];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut ready).expect("it is ready");
    EndedBy(Signal::SIGKILL, child)
}

#[test]
fn paths_swapped_while_the_launcher_walks_them_lead_nowhere_else() {
    needs!(root, "strace", "setpriv", "python3");
    for (place, target) in [("log", "victims/victim"), ("directory", "elsewhere")] {
        let scene = Scene::new("attack-swap");
        scene.make_state();
        let (directory, name) = match place {
            "log" => {
                fs::write(scene.log(), "").expect("a log");
                own_by_abc(&scene.log());
                (scene.state(), "attack-swap.log")
            }
            _ => (scene.home.join(".local"), "state"),
        };
        symlink(scene.scratch.join(target), directory.join("planted")).expect("a link");
        own_by_abc(&directory.join("planted"));
        let swapper = swapper(&directory, name, "planted");
        for _ in 0..60 {
            let output = scene.run(&["--once"], &["echo", "worker ran"]);
            assert_eq!(code(&output), 0, "{}", said(&output));
        }
        drop(swapper);
        scene.assert_untouched(place);
    }
}

#[test]
fn root_touches_nothing_before_the_drop() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-trace");
    let service = scene.scratch.service_of_abc("attack-traced");
    scene.scratch.write("attack-traced/config.env", "A=1\n", 0o644);
    let file = scene.scratch.write("attack-traced/settings", "exec = [\"true\"]\nnice = 5\n", 0o644);
    own_by_abc(&file);
    let log = scene.home.join("deep/own.log");
    let trace = scene.scratch.join("trace");
    for (words, opened) in [
        (vec!["true"], vec![]),
        (vec!["--once", "true"], vec![]),
        (vec!["--interval", "1s", "--max-failures", "1", "false"], vec![]),
        (
            vec!["--ulimit", "nofile=100", "--nice", "1", "--umask", "0", "--log", path_str(&log), "true"],
            vec![],
        ),
        (vec!["--file", "settings"], vec!["settings"]),
        (vec!["--file", path_str(&file), "--once"], vec!["settings"]),
        (vec!["nosuchprogram"], vec![]),
    ] {
        let mut all = vec!["strace", "-f", "-o", path_str(&trace)];
        let launcher = scene.scratch.launcher();
        all.extend([path_str(&launcher), "--home", path_str(&scene.home)]);
        all.extend(&words);
        finish(&mut command(&all, &service));
        let trace = read(&trace);
        let drop = trace.lines().position(|line| line.contains("setresuid(911, 911, 911)"));
        let drop = drop.unwrap_or_else(|| panic!("no drop: {trace}"));
        let as_root = trace.lines().take(drop).collect::<Vec<_>>().join("\n");
        let as_user = trace.lines().skip(drop).collect::<Vec<_>>().join("\n");
        assert_eq!(touching(&as_root), Vec::<&str>::new(), "{words:?}");
        assert_ne!(touching(&as_user).len(), 0, "{words:?}: the log is made as the user");
        // what root opens for reading, beside the places that it only looks at
        let read_by_root: Vec<&str> = as_root
            .lines()
            // /proc is the kernel's: there a loop looks for its supervisor
            // what is read after a look at it is opened by its number
            .filter(|line| line.contains("open") && !line.contains("\"/proc/"))
            .filter(|line| !line.contains("O_PATH") || line.contains("settings\""))
            .filter_map(|line| Path::new(line.split('"').nth(1)?).file_name()?.to_str())
            .collect();
        let expected: Vec<&str> = opened.iter().copied().chain(["passwd", "group"]).collect();
        assert_eq!(read_by_root, expected, "{words:?}");
    }
}

#[test]
fn a_config_env_that_leads_to_a_root_owned_file_is_refused_and_none_of_it_shown() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-secret");
    let secret = scene.scratch.write("secret", "ROOTSECRET=hunter2\nhunter2 line\n", 0o600);
    symlink(&secret, scene.service.join("config.env")).expect("a link");
    for mode in MODES {
        let output = scene.run(mode, &["env"]);
        assert_eq!(code(&output), 100);
        let expected = "TIME attack-secret: fatal: unable to read 'config.env': permission denied\n\
                        TIME attack-secret: hint: it is read as the worker's user\n";
        assert_eq!(said(&output), expected);
    }
    // the same for the file with the notification descriptor
    fs::remove_file(scene.service.join("config.env")).expect("removed");
    symlink(&secret, scene.service.join("notification-fd")).expect("a link");
    let output = scene.run(&[], &["env"]);
    assert_eq!(code(&output), 100);
    let expected = "TIME attack-secret: fatal: unable to read 'notification-fd': permission denied\n";
    assert_eq!(said(&output), expected);
}

#[test]
fn no_value_of_config_env_chooses_user_groups_limits_or_the_place_of_the_log() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-values");
    let evil = scene.elsewhere.display();
    let content = format!(
        "USER=root\nLOGNAME=root\nHOME={evil}\nXDG_STATE_HOME={evil}\nSTATE_DIR={evil}\nLOG={evil}/log\n\
         FUTO_USER=root\nFUTO_LOG={evil}/log\nGROUP=root\nUMASK=000\nNICE=-20\nTMPDIR={evil}\nNAME=evil\n"
    );
    fs::write(scene.service.join("config.env"), content).expect("written");
    let probe = scene.scratch.probe();
    let bare = Probe::of(&finish(&mut command(&[&probe], &scene.service)));
    for mode in MODES {
        let _ = fs::remove_file(scene.log());
        let output = scene.run(mode, &[path_str(&probe)]);
        assert_eq!(code(&output), 0, "{}", said(&output));
        let found = Probe::parse(&read(scene.log()));
        assert_eq!((found.get("uids"), found.get("groups")), ("911 911 911 911", "911 9101 9102"));
        assert_eq!(found.env("HOME"), Some(path_str(&scene.elsewhere)));
        for row in ["umask", "nice", "nofile"] {
            assert_eq!(found.get(row), bare.get(row), "{row}");
        }
        scene.assert_untouched("values");
    }
    assert!(scene.record().exists());
}

/// A directory that is root's all the way, with one of abc's in it, and a probe.
fn roots_place(name: &str) -> (Scratch, PathBuf, PathBuf) {
    let scratch = Scratch::of_root(name);
    let inner = scratch.directory_of_abc("abcs");
    let probe = scratch.probe();
    (scratch, inner, probe)
}

#[test]
fn a_worker_that_is_root_gets_no_variables_from_a_file_that_others_can_change() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, abcs, probe) = roots_place("attack-rootenv");
    let root_run = |service: &Path, more: &[&str]| {
        let mut command = scratch.launch(service, &["--user", "root", "--log", "-"]);
        finish(command.args(more).arg("--").arg(&probe))
    };
    // root's own, also through a link of root's
    let good = scratch.service("good");
    scratch.write("good/config.env", "FROM=file\n", 0o644);
    symlink("config.env", good.join("link.env")).expect("a link");
    assert_eq!(Probe::of(&root_run(&good, &[])).env("FROM"), Some("file"));
    assert_eq!(Probe::of(&root_run(&good, &["--env-file", "link.env"])).env("FROM"), Some("file"));

    let refused = |service: &Path, more: &[&str], file: &str| {
        let output = root_run(service, more);
        assert_eq!((code(&output), stdout(&output).as_str()), (100, ""), "{service:?} {more:?}");
        let line = format!("fatal: '{file}': non-root users can write it, and the worker would be root\n");
        assert!(said(&output).contains(&line), "{}", said(&output));
    };
    // abc's file; writable by a group; by all
    for (name, uid, gid, mode) in [("own", ABC, 0, 0o644), ("group", 0, 9101, 0o664), ("all", 0, 0, 0o646)] {
        let service = scratch.service(name);
        let file = scratch.write(Path::new(name).join("config.env"), "FROM=file\n", mode);
        std::os::unix::fs::chown(&file, Some(uid), Some(gid)).expect("chown");
        refused(&service, &[], "config.env");
        refused(&service, &["--once"], "config.env");
    }
    // root's file in abc's directory, at once and further up; links of abc's; a sticky directory
    let service = scratch.service("abcs/service");
    scratch.write("abcs/service/config.env", "FROM=file\n", 0o644);
    refused(&service, &[], "config.env");
    symlink("/", abcs.join("link")).expect("a link");
    let through = format!("{}/link{}", abcs.display(), good.join("config.env").display());
    refused(&good, &["--env-file", &through], &through);
    let linked = good.join("linked.env");
    symlink(abcs.join("service/config.env"), &linked).expect("a link of root's into abc's");
    refused(&good, &["--env-file", path_str(&linked)], path_str(&linked));
    let sticky = Scratch::new("attack-sticky");
    let in_tmp = sticky.write("config.env", "FROM=file\n", 0o644);
    refused(&good, &["--env-file", path_str(&in_tmp)], path_str(&in_tmp));
}

#[test]
fn a_config_env_that_is_abcs_is_not_even_opened_for_a_worker_that_is_root() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, _, _) = roots_place("attack-unopened");
    let service = scratch.service("service");
    let file = scratch.write("service/config.env", "A=1\n", 0o644);
    own_by_abc(&file);
    let trace = scratch.join("trace");
    let launcher = scratch.launcher();
    let words =
        ["strace", "-o", path_str(&trace), path_str(&launcher), "--user", "root", "--log", "-", "true"];
    assert_eq!(code(&finish(&mut command(&words, &service))), 100);
    let trace = read(&trace);
    let opened =
        |line: &&str| line.contains("config.env") && line.contains("open") && !line.contains("O_PATH");
    assert_eq!(trace.lines().filter(opened).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(trace.contains("config.env"), "{trace}");
}

/// What a settings file says, and what must be said of it.
const RIGHTS: [(&str, &str); 13] = [
    ("user = \"root\"", "user may be abc only"),
    ("user = \"games\"", "user may be abc only"),
    ("user = \"abc:root\"", "user may be abc only"),
    ("user = \"0\"", "user may be abc only"),
    ("user = \"911:0\"", "user may be abc only"),
    ("user = \"12345:12345\"", "user may be abc only"),
    ("groups = [\"root\"]", "groups"),
    ("groups = \"none\"", "groups"),
    ("ulimit = [\"core=unlimited\", \"nofile=1048576\"]", "ulimit nofile above the present bound"),
    ("[ulimit]\nnofile = \"100:unlimited\"", "ulimit nofile above the present bound"),
    ("nice = -1", "nice below 0"),
    ("oom-score-adj = -1", "oom-score-adj below the present one"),
    ("keep-fd = [7]", "keep-fd"),
];

#[test]
fn a_settings_file_that_abc_can_change_names_no_rights_when_root_runs_it() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, abcs, _) = roots_place("attack-rights");
    let leak = ["bash", "-c", "ulimit -n 4096; exec 7</dev/null; exec \"$@\"", "bash"];
    let run = |file: &Path, options: &[&str]| {
        let words: Vec<&str> = ["--file", path_str(file)].iter().chain(options).copied().collect();
        finish(&mut scratch.launch_by(&leak, &scratch.path, &words))
    };
    for (key, what) in RIGHTS {
        let content = format!("exec = [\"echo\", \"ran\"]\n{key}\n");
        // abc's file; root's in a directory of abc's; root's that a group may write
        let own = scratch.write("own", &content, 0o644);
        own_by_abc(&own);
        let inside = scratch.write("abcs/inside", &content, 0o644);
        let group = scratch.write("group", &content, 0o664);
        std::os::unix::fs::chown(&group, Some(0), Some(9101)).expect("chown");
        for file in [&own, &inside, &group] {
            let output = run(file, &[]);
            let line = format!(
                "fatal: {}: {what}: not allowed in a file that others than root can write\n",
                file.display()
            );
            assert_eq!((code(&output), stdout(&output).as_str()), (100, ""), "{key}: {}", said(&output));
            assert!(said(&output).contains(&line), "{key}: {}", said(&output));
        }
    }
    // what lowers rights, and the user it would be anyhow, may be named
    let harmless = scratch.write(
        "harmless",
        "exec = [\"id\", \"-u\"]\nuser = \"abc\"\nulimit = [\"nofile=100:200\"]\nnice = 5\noom-score-adj = 500\n\
         no-new-privs = true\n",
        0o644,
    );
    own_by_abc(&harmless);
    let output = run(&harmless, &[]);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, "911\n"), "{}", said(&output));
    // rights on the command line are root's word, whatever the file is
    let words = ["--user", "games", "--nice", "-1", "--file", path_str(&harmless)];
    let output = finish(&mut scratch.launch(&scratch.path, &words));
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_ne!(stdout(&output), "911\n");
    // but such a file starts nothing as root
    let output =
        finish(&mut scratch.launch(&scratch.path, &["--user", "root", "--file", path_str(&harmless)]));
    assert_eq!(code(&output), 100);
    assert!(
        said(&output).contains("non-root users can write it, and the worker would be root"),
        "{}",
        said(&output)
    );
    drop(abcs);
}

#[test]
fn a_service_whose_name_looks_like_an_option_gets_no_rights_by_it() {
    needs!(root, "strace", "setpriv", "python3", "s6-svscan");
    let (scratch, _, _) = roots_place("attack-option");
    let leak = ["bash", "-c", "exec 7</dev/null; exec \"$@\"", "bash"];
    let content = "exec = [\"echo\", \"ran\"]\nlog = \"-\"\n";
    let own = scratch.write("abcs/run", content, 0o755);
    own_by_abc(&own);
    let roots = scratch.write("roots", content, 0o755);
    for (name, what) in [
        ("--groups=root", "groups"),
        ("--user=games", "user may be abc only"),
        ("--user=root", "user may be abc only"),
        ("--nice=-20", "nice below 0"),
        ("--oom-score-adj=-1000", "oom-score-adj below the present one"),
        ("--ulimit=nproc=unlimited", "ulimit nproc above the present bound"),
        ("--keep-fd=7", "keep-fd"),
    ] {
        let run = |file: &Path| {
            let mut prefix = leak.to_vec();
            prefix.extend(["prlimit", "--nproc=4000:4000"]);
            finish(&mut scratch.launch_by(&prefix, &scratch.path, &["--file", path_str(file), name]))
        };
        let output = run(&own);
        let expected = format!(
            "futo-launch: fatal: --file '{}': {what}: not allowed behind a file that others than root can write\n\
             futo-launch: hint: write the option before --file\n",
            own.display()
        );
        assert_eq!((code(&output), stdout(&output), said(&output)), (100, String::new(), expected), "{name}");
        // behind root's own file it is an option
        let allowed = run(&roots);
        assert!(!said(&allowed).contains("not allowed"), "{name}: {}", said(&allowed));
    }
    // as s6 calls it
    let svscan = Svscan::start("attack-s6");
    let run = format!("#!{} --file\nscript = 'id -G'\nlog = '-'\n", svscan.scratch.launcher().display());
    let hidden = svscan.scratch.write("scan/.new/run", &run, 0o755);
    own_by_abc(&hidden);
    own_by_abc(hidden.parent().expect("above"));
    fs::rename(hidden.parent().expect("above"), svscan.directory("--groups=root")).expect("published");
    svscan.control(&["-a"]);
    let said =
        eventually_contains(&svscan.scratch.join("svscan.log"), "resting until run or /etc/passwd changes");
    assert!(said.contains("groups: not allowed behind a file"), "{said}");
}

#[test]
fn a_settings_file_of_roots_may_name_rights() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, _, probe) = roots_place("attack-allowed");
    let content = format!(
        "exec = [\"{}\"]\nuser = \"games\"\ngroups = [\"futoa\"]\nnice = -1\nkeep-fd = 7\n",
        probe.display()
    );
    scratch.write("settings", &content, 0o644);
    let leak = ["bash", "-c", "exec 7</dev/null; exec \"$@\"", "bash"];
    for file in ["settings", path_str(&scratch.join("settings"))] {
        let output = finish(&mut scratch.launch_by(&leak, &scratch.path, &["--file", file]));
        let found = Probe::of(&output);
        assert!(found.env("USER") == Some("games") && found.get("groups").ends_with("9101"), "{file}");
        assert_eq!((found.get("nice"), found.descriptors()), ("-1", vec![0, 1, 2, 7]));
    }
    // by abc the same file can only ask for what abc may do
    let words: Vec<&str> = AS_ABC.to_vec();
    let output = finish(&mut scratch.launch_by(&words, &scratch.path, &["--file", "settings"]));
    assert_eq!(code(&output), 100);
    assert!(said(&output).contains("--user: only root can become 'games'"), "{}", said(&output));
}

#[test]
fn a_settings_file_that_is_no_plain_file_is_refused_at_once() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-file");
    let place = scene.scratch.directory_of_abc("abcs").join("settings");
    for (plant, why) in [
        (Plant::LinkToFile, "it is a symbolic link"),
        (Plant::DanglingLink, "it is a symbolic link"),
        (Plant::LinkToItself, "it is a symbolic link"),
        (Plant::Fifo, "it is a FIFO, not a regular file"),
        (Plant::FifoWithReader, "it is a FIFO, not a regular file"),
        (Plant::Directory, "it is a directory, not a regular file"),
        (Plant::NullDevice, "it is a device, not a regular file"),
        (Plant::Socket, "it is a socket, not a regular file"),
    ] {
        let keep = plant.at(&place, &scene);
        let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&place)]));
        let mut expected = format!("futo-launch: fatal: unable to read '{}': {why}\n", place.display());
        if matches!(plant, Plant::Directory) {
            expected.push_str(
                "futo-launch: hint: put a file there; a container runtime makes a directory where a mounted file is \
                 missing\n",
            );
        }
        assert_eq!((code(&output), said(&output)), (100, expected), "{plant:?}");
        drop(keep);
        let removed = if plant.is_directory() { fs::remove_dir(&place) } else { fs::remove_file(&place) };
        removed.expect("removed");
        scene.assert_untouched("file");
    }
    let huge = fs::File::create(&place).expect("a file");
    huge.set_len(1 << 40).expect("sparse");
    own_by_abc(&place);
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&place)]));
    let expected = format!(
        "futo-launch: fatal: unable to read '{}': it is longer than 1048576 bytes\n",
        place.display()
    );
    assert_eq!((code(&output), said(&output)), (100, expected));
}

#[test]
fn root_reads_no_settings_through_a_link_of_abcs() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-through");
    // a file that abc cannot read: the names of its keys would be shown
    let secret = scene.scratch.write("secrets/settings", "exec = [\"true\"]\nhunter2 = 1\n", 0o600);
    set_mode(scene.scratch.join("secrets"), 0o700);
    let abcs = scene.scratch.directory_of_abc("abcs");
    symlink(secret.parent().expect("above"), abcs.join("link")).expect("a link");
    own_by_abc(&abcs.join("link"));
    let path = abcs.join("link/settings");
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&path)]));
    let expected = format!(
        "futo-launch: fatal: unable to read '{}': '{}' is a symbolic link\n",
        path.display(),
        abcs.join("link").display()
    );
    assert_eq!((code(&output), said(&output)), (100, expected));
    // one of root's is a way like any other
    symlink(secret.parent().expect("above"), scene.scratch.join("roots")).expect("a link");
    let path = scene.scratch.join("roots/settings");
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&path)]));
    assert!(said(&output).contains("unknown key 'hunter2'"), "{}", said(&output));
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
fn a_launch_that_is_refused_under_a_supervisor_writes_nothing_as_another_than_abc() {
    needs!(root, "strace", "setpriv", "python3");
    for settings in [
        "user = \"root\"",
        "user = \"games\"",
        "user = \"nosuch\"",
        "user = \"12345\"",
        "user = \"0\"\nnice = -1",
        "groups = \"root\"",
        "intervall = 5",
        "user = \"root\"\nno toml",
    ] {
        let scene = Scene::new("attack-refused");
        let service = scene.scratch.service_of_abc("attack-refusal");
        // where abc may not write, and root may
        let roots = scene.scratch.join("roots");
        fs::create_dir(&roots).expect("a directory");
        let games = scene.scratch.join("games");
        fs::create_dir(&games).expect("a directory");
        std::os::unix::fs::chown(&games, Some(5), Some(60)).expect("chown");
        for directory in [&roots, &games] {
            for (key, log) in [("log", "log"), ("state-dir", "")] {
                let content =
                    format!("exec = [\"true\"]\n{key} = \"{}\"\n{settings}\n", directory.join(log).display());
                let run = scene.scratch.write("attack-refusal/run", &content, 0o755);
                own_by_abc(&run);
                let (child, said) = resting(&scene, &service, &["--file", "./run", "attack-refusal"]);
                eventually_contains(&said, "resting until run or /etc/passwd changes");
                let uids = read(format!("/proc/{}/status", scene.scratch.supervised_pid()));
                stop(&scene, child);
                for place in [&roots, &games] {
                    let made: Vec<_> = fs::read_dir(place).expect("it").collect();
                    assert_eq!(made.len(), 0, "{settings} {key}: {}: {uids}", read(&said));
                }
            }
        }
        // and nothing of root's lies in abc's home
        for entry in walk(&scene.home) {
            assert_eq!(
                fs::symlink_metadata(&entry).expect("it").uid(),
                ABC,
                "{settings}: {}",
                entry.display()
            );
        }
    }
}

#[test]
fn root_without_a_user_to_become_leaves_nothing_in_anybodys_home() {
    needs!(root, "strace", "setpriv", "python3");
    for words in [["--user", "nosuch", "true"], ["--user", "12345", "true"], ["--user", "root", "--nosuch"]] {
        let scene = Scene::new("attack-nobody");
        // its variables are abc's, and root does not read them
        nix::unistd::mkfifo(&scene.service.join("config.env"), Mode::from_bits_truncate(0o666))
            .expect("a FIFO");
        let (child, said) = resting(&scene, &scene.service, &words);
        eventually_contains(&said, "resting until run or /etc/passwd changes");
        stop(&scene, child);
        assert_eq!(walk(&scene.home), Vec::<PathBuf>::new(), "{words:?}");
    }
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found
}

#[test]
fn rotation_follows_no_planted_link_and_survives_a_planted_directory() {
    needs!(root, "strace", "setpriv", "python3");
    for plant in
        [Plant::LinkToFile, Plant::DanglingLink, Plant::LinkToDirectory, Plant::FullDirectory, Plant::Fifo]
    {
        for keep in ["1", "2", "0"] {
            let what = format!("{plant:?} {keep}");
            let scene = Scene::new("attack-rotate");
            scene.make_state();
            fs::write(scene.log(), "x".repeat(5000)).expect("a log");
            own_by_abc(&scene.log());
            let first = scene.state().join("attack-rotate.log.1");
            let second = scene.state().join("attack-rotate.log.2");
            let _one = plant.at(&first, &scene);
            let _two = plant.at(&second, &scene);
            let output = scene.run(&["--log-size", "4096", "--log-keep", keep], &["echo", "worker ran"]);
            assert_eq!(code(&output), 0, "{what}: {}", said(&output));
            assert!(read(scene.log()).ends_with("worker ran\n"), "{what}: {}", said(&output));
            scene.assert_untouched(&what);
            if keep == "0" {
                assert_eq!(read(scene.log()), "worker ran\n", "{what}");
            } else if plant == Plant::FullDirectory {
                let line = format!("warning: unable to rotate log '{}': ", scene.log().display());
                assert_eq!(said(&output).matches(&line).count(), 1, "{what}: {}", said(&output));
                assert!(read(scene.log()).len() > 5000, "{what}");
            } else {
                assert_eq!(
                    (read(scene.log()).as_str(), read(&first).len()),
                    ("worker ran\n", 5000),
                    "{what}"
                );
                assert_eq!(said(&output), "", "{what}");
            }
        }
    }
}

#[test]
fn names_cannot_forge_a_line() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-forge");
    let forged = "\n2026-01-01T00:00:00Z other: info: forged\u{1b}[2J\r\u{85}";
    let name = format!("x{forged}");
    let service = scene.scratch.service(&name);
    let is_ours = |line: &str| {
        (line.starts_with("TIME ") || line.starts_with("futo-launch: "))
            && !line.chars().any(char::is_control)
    };
    let words: [&[&str]; 10] = [
        &["true"],
        &["--name", &name, "true"],
        &["--file", &name],
        &["--name", "attack-forge", "--env-file", &name, "true"],
        &["--name", "attack-forge", "--chdir", &name, "true"],
        &["--name", "attack-forge", &name],
        &["--name", "attack-forge", "--env", &format!("PATH={forged}"), "nosuch"],
        &["--name", "attack-forge", "--user", &name, "true"],
        &["--name", "attack-forge", &format!("--{name}"), "true"],
        &["--name", "attack-forge", "--log", &format!("{}/{name}/log", scene.elsewhere.display()), "nosuch"],
    ];
    set_mode(&scene.elsewhere, 0o755);
    for words in words {
        for mode in [[].as_slice(), &["--interval", "1s", "--max-failures", "1"]] {
            let mut command = scene.scratch.launch(&service, &["--home", path_str(&scene.home)]);
            let output = finish(command.args(mode).args(words));
            assert_ne!(code(&output), 0, "{words:?}");
            assert!(
                said(&output).lines().count() > 0 && said(&output).lines().all(is_ours),
                "{words:?}: {}",
                said(&output)
            );
            let log = support::without_times(&read(scene.log()));
            assert!(log.lines().all(is_ours), "{words:?}: {log}");
        }
        let mut command = scene.scratch.launch(&service, &["--explain"]);
        let page = stdout(&finish(command.args(words)));
        assert!(!page.contains("\n2026-01-01"), "{words:?}: {page}");
        assert!(!page.contains(['\u{1b}', '\r', '\u{85}']), "{words:?}: {page}");
    }
    // keys of a file, and what a config.env says of itself
    scene.scratch.write("forged", "exec = [\"true\"]\n\"x\\n2026 other: info: forged\" = 1\n", 0o644);
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", "forged"]));
    assert!(said(&output).lines().all(is_ours), "{}", said(&output));
}

/// Somebody who holds a lease on a file: opening it then waits for him, unless one does not want to.
#[test]
fn a_lease_on_a_file_keeps_nobody_waiting() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-lease");
    scene.make_state();
    let settings = scene.scratch.write("attack-lease/settings", "exec = [\"true\"]\n", 0o644);
    let config_env = scene.scratch.write("attack-lease/config.env", "A=1\n", 0o644);
    fs::write(scene.log(), "").expect("a log");
    fs::write(scene.record(), "{}").expect("a record");
    let leased = [settings, config_env.clone(), scene.log(), scene.record()];
    leased.iter().for_each(|path| own_by_abc(path));
    let script = "import fcntl, os, signal, sys\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\n\
                  held = [os.open(path, os.O_RDWR) for path in sys.argv[1:]]\n\
                  for fd in held: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
                  print('ready', flush=True)\nsignal.pause()\n";
    let holder = command(
        &["setpriv", "--reuid=abc", "--regid=abc", "--init-groups", "python3", "-c", script],
        Path::new("/"),
    )
    .args(&leased)
    .stdout(Stdio::piped())
    .spawn()
    .expect("it starts");
    let mut holder = EndedBy(Signal::SIGKILL, holder);
    let mut ready = [0; 6];
    std::io::Read::read_exact(holder.1.stdout.as_mut().expect("a pipe"), &mut ready).expect("it is ready");
    let started = std::time::Instant::now();
    let output = scene.run(&["--once", "--no-env-file"], &["echo", "worker ran"]);
    assert!(stderr(&output).contains("worker ran\n"), "{}", said(&output));
    // it may be over in a second
    let output = scene.run(&[], &["echo", "worker ran"]);
    assert_eq!(code(&output), 111);
    let mut file = scene.scratch.launch(&scene.service, &["--file", "settings"]);
    assert_eq!(code(&finish(&mut file)), 111);
    // the kernel would have made each of them wait for 45 seconds
    assert!(started.elapsed().as_secs() < 15);
}

#[test]
fn a_process_of_abcs_cannot_look_into_the_launcher_that_was_root() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-look");
    let script = "cat /proc/$PPID/environ >/dev/null 2>&1 && echo seen || echo unseen";
    let output = scene.run(&["--once", "--log", "-"], &["sh", "-c", script]);
    assert_eq!(stdout(&output), "unseen\n", "{}", said(&output));
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
