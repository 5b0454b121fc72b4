//! What docs/run-files.md says of explain, try and new, of a changed run file, and of a linked one.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::launching::{code, finish};
use support::{
    Scratch, Svscan, eventually, eventually_contains, needs, own_by_abc, read, state, stderr, stdout,
};

/// `futo` as it is called in this directory.
fn futo(scratch: &Scratch, directory: &Path, words: &[&str]) -> Command {
    let mut futo = Command::new(scratch.futo());
    futo.args(words).current_dir(directory);
    futo
}

/// A service of root's that only root can write, with these options.
fn service(scratch: &Scratch, options: &str) -> String {
    let run = format!("#!/bin/sh\nexec {} {options} -- sh -c 'echo it ran'\n", scratch.launcher().display());
    let run = scratch.write("service/run", &run, 0o755);
    run.parent().expect("its directory").display().to_string()
}

#[test]
fn explain_plans_with_the_variables_of_its_caller() {
    needs!(root);
    let scratch = Scratch::of_root("explain-caller");
    let service = service(&scratch, "--require NAME_OF_CALLER");
    for (is_exported, exit) in [(true, 0), (false, 100)] {
        let mut explain = futo(&scratch, &scratch.path, &["explain", &service]);
        if is_exported {
            explain.env("NAME_OF_CALLER", "x");
        }
        let explained = finish(&mut explain);
        assert_eq!(code(&explained), exit, "{}", stdout(&explained));
        assert!(stdout(&explained).contains("NAME_OF_CALLER"), "{}", stdout(&explained));
    }
}

#[test]
fn try_runs_what_a_closed_gate_would_keep_from_running_and_has_no_variables_of_its_caller() {
    needs!(root);
    let scratch = Scratch::of_root("try-gate");
    let gated = service(&scratch, "--if-env NEVER_SET --wait-for file:/nonexistent --interval 60");
    let tried = finish(&mut futo(&scratch, &scratch.path, &["try", &gated]));
    assert_eq!((code(&tried), stdout(&tried), stderr(&tried)), (0, "it ran\n".to_string(), String::new()));
    let requires = service(&scratch, "--require NAME_OF_CALLER");
    let tried = finish(futo(&scratch, &scratch.path, &["try", &requires]).env("NAME_OF_CALLER", "x"));
    assert_eq!((code(&tried), stdout(&tried)), (100, String::new()));
}

#[test]
fn paths_in_options_of_new_count_from_the_callers_directory() {
    needs!(root);
    let scratch = Scratch::of_root("new-paths");
    scratch.write("caller/extra.env", "A='of the caller'\n", 0o644);
    fs::create_dir(scratch.join("definitions")).expect("a directory");
    let (caller, definitions) = (scratch.join("caller"), scratch.join("definitions"));
    let from = definitions.display().to_string();
    let words =
        ["--env-file", "extra.env", "--if-file", "flag", "--from", &from, "--", "sh", "-c", "echo $A; pwd"];
    let written = finish(futo(&scratch, &caller, &["new", "paths"]).args(words));
    assert_eq!((code(&written), stderr(&written)), (0, String::new()));
    let run = read(definitions.join("paths/run"));
    let options = format!(" --env-file={0}/extra.env --if-file=flag --chdir={0} -- ", caller.display());
    assert!(run.contains(&options), "{run}");
    let service = definitions.join("paths").display().to_string();
    let tried = finish(&mut futo(&scratch, &caller, &["try", &service]));
    assert_eq!(stdout(&tried), format!("of the caller\n{}\n", caller.display()), "{}", stderr(&tried));
    // --if-file is relative to the worker's directory, which is that of the caller
    for (flag, is_open) in [("definitions/paths/flag", false), ("caller/flag", true)] {
        scratch.write(flag, "", 0o644);
        let mut run = Command::new("./run");
        let ran = finish(run.current_dir(&service).env("HOME", "/nonexistent"));
        let log = state("paths.log");
        let output = if log.exists() { read(&log) } else { stdout(&ran) };
        assert_eq!(output.contains("of the caller\n"), is_open, "{flag}: {output} {}", stderr(&ran));
    }
}

#[test]
fn a_running_loop_keeps_the_options_of_its_run_until_it_is_restarted() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("changed-run");
    let directory = svscan.add_launch("changed-run", "--interval 0.2 -- echo old", &[]);
    let log = state("changed-run.log");
    eventually_contains(&log, "old\n");
    let run = directory.join("run");
    let changed = read(&run).replace("echo old", "echo new");
    support::write(&directory.join("run.new"), &changed, 0o755);
    fs::rename(directory.join("run.new"), run).expect("renamed");
    let runs = read(&log).lines().count();
    eventually("three more runs", || (read(&log).lines().count() > runs + 3).then_some(()));
    assert!(!read(&log).contains("new"), "{}", read(&log));
    svscan.svc(&["-r"], "changed-run");
    eventually_contains(&log, "new\n");
}

#[test]
fn a_linked_run_that_changes_to_its_definition_has_its_config_env_and_a_warning() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("linked-run");
    let launcher = svscan.scratch.launcher().display().to_string();
    let definition = svscan.scratch.join("definitions/linked-run");
    let run = |cd: &str, options: &str| {
        format!("#!/bin/sh\n{cd}exec {launcher} {options} --interval 1000 -- sh -c 'echo \"A is $A\"'\n")
    };
    for (name, cd, options, has_warning) in [
        ("linked-run", format!("cd {}\n", definition.display()), String::new(), true),
        ("linked-dir", String::new(), format!("--service-dir {}", definition.display()), false),
    ] {
        let run = svscan.scratch.write(definition.join("run"), &run(&cd, &options), 0o755);
        svscan.scratch.write(definition.join("config.env"), "A=it\n", 0o644);
        own_by_abc(&definition);
        let directory = svscan.directory(name);
        fs::create_dir(&directory).expect("a directory");
        symlink(run, directory.join("run")).expect("a link");
        svscan.control(&["-a"]);
        eventually_contains(&state(&format!("{name}.log")), "A is it\n");
        let warning = format!("the run script changed from its service directory '{}'", directory.display());
        assert_eq!(svscan.stderr().contains(&warning), has_warning, "{}", svscan.stderr());
        if has_warning {
            svscan.svc(&["-wD", "-T", "10000", "-d"], name);
        }
    }
}
