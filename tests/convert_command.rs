//! `futo convert` on real files: what it prints, writes and restores, and what users who own the files cannot make it do.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

use support::launching::{code, finish};
use support::{ABC, AS_ABC, Scratch, names_in, needs, own_by_abc, read, set_mode, stderr, stdout};

const HOOK: &str =
    "#!/usr/bin/with-contenv bash\nset -euo pipefail\nwhile true; do ./hook.py || true; sleep 60; done\n";
const ARRAY: &str = "#!/usr/bin/env bash\nargs=(--quiet)\nexec app \"${args[@]}\"\n";

fn futo(scratch: &Scratch, prefix: &[&str], words: &[&str]) -> Output {
    let mut command = scratch.futo_by(prefix, &[words[0], "--from"]);
    command.arg(scratch.join("definitions")).args(&words[1..]);
    finish(command.current_dir(&scratch.path))
}

/// A definition of abc.
fn define(scratch: &Scratch, name: &str, run: &str) -> PathBuf {
    let directory = scratch.directory_of_abc(&format!("definitions/{name}"));
    fs::write(directory.join("run"), run).expect("written");
    set_mode(directory.join("run"), 0o755);
    own_by_abc(&directory.join("run"));
    directory
}

fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.directory_of_abc("definitions");
    scratch
}

fn owner_and_mode(path: &Path) -> (u32, u32) {
    let status = fs::symlink_metadata(path).expect("a status");
    (status.uid(), status.mode() & 0o7777)
}

fn line(scratch: &Scratch, words: &str) -> String {
    format!("#!/bin/sh\nexec {} {words}\n", scratch.launcher().display())
}

#[test]
fn it_prints_the_run_file_and_the_report_and_changes_nothing() {
    needs!(root);
    let scratch = scratch("convert-print");
    let directory = define(&scratch, "hook", HOOK);
    for prefix in [&[][..], &AS_ABC] {
        let shown = futo(&scratch, prefix, &["convert", "hook"]);
        let expected = format!(
            "==> {} <==\n{}==> report <==\n",
            directory.join("run").display(),
            line(&scratch, "--interval=60 --log=- -- ./hook.py")
        );
        assert_eq!((code(&shown), stderr(&shown)), (0, String::new()));
        assert!(stdout(&shown).starts_with(&expected), "{}", stdout(&shown));
        assert!(
            stdout(&shown).contains("line 3: note: a failed run does not end the loop"),
            "{}",
            stdout(&shown)
        );
    }
    assert_eq!(names_in(&directory), ["run"]);
    assert_eq!(read(directory.join("run")), HOOK);
    // by path, the file itself too
    for operand in [directory.clone(), directory.join("run")] {
        let shown = futo(&scratch, &[], &["convert", operand.to_str().expect("text")]);
        assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    }
}

#[test]
fn write_keeps_the_old_file_with_its_owner_and_undo_restores_it() {
    needs!(root);
    for prefix in [&[][..], &AS_ABC] {
        let scratch = scratch("convert-write");
        let directory = define(&scratch, "app", ARRAY);
        set_mode(directory.join("run"), 0o750);
        let inode = fs::metadata(directory.join("run")).expect("a status").ino();
        let written = futo(&scratch, prefix, &["convert", "--write", "app"]);
        assert_eq!((code(&written), stderr(&written)), (0, String::new()));
        assert_eq!(names_in(&directory), ["run", "run.before-futo", "worker.sh"]);
        assert_eq!(read(directory.join("run")), line(&scratch, "--log=- -- ./worker.sh"));
        assert_eq!(owner_and_mode(&directory.join("run")), (ABC, 0o750));
        assert_eq!(read(directory.join("run.before-futo")), ARRAY);
        // a process that executes it keeps its file
        assert_eq!(fs::metadata(directory.join("run.before-futo")).expect("a status").ino(), inode);
        assert_eq!(owner_and_mode(&directory.join("run.before-futo")), (ABC, 0o640));
        assert_eq!(owner_and_mode(&directory.join("worker.sh")), (ABC, 0o755));

        let again = futo(&scratch, prefix, &["convert", "--write", "app"]);
        let expected = "app: nothing to do: it already starts futo-launch\n".to_string();
        assert_eq!((code(&again), stdout(&again)), (0, expected));

        let undone = futo(&scratch, prefix, &["convert", "--undo", "app"]);
        assert_eq!((code(&undone), stderr(&undone)), (0, String::new()));
        assert_eq!(names_in(&directory), ["run"]);
        assert_eq!(read(directory.join("run")), ARRAY);
        assert_eq!(owner_and_mode(&directory.join("run")), (ABC, 0o750));
        let again = futo(&scratch, prefix, &["convert", "--undo", "app"]);
        assert_eq!(code(&again), 100);
        assert!(stderr(&again).contains("there is no run.before-futo"), "{}", stderr(&again));
    }
}

#[test]
fn undo_loses_no_edit() {
    needs!(root);
    let scratch = scratch("convert-edited");
    let directory = define(&scratch, "app", ARRAY);
    assert_eq!(code(&futo(&scratch, &[], &["convert", "--write", "app"])), 0);
    fs::write(directory.join("run"), "#!/bin/sh\nexec futo-launch --nice 5 -- ./worker.sh\n")
        .expect("edited");
    fs::write(directory.join("worker.sh"), "#!/bin/sh\nexec other\n").expect("edited");
    let undone = futo(&scratch, &[], &["convert", "--undo", "app"]);
    assert_eq!(code(&undone), 0, "{}", stderr(&undone));
    assert!(stdout(&undone).contains("kept: run.edited, worker.sh"), "{}", stdout(&undone));
    assert_eq!(names_in(&directory), ["run", "run.edited", "worker.sh"]);
    assert_eq!(read(directory.join("run")), ARRAY);
    assert_eq!(read(directory.join("run.edited")), "#!/bin/sh\nexec futo-launch --nice 5 -- ./worker.sh\n");
}

#[test]
fn an_older_copy_is_never_overwritten_and_an_interrupted_write_is_repeated() {
    needs!(root);
    let scratch = scratch("convert-copy");
    let directory = define(&scratch, "app", "#!/bin/bash\nexec app\n");
    fs::write(directory.join("run.before-futo"), "#!/bin/bash\nexec older\n").expect("written");
    let refused = futo(&scratch, &[], &["convert", "--write", "app"]);
    assert_eq!(code(&refused), 100);
    assert!(stderr(&refused).contains("it was converted before"), "{}", stderr(&refused));
    assert_eq!(read(directory.join("run.before-futo")), "#!/bin/bash\nexec older\n");
    // as a kill before the exchange leaves it
    fs::write(directory.join("run.before-futo"), "#!/bin/sh\nexec futo-launch -- app\n").expect("written");
    let written = futo(&scratch, &[], &["convert", "--write", "app"]);
    assert_eq!(code(&written), 0, "{}", stderr(&written));
    assert_eq!(read(directory.join("run.before-futo")), "#!/bin/bash\nexec app\n");
    assert_eq!(read(directory.join("run")), line(&scratch, "--log=- -- app"));
}

#[test]
fn all_is_a_table_and_one_bad_definition_stops_none() {
    needs!(root);
    let scratch = scratch("convert-all");
    define(&scratch, "beat", HOOK);
    define(&scratch, "array", ARRAY);
    define(&scratch, "broken", "#!/bin/bash\nif true; then\n");
    define(&scratch, "done", "#!/bin/sh\nexec futo-launch -- app\n");
    define(&scratch, "python", "#!/usr/bin/python3\nprint()\n");
    let rows = |output: &Output| -> Vec<(String, String)> {
        let text = stdout(output);
        let lines = text.lines().skip(1).filter(|line| !line.contains(", "));
        let columns = |line: &str| {
            let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
            (columns.next().unwrap_or_default().to_string(), columns.next().unwrap_or_default().to_string())
        };
        lines.map(columns).collect()
    };
    let expected = [
        ("array", "with a script"),
        ("beat", "one line"),
        ("broken", "stays"),
        ("done", "unchanged"),
        ("python", "stays"),
    ]
    .map(|(name, result)| (name.to_string(), result.to_string()));
    let shown = futo(&scratch, &[], &["convert", "--all"]);
    assert_eq!((code(&shown), rows(&shown)), (1, expected.to_vec()), "{}", stdout(&shown));
    assert!(stdout(&shown).contains("1 one line, 1 with a script, 2 stay"), "{}", stdout(&shown));
    assert_eq!(names_in(&scratch.join("definitions/beat")), ["run"]);
    let written = futo(&scratch, &[], &["convert", "--all", "--write"]);
    assert_eq!((code(&written), rows(&written)), (1, expected.to_vec()));
    assert_eq!(names_in(&scratch.join("definitions/beat")), ["run", "run.before-futo"]);
    assert_eq!(names_in(&scratch.join("definitions/array")), ["run", "run.before-futo", "worker.sh"]);
    assert_eq!(names_in(&scratch.join("definitions/broken")), ["run"]);
    let undone = futo(&scratch, &[], &["convert", "--all", "--undo"]);
    assert_eq!(code(&undone), 0, "{}", stdout(&undone));
    assert_eq!(read(scratch.join("definitions/beat/run")), HOOK);
}

#[test]
fn root_follows_no_link_and_opens_no_fifo_of_a_user() {
    needs!(root);
    let scratch = scratch("convert-links");
    let secret = scratch.join("secret");
    fs::write(&secret, "#!/bin/bash\nexec secret-program\n").expect("written");
    set_mode(&secret, 0o600);
    let linked = scratch.directory_of_abc("definitions/linked");
    symlink(&secret, linked.join("run")).expect("a link");
    let fifo = scratch.directory_of_abc("definitions/fifo");
    nix::unistd::mkfifo(&fifo.join("run"), nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("a FIFO");
    own_by_abc(&fifo.join("run"));
    for (name, why) in [("linked", "symbolic link"), ("fifo", "not a regular file")] {
        let path = scratch.join("definitions").join(name).join("run");
        let shown = futo(&scratch, &[], &["convert", path.to_str().expect("text")]);
        assert_eq!(code(&shown), 100, "{name}");
        assert!(!stdout(&shown).contains("secret-program"), "{}", stdout(&shown));
        assert!(stderr(&shown).contains(why) || stderr(&shown).contains("FIFO"), "{}", stderr(&shown));
    }
    // names that the result takes are not followed either
    let directory = define(&scratch, "app", ARRAY);
    let victim = scratch.join("victim");
    fs::write(&victim, "untouched").expect("written");
    for name in ["run.before-futo", "worker.sh"] {
        symlink(&victim, directory.join(name)).expect("a link");
        let refused = futo(&scratch, &[], &["convert", "--write", "app"]);
        // run-worker.sh takes the place of worker.sh
        let expected = if name == "run.before-futo" { 100 } else { 0 };
        assert_eq!(code(&refused), expected, "{name}: {}", stderr(&refused));
        assert_eq!(read(&victim), "untouched");
        if expected == 0 {
            assert_eq!(code(&futo(&scratch, &[], &["convert", "--undo", "app"])), 0);
        }
        fs::remove_file(directory.join(name)).expect("removed");
    }
    assert_eq!(read(directory.join("run")), ARRAY);
}

#[test]
fn a_definition_gets_no_more_rights_than_its_writers_have() {
    needs!(root);
    let scratch = scratch("convert-rights");
    define(&scratch, "other", "#!/bin/bash\nexec s6-setuidgid daemon app\n");
    let refused = futo(&scratch, &[], &["convert", "other"]);
    assert_eq!(code(&refused), 100);
    assert!(
        stderr(&refused).contains("not allowed in a file writable by non-root users"),
        "{}",
        stderr(&refused)
    );
    // owned by root alone: the same user stays, and without one the worker stays root
    for (run, words) in [
        ("#!/bin/bash\nexec s6-setuidgid daemon app\n", "--user=daemon --log=- -- app"),
        ("#!/bin/bash\nexec app\n", "--user=root --log=- -- app"),
    ] {
        let directory = PathBuf::from("/etc/futo-convert-test");
        fs::create_dir_all(&directory).expect("made");
        fs::write(directory.join("run"), run).expect("written");
        let shown = futo(&scratch, &[], &["convert", directory.to_str().expect("text")]);
        fs::remove_dir_all(&directory).expect("removed");
        assert_eq!(code(&shown), 0, "{}", stderr(&shown));
        assert!(stdout(&shown).contains(&line(&scratch, words)), "{}", stdout(&shown));
    }
}

#[test]
fn a_terminal_sequence_in_a_name_controls_no_terminal() {
    needs!(root);
    let scratch = scratch("convert-terminal");
    define(&scratch, "app", "#!/bin/bash\nmkdir \"\x1b[2J\"; exec $'\\e[2J'\n");
    let shown = futo(&scratch, &[], &["convert", "--all"]);
    assert!(!stdout(&shown).contains('\x1b'), "{:?}", stdout(&shown));
}

#[test]
fn wrong_combinations_are_refused() {
    let scratch = Scratch::new("convert-usage");
    for words in [&["convert", "--write", "--undo", "a"][..], &["convert", "--all", "a"], &["convert"]] {
        let refused = finish(&mut scratch.futo_by(&[], words));
        assert_eq!(code(&refused), 100, "{words:?}");
        assert!(stderr(&refused).contains("futo: fatal: convert: "), "{}", stderr(&refused));
    }
    fs::create_dir(scratch.join("empty")).expect("made");
    fs::set_permissions(scratch.join("empty"), fs::Permissions::from_mode(0o755)).expect("mode");
    let words = ["convert", "--all", "--from"];
    let mut command = scratch.futo_by(&[], &words);
    let shown = finish(command.arg(scratch.join("empty")));
    assert_eq!((code(&shown), stdout(&shown)), (0, "no definitions\n".to_string()));
}
