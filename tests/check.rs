//! `futo check` on files of variables.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::launching::{code, command, finish};
use support::{Scratch, needs, own_by_abc, stderr, stdout};

/// `futo check WORDS` in the scratch directory.
fn check(scratch: &Scratch, words: &[&str]) -> Command {
    let mut command = command(&[env!("CARGO_BIN_EXE_futo")], &scratch.path);
    command.arg("check").args(words).env("HOME", "/config");
    command
}

/// Exit code and page.
fn page(command: &mut Command) -> (i32, String) {
    let output = finish(command);
    assert_eq!(stderr(&output), "", "{output:?}");
    (code(&output), stdout(&output))
}

#[test]
fn reports_every_line_that_cannot_be_read_of_all_files_and_no_value() {
    let scratch = Scratch::new("check");
    scratch.write("good.env", "A=1\nB=\"$A $HOME\"\nA=2\n", 0o644);
    scratch.write("windows.env", "\u{feff}A=1\r\n", 0o644);
    scratch.write(
        "bad.env",
        "MSG=hunter2 hunter2\nOK=1\nID=`hunter2`\nURL=hunter2?a&b\nS=${HUNTER:?hunter2}\n",
        0o644,
    );
    nix::unistd::mkfifo(&scratch.join("fifo.env"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let expected = "\
good.env: 2 variables, with the values that bash would assign
windows.env: 1 variable, with the values that bash would assign, except as follows
windows.env: the byte order mark is ignored, and CR LF line endings are read as LF
bad.env:1: a second word, which bash would run as a command
  hint: put the value in quotes: MSG='…'
bad.env:3: command substitution is not supported
  hint: write the result
bad.env:4: an unquoted '&'
  hint: put the value in quotes: URL='…'
bad.env:5: HUNTER is required, but unset or empty
  hint: set HUNTER before this line
fifo.env: unable to read it: it is a FIFO, not a regular file
none.env: unable to read it: no such file or directory
";
    let files = ["good.env", "windows.env", "bad.env", "fifo.env", "none.env"];
    assert_eq!(page(&mut check(&scratch, &files)), (1, expected.to_string()));
    assert_eq!(page(&mut check(&scratch, &["good.env"])).0, 0);
    for words in [
        ["--canonical"].as_slice(),
        &["--colour", "good.env"],
        &["--canonical", "good.env", "good.env"],
        &["--canonical", "--compare", "good.env"],
    ] {
        assert_eq!(code(&finish(&mut check(&scratch, words))), 100);
    }
    // a spelling goes to a file; what is wrong does not
    let output = finish(&mut check(&scratch, &["--canonical", "bad.env"]));
    assert_eq!((code(&output), stdout(&output).as_str()), (1, ""));
    assert!(stderr(&output).starts_with("bad.env:1: "), "{output:?}");
}

#[test]
fn a_dotenv_file_is_read_in_its_own_dialect_and_one_that_only_that_reads_is_recognised() {
    let scratch = Scratch::new("check-dotenv");
    scratch.write("compose/.env", "KEY=\"a b\"\nURL=http://x?a&b=c\nPLAIN=1\n", 0o644);
    scratch.write("bad", "A=1\nB='hunter2\n", 0o644);
    let (exit, said) = page(&mut check(&scratch, &["--dotenv", "compose/.env"]));
    assert_eq!(
        (exit, said.as_str()),
        (0, "compose/.env: 3 variables, with the values that compose would assign\n")
    );
    let (exit, said) = page(&mut check(&scratch, &["compose/.env"]));
    let expected = "\
compose/.env:2: an unquoted '&'
  hint: put the value in quotes: URL='…'
compose/.env: is valid as a dotenv file: use futo check --dotenv, and --dotenv in the run file
";
    assert_eq!((exit, said.as_str()), (1, expected));
    let (exit, said) = page(&mut check(&scratch, &["--dotenv", "compose/.env", "bad", "none"]));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(exit, 1);
    assert!(lines[1].starts_with("bad:2: ") && lines[2].starts_with("  hint: "), "{said}");
    assert_eq!(lines[3], "none: unable to read it: no such file or directory");
    assert!(!said.contains("hunter2"), "{said}");
    for words in
        [["--dotenv"].as_slice(), &["--dotenv", "--compare", "bad"], &["--dotenv", "--canonical", "bad"]]
    {
        assert_eq!(code(&finish(&mut check(&scratch, words))), 100, "{words:?}");
    }
}

#[test]
fn the_canonical_spelling_is_the_same_to_bash_and_keeps_bytes_and_comments() {
    needs!("bash");
    let scratch = Scratch::new("canonical");
    let file = b"# token\nexport TOKEN=a\\ b;B=$TOKEN/~ # trailing\n\nC=\xff'x'$HOME\"y\" D=$'a\\x01'\n: ${E:=it\\'s}\n";
    fs::write(scratch.join("a.env"), file).expect("written");
    let output = finish(&mut check(&scratch, &["--canonical", "a.env"]));
    let expected = b"# token\nexport TOKEN='a b'\nB=\"${TOKEN}/~\"  # trailing\n\nC=\"\xffx${HOME}y\"\nD=$'a\\x01'\n: ${E:=\"it's\"}\n";
    assert_eq!(output.stdout, expected, "{output:?}");
    fs::write(scratch.join("b.env"), &output.stdout).expect("written");
    let sourced = |name: &str| {
        let script = "set -a; . \"$1\"; exec env -0";
        finish(&mut command(&["bash", "-c", script, "bash", &format!("./{name}")], &scratch.path)).stdout
    };
    assert_eq!(sourced("a.env"), sourced("b.env"));
}

#[test]
fn a_comparison_asks_bash_as_abc_and_names_what_differs_without_its_value() {
    needs!(root, "bash");
    let scratch = Scratch::new("compare");
    scratch.write("same.env", "A='x y'\nB=${A%y}\nPATH=/nowhere\nIFS=x\nPWD=/x\nLC_ALL=xx_YY\n", 0o644);
    scratch.write("windows.env", "A=hunter2\r\nB=1\n", 0o644);
    let (code, said) = page(&mut check(&scratch, &["--compare", "same.env", "windows.env"]));
    let expected = "\
same.env: all values are the same in bash
windows.env: A has a different value in bash
windows.env: CR LF line endings are read as LF
";
    assert_eq!((code, said), (1, expected.to_string()));
    // nothing of the caller's steers bash, and its own variables do not count
    let mut command = check(&scratch, &["--compare", "same.env"]);
    let benv = scratch.write("benv", "echo ran >&2; A=other; exit 3\n", 0o644);
    command.env("BASH_ENV", &benv).env("ENV", &benv).env("SHELLOPTS", "xtrace").env("b-c", "odd");
    command.env("BASH_FUNC_printf%%", "() { echo forged; }").env("BASH_FUNC_set%%", "() { echo forged; }");
    assert_eq!(page(&mut command), (0, "same.env: all values are the same in bash\n".to_string()));
    // no program is started in the environment that the file makes
    let scratch_directory = scratch.directory_of_abc("preload");
    let trace = scratch_directory.join("trace");
    let ld = format!("LD_DEBUG=all\nLD_DEBUG_OUTPUT={}\n", trace.display());
    scratch.write("ld.env", &ld, 0o644);
    assert_eq!(page(&mut check(&scratch, &["--compare", "ld.env"])).0, 0);
    assert_eq!(
        fs::read_dir(&scratch_directory).expect("listed").count(),
        0,
        "a loader has looked at LD_DEBUG"
    );
    // bash never sees what is no plain assignment
    let marker = scratch.join("marker");
    scratch.write("run.env", &format!("A=1\ntouch {}\n", marker.display()), 0o644);
    assert_eq!(page(&mut check(&scratch, &["--compare", "run.env"])).0, 1);
    assert!(!marker.exists());
}

#[test]
fn root_reads_no_link_of_a_users() {
    needs!(root);
    let scratch = Scratch::new("check-link");
    let secret = scratch.write("root/secret.env", "A=1\nhunter2\n", 0o600);
    let abcs = scratch.directory_of_abc("abcs");
    symlink(&secret, abcs.join("a.env")).expect("a link");
    own_by_abc(&abcs.join("a.env"));
    let (code, said) = page(&mut check(&scratch, &["abcs/a.env"]));
    assert_eq!((code, said.as_str()), (1, "abcs/a.env: unable to read it: it is a symbolic link\n"));
    // whoever owns it may have it so
    fs::write(abcs.join("real.env"), "A=1\n").expect("written");
    symlink("real.env", abcs.join("b.env")).expect("a link");
    let futo = scratch.futo();
    let words =
        ["setpriv", "--reuid=abc", "--regid=abc", "--clear-groups", "--", futo.to_str().expect("text")];
    let (code, said) = page(command(&words, Path::new(&abcs)).args(["check", "b.env"]));
    assert_eq!((code, said.as_str()), (0, "b.env: 1 variable, with the values that bash would assign\n"));
}
