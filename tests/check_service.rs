//! `futo check` of services: each mistake that people make, seeded, and what is said of it, exactly.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test says what is wrong by failing"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::launching::{AS_ABC, code, finish};
use support::{ABC, Need, Svscan, eventually, eventually_contains, have, own_by_abc, state, stderr, stdout};

/// Definitions below a directory of abc's.
struct Volume {
    svscan: Svscan,
    definitions: PathBuf,
}

impl Volume {
    fn new(name: &str) -> Volume {
        let svscan = Svscan::start(name);
        let definitions = svscan.scratch.directory_of_abc("definitions");
        Volume { svscan, definitions }
    }

    /// A definition whose run script is this, with LAUNCHER for the launcher.
    fn define(&self, name: &str, run: &str) -> PathBuf {
        let run = run.replace("LAUNCHER", &self.svscan.scratch.launcher().display().to_string());
        let path = self.svscan.scratch.write(format!("definitions/{name}/run"), &run, 0o755);
        let directory = path.parent().expect("its directory").to_path_buf();
        own_by_abc(&directory);
        own_by_abc(&path);
        directory
    }

    /// What is said, with DIR for the directory of definitions; and the exit code.
    fn check(&self, prefix: &[&str], names: &[&str]) -> (i32, String) {
        let futo = self.svscan.scratch.futo();
        let mut words: Vec<&str> = prefix.to_vec();
        words.push(futo.to_str().expect("a path"));
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("check").args(names);
        command.arg("--from").arg(&self.definitions).arg("--scan-dir").arg(self.svscan.scratch.join("scan"));
        let output = finish(&mut command);
        assert_eq!(stderr(&output), "");
        let text = stdout(&output).replace(&self.definitions.display().to_string(), "DIR");
        (code(&output), text.replace(&self.svscan.scratch.path.display().to_string(), "SCRATCH"))
    }

    /// Said of a definition that is not published, without the line that says so.
    fn said(&self, name: &str) -> String {
        let (exit, said) = self.check(&[], &[name]);
        assert_eq!(exit, 1);
        let end = format!(
            "{name}: is not published: no supervisor knows of it\n  hint: futo sync publishes it, as root\n"
        );
        said.strip_suffix(&end).unwrap_or_else(|| panic!("{said}")).to_string()
    }
}

#[test]
fn each_mistake_of_a_definition_is_said_with_its_remedy() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let volume = Volume::new("mistakes");
    let write = |directory: &Path, name: &str, text: &str| {
        fs::write(directory.join(name), text).expect("written");
        own_by_abc(&directory.join(name));
    };
    volume.define("fine", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    assert_eq!(volume.said("fine"), "");

    let mode = volume.define("mode", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    fs::set_permissions(mode.join("run"), fs::Permissions::from_mode(0o644)).expect("its mode");
    assert_eq!(
        volume.said("mode"),
        "mode: DIR/mode/run: is not executable (mode 0644): s6 tries it each second\n  hint: chmod +x DIR/mode/run\n"
    );
    volume.define("crlf", "#!/bin/sh\r\nexec LAUNCHER -- sleep 1\r\n");
    assert_eq!(
        volume.said("crlf"),
        "crlf: DIR/crlf/run:1: lines end with CR LF: the interpreter's name would end with CR\n  \
         hint: sed -i 's/\\r$//' DIR/crlf/run\n"
    );
    volume.define("bare", "exec LAUNCHER -- sleep 1\n");
    assert_eq!(
        volume.said("bare"),
        "bare: DIR/bare/run:1: names no interpreter\n  hint: begin it with #!/bin/sh\n"
    );
    volume.define("noexec", "#!/bin/sh\nLAUNCHER -- sleep 1\n");
    assert_eq!(
        volume.said("noexec"),
        "noexec: DIR/noexec/run:2: no exec before futo-launch: a stop reaches the shell only\n  \
         hint: exec futo-launch …\n"
    );
    volume.define("relative", "#!/bin/sh\nexec LAUNCHER --state-dir state -- sh hook.sh\n");
    assert_eq!(
        volume.said("relative"),
        "relative: note: --state-dir 'state': counts from the service directory\n  hint: write the whole path\n\
         relative: unable to read 'hook.sh': not found in 'DIR/relative'\n  \
         hint: write its whole path, or say with --chdir where it is\n"
    );
    let variables = volume.define("variables", "#!/bin/sh\nexec LAUNCHER --require TOKEN -- sleep 1\n");
    write(&variables, "config.env", "MSG=hello world\nURL=http://x?a=b&c=d\nP=\"p@ss$(id)\"\n");
    assert_eq!(
        volume.said("variables"),
        "variables: config.env:1: a second word, which bash would run as a command\n  \
         hint: put the value in quotes: MSG='…'\n\
         variables: config.env:2: an unquoted '&'\n  hint: put the value in quotes: URL='…'\n\
         variables: config.env:3: a command substitution is not run\n  hint: write its result\n\
         variables: --require: variable 'TOKEN' is not set\n  hint: set TOKEN in config.env\n"
    );
    let zone = volume.define("zone", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    write(&zone, "config.env", "TZ=Asia/Tokio\r\n");
    let zones = Path::new("/usr/share/zoneinfo").is_dir();
    let judged = match zones {
        true => {
            "zone: TZ names no zone of /usr/share/zoneinfo: programs get UTC without a word\n  hint: Asia/Tokyo, for instance\n"
        }
        false => {
            "zone: note: TZ is set and there is no zone data in /usr/share/zoneinfo: programs that ask libc get UTC\n  hint: install tzdata in the image\n"
        }
    };
    let expected =
        format!("zone: note: config.env: line ends of CR LF are read as if they were LF\n{judged}");
    assert_eq!(volume.said("zone"), expected);

    // readable by root, not by abc: looked at with abc's rights
    let private = volume.svscan.scratch.write("private/bin/worker", "#!/bin/sh\n", 0o755);
    let above = volume.svscan.scratch.join("private");
    fs::set_permissions(&above, fs::Permissions::from_mode(0o700)).expect("its mode");
    volume.define("private", &format!("#!/bin/sh\nexec LAUNCHER -- {}\n", private.display()));
    assert_eq!(
        volume.said("private"),
        "private: unable to execute 'SCRATCH/private/bin/worker': permission denied at 'SCRATCH/private'\n  \
         hint: it needs mode +x, and the worker's user must be able to search every directory above it\n"
    );
    volume.define("script", &format!("#!/bin/sh\nexec LAUNCHER -- sh {}\n", private.display()));
    assert_eq!(
        volume.said("script"),
        "script: unable to read 'SCRATCH/private/bin/worker': permission denied at 'SCRATCH/private'\n  \
         hint: the worker's user must be able to search it: chmod o+x SCRATCH/private\n"
    );
    let log = volume.svscan.scratch.join("private/log");
    volume.define("log", &format!("#!/bin/sh\nexec LAUNCHER --log {} -- sleep 1\n", log.display()));
    assert_eq!(
        volume.said("log"),
        "log: log 'SCRATCH/private/log' cannot be written: permission denied\n  \
         hint: chown abc SCRATCH/private/log, or another --log\n"
    );
    // what root has touched in abc's directory
    let touched = volume.define("touched", "#!/bin/sh\nexec LAUNCHER --log DIRECTORY/own.log -- sleep 1\n");
    let run = fs::read_to_string(touched.join("run"))
        .expect("run")
        .replace("DIRECTORY", &touched.display().to_string());
    write(&touched, "run", &run);
    fs::write(touched.join("own.log"), "").expect("written");
    fs::set_permissions(touched.join("own.log"), fs::Permissions::from_mode(0o644)).expect("its mode");
    assert_eq!(
        volume.said("touched"),
        "touched: note: log 'DIR/touched/own.log' cannot be written by abc: the launcher renames it and begins a new one\n  \
         hint: chown abc DIR/touched/own.log\n"
    );
    volume.define("loop", "#!/bin/bash\nset -e\nwhile true; do hook; sleep 60; done\n");
    let said = volume.said("loop");
    let expected = "loop: DIR/loop/run: nothing is started with exec: a stop reaches the shell only\n  \
        hint: write exec before the last command\n\
        loop: DIR/loop/run: nothing in it becomes another user: the worker is root\n  \
        hint: exec futo-launch -- PROGRAM runs it as abc\n\
        loop: note: DIR/loop/run: is not ours, only its text was looked at: ";
    assert!(said.starts_with(expected), "{said}");
    let files = volume.define("files", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    write(&files, "lock-fd", "4\n");
    write(&files, "notification-fd", "one\n");
    volume.define("files/log", "#!/bin/sh\nexec LAUNCHER -- s6-log .\n");
    assert_eq!(
        volume.said("files"),
        "files: notification-fd: is not a descriptor from 3 up\n  \
         hint: write one number, for instance 3, or remove the file\n\
         files: DIR/files/lock-fd: is broken in s6 2.11 to 2.13.2\n  \
         hint: remove it: futo-launch holds no two workers at once\n\
         files: note: DIR/files/log: its logger gets nothing, output goes to '/config/.local/state/futodama/files.log'\n  \
         hint: --log - hands the output to the logger\n"
    );
    let linked = volume.svscan.scratch.join("definitions/linked");
    std::os::unix::fs::symlink(volume.svscan.scratch.join("private"), &linked).expect("a link");
    std::os::unix::fs::lchown(&linked, Some(ABC), Some(ABC)).expect("chown");
    volume.svscan.scratch.write("private/run", "#!/bin/sh\nexec SECRET\n", 0o700);
    let (_, said) = volume.check(&[], &["linked"]);
    assert!(
        said.starts_with("linked: unable to read 'DIR/linked/run': 'DIR/linked' is a symbolic link\n"),
        "{said}"
    );
    assert!(!said.contains("SECRET"), "{said}");
}

/// A command in a mount namespace of its own, after this script.
fn behind(script: &str) -> [&str; 7] {
    ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script]
}

#[test]
fn a_grace_that_the_overlay_cuts_short_is_said() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let volume = Volume::new("grace");
    volume.define("grace", "#!/bin/sh\nexec LAUNCHER --interval 1m --grace 10s -- sleep 1\n");
    volume.define("short", "#!/bin/sh\nexec LAUNCHER --interval 1m --grace 3s -- sleep 1\n");
    let overlay = "mount -t tmpfs -o mode=0755 tmpfs /run; mkdir -p /run/s6/container_environment; ";
    let unpublished = |name: &str| {
        format!(
            "{name}: is not published: no supervisor knows of it\n  hint: futo sync publishes it, as root\n"
        )
    };
    let with = |setting: &str, name: &str| {
        volume.check(&behind(&format!("{overlay}{setting} exec \"$0\" \"$@\"")), &[name])
    };
    let cut = |after: &str| {
        let text = format!(
            "grace: --grace 10 s: at the container's end s6-overlay kills 'grace' after {after}\n  \
             hint: set S6_SERVICES_GRACETIME, in milliseconds, in the container's environment\n"
        );
        (1, text + &unpublished("grace"))
    };
    let set = |milliseconds: &str| {
        format!("printf {milliseconds} > /run/s6/container_environment/S6_SERVICES_GRACETIME;")
    };
    assert_eq!(with("", "grace"), cut("3 s"));
    assert_eq!(with(&set("9500"), "grace"), cut("9.5 s"));
    assert_eq!(with(&set("10000"), "grace"), (1, unpublished("grace")));
    assert_eq!(with("", "short"), (1, unpublished("short")));
}

#[test]
fn a_full_volume_is_said_once_of_log_and_record() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let volume = Volume::new("full");
    let state = volume.svscan.scratch.directory_of_abc("small");
    let place = state.display();
    volume.define("both", &format!("#!/bin/sh\nexec LAUNCHER --state-dir {place} -- sleep 1\n"));
    let record = format!("#!/bin/sh\nexec LAUNCHER --state-dir {place}/below --log - -- sleep 1\n");
    volume.define("record", &record);
    let on = |size: &str, fill: &str, name: &str| {
        let script =
            format!("mount -t tmpfs -o size={size},uid={ABC} tmpfs {place}; {fill} exec \"$0\" \"$@\"");
        let (exit, said) = volume.check(&behind(&script), &[name]);
        assert_eq!(exit, 1);
        let end = format!(
            "{name}: is not published: no supervisor knows of it\n  hint: futo sync publishes it, as root\n"
        );
        said.strip_suffix(&end).unwrap_or_else(|| panic!("{said}")).to_string()
    };
    let full = |name: &str, left: &str| {
        format!(
            "{name}: the volume of 'SCRATCH/small' is full: {left} bytes are left\n  hint: make room: df -h, df -i\n"
        )
    };
    let fill = format!("head -c 65536 /dev/zero > {place}/fill;");
    assert_eq!(on("64k", &fill, "both"), full("both", "0"));
    assert_eq!(on("64k", &fill, "record"), full("record", "0"));
    assert_eq!(on("512k", "", "both"), full("both", "524288"));
    // no room for one more name
    assert_eq!(on("4m,nr_inodes=2", &format!("touch {place}/one;"), "both"), full("both", "4194304"));
    assert_eq!(on("4m", "", "both"), "");
}

#[test]
fn what_is_wrong_with_a_service_that_runs_is_said() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let volume = Volume::new("running");
    volume.svscan.add_launch("ck-bad", "--interval 1h -- sh -c 'echo kaputt; exit 3'", &[]);
    eventually_contains(&state("ck-bad.json"), "\"last_status\":3");
    volume.svscan.add_launch("ck-rest", "-- /nonexistent", &[]);
    eventually_contains(&state("ck-rest.json"), "resting");
    volume.svscan.add("ck-crash", &[("run", "#!/bin/sh\nexec s6-setuidgid abc false\n")]);
    // scratch directories lie in /tmp, which everybody can write: what a definition of abc's is in a container
    let writable = |name: &str| {
        format!(
            "{name}: SCRATCH/scan/{name}/run: others than root can write it, and root executes it: they can become root\n  \
             hint: publish it with futo sync, or make it and every directory above it root's\n"
        )
    };
    let expected = format!(
        "{}ck-bad: is failing: 1 run failed with status 3: kaputt\n  \
         hint: its process is up, its worker fails: futo logs ck-bad, futo try ck-bad\n",
        writable("ck-bad")
    );
    assert_eq!(volume.check(&[], &["ck-bad"]), (1, expected));
    let expected = format!(
        "ck-rest: unable to execute '/nonexistent': not found\n  \
         hint: check the name, or write the program with its whole path\n\
         {}ck-rest: is resting: unable to execute '/nonexistent': not found\n  \
         hint: mend that, and it goes on by itself; or futo run-now ck-rest\n",
        writable("ck-rest")
    );
    assert_eq!(volume.check(&[], &["ck-rest"]), (1, expected));
    volume.svscan.add_launch("ck-paused", "-- sleep 1000", &[]);
    volume.svscan.pid("ck-paused");
    volume.svscan.svc(&["-p"], "ck-paused");
    eventually("it is paused", || (volume.svscan.svstat("paused", "ck-paused") == ["true"]).then_some(()));
    let expected = format!(
        "{}ck-paused: is paused (SIGSTOP)\n  hint: s6-svc -c, or futo restart ck-paused\n",
        writable("ck-paused")
    );
    assert_eq!(volume.check(&[], &["ck-paused"]), (1, expected));
    volume.svscan.svc(&["-c"], "ck-paused");
    eventually("the crash loop is told", || {
        let (_, said) = volume.check(&[], &["ck-crash"]);
        said.contains("ck-crash: is crashing: died ").then_some(())
    });
    // an upgrade replaces the binary by a rename; what runs is the older one
    let launcher = volume.svscan.scratch.launcher();
    fs::copy(&launcher, launcher.with_extension("new")).expect("copied");
    fs::rename(launcher.with_extension("new"), &launcher).expect("renamed");
    let (_, said) = volume.check(&[], &["ck-bad"]);
    assert!(said.contains(" is an older launcher: '"), "{said}");
    // abc is told what he cannot see
    let (exit, said) = volume.check(&AS_ABC, &["ck-bad"]);
    assert_eq!(exit, 1);
    assert!(
        said.ends_with(
            "ck-bad: not seen: unable to read 'supervise/status': permission denied\n  \
             hint: root may read it, and members of the group that it has been delegated to\n"
        ),
        "{said}"
    );
}
