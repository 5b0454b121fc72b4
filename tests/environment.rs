//! Where the worker's variables come from, and which wins; beside s6-envdir, chpst and with-contenv.

mod support;

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::direct::{Caller, Direct};
use support::launching::{PATH, code, command, finish};
use support::{
    Probe, Scratch, Svscan, eventually_contains, needs, own_by_abc, path_str, read, said, set_mode, state,
    stderr, stdout,
};

/// A probe behind `futo-launch --log - OPTIONS` in this directory.
fn probe(scratch: &Scratch, directory: &Path, options: &[&str], inherited: &[(&str, &str)]) -> Probe {
    let mut command = scratch.launch(directory, &["--log", "-"]);
    command.args(options).arg("--").arg(scratch.probe()).envs(inherited.iter().copied());
    Probe::of(&finish(&mut command))
}

/// Exit code and words of a launch that is refused.
fn refused(scratch: &Scratch, directory: &Path, options: &[&str]) -> (i32, String) {
    let mut command = scratch.launch(directory, &["--log", "-"]);
    let output = finish(command.args(options).args(["--", "echo", "ran"]));
    assert_eq!(stdout(&output), "", "{output:?}");
    (code(&output), said(&output))
}

/// The variables of a program that a command executes, without those that name its user.
fn variables_behind(mut command: Command) -> Vec<String> {
    let output = finish(command.args(["/usr/bin/env", "-0"]));
    assert_eq!(code(&output), 0, "{output:?}");
    let is_ours = |line: &&str| !["HOME=", "USER=", "LOGNAME="].iter().any(|own| line.starts_with(own));
    let all = stdout(&output);
    let mut variables: Vec<String> = all.split('\0').filter(is_ours).map(str::to_string).collect();
    variables.sort();
    variables
}

/// Files of one variable each.
fn directory_of(scratch: &Scratch, name: &str, files: &[(&str, &str)]) -> String {
    for (file, content) in files {
        scratch.write(Path::new(name).join(file), content, 0o644);
    }
    path_str(&scratch.join(name)).to_string()
}

#[test]
fn later_sources_win_in_the_documented_order() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-order");
    let service = scratch.service("env-order");
    let all: Vec<String> = ('A'..='I').map(String::from).collect();
    let from = |first: usize, value: &str, close: &str| -> String {
        all.iter().skip(first).map(|name| format!("{name}={value}{close}")).collect()
    };
    let container: Vec<(&str, &str)> = all.iter().map(|name| (name.as_str(), "container")).collect();
    let container = directory_of(&scratch, "container", &container);
    let inherited: Vec<(&str, &str)> = all.iter().skip(1).map(|name| (name.as_str(), "inherited")).collect();
    scratch.write("env-order/config.env", &from(2, "config", "\n"), 0o644);
    let env_file = scratch.write("more.env", &from(3, "more", "\n"), 0o644);
    let dotenv = scratch.write(".env", &from(4, "dotenv", "\n"), 0o644);
    let files: Vec<(&str, &str)> = all.iter().skip(5).map(|name| (name.as_str(), "directory")).collect();
    let env_dir = directory_of(&scratch, "envdir", &files);
    let options = [
        ["--container-env", &container],
        ["--env-file", path_str(&env_file)],
        ["--dotenv", path_str(&dotenv)],
        ["--env-dir", &env_dir],
        ["--default", "F=default"],
        ["--default", "J=default-${F}"],
        ["--env", "G=flag"],
        ["--unset", "H"],
        ["--env", "I=${A} ${H:-gone} ${J}"],
    ];
    let probe = probe(&scratch, &service, &options.concat(), &inherited);
    let values: Vec<&str> =
        ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"].map(|name| probe.env(name).unwrap_or("-")).into();
    assert_eq!(
        values,
        [
            "container",
            "inherited",
            "config",
            "more",
            "dotenv",
            "directory",
            "flag",
            "-",
            "container gone default-directory",
            "default-directory"
        ]
    );
}

#[test]
fn a_later_line_sees_what_all_sources_before_it_have_set() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-sees");
    let service = scratch.service("env-sees");
    let container = directory_of(&scratch, "container", &[("C", "container")]);
    scratch.write("env-sees/config.env", "A=$C/$I\nP='a $b'\n", 0o644);
    scratch.write("secret", "s3\n\n", 0o644);
    let dotenv = "D=\"${A} ${C} ${P}\"\nI=file\nE=$I\nFILE__S=SECRET\n"
        .replace("SECRET", path_str(&scratch.join("secret")));
    let dotenv = scratch.write(".env", &dotenv, 0o644);
    let options = ["--container-env", &container, "--dotenv", path_str(&dotenv), "--env", "F=${D}${E}${S}"];
    let probe = probe(&scratch, &service, &options, &[("I", "in")]);
    assert_eq!(probe.env("D"), Some("container/in container a $b"));
    // of a name the file has set, the file's own value, not the inherited one
    assert_eq!(probe.env("E"), Some("file"));
    assert_eq!(probe.env("F"), Some("container/in container a $bfiles3"));
}

#[test]
fn an_env_dir_has_the_values_of_s6_envdir_and_chpst() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("env-dir");
    let files = [
        ("ONE", "a\nb\n"),
        ("TRAIL", " lead and trail \t\n"),
        ("NUL", "x\0y"),
        ("BLANK", "\n"),
        ("EMPTY", ""),
        ("b-c", "odd name"),
        ("LATIN", "\u{e9}\n"),
        (".hidden", "no"),
    ];
    let directory = directory_of(&scratch, "envdir", &files);
    symlink("ONE", scratch.join("envdir/LINK")).expect("a link");
    let inherited = [("EMPTY", "inherited"), ("STAYS", "inherited")];
    let variables = |mut command: Command| {
        command.envs(inherited);
        variables_behind(command)
    };
    let ours = variables(scratch.launch(&scratch.path, &["--env-dir", &directory, "--"]));
    assert_eq!(ours, variables(command(&["s6-envdir", &directory], &scratch.path)));
    assert_eq!(ours, variables(command(&["chpst", "-e", &directory], &scratch.path)));
    assert!(ours.contains(&"LINK=a".to_string()) && !ours.iter().any(|line| line.starts_with("EMPTY")));
}

#[test]
fn what_is_wrong_in_an_env_dir_is_reported_all_at_once() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("env-dir-bad");
    let directory =
        directory_of(&scratch, "envdir", &[("A", "ok"), ("a=b", "x"), ("LONG", &"x".repeat(140_000))]);
    fs::create_dir(scratch.join("envdir/DIR")).expect("a directory");
    let fifo = scratch.join("envdir/FIFO");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    own_by_abc(&fifo);
    symlink("nowhere", scratch.join("envdir/GONE")).expect("a link");
    scratch.write("envdir/ROOTS", "hunter2", 0o600);
    let (code, said) =
        refused(&scratch, &scratch.path, &["--env-dir", &directory, "--env-dir", "/does/not/exist"]);
    let expected = "\
TIME echo: fatal: unable to read 'DIR/DIR': it is a directory, not a regular file
TIME echo: hint: put a file there; a container runtime makes a directory where a mounted file is missing
TIME echo: fatal: unable to read 'DIR/FIFO': it is a FIFO, not a regular file
TIME echo: fatal: unable to read 'DIR/GONE': no such file or directory
TIME echo: fatal: unable to read 'DIR/LONG': it is longer than 131072 bytes
TIME echo: fatal: unable to read 'DIR/ROOTS': permission denied
TIME echo: hint: it is read as the worker's user
TIME echo: fatal: unable to read 'DIR/a=b': no variable has a '=' in its name
TIME echo: fatal: unable to read '/does/not/exist': no such file or directory
";
    assert_eq!((code, said.replace(&directory, "DIR")), (100, expected.to_string()));
}

#[test]
fn the_containers_variables_are_those_of_with_contenv_but_an_empty_one_stays() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-container");
    let files = [
        ("TZ", "Asia/Tokyo"),
        ("ECHOED", "by echo\n"),
        ("LINES", "a\n\nb\n\n"),
        ("NUL", "x\0y"),
        ("BLANKS", "  b \t"),
        ("PATH", "/lsiopy/bin:/usr/bin:/bin"),
    ];
    let directory = directory_of(&scratch, "container", &files);
    // s6-overlay 3: with-contenv is `emptyenv -p  s6-envdir -Lf -- DIR  PROGRAM`. The parent of both is a
    // shell that has begun with the supervisor's PATH.
    let by_supervisor = ["sh", "-c", "\"$@\"; exit", "sh"];
    let launcher = scratch.launcher();
    let mut ours = command(&by_supervisor, &scratch.service("env-container"));
    ours.args([path_str(&launcher), "--log", "-", "--container-env", &directory, "--"]);
    let mut original = command(&by_supervisor, &scratch.join("env-container"));
    original.args(["s6-envdir", "-Lf", "--", &directory]);
    assert_eq!(variables_behind(ours), variables_behind(original));

    scratch.write("container/EMPTY", "", 0o644);
    let probe = probe(&scratch, &scratch.path, &["--container-env", &directory], &[]);
    assert_eq!(probe.env("EMPTY"), Some(""), "docs/differences.md");
    assert_eq!(probe.env("TZ"), Some("Asia/Tokyo"));
}

#[test]
fn path_is_the_containers_unless_the_run_file_has_set_another() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-path");
    let directory = directory_of(&scratch, "container", &[("PATH", "/of/container:/usr/bin:/bin")]);
    let (launcher, probe) = (scratch.launcher(), scratch.probe());
    let service = scratch.service("env-path");
    let path_behind = |place: &Path, script: &str| {
        // as s6-supervise does it: `run` replaces a child of a process with the supervisor's PATH
        let supervisor = format!("( {script} )\ntrue");
        let mut command = command(&["sh", "-c", &supervisor], place);
        let output = finish(command.env("LAUNCH", &launcher).env("PROBE", &probe));
        Probe::of(&output).env("PATH").map(str::to_string)
    };
    let container = "/of/container:/usr/bin:/bin".to_string();
    let launch = format!("\"$LAUNCH\" --log - --container-env {directory} -- \"$PROBE\"");
    assert_eq!(path_behind(&service, &format!("exec {launch}")), Some(container));
    let own = format!("/of/run/file:{PATH}");
    let export = "export PATH=/of/run/file:$PATH; exec";
    assert_eq!(path_behind(&service, &format!("{export} {launch}")), Some(own.clone()));
    // a run file that has changed the user already: the supervisor's environment cannot be seen
    let as_abc = "setpriv --reuid=abc --regid=abc --init-groups --";
    assert_eq!(path_behind(&service, &format!("{export} {as_abc} {launch}")), Some(own));
    // in a shell, what it has is meant
    assert_eq!(path_behind(&scratch.path, &format!("exec {launch}")), Some(PATH.to_string()));
    let without = path_behind(&service, "exec \"$LAUNCH\" --log - --container-env none -- \"$PROBE\"");
    assert_eq!(without, Some(PATH.to_string()));
}

#[test]
fn root_reads_the_containers_variables_only_where_they_are_roots() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-container-bad");
    let secret = scratch.write("root-secret", "hunter2", 0o600);
    directory_of(&scratch, "abcs", &[("A", "1")]);
    own_by_abc(&scratch.join("abcs"));
    directory_of(&scratch, "linked", &[("A", "1")]);
    symlink(&secret, scratch.join("linked/B")).expect("a link");
    directory_of(&scratch, "file", &[("A", "1")]);
    own_by_abc(&scratch.join("file/A"));
    let fifo = scratch.join("fifo");
    fs::create_dir(&fifo).expect("a directory");
    nix::unistd::mkfifo(&fifo.join("A"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    for (name, why) in [
        ("abcs", "non-root users can write it"),
        ("linked/B", "it is a symbolic link"),
        ("file/A", "non-root users can write it"),
        ("fifo/A", "it is a FIFO, not a regular file"),
        ("absent", "no such file or directory"),
    ] {
        let directory = scratch.join(name.split('/').next().expect("a name"));
        let expected = format!(
            "futo-launch: fatal: unable to read the container's variables in '{}': {why}\n\
             futo-launch: hint: correct it, or do without: --container-env none\n",
            scratch.join(name).display()
        );
        let (code, said) = refused(&scratch, &scratch.path, &["--container-env", path_str(&directory)]);
        assert_eq!((code, said), (100, expected), "{name}");
    }
    // a file of abc's would have root read any directory for it
    let settings = format!("exec = [\"true\"]\ncontainer-env = \"{}\"\n", scratch.join("linked").display());
    let file = scratch.write("service.toml", &settings, 0o644);
    own_by_abc(&file);
    let output = finish(&mut scratch.launch(&scratch.path, &["--file", path_str(&file)]));
    assert_eq!(code(&output), 100);
    assert!(stderr(&output).contains("container-env other than none: not allowed in a file that others"));
}

#[test]
fn dotenv_files_are_read_in_their_dialect() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv");
    let file = "\u{feff}# a comment with 'a quote\n\nPLAIN=word # comment\nexport EXPORTED=1\nSPACED = x\n\
                SINGLE='a $b \\n # c'\nDOUBLE=\"a\\nb \\$c\"\nMULTI=\"one\ntwo\"\nFROM=${PLAIN}-$EXPORTED\nEMPTY=\n\
                dotted.name=d\nHASH=a#b\nBLANKS=value value # it's\nTAB=\"a\\tb\"#c\nYAML: v\nUNDER_SCORE=u\n\
                CUT=$UNDER_SCORE/x\nLAST=\"${GIVEN:-}\"  ";
    let file = scratch.write(".env", file, 0o644);
    let output = finish(&mut scratch.launch(
        &scratch.path,
        &["--dotenv", path_str(&file), "--clear-env", "--env", "GIVEN=", "--", "/usr/bin/env", "-0"],
    ));
    let all = stdout(&output);
    let value = |name: &str| all.split('\0').find_map(|line| line.strip_prefix(&format!("{name}=")));
    for (name, expected) in [
        ("PLAIN", "word"),
        ("EXPORTED", "1"),
        ("SPACED", "x"),
        ("SINGLE", "a $b \\n # c"),
        ("DOUBLE", "a\nb $c"),
        ("MULTI", "one\ntwo"),
        ("FROM", "word-1"),
        ("EMPTY", ""),
        ("dotted.name", "d"),
        ("HASH", "a#b"),
        ("BLANKS", "value value"),
        ("TAB", "a\tb"),
        ("YAML", "v"),
        ("CUT", "u/x"),
        ("LAST", ""),
    ] {
        assert_eq!(value(name), Some(expected), "{name}: {output:?}");
    }
}

#[test]
fn what_dotenv_cannot_read_or_would_misread_is_refused_with_its_line_and_no_value() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv-bad");
    let bad = [
        ("hunter2 hunter2", "not a line of the dotenv dialect"),
        ("B='1' hunter2", "something right after the closing quote"),
        ("C=${D:-$hunter2}", "a '${' that is neither ${NAME} nor ${NAME:-word} with a plain word"),
        ("D=pa$hunter2", "a '$' before a name that is not set"),
        ("D=\"${hunter2}\"", "a '$' before a name that is not set"),
        ("D=$2y$10$hunter2", "a '$' that names no variable"),
        ("E=hunter2$", "a '$' that names no variable"),
        ("F=#hunter2", "a '#' where the value begins"),
        ("F= # hunter2", "a '#' where the value begins"),
        ("F=hunter2\t# c", "a '#' right after a tab"),
        ("G=hunter2\\$GOOD", "a backslash before a '$' without quotes"),
        ("H=\"a\\qhunter2\"", "a backslash in double quotes with another meaning elsewhere"),
        ("I=hunter2\u{a0}", "a control character or an unusual blank outside of quotes"),
        ("J='hunter2'x", "something right after the closing quote"),
        ("J=\"one\nhunter2\"x", "a quote that closes on a later line, with something right after it"),
        ("=hunter2", "no name at the beginning of the line"),
        ("1HUNTER=hunter2", "not a name and '=' at the beginning of the line"),
        ("K:hunter2", "a ':' after the name, and no blank after it"),
        ("L=${LATIN}", "a variable that is not UTF-8"),
        ("GOOD", "a name without '=' that an earlier line sets"),
        ("# hunter2\rN=1", "a CR that ends no line"),
        ("M=\"one\nhunter2", "a quote that is never closed"),
        // goes on after it; what refers to a refused line is not judged
        ("O=$K$M", "-"),
        ("P=hunter2$", "a '$' that names no variable"),
    ];
    let mut file = "GOOD=1\n\n# it's a comment\nFINE='${J:-fine}' # ${K:-comment}\nhunter2\n".to_string();
    let mut expected = Vec::new();
    for (line, what) in bad {
        if what != "-" {
            expected.push(format!("{}: {what}", 1 + file.matches('\n').count()));
        }
        file.push_str(line);
        file.push('\n');
    }
    let file = scratch.write(".env", &file, 0o644);
    let mut command = scratch.launch(&scratch.path, &["--dotenv", path_str(&file), "--", "echo", "ran"]);
    let output = finish(command.env("LATIN", std::ffi::OsString::from_vec(b"\xff".to_vec())));
    let (code, said) = (code(&output), said(&output));
    let places: Vec<&str> =
        said.lines().filter_map(|line| line.split_once("/.env:").map(|(_, rest)| rest)).collect();
    assert_eq!(places, expected);
    assert_eq!((code, said.contains("hunter2")), (100, false), "{said}");
    fs::write(&file, b"A=1\nB=\xff\n").expect("written");
    let (code, said) = refused(&scratch, &scratch.path, &["--dotenv", path_str(&file)]);
    assert!(code == 100 && said.contains("/.env:2: a byte that is not UTF-8"), "{said}");
    for (file, form) in [("env", "--env-file"), (".env", "--dotenv")] {
        let utf_16: Vec<u8> = "A=hunter2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [utf_16.clone(), [b"\xff\xfe".as_slice(), &utf_16].concat()] {
            let path = scratch.join(file);
            fs::write(&path, bytes).expect("written");
            let (code, said) = refused(&scratch, &scratch.path, &[form, path_str(&path)]);
            assert!(
                code == 100 && said.contains(":1: the file is UTF-16") && said.contains("iconv"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_name_alone_in_a_dotenv_file_takes_the_variable_from_the_environment() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv-inherited");
    let file = scratch.write(".env", "PASSED\nexport PASSED\nhunter2\nB=${PASSED}\nhunter3\n", 0o644);
    let mut command = scratch.launch(&scratch.path, &["--dotenv", path_str(&file), "--", "/usr/bin/env"]);
    let output = finish(command.env("PASSED", "on"));
    let said = said(&output);
    assert!(
        ["PASSED=on", "B=on"].iter().all(|line| stdout(&output).lines().any(|each| each == *line)),
        "{output:?}"
    );
    assert!(said.contains(".env: lines 3, 5: a name without '=' that is not in the environment"), "{said}");
    assert!(!said.contains("hunter"), "{said}");
}

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
TIME env-named: fatal: config.env:1: unable to read the file that FILE__A names: no such file or directory
TIME env-named: fatal: config.env:2: unable to read the file that FILE__B names, 'ROOTS': permission denied
TIME env-named: hint: it is read as the worker's user
TIME env-named: fatal: config.env:3: unable to read the file that FILE__C names: it is a directory, not a regular file
TIME env-named: hint: put a file there; a container runtime makes a directory where a mounted file is missing
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
    assert!(stdout(&output).contains("timing       5m after each end; first run at once"), "{output:?}");

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

#[test]
fn a_change_of_any_source_is_read_before_the_next_run() {
    needs!(root, "s6-envdir", "chpst");
    let mut direct = Direct::new("env-reload");
    direct.write("config.env", "EVERY=0.1\n", 0o644);
    for (file, text) in [("envdir/V", "dir1\n"), (".env", "W=dot1\n"), ("named", "file1\n")] {
        direct.scratch.write(file, text, 0o644);
    }
    let at = |name: &str| path_str(&direct.scratch.join(name)).to_string();
    let named = format!("FILE__X={}", at("named"));
    let options =
        ["--interval", "${EVERY}", "--env-dir", &at("envdir"), "--dotenv", &at(".env"), "--env", &named];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo $V $W $X"]);
    direct.logs("dir1 dot1 file1\n");
    direct.scratch.write("envdir/V", "dir2\n", 0o644);
    direct.logs("dir2 dot1 file1\n");
    direct.scratch.write(".env", "W=dot2\n", 0o644);
    direct.logs("dir2 dot2 file1\n");
    direct.scratch.write("named", "file2\n", 0o644);
    direct.logs("dir2 dot2 file2\n");
    // a bad one keeps the old values, and the old timing, and is said once
    direct.write("config.env", "EVERY=soon\n", 0o644);
    let log = direct.logs("the worker keeps the environment it had");
    assert!(log.contains("--interval: invalid value '${EVERY}': is not a duration"), "{log}");
    direct.write("config.env", "EVERY=1h\nV=unused\n", 0o644);
    let record = support::eventually("the next run is due in an hour", || {
        let record = direct.record();
        let (last, next) =
            (record["last_end"].as_str()?.to_string(), record["next_due"].as_str()?.to_string());
        let seconds = |time: &str| humantime::parse_rfc3339(time).ok();
        (seconds(&next)?.duration_since(seconds(&last)?).ok()?.as_secs() >= 3590).then_some(record)
    });
    assert_eq!(record["failures"], 0, "{record}");
    assert_eq!(direct.log().matches("the worker keeps the environment it had").count(), 1);
}

#[test]
fn no_message_log_record_or_plan_shows_a_value() {
    needs!(root, "s6-envdir", "chpst");
    // each source with values that can be used, and with some that cannot
    let scratch = Scratch::of_root("env-secrets");
    let service = scratch.service("env-secrets");
    let secret = scratch.write("secret", "hunter2\0\n", 0o644);
    let container = directory_of(&scratch, "container", &[("C", "hunter2"), ("FILE__C2", "hunter2")]);
    scratch.write("envdir/D", "hunter2", 0o644);
    scratch.write("envdir/FILE__D2", path_str(&secret), 0o644);
    let good = "A='hunter2'\nB=\"hunter2 $A\"\n";
    let bad = "A=hunter2 hunter2\nB=$(hunter2)\nC='hunter2\n";
    for (config, dotenv) in [(good, good), (bad, good), (good, "A=hunter2 x\nB=${A:-hunter2}\nC='hunter2\n")]
    {
        scratch.write("env-secrets/config.env", config, 0o644);
        scratch.write("dot.env", dotenv, 0o644);
        let mut words = vec![
            "--container-env",
            &container,
            "--env-dir",
            "../envdir",
            "--dotenv",
            "../dot.env",
            "--env",
            "E=hunter2",
            "--env",
            "E2=${A}${NOT}hunter2",
            "--env",
            "9=hunter2",
            "--default",
            "F=hunter2${",
            "--require",
            "C,NONE",
            "--interval",
            "${C}",
            "--max-failures",
            "${INHERITED}",
        ];
        for explain in [None, Some("--explain"), Some("--explain=json")] {
            // without the options whose form is wrong, the sources are read
            for skipped in [None, Some("9=hunter2")] {
                words.retain(|word| skipped.is_none() || (*word != "9=hunter2" && *word != "F=hunter2${"));
                if skipped.is_some() {
                    remove_valueless(&mut words);
                }
                let mut command = scratch.launch(&service, &words);
                command.args(explain).args(["--", "true"]).env("INHERITED", "hunter2");
                let output = finish(&mut command);
                assert_eq!(code(&output), 100, "{output:?}");
                let said = format!("{}{}", stdout(&output), stderr(&output));
                assert!(!said.contains("hunter2"), "{said}");
                assert!(said.len() > 200, "it says what is wrong: {said}");
            }
        }
    }
    // a worker that runs: log and record
    let mut direct = Direct::new("env-secrets-run");
    direct.write("config.env", good, 0o600);
    let options = ["--interval", "0.05", "--max-failures", "2", "--env", "E=hunter2", "--require", "A,E"];
    direct.launch(Caller::Root, &options, &["false"]);
    direct.end();
    let all = format!("{}{}{}", direct.log(), direct.stderr(), read(direct.record_path()));
    assert!(all.contains("worker failed") && !all.contains("hunter2"), "{all}");
}

/// Options whose value has been taken out.
fn remove_valueless(words: &mut Vec<&str>) {
    let mut index = 0;
    while index < words.len() {
        let next_is_option = words.get(index + 1).is_none_or(|next| next.starts_with("--"));
        if words[index].starts_with("--") && next_is_option {
            words.remove(index);
        } else {
            index += 1;
        }
    }
}

#[test]
fn under_a_real_s6_svscan_the_containers_variables_reach_the_worker() {
    needs!(root, "s6-svscan");
    // s6-svscan as s6-overlay starts it: PATH is all it passes on, the rest lies in files
    let script = "mount -t tmpfs -o mode=0755 tmpfs /run && umask 022 && mkdir -p /run/s6/container_environment && \
                  cd /run/s6/container_environment && printf Asia/Tokyo > TZ && printf t0ken > TOKEN && : > EMPTY && \
                  printf %s /of/container:/usr/bin:/bin > PATH && cd / && exec \"$@\"";
    let prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];
    let svscan = Svscan::start_behind("contenv", &prefix);
    let log = state("contenv.log");
    let _ = fs::remove_file(&log);
    let words = "--require TOKEN -- sh -c 'echo \"tz=$TZ token=$TOKEN empty=${EMPTY-unset} path=$PATH\"; exec sleep 100'";
    svscan.add_launch("contenv", words, &[]);
    let line = eventually_contains(&log, "path=");
    assert_eq!(line, "tz=Asia/Tokyo token=t0ken empty= path=/of/container:/usr/bin:/bin\n");
    let environ = read(format!("/proc/{}/environ", svscan.pid("contenv")));
    assert!(environ.contains("\0EMPTY=\0") || environ.starts_with("EMPTY=\0"), "{environ:?}");
    svscan.svc(&["-d"], "contenv");
}

#[test]
fn a_missing_requirement_rests_under_s6_and_a_fixed_config_env_starts_it() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("env-require");
    let log = state("env-require-s6.log");
    let _ = fs::remove_file(&log);
    let directory = svscan.add_launch(
        "env-require-s6",
        "--require TOKEN --interval '${EVERY}' -- sh -c 'echo run $TOKEN'",
        &[],
    );
    eventually_contains(&log, "resting until");
    assert!(
        read(&log).contains("variable 'TOKEN' is not set")
            && read(&log).contains("variable 'EVERY' is not set")
    );
    let pid = svscan.pid("env-require-s6");
    fs::write(directory.join("config.env"), "TOKEN=t\nEVERY=60\n").expect("written");
    set_mode(directory.join("config.env"), 0o644);
    eventually_contains(&log, "run t\n");
    assert_eq!(svscan.pid("env-require-s6"), pid);
}

#[test]
fn a_file_that_appears_in_an_env_dir_ends_a_rest() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("env-dir-rest");
    let log = state("env-dir-rest.log");
    let _ = fs::remove_file(&log);
    svscan.scratch.write("envdir/OTHER", "x", 0o644);
    let directory = svscan.scratch.join("envdir");
    let words = format!(
        "--env-dir {} --require TOKEN -- sh -c 'echo run $TOKEN; exec sleep 100'",
        directory.display()
    );
    svscan.add_launch("env-dir-rest", &words, &[]);
    eventually_contains(&log, "resting until");
    svscan.scratch.write("envdir/TOKEN", "t", 0o644);
    eventually_contains(&log, "run t\n");
}

#[test]
fn a_worker_that_is_root_gets_no_variables_from_what_others_can_write() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-root");
    let service = scratch.service("env-root");
    let abcs = scratch.directory_of_abc("abcs");
    fs::write(abcs.join("file"), "A=1\n").expect("written");
    let directory =
        directory_of(&scratch, "envdir", &[("GOOD", "1"), ("FILE__B", path_str(&abcs.join("file")))]);
    symlink(abcs.join("file"), scratch.join("envdir/LINKED")).expect("a link");
    let file = path_str(&abcs.join("file")).to_string();
    let options = [
        "--user",
        "root",
        "--env-dir",
        &directory,
        "--env-dir",
        path_str(&abcs),
        "--dotenv",
        &file,
        "--env-file",
        &file,
    ];
    let (code, said) = refused(&scratch, &service, &options);
    let place = abcs.display().to_string();
    let lines: Vec<String> = said
        .lines()
        .filter_map(|line| {
            line.split_once("fatal: ")
                .map(|(_, rest)| rest.replace(&place, "ABCS").replace(&directory, "DIR"))
        })
        .collect();
    let why = "non-root users can write it, and the worker would be root";
    let expected = [
        format!("'ABCS/file': {why}"),
        format!("'ABCS/file': {why}"),
        format!("unable to read 'DIR/LINKED': {why}"),
        format!("DIR/FILE__B: unable to read the file that FILE__B names, 'ABCS/file': {why}"),
        format!("'ABCS': {why}"),
    ];
    assert_eq!((code, lines), (100, expected.to_vec()), "{said}");
}

#[test]
fn what_a_dotenv_file_comes_to_is_bounded_in_time_and_memory() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::new("dotenv-bounds");
    let doubling = "A=xxxxxxxxxxxxxxxx\n".to_string() + &"A=${A}${A}\n".repeat(40);
    let long_line = format!("A='{}'\nB={}\n", "x".repeat(100_000), "${A}".repeat(100_000));
    let many_lines = format!("A='{}'\n", "x".repeat(100_000)) + &"B=${A}\n".repeat(1000);
    let many = (0..100_000).map(|number| format!("V{number}=1\n")).collect::<String>();
    let blanks = format!("A='{0}'\n{1}B={2}\n", "x".repeat(100_000), " ".repeat(20_000), "${A}".repeat(1000));
    for (file, what) in [
        (doubling, ":14: a value of over 128 KiB"),
        (long_line, ":2: a value of over 128 KiB"),
        (many_lines, ":42: the values of the file exceed 4 MiB"),
        (many, ":4097: more than 4096 variables"),
        (blanks, ":2: a value of over 128 KiB"),
        (
            (0..4000).map(|n| format!("V{n}=1\n")).collect::<String>() + &"N\n".repeat(400_000) + "=\n",
            ":404001: no name",
        ),
    ] {
        let path = scratch.write(".env", &file, 0o644);
        // 256 MiB are ample for the launcher
        let script = "ulimit -v 262144; ulimit -t 10; exec \"$@\"";
        let mut command =
            command(&["bash", "-c", script, "bash", path_str(&scratch.launcher())], &scratch.path);
        let output = finish(command.args(["--dotenv", path_str(&path), "--", "echo", "ran"]));
        assert!(code(&output) == 100 && said(&output).contains(what), "{what}: {output:?}");
    }
    // comments do not count
    let comments = format!("# {}\n", "c".repeat(100)).repeat(5000);
    let path = scratch.write(".env", &format!("{comments}A=1\n"), 0o644);
    let output = finish(&mut scratch.launch(&scratch.path, &["--dotenv", path_str(&path), "--", "true"]));
    assert_eq!(code(&output), 0, "{output:?}");
}

#[test]
fn a_config_env_that_was_made_readable_is_read_and_reported() {
    needs!(root, "s6-envdir", "chpst");
    let mut direct = Direct::new("env-chown");
    direct.write("config.env", "V=old\n", 0o600);
    let options = ["--interval", "0.1", "--max-failures", "100"];
    direct.launch(Caller::Root, &options, &["sh", "-c", "echo v=$V"]);
    direct.logs("v=old\n");
    // as root does it: written, moved there, and only then given to the user
    let draft = direct.scratch.write("draft", "V=new\n", 0o600);
    let config = direct.directory().join("config.env");
    fs::rename(&draft, &config).expect("renamed");
    direct.logs("the worker keeps the environment it had");
    own_by_abc(&config);
    direct.logs("v=new\n");
    let log = direct.logs("the worker's environment is that of its files again");
    assert_eq!(log.matches("permission denied").count(), 1, "{log}");
    // in place, of the same length and time
    let time = fs::metadata(&config).expect("its times").modified().expect("a time");
    let file = fs::OpenOptions::new().write(true).open(&config).expect("opened");
    std::io::Write::write_all(&mut &file, b"V=NEW\n").expect("written");
    file.set_modified(time).expect("its time");
    drop(file);
    direct.logs("v=NEW\n");
}
