//! What is removed and what stays.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support;
use crate::support::boot::{Definitions, Ran};
use crate::support::launching::finish;
use crate::support::{Scratch, needs};

#[test]
fn what_has_gone_is_pruned_when_asked_and_never_what_another_command_made() {
    needs!(root);
    let definitions = Definitions::new("gone");
    definitions.line("a", "-- id");
    definitions.line("b", "-- id");
    definitions.sync(&[]);
    let volume = support::boot::Volume::new("gone-hermes");
    let scan = definitions.scan("").display().to_string();
    assert_eq!(volume.reconcile(&["--scan-dir", &scan]).code, 0);
    fs::remove_dir_all(definitions.abcs("a")).expect("removed");
    // broken is not gone
    definitions.line("b", "--intervall 5 -- id");
    assert_eq!(
        definitions.sync(&["--prune"]).stdout,
        "sync: service=b action=failed\nsync: service=a action=pruned\n"
    );
    assert!(!definitions.scan("a").exists());
    assert!(definitions.scan("b/run").exists() && definitions.scan("gateway-default/run").exists());
    assert_eq!(volume.reconcile(&["--scan-dir", &scan, "--prune"]).code, 0);
    assert!(definitions.scan("b/run").exists());
    // a source that cannot be read proves nothing gone
    fs::rename(definitions.abcs(""), definitions.volume.join("away")).expect("renamed");
    let ran = definitions.sync(&["--prune"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("unable to open the directory of definitions"), "{}", ran.stderr);
    assert!(ran.stderr.contains(": services published from it are kept"), "{}", ran.stderr);
    assert!(definitions.scan("b/run").exists());
}

#[test]
fn two_runs_with_other_sources_leave_each_others_services_alone() {
    needs!(root);
    let definitions = Definitions::new("two-sources");
    definitions.line("mine", "-- id");
    definitions.sync(&[]);
    let others = definitions.scratch.join("others");
    for name in ["mine", "theirs"] {
        let run = definitions.scratch.write(
            format!("others/{name}/run"),
            "#!/bin/sh\nexec futo-launch -- true\n",
            0o755,
        );
        assert!(run.exists());
    }
    let mut command = Command::new(definitions.scratch.futo());
    command.args(["sync", "--prune", "--from"]).arg(&others).arg("--scan-dir").arg(definitions.scan(""));
    let ran = Ran::of(&finish(&mut command));
    assert_eq!(ran.stdout, "sync: service=mine action=failed\nsync: service=theirs action=published\n");
    let said = format!("was created from another directory, \"{}\"", definitions.abcs("").display());
    assert!(ran.code == 1 && ran.stderr.contains(said.trim_end_matches("/\"")), "{}", ran.stderr);
    assert_eq!(definitions.sync(&["--prune"]).stdout, "sync: service=mine action=unchanged\n");
    assert!(definitions.scan("theirs/run").exists());
}

#[test]
fn a_usual_source_that_is_not_there_prunes_nothing() {
    needs!(root);
    let scratch = Scratch::of_root("usual");
    fs::create_dir(scratch.join("scan")).expect("made");
    let run = Path::new("/config/s6-services/mine/run");
    fs::create_dir_all(run.parent().expect("a directory")).expect("made");
    support::write(run, "#!/bin/sh\nexec futo-launch -- id\n", 0o755);
    let sync = |options: &[&str]| {
        let mut command = Command::new(scratch.futo());
        Ran::of(&finish(
            command.args(["sync", "--prune", "--scan-dir"]).arg(scratch.join("scan")).args(options),
        ))
    };
    let first = sync(&[]);
    fs::rename("/config/s6-services", "/config/away").expect("renamed");
    let ran = sync(&[]);
    let named = sync(&["--from", "/config/s6-services"]);
    fs::remove_dir_all("/config/away").expect("removed");
    assert_eq!((first.code, first.stdout.as_str()), (0, "sync: service=mine action=published\n"));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert!(ran.stderr.contains(": services published from it are kept"), "{}", ran.stderr);
    assert!(scratch.join("scan/mine/run").exists());
    assert_eq!(named.code, 2, "there is nothing that could be done: {}", named.stderr);
}
