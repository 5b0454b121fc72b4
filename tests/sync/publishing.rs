//! What is published, in which form, and how it behaves.

use std::fs;

use crate::support;
use crate::support::boot::{Definitions, Ran};
use crate::support::launching::finish;
use crate::support::{
    Svscan, eventually, eventually_contains, logs, needs, read, rights, set_mode, snapshot,
};

#[test]
fn publishes_what_it_wrote_itself_and_leaves_the_volume_as_it_is() {
    needs!(root);
    let definitions = Definitions::new("publish");
    definitions.line("heartbeat", "--interval 60 --env 'A=b c' -- ./beat \"it's\"");
    definitions.write("heartbeat/notification-fd", "3\n");
    definitions.write("heartbeat/down", "");
    definitions.write("heartbeat/timeout-kill", "5000\n");
    definitions.write("heartbeat/down-signal", "SIGINT\n");
    definitions.write("heartbeat/max-death-tally", "3\n");
    definitions.write("heartbeat/finish", "#!/bin/sh\nexec futo-launch --log - -- ./after\n");
    definitions.write("heartbeat/log/run", "#!/bin/sh\nexec futo-launch -- s6-log ./logs\n");
    definitions
        .write("one-file/run", "#!/usr/local/bin/futo-launch --file\nexec = ['sleep', '5']\nonce = true\n");
    definitions.write("README", "no definition");
    definitions.write("notes/todo", "no run");
    let before = snapshot(&definitions.abcs(""));
    let ran = definitions.sync(&[]);
    assert_eq!(ran.stderr, "");
    assert_eq!(
        ran.stdout,
        "sync: service=heartbeat action=published\nsync: service=one-file action=published\n"
    );
    assert_eq!(ran.code, 0);
    assert_eq!(snapshot(&definitions.abcs("")), before);

    let directory = definitions.abcs("heartbeat").display().to_string();
    let launcher = definitions.scratch.launcher().display().to_string();
    let head = "#!/bin/sh\n# written by futo sync; edits here are lost\n";
    let service = definitions.scan("heartbeat");
    assert_eq!(
        read(service.join("run")),
        format!(
            "{head}exec {launcher} --interval=60 '--env=A=b c' --name=heartbeat --user abc --service-dir {directory} -- ./beat 'it'\\''s'\n"
        )
    );
    assert_eq!(
        read(service.join("finish")),
        format!(
            "{head}exec {launcher} --log=- --name=heartbeat --user abc --service-dir {directory} -- ./after\n"
        )
    );
    assert_eq!(
        read(service.join("log/run")),
        format!(
            "{head}exec {launcher} --name=heartbeat-log --user abc --service-dir {directory}/log -- s6-log ./logs\n"
        )
    );
    for (file, text) in [
        ("notification-fd", "3\n"),
        ("down", ""),
        ("timeout-kill", "5000\n"),
        ("down-signal", "2\n"),
        ("max-death-tally", "3\n"),
    ] {
        assert_eq!(
            (read(service.join(file)).as_str(), rights(&service.join(file)).as_str()),
            (text, "0644 0:0")
        );
    }
    for file in ["run", "finish", "log/run", "", "log"] {
        assert_eq!(rights(&service.join(file)), "0755 0:0", "{file}");
    }
    let directory = definitions.abcs("one-file").display().to_string();
    assert_eq!(
        read(definitions.scan("one-file/run")),
        format!(
            "{head}exec {launcher} --once --name=one-file --user abc --service-dir {directory} -- sleep 5\n"
        )
    );
    // who can write a definition may control its service
    assert_eq!(rights(&service.join("supervise")), "0710 0:911");
    assert_eq!(rights(&service.join("log/supervise/control")), "0620 0:911");
    let again = definitions.sync(&["--json"]);
    assert_eq!([again.change("heartbeat"), again.change("one-file")], ["unchanged", "unchanged"]);
}

#[test]
fn other_run_files_are_listed_or_published_as_the_old_hook_did() {
    needs!(root);
    let definitions = Definitions::new("foreign");
    definitions.write("bash/run", "#!/bin/bash\necho \"$0 $* $PWD\"\n");
    definitions.line("half", "-- id");
    definitions.write("half/finish", "#!/bin/sh\necho over\n");
    let ran = definitions.sync(&[]);
    assert_eq!(ran.stdout, "sync: service=bash action=not-ours\nsync: service=half action=not-ours\n");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("bash/run' is not a futo-launch script: "), "{}", ran.stderr);
    let hint = |name| {
        let path = definitions.abcs(name);
        let remedy = "--trust-run publishes it unchanged, and anyone who can write it can become root";
        format!("rewrite {} as one line, exec futo-launch …; {remedy}\n", path.display())
    };
    assert!(ran.stderr.contains(&format!("hint: {}", hint("bash/run"))), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("hint: remove it, or {}", hint("half/finish"))), "{}", ran.stderr);
    let ran = definitions.sync(&["--trust-run"]);
    assert_eq!(ran.stdout, "sync: service=bash action=published\nsync: service=half action=published\n");
    assert!(
        ran.stderr.contains("which is writable by non-root users: they can become root"),
        "{}",
        ran.stderr
    );
    let run = definitions.scan("bash/run");
    let output =
        support::output(std::process::Command::new(&run).arg("x").current_dir(definitions.scan("bash")));
    let directory = definitions.abcs("bash");
    assert_eq!(support::stdout(&output), format!("./run x {}\n", directory.display()));
    assert!(read(definitions.scan("half/run")).contains("--user abc --service-dir"));
    // and back: what was published once is not taken away while it is there
    assert_eq!(definitions.sync(&["--prune"]).code, 0);
    assert!(definitions.scan("bash/run").exists());
}

#[test]
fn line_ends_of_windows_are_read_as_line_ends_wherever_a_script_is_read() {
    needs!(root);
    let definitions = Definitions::new("crlf");
    definitions
        .write("line/run", "#!/bin/sh\r\n# why\r\nexec futo-launch --interval 30s \\\r\n  -- true\r\n");
    definitions.write("line/finish", "#!/bin/sh\r\nexec futo-launch -- id\r\n");
    definitions
        .write("file/run", "#!/usr/local/bin/futo-launch --file\r\nexec = ['true']\r\nonce = true\r\n");
    let ran = definitions.sync(&[]);
    assert_eq!(ran.stdout, "sync: service=file action=published\nsync: service=line action=published\n");
    for name in ["file/run", "line/run", "line/finish"] {
        let warning = format!("{}: CR LF line endings are read as LF", definitions.abcs(name).display());
        assert!(ran.stderr.contains(&warning), "{name}: {}", ran.stderr);
    }
    for name in ["file/run", "line/run", "line/finish"] {
        assert!(!read(definitions.scan(name)).contains('\r'), "{name}");
    }
    assert!(
        read(definitions.scan("line/run")).ends_with(" -- true\n"),
        "{}",
        read(definitions.scan("line/run"))
    );
}

#[test]
fn words_that_are_wrong_are_named_before_anything_is_done() {
    needs!(root);
    let definitions = Definitions::new("words");
    for (options, said) in [
        (&["--scan-dir="][..], "--scan-dir '': is not an absolute path"),
        (&["--scan-dir", "scan"], "--scan-dir 'scan': is not an absolute path"),
        (&["--from", "x"], "--from 'x': is not an absolute path"),
        (&["more"], "takes no arguments other than options"),
    ] {
        let ran = definitions.sync(options);
        assert_eq!(ran.code, 100, "{options:?}");
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    definitions.line("rights", "--user root -- id");
    let ran = definitions.sync(&[]);
    assert!(ran.stderr.contains("hint: remove the option: the service runs as abc"), "{}", ran.stderr);
    let volume = support::boot::Volume::new("words-hermes");
    let mut command = volume.command(&[]);
    let ran = Ran::of(&finish(command.env("HERMES_HOME", "home")));
    assert_eq!(ran.code, 100);
    assert!(ran.stderr.contains("HERMES_HOME 'home': is not an absolute path"), "{}", ran.stderr);
}

#[test]
fn explain_shows_a_published_service_as_in_its_definition_directory() {
    needs!(root);
    let definitions = Definitions::new("explained");
    definitions.line("mine", "--interval 60 -- ./beat");
    let beat = definitions.write("mine/beat", "#!/bin/sh\n");
    set_mode(&beat, 0o755);
    definitions.write("mine/config.env", "A=1\n");
    definitions.sync(&[]);
    let mut command = std::process::Command::new(definitions.scratch.futo());
    let page = support::launching::finish(command.arg("explain").arg(definitions.scan("mine")));
    let page = support::stdout(&page);
    let directory = definitions.abcs("mine").display().to_string();
    for line in [
        format!("service      mine in {}", definitions.scan("mine").display()),
        format!("directory    {directory}\n"),
        format!("A  ({directory}/config.env:1)"),
        "problems     none".to_string(),
    ] {
        assert!(page.contains(&line), "{line}: {page}");
    }
}

#[test]
fn a_published_service_behaves_as_in_its_definition_directory() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("behaves");
    let name = "sync-behaves";
    definitions.line(
        name,
        "--env-file more.env --log out/the.log --state-dir state --interval 1000 --lock a.lock --if-file tool \
         --wait-for file:more.env -- sh -c 'echo \"$(id -un) $PWD $A $B $HOME $(./tool)\"; exec sleep 1000'",
    );
    definitions.write(&format!("{name}/config.env"), "A=from-config\n");
    definitions.write(&format!("{name}/more.env"), "B=from-more\n");
    let tool = definitions.write(&format!("{name}/tool"), "#!/bin/sh\necho tool\n");
    set_mode(&tool, 0o755);
    definitions.line("sync-plain", "-- sh -c 'echo plain; exec sleep 1000'");
    definitions.write("sync-plain/notification-fd", "3\n");
    definitions.sync(&[]);
    let svscan = Svscan::on_directory("behaves", &definitions.scan(""), &[]);
    let directory = definitions.abcs(name);
    let log = eventually_contains(&directory.join("out/the.log"), "tool");
    assert_eq!(log, format!("abc {} from-config from-more /config tool\n", directory.display()));
    assert!(directory.join("a.lock").exists());
    eventually("the record", || directory.join(format!("state/{name}.json")).exists().then_some(()));
    logs("sync-plain", "plain");
    assert_eq!(svscan.svstat("up", "sync-plain"), ["true"]);
    let names: Vec<_> =
        fs::read_dir(&directory).expect("listed").map(|e| e.expect("an entry").file_name()).collect();
    assert!(!names.iter().any(|name| name == "supervise" || name == "event"), "{names:?}");
}

#[test]
fn a_resting_service_restarts_when_its_definition_is_fixed() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("fixed");
    let name = "sync-fixed";
    definitions.line(name, "-- ./missing");
    definitions.write("sync-config/config.env", "A=$(reboot)\n");
    definitions.line("sync-config", "-- sh -c 'echo \"fixed $A\"; exec sleep 1000'");
    definitions.sync(&[]);
    let svscan = Svscan::on_directory("fixed", &definitions.scan(""), &[]);
    let log = support::state(&format!("{name}.log"));
    eventually_contains(&log, "resting until");
    logs("sync-config", "resting until");
    let pid = svscan.pid("sync-config");
    // the user's own files are watched where they are
    definitions.write("sync-config/config.env", "A=now\n");
    logs("sync-config", "fixed now");
    assert_eq!(svscan.pid("sync-config"), pid);
    // and a new run where it is published
    definitions.line(name, "-- sh -c 'echo works; exec sleep 1000'");
    assert_eq!(definitions.sync(&["--json"]).change(name), "updated");
    eventually_contains(&log, "works");
}
