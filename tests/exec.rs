//! Exec mode: what the worker finds, what is said when there is no worker, and what `--explain` says.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use support::launching::{PATH, code, command, finish, with_file_at};
use support::{
    AS_ABC, Probe, Scratch, Svscan, eventually, log_of, logs, needs, path_str, read, said, set_mode, state,
    stderr, stdout, touching, without_times,
};

/// Exit code and words.
fn ended(output: &Output) -> (i32, String) {
    (code(output), said(output))
}

/// Exit code and words of `futo-launch WORDS` outside a service directory.
fn words(scratch: &Scratch, words: &[&str]) -> (i32, String) {
    ended(&finish(&mut scratch.launch(&scratch.path, words)))
}

/// What the probe says behind `PREFIX… futo-launch OPTIONS`.
fn probe_behind(scratch: &Scratch, prefix: &[&str], options: &[&str]) -> Probe {
    let mut command = scratch.launch_by(prefix, &scratch.path, options);
    Probe::of(&finish(command.arg("--").arg(scratch.probe())))
}

#[test]
fn the_worker_takes_the_launchers_place() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("place");
    let prefix = ["sh", "-c", "echo shell=$$; exec \"$@\"", "sh"];
    let probe = probe_behind(&scratch, &prefix, &[]);
    assert_eq!(probe.get("pid"), probe.get("shell"));
    assert_eq!(probe.get("ppid"), std::process::id().to_string());
    // no handler, no other process is left
    assert_eq!(probe.get("caught"), "0000000000000000");
}

/// Leaks three descriptors, as a careless parent does.
const LEAKS: [&str; 4] = ["bash", "-c", "exec 7</dev/null 20</dev/null 300</dev/null; exec \"$@\"", "bash"];

#[test]
fn leaked_descriptors_do_not_reach_the_worker() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("leaks");
    let mut bare = command(&LEAKS, &scratch.path);
    let leaked = Probe::of(&finish(bare.arg(scratch.probe()))).descriptors();
    assert!([7, 20, 300].iter().all(|fd| leaked.contains(fd)), "{leaked:?}");
    assert_eq!(probe_behind(&scratch, &LEAKS, &[]).descriptors(), [0, 1, 2]);
    assert_eq!(probe_behind(&scratch, &LEAKS, &["--once"]).descriptors(), [0, 1, 2]);
}

#[test]
fn an_old_kernel_without_close_range_and_openat2_closes_and_opens_all_the_same() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("old-kernel");
    scratch.service("exec-oldkernel");
    for (error, log) in [("ENOSYS", "a"), ("EPERM", "b")] {
        let close = format!("inject=close_range:error={error}");
        let open = format!("inject=openat2:error={error}");
        let strace = ["strace", "-o", "/dev/null", "-e", &close, "-e", &open];
        let prefix: Vec<&str> = LEAKS.iter().copied().chain(strace).collect();
        let path = scratch.directory_of_abc("logs").join(log);
        let mut command =
            scratch.launch_by(&prefix, &scratch.join("exec-oldkernel"), &["--log", path_str(&path), "--"]);
        let output = finish(command.arg(scratch.probe()));
        assert_eq!(ended(&output), (0, String::new()), "{error}");
        assert_eq!(Probe::parse(&read(&path)).descriptors(), [0, 1, 2], "{error}");
    }
}

#[test]
fn keep_fd_hands_on_just_these_and_refuses_what_is_not_open() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("keep-fd");
    assert_eq!(probe_behind(&scratch, &LEAKS, &["--keep-fd", "20"]).descriptors(), [0, 1, 2, 20]);
    let all = ["--keep-fd", "300", "--keep-fd", "7", "--keep-fd", "20", "--keep-fd", "7"];
    assert_eq!(probe_behind(&scratch, &LEAKS, &all).descriptors(), [0, 1, 2, 7, 20, 300]);
    let refusal = "TIME true: fatal: --keep-fd: descriptor 9 is not open\n\
                   TIME true: fatal: --keep-fd: descriptor 12 is not open\n";
    assert_eq!(words(&scratch, &["--keep-fd", "9", "--keep-fd", "12", "true"]), (100, refusal.to_string()));
    let refusal =
        "futo-launch: fatal: --keep-fd: invalid value '2': is not a whole number from 3 to 1048576\n";
    assert_eq!(words(&scratch, &["--keep-fd", "2", "true"]), (100, refusal.to_string()));
}

#[test]
fn the_notification_descriptor_is_handed_on_in_exec_mode_and_written_in_a_loop() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("notification");
    let service = scratch.service("exec-notification");
    scratch.write("exec-notification/notification-fd", "20\n", 0o644);
    let probe = scratch.probe();
    let run = |options: &[&str], notified: &Path| {
        // a pipe, as a supervisor gives one
        let script = format!("exec 7</dev/null 20> >(exec cat > {}); exec \"$@\"", notified.display());
        let mut command = scratch.launch_by(&["bash", "-c", &script, "bash"], &service, &["--log", "-"]);
        Probe::of(&finish(command.args(options).arg("--").arg(&probe)))
    };
    let notified = scratch.join("notified");
    assert_eq!(run(&[], &notified).descriptors(), [0, 1, 2, 20]);
    assert_eq!(read(&notified), "");
    assert_eq!(run(&["--once"], &notified).descriptors(), [0, 1, 2]);
    eventually("it is notified", || (read(&notified) == "\n").then_some(()));

    // a file that somebody left open there is not a supervisor's
    let secret = scratch.write("secret", "untouched", 0o600);
    for options in [&["--log", "-"][..], &["--log", "-", "--once"]] {
        let script = format!("exec 20<>{}; exec \"$@\"", secret.display());
        let mut command = scratch.launch_by(&["bash", "-c", &script, "bash"], &service, options);
        assert_eq!(Probe::of(&finish(command.arg("--").arg(&probe))).descriptors(), [0, 1, 2]);
        assert_eq!(read(&secret), "untouched");
    }

    // started by hand there is nobody to notify
    let output = finish(scratch.launch(&service, &["--log", "-", "--"]).arg(&probe));
    assert_eq!(Probe::of(&output).descriptors(), [0, 1, 2]);
    scratch.write("exec-notification/notification-fd", "three\n", 0o644);
    let refusal = "TIME exec-notification: fatal: notification-fd: is not a descriptor from 3 up\n\
                   TIME exec-notification: hint: write one number, for instance 3, or remove the file\n";
    let output = finish(&mut scratch.launch(&service, &["--log", "-", "true"]));
    assert_eq!(ended(&output), (100, refusal.to_string()));
}

#[test]
fn a_worker_under_s6_becomes_ready_through_its_notification_descriptor() {
    needs!(root, "bash", "python3", "strace", "s6-svscan");
    let svscan = Svscan::start("exec-ready");
    svscan.add_launch(
        "execready",
        "-- sh -c 'echo $$; echo >&5; exec sleep 1000'",
        &[("notification-fd", "5\n")],
    );
    eventually("ready", || (svscan.svstat("ready", "execready") == ["true"]).then_some(()));
    let log = logs("execready", "\n");
    assert_eq!(log, format!("{}\n", svscan.pid("execready")));
}

/// Runs a program with signals blocked and ignored, as a careless parent does.
const CARELESS: [&str; 3] = [
    "python3",
    "-c",
    "import os, signal, sys\n\
     signal.signal(signal.SIGPIPE, signal.SIG_IGN)\n\
     signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n\
     os.execvp(sys.argv[1], sys.argv[1:])",
];

#[test]
fn the_mask_is_empty_and_sigpipe_kills_whatever_the_parent_did() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("signals");
    let bare = Probe::of(&finish(command(&CARELESS, &scratch.path).arg(scratch.probe())));
    assert_ne!(bare.get("blocked"), "0000000000000000");
    let pipe = 1_u64 << (nix::libc::SIGPIPE - 1);
    let ignored = |probe: &Probe| u64::from_str_radix(probe.get("ignored"), 16).expect("a mask");
    assert_eq!(ignored(&bare) & pipe, pipe);
    for options in [[].as_slice(), &["--once"]] {
        let probe = probe_behind(&scratch, &CARELESS, options);
        assert_eq!(probe.get("blocked"), "0000000000000000", "{options:?}");
        assert_eq!(ignored(&probe) & pipe, 0, "{options:?}");
    }
}

#[test]
fn closed_standard_descriptors_are_filled_and_the_log_is_still_both_outputs() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("closed");
    let service = scratch.service("exec-closed");
    for options in [[].as_slice(), &["--once"]] {
        for closed in ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"] {
            let log = scratch.directory_of_abc("logs").join("log");
            let _ = fs::remove_file(&log);
            let script = format!("exec {closed}; exec \"$@\"");
            let prefix = ["bash", "-c", &script, "bash"];
            let mut command = scratch.launch_by(&prefix, &service, &["--log", path_str(&log)]);
            finish(command.args(options).arg("--").arg(scratch.probe()));
            let probe = Probe::parse(&read(&log));
            assert_eq!(probe.descriptors(), [0, 1, 2], "{closed} {options:?}");
            for output in [1, 2] {
                let place = format!(" {output}:{}", log.display());
                assert!(probe.get("fds").contains(&place), "{closed} {options:?}: {}", probe.get("fds"));
            }
        }
    }
}

#[test]
fn the_log_is_in_the_state_directory_with_mode_0640_whatever_the_umask() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("log");
    for umask in ["000", "077", "777"] {
        let name = format!("exec-log{umask}");
        let script = format!("umask {umask}; exec \"$@\"");
        let mut command = scratch.launch_by(
            &["sh", "-c", &script, "sh"],
            &scratch.service(&name),
            &["--", "sh", "-c", "echo out; echo err >&2; umask"],
        );
        assert_eq!(ended(&finish(&mut command)), (0, String::new()), "{umask}");
        let log = state(&format!("{name}.log"));
        assert_eq!(read(&log), format!("out\nerr\n0{umask}\n"));
        let made = fs::metadata(&log).expect("the log");
        assert_eq!((made.mode() & 0o7777, made.uid(), made.gid()), (0o640, 911, 911), "{umask}");
    }
    for directory in ["/config/.local", "/config/.local/state", "/config/.local/state/futodama"] {
        let made = fs::metadata(directory).expect("made");
        assert_eq!((made.mode() & 0o7777, made.uid(), made.gid()), (0o755, 911, 911), "{directory}");
    }
}

#[test]
fn log_mode_and_log_path_are_as_given_and_appended_to() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("log-path");
    let service = scratch.service("exec-logpath");
    let log = scratch.directory_of_abc("logs").join("deep/er/my.log");
    let options = ["--log", path_str(&log), "--log-mode", "604", "--"];
    for word in ["one", "two"] {
        let output = finish(scratch.launch(&service, &options).args(["sh", "-c", "echo $1", "sh", word]));
        assert_eq!(ended(&output), (0, String::new()));
    }
    assert_eq!(read(&log), "one\ntwo\n");
    assert_eq!(fs::metadata(&log).expect("the log").mode() & 0o7777, 0o604);
    let state_dir = scratch.directory_of_abc("state");
    let output =
        finish(&mut scratch.launch(&service, &["--state-dir", path_str(&state_dir), "echo", "three"]));
    assert_eq!(ended(&output), (0, String::new()));
    assert_eq!(read(state_dir.join("exec-logpath.log")), "three\n");
}

#[test]
fn log_dash_is_the_inherited_stdout_and_stderr_joins_it() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("log-dash");
    let service = scratch.service("exec-logdash");
    for options in [["--log", "-"].as_slice(), &["--log", "-", "--once"]] {
        let mut command = scratch.launch(&service, options);
        let output = finish(command.args(["--", "sh", "-c", "echo out; echo err >&2"]));
        assert_eq!(stdout(&output), "out\nerr\n", "{options:?}");
        assert!(!stderr(&output).contains("err\n"), "{options:?}");
    }
    assert!(!state("exec-logdash.log").exists());
}

#[test]
fn our_own_lines_about_a_missing_program_go_to_stderr_and_to_the_log() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("own-lines");
    let service = scratch.service("exec-ownlines");
    let output = finish(&mut scratch.launch(&service, &["nosuchprogram"]));
    let expected = format!(
        "TIME exec-ownlines: fatal: unable to execute 'nosuchprogram': not found in PATH ({PATH})\n\
         TIME exec-ownlines: hint: check the name, or write the program with its whole path\n"
    );
    assert_eq!(ended(&output), (127, expected.clone()));
    assert_eq!(without_times(&log_of("exec-ownlines")), expected);
}

#[test]
fn wrong_options_are_all_reported_at_once_with_what_to_write() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("options");
    let options =
        ["--xyzzy", "--workdir=/", "-u", "--nice", "99", "--grace", "3", "--user", "nosuch", "true"];
    let expected = "\
futo-launch: fatal: unknown option '--xyzzy'
futo-launch: hint: --help lists all options
futo-launch: fatal: unknown option '--workdir'
futo-launch: hint: here it is --chdir DIR
futo-launch: fatal: unknown option '-u'
futo-launch: hint: here it is --user USER[:GROUP]
futo-launch: fatal: --nice: invalid value '99': is not a whole number from -20 to 19
futo-launch: fatal: --grace: needs a timing option: without one the launcher does not stay
futo-launch: hint: add --interval DURATION, --every DURATION, --schedule WHEN or --once
futo-launch: fatal: --user: no user 'nosuch' in /etc/passwd
futo-launch: hint: a user known to LDAP or systemd only is named by its numbers: --user UID:GID
";
    assert_eq!(words(&scratch, &options), (100, expected.to_string()));
    let expected = "\
futo-launch: fatal: no program given
futo-launch: hint: futo-launch [OPTION…] [--] PROGRAM [ARG…]
";
    for nothing in [[].as_slice(), &["--"], &[""], &["--", ""]] {
        assert_eq!(words(&scratch, nothing), (100, expected.to_string()), "{nothing:?}");
    }
    let expected = "futo-launch: fatal: --show-values: works with --explain only\n";
    assert_eq!(words(&scratch, &["--show-values", "true"]), (100, expected.to_string()));
}

#[test]
fn a_value_of_env_is_never_shown() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("env-value");
    let expected = "\
futo-launch: fatal: --env: invalid value: names no variable
futo-launch: hint: a name is letters, digits and underscores, and begins with no digit
futo-launch: fatal: --env: invalid value: is not NAME=VALUE
futo-launch: hint: --unset NAME removes a variable
";
    let options = ["--env", "1X=hunter2", "--env", "hunter2", "true"];
    assert_eq!(words(&scratch, &options), (100, expected.to_string()));
}

/// A program that cannot be executed, and what is said.
fn cannot_execute(scratch: &Scratch, program: &str, why: &str, hint: Option<&str>) {
    let name = Path::new(program).file_name().expect("a name").to_str().expect("text");
    let mut expected = format!("TIME {name}: fatal: unable to execute '{program}': {why}\n");
    if let Some(hint) = hint {
        expected.push_str(&format!("TIME {name}: hint: {hint}\n"));
    }
    assert_eq!(words(scratch, &["--", program]), (126, expected.clone()), "{program}");
    // in a loop it is a failed run
    let looped = words(scratch, &["--interval", "1h", "--max-failures", "1", "--", program]);
    assert_eq!(looped.0, 126, "{program}");
    assert!(looped.1.contains(&format!("unable to execute '{program}': {why}")), "{}", looped.1);
    // and --explain foretells it
    let explained = finish(&mut scratch.launch(&scratch.path, &["--explain", "--", program]));
    assert_eq!(code(&explained), 126, "{}", stdout(&explained));
    assert!(stdout(&explained).contains(&format!("unable to execute '{program}': {why}")));
}

const RIGHTS: &str =
    "it needs mode +x, and the worker's user must be able to search every directory above it";
const INTERPRETER: &str = "correct the script's first line (a line end of CR LF is part of the name)";
const NO_SHEBANG: &str = "begin a script with #!/bin/sh, or write sh in front of it";

#[test]
fn a_program_that_cannot_be_executed_is_126_with_the_reason() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("cannot");
    scratch.write("plain", "echo\n", 0o644);
    cannot_execute(&scratch, "./plain", "permission denied", Some(RIGHTS));
    scratch.write("missing", "#!/bin/nosuch -x\n", 0o755);
    cannot_execute(&scratch, "./missing", "its interpreter '/bin/nosuch' is not there", Some(INTERPRETER));
    scratch.write("crlf", "#!/bin/sh\r\necho\r\n", 0o755);
    cannot_execute(&scratch, "./crlf", "its interpreter '/bin/sh\\r' is not there", Some(INTERPRETER));
    let why = "it is neither a binary of this machine nor a script with an interpreter line";
    scratch.write("bare", "echo hi\n", 0o755);
    cannot_execute(&scratch, "./bare", why, Some(NO_SHEBANG));
    scratch.write("empty", "", 0o755);
    cannot_execute(&scratch, "./empty", why, Some(NO_SHEBANG));
    let hint = Some("name a program, not its directory");
    cannot_execute(&scratch, "./bin", "it is a directory", hint);
    cannot_execute(&scratch, "/etc", "it is a directory", hint);
    scratch.write("indirect", &format!("#!{}\n", scratch.join("plain").display()), 0o755);
    let why = format!(
        "its interpreter '{}' cannot be executed: permission denied",
        scratch.join("plain").display()
    );
    cannot_execute(&scratch, "./indirect", &why, Some(RIGHTS));
    // what root could execute and the worker's user cannot reach is there all the same
    scratch.write("private/tool", "#!/bin/sh\n", 0o755);
    set_mode(scratch.join("private"), 0o700);
    cannot_execute(&scratch, "private/tool", "permission denied at 'private'", Some(RIGHTS));
}

#[test]
fn a_program_that_is_not_there_is_127_with_the_path_that_was_searched() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("not-found");
    let hint = "check the name, or write the program with its whole path";
    for (options, place) in [
        ([].as_slice(), format!("not found in PATH ({PATH})")),
        (&["--env", "PATH=/a:/b"], "not found in PATH (/a:/b)".to_string()),
        (&["--unset", "PATH"], format!("not found in PATH ({PATH})")),
    ] {
        let words_: Vec<&str> = options.iter().copied().chain(["--", "nosuch"]).collect();
        let expected =
            format!("TIME nosuch: fatal: unable to execute 'nosuch': {place}\nTIME nosuch: hint: {hint}\n");
        assert_eq!(words(&scratch, &words_), (127, expected));
    }
    let expected =
        format!("TIME nosuch: fatal: unable to execute './nosuch': not found\nTIME nosuch: hint: {hint}\n");
    assert_eq!(words(&scratch, &["--", "./nosuch"]), (127, expected));
}

#[test]
fn the_program_is_searched_in_the_workers_path_as_posix_has_it() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("search");
    for directory in ["one", "two", "work"] {
        scratch.write(Path::new(directory).join("tool"), &format!("#!/bin/sh\necho {directory}\n"), 0o755);
    }
    set_mode(scratch.join("one/tool"), 0o644);
    fs::create_dir(scratch.join("dir")).expect("a directory");
    fs::create_dir(scratch.join("dir/tool")).expect("a directory");
    let root = path_str(&scratch.path);
    // neither a directory, a file without +x, a file in the way nor an absent place ends the search
    let path = format!("PATH={root}/dir:{root}/one:{root}/one/tool:{root}/absent:{root}/two:/bin");
    let output = finish(&mut scratch.launch(&scratch.path, &["--env", &path, "tool"]));
    assert_eq!((code(&output), stdout(&output).as_str()), (0, "two\n"), "{}", stderr(&output));
    // an empty element is the worker's directory
    for path in ["PATH=:/bin", "PATH=/bin::/usr/bin", "PATH=/bin:"] {
        let options = ["--env", path, "--chdir", "work", "tool"];
        let output = finish(&mut scratch.launch(&scratch.path, &options));
        assert_eq!((code(&output), stdout(&output).as_str()), (0, "work\n"), "{path}");
    }
}

#[test]
fn the_workers_own_exit_code_is_the_services() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("code");
    for wanted in [0, 1, 100, 111, 126, 127, 255] {
        let script = format!("exit {wanted}");
        assert_eq!(words(&scratch, &["sh", "-c", &script]), (wanted, String::new()));
    }
    assert_eq!(words(&scratch, &["sh", "-c", "kill -TERM $$"]).0, 143);
}

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
TIME exec-configenv: fatal: config.env:3: a command substitution is not run
TIME exec-configenv: hint: write its result
TIME exec-configenv: fatal: config.env:4: a command substitution is not run
TIME exec-configenv: hint: write its result
TIME exec-configenv: fatal: config.env:5: an unquoted '&'
TIME exec-configenv: hint: put the value in quotes: U='…'
TIME exec-configenv: fatal: config.env:6: a quote that is never closed
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
        "TIME exec-kind: hint: put a file there; a container runtime makes a directory where a mounted file is missing\n",
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

#[test]
fn errors_of_a_settings_file_name_line_column_and_the_nearest_key() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("file-errors");
    for (content, expected) in [
        (
            "exec = [\"true\"]\n  intervall = 5\nusr = \"abc\"\nnice = [1]\ngrace = 3\nonce = 1\nnice-ness = 1\n",
            "f.toml:2:3: unknown key 'intervall'\n(did you mean interval?)\n\
             f.toml:3:1: unknown key 'usr'\n(did you mean user?)\n\
             f.toml:4: nice: must be N\n\
             f.toml:6: once: must be true or false\n\
             f.toml:7:1: unknown key 'nice-ness'\n\
             (the keys are exec, script and the options that futo-launch --help lists, without dashes)\n\
             f.toml:5: grace: needs a timing option: without one the launcher does not stay\n\
             (add --interval DURATION, --every DURATION, --schedule WHEN or --once)\n",
        ),
        ("exec = [\"true\"]\nexec = [\"true\"]\n", "f.toml:2:1: duplicate key\n"),
        (
            "exec = [\"true\"]\nuser = abc\n",
            "f.toml:2:8: string values must be quoted, expected literal string\n",
        ),
        ("nice = 1\n", "f.toml: names no worker\n(add exec = [\"PROGRAM\", \"ARG\"])\n"),
        ("exec = [\"true\"]\nscript = 'true'\n", "f.toml:2: exec and script both name the worker\n"),
        (
            "exec = [\"true\"]\nnice = 99\n",
            "f.toml:2: nice: invalid value '99': is not a whole number from -20 to 19\n",
        ),
        (
            "exec = [\"true\"]\n[env]\n1A = \"hunter2\"\n",
            "f.toml:2: env: invalid value: names no variable\n(a name is letters, digits and underscores, and begins with no digit)\n",
        ),
    ] {
        scratch.write("f.toml", content, 0o644);
        let expected: String = expected
            .lines()
            .map(|line| match line.strip_prefix('(').and_then(|line| line.strip_suffix(')')) {
                Some(hint) => format!("futo-launch: hint: {hint}\n"),
                None => format!("futo-launch: fatal: {line}\n"),
            })
            .collect();
        assert_eq!(words(&scratch, &["--file", "f.toml"]), (100, expected), "{content}");
    }
    let expected = "futo-launch: fatal: unable to read 'absent': no such file or directory\n";
    assert_eq!(words(&scratch, &["--file", "absent"]), (100, expected.to_string()));
    scratch.write("f.toml", "exec = [\"true\"]\n", 0o644);
    let expected = "futo-launch: fatal: 'b': behind --file come options and at most the service name\n";
    assert_eq!(words(&scratch, &["--file", "f.toml", "a", "b"]), (100, expected.to_string()));
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::of_root("file");
    let content = format!(
        "exec = [\"{}\", \"a b\"]\nhome = \"/file\"\numask = \"027\"\nnice = 3\nlog = \"-\"\n\
         groups = [\"futoa\", \"futob\"]\nulimit = [\"nofile=300\"]\n[env]\nA = \"file\"\nB = \"file\"\n",
        scratch.probe().display()
    );
    scratch.write("f.toml", &content, 0o644);
    let run = |options: &[&str]| {
        let words: Vec<&str> = ["--file", "f.toml"].iter().chain(options).copied().collect();
        Probe::of(&finish(&mut scratch.launch(&scratch.path, &words)))
    };
    let probe = run(&[]);
    assert_eq!((probe.env("HOME"), probe.get("umask"), probe.get("nice")), (Some("/file"), "0027", "3"));
    assert_eq!((probe.env("A"), probe.env("B"), probe.get("args")), (Some("file"), Some("file"), "a b"));
    assert_eq!((probe.get("groups"), probe.get("nofile")), ("911 9101 9102", "300:300"));
    let flags = [
        "--home",
        "/flag",
        "--umask",
        "077",
        "--env",
        "A=flag",
        "--groups",
        "none",
        "--ulimit",
        "nofile=200",
    ];
    let probe = run(&flags);
    assert_eq!((probe.env("HOME"), probe.get("umask"), probe.get("nice")), (Some("/flag"), "0077", "3"));
    assert_eq!((probe.env("A"), probe.env("B")), (Some("flag"), Some("file")));
    assert_eq!((probe.get("groups"), probe.get("nofile")), ("911", "200:200"));
}

#[test]
fn a_run_file_in_the_shebang_form_is_called_by_s6_with_the_services_name() {
    needs!(root, "bash", "python3", "strace", "s6-svscan");
    let svscan = Svscan::start("shebang");
    let run = format!(
        "#!{} --file\nexec = [\"sh\", \"-c\", \"echo $0 $FROM; exec sleep 1000\"]\n[env]\nFROM = \"file\"\n",
        svscan.scratch.launcher().display()
    );
    svscan.add("execshebang", &[("run", &run)]);
    assert_eq!(logs("execshebang", "\n"), "sh file\n");
    let pid = svscan.pid("execshebang");
    assert_eq!(read(format!("/proc/{pid}/cmdline")), "sleep\x001000\0");

    // the name that s6 passes counts, not that of the directory
    let service = svscan.scratch.service("elsewhere");
    let run =
        format!("#!{} --file\nscript = '''\necho \"$HOME\"\n'''\n", svscan.scratch.launcher().display());
    svscan.scratch.write("elsewhere/run", &run, 0o755);
    let output = finish(&mut command(&["./run", "execnamed"], &service));
    assert_eq!(ended(&output), (0, String::new()));
    assert_eq!(log_of("execnamed"), "/config\n");
    let output = finish(&mut command(&["./run", "../etc/passwd"], &service));
    assert_eq!(code(&output), 100);
    assert!(said(&output).contains("the service's name '../etc/passwd' begins with a dot"), "{output:?}");
}

#[test]
fn a_script_is_run_by_sh_eu() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("script");
    let run = |script: &str| {
        scratch.write("f.toml", &format!("log = \"-\"\nscript = '''\n{script}'''\n"), 0o644);
        let output = finish(&mut scratch.launch(&scratch.path, &["--file", "f.toml"]));
        (code(&output), stdout(&output))
    };
    assert_eq!(run("echo one\ncd /\npwd\nexec echo \"$HOME\"\n"), (0, "one\n/\n/config\n".to_string()));
    assert_eq!(run("echo one\nfalse\necho two\n"), (1, "one\n".to_string()));
    let (code, said) = run("echo \"$UNSET\"\necho two\n");
    assert!(code != 0 && !said.contains("two"), "{said}");
}

#[test]
fn what_the_system_refuses_is_111() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("refused");
    let gone = scratch.join("gone");
    fs::create_dir(&gone).expect("a directory");
    let mut command = scratch.launch_by(&["sh", "-c", "rmdir \"$PWD\"; exec \"$@\"", "sh"], &gone, &["true"]);
    let expected = "futo-launch: fatal: unable to find the working directory: no such file or directory\n";
    assert_eq!(ended(&finish(&mut command)), (111, expected.to_string()));
}

/// `group: files systemd` makes a static program with getpwnam load libnss_systemd.
#[test]
fn no_shared_object_and_no_nsswitch_is_opened() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("nss");
    let nsswitch = scratch.write(
        "nsswitch.conf",
        "passwd: files systemd ldap\ngroup: files systemd ldap\nhosts: files dns\n",
        0o644,
    );
    let service = scratch.service("exec-nss");
    let trace = scratch.join("trace");
    let traced = |words: &[&str]| {
        let mut command = command(&with_file_at(&nsswitch, "/etc/nsswitch.conf"), &service);
        let output =
            finish(command.args(["strace", "-f", "-e", "trace=%file", "-o", path_str(&trace)]).args(words));
        (code(&output), read(&trace))
    };
    let suspicious = |trace: &str| trace.contains(".so") || trace.contains("nsswitch");
    // what such a trace looks like
    assert!(suspicious(&traced(&["id", "-u", "abc"]).1));
    let (launcher, probe) = (scratch.launcher(), scratch.probe());
    for options in [
        [].as_slice(),
        &["--user", "abc:futoa", "--groups", "futob"],
        &["--once"],
        &["--explain"],
        &["--user", "nosuch"],
    ] {
        let mut words = vec![path_str(&launcher)];
        words.extend(options);
        words.push(path_str(&probe));
        let (code, trace) = traced(&words);
        assert!(code == 0 || options.contains(&"nosuch"), "{options:?}");
        assert!(trace.contains("/etc/passwd") && !suspicious(&trace), "{options:?}: {trace}");
    }
}

#[test]
fn explain_shows_all_problems_at_once_and_never_a_value() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain");
    let service = scratch.service("exec-explain");
    scratch.write("exec-explain/config.env", "GOOD=hunter2\nBAD=$(hunter2)\n", 0o644);
    scratch.write("exec-explain/notification-fd", "x", 0o644);
    let options = [
        "--nice",
        "99",
        "--chdir",
        "/nosuch",
        "--keep-fd",
        "77",
        "--env",
        "TOKEN=hunter2",
        "--xyzzy",
        "--",
        "nosuchprogram",
        "an argument",
    ];
    let problems = [
        "unknown option '--xyzzy'",
        "--nice: invalid value '99': is not a whole number from -20 to 19",
        "notification-fd: is not a descriptor from 3 up",
        "--keep-fd: descriptor 77 is not open",
        "config.env:2: a command substitution is not run",
        "unable to change to directory '/nosuch': no such file or directory",
        "unable to execute 'nosuchprogram': not found in PATH",
    ];
    let run = |more: &[&str]| {
        let words: Vec<&str> = more.iter().chain(&options).copied().collect();
        let output = finish(scratch.launch(&service, &words).env("INHERITED", "hunter2"));
        assert_eq!((code(&output), said(&output).as_str()), (100, ""), "{more:?}");
        stdout(&output)
    };
    let page = run(&["--explain"]);
    for problem in problems {
        assert!(page.contains(problem), "{problem}: {page}");
    }
    assert!(
        page.contains("'an argument'") && page.contains("INHERITED") && page.contains("(inherited)"),
        "{page}"
    );
    assert!(!page.contains("hunter2"), "{page}");
    let page = run(&["--explain=json"]);
    assert!(!page.contains("hunter2"), "{page}");
    let json: serde_json::Value = serde_json::from_str(&page).expect("JSON");
    let texts: Vec<&str> = json["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|each| each["text"].as_str())
        .collect();
    assert_eq!(texts.len(), problems.len(), "{texts:?}");
    for problem in problems {
        assert!(texts.iter().any(|each| each.starts_with(problem)), "{problem}: {texts:?}");
    }
    let token = |json: &serde_json::Value| {
        let list = json["environment"].as_array().expect("a list").clone();
        list.into_iter().find(|each| each["name"] == "TOKEN").expect("TOKEN")
    };
    assert_eq!(token(&json), serde_json::json!({"name": "TOKEN", "source": "--env"}));
    let json: serde_json::Value =
        serde_json::from_str(&run(&["--explain=json", "--show-values"])).expect("JSON");
    assert_eq!(token(&json)["value"], "hunter2");
    assert!(run(&["--explain", "--show-values"]).contains("TOKEN=hunter2  (--env)"));
}

#[test]
fn explain_says_nothing_of_a_timing_that_it_could_not_read() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain-timing");
    let service = scratch.service("exec-timing");
    let file = "#!/usr/local/bin/futo-launch --file\nexec = ['true']\ninterval = '5x'\n";
    scratch.write("exec-timing/bad.toml", file, 0o644);
    for words in [
        &["--interval", "5x", "--", "true"][..],
        &["--schedule", "0 0 12 * * *", "--", "true"],
        &["--interval", "5", "--every", "6", "--", "true"],
        &["--file", "bad.toml"],
    ] {
        let said = |form: &str| stdout(&finish(scratch.launch(&service, &[form]).args(words)));
        let page = said("--explain");
        assert!(page.contains("not known; see the problems\n"), "{words:?}: {page}");
        assert!(!page.contains("takes the launcher's place"), "{words:?}: {page}");
        let json: serde_json::Value = serde_json::from_str(&said("--explain=json")).expect("JSON");
        assert_eq!((json["mode"].as_str(), json["timing"].is_null()), (Some("loop"), true), "{words:?}");
    }
    scratch.write("exec-timing/run", "#!/bin/sh\nexec futo-launch --interval 5x -- true\n", 0o755);
    let page = stdout(&finish(std::process::Command::new(scratch.futo()).arg("explain").arg(&service)));
    assert!(page.contains("not known; see the problems\n"), "futo explain: {page}");
    let page = stdout(&finish(scratch.launch(&service, &["--explain"]).args(["--nice", "99", "--", "true"])));
    assert!(page.contains("none: the worker takes the launcher's place"), "{page}");
}

#[test]
fn explain_takes_nobody_for_a_user_that_there_is_not() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain-nobody");
    let service = scratch.service("exec-nobody");
    // root does not read what was meant for another
    scratch.write("exec-nobody/config.env", "FROM=file\nBAD=$x\n", 0o644);
    for (prefix, user) in [([].as_slice(), "nosuch"), (&[], "12345"), (&AS_ABC, "nosuch"), (&AS_ABC, "root")]
    {
        let launcher = scratch.launcher();
        let run = |form: &str| {
            let mut words: Vec<&str> = prefix.to_vec();
            words.extend([path_str(&launcher), form, "--user", user, "--", "true"]);
            let output = finish(&mut command(&words, &service));
            assert_eq!(code(&output), 100, "{user}");
            stdout(&output)
        };
        let page = run("--explain");
        assert!(page.contains("\nuser         none\n             see the problems\n"), "{user}: {page}");
        assert_eq!(page.contains("config.env:2"), !prefix.is_empty(), "{user}: {page}");
        let json: serde_json::Value = serde_json::from_str(&run("--explain=json")).expect("JSON");
        assert_eq!(json["user"], serde_json::Value::Null, "{user}");
    }
}

#[test]
fn explain_shows_the_plan_that_is_carried_out() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("plan");
    let service = scratch.service("exec-plan");
    let probe = scratch.probe();
    let options = ["--user", "abc:futoa", "--umask", "027", "--nice", "3", "--ulimit", "nofile=99:100", "--"];
    let words: Vec<&str> =
        ["--explain=json"].iter().chain(&options).copied().chain([path_str(&probe)]).collect();
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&finish(&mut scratch.launch(&service, &words)))).expect("JSON");
    let output = finish(scratch.launch(&service, &options).arg(&probe));
    assert_eq!(ended(&output), (0, String::new()));
    let found = Probe::parse(&read(json["log"]["path"].as_str().expect("a log")));
    assert_eq!(
        json["user"],
        serde_json::json!({
            "name": "abc", "uid": 911, "gid": 9101, "groups": [9101, 9102], "change": "become"
        })
    );
    assert_eq!(
        found.identity().lines().take(3).collect::<Vec<_>>(),
        ["uids=911 911 911 911", "gids=9101 9101 9101 9101", "groups=9101 9102"]
    );
    assert_eq!((json["umask"].as_str(), found.get("umask")), (Some("0027"), "0027"));
    assert_eq!((json["nice"].as_i64(), found.get("nice")), (Some(3), "3"));
    assert_eq!(json["home"].as_str(), found.env("HOME"));
    assert_eq!(json["directory"].as_str(), Some(found.get("cwd")));
    assert_eq!(json["found"].as_str(), Some(path_str(&probe)));
    let names: Vec<&str> = json["environment"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|each| each["name"].as_str())
        .collect();
    assert_eq!(names, found.variables());
}

#[test]
fn explain_needs_no_privilege_and_touches_nothing() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("explain-traced");
    let service = scratch.service_of_abc("exec-untouched");
    scratch.write("exec-untouched/config.env", "A=1\n", 0o644);
    fs::create_dir(service.join("supervise")).expect("as under s6");
    let home = scratch.directory_of_abc("home");
    let traces = scratch.directory_of_abc("traces");
    let launcher = scratch.launcher();
    for (number, prefix) in [[].as_slice(), &AS_ABC].into_iter().enumerate() {
        for (variant, options) in
            [["--once"].as_slice(), &["--interval", "60"], &[], &["--user", "nosuch"]].iter().enumerate()
        {
            let trace = traces.join(format!("{number}-{variant}"));
            let mut words: Vec<&str> = prefix.to_vec();
            words.extend([
                "strace",
                "-f",
                "-o",
                path_str(&trace),
                path_str(&launcher),
                "--explain",
                "--home",
                path_str(&home),
            ]);
            words.extend(*options);
            words.extend(["--log-size", "4096", "true"]);
            let output = finish(&mut command(&words, &service));
            let expected = if options.contains(&"nosuch") { 100 } else { 0 };
            assert_eq!(code(&output), expected, "{words:?}: {}", stdout(&output));
            let trace = read(&trace);
            assert!(trace.contains("/etc/passwd"), "{trace}");
            assert_eq!(touching(&trace), Vec::<&str>::new(), "{words:?}");
        }
    }
    assert_eq!(fs::read_dir(&home).expect("home").count(), 0);
    // what such a trace looks like
    let trace = traces.join("real");
    let mut real = Command::new("strace");
    real.args(["-f", "-o", path_str(&trace), path_str(&launcher), "--home", path_str(&home), "true"])
        .current_dir(&service);
    finish(&mut real);
    assert_ne!(touching(&read(&trace)).len(), 0);
}
