//! What stands in the place of the log, or of a directory above it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::launching::{code, finish};
use crate::support::{
    self, ABC, AS_ABC, Scratch, eventually, eventually_contains, needs, own_by_abc, path_str, read, said,
    set_mode, stderr, stdout,
};
use crate::{MODES, PLANTS, Plant, Scene, resting, stop};

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
            "TIME attack-left: warning: log '{}' could not be opened (owned by uid 0, mode 0600) and was renamed to '{}'\n",
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
        assert!(said.contains("hint: choose a location writable by uid 911"), "{place}: {said}");
        for word in ["install", "chown", "chmod", "mv "] {
            assert!(!said.contains(word), "{place}: {said}");
        }
    }
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
