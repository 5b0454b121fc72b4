//! Manual pages and completions: every option stands there, and the real programs take them.

mod support;

use std::process::{Command, Output};

use futo_launch::admin::COMMANDS;
use futo_launch::config::flags;
use support::launching::{code, finish};
use support::{Scratch, needs, output, stderr, stdout};

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
    for flag in flags::all() {
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
    needs!("groff", "man");
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
    needs!("script", "man");
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
        shown.contains("futo-config-env - environment file of a service") && shown.contains("code 0\n"),
        "{shown}"
    );
    assert!(!shown.contains(".SH") && shown.contains("FUTO-CONFIG-ENV(5)"), "{shown}");
}

fn completions(scratch: &Scratch, shell: &str) -> std::path::PathBuf {
    let script = futo(&["completions", shell]);
    assert_eq!((code(&script), stderr(&script)), (0, String::new()));
    scratch.write(shell, &stdout(&script), 0o644)
}

/// Lines as they are typed, and what is offered for the last word.
const TYPED: [(&str, &[&str]); 17] = [
    ("futo st", &["start", "status", "stop"]),
    ("futo status --pro", &["--prometheus"]),
    ("futo new --inter", &["--interval"]),
    ("futo new x --inter", &["--interval"]),
    ("futo new --interval 5 x --pers", &["--persist"]),
    ("futo new --template ", &["node", "python", "shell", "uv"]),
    ("futo new --on-stop ", &["finish", "kill"]),
    ("futo new --ready f", &["file:", "first-success"]),
    ("futo new --user ab", &["abc"]),
    ("futo man futo-", &["futo-config-env.5", "futo-launch.1", "futo-service.5"]),
    ("futo completions ", &["bash", "fish", "zsh"]),
    ("futo-launch --time", &["--timeout"]),
    ("futo-launch --on-stop k", &["kill"]),
    ("futo-launch --user ab", &["abc"]),
    ("futo-launch --chdir d", &["dir/"]),
    ("futo status d", &["dir/"]),
    ("futo status he", &["heartbeat"]),
];

/// A directory as /run/service looks: nothing that begins with a dot is offered.
fn surroundings(scratch: &Scratch) -> std::path::PathBuf {
    let place = scratch.join("place");
    for directory in ["dir", ".s6-svscan", "home"] {
        std::fs::create_dir_all(place.join(directory)).expect("a directory");
    }
    std::fs::write(place.join(".futo-lock"), "").expect("written");
    place
}

/// The definitions of a container, seen by this command only.
fn with_services(words: &[&str]) -> Command {
    let script = "mount -t tmpfs tmpfs /config; mkdir -p /config/s6-services/heartbeat; \
                  : > /config/s6-services/heartbeat/run; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-euc", script, "sh"]).args(words);
    command
}

/// What was offered, line by line, beside what should be.
fn compare(offered: &str) {
    let mut lines: Vec<&str> = offered.lines().collect();
    lines.dedup();
    let mut lines = lines.into_iter();
    for (typed, expected) in TYPED {
        assert_eq!(lines.next(), Some(format!("> {typed}").as_str()), "{offered}");
        let mut found: Vec<String> = lines
            .by_ref()
            .take_while(|line| *line != "<")
            .filter(|line| !line.is_empty())
            .map(|line| if line == "dir" { "dir/".to_string() } else { line.trim_end().to_string() })
            .collect();
        found.sort();
        found.dedup();
        assert_eq!(found, expected, "{typed}");
    }
}

fn typed() -> Vec<&'static str> {
    TYPED.iter().map(|(line, _)| *line).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    needs!(root, "bash");
    let scratch = Scratch::new("complete-bash");
    let script = completions(&scratch, "bash");
    // bash takes the line apart at blanks, and at = and :
    let test = r#". "$1"; shift
        for line; do
            echo "> $line"
            COMP_WORDS=($line); case $line in *" ") COMP_WORDS+=("") ;; esac
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            case $line in "futo "*) _futo ;; *) _futo_launch ;; esac
            printf '%s\n' "${COMPREPLY[@]}"; echo "<"
        done"#;
    let script_name = script.display().to_string();
    let mut words = vec!["bash", "-uc", test, "bash", &script_name];
    words.extend(typed());
    let place = surroundings(&scratch);
    let asked = finish(with_services(&words).current_dir(&place));
    assert_eq!(stderr(&asked), "");
    compare(&stdout(&asked));
    let more = r#". "$1"
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _futo; echo "${COMPREPLY[*]}"; }
        ask futo new --template = sh; ask futo new --template =; ask futo new x -- "$2" | tr ' ' '\n' | sort -u; ask futo logs ""
        complete -p futo futo-launch"#;
    let words = ["bash", "-uc", more, "bash", &script_name, "setpri"];
    let asked = finish(with_services(&words).current_dir(&place));
    let expected = "shell\npython uv shell node\nsetpriv\nheartbeat dir home\n\
                    complete -F _futo futo\ncomplete -F _futo_launch futo-launch\n";
    assert_eq!((stdout(&asked), stderr(&asked)), (expected.to_string(), String::new()));
}

#[test]
fn fish_completes_them_too() {
    needs!(root, "fish");
    let scratch = Scratch::new("complete-fish");
    let script = completions(&scratch, "fish");
    let test = "source $argv[1]; for line in $argv[2..]; echo \"> $line\"; \
                complete -C $line | string replace -r '\\t.*' ''; echo '<'; end";
    let place = surroundings(&scratch);
    let script = script.display().to_string();
    let mut words = vec!["fish", "-c", test, &script];
    words.extend(typed());
    let asked = finish(with_services(&words).current_dir(&place).env("HOME", place.join("home")));
    assert_eq!(stderr(&asked), "");
    compare(&stdout(&asked));
}

/// A zsh at a terminal of its own, which is typed into; what its completion adds is written to a file.
const ZSH: &str = r#"
zmodload zsh/zpty zsh/zselect
script=$1 out=$2; shift 2
: > $out
cat > $out.rc <<RC
PROMPT= RPROMPT=
unsetopt beep zle_bracketed_paste 2>/dev/null
autoload -U compinit; compinit -u -D
. $script
compadd() {
  local -a hits
  [[ " \$* " == *" -"[OAD]" "* ]] && { builtin compadd "\$@"; return }
  builtin compadd -A hits "\$@"
  print -rl -- \$hits >> $out
  builtin compadd "\$@"
}
bindkey '^I' complete-word
zstyle ':completion:*' accept-exact false
_done() { print '<' >> $out; zle kill-whole-line; zle -I }
zle -N _done; bindkey '^O' _done
_begin() { print -r -- "> \$BUFFER" >> $out }
zle -N _begin; bindkey '^B' _begin
print loaded >> $out.loaded
RC
await() {
  repeat 900; do
    [[ -e $2 && $(grep -c -- $1 $2) -ge $3 ]] && return
    zselect -t 2
    zpty -r -t shell got && : 
  done
  print "no answer"; exit 1
}
zpty -b shell zsh -f -i
zpty -w shell ". $out.rc"
await loaded $out.loaded 1
count=0
for line; do
  zpty -w -n shell "$line"$'\C-b\t\C-o'
  (( count++ ))
  await '^<$' $out $count
done
cat $out
"#;

#[test]
fn zsh_completes_them_too() {
    needs!(root, "zsh");
    let scratch = Scratch::new("complete-zsh");
    let script = completions(&scratch, "zsh").display().to_string();
    let out = scratch.join("out").display().to_string();
    let mut words = vec!["zsh", "-f", "-c", ZSH, "zsh", &script, &out];
    words.extend(typed());
    let place = surroundings(&scratch);
    let asked = finish(with_services(&words).current_dir(&place).env("HOME", place.join("home")));
    assert_eq!((code(&asked), stderr(&asked)), (0, String::new()), "{}", stdout(&asked));
    compare(&stdout(&asked));
}
