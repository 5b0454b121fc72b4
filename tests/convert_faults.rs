//! `futo convert --write` and `--undo`, killed at every step that changes something, and a run file that is edited while
//! they run: each file is whole, and the next conversion or undo finishes the work.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use support::launching::{code, finish};
use support::{Scratch, children, eventually, names_in, needs, own_by_abc, path_str, read, set_mode, stderr};

/// The system calls that change something.
const STEPS: [&str; 7] = ["openat", "write", "fchown", "fchmod", "fsync", "renameat2", "unlinkat"];
/// What keeps a script.
const OLD: &str = "#!/bin/bash\nargs=(--quiet)\nexec app \"${args[@]}\"\n";

/// A definition of abc with the old run file alone.
fn define(scratch: &Scratch) -> PathBuf {
    let directory = scratch.join("app");
    let _ = fs::remove_dir_all(&directory);
    scratch.directory_of_abc("app");
    fs::write(directory.join("run"), OLD).expect("written");
    set_mode(directory.join("run"), 0o755);
    own_by_abc(&directory.join("run"));
    directory
}

fn futo(scratch: &Scratch, prefix: &[&str], task: &str, directory: &Path) -> Command {
    let futo = scratch.futo();
    let words: Vec<&str> = prefix.iter().copied().chain([path_str(&futo), "convert", task]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(directory);
    command
}

fn done(scratch: &Scratch, task: &str, directory: &Path) {
    let output = finish(&mut futo(scratch, &[], task, directory));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

/// How often a run makes this system call.
fn count(scratch: &Scratch, step: &str, task: &str, directory: &Path) -> usize {
    let trace = scratch.join("trace");
    let filter = format!("trace={step}");
    let prefix = ["strace", "-f", "-o", path_str(&trace), "-e", &filter];
    let traced = finish(&mut futo(scratch, &prefix, task, directory));
    assert_eq!(code(&traced), 0, "{}", stderr(&traced));
    read(&trace).lines().filter(|line| line.contains(&format!(" {step}("))).count()
}

/// Kills a run at every step; `prepare` makes what it finds, `check` sees what is left, and what it was killed at.
fn kill_at_every_step(
    scratch: &Scratch,
    task: &str,
    prepare: impl Fn() -> PathBuf,
    check: impl Fn(&str, &Path),
) {
    let mut killed = 0;
    for step in STEPS {
        for number in 1..=count(scratch, step, task, &prepare()) {
            let directory = prepare();
            let inject = format!("inject={step}:signal=KILL:when={number}");
            let filter = format!("trace={step}");
            let prefix = ["strace", "-f", "-o", "/dev/null", "-e", &filter, "-e", &inject];
            let output = finish(&mut futo(scratch, &prefix, task, &directory));
            killed += usize::from(output.status.code() != Some(0));
            check(&format!("{task} {step} {number}"), &directory);
        }
    }
    assert!(killed > 10, "{killed}");
}

/// The three files as a conversion makes them.
fn converted(scratch: &Scratch) -> (String, String) {
    let directory = define(scratch);
    done(scratch, "--write", &directory);
    assert_eq!(names_in(&directory), ["run", "run.before-futo", "worker.sh"]);
    (read(directory.join("run")), read(directory.join("worker.sh")))
}

/// Whether each file that has a name is a whole one.
fn assert_whole(at: &str, directory: &Path, new: &str, script: &str) {
    for name in names_in(directory).into_iter().filter(|name| !name.starts_with('.')) {
        let text = read(directory.join(&name));
        let may_be: &[&str] = match name.as_str() {
            "run" | "run.before-futo" => &[OLD, new],
            "worker.sh" => &[script],
            _ => &[],
        };
        assert!(may_be.contains(&text.as_str()), "{at}: {name}: {text}");
    }
}

#[test]
fn a_killed_conversion_leaves_whole_files_and_the_next_one_finishes() {
    needs!(root, "strace");
    let scratch = Scratch::new("convert-killed");
    let (new, script) = converted(&scratch);
    kill_at_every_step(
        &scratch,
        "--write",
        || define(&scratch),
        |at, directory| {
            assert_whole(at, directory, &new, &script);
            done(&scratch, "--write", directory);
            assert_eq!(names_in(directory), ["run", "run.before-futo", "worker.sh"], "{at}");
            assert_eq!(read(directory.join("run")), new, "{at}");
            assert_eq!(read(directory.join("run.before-futo")), OLD, "{at}");
            done(&scratch, "--undo", directory);
            assert_eq!(
                (names_in(directory), read(directory.join("run"))),
                (vec!["run".into()], OLD.into()),
                "{at}"
            );
        },
    );
}

#[test]
fn a_killed_conversion_or_undo_can_be_undone() {
    needs!(root, "strace");
    let scratch = Scratch::new("convert-undone");
    let (new, script) = converted(&scratch);
    let convert = || {
        let directory = define(&scratch);
        done(&scratch, "--write", &directory);
        directory
    };
    let check = |at: &str, directory: &Path| {
        assert_whole(at, directory, &new, &script);
        if directory.join("run.before-futo").exists() {
            done(&scratch, "--undo", directory);
        }
        assert_eq!(read(directory.join("run")), OLD, "{at}");
        assert!(!directory.join("run.before-futo").exists(), "{at}");
    };
    kill_at_every_step(&scratch, "--undo", convert, check);
    kill_at_every_step(&scratch, "--write", || define(&scratch), check);
}

#[test]
fn a_run_file_that_is_edited_meanwhile_stays_as_edited() {
    needs!(root, "strace");
    let scratch = Scratch::new("convert-edited");
    let directory = define(&scratch);
    // it stops as it makes the new file last, after it has looked at the old one
    let prefix =
        ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:signal=STOP:when=2"];
    let mut command = futo(&scratch, &prefix, "--write", &directory);
    let tracer = command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    let tracer = tracer.spawn().expect("strace starts");
    let strace = i32::try_from(tracer.id()).expect("a pid");
    eventually("the script is there, and the new file", || {
        (directory.join("worker.sh").exists() && directory.join(".run.futo-new").exists()).then_some(())
    });
    let edited = OLD.replace("quiet", "loud");
    fs::write(directory.join("run"), &edited).expect("edited");
    let waiting = std::thread::spawn(move || tracer.wait_with_output().expect("it ends"));
    eventually("it has ended", || {
        // strace may have had other children before
        for converting in children(strace) {
            let _ = nix::sys::signal::kill(Pid::from_raw(converting), Signal::SIGCONT);
        }
        waiting.is_finished().then_some(())
    });
    let output = waiting.join().expect("its output");
    assert_eq!(code(&output), 100);
    assert!(stderr(&output).contains("it has changed in the meantime"), "{}", stderr(&output));
    assert_eq!((names_in(&directory), read(directory.join("run"))), (vec!["run".to_string()], edited));
}
