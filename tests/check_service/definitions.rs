//! What is wrong with a definition, and which directories are none.

use std::fs;
use std::path::Path;

use crate::support::{ABC, Svscan, needs, own_by_abc, set_mode};
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
        "mode: note: DIR/mode/run: is not executable (mode 0644): s6 cannot start it (only where a hook links \
         it: futo sync writes its own script)\n  \
         hint: chmod +x DIR/mode/run\n"
    );
    scene.define("crlf", "#!/bin/sh\r\nexec LAUNCHER -- sleep 1\r\n");
    assert_eq!(
        scene.said("crlf"),
        "crlf: note: DIR/crlf/run:1: ends with CR LF: the kernel takes the CR as part of the interpreter's name (only \
         where a hook links it: futo sync writes its own script)\n  \
         hint: sed -i 's/\\r$//' DIR/crlf/run\n"
    );
    scene.define("bare", "exec LAUNCHER -- sleep 1\n");
    assert_eq!(
        scene.said("bare"),
        "bare: DIR/bare/run:1: names no interpreter\n  hint: start the file with #!/bin/sh\n"
    );
    scene.define("noexec", "#!/bin/sh\nLAUNCHER -- sleep 1\n");
    assert_eq!(
        scene.said("noexec"),
        "noexec: note: DIR/noexec/run:2: no exec before futo-launch: a stop reaches only the shell (only where \
         a hook links it: futo sync writes its own script)\n  \
         hint: exec futo-launch …\n"
    );
    scene.define("relative", "#!/bin/sh\nexec LAUNCHER --state-dir state -- sh hook.sh\n");
    assert_eq!(
        scene.said("relative"),
        "relative: note: --state-dir 'state': is relative to the service directory\n  hint: write an absolute path\n\
         relative: unable to read 'hook.sh': not found in 'DIR/relative'\n  \
         hint: write its absolute path, or set its directory with --chdir\n"
    );
    let variables = scene.define("variables", "#!/bin/sh\nexec LAUNCHER --require TOKEN -- sleep 1\n");
    write(&variables, "config.env", "MSG=hello world\nURL=http://x?a=b&c=d\nP=\"p@ss$(id)\"\n");
    assert_eq!(
        scene.said("variables"),
        "variables: config.env:1: a second word, which bash would run as a command\n  \
         hint: put the value in quotes: MSG='…'\n\
         variables: config.env:2: an unquoted '&'\n  hint: put the value in quotes: URL='…'\n\
         variables: config.env:3: command substitution is not supported\n  hint: write the result\n\
         variables: --require: variable 'TOKEN' is not set\n  hint: set TOKEN in config.env\n"
    );
    let zone = scene.define("zone", "#!/bin/sh\nexec LAUNCHER -- sleep 1\n");
    write(&zone, "config.env", "TZ=Asia/Tokio\r\n");
    let zones = Path::new("/usr/share/zoneinfo").is_dir();
    let judged = match zones {
        true => {
            "zone: TZ is not a time zone of /usr/share/zoneinfo: programs silently use UTC\n  \
             hint: write Asia/Tokyo, for instance\n"
        }
        false => {
            "zone: note: TZ is set, but there is no time zone data in /usr/share/zoneinfo: programs silently \
             use UTC\n  \
             hint: install tzdata in the image\n"
        }
    };
    let expected = format!("zone: note: config.env: CR LF line endings are read as LF\n{judged}");
    assert_eq!(scene.said("zone"), expected);

    // readable by root, not by abc: looked at with abc's rights
    let private = scene.svscan.scratch.write("private/bin/worker", "#!/bin/sh\n", 0o755);
    let above = scene.svscan.scratch.join("private");
    set_mode(&above, 0o700);
    scene.define("private", &format!("#!/bin/sh\nexec LAUNCHER -- {}\n", private.display()));
    assert_eq!(
        scene.said("private"),
        "private: unable to execute 'SCRATCH/private/bin/worker': permission denied at 'SCRATCH/private'\n  \
         hint: the worker's user needs execute permission (chmod +x), and search permission on its parent directories\n"
    );
    scene.define("script", &format!("#!/bin/sh\nexec LAUNCHER -- sh {}\n", private.display()));
    assert_eq!(
        scene.said("script"),
        "script: unable to read 'SCRATCH/private/bin/worker': permission denied at 'SCRATCH/private'\n  \
         hint: move it to a place that the worker's user can read\n"
    );
    let log = scene.svscan.scratch.join("private/log");
    scene.define("log", &format!("#!/bin/sh\nexec LAUNCHER --log {} -- sleep 1\n", log.display()));
    assert_eq!(
        scene.said("log"),
        "log: unable to write log 'SCRATCH/private/log': permission denied\n  \
         hint: choose a location writable by uid 911: --state-dir DIR, --log PATH\n"
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
        "touched: note: log 'DIR/touched/own.log' is not writable by abc: the launcher renames it and starts a \
         new one\n  \
         hint: no action is needed; to rename it now, as uid 911: mv -T 'DIR/touched/own.log' \
         'DIR/touched/own.log.old'\n"
    );
    scene.define("loop", "#!/bin/bash\nset -e\nwhile true; do hook; sleep 60; done\n");
    let said = scene.said("loop");
    let expected = "loop: DIR/loop/run: no command is started with exec: a stop reaches only the shell\n  \
        hint: write exec before the last command\n\
        loop: DIR/loop/run: nothing in it drops root: the worker runs as root\n  \
        hint: exec futo-launch -- PROGRAM runs it as abc\n\
        loop: note: DIR/loop/run: is not a futo-launch script, so only its text was checked: ";
    assert!(said.starts_with(expected), "{said}");
    let files = scene.define("files", "#!/bin/sh\nexec LAUNCHER --log /config/own.log -- sleep 1\n");
    write(&files, "lock-fd", "4\n");
    write(&files, "notification-fd", "one\n");
    scene.define("files/log", "#!/bin/sh\nexec LAUNCHER -- s6-log .\n");
    assert_eq!(
        scene.said("files"),
        "files: notification-fd: not a descriptor number of 3 or more\n  \
         hint: write a single number such as 3, or remove the file\n\
         files: DIR/files/lock-fd: is broken in s6 2.11 to 2.13.2\n  \
         hint: remove it: futo-launch never runs two workers at once\n\
         files: note: DIR/files/log: its logger receives nothing, because output goes to '/config/own.log'\n  \
         hint: --log - sends the output to the logger\n"
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
        (0, "no futo-launch services; 3 others not shown (--all)\n".to_string())
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
            "grace: --grace 10 s: when the container stops, s6-overlay kills 'grace' after {after}\n  \
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
