//! Damaged run files: a conversion never panics, and what it makes is always what the launcher reads. A few thousand
//! files, or FUTO_FUZZ_FILES of them; FUTO_FUZZ_SEED begins elsewhere.

mod support;

use std::time::{Duration, Instant};

use futo_launch::convert::{Context, Conversion, Definer, Kind, convert};
use futo_launch::service::run_script::{self, RunScript};
use futo_launch::{cli, config, error, machine};
use support::Random;

/// Run files of every kind, as people write them.
const CORPUS: &[&str] = &[
    "#!/usr/bin/with-contenv bash\nset -euo pipefail\nexec 2>&1\ncd /app || exit 1\nexec s6-setuidgid abc python3 app.py --port \"${PORT:-80}\"\n",
    "#!/bin/bash\nwhile true; do\n  python3 hook.py || true\n  sleep \"${EVERY:-300}\"\ndone >>/config/log/hook.log 2>&1\n",
    "#!/bin/bash\nset -a; [ -f ./config.env ] && . ./config.env; set +a\n: \"${TOKEN:?missing}\" \"${MODE:=daily}\"\nif [ -z \"$ON\" ]; then echo off; exec sleep infinity; fi\nexec uv run app.py\n",
    "#!/bin/sh\nwhile :; do [ \"$(date +%u%H)\" = 721 ] && ./report; sleep 3600; done\n",
    "#!/bin/bash\nmkdir -p /run/app && chown abc:abc /run/app\numask 027; ulimit -n 4096\nexport A=b PATH=\"/x:$PATH\"\nexec chpst -u abc:abc -o 4096 -e ./env app $EXTRA \"x $A\"\n",
    "#!/usr/bin/with-contenv bash\nargs=(--quiet)\n[[ -n $X ]] && args+=(--x \"$X\")\ncase \"$Y\" in a) Z=1 ;; *) Z=2 ;; esac\nexec s6-setuidgid abc app \"${args[@]}\" $(date +%s) <<E\nhere $Z\nE\n",
    "#!/bin/bash\nif [ \"$(id -u)\" = 0 ]; then exec s6-setuidgid abc app; else exec app; fi\n",
    "#!/bin/bash\nuntil nc -z db 5432; do sleep 1; done\ntrap 'kill $pid' TERM\napp & pid=$!\nwait \"$pid\"\n",
    "#!/usr/bin/execlineb -P\nfdmove -c 2 1\nforeground { mkdir -p /run/x }\nimportas -D 80 P PORT\ns6-setuidgid abc cd /app\nexport A \"b c\"\nifelse { test -e /y } { z }\napp --port ${P}\n",
    "#!/bin/sh\nfunction_one() { app \"$1\" | sed 's/a/b/'; }\nfunction_one \"$@\" 2>/dev/null || { echo failed; exit 1; }\nexec s6-notifyoncheck -d -n 300 -c \"nc -z localhost 80\" app\n",
];

/// Pieces of the languages.
const PIECES: &[&str] = &[
    "$(",
    ")",
    "${",
    "}",
    "\"",
    "'",
    "`",
    "\\",
    "\n",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "#",
    "<<E\n",
    ">",
    ">>",
    "<(",
    "(",
    "{ ",
    " }",
    "if ",
    "; then ",
    "fi",
    "while ",
    "; do ",
    "done",
    "case x in ",
    "esac",
    "[[ ",
    " ]]",
    "exec ",
    "s6-setuidgid abc ",
    "\t",
    "é",
    "\u{202e}",
    "\r\n",
    "$'",
    "${x:-",
    "$((",
    "))",
    "!",
    "*",
    "~",
    "export ",
    "cd ",
    "sleep ",
    "infinity",
    "1",
    "--",
    "=",
];

fn damaged(random: &mut Random) -> String {
    let mut file: Vec<char> = random.one_of(CORPUS).chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(file.len() + 1);
        match random.below(5) {
            0 if at < file.len() => drop(file.remove(at)),
            1 => {
                let end = (at + random.below(30)).min(file.len());
                file.drain(at..end);
            }
            2 => {
                let from = random.below(file.len() + 1);
                let piece = file[from..(from + random.below(40)).min(file.len())].to_vec();
                file.splice(at..at, piece);
            }
            3 => {
                let other: Vec<&str> = random.one_of(CORPUS).lines().skip(1).collect();
                let line = other[random.below(other.len())];
                let start = file.iter().take(at).rposition(|c| *c == '\n').map_or(0, |end| end + 1);
                file.splice(start..start, line.chars().chain(['\n']));
            }
            _ => {
                let piece = random.one_of(PIECES).repeat(if random.one_in(50) { 2_000 } else { 1 });
                file.splice(at..at, piece.chars());
            }
        }
    }
    file.into_iter().collect()
}

/// What is wrong with a conversion.
fn fault(file: &str, made: &Conversion) -> Option<String> {
    let Ok(RunScript::OneLine(words)) = run_script::parse(&made.run) else {
        return Some("the launcher does not read the line".to_string());
    };
    let mut findings = error::Findings::default();
    let request = cli::parse(words.clone(), &mut findings);
    if request.words.is_empty() || request.file.is_some() || request.ask.is_some() {
        return Some("it starts nothing".to_string());
    }
    config::resolve(request, &machine::Machine, &mut findings);
    if let Some(finding) = findings.iter().next() {
        return Some(finding.text.clone());
    }
    let lines = file.lines().count() + 1;
    if let Some(finding) = made.findings.iter().find(|finding| finding.line > lines) {
        return Some(format!("line {} does not exist", finding.line));
    }
    if let Some(script) = &made.script {
        let text = String::from_utf8_lossy(&script.text).into_owned();
        // the user's lines, untouched: all but the two first, and one whose change of user was removed
        let unix = file.replace("\r\n", "\n");
        let strange = text.lines().skip(2).filter(|line| !unix.contains(line.trim_end())).count();
        let removed =
            made.findings.iter().filter(|finding| finding.why.contains("is removed from this line")).count();
        if strange > removed {
            return Some("the script has lines that the run file does not have".to_string());
        }
        if !made.findings.iter().any(|finding| finding.kind == Kind::Stays) {
            return Some("a script without a reason".to_string());
        }
    }
    None
}

#[test]
fn damaged_run_files_are_converted_soundly_or_stay() {
    let number = |name: &str, usual: u64| {
        std::env::var(name).ok().map_or(usual, |text| text.parse().expect("a number"))
    };
    let files = number("FUTO_FUZZ_FILES", 3_000);
    let seed = number("FUTO_FUZZ_SEED", 1);
    let (mut converted, mut scripts) = (0, 0);
    let mut slowest = Duration::ZERO;
    for index in 0..files {
        let mut random = Random((seed + index).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let file = damaged(&mut random);
        let definer = if random.one_in(2) { Definer::Root } else { Definer::User };
        let beside = ["run", "config.env", "notification-fd", "worker.sh", "log/run", "finish"];
        let there = beside.iter().filter(|_| random.one_in(3)).map(|name| (*name).to_string()).collect();
        let context =
            Context { name: "app".to_string(), files: there, definer, launcher: "futo-launch".to_string() };
        let start = Instant::now();
        if let Ok(made) = convert(file.as_bytes(), &context) {
            converted += 1;
            scripts += u64::from(made.script.is_some());
            if let Some(fault) = fault(&file, &made) {
                panic!("seed {}: {fault}\n{file}\n---\n{made:?}", seed + index);
            }
        }
        slowest = slowest.max(start.elapsed());
    }
    println!(
        "{files} files: {converted} converted, {scripts} of them with a script; the slowest took {slowest:?}"
    );
    assert!(
        converted * 10 > files && scripts * 20 > files,
        "{converted} {scripts}: the damage hides everything"
    );
}
