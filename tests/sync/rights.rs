//! Whose a definition is, and with which rights it is published.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;

use crate::support;
use crate::support::boot::Definitions;
use crate::support::{needs, own_by_abc, read, set_mode};

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
        ran.stderr.contains("is ignored: ") && ran.stderr.contains("has the same name"),
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
    assert!(ran.stderr.contains("user other than abc"), "{}", ran.stderr);
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
        ("f-linked", "symbolic links are not followed"),
        ("g-roots", "permission denied"),
        ("h-down", "it is a symbolic link"),
        ("i-log", "'log' cannot be opened as a directory"),
        ("j-fd", "must be a descriptor number, 3 or higher"),
        ("k-open", "is world-writable"),
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
    assert!(
        ran.stderr.contains("writable by non-root users exceed the limit of 8388608 bytes"),
        "{}",
        ran.stderr
    );
    let published = ran.stdout.matches("action=published").count();
    assert!((100..150).contains(&published), "{published}");
    assert!(definitions.scan("z-roots/run").exists());
    for number in 0..=310 {
        definitions.line(&format!("b{number:03}"), "-- id");
    }
    let ran = definitions.sync(&[]);
    assert_eq!(ran.stdout.matches("action=failed").count(), 12);
    assert!(ran.stderr.contains("the definitions writable by non-root users exceed the limit of 300"));
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
