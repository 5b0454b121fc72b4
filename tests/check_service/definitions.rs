//! What is wrong with a definition, and which directories are none.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::boot::Definitions;
use crate::support::launching::{code, finish};
use crate::support::{
    ABC, AS_ABC, Scratch, Svscan, eventually, eventually_contains, needs, own_by_abc, set_mode, state,
    stderr, stdout,
};
use crate::{Scene, behind, support};

#[test]
fn every_mistake_in_a_definition_is_reported_with_its_remedy() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("mistakes");
    let write = |directory: &Path, name: &str, text: &str| {
        fs::write(directory.join(name), text).expect("written");
        own_by_abc(&directory.join(name));
    };
    scene.define("fine", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    assert_eq!(scene.said("fine"), "");

    let mode = scene.define("mode", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    set_mode(mode.join("run"), 0o644);
    assert_eq!(
        scene.said("mode"),
        "mode: note: DIR/mode/run: is not executable (mode 0644): s6 cannot start it (where a hook links it; futo sync writes its own)\n  \
         hint: chmod +x DIR/mode/run\n"
    );
    scene.define("crlf", "#!/bin/sh\r\nexec LAUNCHER -- sleep 1\r\n");
    assert_eq!(
        scene.said("crlf"),
        "crlf: note: DIR/crlf/run:1: lines end with CR LF: the interpreter's name would end with CR (where a hook links it; futo sync writes its own)\n  \
         hint: sed -i 's/\\r$//' DIR/crlf/run\n"
    );
    scene.define("bare", "exec LAUNCHER -- sleep 1\n");
    assert_eq!(
        scene.said("bare"),
        "bare: DIR/bare/run:1: names no interpreter\n  hint: begin it with #!/bin/sh\n"
    );
    scene.define("noexec", "#!/bin/sh\nLAUNCHER -- sleep 1\n");
    assert_eq!(
        scene.said("noexec"),
        "noexec: note: DIR/noexec/run:2: no exec before futo-launch: a stop reaches the shell only (where a hook links it; futo sync writes its own)\n  \
         hint: exec futo-launch …\n"
    );
    scene.define("relative", "#!/bin/sh\nexec LAUNCHER --state-dir state -- sh hook.sh\n");
    assert_eq!(
        scene.said("relative"),
        "relative: note: --state-dir 'state': counts from the service directory\n  hint: write the whole path\n\
         relative: unable to read 'hook.sh': not found in 'DIR/relative'\n  \
         hint: write its whole path, or say with --chdir where it is\n"
    );
    let variables = scene.define("variables", "#!/bin/sh\nexec LAUNCHER --require TOKEN -- sleep 1\n");
    write(&variables, "config.env", "MSG=hello world\nURL=http://x?a=b&c=d\nP=\"p@ss$(id)\"\n");
    assert_eq!(
        scene.said("variables"),
        "variables: config.env:1: a second word, which bash would run as a command\n  \
         hint: put the value in quotes: MSG='…'\n\
         variables: config.env:2: an unquoted '&'\n  hint: put the value in quotes: URL='…'\n\
         variables: config.env:3: a command substitution is not run\n  hint: write its result\n\
         variables: --require: variable 'TOKEN' is not set\n  hint: set TOKEN in config.env\n"
    );
    let zone = scene.define("zone", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    write(&zone, "config.env", "TZ=Asia/Tokio\r\n");
    let zones = Path::new("/usr/share/zoneinfo").is_dir();
    let judged = match zones {
        true => {
            "zone: TZ names no zone of /usr/share/zoneinfo: programs silently use UTC\n  hint: Asia/Tokyo, for instance\n"
        }
        false => {
            "zone: note: TZ is set and there is no zone data in /usr/share/zoneinfo: programs that ask libc get UTC\n  hint: install tzdata in the image\n"
        }
    };
    let expected =
        format!("zone: note: config.env: line ends of CR LF are read as if they were LF\n{judged}");
    assert_eq!(scene.said("zone"), expected);

    // readable by root, not by abc: looked at with abc's rights
    let private = scene.svscan.scratch.write("private/bin/worker", "#!/bin/sh\n", 0o755);
    let above = scene.svscan.scratch.join("private");
    set_mode(&above, 0o700);
    scene.define("private", &format!("#!/bin/sh\nexec LAUNCHER -- {}\n", private.display()));
    assert_eq!(
        scene.said("private"),
        "private: unable to execute 'SCRATCH/private/bin/worker': permission denied at 'SCRATCH/private'\n  \
         hint: it needs mode +x, and the worker's user must be able to search every directory above it\n"
    );
    scene.define("script", &format!("#!/bin/sh\nexec LAUNCHER -- sh {}\n", private.display()));
    assert_eq!(
        scene.said("script"),
        "script: unable to read 'SCRATCH/private/bin/worker': permission denied at 'SCRATCH/private'\n  \
         hint: move it to where the worker's user may read it\n"
    );
    let log = scene.svscan.scratch.join("private/log");
    scene.define("log", &format!("#!/bin/sh\nexec LAUNCHER --log {} -- sleep 1\n", log.display()));
    assert_eq!(
        scene.said("log"),
        "log: log 'SCRATCH/private/log' cannot be written: permission denied\n  \
         hint: name a place that uid 911 can write: --state-dir DIR, --log PATH\n"
    );
    // what root has touched in abc's directory
    let touched = scene.define("touched", "#!/bin/sh\nexec LAUNCHER --log DIRECTORY/own.log -- sleep 1\n");
    let run = fs::read_to_string(touched.join("run"))
        .expect("run")
        .replace("DIRECTORY", &touched.display().to_string());
    write(&touched, "run", &run);
    fs::write(touched.join("own.log"), "").expect("written");
    set_mode(touched.join("own.log"), 0o644);
    assert_eq!(
        scene.said("touched"),
        "touched: note: log 'DIR/touched/own.log' cannot be written by abc: the launcher renames it and begins a new one\n  \
         hint: it needs nothing; as uid 911: mv -T 'DIR/touched/own.log' 'DIR/touched/own.log.old'\n"
    );
    scene.define("loop", "#!/bin/bash\nset -e\nwhile true; do hook; sleep 60; done\n");
    let said = scene.said("loop");
    let expected = "loop: DIR/loop/run: nothing is started with exec: a stop reaches the shell only\n  \
        hint: write exec before the last command\n\
        loop: DIR/loop/run: nothing in it becomes another user: the worker is root\n  \
        hint: exec futo-launch -- PROGRAM runs it as abc\n\
        loop: note: DIR/loop/run: is not a futo-launch script, only its text was checked: ";
    assert!(said.starts_with(expected), "{said}");
    let files = scene.define("files", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    write(&files, "lock-fd", "4\n");
    write(&files, "notification-fd", "one\n");
    scene.define("files/log", "#!/bin/sh\nexec LAUNCHER -- s6-log .\n");
    assert_eq!(
        scene.said("files"),
        "files: notification-fd: is not a descriptor from 3 up\n  \
         hint: write one number, for instance 3, or remove the file\n\
         files: DIR/files/lock-fd: is broken in s6 2.11 to 2.13.2\n  \
         hint: remove it: futo-launch holds no two workers at once\n\
         files: note: DIR/files/log: its logger gets nothing, output goes to '/config/.local/state/futodama/files.log'\n  \
         hint: --log - hands the output to the logger\n"
    );
    let linked = scene.svscan.scratch.join("definitions/linked");
    std::os::unix::fs::symlink(scene.svscan.scratch.join("private"), &linked).expect("a link");
    std::os::unix::fs::lchown(&linked, Some(ABC), Some(ABC)).expect("chown");
    scene.svscan.scratch.write("private/run", "#!/bin/sh\nexec SECRET\n", 0o700);
    let (_, said) = scene.check(&[], &["linked"]);
    assert!(
        said.starts_with("linked: unable to read 'DIR/linked/run': 'DIR/linked' is a symbolic link\n"),
        "{said}"
    );
    assert!(!said.contains("SECRET"), "{said}");
}

/// Lines before `exec LAUNCHER -- sleep 1`, and what is said.
const LONGER: [(&str, &str, &str); 10] = [
    ("strict", "set -eu\nexec 2>&1\n", "strict: nothing to fix in X"),
    ("export", "export TOKEN=x\n", ""),
    (
        "umask",
        "umask 027\n",
        "umask: not checked: DIR/umask/run:2: the shell runs this before futo-launch; what it changes was not checked\n  \
         hint: futo-launch has options for it: --env, --chdir, --umask, --if-env; README.md#old-and-new\n",
    ),
    (
        "several",
        "if [ -z \"$X\" ]; then\n exec sleep infinity\nfi\n. ./lib.sh\n",
        "several: not checked: DIR/several/run: the shell runs lines 2, 3, 5 before futo-launch; what they change was not checked\n  \
         hint: futo-launch has options for it: --env, --chdir, --umask, --if-env; README.md#old-and-new\n",
    ),
    (
        "cd",
        "set -e\ncd /srv\n",
        "cd: DIR/cd/run:3: cd: futo-launch starts outside its service directory, with another name, without config.env, \
         its log and its run record elsewhere\n  hint: remove cd and write futo-launch --chdir DIR\n",
    ),
    ("own-cd", "cd \"$(dirname \"$0\")\"\n", ""),
    (
        "word",
        "EVERY=5\nexec LAUNCHER --interval \"$EVERY\" -- sleep 1\n",
        "word: not checked: DIR/word/run:3: ",
    ),
    ("pipe", "LAUNCHER -- sleep 1 | logger\n", "pipe: not checked: DIR/pipe/run:2: "),
    ("heredoc", "cat <<X\nX\n", "heredoc: not checked: DIR/heredoc/run:2: a here-document: "),
    (
        "unknown",
        "set -e\nexec LAUNCHER --intervall 5 -- sleep 1\n",
        "unknown: unknown option '--intervall'\n  hint: did you mean --interval?\n",
    ),
];

#[test]
fn a_longer_run_script_is_read_as_far_as_it_goes_and_what_is_not_is_named() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("longer");
    for (name, before, expected) in LONGER {
        let last =
            if before.contains("LAUNCHER") { "" } else { "exec LAUNCHER --require TOKEN -- sleep 1\n" };
        scene.define(name, &format!("#!/bin/bash\n{before}{last}"));
        let said = scene.said(name);
        let missing =
            format!("{name}: --require: variable 'TOKEN' is not set\n  hint: set TOKEN in config.env\n");
        match (name, expected) {
            ("strict", _) => assert_eq!(said, missing),
            ("umask" | "several" | "own-cd", expected) => assert_eq!(said, format!("{expected}{missing}")),
            ("export" | "cd", expected) => assert_eq!(said, expected),
            (_, expected) => assert!(said.starts_with(expected), "{said}"),
        }
    }
    // what could not be checked is no verdict, whatever is published
    scene
        .svscan
        .add("lg-word", &[("run", &fs::read_to_string(scene.definitions.join("umask/run")).expect("run"))]);
    let (_, said) = scene.check(&[], &["lg-word"]);
    assert!(!said.contains("nothing to fix\n"), "{said}");
    scene.define("lone", "#!/bin/bash\nexec 2>&1\nLAUNCHER -- sleep 1\n");
    assert_eq!(
        scene.said("lone"),
        "lone: DIR/lone/run:3: no exec before futo-launch: a stop reaches the shell only\n  hint: exec futo-launch …\n"
    );
    scene.define("execline", "#!/bin/execlineb -P\nexport A b\nLAUNCHER -- sleep 1\n");
    let said = scene.said("execline");
    assert!(
        said.contains(
            ":3: a script of another interpreter than sh: the options of futo-launch were not checked\n"
        ),
        "{said}"
    );
}

/// First lines that cannot be executed, and what is said of them.
const UNSPAWNABLE: [(&str, &str, &str); 9] = [
    (
        "missing",
        "#!/bin/bsh",
        ":1: the interpreter '/bin/bsh' cannot be executed: no such file or directory\n",
    ),
    ("crlf", "#!/bin/sh\r", ":1: lines end with CR LF: the interpreter's name would end with CR"),
    ("mode", "#!SCRATCH/plain", ":1: the interpreter 'SCRATCH/plain' is not executable\n"),
    ("directory", "#!/bin", ":1: the interpreter '/bin' is not a file\n"),
    ("nested", "#!SCRATCH/nested", "SCRATCH/nested:1: the interpreter '/nowhere/sh' cannot be executed: "),
    ("env", "#!/usr/bin/env nosuch", ":1: env does not find 'nosuch' in /command:"),
    ("words", "#!/usr/bin/env sh -e", ":1: env is given 'sh -e' as one word and does not find that program"),
    ("foreign", "#!SCRATCH/foreign", "SCRATCH/foreign: is a program for another processor\n"),
    ("loader", "#!SCRATCH/loader", "SCRATCH/loader: its loader '/lib/ld-none.so.1' does not exist\n"),
];

/// A program of the 64-bit machine of this number that asks for a loader which is not there.
fn program(machine: u8) -> Vec<u8> {
    let mut bytes = fs::read("/bin/true").expect("a program")[..64].to_vec();
    let loader = b"/lib/ld-none.so.1\0";
    bytes[18] = machine;
    bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
    bytes[54..58].copy_from_slice(&[56, 0, 1, 0]);
    bytes.extend([3_u64, 120, 0, 0, 18, 18, 1].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(loader);
    bytes
}

#[test]
fn a_run_that_cannot_be_executed_is_reported_whatever_keeps_it_from_that() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("spawn");
    let scratch = &scene.svscan.scratch;
    scratch.write("plain", "#!/bin/sh\n", 0o644);
    scratch.write("nested", "#!/nowhere/sh\n", 0o755);
    let own = fs::read("/bin/true").expect("a program")[18];
    for (name, machine) in [("foreign", 2), ("loader", own)] {
        scratch.write(name, "", 0o755);
        fs::write(scratch.join(name), program(machine)).expect("written");
    }
    for (name, first, expected) in UNSPAWNABLE {
        let first = first.replace("SCRATCH", &scratch.path.display().to_string());
        scene.define(name, &format!("{first}\nexec LAUNCHER -- sleep 1\n"));
        let said = scene.said(name);
        assert!(said.starts_with(&format!("{name}: ")) && said.contains(expected), "{name}: {said}");
        // the kernel agrees
        let run = Command::new(scene.definitions.join(name).join("run")).status();
        let is_refused = run.as_ref().map_or(true, |status| status.code() == Some(127));
        assert!(is_refused, "{name}: {run:?}");
    }
    let long = format!("#!/bin/sh {}", "x".repeat(300));
    scene.define("long", &format!("{long}\nexec LAUNCHER -- sleep 1\n"));
    assert!(scene.said("long").contains(":1: has 310 bytes: the kernel takes 255"));
    for (name, bytes) in [("utf16", b"\xff\xfe#\0!\0".as_slice()), ("bom", b"\xef\xbb\xbf#!/bin/sh\n")] {
        let directory = scene.define(name, "");
        fs::write(directory.join("run"), bytes).expect("written");
        assert!(scene.said(name).contains("the kernel finds no interpreter\n"), "{name}");
    }
    // the other files that the supervisor executes
    let other = scene.define("other", "#!/bin/sh\nexec LAUNCHER -- /nowhere/x\n");
    fs::write(other.join("finish"), "#!/nowhere/sh\n").expect("written");
    let said = scene.said("other");
    assert!(said.contains("DIR/other/finish: is not executable (mode 0644)"), "{said}");
    assert!(said.contains("unable to execute '/nowhere/x': not found"), "all at once: {said}");
    // what s6 itself cannot start
    scene.svscan.add("sp-missing", &[("run", "#!/bin/bsh\n# exec futo-launch\n")]);
    let (exit, said) = scene.check(&[], &["sp-missing"]);
    let expected = "sp-missing: SCRATCH/scan/sp-missing/run:1: the interpreter '/bin/bsh' cannot be executed: no such file or directory\n  \
                    hint: correct the first line, or install the interpreter\n";
    assert!(exit == 1 && said.starts_with(expected), "{said}");
    // a mount is found wherever the file lies
    scene.define("noexec", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    scene.svscan.add_launch("sp-live", "-- sleep 1000", &[]);
    let on = |place: &Path, name: &str| {
        let place = place.display();
        let script =
            format!("mount --bind {place} {place}; mount -o remount,bind,noexec {place}; exec \"$0\" \"$@\"");
        scene.check(&behind(&script), &[name]).1
    };
    let scan = scratch.join("scan");
    let said = on(&scan, "noexec");
    assert!(
        said.starts_with(
            "noexec: SCRATCH/scan: is on a volume that is mounted noexec: s6 cannot execute it\n"
        ),
        "{said}"
    );
    assert!(
        on(&scan, "sp-live")
            .starts_with("sp-live: SCRATCH/scan/sp-live/run: is on a volume that is mounted noexec")
    );
    // a hook has linked it: s6 executes what lies there
    scene.define("sp-linked", "#!/bin/sh\nexec LAUNCHER -- sleep 1000\n");
    std::os::unix::fs::symlink(scene.definitions.join("sp-linked"), scan.join("sp-linked")).expect("a link");
    scene.svscan.control(&["-a"]);
    let said = on(&scene.definitions, "sp-linked");
    assert!(
        said.starts_with("sp-linked: DIR/sp-linked/run: is on a volume that is mounted noexec: s6"),
        "{said}"
    );
    let said = on(&scene.definitions, "noexec");
    assert!(
        said.starts_with(
            "noexec: note: DIR/noexec: is on a volume that is mounted noexec: a hook that links it"
        ),
        "{said}"
    );
}

#[test]
fn services_that_are_not_for_futo_are_left_out_and_cost_no_exit_status() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::on(support::Scratch::of_root("others"), &[]);
    let definitions = svscan.scratch.join("definitions");
    fs::create_dir(&definitions).expect("a directory");
    let scene = Scene { svscan, definitions };
    for (name, run) in [
        ("s6rc-oneshot-runner", "#!/bin/execlineb -P\ns6-ipcserver-socketbinder -- s sleep 1000\n"),
        ("s6-linux-init-shutdownd", "#!/bin/execlineb -P\nsleep 1000\n"),
        ("svc-cron", "#!/bin/sh\nexec sleep 1000\n"),
    ] {
        scene.svscan.add(name, &[("run", run)]);
    }
    assert_eq!(
        scene.check(&[], &[]),
        (0, "no services of futo-launch; 3 others: futo check --all\n".to_string())
    );
    scene.svscan.add_launch("ot-own", "-- sleep 1000", &[]);
    scene.svscan.pid("ot-own");
    assert_eq!(scene.check(&[], &[]), (0, "ot-own: nothing to fix\n".to_string()));
    let (exit, said) = scene.check(&[], &["--all"]);
    assert_eq!(exit, 0, "{said}");
    for name in ["s6rc-oneshot-runner", "s6-linux-init-shutdownd", "svc-cron", "ot-own"] {
        assert!(said.contains(&format!("{name}: nothing to fix\n")), "{said}");
    }
    // what can be known counts
    set_mode(scene.svscan.directory("svc-cron").join("run"), 0o644);
    let (exit, said) = scene.check(&[], &["--all"]);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("svc-cron: SCRATCH/scan/svc-cron/run: is not executable (mode 0644)"), "{said}");
    assert_eq!(scene.check(&[], &[]).0, 0);
}

#[test]
fn a_grace_that_the_overlay_cuts_short_is_reported() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("grace");
    scene.define("grace", "#!/bin/sh\nexec LAUNCHER --interval 1m --grace 10s -- sleep 1\n");
    scene.define("short", "#!/bin/sh\nexec LAUNCHER --interval 1m --grace 3s -- sleep 1\n");
    let overlay = "mount -t tmpfs -o mode=0755 tmpfs /run; mkdir -p /run/s6/container_environment; ";
    let unpublished = |name: &str| {
        format!(
            "{name}: is not published: no supervisor knows of it\n  hint: futo sync --from DIR --scan-dir SCRATCH/scan publishes it\n"
        )
    };
    let with = |setting: &str, name: &str| {
        scene.check(&behind(&format!("{overlay}{setting} exec \"$0\" \"$@\"")), &[name])
    };
    let cut = |after: &str| {
        let text = format!(
            "grace: --grace 10 s: at the container's end s6-overlay kills 'grace' after {after}\n  \
             hint: set S6_KILL_GRACETIME, in milliseconds, in the container's environment\n"
        );
        (1, text + &unpublished("grace"))
    };
    let set = |milliseconds: &str| {
        format!("printf {milliseconds} > /run/s6/container_environment/S6_KILL_GRACETIME;")
    };
    assert_eq!(with("", "grace"), cut("3 s"));
    assert_eq!(with(&set("9500"), "grace"), cut("9.5 s"));
    assert_eq!(with(&set("10000"), "grace"), (1, unpublished("grace")));
    assert_eq!(with("", "short"), (1, unpublished("short")));
}

#[test]
fn a_full_volume_is_reported_once_for_log_and_record() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("full");
    let state = scene.svscan.scratch.directory_of_abc("small");
    let place = state.display();
    scene.define("both", &format!("#!/bin/sh\nexec LAUNCHER --state-dir {place} -- sleep 1\n"));
    let record = format!("#!/bin/sh\nexec LAUNCHER --state-dir {place}/below --log - -- sleep 1\n");
    scene.define("record", &record);
    let on = |size: &str, fill: &str, name: &str| {
        let script =
            format!("mount -t tmpfs -o size={size},uid={ABC} tmpfs {place}; {fill} exec \"$0\" \"$@\"");
        let (exit, said) = scene.check(&behind(&script), &[name]);
        assert_eq!(exit, 1);
        let end = format!(
            "{name}: is not published: no supervisor knows of it\n  hint: futo sync --from DIR --scan-dir SCRATCH/scan publishes it\n"
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
fn what_is_wrong_with_a_service_that_runs_is_reported() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("running");
    scene.svscan.add_launch("ck-bad", "--interval 1h -- sh -c 'echo kaputt; exit 3'", &[]);
    eventually_contains(&state("ck-bad.json"), "\"last_status\":3");
    scene.svscan.add_launch("ck-rest", "-- /nonexistent", &[]);
    eventually_contains(&state("ck-rest.json"), "resting");
    scene.svscan.add("ck-crash", &[("run", "#!/bin/sh\nexec s6-setuidgid abc false\n")]);
    // scratch directories lie in /tmp, which everybody can write: what a definition of abc's is in a container
    let writable = |name: &str| {
        format!(
            "{name}: SCRATCH/scan/{name}/run: is writable by non-root users, and root executes it: they can become root\n  \
             hint: publish it with futo sync, or make it and every directory above it root-owned\n"
        )
    };
    let expected = format!(
        "{}ck-bad: is failing: 1 run failed with status 3: kaputt\n  \
         hint: its process is up, its worker fails; the reason is in its log: futo logs ck-bad; once in the foreground: futo try ck-bad\n",
        writable("ck-bad")
    );
    assert_eq!(scene.check(&[], &["ck-bad"]), (1, expected));
    let expected = format!(
        "ck-rest: unable to execute '/nonexistent': not found\n  \
         hint: check the name, or write the program with its whole path\n\
         {}ck-rest: is resting: unable to execute '/nonexistent': not found\n  \
         hint: correct that, and it starts by itself; or futo run-now ck-rest\n",
        writable("ck-rest")
    );
    assert_eq!(scene.check(&[], &["ck-rest"]), (1, expected));
    // the cause may be where nothing is watched
    scene.svscan.add_launch(
        "ck-tired",
        "--interval 0.1 --max-failures 2 -- sh -c 'echo no net; exit 3'",
        &[],
    );
    eventually_contains(&state("ck-tired.json"), "max-failures");
    let expected = format!(
        "{}ck-tired: is resting: 2 failures in a row, the last: exit status 3: no net\n  \
         hint: fix it, then futo run-now ck-tired\n",
        writable("ck-tired")
    );
    assert_eq!(scene.check(&[], &["ck-tired"]), (1, expected));
    scene.svscan.add_launch("ck-paused", "-- sleep 1000", &[]);
    scene.svscan.pid("ck-paused");
    scene.svscan.svc(&["-p"], "ck-paused");
    eventually("it is paused", || (scene.svscan.svstat("paused", "ck-paused") == ["true"]).then_some(()));
    let expected = format!(
        "{}ck-paused: is paused (SIGSTOP)\n  hint: s6-svc -c, or futo restart ck-paused\n",
        writable("ck-paused")
    );
    assert_eq!(scene.check(&[], &["ck-paused"]), (1, expected));
    scene.svscan.svc(&["-c"], "ck-paused");
    eventually("the crash loop is reported", || {
        let (_, said) = scene.check(&[], &["ck-crash"]);
        said.contains("ck-crash: is crashing: died ").then_some(())
    });
    // an upgrade replaces the binary by a rename; what runs is the older one
    let launcher = scene.svscan.scratch.launcher();
    fs::copy(&launcher, launcher.with_extension("new")).expect("copied");
    fs::rename(launcher.with_extension("new"), &launcher).expect("renamed");
    let (_, said) = scene.check(&[], &["ck-bad"]);
    assert!(said.contains(" is an older launcher: '"), "{said}");
    // abc learns what they cannot see
    let (exit, said) = scene.check(&AS_ABC, &["ck-bad"]);
    assert_eq!(exit, 1);
    assert!(
        said.ends_with(
            "ck-bad: not checked: unable to read 'supervise/status': permission denied\n  \
             hint: root may read it, and members of the group that it has been delegated to\n"
        ),
        "{said}"
    );
}

/// Definitions of abc's that futo sync refuses: run, finish, what check says, and the hint.
const REFUSED: [(&str, &str, &str, &str, &str); 5] = [
    (
        "finish",
        "exec futo-launch -- true\n",
        "#!/bin/sh\necho over\n",
        "not ours: DIR/finish/finish: ",
        "remove it, or write ",
    ),
    ("root", "exec futo-launch --user root -- true\n", "", "DIR/root/run: ", "leave the option out"),
    ("lines", "set -e\nexec futo-launch -- true\n", "", "not ours: DIR/lines/run: ", "can become root"),
    ("foreign", "exec sleep 1\n", "", "not ours: DIR/foreign/run: ", "can become root"),
    ("nothing", "exec futo-launch --version\n", "", "DIR/nothing/run: ", ""),
];

#[test]
fn check_reports_of_an_unpublished_definition_what_sync_reports() {
    needs!(root);
    let definitions = Definitions::new("verdict");
    definitions.line("good", "-- true");
    for (name, run, finish, _, _) in REFUSED {
        definitions.write(&format!("{name}/run"), &format!("#!/bin/sh\n{run}"));
        if !finish.is_empty() {
            definitions.write(&format!("{name}/finish"), finish);
        }
    }
    // no directory of definitions that sync looks into by itself
    let elsewhere = definitions.roots("else where/good");
    definitions.write_roots("else where/good/run", "#!/bin/sh\nexec futo-launch -- true\n");
    let check = |operand: &std::ffi::OsStr| {
        let mut command = Command::new(definitions.scratch.futo());
        command.arg("check").arg(operand).arg("--from").arg(definitions.abcs(""));
        let output = finish(command.arg("--scan-dir").arg(definitions.scan("")));
        assert_eq!((code(&output), stderr(&output)), (1, String::new()));
        stdout(&output).replace(definitions.abcs("").to_str().expect("a path").trim_end_matches('/'), "DIR")
    };
    for (name, _, _, why, remedy) in REFUSED {
        let said = check(name.as_ref());
        let lines: Vec<&str> = said.lines().collect();
        let start = format!("{name}: is not published, and futo sync refuses it: {why}");
        let at = lines
            .iter()
            .position(|line| line.starts_with(&start))
            .unwrap_or_else(|| panic!("{start}: {said}"));
        assert!(remedy.is_empty() || lines[at + 1].contains(remedy), "{said}");
        assert!(!said.contains("no supervisor knows of it"), "{said}");
    }
    let ran = definitions.sync(&["--dry-run"]);
    for (name, ..) in REFUSED {
        assert!(
            ran.stdout.contains(&format!("service={name} action=not-ours"))
                || ran.stdout.contains(&format!("service={name} action=failed")),
            "{}",
            ran.stdout
        );
    }
    // the command of the hint does what it says
    for operand in [std::ffi::OsStr::new("good"), elsewhere.as_os_str()] {
        let said = check(operand)
            .replace("DIR", definitions.abcs("").to_str().expect("a path").trim_end_matches('/'));
        let (_, hint) =
            said.split_once("is not published: no supervisor knows of it\n  hint: ").expect(&said);
        let (words, _) = hint.split_once(" publishes it").expect(hint);
        let words = words.replace("futo sync", &format!("{} sync", definitions.scratch.futo().display()));
        let output = finish(Command::new("sh").arg("-c").arg(&words));
        assert!(stdout(&output).contains("service=good action="), "{words}: {output:?}");
        assert!(definitions.scan("good/run").exists(), "{words}");
        fs::remove_dir_all(definitions.scan("good")).expect("removed");
    }
}

#[test]
fn hints_lead_only_to_commands_that_work_there() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("where");
    let launcher = scene.svscan.scratch.launcher();
    let longer = format!("#!/bin/sh\nset -e\nfalse\nexec {} -- true\n", launcher.display());
    scene.svscan.add("wh-longer", &[("run", &longer)]);
    scene.svscan.add_launch("wh-bare", "--log - -- false", &[]);
    scene.svscan.add_launch("wh-log", "-- false", &[]);
    for (name, logs, tries) in [("wh-longer", false, false), ("wh-bare", false, true), ("wh-log", true, true)]
    {
        let hint = eventually(&format!("{name} is crashing"), || {
            let (_, said) = scene.check(&[], &[name]);
            let (_, rest) = said.split_once(&format!("{name}: is crashing: "))?;
            Some(rest.lines().nth(1).expect("a hint").to_string())
        });
        assert_eq!((hint.contains("futo logs"), hint.contains("futo try")), (logs, tries), "{hint}");
        assert!(logs || hint.contains("docker logs, or the catch-all log"), "{hint}");
        let futo = |command: &str| {
            let mut futo = Command::new(scene.svscan.scratch.futo());
            futo.args([command, name, "--scan-dir"]).arg(scene.svscan.scratch.join("scan"));
            finish(&mut futo)
        };
        let output = futo("logs");
        assert_eq!(code(&output), if logs { 0 } else { 111 }, "{output:?}");
        assert!(!stderr(&output).contains("not ours"), "{output:?}");
        // false leaves with 1; what cannot be tried is refused
        assert_eq!(code(&futo("try")) == 1, tries, "{name}");
        if name == "wh-longer" {
            let expected = "no futo-launch runs, and its run script is not one plain command of it\n";
            assert!(stderr(&output).contains(expected), "{output:?}");
        }
    }
}

#[test]
fn what_only_a_linked_definition_would_suffer_from_is_a_note_where_sync_publishes() {
    needs!(root, "s6-svscan");
    // neither directory is anybody's beside root and abc: sync refuses others
    let root = Scratch::of_root("copies");
    std::fs::create_dir(root.join("scan")).expect("made");
    let svscan = Svscan::on(root, &[]);
    let definitions = Scratch::new("copies-volume");
    let source = definitions.directory_of_abc("services");
    let scan = svscan.scratch.join("scan");
    let worker = "futo-launch --interval 1h -- true";
    for (name, run, mode) in [
        ("cp-mode", format!("#!/bin/sh\nexec {worker}\n"), 0o644),
        ("cp-contenv", format!("#!/usr/bin/with-contenv bash\nexec {worker}\n"), 0o755),
        ("cp-noexec", format!("#!/bin/sh\n{worker}\n"), 0o755),
        ("cp-crlf", format!("#!/bin/sh\r\nexec {worker}\r\n"), 0o755),
        ("cp-late", "#!/bin/sh\nexec futo-launch \\\r\n  --interval 1h -- true\r\n".to_string(), 0o755),
    ] {
        let path = definitions.write(format!("services/{name}/run"), &run, mode);
        own_by_abc(path.parent().expect("a directory"));
        own_by_abc(&path);
    }
    let futo = |words: &[&str]| {
        let mut command = Command::new(svscan.scratch.futo());
        command.args(words).arg("--from").arg(&source).arg("--scan-dir").arg(&scan);
        let output = finish(&mut command);
        (code(&output), stdout(&output) + &stderr(&output))
    };
    let (exit, said) = futo(&["sync"]);
    assert!(exit == 0 && said.matches("action=published").count() == 5, "{said}");
    svscan.control(&["-a"]);
    for name in ["cp-mode", "cp-contenv", "cp-noexec", "cp-crlf", "cp-late"] {
        eventually_contains(&state(&format!("{name}.json")), "\"last_status\":0");
        let (exit, said) = futo(&["check", name]);
        assert_eq!(exit, 0, "{said}");
        let is_clean = name == "cp-contenv" && Path::new("/usr/bin/with-contenv").exists();
        let notes = said.matches("(where a hook links it; futo sync writes its own)").count();
        assert_eq!(notes, usize::from(!is_clean), "{name}: {said}");
    }
    // a hook has linked the very same: s6 executes it
    fs::remove_dir_all(definitions.join("services/cp-late")).expect("removed");
    for (name, expected) in
        [("cp-mode", "is not executable"), ("cp-noexec", "no exec before"), ("cp-crlf", "CR LF")]
    {
        let linked = format!("{name}-linked");
        let place = definitions.join("services").join(&linked);
        fs::rename(definitions.join("services").join(name), &place).expect("renamed");
        std::os::unix::fs::symlink(&place, scan.join(&linked)).expect("a link");
        let (exit, said) = futo(&["check", &linked]);
        assert!(exit == 1 && said.contains(expected) && !said.contains("where a hook"), "{linked}: {said}");
    }
}

#[test]
fn a_missing_supervisor_is_distinguished_from_a_missing_scanner() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("scanner");
    let scratch = &scene.svscan.scratch;
    let run = "#!/bin/sh\nexec s6-setuidgid abc sleep 1000\n";
    // s6-svscan runs, has scanned, and has not been notified of it
    scene.svscan.add_launch("sc-first", "-- sleep 1000", &[]);
    scene.svscan.pid("sc-first");
    scratch.write("scan/sc-new/run", run, 0o755);
    let (_, said) = scene.check(&[], &["sc-new"]);
    let expected = "is published, and no supervisor runs\n  hint: s6-svscanctl -a SCRATCH/scan, as root\n";
    assert!(said.contains(expected), "{said}");
    // one has run here and is gone; none ever has
    for (name, before) in [("gone", true), ("never", false)] {
        let scan = scratch.join(name);
        scratch.write(format!("{name}/sc-new/run"), run, 0o755);
        if before {
            std::fs::create_dir(scan.join(".s6-svscan")).expect("made");
            nix::unistd::mkfifo(&scan.join(".s6-svscan/control"), nix::sys::stat::Mode::S_IRWXU)
                .expect("a FIFO");
        }
        let mut command = Command::new(scratch.futo());
        command.args(["check", "sc-new", "--scan-dir"]).arg(&scan).arg("--from").arg(&scene.definitions);
        let said = stdout(&finish(&mut command));
        let shown = scan.display();
        let expected =
            format!("is published, and no s6-svscan runs on '{shown}'\n  hint: restart the container; ");
        assert!(said.contains(&expected) && !said.contains("s6-svscanctl"), "{name}: {said}");
    }
}

#[test]
fn a_supervisor_without_the_right_to_signal_is_named_before_an_order_is_lost() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start_behind("deaf", &["setpriv", "--bounding-set=-kill", "--"]);
    let scene = Scene { definitions: svscan.scratch.directory_of_abc("definitions"), svscan };
    scene.svscan.add_launch("de-up", "--interval 1h -- true", &[]);
    eventually_contains(&state("de-up.json"), "\"last_status\":0");
    let pid = scene.svscan.pid("de-up");
    let futo = |verb: &str| {
        let mut command = Command::new(scene.svscan.scratch.futo());
        command.args([verb, "de-up", "--scan-dir"]).arg(scene.svscan.scratch.join("scan"));
        let output = finish(&mut command);
        (code(&output), stderr(&output))
    };
    let verbs = ["stop", "restart", "reload", "run-now"];
    let said = verbs.map(futo);
    let up = scene.svscan.svstat("up,wantedup", "de-up");
    let started = futo("start");
    let (exit, checked) = scene.check(&[], &["de-up"]);
    // the test may
    scene.svscan.svc(&["-d"], "de-up");
    support::signal(pid, nix::sys::signal::Signal::SIGTERM);
    eventually("it is down", || (scene.svscan.svstat("up", "de-up") == ["false"]).then_some(()));
    for (verb, (code, said)) in verbs.iter().zip(said) {
        assert_eq!(code, 111, "{said}");
        let (begin, end) = (
            format!("futo: fatal: unable to {verb} 'de-up': its supervisor (pid "),
            format!(
                ") lacks the capability KILL and cannot signal pid {pid} of uid {ABC}\n\
                 futo: hint: give the container the capability KILL (docker: --cap-add KILL)\n"
            ),
        );
        assert!(said.starts_with(&begin) && said.ends_with(&end), "{said}");
    }
    assert_eq!(up, ["true", "true"]);
    assert_eq!(started.0, 0, "{}", started.1);
    assert!(
        exit == 1 && checked.contains("de-up: stop, restart and reload do nothing: its supervisor (pid "),
        "{checked}"
    );
}

#[test]
fn a_worker_that_opens_its_streams_by_name_is_found_where_that_empties_the_log() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("streams");
    let place = scene.svscan.scratch.path.clone();
    scene.svscan.scratch.write(
        "bad.sh",
        "#!/bin/sh\n# > /dev/stderr\necho one\necho two > /dev/stderr\n",
        0o755,
    );
    scene.svscan.scratch.write("good.sh", "#!/bin/sh\necho two >> /dev/stderr; echo one >&2\n", 0o755);
    let said = |name: &str, words: &str| {
        let words = words.replace("SCRATCH", &place.display().to_string());
        scene.define(name, &format!("#!/bin/sh\nexec LAUNCHER {words}\n"));
        scene.said(name)
    };
    let found = |name: &str, at: &str| {
        format!(
            "{name}: {at}: opens /dev/stderr by name: that empties the log '/config/.local/state/futodama/{name}.log'\n  \
             hint: in a shell write >&2 or >&1, or >> to append; a program has a setting for its own stderr\n"
        )
    };
    assert_eq!(said("program", "-- SCRATCH/bad.sh"), found("program", "SCRATCH/bad.sh:4"));
    assert_eq!(said("script", "-- sh SCRATCH/bad.sh"), found("script", "SCRATCH/bad.sh:4"));
    assert_eq!(said("words", "-- sh -c 'echo a >/dev/stderr'"), found("words", "an argument of the program"));
    assert_eq!(said("good", "-- SCRATCH/good.sh"), "");
    assert_eq!(said("pipe", "--log - -- SCRATCH/bad.sh"), "");
    assert!(
        said("named", "-- printf /dev/stdout")
            .starts_with("named: note: an argument of the program: names /dev/stdout: ")
    );
    // that it does what is said of it
    scene.svscan.add_launch("st-loop", &format!("--once -- {}/bad.sh", place.display()), &[]);
    let record = state("st-loop.json");
    eventually_contains(&record, "\"last_status\":0");
    assert_eq!(fs::read_to_string(state("st-loop.log")).expect("its log").lines().next(), Some("two"));
}

#[test]
fn root_without_the_right_to_read_is_not_sent_to_root() {
    needs!(root, "s6-svscan");
    let scene = Scene::new("no-right");
    let directory = scene.define("closed", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    set_mode(directory.join("run"), 0o700);
    let unable = "closed: not checked: unable to read 'DIR/closed/run': permission denied\n";
    let bounded = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    // with the ids of those who can write it
    let (_, said) = scene.check(&bounded, &["closed"]);
    assert!(!said.contains("unable to read 'DIR/closed/run'"), "{said}");
    set_mode(directory.join("run"), 0o000);
    let (_, said) = scene.check(&bounded, &["closed"]);
    let hint = "  hint: root lacks the capability DAC_OVERRIDE here: ask as the owner of the file\n";
    assert!(said.starts_with(&format!("{unable}{hint}")) && !said.contains("ask as root"), "{said}");
    let as_other = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "--"];
    let (_, said) = scene.check(&as_other, &["closed"]);
    assert!(said.starts_with(&format!("{unable}  hint: ask as root\n")), "{said}");
    // the owner reads it
    set_mode(directory.join("run"), 0o700);
    let (_, said) = scene.check(&AS_ABC, &["closed"]);
    assert!(!said.contains("unable to read 'DIR/closed/run'"), "{said}");
}
