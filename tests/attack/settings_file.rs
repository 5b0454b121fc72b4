//! Which rights a settings file may name, and how root opens it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::launching::{code, finish};
use crate::support::{
    AS_ABC, Probe, Svscan, eventually_contains, needs, own_by_abc, path_str, said, set_mode, stdout,
};
use crate::{Plant, Scene, roots_place};

/// What a settings file says, and what must be said of it.
const RIGHTS: [(&str, &str); 13] = [
    ("user = \"root\"", "user other than abc"),
    ("user = \"games\"", "user other than abc"),
    ("user = \"abc:root\"", "user other than abc"),
    ("user = \"0\"", "user other than abc"),
    ("user = \"911:0\"", "user other than abc"),
    ("user = \"12345:12345\"", "user other than abc"),
    ("groups = [\"root\"]", "groups"),
    ("groups = \"none\"", "groups"),
    ("ulimit = [\"core=unlimited\", \"nofile=1048576\"]", "ulimit nofile above the current limit"),
    ("[ulimit]\nnofile = \"100:unlimited\"", "ulimit nofile above the current limit"),
    ("nice = -1", "nice below 0"),
    ("oom-score-adj = -1", "oom-score-adj below the current value"),
    ("keep-fd = [7]", "keep-fd"),
];

#[test]
fn a_settings_file_that_abc_can_change_names_no_rights_when_root_runs_it() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, abcs, _) = roots_place("attack-rights");
    let leak = ["bash", "-c", "ulimit -n 4096; exec 7</dev/null; exec \"$@\"", "bash"];
    let run = |file: &Path, options: &[&str]| {
        let words: Vec<&str> = ["--file", path_str(file)].iter().chain(options).copied().collect();
        finish(&mut scratch.launch_by(&leak, &scratch.path, &words))
    };
    for (key, what) in RIGHTS {
        let content = format!("exec = [\"echo\", \"ran\"]\n{key}\n");
        // abc's file; root's in a directory of abc's; root's that a group may write
        let own = scratch.write("own", &content, 0o644);
        own_by_abc(&own);
        let inside = scratch.write("abcs/inside", &content, 0o644);
        let group = scratch.write("group", &content, 0o664);
        std::os::unix::fs::chown(&group, Some(0), Some(9101)).expect("chown");
        for file in [&own, &inside, &group] {
            let output = run(file, &[]);
            let line = format!(
                "fatal: {}: {what}: not allowed in a file writable by non-root users\n",
                file.display()
            );
            assert_eq!((code(&output), stdout(&output).as_str()), (100, ""), "{key}: {}", said(&output));
            assert!(said(&output).contains(&line), "{key}: {}", said(&output));
        }
    }
    // what lowers rights, and the user it would be anyhow, may be named
    let harmless = scratch.write(
        "harmless",
        "exec = [\"id\", \"-u\"]\nuser = \"abc\"\nulimit = [\"nofile=100:200\"]\nnice = 5\noom-score-adj = 500\n\
         no-new-privs = true\n",
        0o644,
    );
    own_by_abc(&harmless);
    let output = run(&harmless, &[]);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, "911\n"), "{}", said(&output));
    // rights on the command line are root's word, whatever the file is
    let words = ["--user", "games", "--nice", "-1", "--file", path_str(&harmless)];
    let output = finish(&mut scratch.launch(&scratch.path, &words));
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_ne!(stdout(&output), "911\n");
    // but such a file starts nothing as root
    let output =
        finish(&mut scratch.launch(&scratch.path, &["--user", "root", "--file", path_str(&harmless)]));
    assert_eq!(code(&output), 100);
    assert!(
        said(&output).contains("it is writable by non-root users, and the worker would be root"),
        "{}",
        said(&output)
    );
    drop(abcs);
}

#[test]
fn a_service_whose_name_looks_like_an_option_gets_no_rights_by_it() {
    needs!(root, "strace", "setpriv", "python3", "s6-svscan");
    let (scratch, _, _) = roots_place("attack-option");
    let leak = ["bash", "-c", "exec 7</dev/null; exec \"$@\"", "bash"];
    let content = "exec = [\"echo\", \"ran\"]\nlog = \"-\"\n";
    let own = scratch.write("abcs/run", content, 0o755);
    own_by_abc(&own);
    let roots = scratch.write("roots", content, 0o755);
    for (name, what) in [
        ("--groups=root", "groups"),
        ("--user=games", "user other than abc"),
        ("--user=root", "user other than abc"),
        ("--nice=-20", "nice below 0"),
        ("--oom-score-adj=-1000", "oom-score-adj below the current value"),
        ("--ulimit=nproc=unlimited", "ulimit nproc above the current limit"),
        ("--keep-fd=7", "keep-fd"),
    ] {
        let run = |file: &Path| {
            let mut prefix = leak.to_vec();
            prefix.extend(["prlimit", "--nproc=4000:4000"]);
            finish(&mut scratch.launch_by(&prefix, &scratch.path, &["--file", path_str(file), name]))
        };
        let output = run(&own);
        let expected = format!(
            "futo-launch: fatal: --file '{}': {what}: not allowed after a file writable by non-root users\n\
             futo-launch: hint: write the option before --file\n",
            own.display()
        );
        assert_eq!((code(&output), stdout(&output), said(&output)), (100, String::new(), expected), "{name}");
        // behind root's own file it is an option
        let allowed = run(&roots);
        assert!(!said(&allowed).contains("not allowed"), "{name}: {}", said(&allowed));
    }
    // as s6 calls it
    let svscan = Svscan::start("attack-s6");
    let run = format!("#!{} --file\nscript = 'id -G'\nlog = '-'\n", svscan.scratch.launcher().display());
    let hidden = svscan.scratch.write("scan/.new/run", &run, 0o755);
    own_by_abc(&hidden);
    own_by_abc(hidden.parent().expect("above"));
    fs::rename(hidden.parent().expect("above"), svscan.directory("--groups=root")).expect("published");
    svscan.control(&["-a"]);
    let said =
        eventually_contains(&svscan.scratch.join("svscan.log"), "resting until run or /etc/passwd changes");
    assert!(said.contains("groups: not allowed after a file"), "{said}");
}

#[test]
fn a_settings_file_of_roots_may_name_rights() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, _, probe) = roots_place("attack-allowed");
    let content = format!(
        "exec = [\"{}\"]\nuser = \"games\"\ngroups = [\"futoa\"]\nnice = -1\nkeep-fd = 7\n",
        probe.display()
    );
    scratch.write("settings", &content, 0o644);
    let leak = ["bash", "-c", "exec 7</dev/null; exec \"$@\"", "bash"];
    for file in ["settings", path_str(&scratch.join("settings"))] {
        let output = finish(&mut scratch.launch_by(&leak, &scratch.path, &["--file", file]));
        let found = Probe::of(&output);
        assert!(found.env("USER") == Some("games") && found.get("groups").ends_with("9101"), "{file}");
        assert_eq!((found.get("nice"), found.descriptors()), ("-1", vec![0, 1, 2, 7]));
    }
    // by abc the same file can only ask for what abc may do
    let words: Vec<&str> = AS_ABC.to_vec();
    let output = finish(&mut scratch.launch_by(&words, &scratch.path, &["--file", "settings"]));
    assert_eq!(code(&output), 100);
    assert!(said(&output).contains("--user: only root can become 'games'"), "{}", said(&output));
}

#[test]
fn a_settings_file_that_is_no_plain_file_is_refused_at_once() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-file");
    let place = scene.scratch.directory_of_abc("abcs").join("settings");
    for (plant, why) in [
        (Plant::LinkToFile, "it is a symbolic link"),
        (Plant::DanglingLink, "it is a symbolic link"),
        (Plant::LinkToItself, "it is a symbolic link"),
        (Plant::Fifo, "it is a FIFO, not a regular file"),
        (Plant::FifoWithReader, "it is a FIFO, not a regular file"),
        (Plant::Directory, "it is a directory, not a regular file"),
        (Plant::NullDevice, "it is a device, not a regular file"),
        (Plant::Socket, "it is a socket, not a regular file"),
    ] {
        let keep = plant.at(&place, &scene);
        let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&place)]));
        let mut expected = format!("futo-launch: fatal: unable to read '{}': {why}\n", place.display());
        if matches!(plant, Plant::Directory) {
            expected.push_str(
                "futo-launch: hint: put a file there; container runtimes create a directory in place of a missing \
                 mounted file\n",
            );
        }
        assert_eq!((code(&output), said(&output)), (100, expected), "{plant:?}");
        drop(keep);
        let removed = if plant.is_directory() { fs::remove_dir(&place) } else { fs::remove_file(&place) };
        removed.expect("removed");
        scene.assert_untouched("file");
    }
    let huge = fs::File::create(&place).expect("a file");
    huge.set_len(1 << 40).expect("sparse");
    own_by_abc(&place);
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&place)]));
    let expected = format!(
        "futo-launch: fatal: unable to read '{}': it is longer than 1048576 bytes\n",
        place.display()
    );
    assert_eq!((code(&output), said(&output)), (100, expected));
}

#[test]
fn root_reads_no_settings_through_a_link_of_abcs() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-through");
    // a file that abc cannot read: the names of its keys would be shown
    let secret = scene.scratch.write("secrets/settings", "exec = [\"true\"]\nhunter2 = 1\n", 0o600);
    set_mode(scene.scratch.join("secrets"), 0o700);
    let abcs = scene.scratch.directory_of_abc("abcs");
    symlink(secret.parent().expect("above"), abcs.join("link")).expect("a link");
    own_by_abc(&abcs.join("link"));
    let path = abcs.join("link/settings");
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&path)]));
    let expected = format!(
        "futo-launch: fatal: unable to read '{}': '{}' is a symbolic link\n",
        path.display(),
        abcs.join("link").display()
    );
    assert_eq!((code(&output), said(&output)), (100, expected));
    // one of root's is a way like any other
    symlink(secret.parent().expect("above"), scene.scratch.join("roots")).expect("a link");
    let path = scene.scratch.join("roots/settings");
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", path_str(&path)]));
    assert!(said(&output).contains("unknown key 'hunter2'"), "{}", said(&output));
}
