//! `futo rm`.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use support::boot::Ran;
use support::launching::finish;
use support::{
    AS_ABC, Scratch, Svscan, eventually, eventually_dead, log_of, logs, names_in, needs, own_by_abc, read,
    rights, snapshot, state, write,
};

struct Scene {
    svscan: Svscan,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let svscan = Svscan::on(Scratch::of_root(name), &[]);
        let scene = Scene { svscan };
        fs::create_dir(scene.definition("")).expect("made");
        own_by_abc(&scene.definition(""));
        scene
    }

    fn definition(&self, path: &str) -> PathBuf {
        self.svscan.scratch.join("definitions").join(path)
    }

    fn define(&self, name: &str, words: &str) {
        let launcher = self.svscan.scratch.launcher();
        fs::create_dir_all(self.definition(name)).expect("made");
        let run = self.definition(name).join("run");
        write(&run, &format!("#!/bin/sh\nexec {} {words}\n", launcher.display()), 0o755);
        for path in [self.definition(name), run] {
            own_by_abc(&path);
        }
    }

    fn futo(&self, prefix: &[&str], words: &[&str]) -> Ran {
        Ran::of(&finish(&mut self.svscan.futo(prefix, words)))
    }

    /// The names of what was moved aside.
    fn aside(&self) -> Vec<String> {
        names_in(&self.definition("")).into_iter().filter(|name| name.contains(".removed-")).collect()
    }
}

#[test]
fn a_removed_service_is_gone_and_can_be_restored_by_the_command_that_is_printed() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("rm-restore");
    scene.define("rmr", "--interval 1000 -- sh -c 'echo run; exec sleep 1000'");
    scene.define("rmr-other", "-- sleep 1000");
    write(&scene.definition("rmr/config.env"), "A=1\n", 0o600);
    own_by_abc(&scene.definition("rmr/config.env"));
    assert_eq!(scene.futo(&[], &["sync"]).code, 0);
    logs("rmr", "run\n");
    let (pid, other) = (scene.svscan.pid("rmr"), scene.svscan.pid("rmr-other"));
    let before = snapshot(&scene.definition("rmr"));
    let ran = scene.futo(&[], &["rm", "rmr"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    eventually_dead(pid);
    assert_eq!(scene.svscan.pid("rmr-other"), other);
    assert!(!scene.svscan.directory("rmr").exists() && !scene.definition("rmr").exists());
    let aside = scene.aside();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(rights(&scene.definition(&aside[0])), "0755 911:911");
    assert!(log_of("rmr").contains("run\n") && state("rmr.json").exists(), "log and record stay");
    // a sync ignores it
    let synced = scene.futo(&[], &["sync", "--prune"]);
    assert!(synced.code == 0 && !synced.stdout.contains("removed"), "{}", synced.stdout);
    assert!(!scene.svscan.directory("rmr").exists());
    let restore =
        ran.stdout.lines().find_map(|line| line.trim().strip_prefix("restore: ")).expect("a command");
    let (restore, _) = restore.split_once(" && futo sync").expect("sync");
    assert!(finish(std::process::Command::new("sh").args(["-c", restore])).status.success());
    assert_eq!(snapshot(&scene.definition("rmr")), before);
    assert_eq!(scene.futo(&[], &["sync"]).code, 0);
    scene.svscan.pid("rmr");
    // a second one deletes the first; what others or time has left is deleted after 30 days
    assert_eq!(scene.futo(&[], &["rm", "rmr"]).code, 0);
    scene.define("rmr", "-- sleep 1000");
    let (old, young) = (".gone.removed-20200101T000000.000Z", ".gone.removed-29990101T000000.000Z");
    for kept in [old, young, ".gone.removed-mine", ".x"] {
        fs::create_dir_all(scene.definition(kept).join("below")).expect("made");
        own_by_abc(&scene.definition(kept));
        own_by_abc(&scene.definition(kept).join("below"));
    }
    let first = scene.aside();
    assert_eq!(scene.futo(&[], &["rm", "rmr"]).code, 0);
    let left = scene.aside();
    assert!(
        left.contains(&young.to_string()) && left.contains(&".gone.removed-mine".to_string()),
        "{left:?}"
    );
    let own: Vec<_> = left.iter().filter(|name| name.starts_with(".rmr.")).collect();
    assert!(own.len() == 1 && !first.contains(own[0]) && left.len() == 3, "{left:?}");
}

#[test]
fn purge_deletes_log_and_record_and_nothing_else() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("rm-purge");
    scene.define("rmp", "--interval 1000 -- sh -c 'echo run'");
    scene.futo(&[], &["sync"]);
    logs("rmp", "run\n");
    eventually("the record is written", || state("rmp.json").exists().then_some(()));
    for (file, text) in [("rmp.log.1", ""), ("rmp.log.2.gz", ""), ("rmp.log.old", ""), ("rmp2.log", "")] {
        write(&state(file), text, 0o644);
        own_by_abc(&state(file));
    }
    let ran = scene.futo(&[], &["rm", "--purge", "rmp"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let left: Vec<String> =
        names_in(state("").as_path()).into_iter().filter(|it| it.contains("rmp")).collect();
    assert_eq!(left, ["rmp.log.old", "rmp2.log"], "{}", ran.stdout);
    left.iter().for_each(|name| fs::remove_file(state(name)).expect("removed"));
}

#[test]
fn what_is_not_a_definition_is_refused_and_left_alone() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("rm-refuse");
    // of another program, and a link of an older hook
    scene.svscan.add_launch("rmx-other", "-- sleep 1000", &[]);
    scene.define("rmx-link", "-- sleep 1000");
    symlink(scene.definition("rmx-link"), scene.svscan.directory("rmx-link")).expect("a link");
    scene.define("rmx-good", "-- sleep 1000");
    // s6-svscan may start a supervisor in the link's target
    let definitions = || names_in(&scene.definition(""));
    let before = (definitions(), scene.svscan.pid("rmx-other"));
    let ran = scene.futo(&[], &["rm", "rmx-other", "rmx-link"]);
    assert_eq!(ran.code, 100, "{}", ran.stderr);
    assert!(ran.stderr.contains("unable to remove 'rmx-other': it has no definition"), "{}", ran.stderr);
    assert!(ran.stderr.contains("was not published from this definition by futo sync"), "{}", ran.stderr);
    assert_eq!((definitions(), scene.svscan.pid("rmx-other")), before);
    assert_eq!(scene.futo(&[], &["rm", "no-such"]).code, 100);
    scene.define(".hidden", "-- sleep 1000");
    let ran = scene.futo(&[], &["rm", &scene.definition(".hidden").display().to_string()]);
    assert!(ran.code == 100 && scene.definition(".hidden/run").exists(), "{}", ran.stderr);
    assert_eq!(scene.futo(&[], &["rm"]).code, 100);
    // in a directory of abc's root has abc's rights only
    let roots = scene.definition(".rmx-good.removed-20200101T000000.000Z");
    fs::create_dir_all(roots.join("below/full")).expect("made");
    let outside = scene.svscan.scratch.write("outside/kept", "", 0o644);
    symlink(Path::new("/"), roots.join("below/link")).expect("a link");
    let linked = scene.definition(".rmx-l.removed-20200101T000000.000Z");
    symlink(outside.parent().expect("above"), &linked).expect("a link");
    let ran = scene.futo(&[], &["rm", "rmx-good"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning") && roots.join("below/full").exists(), "{}", ran.stderr);
    assert!(outside.exists() && fs::symlink_metadata(&linked).is_err(), "only the link is removed");
}

#[test]
fn a_user_moves_aside_and_a_running_sync_takes_the_service_away() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("rm-user");
    scene.define("rmu", "-- sleep 1000");
    let mut watch = scene.svscan.futo(&[], &["sync", "--watch"]).spawn().expect("futo starts");
    let pid = eventually("it is published", || {
        scene.svscan.directory("rmu").join("supervise").exists().then(|| scene.svscan.pid("rmu"))
    });
    let ran = scene.futo(&AS_ABC, &["rm", "rmu"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    eventually_dead(pid);
    assert_eq!(scene.aside().len(), 1);
    let _ = nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(watch.id().cast_signed()),
        nix::sys::signal::Signal::SIGTERM,
    );
    watch.wait().expect("waited for");
    assert!(read(scene.definition(&scene.aside()[0]).join("run")).contains("sleep 1000"));
}
