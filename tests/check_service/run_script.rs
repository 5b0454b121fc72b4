//! A run script that is read in part, and one that cannot be executed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::needs;
use crate::{Scene, behind};

/// Lines before `exec LAUNCHER -- sleep 1`, and what is said.
const LONGER: [(&str, &str, &str); 10] = [
    ("strict", "set -eu\nexec 2>&1\n", "strict: nothing to fix in X"),
    ("export", "export TOKEN=x\n", ""),
    (
        "umask",
        "umask 027\n",
        "umask: not checked: DIR/umask/run:2: the shell runs this before futo-launch; what it changes was not \
         checked\n  \
         hint: futo-launch has options for such things: --env, --chdir, --umask, --if-env; see futo-launch \
         --help\n",
    ),
    (
        "several",
        "if [ -z \"$X\" ]; then\n exec sleep infinity\nfi\n. ./lib.sh\n",
        "several: not checked: DIR/several/run: the shell runs lines 2, 3, 5 before futo-launch; what they \
         change was not checked\n  \
         hint: futo-launch has options for such things: --env, --chdir, --umask, --if-env; see futo-launch \
         --help\n",
    ),
    (
        "cd",
        "set -e\ncd /srv\n",
        "cd: DIR/cd/run:3: cd: futo-launch starts outside its service directory: under another name, without \
         config.env, and with its log and run record elsewhere\n  \
         hint: replace cd with futo-launch --chdir DIR\n",
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
        "lone: DIR/lone/run:3: no exec before futo-launch: a stop reaches only the shell\n  \
         hint: exec futo-launch …\n"
    );
    scene.define("execline", "#!/bin/execlineb -P\nexport A b\nLAUNCHER -- sleep 1\n");
    let said = scene.said("execline");
    assert!(
        said.contains(
            ":3: a script for an interpreter other than sh: the options of futo-launch were not checked\n"
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
    ("crlf", "#!/bin/sh\r", ":1: ends with CR LF: the kernel takes the CR as part of the interpreter's name"),
    ("mode", "#!SCRATCH/plain", ":1: the interpreter 'SCRATCH/plain' is not executable\n"),
    ("directory", "#!/bin", ":1: the interpreter '/bin' is not a file\n"),
    ("nested", "#!SCRATCH/nested", "SCRATCH/nested:1: the interpreter '/nowhere/sh' cannot be executed: "),
    ("env", "#!/usr/bin/env nosuch", ":1: env cannot find 'nosuch' in /command:"),
    (
        "words",
        "#!/usr/bin/env sh -e",
        ":1: env gets 'sh -e' as a single argument and finds no program of that name",
    ),
    ("foreign", "#!SCRATCH/foreign", "SCRATCH/foreign: is built for a different CPU architecture\n"),
    ("loader", "#!SCRATCH/loader", "SCRATCH/loader: its dynamic loader '/lib/ld-none.so.1' does not exist\n"),
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
    assert!(scene.said("long").contains(":1: is 310 bytes long: the kernel reads 255"));
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
            "noexec: note: DIR/noexec: is on a volume that is mounted noexec: if a hook links it"
        ),
        "{said}"
    );
}
