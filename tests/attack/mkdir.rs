//! `--mkdir`: root makes no directory where a user can change what is above it, and none that a user asks for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{
    Scratch, names_in, needs, output, own_by_abc, path_str, rights, set_mode, stderr, write,
};

/// `futo-launch --user abc OPTION -- true` from `/`: the exit code and stderr.
fn launch(scratch: &Scratch, option: &str) -> (i32, String) {
    let mut command = Command::new(scratch.launcher());
    let ended = output(command.args(["--user", "abc", option, "--", "true"]).current_dir("/"));
    (ended.status.code().expect("an exit"), stderr(&ended))
}

#[test]
fn root_makes_nothing_through_what_a_user_can_change() {
    needs!(root);
    let scratch = Scratch::of_root("mkdir-attack");
    let victim = scratch.join("victim");
    fs::create_dir(&victim).expect("made");
    let mine = scratch.directory_of_abc("mine");
    symlink(&victim, mine.join("link")).expect("a link");
    let status = Command::new("chown").args(["-h", "abc:", path_str(&mine.join("link"))]).status();
    assert!(status.expect("chown starts").success());
    // a link of abc in a directory of root, as in a directory that was handed over
    let handed = scratch.join("handed");
    symlink(&victim, &handed).expect("a link");
    assert!(Command::new("chown").args(["-h", "abc:", path_str(&handed)]).status().expect("chown").success());
    let group = scratch.join("group");
    fs::create_dir(&group).expect("made");
    set_mode(&group, 0o775);
    let file = scratch.write("file", "text", 0o644);
    for path in ["mine/link/x", "handed/x", "handed", "mine/../victim/../mine/link/x", "group/x", "file/x"] {
        let option = format!("--mkdir={}", path_str(&scratch.join(path)));
        let (code, said) = launch(&scratch, &option);
        assert!(path == "handed" || code == 100, "{path}: {code} {said}");
        assert!(path == "handed" || said.contains("unable to make directory"), "{path}: {said}");
        assert!(names_in(&victim).is_empty() && names_in(&group).is_empty(), "{path}");
    }
    assert_eq!(fs::read_to_string(file).expect("read"), "text");
    assert_eq!(rights(&victim), "0755 0:0");
}

#[test]
fn a_parent_that_is_swapped_for_a_link_never_leads_root_elsewhere() {
    needs!(root);
    let scratch = Scratch::of_root("mkdir-swap");
    let victim = scratch.join("victim");
    fs::create_dir(&victim).expect("made");
    let mine = scratch.directory_of_abc("mine");
    let stop = AtomicBool::new(false);
    let swap = |stop: &AtomicBool| {
        while !stop.load(Ordering::Relaxed) {
            let _ = fs::create_dir(mine.join("p"));
            let _ = fs::remove_dir_all(mine.join("p"));
            let _ = symlink(&victim, mine.join("p"));
            let _ = fs::remove_file(mine.join("p"));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| swap(&stop));
        let option = format!("--mkdir={}", path_str(&mine.join("p/x")));
        for _ in 0..60 {
            launch(&scratch, &option);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(names_in(&victim).is_empty(), "{:?}", names_in(&victim));
}

#[test]
fn a_file_or_a_published_definition_that_a_user_can_write_gets_nothing_made_by_root() {
    needs!(root);
    let scratch = Scratch::of_root("mkdir-rights");
    let wanted = scratch.join("wanted");
    let option = format!("--mkdir={}", path_str(&wanted));
    let of_abc = scratch.directory_of_abc("of-abc");
    let settings = |path: &Path| {
        write(path, &format!("exec = ['true']\nmkdir = ['{}']\n", path_str(&wanted)), 0o644);
    };
    let run = |words: &[&str]| {
        let mut command = Command::new(scratch.launcher());
        let ended = output(command.args(words).current_dir("/"));
        (ended.status.code(), stderr(&ended))
    };
    let file = of_abc.join("settings.toml");
    settings(&file);
    for words in [&["--file", path_str(&file)][..], &[&option, "--file", path_str(&file)]] {
        let (code, said) = run(words);
        assert_eq!(code, Some(100), "{said}");
        assert!(said.contains("unable to make directory"), "{said}");
        assert!(!wanted.exists());
    }
    // as futo sync publishes a definition of abc
    let definition = of_abc.join("definition");
    fs::create_dir(&definition).expect("made");
    write(&definition.join("run"), "#!/bin/sh\n", 0o755);
    let words = [option.as_str(), "--user", "abc", "--service-dir", path_str(&definition), "--", "true"];
    assert_eq!(run(&words).0, Some(100));
    assert!(!wanted.exists());
    // and one of root
    let of_root = scratch.join("definition");
    fs::create_dir(&of_root).expect("made");
    write(&of_root.join("run"), "#!/bin/sh\n", 0o755);
    own_by_abc(&of_root.join("run"));
    let words = [option.as_str(), "--user", "abc", "--service-dir", path_str(&of_root), "--", "true"];
    assert_eq!(run(&words).0, Some(100), "its run is writable by abc");
    assert!(!wanted.exists());
    fs::remove_file(of_root.join("run")).expect("removed");
    write(&of_root.join("run"), "#!/bin/sh\n", 0o755);
    assert_eq!(run(&words).0, Some(0));
    assert_eq!(rights(&wanted), "0755 911:911");
    fs::remove_dir(&wanted).expect("removed");
    let file = scratch.join("settings.toml");
    settings(&file);
    assert_eq!(run(&["--file", path_str(&file)]).0, Some(0));
    assert_eq!(rights(&wanted), "0755 911:911");
}

#[test]
fn futo_try_as_root_makes_no_directory_for_a_definition_of_abc() {
    needs!(root);
    let scratch = Scratch::of_root("mkdir-try");
    let wanted = scratch.join("wanted");
    let definition = scratch.directory_of_abc("definition");
    let run = format!("#!/bin/sh\nexec futo-launch --mkdir {} -- true\n", path_str(&wanted));
    write(&definition.join("run"), &run, 0o755);
    own_by_abc(&definition.join("run"));
    let tried = output(Command::new(scratch.futo()).arg("try").arg(&definition).current_dir("/"));
    assert_eq!(tried.status.code(), Some(100), "{}", stderr(&tried));
    assert!(stderr(&tried).contains("unable to make directory"), "{}", stderr(&tried));
    assert!(!wanted.exists());
}
