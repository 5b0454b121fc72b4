//! `--mkdir`: who makes a missing directory, with which rights, and what root does not do for a user.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use support::direct::{Caller, Direct};
use support::{
    Scratch, Svscan, eventually, eventually_rests, logs, names_in, needs, output, own_by_abc, path_str,
    record_of, rights, set_mode, stderr, stdout,
};

/// `futo-launch --user abc OPTIONS -- true` from `/`: the exit code and stderr.
fn launch(scratch: &Scratch, options: &[&str]) -> (i32, String) {
    launch_by(&[], scratch, options)
}

fn launch_by(prefix: &[&str], scratch: &Scratch, options: &[&str]) -> (i32, String) {
    let launcher = scratch.launcher();
    let words: Vec<&str> = prefix.iter().copied().chain([path_str(&launcher)]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["--user", "abc"]).args(options).args(["--", "true"]).current_dir("/");
    let ended = output(&mut command);
    (ended.status.code().expect("an exit"), stderr(&ended))
}

#[test]
fn below_directories_of_root_it_belongs_to_the_user_and_those_above_to_root() {
    needs!(root);
    let scratch = Scratch::of_root("mkdir-root");
    let base = path_str(&scratch.path).to_string();
    set_mode(&scratch.path, 0o2755);
    let link = scratch.join("link");
    symlink("a", &link).expect("a link of root");
    let launcher = scratch.launcher();
    // a umask and a setgid directory above change nothing
    let options: Vec<String> = ["a/b/c", "a/b/c/d:0700", "plain:2770", "link/e:750", "x:700/", "a/../f"]
        .map(|path| format!("--mkdir={base}/{path}"))
        .to_vec();
    let script = format!("umask 077; exec '{}' --user abc \"$@\" -- true", path_str(&launcher));
    let ended = output(Command::new("sh").args(["-c", &script, "sh"]).args(&options).current_dir("/"));
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    for (path, expected) in [
        ("a/b/c", "0755 911:911"),
        ("a/b/c/d", "0700 911:911"),
        ("plain", "2770 911:911"),
        ("a/e", "0750 911:911"),
        ("x:700", "0755 911:911"),
        ("f", "0755 911:911"),
    ] {
        assert_eq!(rights(&scratch.join(path)), expected, "{path}");
    }
    for path in ["a", "a/b"] {
        let status = fs::metadata(scratch.join(path)).expect("made");
        assert_eq!((status.uid(), status.mode() & 0o777), (0, 0o755), "{path}");
    }
    assert!(
        names_in(&scratch.path).iter().all(|name| !name.starts_with('.')),
        "{:?}",
        names_in(&scratch.path)
    );
}

#[test]
fn elsewhere_the_user_makes_it_and_existing_directories_stay_as_they_are() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("mkdir-user");
    let place = svscan.scratch.directory_of_abc("place");
    fs::create_dir(place.join("of-root")).expect("made");
    set_mode(place.join("of-root"), 0o750);
    symlink(place.join("target"), place.join("link")).expect("a link");
    fs::create_dir(place.join("target")).expect("made");
    own_by_abc(&place.join("target"));
    let options = ["new/er:0711", "of-root", "link/below"]
        .map(|path| format!("--mkdir {}/{path}", path_str(&place)))
        .join(" ");
    svscan.add_launch("mku", &format!("{options} -- sh -c 'echo run; exec sleep 1000'"), &[]);
    let log = logs("mku", "run\n");
    assert_eq!(rights(&place.join("new")), "0755 911:911");
    assert_eq!(rights(&place.join("new/er")), "0711 911:911");
    assert_eq!(rights(&place.join("target/below")), "0755 911:911", "a user follows their own link");
    assert_eq!(rights(&place.join("of-root")), "0750 0:0");
    assert!(log.contains("--mkdir: the worker's user cannot write") && log.contains("of-root"), "{log}");
}

#[test]
fn relative_paths_count_from_the_service_directory() {
    needs!(root);
    let mut direct = Direct::new("mkdir-relative");
    direct.launch(Caller::Abc, &["--mkdir", "data/x"], &["sh", "-c", "echo run"]);
    assert_eq!(direct.end(), 0, "{}", direct.stderr());
    assert_eq!(rights(&direct.directory().join("data/x")), "0755 911:911");
    let other = direct.scratch.directory_of_abc("other");
    direct.launch(Caller::Root, &["--service-dir", path_str(&other), "--mkdir", "y"], &["true"]);
    assert_eq!(direct.end(), 0, "{}", direct.stderr());
    assert_eq!(rights(&other.join("y")), "0755 911:911");
}

#[test]
fn something_else_of_that_name_rests_until_it_is_gone_even_where_only_root_can_make_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("mkdir-rest");
    let of_root = Scratch::of_root("mkdir-rest");
    for (name, place) in
        [("mkr-abc", svscan.scratch.directory_of_abc("mine")), ("mkr-root", of_root.path.clone())]
    {
        let path = place.join("data");
        mkfifo(&path, Mode::S_IRUSR).expect("a fifo");
        let words = format!("--mkdir {} -- sh -c 'echo run; exec sleep 1000'", path_str(&path));
        svscan.add_launch(name, &words, &[]);
        let record = eventually_rests(name, "configuration");
        let reason = record["resting"]["reason"].as_str().expect("a reason").to_string();
        assert!(reason.contains("data': it is a FIFO, not a directory"), "{reason}");
        fs::remove_file(&path).expect("removed");
        logs(name, "run\n");
        assert_eq!(rights(&path), "0755 911:911");
        eventually("no longer at rest", || record_of(name)["resting"].is_null().then_some(()));
    }
}

#[test]
fn what_the_system_refuses_to_root_is_reported_with_its_reason() {
    needs!(root, "unshare");
    let scratch = Scratch::of_root("mkdir-refused");
    let read_only = scratch.join("read-only");
    fs::create_dir(&read_only).expect("made");
    let script = format!("mount -t tmpfs -o ro,mode=0755 none '{}' && exec \"$@\"", path_str(&read_only));
    let prefix = ["unshare", "-m", "sh", "-c", &script, "sh"];
    let option = format!("--mkdir={}", path_str(&read_only.join("x")));
    let (code, said) = launch_by(&prefix, &scratch, &[&option]);
    assert_eq!(code, 111, "{said}");
    assert!(said.contains("as root") && said.contains("read-only file system"), "{said}");
    let long = format!("--mkdir={}/{}", path_str(&scratch.path), "x".repeat(300));
    let (code, said) = launch(&scratch, &[&long]);
    assert_eq!(code, 100, "{said}");
    assert!(said.contains("unable to make directory") && said.contains("name too long"), "{said}");
    for (value, why) in [("", "has no path"), ("/x:7", "3 or 4 octal digits"), ("/x:0999", "octal mode")] {
        let (code, said) = launch(&scratch, &["--mkdir", value]);
        assert_eq!(code, 100);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn explain_shows_who_would_make_it_and_makes_nothing() {
    needs!(root);
    let scratch = Scratch::of_root("mkdir-explain");
    let mine = scratch.directory_of_abc("mine");
    let paths: Vec<PathBuf> = vec![scratch.join("a/b"), mine.join("c"), mine.clone(), scratch.path.clone()];
    let explained = |form: &str| {
        let mut command = Command::new(scratch.launcher());
        command.args([form, "--user", "abc"]).current_dir("/");
        for path in &paths {
            command.arg("--mkdir").arg(format!("{}:750", path.display()));
        }
        let ended = output(command.args(["--", "true"]));
        assert_eq!(ended.status.code(), Some(0), "{}", stdout(&ended));
        stdout(&ended)
    };
    let text = explained("--explain");
    let states = [
        "missing: root makes it",
        "missing: the worker's user makes it",
        "exists",
        "exists; the worker's user cannot write it",
    ];
    for (path, state) in paths.iter().zip(states) {
        assert!(text.contains(&format!("{} (mode 0750; {state})", path.display())), "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&explained("--explain=json")).expect("JSON");
    let made = json["made_directories"].as_array().expect("a list");
    let now: Vec<&str> = made.iter().filter_map(|each| each["now"].as_str()).collect();
    assert_eq!(now, states);
    assert!(!paths[0].exists() && !paths[1].exists());
    let refused = format!("--mkdir={}", path_str(&scratch.write("file", "", 0o644)));
    let mut command = Command::new(scratch.launcher());
    let ended = output(command.args(["--explain", "--user", "abc", &refused, "--", "true"]).current_dir("/"));
    assert_eq!(ended.status.code(), Some(100));
    assert!(stdout(&ended).contains("it is a file, not a directory"), "{}", stdout(&ended));
}
