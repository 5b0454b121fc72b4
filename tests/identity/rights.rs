//! Dropping root: what is refused, and what the worker keeps of it.

use std::ffi::OsString;

use crate::support::launching::{code, command, finish, with_file_at};
use crate::support::{AS_ABC, Probe, Scratch, needs, passwd, said};
use crate::{as_abc, by_launcher, by_tool, refused, rows};

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
    let remedy = "futo-launch: hint: run as root, or omit the option to keep your uid\n";
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
    let warning = "TIME probe: warning: the worker runs as root: no privileges are dropped\n\
                   TIME probe: hint: if this is intended, use --user root\n";
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
    let expected = "TIME probe: fatal: unable to drop root: uid 0 could be regained after the drop\n";
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
        let hint = format!("this requires CAP_{name} (for a container: --cap-add {name})");
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
fn no_new_privs_is_set_only_if_asked_for() {
    needs!(root, "s6-setuidgid", "chpst", "setpriv", "unshare");
    let scratch = Scratch::new("privs");
    assert_eq!(by_launcher(&scratch, &[]).get("no_new_privs"), "0");
    let ours = by_launcher(&scratch, &["--no-new-privs"]);
    let setpriv = ["setpriv", "--reuid=abc", "--regid=abc", "--init-groups", "--no-new-privs", "--"];
    assert_eq!(ours.get("no_new_privs"), by_tool(&scratch, &setpriv).get("no_new_privs"));
    assert_eq!(ours.get("no_new_privs"), "1");
}
