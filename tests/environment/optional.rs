//! Files and directories that may be missing: a dash before the path.

use std::fs;
use std::path::Path;

use crate::support::launching::{code, finish};
use crate::support::{Scratch, Svscan, eventually_contains, needs, own_by_abc, path_str, said, state, write};
use crate::{probe, refused};

const OPTIONS: [&str; 3] = ["--env-file", "--dotenv", "--env-dir"];

#[test]
fn what_is_missing_is_no_error_after_a_dash_and_what_is_wrong_still_is() {
    needs!(root);
    let scratch = Scratch::new("env-optional");
    let at = |name: &str| path_str(&scratch.join(name)).to_string();
    let no_file = scratch.write("bad.env", "A=$(hunter2)\n", 0o644);
    let closed = scratch.write("closed/x", "A=1\n", 0o600);
    fs::set_permissions(scratch.join("closed"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("closed");
    for option in OPTIONS {
        for missing in ["absent", "absent/below"] {
            let launched = probe(&scratch, &scratch.path, &[option, &format!("-{}", at(missing))], &[]);
            assert_eq!(launched.env("A"), None, "{option}");
            let (code, said) = refused(&scratch, &scratch.path, &[option, &at(missing)]);
            assert!(code == 100 && said.contains("no such file or directory"), "{option}: {said}");
        }
        for (path, reason) in [
            (path_str(&closed).to_string(), "permission denied"),
            (format!("{}/below", path_str(&no_file)), "not a directory"),
        ] {
            let (code, said) = refused(&scratch, &scratch.path, &[&format!("{option}=-{path}")]);
            assert!(code == 100 && said.contains(reason), "{option}: {said}");
        }
        let (code, said) = refused(&scratch, &scratch.path, &[option, "-"]);
        assert!(code == 100 && said.contains("is empty"), "{option}: {said}");
    }
    for (option, reason) in
        [("--env-file", "command substitution"), ("--dotenv", "bad.env:1:"), ("--env-dir", "not a directory")]
    {
        let (code, said) = refused(&scratch, &scratch.path, &[option, &format!("-{}", at("bad.env"))]);
        assert!(code == 100 && said.contains(reason) && !said.contains("hunter2"), "{option}: {said}");
    }
}

#[test]
fn a_path_after_a_dash_counts_from_the_service_directory_and_is_read() {
    needs!(root);
    let scratch = Scratch::new("env-optional-path");
    scratch.write("own/a.env", "A=bash\n", 0o644);
    scratch.write("own/b.env", "B=dotenv\n", 0o644);
    scratch.write("own/dir/C", "directory\n", 0o644);
    scratch.write("own/-dash.env", "D=dash\n", 0o644);
    let own = scratch.join("own");
    let options = ["--service-dir", path_str(&own), "--env-file", "-a.env", "--dotenv=-b.env"];
    let more = ["--env-dir", "-dir", "--env-file", "./-dash.env"];
    let launched = probe(&scratch, Path::new("/"), &[&options[..], &more].concat(), &[]);
    let values = ["A", "B", "C", "D"].map(|name| launched.env(name));
    assert_eq!(values, [Some("bash"), Some("dotenv"), Some("directory"), Some("dash")]);
    // the same in a file of settings
    let settings =
        scratch.write("x.toml", "env-file = [\"-a.env\", \"-none.env\"]\nexec = [\"env\"]\n", 0o644);
    let output = finish(&mut scratch.launch(
        Path::new("/"),
        &["--service-dir", path_str(&own), "--log", "-", "--file", path_str(&settings)],
    ));
    assert_eq!(code(&output), 0, "{}", said(&output));
}

#[test]
fn a_file_that_appears_is_read_before_the_next_run_and_ends_a_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("env-optional-live");
    for (name, pace) in [("eo-loop", "--interval 0.1"), ("eo-rest", "--require A")] {
        let log = state(&format!("{name}.log"));
        let _ = fs::remove_file(&log);
        let more = "--env-file -later/a.env --dotenv -later/b.env --env-dir -later/c";
        let script = "'echo run $A $B $C; [ -n \"$STAY\" ] && exec sleep 1000; true'";
        let directory = svscan.add_launch(name, &format!("{pace} {more} -- sh -c {script}"), &[]);
        eventually_contains(&log, if name == "eo-loop" { "run\n" } else { "resting until" });
        let pid = svscan.pid(name);
        let part = directory.join(".part");
        fs::create_dir_all(part.join("c")).expect("made");
        for (file, text) in [("a.env", "A=1 STAY=1\n"), ("b.env", "B=2\n"), ("c/C", "3\n")] {
            write(&part.join(file), text, 0o644);
            own_by_abc(&part.join(file));
        }
        fs::rename(part, directory.join("later")).expect("published");
        eventually_contains(&log, "run 1 2 3\n");
        assert_eq!(svscan.pid(name), pid, "in the same process");
    }
}
