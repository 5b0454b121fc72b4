//! The container's variables.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::launching::{PATH, code, command, finish};
use crate::support::{
    Probe, Scratch, Svscan, eventually_contains, needs, own_by_abc, path_str, read, state, stderr,
};
use crate::{directory_of, probe, refused, variables_behind};

#[test]
fn the_containers_variables_are_those_of_with_contenv_but_an_empty_one_stays() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-container");
    let files = [
        ("TZ", "Asia/Tokyo"),
        ("ECHOED", "by echo\n"),
        ("LINES", "a\n\nb\n\n"),
        ("NUL", "x\0y"),
        ("BLANKS", "  b \t"),
        ("PATH", "/lsiopy/bin:/usr/bin:/bin"),
    ];
    let directory = directory_of(&scratch, "container", &files);
    // s6-overlay 3: with-contenv is `emptyenv -p  s6-envdir -Lf -- DIR  PROGRAM`. The parent of both is a
    // shell that has begun with the supervisor's PATH.
    let by_supervisor = ["sh", "-c", "\"$@\"; exit", "sh"];
    let launcher = scratch.launcher();
    let mut ours = command(&by_supervisor, &scratch.service("env-container"));
    ours.args([path_str(&launcher), "--log", "-", "--container-env", &directory, "--"]);
    let mut original = command(&by_supervisor, &scratch.join("env-container"));
    original.args(["s6-envdir", "-Lf", "--", &directory]);
    assert_eq!(variables_behind(ours), variables_behind(original));

    scratch.write("container/EMPTY", "", 0o644);
    let probe = probe(&scratch, &scratch.path, &["--container-env", &directory], &[]);
    assert_eq!(probe.env("EMPTY"), Some(""), "docs/differences.md");
    assert_eq!(probe.env("TZ"), Some("Asia/Tokyo"));
}

#[test]
fn path_is_the_containers_unless_the_run_file_has_set_another() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-path");
    let directory = directory_of(&scratch, "container", &[("PATH", "/of/container:/usr/bin:/bin")]);
    let (launcher, probe) = (scratch.launcher(), scratch.probe());
    let service = scratch.service("env-path");
    let path_behind = |place: &Path, script: &str| {
        // as s6-supervise does it: `run` replaces a child of a process with the supervisor's PATH
        let supervisor = format!("( {script} )\ntrue");
        let mut command = command(&["sh", "-c", &supervisor], place);
        let output = finish(command.env("LAUNCH", &launcher).env("PROBE", &probe));
        Probe::of(&output).env("PATH").map(str::to_string)
    };
    let container = "/of/container:/usr/bin:/bin".to_string();
    let launch = format!("\"$LAUNCH\" --log - --container-env {directory} -- \"$PROBE\"");
    assert_eq!(path_behind(&service, &format!("exec {launch}")), Some(container));
    let own = format!("/of/run/file:{PATH}");
    let export = "export PATH=/of/run/file:$PATH; exec";
    assert_eq!(path_behind(&service, &format!("{export} {launch}")), Some(own.clone()));
    // a run file that has changed the user already: the supervisor's environment cannot be seen
    let as_abc = "setpriv --reuid=abc --regid=abc --init-groups --";
    assert_eq!(path_behind(&service, &format!("{export} {as_abc} {launch}")), Some(own));
    // in a shell, what it has is meant
    assert_eq!(path_behind(&scratch.path, &format!("exec {launch}")), Some(PATH.to_string()));
    let without = path_behind(&service, "exec \"$LAUNCH\" --log - --container-env none -- \"$PROBE\"");
    assert_eq!(without, Some(PATH.to_string()));
}

#[test]
fn root_reads_the_containers_variables_only_where_they_are_roots() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-container-bad");
    let secret = scratch.write("root-secret", "hunter2", 0o600);
    directory_of(&scratch, "abcs", &[("A", "1")]);
    own_by_abc(&scratch.join("abcs"));
    directory_of(&scratch, "linked", &[("A", "1")]);
    symlink(&secret, scratch.join("linked/B")).expect("a link");
    directory_of(&scratch, "file", &[("A", "1")]);
    own_by_abc(&scratch.join("file/A"));
    let fifo = scratch.join("fifo");
    fs::create_dir(&fifo).expect("a directory");
    nix::unistd::mkfifo(&fifo.join("A"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    for (name, why) in [
        ("abcs", "it is writable by non-root users"),
        ("linked/B", "it is a symbolic link"),
        ("file/A", "it is writable by non-root users"),
        ("fifo/A", "it is a FIFO, not a regular file"),
        ("absent", "no such file or directory"),
    ] {
        let directory = scratch.join(name.split('/').next().expect("a name"));
        let expected = format!(
            "futo-launch: fatal: unable to read the container's variables in '{}': {why}\n\
             futo-launch: hint: correct it, or use --container-env none\n",
            scratch.join(name).display()
        );
        let (code, said) = refused(&scratch, &scratch.path, &["--container-env", path_str(&directory)]);
        assert_eq!((code, said), (100, expected), "{name}");
    }
    // a file of abc's would have root read any directory for it
    let settings = format!("exec = [\"true\"]\ncontainer-env = \"{}\"\n", scratch.join("linked").display());
    let file = scratch.write("service.toml", &settings, 0o644);
    own_by_abc(&file);
    let output = finish(&mut scratch.launch(&scratch.path, &["--file", path_str(&file)]));
    assert_eq!(code(&output), 100);
    assert!(
        stderr(&output)
            .contains("container-env other than none: not allowed in a file writable by non-root users")
    );
}

#[test]
fn under_a_real_s6_svscan_the_containers_variables_reach_the_worker() {
    needs!(root, "s6-svscan");
    // s6-svscan as s6-overlay starts it: PATH is all it passes on, the rest lies in files
    let script = "mount -t tmpfs -o mode=0755 tmpfs /run && umask 022 && mkdir -p /run/s6/container_environment && \
                  cd /run/s6/container_environment && printf Asia/Tokyo > TZ && printf t0ken > TOKEN && : > EMPTY && \
                  printf %s /of/container:/usr/bin:/bin > PATH && cd / && exec \"$@\"";
    let prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];
    let svscan = Svscan::start_behind("contenv", &prefix);
    let log = state("contenv.log");
    let _ = fs::remove_file(&log);
    let words = "--require TOKEN -- sh -c 'echo \"tz=$TZ token=$TOKEN empty=${EMPTY-unset} path=$PATH\"; exec sleep 100'";
    svscan.add_launch("contenv", words, &[]);
    let line = eventually_contains(&log, "path=");
    assert_eq!(line, "tz=Asia/Tokyo token=t0ken empty= path=/of/container:/usr/bin:/bin\n");
    let environ = read(format!("/proc/{}/environ", svscan.pid("contenv")));
    assert!(environ.contains("\0EMPTY=\0") || environ.starts_with("EMPTY=\0"), "{environ:?}");
    svscan.svc(&["-d"], "contenv");
}
