//! Old run files beside what takes their place, under a real s6-svscan: the corpus of tests/data/convert.

mod case;
mod comparison;
mod conversion;
mod differences;
mod ground;
mod observation;
mod rows;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use case::{Case, RunFile, Services};
use comparison::{Side, compare};
use conversion::{Converted, convert};
use differences::DELIBERATE;
use ground::Ground;
use observation::{Observation, observe};
use support::direct::Caller;
use support::{Scratch, needs};

/// What the cases show, as real run files were classified; supervisord's programs are beside them.
const PATTERNS: [&str; 38] = [
    "another command before",
    "another service first (sv check, s6-svwait)",
    "arrays of arguments",
    "background jobs, wait",
    "cd before the start",
    "chpst -u (with -o, -e, -m, -n)",
    "config.env sourced with set -a",
    "default ${X:-d} or :=",
    "export",
    "functions, own programs",
    "inotifywait loop",
    "loop that polls the clock",
    "loop with sleep",
    "mkdir, chown before the start",
    "negated switch",
    "optional configuration file sourced",
    "output appended to a file of its own",
    "output discarded",
    "output filtered or prefixed",
    "own log directory, touched and chowned",
    "required variables",
    "root-or-not branch, both arms the same program",
    "s6-notifyoncheck",
    "s6-setuidgid",
    "setpriv, su-exec, gosu, sudo -u, su -c",
    "shebang /command/with-contenv bash",
    "shebang bashio",
    "shebang execlineb",
    "shebang sh, bash, env bash",
    "shebang with-contenv bash",
    "supervisord",
    "switch by command",
    "trap",
    "value chosen by if",
    "value computed by a command",
    "variables in arguments",
    "variables in user, umask, ulimit or chdir",
    "wait for a port or URL",
];

/// Each side at the same time, on a machine of its own.
fn observe_all<'s>(
    name: &str,
    caller: Caller,
    sides: &'s [(&'s str, Services<'s>)],
) -> Vec<BTreeMap<&'s str, Observation>> {
    let side = |(side, services): &'s (&str, Services<'s>)| {
        let cases: Vec<&Case> = services.iter().map(|(case, _)| *case).collect();
        let seen = observe(&Ground::start(&format!("{name}-{side}"), caller, &cases), services);
        cases.iter().map(|case| case.name.as_str()).zip(seen).collect()
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = sides.iter().map(|each| scope.spawn(move || side(each))).collect();
        running.into_iter().map(|side| side.join().expect("a side")).collect()
    })
}

/// The cases for a caller. `FUTO_CASES=NAME,…` chooses some.
fn chosen(cases: &[Case], caller: Caller) -> Vec<&Case> {
    let only = std::env::var("FUTO_CASES").ok();
    let is_chosen = |case: &&Case| {
        only.as_ref().is_none_or(|names| names.split(',').any(|name| name == case.name))
            && case.is_for(caller)
    };
    cases.iter().filter(is_chosen).collect()
}

/// Runs all cases that a caller can run: the old run files, those by hand in their place, and those that `futo convert`
/// makes. What is wrong, and the keys of the deliberate differences that were seen. Old run files that nothing replaces
/// are run too: they have to do what their case says.
fn all_sides(caller: Caller) -> (Vec<String>, BTreeSet<&'static str>) {
    let cases = case::all();
    let cases = chosen(&cases, caller);
    let name = format!("convert-{caller:?}").to_lowercase();
    let scratch = Scratch::of_root(&name);
    let mut wrong = Vec::new();
    let mut converted = Vec::new();
    for case in &cases {
        let made = convert(&scratch, caller, case);
        if !made.is_as_announced(&case.settings.conversion) {
            wrong.push(format!("{}: not '{}': {made:?}", case.name, case.settings.conversion));
        }
        if let Converted::Files(files) = made {
            converted.push((*case, files));
        }
    }
    let old = cases.iter().map(|case| (*case, RunFile::alone(case.run()))).collect();
    let by_hand = |case: &&'_ Case| Some(RunFile::alone(case.by_hand()?));
    let now = cases.iter().filter_map(|case| Some((*case, by_hand(case)?))).collect();
    let sides = [("old", old), ("now", now), ("converted", converted)];
    let seen = observe_all(&name, caller, &sides);
    let mut differences = BTreeSet::new();
    for (name, side, new) in [("by hand", Side::ByHand, &seen[1]), ("converted", Side::Converted, &seen[2])] {
        for case in cases.iter().filter(|case| new.contains_key(case.name.as_str())) {
            let at = case.name.as_str();
            let differing = compare(case, &seen[0][at], &new[at], side, &mut differences);
            wrong.extend(differing.into_iter().map(|text| format!("{name}: {text}")));
        }
    }
    (wrong, differences)
}

#[test]
fn as_root_what_takes_the_place_of_an_old_run_file_does_the_same() {
    needs!(
        root,
        "s6-svscan",
        "execlineb",
        "chpst",
        "gosu",
        "setpriv",
        "sudo",
        "tini",
        "dumb-init",
        "supervisord",
        "ip"
    );
    let (wrong, seen) = all_sides(Caller::Root);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<&str> =
        DELIBERATE.iter().map(|deliberate| deliberate.key).filter(|key| !seen.contains(key)).collect();
    assert!(unseen.is_empty() || std::env::var_os("FUTO_CASES").is_some(), "no case shows {unseen:?}");
}

#[test]
fn as_abc_what_takes_the_place_of_an_old_run_file_does_the_same() {
    needs!(root, "s6-svscan", "execlineb", "chpst", "setpriv", "ip");
    let (wrong, _) = all_sides(Caller::Abc);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn differs_only_where_a_row_of_the_page_says_so() {
    let page = support::documents::page("docs/differences.md");
    for deliberate in DELIBERATE {
        let rows = page.lines().filter(|line| line.contains(deliberate.row)).count();
        assert_eq!(rows, 1, "{}: {}", deliberate.key, deliberate.row);
    }
}

#[test]
fn the_corpus_has_more_than_60_run_files_of_every_kind() {
    let cases = case::all();
    assert!(cases.len() > 60, "{}", cases.len());
    let shown: BTreeSet<&str> =
        cases.iter().flat_map(|case| &case.settings.style).map(String::as_str).collect();
    assert_eq!(shown, PATTERNS.into_iter().collect());
}

#[test]
fn a_replacement_that_does_something_else_is_found() {
    needs!(root, "s6-svscan", "execlineb", "chpst", "gosu", "setpriv", "ip");
    // a case, a line that is wrong, and what has to be noticed
    let mistakes = [
        ("lsio-web", "exec futo-launch --log - -- /app/web/server --port 8080", "argv:"),
        ("sh-drop", "exec futo-launch --log - --umask 077 -- feedreader --db /config/feeds.db", "umask:"),
        (
            "appended",
            "exec futo-launch --log /config/log/other.log -- notesd --sync",
            "log /config/log/notes.log:",
        ),
        (
            "home-umask-ulimit",
            "exec futo-launch --log - --umask 027 --ulimit nofile=4096 -- archiver",
            "cwd:",
        ),
        ("execline-cd", "exec futo-launch --log - --chdir /app/board -- board -p 4567", "env MODE:"),
        ("runit-groups", "exec futo-launch --log - --user abc:futoa --groups none -- gitd", "groups:"),
        ("mail-greylist", "exec futo-launch --log - --groups none -- greylistd --inet=10023", "gids:"),
        ("runit-nice", "exec futo-launch --log - --groups none -- thumbnailer", "nice:"),
        ("setpriv-nnp", "exec futo-launch --log - -- resolver -d", "no_new_privs:"),
        ("setpriv-caps", "exec futo-launch --log - -- sandboxed", "bounding set:"),
        ("loop-simple", "exec futo-launch --log - --interval 0.1 -- hook", "new: a run 0."),
        (
            "lsio-node",
            "exec futo-launch --chdir /app/www --env NODE_ENV=production -- node --max-old-space-size=512 server.js",
            "fds 1:",
        ),
        ("dash-quotes", "exec sh -c 'sleep 1000 & exec s6-setuidgid abc say two words'", "left after TERM:"),
        ("execline-limits", "exec futo-launch --log - --nice 5 -- indexer", "limits Max open files:"),
        (
            "env-words",
            "trap '' USR1; exec s6-setuidgid abc env TZ=UTC PYTHONUNBUFFERED=1 python3 -u /config/bots/weather.py",
            "signals ignored:",
        ),
    ];
    let cases = case::all();
    let case_of = |name: &str| cases.iter().find(|case| case.name == name).expect("a case");
    let chosen: Vec<&Case> = mistakes.iter().map(|(name, ..)| case_of(name)).collect();
    let new = |line: &str| RunFile::alone(format!("#!/bin/sh\n{line}\n"));
    let old = chosen.iter().map(|case| (*case, RunFile::alone(case.run()))).collect();
    let now = mistakes.iter().map(|(name, line, _)| (case_of(name), new(line))).collect();
    let sides = [("old", old), ("now", now)];
    let seen = observe_all("convert-mistakes", Caller::Root, &sides);
    for (name, line, noticed) in mistakes {
        let wrong =
            compare(case_of(name), &seen[0][name], &seen[1][name], Side::ByHand, &mut BTreeSet::new());
        assert!(wrong.iter().any(|wrong| wrong.contains(&format!("{name}: {noticed}"))), "{line}: {wrong:?}");
    }
}
