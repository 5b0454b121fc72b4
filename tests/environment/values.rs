//! Values from files, required variables, and variables in options.

use crate::support::direct::{Caller, Direct};
use crate::support::launching::{PATH, finish};
use crate::support::{Scratch, needs, path_str, stdout};
use crate::{directory_of, probe, refused};

#[test]
fn a_variable_may_name_the_file_with_its_value() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("named-file");
    let service = scratch.service("env-named");
    let secret = scratch.write("secret", "s3cret\nsecond\n\n", 0o644);
    let roots = scratch.write("roots", "by the image", 0o600);
    let container = directory_of(
        &scratch,
        "container",
        &[
            ("FILE__TOKEN", path_str(&secret)),
            // the image's own start-up has read it as root and set both
            ("FILE__DONE", path_str(&roots)),
            ("DONE", "by the image"),
            ("OVER", "container"),
        ],
    );
    let config = format!("FILE__OVER={0}\nFILE__SET={0}\nSET=here\nE=$TOKEN\n", secret.display());
    scratch.write("env-named/config.env", &config, 0o644);
    let options = ["--container-env", &container, "--env", &format!("FILE__FLAG={}", secret.display())];
    let probe = probe(&scratch, &service, &options, &[]);
    assert_eq!(probe.env("DONE"), Some("by the image"));
    assert_eq!(probe.env("SET"), Some("here"));
    assert_eq!(probe.env("FILE__TOKEN"), Some(path_str(&secret)));
    // of the values the probe prints, only the first line begins with the name
    for name in ["TOKEN", "OVER", "FLAG", "E"] {
        assert_eq!(probe.env(name), Some("s3cret"), "{name}");
    }

    // an unreadable one, one that is no file; the path may be the secret itself
    let bad = format!("FILE__A=hunter2\nFILE__B={}\nFILE__C=/\n", roots.display());
    scratch.write("env-named/config.env", &bad, 0o644);
    let expected = "\
TIME env-named: fatal: config.env:1: unable to read the file named by FILE__A: no such file or directory
TIME env-named: fatal: config.env:2: unable to read the file named by FILE__B, 'ROOTS': permission denied
TIME env-named: hint: it is read as the worker's user
TIME env-named: fatal: config.env:3: unable to read the file named by FILE__C: it is a directory, not a regular file
TIME env-named: hint: put a file there; container runtimes create a directory in place of a missing mounted file
";
    let expected = expected.replace("ROOTS", &roots.display().to_string());
    assert_eq!(refused(&scratch, &service, &[]), (100, expected));
}

#[test]
fn required_variables_that_are_missing_or_empty_are_listed_at_once_on_stderr_and_in_the_log() {
    needs!(root, "s6-envdir", "chpst");
    let mut direct = Direct::new("env-require");
    direct.write("config.env", "EMPTY=\nHERE=1\n", 0o600);
    let options = [
        "--require",
        "HERE,EMPTY",
        "--require",
        "TOKEN",
        "--default",
        "FROM_DEFAULT=${HERE}",
        "--require",
        "FROM_DEFAULT",
    ];
    direct.launch(Caller::Root, &options, &["true"]);
    assert_eq!(direct.end(), 100);
    for text in [direct.stderr(), direct.log()] {
        let lines: Vec<&str> =
            text.lines().filter_map(|line| line.split_once("env-require: ").map(|(_, rest)| rest)).collect();
        assert_eq!(
            lines,
            [
                "fatal: --require: variable 'EMPTY' is empty",
                "hint: set EMPTY in config.env",
                "fatal: --require: variable 'TOKEN' is not set",
                "hint: set TOKEN in config.env",
            ]
        );
    }
}

#[test]
fn values_of_options_expand_over_the_environment_and_say_what_is_missing() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("env-expand");
    let service = scratch.service("env-expand");
    scratch.write("env-expand/config.env", "EVERY=5m\nHOST=h\n", 0o644);
    let probe = probe(
        &scratch,
        &service,
        &[
            "--env",
            "URL=http://${HOST}:${PORT:-80}/$$x$y",
            "--env",
            "PATH=/config/bin:${PATH}",
            "--default",
            "HOST=other",
        ],
        &[],
    );
    assert_eq!(probe.env("URL"), Some("http://h:80/$x$y"));
    assert_eq!(probe.env("PATH"), Some(format!("/config/bin:{PATH}").as_str()));
    assert_eq!(probe.env("HOST"), Some("h"));

    let explain = ["--explain", "--interval", "${EVERY:-60}", "--timeout", "${TIMEOUT:-30}", "--", "true"];
    let output = finish(&mut scratch.launch(&service, &explain));
    assert!(
        stdout(&output).contains("timing       5m after the end of each run; first run immediately"),
        "{output:?}"
    );

    let options = [
        "--interval",
        "${GONE}",
        "--timeout",
        "${GONE:?how long?}",
        "--grace",
        "${HOST}",
        "--env",
        "A=${NOT}",
    ];
    let expected = "\
TIME env-expand: fatal: --env A: variable 'NOT' is not set
TIME env-expand: hint: set NOT in config.env, or write ${NOT:-word}
TIME env-expand: fatal: --interval: variable 'GONE' is not set
TIME env-expand: hint: set GONE in config.env, or write ${GONE:-word}
TIME env-expand: fatal: --timeout: variable 'GONE': how long?
TIME env-expand: fatal: --grace: invalid value '${HOST}': is not a duration
TIME env-expand: hint: write seconds (60, 0.5) or units (90s, 5m, 1h30m, 2days)
";
    assert_eq!(refused(&scratch, &service, &options), (100, expected.to_string()));
    // the form is wrong whatever the environment is
    let (code, said) = refused(&scratch, &service, &["--interval", "${1}", "--max-failures", "${A"]);
    assert_eq!((code, said.matches("invalid value '${").count()), (100, 2), "{said}");
}
