//! `--secret`: a variable, or a file that another names.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::direct::{Caller, Direct};
use crate::support::launching::{code, finish};
use crate::support::{Scratch, Svscan, eventually_contains, needs, path_str, said, state, stdout};
use crate::{probe, refused};

#[test]
fn a_secret_is_the_variable_or_the_content_of_the_file_and_the_path_is_removed() {
    needs!(root);
    let scratch = Scratch::new("secret");
    let path = |content: &str| path_str(&scratch.write("value", content, 0o644)).to_string();
    for (content, expected) in [
        ("hunter2", "hunter2"),
        ("hunter2\n", "hunter2"),
        (" blanks \t\n", " blanks \t"),
        ("$HOME `id`\n", "$HOME `id`"),
    ] {
        let launched = probe(&scratch, &scratch.path, &["--secret", "PW"], &[("PW_FILE", &path(content))]);
        assert_eq!((launched.env("PW"), launched.env("PW_FILE")), (Some(expected), None), "{content:?}");
    }
    let lines = path("two\nlines\n\n");
    let mut command =
        scratch.launch(&scratch.path, &["--log", "-", "--secret", "PW", "--", "printenv", "PW"]);
    assert_eq!(stdout(&finish(command.env("PW_FILE", lines))), "two\nlines\n");
    let file = path("from the file\n");
    let launched = |options: &[&str], inherited: &[(&str, &str)]| {
        let launched = probe(&scratch, &scratch.path, options, inherited);
        (launched.env("PW").map(str::to_string), launched.env("PW_FILE").map(str::to_string))
    };
    let (from_file, given) = (Some("from the file".to_string()), Some("given".to_string()));
    let default = format!("PW_FILE={file}");
    for (options, inherited, expected) in [
        (&["--secret", "PW"][..], &[("PW", "given")][..], &given),
        // an empty one counts as not set, as in file_env
        (&["--secret", "PW"], &[("PW", "given"), ("PW_FILE", "")], &given),
        (&["--secret", "PW"], &[("PW", ""), ("PW_FILE", &file)], &from_file),
        (&["--secret", "PW", "--default", &default], &[], &from_file),
        (&["--secret", "PW", "--default", &default], &[("PW", "given")], &given),
        (&["--secret", "PW", "--env", &default], &[], &from_file),
        (&["--secret", "PW", "--env", "PW=given"], &[("PW_FILE", &file)], &given),
        (&["--secret", "PW", "--default", "PW=other"], &[("PW_FILE", &file)], &from_file),
        (
            &["--secret", "A,PW", "--secret", "PW", "--require", "PW"],
            &[("A", "1"), ("PW_FILE", &file)],
            &from_file,
        ),
    ] {
        assert_eq!(launched(options, inherited), (expected.clone(), None), "{options:?} {inherited:?}");
    }
    let options = ["--secret", "PW", "--env", "URL=db://u:${PW}@host"];
    let url = probe(&scratch, &scratch.path, &options, &[("PW_FILE", &file)]);
    assert_eq!(url.env("URL"), Some("db://u:from the file@host"));
    // without the option it is a variable like any other
    let plain = probe(&scratch, &scratch.path, &[], &[("PW_FILE", &file)]);
    assert_eq!((plain.env("PW"), plain.env("PW_FILE")), (None, Some(file.as_str())));
}

#[test]
fn what_is_wrong_with_a_secret_is_reported_without_a_value() {
    needs!(root);
    let scratch = Scratch::new("secret-bad");
    let at = |name: &str| path_str(&scratch.join(name)).to_string();
    scratch.write("good", "hunter2\n", 0o644);
    scratch.write("empty", "\n\n", 0o644);
    scratch.write("closed", "hunter2\n", 0o600);
    scratch.write("long", &"hunter2 ".repeat(20_000), 0o644);
    scratch.write("nul", "hunter2\0\n", 0o644);
    fs::create_dir(scratch.join("directory")).expect("made");
    symlink("nowhere", scratch.join("gone")).expect("a link");
    nix::unistd::mkfifo(&scratch.join("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    std::os::unix::fs::chown(scratch.join("fifo"), Some(911), Some(911)).expect("owned");
    let cases = [
        (vec![], "--secret: variable 'PW' is not set, and neither is PW_FILE"),
        (vec![("PW", String::new())], "--secret: variable 'PW' is empty"),
        (vec![("PW_FILE", at("empty"))], "--secret: variable 'PW' is empty"),
        (vec![("PW", "hunter2".to_string()), ("PW_FILE", at("good"))], "both 'PW' and 'PW_FILE' are set"),
        (vec![("PW_FILE", at("closed"))], "permission denied"),
        (vec![("PW_FILE", at("long"))], "it is longer than 131072 bytes"),
        (vec![("PW_FILE", at("nul"))], "it contains a NUL byte"),
        (vec![("PW_FILE", at("directory"))], "it is a directory, not a regular file"),
        (vec![("PW_FILE", at("gone"))], "no such file or directory"),
        (vec![("PW_FILE", at("fifo"))], "it is a FIFO, not a regular file"),
        // the secret itself in place of a path
        (vec![("PW_FILE", "hunter2".to_string())], "unable to read the file named by PW_FILE: no such file"),
    ];
    for (inherited, expected) in cases {
        for explain in [&[][..], &["--explain"], &["--explain=json"]] {
            let mut command = scratch.launch(&scratch.path, &["--log", "-", "--secret", "PW"]);
            command
                .args(explain)
                .args(["--", "true"])
                .envs(inherited.iter().map(|(name, value)| (name, value)));
            let output = finish(&mut command);
            let all = format!("{}{}", stdout(&output), said(&output));
            assert_eq!(code(&output), 100, "{inherited:?}: {all}");
            assert!(all.contains(expected) && !all.contains("hunter2"), "{expected}: {all}");
        }
    }
    let (code, said) = refused(&scratch, &scratch.path, &["--secret", "A,B", "--require", "C"]);
    let count =
        ["'A' is not set", "'B' is not set", "'C' is not set"].iter().filter(|it| said.contains(**it));
    assert_eq!((code, count.count()), (100, 3), "all at once: {said}");
    for bad in ["", "A,", "1A", "A=x"] {
        assert_eq!(refused(&scratch, &scratch.path, &["--secret", bad]).0, 100, "{bad}");
    }
}

#[test]
fn a_secret_that_appears_or_changes_is_read_without_a_restart() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("secret-live");
    let log = state("secret-rest.log");
    let _ = fs::remove_file(&log);
    let file = svscan.scratch.join("token");
    let words = format!(
        "--env TOKEN_FILE={} --secret TOKEN -- sh -c 'echo run $TOKEN; exec sleep 1000'",
        file.display()
    );
    svscan.add_launch("secret-rest", &words, &[]);
    eventually_contains(&log, "resting until");
    svscan.scratch.write("token", "t1\n", 0o644);
    eventually_contains(&log, "run t1\n");
    let mut direct = Direct::new("secret-loop");
    direct.write("token", "t1\n", 0o644);
    direct.write("config.env", "TOKEN_FILE=token\n", 0o644);
    let options = ["--interval", "0.1", "--secret", "TOKEN"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo $TOKEN $TOKEN_FILE."]);
    direct.logs("t1 .\n");
    direct.write("token", "t2\n", 0o644);
    direct.logs("t2 .\n");
}
