//! Users and groups by name and by number.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::launching::{code, command, finish, with_file_at};
use crate::support::{AS_ABC, Probe, Scratch, has_capability, needs, passwd, said, set_mode, stdout};
use crate::{as_abc, by_launcher, by_tool, refused, rows, support};

const CAP_SYS_RESOURCE: u32 = 24;

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
    let expected = "futo-launch: fatal: --user: uid 12345 has no entry in /etc/passwd that would tell its group\n\
                    futo-launch: hint: write --user 12345:GID\n";
    assert_eq!(refused(&scratch, &[], &["--user", "12345"]), (100, expected.to_string()));
}

#[test]
fn unknown_names_are_refused_all_at_once() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("unknown");
    let expected = "futo-launch: fatal: --user: no user 'nosuch' in /etc/passwd\n\
                    futo-launch: hint: a user known to LDAP or systemd only is named by its numbers: --user UID:GID\n";
    assert_eq!(refused(&scratch, &[], &["--user", "nosuch"]), (100, expected.to_string()));
    let expected = "futo-launch: fatal: --user: no group 'nosuch' in /etc/group\n\
                    futo-launch: hint: a group may be named by its number\n";
    assert_eq!(refused(&scratch, &[], &["--user", "abc:nosuch"]), (100, expected.to_string()));
    let expected = "futo-launch: fatal: --groups: no group 'nope' in /etc/group\n\
                    futo-launch: hint: a group may be named by its number\n\
                    futo-launch: fatal: --groups: no group 'nope2' in /etc/group\n\
                    futo-launch: hint: a group may be named by its number\n";
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
        let proof = "unable to become uid 4294967295: uids read back differ";
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
                    futo-launch: hint: name the worker's user: --user USER or --user UID:GID\n";
    assert_eq!(refused(&scratch, &with_file_at(&file, "/etc/passwd"), &[]), (100, expected.to_string()));
}

#[test]
fn who_already_is_that_user_goes_on_unchanged() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("already");
    for options in [
        [].as_slice(),
        &["--user", "abc"],
        &["--user", "911"],
        &["--user", "911:911"],
        &["--user", "abc:abc"],
        &["--user", "abc", "--groups", "futob,futoa"],
    ] {
        let output =
            finish(scratch.launch_by(&as_abc(), &scratch.path, options).arg("--").arg(scratch.probe()));
        assert_eq!(Probe::of(&output).identity(), rows(911, 911, "911 9101 9102"), "{options:?}");
        assert_eq!(said(&output), "", "{options:?}");
    }
}

#[test]
fn differs_from_s6_setuidgid_chpst_and_setpriv_which_fail_where_nothing_is_to_be_done() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("already-peers");
    for tool in [
        ["s6-setuidgid", "abc"].as_slice(),
        &["s6-setuidgid", "911:911"],
        &["chpst", "-u", "abc"],
        &["setpriv", "--reuid=abc", "--regid=abc", "--init-groups"],
    ] {
        let words: Vec<&str> = AS_ABC.iter().chain(tool).copied().collect();
        let output = finish(command(&words, &scratch.path).arg(scratch.probe()));
        assert_ne!(code(&output), 0, "{tool:?}");
    }
}

#[test]
fn asking_for_another_user_without_root_is_refused_with_a_hint() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("not-root");
    let remedy = "futo-launch: hint: run by root, or leave the option out to stay the user you are\n";
    for (options, what) in [
        (["--user", "root"].as_slice(), "--user: only root can become 'root' (uid 0, gid 0)"),
        (&["--user", "abc:futoa"], "--user: only root can become 'abc' (uid 911, gid 9101)"),
        (&["--user", "12345:12345"], "--user: only root can become uid 12345, gid 12345"),
        (&["--groups", "none"], "--groups: only root can become a member of other groups"),
        (&["--groups", "root"], "--groups: only root can become a member of other groups"),
    ] {
        let expected = format!("futo-launch: fatal: {what}\n{remedy}");
        assert_eq!(refused(&scratch, &as_abc(), options), (100, expected), "{options:?}");
    }
}

#[test]
fn a_user_that_is_uid_0_stays_root_with_a_warning_unless_root_was_asked_for() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("uid0");
    let warning = "TIME probe: warning: the worker's user is uid 0: there is nothing to drop\n\
                   TIME probe: hint: --user root says that this is intended\n";
    for user in ["root", "0", "0:0"] {
        let output = finish(scratch.launch(&scratch.path, &["--user", user]).arg("--").arg(scratch.probe()));
        assert_eq!(Probe::of(&output).get("uids"), "0 0 0 0", "{user}");
        assert_eq!(said(&output), "", "{user}");
    }
    // what linuxserver.io images make of PUID=0
    let file = passwd(&scratch, |line| Some(line.replace("abc:x:911:911:", "abc:x:0:0:")));
    let prefix = with_file_at(&file, "/etc/passwd");
    let output = finish(scratch.launch_by::<_, &str>(&prefix, &scratch.path, &[]).arg(scratch.probe()));
    let probe = Probe::of(&output);
    assert_eq!(
        (probe.get("uids"), probe.env("HOME"), probe.env("USER")),
        ("0 0 0 0", Some("/config"), Some("abc"))
    );
    assert_eq!(said(&output), warning);
}

#[test]
fn a_group_asked_for_root_is_set_as_setpriv_sets_it() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("root-group");
    let rows = |probe: &Probe| {
        (probe.get("uids").to_string(), probe.get("gids").to_string(), probe.get("groups").to_string())
    };
    let setpriv = ["setpriv", "--reuid=0", "--regid=futoa", "--groups=9101,9102", "--"];
    let expected = rows(&by_tool(&scratch, &setpriv));
    assert_eq!(expected.1, "9101 9101 9101 9101");
    assert_eq!(rows(&by_launcher(&scratch, &["--user", "root:futoa"])), expected);
    assert_eq!(rows(&by_launcher(&scratch, &["--user", "root:futoa", "--groups", "futob"])), expected);
    assert_eq!(by_launcher(&scratch, &["--user", "root", "--groups", "futob"]).get("groups"), "0 9102");
    // PUID=0 PGID=9101
    let file = passwd(&scratch, |line| Some(line.replace("abc:x:911:911:", "abc:x:0:9101:")));
    let prefix = with_file_at(&file, "/etc/passwd");
    let output = finish(scratch.launch_by::<_, &str>(&prefix, &scratch.path, &[]).arg(scratch.probe()));
    assert_eq!(rows(&Probe::of(&output)), expected);
}

#[test]
fn a_drop_that_root_could_take_back_never_reaches_the_worker() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("regain");
    // with this bit the capabilities outlive setuid: s6-setuidgid runs the worker all the same
    let prefix: Vec<OsString> =
        ["setpriv", "--securebits=+no_setuid_fixup", "--"].iter().map(OsString::from).collect();
    let expected = "TIME probe: fatal: unable to drop root: uid 0 could be taken back after the drop\n";
    assert_eq!(refused(&scratch, &prefix, &[]), (111, expected.to_string()));
}

#[test]
fn a_drop_that_the_container_forbids_names_the_step_and_the_capability() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("capability");
    for (capability, options, step) in [
        ("setgid", [].as_slice(), "set supplementary groups 911,9101,9102"),
        ("setuid", &[], "set uid 911"),
        ("sys_nice", &["--nice", "-5"], "set nice to -5"),
        ("sys_resource", &["--ulimit", "nofile=unlimited"], "set ulimit nofile to unlimited:unlimited"),
    ] {
        let prefix: Vec<OsString> =
            ["setpriv", &format!("--bounding-set=-{capability}"), "--"].iter().map(OsString::from).collect();
        // to set a niceness without the right is EACCES
        let why = if capability == "sys_nice" { "permission denied" } else { "operation not permitted" };
        let name = capability.to_uppercase();
        let hint = format!("it needs the capability CAP_{name}; for a container: --cap-add {name}");
        let expected = format!("TIME probe: fatal: unable to {step}: {why}\nTIME probe: hint: {hint}\n");
        assert_eq!(refused(&scratch, &prefix, options), (111, expected), "{capability}");
    }
}

#[test]
fn ambient_and_inheritable_capabilities_give_the_worker_nothing() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("ambient");
    let prefix = ["setpriv", "--inh-caps=+net_admin", "--ambient-caps=+net_admin", "--"];
    let root = by_tool(&scratch, &prefix);
    assert_ne!(root.get("capabilities"), "0000000000000000");
    let output = finish(scratch.launch_by::<_, &str>(&prefix, &scratch.path, &[]).arg(scratch.probe()));
    assert_eq!(Probe::of(&output).get("capabilities"), "0000000000000000");
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

/// HOME, USER, LOGNAME as the worker finds them, with those of root inherited.
fn names(scratch: &Scratch, prefix: &[OsString], options: &[&str]) -> [Option<String>; 3] {
    let mut words: Vec<OsString> = prefix.to_vec();
    words.push(scratch.launcher().into());
    words.extend(options.iter().map(OsString::from));
    words.extend(["--".into(), scratch.probe().into()]);
    let mut command = command(&words, &scratch.path);
    let output = finish(command.env("HOME", "/inherited").env("USER", "somebody").env("LOGNAME", "somebody"));
    let probe = Probe::of(&output);
    ["HOME", "USER", "LOGNAME"].map(|name| probe.env(name).map(str::to_string))
}

#[test]
fn home_user_and_logname_are_those_of_the_workers_user() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("home");
    let some =
        |home: &str, name: &str| [Some(home.to_string()), Some(name.to_string()), Some(name.to_string())];
    // abc lives in /config, whatever /etc/passwd says (it says /home/abc)
    assert_eq!(names(&scratch, &[], &[]), some("/config", "abc"));
    assert_eq!(names(&scratch, &[], &["--user", "911:12345"]), some("/config", "abc"));
    assert_eq!(names(&scratch, &[], &["--home", "/srv"]), some("/srv", "abc"));
    assert_eq!(names(&scratch, &[], &["--user", "games"]), some("/usr/games", "games"));
    assert_eq!(names(&scratch, &[], &["--user", "root"]), some("/root", "root"));
    // nobody's names are left over, and root's home is not handed on
    assert_eq!(names(&scratch, &[], &["--user", "12345:12345"]), [Some("/".to_string()), None, None]);
    // the current user keeps the home that was inherited
    assert_eq!(names(&scratch, &as_abc(), &[]), some("/inherited", "abc"));
    assert_eq!(names(&scratch, &as_abc(), &["--home", "/srv"]), some("/srv", "abc"));
}

#[test]
fn a_home_that_is_no_absolute_path_is_refused() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("home-relative");
    let (code, said) = refused(&scratch, &[], &["--home", "config"]);
    assert_eq!(
        (code, said.as_str()),
        (100, "futo-launch: fatal: --home: invalid value 'config': is not an absolute path\n")
    );
}

#[test]
fn umask_is_the_workers_and_by_default_the_inherited_one() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("umask");
    let prefix = ["sh", "-c", "umask 0137; exec \"$@\"", "sh"];
    let umask = |options: &[&str]| {
        let output = finish(scratch.launch_by(&prefix, &scratch.path, options).arg(scratch.probe()));
        Probe::of(&output).get("umask").to_string()
    };
    assert_eq!(umask(&[]), "0137");
    assert_eq!(umask(&["--umask", "027"]), "0027");
    assert_eq!(umask(&["--umask", "0"]), "0000");
    assert_eq!(umask(&["--once", "--umask", "077"]), "0077");
    assert_eq!(refused(&scratch, &[], &["--umask", "8"]).0, 100);
}

#[test]
fn chdir_is_entered_as_the_user_and_finds_relative_programs() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("chdir");
    let directory = scratch.directory_of_abc("private");
    set_mode(&directory, 0o700);
    let path = directory.to_str().expect("text");
    assert_eq!(by_launcher(&scratch, &["--chdir", path]).get("cwd"), path);
    assert_eq!(by_launcher(&scratch, &["--chdir", "private"]).get("cwd"), path);
    scratch.probe();
    let output = finish(&mut scratch.launch(&scratch.path, &["--chdir", "bin", "./probe"]));
    assert_eq!(Probe::of(&output).get("cwd"), scratch.join("bin").to_str().expect("text"));

    let roots = scratch.join("roots");
    fs::create_dir(&roots).expect("a directory");
    set_mode(&roots, 0o700);
    for (name, why) in [("roots", "permission denied"), ("absent", "no such file or directory")] {
        let expected = format!(
            "TIME probe: fatal: unable to change to directory '{name}': {why}\n\
             TIME probe: hint: it is entered as the worker's user\n"
        );
        assert_eq!(refused(&scratch, &[], &["--chdir", name]), (100, expected));
    }
}

#[test]
fn no_new_privs_is_set_only_if_asked_for() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("privs");
    assert_eq!(by_launcher(&scratch, &[]).get("no_new_privs"), "0");
    let ours = by_launcher(&scratch, &["--no-new-privs"]);
    let setpriv = ["setpriv", "--reuid=abc", "--regid=abc", "--init-groups", "--no-new-privs", "--"];
    assert_eq!(ours.get("no_new_privs"), by_tool(&scratch, &setpriv).get("no_new_privs"));
    assert_eq!(ours.get("no_new_privs"), "1");
}

#[test]
fn ulimits_hold_for_the_worker_as_prlimit_sets_them() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("ulimit");
    let limits =
        |prefix: &[&str]| stdout(&finish(command(prefix, &scratch.path).args(["cat", "/proc/self/limits"])));
    let launcher = scratch.launcher();
    let ours = limits(&[
        launcher.to_str().expect("text"),
        "--ulimit",
        "nofile=512:1024",
        "--ulimit",
        "core=0",
        "--ulimit",
        "stack=4194304:unlimited",
        "--ulimit",
        "nproc=4000",
    ]);
    let theirs =
        limits(&["prlimit", "--nofile=512:1024", "--core=0:0", "--stack=4194304:", "--nproc=4000:4000"]);
    assert_eq!(ours, theirs);
    assert_eq!(by_launcher(&scratch, &["--ulimit", "nofile=512:1024"]).get("nofile"), "512:1024");
    // the last of a name counts
    let again = ["--ulimit", "nofile=512", "--ulimit", "nofile=256"];
    assert_eq!(by_launcher(&scratch, &again).get("nofile"), "256:256");
    // lowering needs no root, raising does
    let lower =
        finish(scratch.launch_by(&as_abc(), &scratch.path, &["--ulimit", "nofile=256"]).arg(scratch.probe()));
    assert_eq!(Probe::of(&lower).get("nofile"), "256:256");
    let (code, said) = refused(&scratch, &as_abc(), &["--ulimit", "nofile=unlimited"]);
    assert_eq!(code, 111, "{said}");
    assert!(
        said.contains("unable to set ulimit nofile to unlimited:unlimited: operation not permitted"),
        "{said}"
    );
}

#[test]
fn a_file_size_limit_binds_the_worker_and_never_kills_the_launcher() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("ulimit-fsize");
    let service = scratch.service("identity-fsize");
    let state = scratch.directory_of_abc("state");
    let options = ["--state-dir", state.to_str().expect("text"), "--once", "--ulimit", "fsize=0", "--"];
    let output = finish(scratch.launch(&service, &options).args(["touch"]).arg(state.join("ran")));
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(state.join("ran").exists());
    assert!(!said(&output).contains("warning"), "{}", said(&output));
    assert!(support::read(state.join("identity-fsize.json")).contains("\"last_status\":0"));
    // one that was there before the launcher keeps it from writing, not from running the worker
    let output = finish(scratch.launch_by(&["prlimit", "--fsize=0"], &service, &options).args(["true"]));
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(
        said(&output).contains("unable to write the run record of 'identity-fsize': file too large"),
        "{}",
        said(&output)
    );
    // the worker itself is killed by its limit, as ever
    let script = "trap '' TERM; echo more > \"$1\"; echo survived";
    let words =
        ["--once", "--max-failures", "1", "--log", "-", "--ulimit", "fsize=0", "sh", "-c", script, "sh"];
    let output = finish(scratch.launch(&service, &words).arg(state.join("ran")));
    assert_eq!((code(&output), stdout(&output).as_str()), (128 + 25, ""), "{}", said(&output));
    let output = finish(scratch.launch(&service, &["--ulimit", "fsize=0", "nosuchprogram"]).env("HOME", "/"));
    assert_eq!(code(&output), 127, "{}", said(&output));
}

#[test]
fn an_unknown_or_senseless_ulimit_is_refused() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("ulimit-bad");
    for (value, what) in [
        ("files=1", "--ulimit: invalid value 'files=1': names no resource limit"),
        ("nofile=2:1", "--ulimit: invalid value 'nofile=2:1': its soft bound is above its hard bound"),
        ("nofile", "--ulimit: invalid value 'nofile': is not NAME=SOFT[:HARD]"),
    ] {
        let (code, said) = refused(&scratch, &[], &["--ulimit", value]);
        assert_eq!((code, said.lines().next()), (100, Some(format!("futo-launch: fatal: {what}").as_str())));
    }
}

#[test]
fn nice_and_oom_score_adj_are_set_as_root_and_kept_by_the_worker() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("nice");
    let probe = by_launcher(&scratch, &["--nice", "-5"]);
    assert_eq!(probe.get("nice"), "-5");
    assert_eq!(probe.identity(), rows(911, 911, "911 9101 9102"));
    if has_capability(CAP_SYS_RESOURCE) {
        let probe = by_launcher(&scratch, &["--oom-score-adj", "-500"]);
        assert_eq!(probe.get("oom_score_adj"), "-500");
    } else {
        let (code, said) = refused(&scratch, &[], &["--oom-score-adj", "-500"]);
        assert_eq!(code, 111);
        assert!(said.contains("unable to set oom-score-adj to -500: permission denied\n"), "{said}");
        assert!(said.contains("SYS_RESOURCE"), "{said}");
    }
    let probe = by_launcher(&scratch, &["--nice", "7", "--oom-score-adj", "300"]);
    assert_eq!((probe.get("nice"), probe.get("oom_score_adj")), ("7", "300"));
    // the user may do the harmless half
    let output = finish(
        scratch
            .launch_by(&as_abc(), &scratch.path, &["--nice", "7", "--oom-score-adj", "300"])
            .arg(scratch.probe()),
    );
    assert_eq!(Probe::of(&output).get("nice"), "7");
    let (code, said) = refused(&scratch, &as_abc(), &["--nice", "-5"]);
    assert_eq!(code, 111);
    assert!(said.starts_with("TIME probe: fatal: unable to set nice to -5: permission denied\n"), "{said}");
    for options in [["--nice", "20"], ["--nice", "x"], ["--oom-score-adj", "1001"]] {
        assert_eq!(refused(&scratch, &[], &options).0, 100, "{options:?}");
    }
}

#[test]
fn differs_from_chpst_nice_is_absolute() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("nice-absolute");
    assert_eq!(by_tool(&scratch, &["nice", "-n", "3", "chpst", "-n", "4"]).get("nice"), "7");
    let output =
        finish(scratch.launch_by(&["nice", "-n", "3"], &scratch.path, &["--nice", "4"]).arg(scratch.probe()));
    assert_eq!(Probe::of(&output).get("nice"), "4");
}

#[test]
fn differs_from_s6_setuidgid_home_user_and_logname_are_set() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("names");
    let theirs = by_tool(&scratch, &["s6-setuidgid", "abc"]);
    assert_eq!((theirs.env("HOME"), theirs.env("USER")), (None, None));
    let ours = by_launcher(&scratch, &[]);
    assert_eq!(ours.variables(), ["HOME", "LOGNAME", "PATH", "USER"]);
}

#[test]
fn files_of_the_worker_are_the_users() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("files");
    let directory = scratch.directory_of_abc("made");
    let path = directory.join("file");
    let output = finish(scratch.launch(&scratch.path, &["--user", "abc:futoa", "--", "touch"]).arg(&path));
    assert_eq!(code(&output), 0, "{output:?}");
    let made = fs::metadata(&path).expect("made");
    assert_eq!((made.uid(), made.gid()), (911, 9101));
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
        ("12345", Some("12345 0"), "uid 12345 has no entry in /etc/passwd"),
        ("12345:", Some("12345 0"), "its group is empty"),
        ("abc:", Some("911 911"), "its group is empty"),
        (":911", Some("0 911"), "its user is empty"),
        (":", Some("0 0"), "is empty"),
        ("", Some("0 0"), "its user is empty"),
        ("nosuch", None, "no user 'nosuch'"),
        ("abc:nosuch", None, "no group 'nosuch'"),
        ("4294967295", None, "its uid is out of range"),
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
