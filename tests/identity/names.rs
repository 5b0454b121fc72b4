//! Users and groups by name and by number.

use crate::support::launching::{code, command, finish, with_file_at};
use crate::support::{Probe, Scratch, needs, passwd};
use crate::{by_launcher, by_tool, refused, rows};

#[test]
fn a_name_gives_the_ids_and_groups_that_s6_setuidgid_and_setpriv_give() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("name");
    let ours = by_launcher(&scratch, &["--user", "abc"]).identity();
    assert_eq!(ours, rows(911, 911, "911 9101 9102"));
    assert_eq!(ours, by_tool(&scratch, &["s6-setuidgid", "abc"]).identity());
    let setpriv = ["setpriv", "--reuid=abc", "--regid=abc", "--init-groups", "--"];
    assert_eq!(ours, by_tool(&scratch, &setpriv).identity());
}

#[test]
fn root_becomes_abc_by_default() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("default");
    assert_eq!(by_launcher(&scratch, &[]).identity(), rows(911, 911, "911 9101 9102"));
}

#[test]
fn differs_from_chpst_a_name_brings_all_its_groups() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("chpst-name");
    assert_eq!(by_tool(&scratch, &["chpst", "-u", "abc"]).get("groups"), "911");
    assert_eq!(by_launcher(&scratch, &["--user", "abc"]).get("groups"), "911 9101 9102");
    // and what chpst does by default is one option away
    assert_eq!(
        by_launcher(&scratch, &["--user", "abc", "--groups", "none"]).identity(),
        by_tool(&scratch, &["chpst", "-u", "abc"]).identity()
    );
    assert_eq!(
        by_launcher(&scratch, &["--user", "abc:futoa", "--groups", "futob"]).identity(),
        by_tool(&scratch, &["chpst", "-u", "abc:futoa:futob"]).identity()
    );
}

#[test]
fn a_name_with_a_group_gives_what_initgroups_gives_for_both() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare", "python3");
    let scratch = Scratch::new("name-group");
    let initgroups = "import os, sys\nos.initgroups('abc', 9101)\nos.setresgid(9101, 9101, 9101)\n\
                      os.setresuid(911, 911, 911)\nos.execv(sys.argv[1], sys.argv[1:])";
    let expected = by_tool(&scratch, &["python3", "-c", initgroups]).identity();
    assert_eq!(expected, rows(911, 9101, "9101 9102"));
    for group in ["futoa", "9101"] {
        assert_eq!(by_launcher(&scratch, &["--user", &format!("abc:{group}")]).identity(), expected);
    }
}

#[test]
fn differs_from_setpriv_the_group_named_replaces_the_accounts_own() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("setpriv-group");
    let setpriv = by_tool(&scratch, &["setpriv", "--reuid=abc", "--regid=futoa", "--init-groups", "--"]);
    assert_eq!(setpriv.get("groups"), "911 9101 9102");
    assert_eq!(by_launcher(&scratch, &["--user", "abc:futoa"]).get("groups"), "9101 9102");
}

#[test]
fn numbers_without_an_account_give_what_s6_setuidgid_and_chpst_give() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("numbers");
    let ours = by_launcher(&scratch, &["--user", "12345:12346"]);
    assert_eq!(ours.identity(), rows(12345, 12346, "12346"));
    assert_eq!(ours.identity(), by_tool(&scratch, &["s6-setuidgid", "12345:12346"]).identity());
    assert_eq!(ours.identity(), by_tool(&scratch, &["chpst", "-u", ":12345:12346"]).identity());
}

#[test]
fn differs_from_s6_setuidgid_numbers_of_an_account_bring_its_groups() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("numbers-account");
    assert_eq!(by_tool(&scratch, &["s6-setuidgid", "911:9101"]).get("groups"), "9101");
    let ours = by_launcher(&scratch, &["--user", "911:9101"]);
    assert_eq!(ours.identity(), rows(911, 9101, "9101 9102"));
    assert_eq!(ours.env("USER"), Some("abc"));
}

#[test]
fn differs_from_s6_setuidgid_and_chpst_a_bare_uid_with_an_account_has_its_group() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("uid-account");
    for tool in [["s6-setuidgid", "911", "--"].as_slice(), &["chpst", "-u", ":911"]] {
        let output = finish(command(tool, &scratch.path).arg(scratch.probe()));
        assert_ne!(code(&output), 0, "{tool:?}");
    }
    assert_eq!(by_launcher(&scratch, &["--user", "911"]).identity(), rows(911, 911, "911 9101 9102"));
}

#[test]
fn a_bare_uid_without_an_account_is_refused_and_never_gets_gid_0() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("uid");
    let expected = "futo-launch: fatal: --user: uid 12345 is not in /etc/passwd, so its group is unknown\n\
                    futo-launch: hint: write --user 12345:GID\n";
    assert_eq!(refused(&scratch, &[], &["--user", "12345"]), (100, expected.to_string()));
}

#[test]
fn unknown_names_are_refused_all_at_once() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("unknown");
    let expected = "futo-launch: fatal: --user: no user 'nosuch' in /etc/passwd\n\
                    futo-launch: hint: for a user known only to LDAP or systemd, give the numbers: --user UID:GID\n";
    assert_eq!(refused(&scratch, &[], &["--user", "nosuch"]), (100, expected.to_string()));
    let expected = "futo-launch: fatal: --user: no group 'nosuch' in /etc/group\n\
                    futo-launch: hint: a group can also be given by number\n";
    assert_eq!(refused(&scratch, &[], &["--user", "abc:nosuch"]), (100, expected.to_string()));
    let expected = "futo-launch: fatal: --groups: no group 'nope' in /etc/group\n\
                    futo-launch: hint: a group can also be given by number\n\
                    futo-launch: fatal: --groups: no group 'nope2' in /etc/group\n\
                    futo-launch: hint: a group can also be given by number\n";
    assert_eq!(refused(&scratch, &[], &["--groups", "nope,futoa,nope2"]), (100, expected.to_string()));
}

#[test]
fn minus_one_is_no_id_in_an_option_nor_in_the_account_files() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("minus-one");
    for user in ["4294967295", "4294967295:911", "911:4294967295", "-1", "abc:-1"] {
        let (code, said) = refused(&scratch, &[], &["--user", user]);
        assert_eq!(code, 100, "{user}: {said}");
    }
    // to setresuid and setresgid it means: leave it as it is
    for line in ["abc:x:4294967295:911::/:/bin/sh", "abc:x:911:4294967295::/:/bin/sh"] {
        let file = passwd(&scratch, |each| {
            Some(if each.starts_with("abc:") { line.to_string() } else { each.to_string() })
        });
        let (code, said) = refused(&scratch, &with_file_at(&file, "/etc/passwd"), &[]);
        assert_eq!(code, 111, "{line}: {said}");
        let proof = "unable to become uid 4294967295: uids differ when read back";
        let refusal = "unable to set supplementary groups 4294967295,9101,9102: invalid argument";
        assert!(said.contains(proof) || said.contains(refusal), "{said}");
    }
}

#[test]
fn where_there_is_no_abc_the_error_names_user() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("no-abc");
    let file = passwd(&scratch, |line| (!line.starts_with("abc:")).then(|| line.to_string()));
    let expected = "futo-launch: fatal: no user 'abc' in /etc/passwd, and no --user given\n\
                    futo-launch: hint: set the worker's user: --user USER or --user UID:GID\n";
    assert_eq!(refused(&scratch, &with_file_at(&file, "/etc/passwd"), &[]), (100, expected.to_string()));
}

#[test]
fn groups_replace_those_of_the_user_and_none_leaves_the_primary_one() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("groups");
    let groups = |options: &[&str]| by_launcher(&scratch, options).get("groups").to_string();
    assert_eq!(groups(&["--groups", "none"]), "911");
    assert_eq!(groups(&["--groups", "futob"]), "911 9102");
    assert_eq!(groups(&["--groups", "futob,12345,futob,911"]), "911 9102 12345");
    assert_eq!(groups(&["--user", "12345:12346", "--groups", "futoa"]), "9101 12346");
}

#[test]
fn differs_from_gosu_in_the_groups_of_user_and_group_and_takes_nothing_empty() {
    needs!(root, "gosu");
    let scratch = Scratch::new("gosu");
    let by_gosu = |user: &str| {
        let output = finish(command(&["gosu", user], &scratch.path).arg(scratch.probe()));
        (code(&output) == 0).then(|| Probe::of(&output))
    };
    let by_us =
        |user: &str, groups: &[&str]| by_launcher(&scratch, &[&["--user", user], groups].concat()).identity();
    let ids = rows;
    let all = "911 9101 9102";
    // (USER, gosu, ours); gosu's list of groups lacks the primary one, which counts anyway
    for (user, gosu, launcher) in [
        ("abc", ids(911, 911, "9101 9102"), ids(911, 911, all)),
        ("911", ids(911, 911, "9101 9102"), ids(911, 911, all)),
        ("abc:abc", ids(911, 911, ""), ids(911, 911, all)),
        ("911:911", ids(911, 911, ""), ids(911, 911, all)),
        ("abc:futoa", ids(911, 9101, ""), ids(911, 9101, "9101 9102")),
        ("12345:12345", ids(12345, 12345, ""), ids(12345, 12345, "12345")),
    ] {
        let probe = by_gosu(user).unwrap_or_else(|| panic!("gosu {user}"));
        assert_eq!(probe.identity(), gosu, "gosu {user}");
        assert_eq!(by_us(user, &[]), launcher, "{user}");
    }
    assert_eq!(by_us("abc:abc", &["--groups", "none"]), ids(911, 911, "911"));
    for (user, gosu, says) in [
        ("12345", Some("12345 0"), "uid 12345 is not in /etc/passwd"),
        ("12345:", Some("12345 0"), "the group is empty"),
        ("abc:", Some("911 911"), "the group is empty"),
        (":911", Some("0 911"), "the user is empty"),
        (":", Some("0 0"), "is empty"),
        ("", Some("0 0"), "the user is empty"),
        ("nosuch", None, "no user 'nosuch'"),
        ("abc:nosuch", None, "no group 'nosuch'"),
        ("4294967295", None, "the uid is out of range"),
    ] {
        let first = |ids: &str| ids.split(' ').next().map(String::from).expect("an id");
        let probed =
            by_gosu(user).map(|probe| format!("{} {}", first(probe.get("uids")), first(probe.get("gids"))));
        assert_eq!(probed.as_deref(), gosu, "gosu {user:?}");
        let (exit, said) = refused(&scratch, &[], &["--user", user]);
        assert!(exit == 100 && said.contains(says), "{user:?}: {exit} {said}");
    }
    let probe = by_gosu("abc").expect("gosu");
    assert_eq!(probe.env("HOME"), Some("/home/abc"));
    assert_eq!(probe.env("USER"), None);
}
