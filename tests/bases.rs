//! The bases that users really have: images without accounts, non-root containers, UMASK, read-only and noexec
//! volumes, user namespaces, files from Windows. What is wrong there is named, with the one thing to do next.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::stat::fstat;
use support::launching::{code, finish};
use support::{AS_ABC, Probe, Scratch, needs, own_by_abc, path_str, read, said, stderr, stdout};

/// A shell script in a mount namespace of its own, before the words behind it are executed.
fn within(script: &str) -> Vec<String> {
    let script = format!("{script} && exec \"$@\"");
    ["unshare", "--mount", "--propagation", "private", "sh", "-c", &script, "sh"].map(str::to_string).to_vec()
}

#[test]
fn an_image_without_accounts_starts_users_by_number_and_names_nobody() {
    needs!(root, "unshare");
    let scratch = Scratch::new("no-accounts");
    // an empty directory in the place of /etc
    let prefix = within("umount /etc/passwd /etc/group; mount -t tmpfs tmpfs /etc");
    let run =
        |options: &[&str]| finish(scratch.launch_by(&prefix, &scratch.path, options).arg(scratch.probe()));
    for options in [["--user", "1000:1000"].as_slice(), &["--user", "1000:1000", "--groups", "4,5"]] {
        let probe = Probe::of(&run(options));
        assert_eq!((probe.get("uids"), probe.get("gids")), ("1000 1000 1000 1000", "1000 1000 1000 1000"));
    }
    for (options, message) in [
        ([].as_slice(), "no user 'abc' in /etc/passwd, and no --user given"),
        (&["--user", "nobody"], "--user: no user 'nobody' in /etc/passwd"),
        (&["--user", "1000"], "--user: uid 1000 is not in /etc/passwd, so its group is unknown"),
        (&["--user", "1000:games"], "--user: no group 'games' in /etc/group"),
    ] {
        let refused = run(options);
        assert_eq!(code(&refused), 100, "{options:?}");
        assert!(said(&refused).contains(message), "{options:?}: {}", said(&refused));
    }
    // as that user already, as with docker's --user
    let mut as_user = prefix.clone();
    as_user.extend(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--"].map(str::to_string));
    let ran = finish(scratch.launch_by::<_, &str>(&as_user, &scratch.path, &[]).arg(scratch.probe()));
    assert_eq!(Probe::of(&ran).get("uids"), "1000 1000 1000 1000");
}

#[test]
fn a_non_root_container_keeps_log_and_record_in_the_home_that_the_container_names() {
    needs!(root, "unshare");
    let scratch = Scratch::of_root("container-home");
    scratch.write("container/HOME", &scratch.join("data").display().to_string(), 0o644);
    let data = scratch.directory_of_abc("data");
    std::os::unix::fs::chown(&data, Some(4321), Some(4321)).expect("chown");
    let service = scratch.service("bases-home");
    let container = scratch.join("container").display().to_string();
    let launch = |prefix: &[&str]| {
        let words = ["--container-env", &container, "--once"];
        let mut command = scratch.launch_by(prefix, &service, &words);
        command.arg("--").arg(scratch.probe());
        finish(&mut command)
    };
    let ran = launch(&["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", "--"]);
    assert_eq!(code(&ran), 0, "{}", stderr(&ran));
    let state = data.join(".local/state/futodama");
    let probe = Probe::parse(&read(state.join("bases-home.log")));
    assert_eq!(probe.env("HOME"), Some(path_str(&data)));
    assert_eq!(support::record(&state.join("bases-home.json"))["runs"], 1);
    // an account of its own comes first: in linuxserver's images the container's HOME is root's
    let ran = launch(&AS_ABC);
    assert_eq!(code(&ran), 0, "{}", stderr(&ran));
    assert!(support::state("bases-home.log").exists());
}

#[test]
fn a_service_has_the_umask_of_the_container_unless_it_has_its_own() {
    needs!(root, "unshare");
    let scratch = Scratch::of_root("umask");
    let service = scratch.service("bases-umask");
    let container = scratch.join("container").display().to_string();
    let umask = |value: &str, directory: &Path, more: &[&str]| {
        scratch.write("container/UMASK", value, 0o644);
        let mut command = scratch.launch(directory, &["--log", "-", "--container-env", &container]);
        let ran = finish(command.args(more).arg("--").arg(scratch.probe()));
        (Probe::of(&ran).get("umask").to_string(), said(&ran))
    };
    let quiet = |mask: &str| (mask.to_string(), String::new());
    let own = umask("", &service, &[]).0;
    assert_eq!(umask("002\n", &service, &[]), quiet("0002"));
    assert_eq!(umask("77", &service, &["--interval", "9", "--once"]).0, "0077");
    assert_eq!(umask("002", &service, &["--umask", "027"]), quiet("0027"));
    assert_eq!(umask("002", &service, &["--container-env", "none"]), quiet(&own));
    // a command by hand is no service
    assert_eq!(umask("002", &scratch.path, &[]), quiet(&own));
    for bad in ["18", "u=rwx", "1777", "-1"] {
        let (mask, said) = umask(bad, &service, &[]);
        assert_eq!(mask, own, "{bad}");
        let warning = "TIME bases-umask: warning: the container's UMASK is not an octal number up to 0777: the \
                       worker keeps the inherited umask\nTIME bases-umask: hint: write it as in UMASK=002 ";
        assert!(said.starts_with(warning), "{bad}: {said}");
    }
}

#[test]
fn a_noexec_volume_is_named_and_not_the_mode() {
    needs!(root, "unshare");
    let scratch = Scratch::new("noexec");
    let volume = scratch.join("volume");
    fs::create_dir(&volume).expect("a directory");
    let prefix = within(&format!(
        "mount -t tmpfs -o noexec tmpfs {0} && printf '#!/bin/sh\\n' >{0}/hook && chmod 755 {0}/hook && \
         printf '#!/bin/sh\\n' >{0}/plain && chmod 644 {0}/plain && printf '#!{0}/hook\\n' >{1}/outside && \
         chmod 755 {1}/outside",
        volume.display(),
        scratch.path.display()
    ));
    let (hook, plain, outside) = (volume.join("hook"), volume.join("plain"), scratch.join("outside"));
    let noexec = format!(
        "TIME hook: fatal: unable to execute '{}': it is on a volume mounted noexec\n\
         TIME hook: hint: remount it with exec, move the program, or name the interpreter: sh SCRIPT, python3 SCRIPT\n",
        hook.display()
    );
    for options in [["--log", "-"].as_slice(), &["--log", "-", "--ready", "start"]] {
        let refused = finish(scratch.launch_by(&prefix, &scratch.path, options).arg("--").arg(&hook));
        assert_eq!((code(&refused), said(&refused)), (126, noexec.clone()));
    }
    let refused = finish(scratch.launch_by(&prefix, &scratch.path, &["--"]).arg(&plain));
    assert!(said(&refused).contains("needs execute permission (chmod +x)"), "{}", said(&refused));
    let refused = finish(scratch.launch_by(&prefix, &scratch.path, &["--"]).arg(&outside));
    let interpreter = format!("its interpreter '{}' is on a volume mounted noexec", hook.display());
    assert!(said(&refused).contains(&interpreter), "{}", said(&refused));
}

#[test]
fn a_user_namespace_that_denies_setgroups_or_lacks_the_id_is_named() {
    needs!(root, "unshare");
    let scratch = Scratch::new("user-namespace");
    // an unprivileged user's: only their own ids are mapped, and setgroups is denied
    let mut prefix = AS_ABC.to_vec();
    prefix.extend(["unshare", "--user", "--map-root-user"]);
    let refused =
        finish(&mut scratch.launch_by(&prefix, &scratch.path, &["--user", "0:0", "--groups", "0", "true"]));
    assert_eq!(code(&refused), 111, "{}", said(&refused));
    let expected = "TIME true: fatal: unable to set supplementary groups 0: operation not permitted\n\
                    TIME true: hint: this user namespace denies setgroups (/proc/self/setgroups): create it as root, \
                    or with newgidmap and a range in /etc/subgid\n";
    assert_eq!(said(&refused), expected);
    // root's: setgroups is allowed, the id is not there
    for (user, step) in [
        (
            "5000:5000",
            "unable to set supplementary groups 5000: invalid argument\nTIME true: hint: a gid is not mapped",
        ),
        ("5000:0", "unable to set uid 5000: invalid argument\nTIME true: hint: uid 5000 is not mapped"),
    ] {
        let refused = in_namespace_of_root(&scratch, &["--user", user, "true"]);
        assert_eq!(code(&refused), 111, "{user}: {}", said(&refused));
        assert!(said(&refused).contains(step), "{user}: {}", said(&refused));
    }
}

/// In a user namespace to which root has mapped its own ids and no others.
fn in_namespace_of_root(scratch: &Scratch, words: &[&str]) -> Output {
    let prefix = ["unshare", "--user", "sh", "-c", "echo; read _ && exec \"$@\"", "sh"];
    let mut command = scratch.launch_by(&prefix, &scratch.path, words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut byte = [0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut byte).expect("it is in the namespace");
    for map in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{}/{map}", child.id()), "0 0 1\n").expect("mapped");
    }
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("written");
    child.wait_with_output().expect("waited")
}

#[test]
fn a_read_only_volume_is_answered_with_the_option_for_another_place() {
    needs!(root, "unshare");
    let scratch = Scratch::new("read-only");
    let service = scratch.service("bases-read-only");
    let volume = scratch.directory_of_abc("volume");
    let prefix = within(&format!("mount -t tmpfs -o ro tmpfs {}", volume.display()));
    let words = ["--home", path_str(&volume), "--once", "--", "echo", "ran"];
    let ran = finish(&mut scratch.launch_by(&prefix, &service, &words));
    assert_eq!(code(&ran), 0, "{}", said(&ran));
    let hint =
        "hint: choose a directory on a writable volume with --state-dir DIR, or pass output on with --log -";
    let said = said(&ran);
    assert!(said.contains("unable to open log") && said.contains("read-only file system"), "{said}");
    assert!(said.contains("unable to write the run record"), "{said}");
    assert_eq!(said.matches(hint).count(), 2, "{said}");
}

#[test]
fn files_from_windows_are_read_or_named() {
    needs!(root, "unshare");
    let scratch = Scratch::new("windows");
    let service = scratch.service_of_abc("bases-windows");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(service.join(name), bytes).expect("written");
        own_by_abc(&service.join(name));
    };
    for (content, value, quirk) in [
        (b"s3cret\r\n".as_slice(), "s3cret", "its trailing CR LF is not part of the value"),
        (b"\xef\xbb\xbfs3cret", "s3cret", "its byte order mark is not part of the value"),
        (
            b"\xef\xbb\xbfs3cret\r\n\r\n",
            "s3cret",
            "its byte order mark and trailing CR LF are not part of the value",
        ),
        (b"s3cret\n\n", "s3cret", ""),
        (b"a\r\nb\r", "a\r\nb\r", ""),
    ] {
        write("secret", content);
        let words = ["--log", "-", "--env", "FILE__TOKEN=secret", "--", "sh", "-c", "printf %s \"$TOKEN\""];
        let ran = finish(&mut scratch.launch(&service, &words));
        assert_eq!(stdout(&ran), value, "{content:?}");
        let note = match quirk {
            "" => String::new(),
            quirk => format!("TIME bases-windows: warning: the file named by FILE__TOKEN: {quirk}\n"),
        };
        assert_eq!(said(&ran), note, "{content:?}");
    }
    let wide: Vec<u8> = "A=1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xff\xfe".as_slice(), &wide].concat();
    for content in [&wide, &marked] {
        write("wide", content);
        for (options, place) in [
            (["--env-file", "wide"], "fatal: wide:1: the file is UTF-16\n"),
            (["--dotenv", "wide"], "fatal: wide:1: the file is UTF-16\n"),
            (
                ["--env", "FILE__TOKEN=wide"],
                "the file named by FILE__TOKEN: it is in UTF-16: save it as UTF-8\n",
            ),
        ] {
            let refused = finish(scratch.launch(&service, &options).args(["--", "true"]));
            assert_eq!(code(&refused), 100, "{options:?}");
            assert!(said(&refused).contains(place), "{options:?}: {}", said(&refused));
            assert_eq!(said(&refused).matches("fatal").count(), 1, "{}", said(&refused));
        }
    }
    write("wide", &wide);
    let refused = finish(&mut scratch.launch(&service, &["--file", "wide"]));
    assert!(
        said(&refused).contains("unable to read 'wide': it is in UTF-16: save it as UTF-8\n"),
        "{}",
        said(&refused)
    );
    for name in ["my.var", "MY-VAR", "a.b-c"] {
        write("config.env", format!("{name}=hunter2\n").as_bytes());
        let refused = finish(&mut scratch.launch(&service, &["--", "true"]));
        let expected = "config.env:1: a name with '.' or '-', which bash";
        assert!(
            said(&refused).contains(expected) && !said(&refused).contains("hunter2"),
            "{}",
            said(&refused)
        );
    }
}

#[test]
fn a_directory_in_place_of_a_file_is_answered_with_what_makes_them() {
    needs!(root, "unshare");
    let scratch = Scratch::new("directories");
    let service = scratch.service_of_abc("bases-directories");
    for directory in ["config.env", "wide.env", "toml", "secret"] {
        fs::create_dir(service.join(directory)).expect("a directory");
    }
    for words in [
        ["--log", "-", "--", "true"].as_slice(),
        &["--no-env-file", "--env-file", "wide.env", "--", "true"],
        &["--no-env-file", "--env", "FILE__A=secret", "--", "true"],
        &["--file", "toml"],
    ] {
        let refused = finish(&mut scratch.launch(&service, words));
        assert_eq!(code(&refused), 100, "{words:?}");
        let said = said(&refused);
        assert!(said.contains("it is a directory, not a regular file\n"), "{words:?}: {said}");
        assert!(said.contains("hint: put a file there; container runtimes create"), "{words:?}: {said}");
    }
}

#[test]
fn a_missing_secret_is_named_by_its_path_where_that_can_be_no_secret() {
    needs!(root, "unshare");
    let scratch = Scratch::new("secret-path");
    for (value, shown) in [
        (
            "/run/secrets/nosuch/token",
            Some("FILE__TOKEN, '/run/secrets/nosuch/token': no such file or directory"),
        ),
        // a password that was written in place of a path
        ("hunter2", None),
        ("/q8Zr", None),
        ("/q8Zr/T+1==", None),
    ] {
        let setting = format!("FILE__TOKEN={value}");
        let refused = finish(&mut scratch.launch(&scratch.path, &["--env", &setting, "--", "true"]));
        assert_eq!(code(&refused), 100);
        let said = said(&refused);
        match shown {
            Some(shown) => assert!(said.contains(shown), "{said}"),
            None => {
                assert!(
                    said.contains("named by FILE__TOKEN: no such file") && !said.contains(value),
                    "{said}"
                )
            }
        }
    }
}

#[test]
fn a_worker_can_append_to_stderr_by_name_through_a_pipe_of_root_and_read_nothing_from_it() {
    needs!(root, "unshare");
    let scratch = Scratch::new("stderr-by-name");
    let script = "echo one >/dev/stderr; echo two >>/dev/stdout; echo three >&2\n\
                  cat </dev/stdout && echo READ; (exec 5<>/dev/stdout) && echo OPENED; echo four";
    for options in [["--log", "-"].as_slice(), &["--log", "-", "--interval", "9", "--once"]] {
        let (reader, writer) = nix::unistd::pipe().expect("a pipe");
        let before = fstat(&writer).expect("its status");
        assert_eq!((before.st_uid, before.st_mode & 0o777), (0, 0o600));
        let ran = scratch
            .launch(&scratch.path, options)
            .args(["--", "sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(writer.try_clone().expect("a copy"))
            .stderr(Stdio::null())
            .status();
        assert!(ran.expect("it ran").success(), "{options:?}");
        let after = fstat(&writer).expect("its status");
        assert_eq!((after.st_uid, after.st_mode & 0o777), (0, 0o602), "root keeps it");
        drop(writer);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut fs::File::from(reader), &mut text).expect("read");
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("ermission denied")).collect();
        assert_eq!(lines, ["one", "two", "three", "four"], "{text}");
    }
    // a FIFO with a name, and a file, keep their mode: others could open them
    let fifo = scratch.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a FIFO");
    let open = fs::File::options().read(true).write(true).open(&fifo).expect("opened");
    let file = fs::File::create(scratch.join("file")).expect("a file");
    for output in [open, file] {
        let mode = fstat(output.as_fd()).expect("its status").st_mode;
        let mut command = scratch.launch(&scratch.path, &["--log", "-", "--", "true"]);
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("a copy"));
        assert!(command.status().expect("it ran").success());
        assert_eq!(fstat(output.as_fd()).expect("its status").st_mode, mode);
    }
}

#[test]
fn a_log_that_the_worker_truncates_by_name_is_reported() {
    needs!(root, "unshare");
    let scratch = Scratch::new("truncated");
    let service = scratch.service("bases-truncated");
    let state = scratch.directory_of_abc("state");
    let log = state.join("bases-truncated.log");
    fs::write(&log, "an old line\n".repeat(100)).expect("written");
    own_by_abc(&log);
    let child = scratch
        .launch(&service, &["--state-dir", path_str(&state), "--interval", "0.02"])
        .args(["--", "sh", "-c", "echo x >/dev/stderr"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(scratch.join("said")).expect("a file"))
        .spawn();
    let mut child = child.expect("it starts");
    let said = support::eventually_contains(
        &scratch.join("said"),
        "hint: opening /dev/stderr or /dev/stdout by name truncates it",
    );
    let warning = format!("log '{}' was truncated during a run: earlier lines are lost", log.display());
    assert!(said.contains(&warning), "{said}");
    support::signal(child.id().cast_signed(), nix::sys::signal::Signal::SIGTERM);
    assert!(child.wait().expect("waited").success());
}

#[test]
fn an_option_before_the_program_lacks_its_value_and_does_not_swallow_it() {
    let scratch = Scratch::new("no-value");
    for (words, message) in [
        (["--timeout", "--", "true"].as_slice(), "--timeout: needs a value (DURATION)"),
        (&["--timeout", "--interval", "5", "--", "true"], "--timeout: needs a value (DURATION)"),
        (&["--env", "--once", "true"], "--env: needs a value (NAME=VALUE)"),
    ] {
        let refused = finish(Command::new(scratch.launcher()).args(words).current_dir(&scratch.path));
        assert_eq!(code(&refused), 100, "{words:?}");
        let said = said(&refused);
        assert!(said.contains(message), "{words:?}: {said}");
        assert!(!said.contains("negative") && !said.contains("no program"), "{words:?}: {said}");
    }
    // behind a = it is a value
    let explained = finish(Command::new(scratch.launcher()).args(["--explain", "--name=--", "true"]));
    assert!(stdout(&explained).contains("--"), "{}", stdout(&explained));
}
