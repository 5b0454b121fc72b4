//! Settings files and scripts.

use crate::support::launching::{code, command, finish};
use crate::support::{Probe, Scratch, Svscan, log_of, logs, needs, read, said, stdout};
use crate::{ended, words};

#[test]
fn errors_of_a_settings_file_name_line_column_and_the_nearest_key() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("file-errors");
    for (content, expected) in [
        (
            "exec = [\"true\"]\n  intervall = 5\nusr = \"abc\"\nnice = [1]\ngrace = 3\nonce = 1\nnice-ness = 1\n",
            "f.toml:2:3: unknown key 'intervall'\n(did you mean interval?)\n\
             f.toml:3:1: unknown key 'usr'\n(did you mean user?)\n\
             f.toml:4: nice: must be N\n\
             f.toml:6: once: must be true or false\n\
             f.toml:7:1: unknown key 'nice-ness'\n\
             (the keys are exec, script and the options that futo-launch --help lists, without dashes)\n\
             f.toml:5: grace: needs a timing option: it works only in a loop\n\
             (add --interval DURATION, --every DURATION, --schedule WHEN or --once)\n",
        ),
        ("exec = [\"true\"]\nexec = [\"true\"]\n", "f.toml:2:1: duplicate key\n"),
        (
            "exec = [\"true\"]\nuser = abc\n",
            "f.toml:2:8: string values must be quoted, expected literal string\n",
        ),
        ("nice = 1\n", "f.toml: neither exec nor script is set\n(add exec = [\"PROGRAM\", \"ARG\"])\n"),
        ("exec = [\"true\"]\nscript = 'true'\n", "f.toml:2: exec and script both name the worker\n"),
        (
            "exec = [\"true\"]\nnice = 99\n",
            "f.toml:2: nice: invalid value '99': is not a whole number from -20 to 19\n",
        ),
        (
            "exec = [\"true\"]\n[env]\n1A = \"hunter2\"\n",
            "f.toml:2: env: invalid value: has an invalid variable name\n(use letters, digits and underscores; do not start with a digit)\n",
        ),
    ] {
        scratch.write("f.toml", content, 0o644);
        let expected: String = expected
            .lines()
            .map(|line| match line.strip_prefix('(').and_then(|line| line.strip_suffix(')')) {
                Some(hint) => format!("futo-launch: hint: {hint}\n"),
                None => format!("futo-launch: fatal: {line}\n"),
            })
            .collect();
        assert_eq!(words(&scratch, &["--file", "f.toml"]), (100, expected), "{content}");
    }
    let expected = "futo-launch: fatal: unable to read 'absent': no such file or directory\n";
    assert_eq!(words(&scratch, &["--file", "absent"]), (100, expected.to_string()));
    scratch.write("f.toml", "exec = [\"true\"]\n", 0o644);
    let expected =
        "futo-launch: fatal: unexpected argument 'b': only options and the service name may follow --file\n";
    assert_eq!(words(&scratch, &["--file", "f.toml", "a", "b"]), (100, expected.to_string()));
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::of_root("file");
    let content = format!(
        "exec = [\"{}\", \"a b\"]\nhome = \"/file\"\numask = \"027\"\nnice = 3\nlog = \"-\"\n\
         groups = [\"futoa\", \"futob\"]\nulimit = [\"nofile=300\"]\n[env]\nA = \"file\"\nB = \"file\"\n",
        scratch.probe().display()
    );
    scratch.write("f.toml", &content, 0o644);
    let run = |options: &[&str]| {
        let words: Vec<&str> = ["--file", "f.toml"].iter().chain(options).copied().collect();
        Probe::of(&finish(&mut scratch.launch(&scratch.path, &words)))
    };
    let probe = run(&[]);
    assert_eq!((probe.env("HOME"), probe.get("umask"), probe.get("nice")), (Some("/file"), "0027", "3"));
    assert_eq!((probe.env("A"), probe.env("B"), probe.get("args")), (Some("file"), Some("file"), "a b"));
    assert_eq!((probe.get("groups"), probe.get("nofile")), ("911 9101 9102", "300:300"));
    let flags = [
        "--home",
        "/flag",
        "--umask",
        "077",
        "--env",
        "A=flag",
        "--groups",
        "none",
        "--ulimit",
        "nofile=200",
    ];
    let probe = run(&flags);
    assert_eq!((probe.env("HOME"), probe.get("umask"), probe.get("nice")), (Some("/flag"), "0077", "3"));
    assert_eq!((probe.env("A"), probe.env("B")), (Some("flag"), Some("file")));
    assert_eq!((probe.get("groups"), probe.get("nofile")), ("911", "200:200"));
}

#[test]
fn a_run_file_in_the_shebang_form_is_called_by_s6_with_the_services_name() {
    needs!(root, "bash", "python3", "strace", "s6-svscan");
    let svscan = Svscan::start("shebang");
    let run = format!(
        "#!{} --file\nexec = [\"sh\", \"-c\", \"echo $0 $FROM; exec sleep 1000\"]\n[env]\nFROM = \"file\"\n",
        svscan.scratch.launcher().display()
    );
    svscan.add("execshebang", &[("run", &run)]);
    assert_eq!(logs("execshebang", "\n"), "sh file\n");
    let pid = svscan.pid("execshebang");
    assert_eq!(read(format!("/proc/{pid}/cmdline")), "sleep\x001000\0");

    // the name that s6 passes counts, not that of the directory
    let service = svscan.scratch.service("elsewhere");
    let run =
        format!("#!{} --file\nscript = '''\necho \"$HOME\"\n'''\n", svscan.scratch.launcher().display());
    svscan.scratch.write("elsewhere/run", &run, 0o755);
    let output = finish(&mut command(&["./run", "execnamed"], &service));
    assert_eq!(ended(&output), (0, String::new()));
    assert_eq!(log_of("execnamed"), "/config\n");
    let output = finish(&mut command(&["./run", "../etc/passwd"], &service));
    assert_eq!(code(&output), 100);
    assert!(said(&output).contains("the service name '../etc/passwd' starts with a dot"), "{output:?}");
}

#[test]
fn a_script_is_run_by_sh_eu() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("script");
    let run = |script: &str| {
        scratch.write("f.toml", &format!("log = \"-\"\nscript = '''\n{script}'''\n"), 0o644);
        let output = finish(&mut scratch.launch(&scratch.path, &["--file", "f.toml"]));
        (code(&output), stdout(&output))
    };
    assert_eq!(run("echo one\ncd /\npwd\nexec echo \"$HOME\"\n"), (0, "one\n/\n/config\n".to_string()));
    assert_eq!(run("echo one\nfalse\necho two\n"), (1, "one\n".to_string()));
    let (code, said) = run("echo \"$UNSET\"\necho two\n");
    assert!(code != 0 && !said.contains("two"), "{said}");
}
