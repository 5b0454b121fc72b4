//! What stands in the place of each file that a pump makes, at the start and while it runs: nothing is followed, nothing
//! foreign is changed, it is reported where it is in the way, and no line is lost.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::support::numbered_log::{NumberedLines, Stamps, unpacked};
use crate::support::pumps::eventually_no_pump;
use crate::support::{ABC, eventually, needs, own_by_abc, path_str, read, set_mode};
use crate::{Plant, Scene};

/// `--log-keep`: more than is rotated.
const KEEP: usize = 12;
/// Lines before and after what is planted while the pump runs.
const BEFORE: u64 = 150;
const AFTER: u64 = 300;

/// A file that a pump makes; of rotated ones those of all numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Log,
    Rotated,
    Compressed,
    Part,
    Lock,
}

const PLACES: [Place; 5] = [Place::Log, Place::Rotated, Place::Compressed, Place::Part, Place::Lock];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    Planted(Plant),
    /// A file that root has left, which abc cannot read.
    OfRoot,
}

const OBSTACLES: [Obstacle; 6] = [
    Obstacle::Planted(Plant::LinkToFile),
    Obstacle::Planted(Plant::DanglingLink),
    Obstacle::Planted(Plant::HardLink),
    Obstacle::Planted(Plant::FifoWithReader),
    Obstacle::Planted(Plant::FullDirectory),
    Obstacle::OfRoot,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    AtStart,
    WhileRunning,
}

/// A part of what stderr must contain, if it must.
fn report_of(place: Place, obstacle: Obstacle, time: Time) -> Option<&'static str> {
    match (place, obstacle, time) {
        (Place::Log, Obstacle::OfRoot, Time::AtStart) => Some("and was renamed to"),
        (Place::Log, _, Time::AtStart) => Some("unable to open log"),
        (Place::Log, _, Time::WhileRunning) => Some("unable to write log"),
        // a rename takes the others along, and a removal takes them away
        (Place::Rotated | Place::Compressed, Obstacle::Planted(Plant::FullDirectory), _) => {
            Some("unable to rotate it")
        }
        (Place::Rotated | Place::Compressed, ..) => None,
        (Place::Part, ..) => Some("unable to compress rotated files"),
        (Place::Lock, ..) => Some(".pump"),
    }
}

struct Attack {
    scene: Scene,
    launcher: Child,
    planted: Vec<PathBuf>,
    _keep: Vec<Box<dyn std::any::Any>>,
}

impl Attack {
    fn numbered(log: &Path, number: usize, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}.{number}{suffix}", log.display()))
    }

    /// The paths of the place that have nothing of the pump's own.
    fn paths(log: &Path, place: Place) -> Vec<PathBuf> {
        let with = |suffix: &str| PathBuf::from(format!("{}{suffix}", log.display()));
        let free = |suffix: &str| -> Vec<PathBuf> {
            let all = (1..=KEEP).map(|number| Self::numbered(log, number, suffix));
            all.filter(|path| !path.exists()).collect()
        };
        match place {
            Place::Log => vec![log.to_path_buf()],
            Place::Rotated => free(""),
            Place::Compressed => free(".gz"),
            Place::Part => vec![with(".gz-part")],
            Place::Lock => vec![with(".pump")],
        }
    }

    fn plant(scene: &Scene, paths: &[PathBuf], obstacle: Obstacle) -> Vec<Box<dyn std::any::Any>> {
        let mut keep = Vec::new();
        for path in paths {
            let _ = fs::remove_file(path);
            match obstacle {
                Obstacle::Planted(plant) => keep.extend(plant.at(path, scene)),
                Obstacle::OfRoot => {
                    fs::write(path, "root's\n").expect("a file");
                    set_mode(path, 0o600);
                }
            }
        }
        keep
    }

    /// A launcher whose worker writes some lines, waits for `home/go`, and writes more.
    fn start(place: Place, obstacle: Obstacle, time: Time) -> Attack {
        let scene = Scene::new("attack-pump");
        scene.make_state();
        let paths = Self::paths(&scene.log(), place);
        let mut keep = Vec::new();
        if time == Time::AtStart {
            keep = Self::plant(&scene, &paths, obstacle);
        }
        let lines = scene.scratch.lines();
        let lines = path_str(&lines);
        let go = scene.home.join("go");
        let script = format!(
            "{lines} bursts {BEFORE}; while [ ! -e {} ]; do sleep 0.02; done; exec {lines} bursts {AFTER}",
            path_str(&go)
        );
        let keep_word = KEEP.to_string();
        let mut options = vec!["--home", path_str(&scene.home), "--log-live", "--log-size", "4K"];
        options.extend(["--log-keep", &keep_word]);
        if place == Place::Part {
            options.push("--log-gzip");
        }
        options.extend(["--", "sh", "-c", &script]);
        let stderr = fs::File::create(scene.scratch.join("said")).expect("a file");
        let mut command = scene.scratch.launch(&scene.service, &options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let launcher = command.spawn().expect("it starts");
        let planted = if time == Time::AtStart { paths } else { Vec::new() };
        Attack { scene, launcher, planted, _keep: keep }
    }

    fn said(&self) -> String {
        read(self.scene.scratch.join("said"))
    }

    /// abc's own files of the log, the oldest first, at a moment without a rotation or a compression.
    fn log(&self) -> Vec<u8> {
        let log = self.scene.log();
        let numbers = (1..=KEEP).rev();
        let of_number = |number| [Self::numbered(&log, number, ".gz"), Self::numbered(&log, number, "")];
        let paths: Vec<PathBuf> = numbers.flat_map(of_number).chain([log.clone()]).collect();
        let own = |path: &Path| {
            let status = fs::symlink_metadata(path).ok()?;
            let is_own = status.is_file() && status.nlink() == 1 && status.uid() == ABC;
            is_own.then(|| (path.to_path_buf(), status.ino()))
        };
        let all = || -> Vec<(PathBuf, u64)> { paths.iter().filter_map(|path| own(path)).collect() };
        eventually("nothing is renamed while it is read", || {
            let before = all();
            let read = |(path, _): &(PathBuf, u64)| Some((path.clone(), fs::read(path).ok()?));
            let files: Vec<(PathBuf, Vec<u8>)> = before.iter().map(read).collect::<Option<_>>()?;
            (all() == before).then(|| Self::joined(files))
        })
    }

    /// What is in these files; of one that is there in both forms, the compressed one.
    fn joined(files: Vec<(PathBuf, Vec<u8>)>) -> Vec<u8> {
        let mut joined = Vec::new();
        let mut taken: Option<PathBuf> = None;
        for (path, bytes) in files {
            match path.extension().is_some_and(|extension| extension == "gz") {
                true => {
                    joined.extend(unpacked(&bytes));
                    taken = Some(path.with_extension(""));
                }
                false if taken.as_ref() == Some(&path) => {}
                false => joined.extend(bytes),
            }
        }
        joined
    }

    fn whole_runs(&self) -> Vec<u64> {
        let mut lines = NumberedLines::of_service(Stamps::None, "attack-pump");
        lines.feed(&self.log());
        lines.finish()
    }

    /// Takes away what is planted and in the way. Rotations that go on meanwhile rename it.
    fn clear(&self, place: Place) {
        let names = || crate::support::names_in(&self.scene.state());
        eventually("nothing is in the way", || {
            let directories: Vec<PathBuf> = names()
                .into_iter()
                .map(|name| self.scene.state().join(name))
                .filter(|path| fs::symlink_metadata(path).is_ok_and(|status| status.is_dir()))
                .collect();
            for path in &directories {
                let _ = fs::remove_dir_all(path);
            }
            directories.is_empty().then_some(())
        });
        let path = match place {
            Place::Lock => self.scene.log().with_extension("log.pump"),
            _ => self.scene.log(),
        };
        let is_own = |status: &fs::Metadata| status.is_file() && status.nlink() == 1 && status.uid() == ABC;
        let is_in_the_way = fs::symlink_metadata(&path).is_ok_and(|status| !is_own(&status));
        if matches!(place, Place::Log | Place::Lock) && is_in_the_way {
            fs::remove_file(&path).expect("removed");
        }
    }
}

/// Bytes of the two runs of the worker.
fn expected() -> Vec<u64> {
    [BEFORE, AFTER]
        .map(|count| (0..count).map(|number| crate::support::numbered::line(number).len() as u64).sum())
        .to_vec()
}

fn withstands(place: Place, obstacle: Obstacle, time: Time) {
    let what = format!("{place:?} {obstacle:?} {time:?}");
    let mut attack = Attack::start(place, obstacle, time);
    let has_no_pump = time == Time::AtStart
        && (place == Place::Lock || place == Place::Log && obstacle != Obstacle::OfRoot);
    let mut before = Vec::new();
    if time == Time::WhileRunning {
        eventually(&format!("{what}: the first lines; {}", attack.said()), || {
            (attack.log().len() as u64 >= expected()[0]).then_some(())
        });
        if place == Place::Log {
            // what is removed with the log is not in it
            before = fs::read(attack.scene.log()).expect("the log");
        }
        attack.planted = Attack::paths(&attack.scene.log(), place);
        attack._keep = Attack::plant(&attack.scene, &attack.planted, obstacle);
    }
    own_by_abc(&attack.scene.scratch.write("home/go", "", 0o644));
    if let Some(report) = report_of(place, obstacle, time) {
        eventually(&format!("{what}: {report}; {}", attack.said()), || {
            attack.said().contains(report).then_some(())
        });
    }
    let status = eventually(&what, || attack.launcher.try_wait().expect("waited for"));
    assert!(status.success(), "{what}: {}", attack.said());
    attack.scene.assert_untouched(&what);
    if has_no_pump {
        let shown = read(attack.scene.scratch.join("said"));
        assert!(
            shown.contains(&String::from_utf8_lossy(&crate::support::numbered::line(AFTER - 1)).into_owned())
        );
        return;
    }
    match (place, obstacle, time) {
        (Place::Log, _, Time::AtStart) => {}
        (Place::Log | Place::Lock, ..) | (_, Obstacle::Planted(Plant::FullDirectory), _) => {
            attack.clear(place)
        }
        _ => {}
    }
    // a pump that has not run yet does not look like one
    let all = expected().iter().sum::<u64>() - if before.is_empty() { 0 } else { expected()[0] };
    eventually(&format!("{what}: {all} bytes are in the log; {}", attack.said()), || {
        (attack.log().len() as u64 >= all).then_some(())
    });
    eventually_no_pump(&attack.scene.scratch.launcher());
    attack.scene.assert_untouched(&what);
    let mut runs = if before.is_empty() { attack.whole_runs() } else { Vec::new() };
    if !before.is_empty() {
        let bytes = attack.log();
        let rest = expected()[1] as usize;
        let (_, second) = bytes.split_at(bytes.len().saturating_sub(rest));
        let mut lines = NumberedLines::new(Stamps::None);
        lines.feed(second);
        runs = vec![expected()[0], lines.finish()[0]];
    }
    assert_eq!(runs, expected(), "{what}: {}", attack.said());
}

#[test]
fn what_stands_in_the_place_of_a_file_of_the_pump_at_its_start_is_left_alone() {
    needs!(root, "strace", "setpriv", "python3");
    for place in PLACES {
        for obstacle in OBSTACLES {
            withstands(place, obstacle, Time::AtStart);
        }
    }
}

#[test]
fn what_is_put_in_the_place_of_a_file_of_the_pump_while_it_runs_is_left_alone() {
    needs!(root, "strace", "setpriv", "python3");
    for place in PLACES {
        for obstacle in OBSTACLES {
            withstands(place, obstacle, Time::WhileRunning);
        }
    }
}
