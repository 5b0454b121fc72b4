//! Who publishes for whom, and what `--harden` adds.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::boot::{Definitions, Ran, Volume};
use crate::support::launching::{command, finish, with_file_at};
use crate::support::{ABC, needs, passwd, read, set_mode, stderr, stdout};
use crate::{support, sync_through};

#[test]
fn a_launcher_that_abc_can_replace_is_never_published_for_root() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    // on the volume, beside futo
    let definitions = Definitions::new("attack-launcher");
    definitions.line("mine", "-- id");
    let volume = Volume::new("attack-launcher-hermes");
    volume.profile_in("coder", "running");
    for (what, path, mode, owner) in [
        ("abc's", definitions.volume.futo(), 0o755, ABC),
        ("writable to all", definitions.scratch.futo().with_file_name("open/futo"), 0o777, 0),
    ] {
        let directory = path.parent().expect("a directory");
        fs::create_dir_all(directory).expect("made");
        for name in ["futo", "futo-launch"] {
            let copy = directory.join(name);
            if !copy.exists() {
                support::copy_by_process(&definitions.scratch.futo().with_file_name(name), &copy);
            }
            set_mode(&copy, mode);
            std::os::unix::fs::lchown(&copy, Some(owner), Some(owner)).expect("its owner");
        }
        for ours in [definitions.command(&[]), volume.command(&[])] {
            let mut command = Command::new(&path);
            command.args(ours.get_args()).env_clear();
            command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let ran = Ran::of(&finish(&mut command));
            assert_eq!(ran.code, 2, "{what}: {}", ran.stderr);
            assert!(ran.stderr.contains("can be replaced by non-root users"), "{what}: {}", ran.stderr);
            assert!(ran.stderr.contains("hint: install futo"), "{what}: {}", ran.stderr);
        }
    }
    assert!(!definitions.scan("mine").exists() && !volume.scan("gateway-coder").exists());

    // not beside futo: what PATH finds is judged too, and published by its whole path
    let alone = definitions.scratch.write("alone/x", "", 0o644).with_file_name("futo");
    support::copy_by_process(&definitions.scratch.futo(), &alone);
    let through = |path: &str| {
        let mut command = Command::new(&alone);
        command.args(definitions.command(&[]).get_args()).env_clear().env("PATH", path);
        Ran::of(&finish(&mut command))
    };
    let abcs = definitions.volume.join("bin");
    let roots = definitions.scratch.join("bin");
    let ran = through(&format!("{}:/usr/bin:/bin", abcs.display()));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let ran = through("/nowhere:.");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("no futo-launch next to this program or on PATH"), "{}", ran.stderr);
    assert!(!definitions.scan("mine").exists());
    let ran = through(&format!("/usr/bin:/bin:{}", roots.display()));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let line = format!("\nexec {}/futo-launch ", roots.display());
    assert!(read(definitions.scan("mine/run")).contains(&line), "{}", read(definitions.scan("mine/run")));
}

#[test]
fn another_member_of_abcs_group_publishes_nothing_as_abc() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let group = |members: &str| -> String {
        let others: String = read("/etc/group")
            .lines()
            .filter(|line| !line.starts_with("abc:"))
            .map(|line| format!("{line}\n"))
            .collect();
        format!("{others}abc:x:911:{members}\n")
    };
    for (what, members, more_passwd, expected) in [
        ("alone", "", "", true),
        ("abc and root", "abc,root", "", true),
        ("a member", "bob", "bob:x:5001:5001::/:/bin/sh\n", false),
        ("by the primary group", "", "bob:x:5001:911::/:/bin/sh\n", false),
        ("known elsewhere", "ldap-user", "", false),
    ] {
        let definitions = Definitions::new("attack-group");
        let run = definitions.line("shared", "-- id");
        set_mode(&run, 0o775);
        definitions.line("own", "-- id");
        let group = definitions.scratch.write("group", &group(members), 0o644);
        let accounts = passwd(&definitions.scratch, |line| Some(line.to_string()));
        fs::write(&accounts, read(&accounts) + more_passwd).expect("written");
        let prefix: Vec<String> = with_file_at(&group, "/etc/group")
            .into_iter()
            .chain(with_file_at(&accounts, "/etc/passwd"))
            .map(|word| word.into_string().expect("text"))
            .collect();
        let prefix: Vec<&str> = prefix.iter().map(String::as_str).collect();
        let ran = sync_through(&definitions, &prefix, &[]);
        assert!(definitions.scan("own/run").exists(), "{what}: {}", ran.stderr);
        assert_eq!(definitions.scan("shared/run").exists(), expected, "{what}: {}", ran.stderr);
        assert_eq!(ran.code, i32::from(!expected), "{what}: {}", ran.stderr);
    }
}

#[test]
fn sync_hardens_what_users_wrote_and_nothing_of_roots() {
    needs!(root, "s6-svscan", "python3", "prlimit", "strace");
    let definitions = Definitions::new("attack-harden");
    definitions.line("mine", "-- id");
    definitions.write_roots("roots/run", "#!/bin/sh\nexec futo-launch -- id\n");
    let hardened = "--user abc --no-new-privs --cap-drop=all --service-dir";
    let line = |name: &str| read(definitions.scan(name).join("run"));
    assert_eq!(definitions.sync(&[]).code, 0);
    assert!(!line("mine").contains(hardened), "not the default: {}", line("mine"));
    let ran = definitions.sync(&["--harden"]);
    assert!(ran.stdout.contains("service=mine action=updated"), "{}", ran.stdout);
    assert!(line("mine").contains(hardened), "{}", line("mine"));
    assert!(!line("roots").contains("--no-new-privs"), "{}", line("roots"));
    // futo new --now publishes as the last sync did
    let mut new = command(&[definitions.scratch.futo()], Path::new("/"));
    new.args(["new", "later", "--now", "--log", "-", "--from"]).arg(definitions.abcs(""));
    new.args(["--scan-dir"]).arg(definitions.scan("")).args(["--", "sleep", "1000"]);
    let output = finish(&mut new);
    let text = format!("{}{}", stdout(&output), stderr(&output));
    assert!(line("mine").contains(hardened), "{}\n{text}", line("mine"));
    assert_eq!(definitions.sync(&["--harden", "--trust-run"]).code, 100);
    assert!(definitions.sync(&[]).stdout.contains("service=mine action=updated"));
    assert!(!line("mine").contains("--no-new-privs"), "{}", line("mine"));
}
