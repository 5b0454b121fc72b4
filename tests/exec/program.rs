//! How the program is found and executed, and the exit code.

use std::fs;
use std::path::Path;

use crate::support::launching::{PATH, code, command, finish, with_file_at};
use crate::support::{Scratch, needs, path_str, read, set_mode, stderr, stdout};
use crate::{ended, words};

/// A program that cannot be executed, and what is said.
fn cannot_execute(scratch: &Scratch, program: &str, why: &str, hint: Option<&str>) {
    let name = Path::new(program).file_name().expect("a name").to_str().expect("text");
    let mut expected = format!("TIME {name}: fatal: unable to execute '{program}': {why}\n");
    if let Some(hint) = hint {
        expected.push_str(&format!("TIME {name}: hint: {hint}\n"));
    }
    assert_eq!(words(scratch, &["--", program]), (126, expected.clone()), "{program}");
    // in a loop it is a failed run
    let looped = words(scratch, &["--interval", "1h", "--max-failures", "1", "--", program]);
    assert_eq!(looped.0, 126, "{program}");
    assert!(looped.1.contains(&format!("unable to execute '{program}': {why}")), "{}", looped.1);
    // and --explain predicts it
    let explained = finish(&mut scratch.launch(&scratch.path, &["--explain", "--", program]));
    assert_eq!(code(&explained), 126, "{}", stdout(&explained));
    assert!(stdout(&explained).contains(&format!("unable to execute '{program}': {why}")));
}

const RIGHTS: &str =
    "the worker's user needs execute permission (chmod +x), and search permission on its parent directories";
const INTERPRETER: &str =
    "correct the script's first line (with CR LF line endings, the CR is part of the name)";
const NO_SHEBANG: &str = "start the script with #!/bin/sh, or run it with sh";

#[test]
fn a_program_that_cannot_be_executed_is_126_with_the_reason() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("cannot");
    scratch.write("plain", "echo\n", 0o644);
    cannot_execute(&scratch, "./plain", "permission denied", Some(RIGHTS));
    scratch.write("missing", "#!/bin/nosuch -x\n", 0o755);
    cannot_execute(&scratch, "./missing", "its interpreter '/bin/nosuch' does not exist", Some(INTERPRETER));
    scratch.write("crlf", "#!/bin/sh\r\necho\r\n", 0o755);
    cannot_execute(&scratch, "./crlf", "its interpreter '/bin/sh\\r' does not exist", Some(INTERPRETER));
    let why = "it is neither a binary for this machine nor a script with a #! line";
    scratch.write("bare", "echo hi\n", 0o755);
    cannot_execute(&scratch, "./bare", why, Some(NO_SHEBANG));
    scratch.write("empty", "", 0o755);
    cannot_execute(&scratch, "./empty", why, Some(NO_SHEBANG));
    let hint = Some("name a program, not its directory");
    cannot_execute(&scratch, "./bin", "it is a directory", hint);
    cannot_execute(&scratch, "/etc", "it is a directory", hint);
    scratch.write("indirect", &format!("#!{}\n", scratch.join("plain").display()), 0o755);
    let why = format!(
        "its interpreter '{}' cannot be executed: permission denied",
        scratch.join("plain").display()
    );
    cannot_execute(&scratch, "./indirect", &why, Some(RIGHTS));
    // what root could execute and the worker's user cannot reach is there all the same
    scratch.write("private/tool", "#!/bin/sh\n", 0o755);
    set_mode(scratch.join("private"), 0o700);
    cannot_execute(&scratch, "private/tool", "permission denied at 'private'", Some(RIGHTS));
}

#[test]
fn a_program_that_is_not_there_is_127_with_the_path_that_was_searched() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("not-found");
    let hint = "check the name, or give the full path";
    for (options, place) in [
        ([].as_slice(), format!("not found in PATH ({PATH})")),
        (&["--env", "PATH=/a:/b"], "not found in PATH (/a:/b)".to_string()),
        (&["--unset", "PATH"], format!("not found in PATH ({PATH})")),
    ] {
        let words_: Vec<&str> = options.iter().copied().chain(["--", "nosuch"]).collect();
        let expected =
            format!("TIME nosuch: fatal: unable to execute 'nosuch': {place}\nTIME nosuch: hint: {hint}\n");
        assert_eq!(words(&scratch, &words_), (127, expected));
    }
    let expected =
        format!("TIME nosuch: fatal: unable to execute './nosuch': not found\nTIME nosuch: hint: {hint}\n");
    assert_eq!(words(&scratch, &["--", "./nosuch"]), (127, expected));
}

#[test]
fn the_program_is_searched_in_the_workers_path_as_posix_has_it() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("search");
    for directory in ["one", "two", "work"] {
        scratch.write(Path::new(directory).join("tool"), &format!("#!/bin/sh\necho {directory}\n"), 0o755);
    }
    set_mode(scratch.join("one/tool"), 0o644);
    fs::create_dir(scratch.join("dir")).expect("a directory");
    fs::create_dir(scratch.join("dir/tool")).expect("a directory");
    let root = path_str(&scratch.path);
    // neither a directory, a file without +x, a file in the way nor an absent place ends the search
    let path = format!("PATH={root}/dir:{root}/one:{root}/one/tool:{root}/absent:{root}/two:/bin");
    let output = finish(&mut scratch.launch(&scratch.path, &["--env", &path, "tool"]));
    assert_eq!((code(&output), stdout(&output).as_str()), (0, "two\n"), "{}", stderr(&output));
    // an empty element is the worker's directory
    for path in ["PATH=:/bin", "PATH=/bin::/usr/bin", "PATH=/bin:"] {
        let options = ["--env", path, "--chdir", "work", "tool"];
        let output = finish(&mut scratch.launch(&scratch.path, &options));
        assert_eq!((code(&output), stdout(&output).as_str()), (0, "work\n"), "{path}");
    }
}

#[test]
fn the_workers_own_exit_code_is_the_services() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("code");
    for wanted in [0, 1, 100, 111, 126, 127, 255] {
        let script = format!("exit {wanted}");
        assert_eq!(words(&scratch, &["sh", "-c", &script]), (wanted, String::new()));
    }
    assert_eq!(words(&scratch, &["sh", "-c", "kill -TERM $$"]).0, 143);
}

#[test]
fn what_the_system_refuses_is_111() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("refused");
    let gone = scratch.join("gone");
    fs::create_dir(&gone).expect("a directory");
    let mut command = scratch.launch_by(&["sh", "-c", "rmdir \"$PWD\"; exec \"$@\"", "sh"], &gone, &["true"]);
    let expected =
        "futo-launch: fatal: unable to determine the working directory: no such file or directory\n";
    assert_eq!(ended(&finish(&mut command)), (111, expected.to_string()));
}

/// `group: files systemd` makes a static program with getpwnam load libnss_systemd.
#[test]
fn no_shared_object_and_no_nsswitch_is_opened() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("nss");
    let nsswitch = scratch.write(
        "nsswitch.conf",
        "passwd: files systemd ldap\ngroup: files systemd ldap\nhosts: files dns\n",
        0o644,
    );
    let service = scratch.service("exec-nss");
    let trace = scratch.join("trace");
    let traced = |words: &[&str]| {
        let mut command = command(&with_file_at(&nsswitch, "/etc/nsswitch.conf"), &service);
        let output =
            finish(command.args(["strace", "-f", "-e", "trace=%file", "-o", path_str(&trace)]).args(words));
        (code(&output), read(&trace))
    };
    let suspicious = |trace: &str| trace.contains(".so") || trace.contains("nsswitch");
    // what such a trace looks like
    assert!(suspicious(&traced(&["id", "-u", "abc"]).1));
    let (launcher, probe) = (scratch.launcher(), scratch.probe());
    for options in [
        [].as_slice(),
        &["--user", "abc:futoa", "--groups", "futob"],
        &["--once"],
        &["--explain"],
        &["--user", "nosuch"],
    ] {
        let mut words = vec![path_str(&launcher)];
        words.extend(options);
        words.push(path_str(&probe));
        let (code, trace) = traced(&words);
        assert!(code == 0 || options.contains(&"nosuch"), "{options:?}");
        assert!(trace.contains("/etc/passwd") && !suspicious(&trace), "{options:?}: {trace}");
    }
}
