//! Manual pages and completions: every option stands there, and the real programs take them.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test says what is wrong by failing"
)]

mod support;

use std::process::{Command, Output};

use futo_launch::admin::COMMANDS;
use futo_launch::cli::flags::FLAGS;
use support::launching::{code, finish};
use support::{Need, Scratch, have, output, read, stderr, stdout};

const PAGES: [&str; 4] = ["futo-launch.1", "futo.1", "futo-service.5", "futo-config-env.5"];

fn futo(words: &[&str]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_futo")).args(words))
}

fn page(name: &str) -> String {
    let page = futo(&["man", name]);
    assert_eq!((code(&page), stderr(&page)), (0, String::new()));
    stdout(&page)
}

#[test]
fn the_pages_hold_every_option_and_command() {
    assert_eq!(stdout(&futo(&["man"])), PAGES.map(|name| format!("{name}\n")).concat());
    let roff = |option: &str| format!("\\-\\-{}", option.replace('-', "\\-"));
    let (launch, futo) = (page("futo-launch.1"), page("futo.1"));
    for flag in FLAGS {
        assert!(launch.contains(&roff(flag.long)), "--{}", flag.long);
    }
    for command in COMMANDS {
        assert!(
            futo.contains(&format!(".SS \"futo {}", command.name.replace('-', "\\-"))),
            "{}",
            command.name
        );
        for option in command.options {
            assert!(futo.contains(&roff(option.long)), "{} --{}", command.name, option.long);
        }
    }
}

#[test]
fn the_pages_are_rendered_without_a_warning() {
    if !have(&[Need::Program("groff"), Need::Program("man")]) {
        return;
    }
    let scratch = Scratch::new("man");
    for name in PAGES {
        let file = scratch.write(name, &page(name), 0o644);
        let groff = finish(Command::new("groff").args(["-ww", "-man", "-Tutf8", "-P-cbou"]).arg(&file));
        assert_eq!((code(&groff), stderr(&groff)), (0, String::new()), "{name}");
        let man =
            finish(Command::new("man").args(["--warnings=w", "-l"]).arg(&file).env("LC_ALL", "C.UTF-8"));
        assert_eq!((code(&man), stderr(&man)), (0, String::new()), "{name}");
        assert!(stdout(&man).contains("SEE ALSO"), "{name}");
    }
}

/// What `futo man PAGE` shows at a terminal of 60 columns, with this PATH.
fn at_a_terminal(scratch: &Scratch, path: &str, name: &str) -> String {
    let futo = env!("CARGO_BIN_EXE_futo");
    let line = format!("stty cols 60; PATH='{path}' '{futo}' man {name}; echo \"code $?\"");
    let mut command = Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .env("MANPAGER", "cat")
        .env("TERM", "dumb")
        .env("LC_ALL", "C.UTF-8");
    let shown = finish(command.current_dir(&scratch.path));
    stdout(&shown).replace("\r\n", "\n")
}

#[test]
fn at_a_terminal_a_page_is_read_with_or_without_man() {
    if !have(&[Need::Program("script"), Need::Program("man")]) {
        return;
    }
    let scratch = Scratch::new("man-terminal");
    // as busybox has it: it takes no -l
    scratch.write("bin/man", "#!/bin/sh\necho usage >&2\nexit 1\n", 0o755);
    let refusing = scratch.join("bin").display().to_string();
    for name in PAGES {
        for path in ["/nonexistent", &refusing] {
            let shown = at_a_terminal(&scratch, path, name);
            assert!(
                shown.contains("\nNAME\n    futo") && shown.contains("\nSEE ALSO\n"),
                "{name} {path}: {shown}"
            );
            assert!(shown.ends_with("code 0\n") && !shown.contains("usage"), "{name} {path}: {shown}");
            assert!(!shown.contains(".SH") && !shown.contains("\\-"), "{name} {path}: {shown}");
        }
    }
    let plain = at_a_terminal(&scratch, "/nonexistent", "futo-launch");
    let is_prose = |line: &&str| line.starts_with("        ") && !line.contains("exec futo-launch");
    let too_long = plain.lines().filter(is_prose).filter(|line| line.chars().count() > 60);
    assert_eq!(too_long.collect::<Vec<_>>(), [""; 0]);
    let shown = at_a_terminal(&scratch, "/usr/bin:/bin", "futo-config-env");
    assert!(
        shown.contains("futo-config-env - variables of a service") && shown.contains("code 0\n"),
        "{shown}"
    );
    assert!(!shown.contains(".SH") && shown.contains("FUTO-CONFIG-ENV(5)"), "{shown}");
}

fn completions(scratch: &Scratch, shell: &str) -> std::path::PathBuf {
    let script = futo(&["completions", shell]);
    assert_eq!((code(&script), stderr(&script)), (0, String::new()));
    scratch.write(shell, &stdout(&script), 0o644)
}

#[test]
fn bash_completes_commands_options_and_options_of_the_launcher() {
    if !have(&[Need::Program("bash")]) {
        return;
    }
    let scratch = Scratch::new("complete-bash");
    let script = completions(&scratch, "bash");
    let test = r#". "$1"
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _futo; echo "${COMPREPLY[*]}"; }
        ask futo st; ask futo status --pro; ask futo new --inter; ask futo man futo-s
        COMP_WORDS=(futo-launch --time); COMP_CWORD=1; _futo_launch; echo "${COMPREPLY[*]}"
        complete -p futo futo-launch"#;
    let asked =
        finish(Command::new("bash").args(["-uc", test, "bash"]).arg(script).current_dir(&scratch.path));
    let expected = "start status stop\n--prometheus\n--interval\nfuto-service.5\n--timeout\n\
        complete -F _futo futo\ncomplete -F _futo_launch futo-launch\n";
    assert_eq!((stdout(&asked), stderr(&asked)), (expected.to_string(), String::new()));
}

#[test]
fn fish_completes_them_too() {
    if !have(&[Need::Program("fish")]) {
        return;
    }
    let scratch = Scratch::new("complete-fish");
    let script = completions(&scratch, "fish");
    let test = "source $argv[1]; for line in 'futo st' 'futo status --pro' 'futo new --inter' 'futo man futo-s' 'futo-launch --time'; complete -C $line | string replace -r '\\t.*' ''; end";
    let home = scratch.join("home");
    std::fs::create_dir(&home).expect("a home");
    let asked = finish(Command::new("fish").args(["-c", test]).arg(script).env("HOME", home));
    let expected = "start\nstatus\nstop\n--prometheus\n--interval\nfuto-service.5\n--timeout\n";
    assert_eq!((stdout(&asked), stderr(&asked)), (expected.to_string(), String::new()));
}

#[test]
fn zsh_loads_what_completes_them() {
    if !have(&[Need::Program("zsh")]) {
        return;
    }
    let scratch = Scratch::new("complete-zsh");
    let script = completions(&scratch, "zsh");
    let test = "autoload -U compinit; compinit -u -D; . $1; print ${_comps[futo]} ${_comps[futo-launch]}; \
        whence -w _futo _futo_launch _futo_services";
    let loaded = finish(Command::new("zsh").args(["-f", "-c", test, "zsh"]).arg(&script));
    let expected = "_futo _futo_launch\n_futo: function\n_futo_launch: function\n_futo_services: function\n";
    assert_eq!((stdout(&loaded), stderr(&loaded)), (expected.to_string(), String::new()));
    for option in ["--prometheus[", "--interval=[", "'start:"] {
        assert!(read(&script).contains(option), "{option}");
    }
}
