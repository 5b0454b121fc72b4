//! config.env and `--env-file`.

use std::fs;
use std::os::unix::fs::symlink;

use crate::ended;
use crate::support::launching::finish;
use crate::support::{Probe, Scratch, log_of, needs, set_mode, stdout, without_times};

#[test]
fn a_config_env_that_bash_would_not_read_plainly_is_refused_all_at_once_without_a_value() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("config-env");
    let service = scratch.service("exec-configenv");
    scratch.write(
        "exec-configenv/config.env",
        "OK=1\nMSG=hunter2 hunter3\nBAD=$(hunter2)\nC=`hunter2`\nU=http://hunter2?a&b=c\nD=\"hunter2\n",
        0o644,
    );
    let expected = "\
TIME exec-configenv: fatal: config.env:2: a second word, which bash would run as a command
TIME exec-configenv: hint: put the value in quotes: MSG='…'
TIME exec-configenv: fatal: config.env:3: command substitution is not supported
TIME exec-configenv: hint: write the result
TIME exec-configenv: fatal: config.env:4: command substitution is not supported
TIME exec-configenv: hint: write the result
TIME exec-configenv: fatal: config.env:5: an unquoted '&'
TIME exec-configenv: hint: put the value in quotes: U='…'
TIME exec-configenv: fatal: config.env:6: an unterminated quote
TIME exec-configenv: hint: close it with \"
";
    let output = finish(&mut scratch.launch(&service, &["echo", "ran"]));
    assert_eq!(ended(&output), (100, expected.to_string()));
    assert_eq!(without_times(&log_of("exec-configenv")), expected);
}

#[test]
fn a_config_env_that_cannot_be_read_is_refused() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("config-env-kind");
    let service = scratch.service("exec-kind");
    let place = service.join("config.env");
    let refused = |why: &str, hint: &str| {
        let output = finish(&mut scratch.launch(&service, &["--log", "-", "echo", "ran"]));
        assert_eq!(stdout(&output), "");
        let expected = format!("TIME exec-kind: fatal: unable to read 'config.env': {why}\n{hint}");
        assert_eq!(ended(&output), (100, expected));
    };
    fs::create_dir(&place).expect("a directory");
    refused(
        "it is a directory, not a regular file",
        "TIME exec-kind: hint: put a file there; container runtimes create a directory in place of a missing mounted file\n",
    );
    fs::remove_dir(&place).expect("removed");
    nix::unistd::mkfifo(&place, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    set_mode(&place, 0o666);
    refused("it is a FIFO, not a regular file", "");
    fs::remove_file(&place).expect("removed");
    scratch.write("exec-kind/config.env", "A=1\n", 0o600);
    refused("permission denied", "TIME exec-kind: hint: it is read as the worker's user\n");
    let huge = fs::File::create(&place).expect("a file");
    huge.set_len(1 << 40).expect("sparse");
    set_mode(&place, 0o644);
    refused("it is longer than 1048576 bytes", "");
    fs::remove_file(&place).expect("removed");
    symlink("/dev/zero", &place).expect("a link");
    refused("it is a device, not a regular file", "");
}

#[test]
fn an_env_file_must_exist_and_is_read_after_config_env() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("env-file");
    let service = scratch.service("exec-envfile");
    scratch.write("exec-envfile/config.env", "A=config\nB=config\nC=config\nD=config\n", 0o644);
    scratch.write("more.env", "B=more\nC=more\n", 0o644);
    let options = ["--log", "-", "--env-file", "../more.env", "--env", "C=flag", "--unset", "D", "--"];
    let mut command = scratch.launch(&service, &options);
    let probe = Probe::of(&finish(command.arg(scratch.probe()).env("A", "inherited").env("E", "inherited")));
    let of = |name: &str| probe.env(name);
    assert_eq!(
        (of("A"), of("B"), of("C"), of("D"), of("E")),
        (Some("config"), Some("more"), Some("flag"), None, Some("inherited"))
    );
    let mut command = scratch.launch(&service, &["--log", "-", "--no-env-file", "--clear-env", "--"]);
    let probe = Probe::of(&finish(command.arg(scratch.probe()).env("E", "inherited")));
    assert_eq!(probe.variables(), ["HOME", "LOGNAME", "USER"]);

    let output =
        finish(&mut scratch.launch(&service, &["--log", "-", "--env-file", "a", "--env-file", "b", "true"]));
    let expected = "TIME exec-envfile: fatal: unable to read 'a': no such file or directory\n\
                    TIME exec-envfile: fatal: unable to read 'b': no such file or directory\n";
    assert_eq!(ended(&output), (100, expected.to_string()));
}
