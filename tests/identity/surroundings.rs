//! HOME, USER and LOGNAME, directory, umask and files of the worker.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::launching::{code, command, finish};
use crate::support::{Probe, Scratch, needs, set_mode};
use crate::{as_abc, by_launcher, by_tool, refused};

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
             TIME probe: hint: the worker's user needs search permission on it and every directory above it\n"
        );
        assert_eq!(refused(&scratch, &[], &["--chdir", name]), (100, expected));
    }
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
