//! `--env-dir`.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::launching::command;
use crate::support::{Scratch, Svscan, eventually_contains, needs, own_by_abc, state};
use crate::{directory_of, refused, variables_behind};

#[test]
fn an_env_dir_has_the_values_of_s6_envdir_and_chpst() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("env-dir");
    let files = [
        ("ONE", "a\nb\n"),
        ("TRAIL", " lead and trail \t\n"),
        ("NUL", "x\0y"),
        ("BLANK", "\n"),
        ("EMPTY", ""),
        ("b-c", "odd name"),
        ("LATIN", "\u{e9}\n"),
        (".hidden", "no"),
    ];
    let directory = directory_of(&scratch, "envdir", &files);
    symlink("ONE", scratch.join("envdir/LINK")).expect("a link");
    let inherited = [("EMPTY", "inherited"), ("STAYS", "inherited")];
    let variables = |mut command: Command| {
        command.envs(inherited);
        variables_behind(command)
    };
    let ours = variables(scratch.launch(&scratch.path, &["--env-dir", &directory, "--"]));
    assert_eq!(ours, variables(command(&["s6-envdir", &directory], &scratch.path)));
    assert_eq!(ours, variables(command(&["chpst", "-e", &directory], &scratch.path)));
    assert!(ours.contains(&"LINK=a".to_string()) && !ours.iter().any(|line| line.starts_with("EMPTY")));
}

#[test]
fn what_is_wrong_in_an_env_dir_is_reported_all_at_once() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("env-dir-bad");
    let directory =
        directory_of(&scratch, "envdir", &[("A", "ok"), ("a=b", "x"), ("LONG", &"x".repeat(140_000))]);
    fs::create_dir(scratch.join("envdir/DIR")).expect("a directory");
    let fifo = scratch.join("envdir/FIFO");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    own_by_abc(&fifo);
    symlink("nowhere", scratch.join("envdir/GONE")).expect("a link");
    scratch.write("envdir/ROOTS", "hunter2", 0o600);
    let (code, said) =
        refused(&scratch, &scratch.path, &["--env-dir", &directory, "--env-dir", "/does/not/exist"]);
    let expected = "\
TIME echo: fatal: unable to read 'DIR/DIR': it is a directory, not a regular file
TIME echo: hint: put a file there; container runtimes create a directory in place of a missing mounted file
TIME echo: fatal: unable to read 'DIR/FIFO': it is a FIFO, not a regular file
TIME echo: fatal: unable to read 'DIR/GONE': no such file or directory
TIME echo: fatal: unable to read 'DIR/LONG': it is longer than 131072 bytes
TIME echo: fatal: unable to read 'DIR/ROOTS': permission denied
TIME echo: hint: it is read as the worker's user
TIME echo: fatal: unable to read 'DIR/a=b': a variable name cannot contain '='
TIME echo: fatal: unable to read '/does/not/exist': no such file or directory
";
    assert_eq!((code, said.replace(&directory, "DIR")), (100, expected.to_string()));
}

#[test]
fn a_file_that_appears_in_an_env_dir_ends_a_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("env-dir-rest");
    let log = state("env-dir-rest.log");
    let _ = fs::remove_file(&log);
    svscan.scratch.write("envdir/OTHER", "x", 0o644);
    let directory = svscan.scratch.join("envdir");
    let words = format!(
        "--env-dir {} --require TOKEN -- sh -c 'echo run $TOKEN; exec sleep 100'",
        directory.display()
    );
    svscan.add_launch("env-dir-rest", &words, &[]);
    eventually_contains(&log, "resting until");
    svscan.scratch.write("envdir/TOKEN", "t", 0o644);
    eventually_contains(&log, "run t\n");
}
