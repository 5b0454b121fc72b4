//! What is published, in which form, and how it behaves.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::support;
use crate::support::boot::{Definitions, Ran};
use crate::support::launching::finish;
use crate::support::{
    Scratch, Svscan, eventually, eventually_contains, logs, needs, own_by_abc, read, rights, set_mode,
    snapshot,
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
fn roots_own_definitions_keep_their_rights_and_come_first() {
    needs!(root);
    let definitions = Definitions::new("roots");
    definitions.write_roots("a/run", "#!/bin/sh\nexec futo-launch --user root --nice -5 -- id\n");
    definitions.line("a", "-- mine");
    definitions.line("b", "-- mine");
    let ran = definitions.sync(&[]);
    assert_eq!(ran.stdout, "sync: service=a action=published\nsync: service=b action=published\n");
    assert!(
        ran.stderr.contains("is passed over: ") && ran.stderr.contains("has the same name"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.code, 0);
    let run = read(definitions.scan("a/run"));
    let directory = definitions.roots("a").display().to_string();
    assert!(
        run.ends_with(&format!(" --user=root --nice=-5 --name=a --service-dir {directory} -- id\n")),
        "{run}"
    );
    assert!(!definitions.scan("a/supervise").exists(), "root's is not delegated");
    // one thing in it that others can write, and it is theirs
    set_mode(definitions.roots("a"), 0o775);
    std::os::unix::fs::chown(definitions.roots("a"), None, Some(911)).expect("its group");
    let ran = definitions.sync(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("user may be abc only"), "{}", ran.stderr);
    assert_eq!(read(definitions.scan("a/run")), run, "what was published before stays");
}

#[test]
fn a_definition_never_gets_more_rights_than_its_writers_have() {
    needs!(root);
    let definitions = Definitions::new("rights");
    let bad = [
        ("user", "--user root -- id"),
        ("uid", "--user 0:0 -- id"),
        ("group", "--user abc:root -- id"),
        ("groups", "--groups root -- id"),
        ("nice", "--nice -1 -- id"),
        ("oom", "--oom-score-adj -1000 -- id"),
        ("fd", "--keep-fd 4 -- id"),
        ("secrets", "--container-env /root -- id"),
        ("file", "--file /etc/shadow"),
        ("dir", "--service-dir /etc -- id"),
        ("limit", "--ulimit nofile=unlimited -- id"),
    ];
    for (name, words) in bad {
        definitions.line(name, words);
    }
    definitions.write("toml/run", "#!/usr/local/bin/futo-launch --file\nuser = 'root'\nexec = ['id']\n");
    definitions.line("finish", "-- id");
    definitions.write("finish/finish", "#!/bin/sh\nexec futo-launch --user root -- id\n");
    definitions.line("log", "-- id");
    definitions.write("log/log/run", "#!/bin/sh\nexec futo-launch --user root -- id\n");
    definitions.line("good", "-- id");
    let ran = definitions.sync(&[]);
    assert_eq!(ran.code, 1);
    for name in bad.map(|(name, _)| name).iter().chain(&["toml", "finish", "log"]) {
        assert!(ran.stdout.contains(&format!("service={name} action=failed\n")), "{name}: {}", ran.stdout);
        assert!(ran.stderr.contains(&format!("futo: fatal: {name}: ")), "{name}: {}", ran.stderr);
        assert!(!definitions.scan(name).exists(), "{name}");
    }
    assert!(ran.stdout.contains("service=good action=published"));
}

#[test]
fn hostile_definitions_are_named_and_all_others_go_on() {
    needs!(root);
    let definitions = Definitions::new("hostile");
    let secret = definitions.scratch.write("secret", "#!/bin/sh\nexec futo-launch -- id\n", 0o600);
    let abcs = |path: &str| {
        let path = definitions.abcs(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        own_by_abc(path.parent().expect("a directory"));
        path
    };
    symlink(&secret, abcs("a-link/run")).expect("a link");
    nix::unistd::mkfifo(&abcs("b-fifo/run"), nix::sys::stat::Mode::from_bits_truncate(0o666))
        .expect("a FIFO");
    fs::create_dir(abcs("c-directory/run")).expect("a directory");
    let huge = fs::File::create(abcs("d-huge/run")).expect("a file");
    huge.set_len(200 << 20).expect("200 MB, sparse");
    fs::write(abcs("e-binary/run"), b"\x7fELF\xff\xfe").expect("written");
    symlink(definitions.roots(""), definitions.abcs("f-linked")).expect("a link");
    fs::copy(&secret, abcs("g-roots/run")).expect("a copy");
    set_mode(definitions.abcs("g-roots/run"), 0o700);
    definitions.line("h-down", "-- id");
    symlink("/etc/shadow", definitions.abcs("h-down/down")).expect("a link");
    definitions.line("i-log", "-- id");
    symlink(definitions.roots(""), definitions.abcs("i-log/log")).expect("a link");
    definitions.write_roots("run", "#!/bin/sh\nexec futo-launch -- id\n");
    definitions.line("j-fd", "-- id");
    definitions.write("j-fd/notification-fd", "3\nexec reboot\n");
    definitions.line("k-open", "-- id");
    set_mode(definitions.abcs("k-open"), 0o777);
    definitions.line("new\nline", "-- id");
    definitions.line("z-good", "-- id");
    let ran = definitions.sync(&[]);
    assert_eq!(ran.code, 1);
    for (name, reason) in [
        ("a-link", "it is a symbolic link"),
        ("b-fifo", "it is a FIFO, not a regular file"),
        ("c-directory", "it is a directory, not a regular file"),
        ("d-huge", "it is longer than 65536 bytes"),
        ("f-linked", "it is a symbolic link, which is not followed"),
        ("g-roots", "permission denied"),
        ("h-down", "it is a symbolic link"),
        ("i-log", "'log' is no directory that can be opened"),
        ("j-fd", "it is not a descriptor from 3 up"),
        ("k-open", "is writable by everybody"),
    ] {
        assert!(ran.stdout.contains(&format!("service={name} action=failed\n")), "{name}: {}", ran.stdout);
        let said = ran.stderr.lines().find(|line| line.starts_with(&format!("futo: fatal: {name}: ")));
        assert!(said.is_some_and(|line| line.contains(reason)), "{name}: {}", ran.stderr);
        assert!(!definitions.scan(name).exists(), "{name}");
    }
    assert!(ran.stdout.contains("service=e-binary action=not-ours\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("service=new\\nline action=failed\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("service=z-good action=published\n"));
    assert_eq!(ran.stdout.lines().count(), 13);
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
    assert!(ran.stderr.contains("warning: bash: not ours: "), "{}", ran.stderr);
    let hint = |name| {
        let path = definitions.abcs(name);
        let remedy = "--trust-run publishes it as it is, and whoever can write it can become root";
        format!("write {} as one line, exec futo-launch …; {remedy}\n", path.display())
    };
    assert!(ran.stderr.contains(&format!("hint: {}", hint("bash/run"))), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("hint: remove it, or {}", hint("half/finish"))), "{}", ran.stderr);
    let ran = definitions.sync(&["--trust-run"]);
    assert_eq!(ran.stdout, "sync: service=bash action=published\nsync: service=half action=published\n");
    assert!(ran.stderr.contains("others than root can write it: they can become root"), "{}", ran.stderr);
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
        let warning =
            format!("{}: line ends of CR LF are read as if they were LF", definitions.abcs(name).display());
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
    assert!(ran.stderr.contains("could not be listed: what was made from it stays"), "{}", ran.stderr);
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
    let said = format!("was made from another directory, \"{}\"", definitions.abcs("").display());
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
    assert!(ran.stderr.contains("could not be listed: what was made from it stays"), "{}", ran.stderr);
    assert!(scratch.join("scan/mine/run").exists());
    assert_eq!(named.code, 2, "there is nothing that could be done: {}", named.stderr);
}

#[test]
fn what_is_not_roots_has_a_bound_in_number_and_size() {
    needs!(root);
    let definitions = Definitions::new("bounds");
    let big = format!("-- id {}", "a".repeat(60_000));
    let original = definitions.line("b000", &big);
    for number in 1..=310 {
        let directory = definitions.abcs(format!("b{number:03}"));
        fs::create_dir(&directory).expect("made");
        own_by_abc(&directory);
        fs::hard_link(&original, directory.join("run")).expect("linked");
    }
    definitions.line("z-too-late", "-- id");
    definitions.write_roots("z-roots/run", "#!/bin/sh\nexec futo-launch -- id\n");
    let ran = definitions.sync(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("can write have more than 8388608 bytes"), "{}", ran.stderr);
    let published = ran.stdout.matches("action=published").count();
    assert!((100..150).contains(&published), "{published}");
    assert!(definitions.scan("z-roots/run").exists());
    for number in 0..=310 {
        definitions.line(&format!("b{number:03}"), "-- id");
    }
    let ran = definitions.sync(&[]);
    assert_eq!(ran.stdout.matches("action=failed").count(), 12);
    assert!(ran.stderr.contains("there are more than 300 definitions that others than root can write"));
}

#[test]
fn words_that_are_wrong_are_named_before_anything_is_done() {
    needs!(root);
    let definitions = Definitions::new("words");
    for (options, said) in [
        (&["--scan-dir="][..], "--scan-dir '': is not an absolute path"),
        (&["--scan-dir", "scan"], "--scan-dir 'scan': is not an absolute path"),
        (&["--from", "x"], "--from 'x': is not an absolute path"),
        (&["more"], "takes options only"),
    ] {
        let ran = definitions.sync(options);
        assert_eq!(ran.code, 100, "{options:?}");
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    definitions.line("rights", "--user root -- id");
    let ran = definitions.sync(&[]);
    assert!(ran.stderr.contains("hint: leave the option out: it runs as abc"), "{}", ran.stderr);
    let volume = support::boot::Volume::new("words-hermes");
    let mut command = volume.command(&[]);
    let ran = Ran::of(&finish(command.env("HERMES_HOME", "home")));
    assert_eq!(ran.code, 100);
    assert!(ran.stderr.contains("HERMES_HOME 'home': is not an absolute path"), "{}", ran.stderr);
}

#[test]
fn a_definition_of_abcs_among_roots_is_read_as_abc() {
    needs!(root);
    let definitions = Definitions::new("among");
    let run = definitions.write_roots("abcs/run", "#!/bin/sh\nexec futo-launch -- id\n");
    own_by_abc(run.parent().expect("a directory"));
    set_mode(&run, 0o700);
    let ran = definitions.sync(&[]);
    assert_eq!(ran.stdout, "sync: service=abcs action=failed\n");
    assert!(ran.stderr.contains("permission denied"), "{}", ran.stderr);
}

#[test]
fn a_plain_user_publishes_to_their_own_supervisor() {
    needs!(root);
    let definitions = Definitions::new("plain-user");
    definitions.line("mine", "--nice 5 -- id");
    own_by_abc(&definitions.scan(""));
    let mut command = definitions.command(&[]);
    command.uid(support::ABC).gid(support::ABC);
    let ran = support::boot::Ran::of(&support::launching::finish(&mut command));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let run = read(definitions.scan("mine/run"));
    let directory = definitions.abcs("mine").display().to_string();
    assert!(run.ends_with(&format!(" --nice=5 --name=mine --service-dir {directory} -- id\n")), "{run}");
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
