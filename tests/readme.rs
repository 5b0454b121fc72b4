//! README, docs and examples say what is so: options, commands, service directories, the quickstart.
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

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use futo_launch::admin::COMMANDS;
use futo_launch::boot::instances::config::KEYS;
use futo_launch::config::flags::FLAGS;
use support::{
    ABC, Need, Scratch, Svscan, eventually, eventually_contains, have, output, read, record, state, stderr,
    stdout,
};

const PAGES: [&str; 10] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "docs/options.md",
    "docs/differences.md",
    "docs/boot.md",
    "docs/security.md",
    "docs/first-service.md",
    "docs/troubleshooting.md",
    "docs/status.md",
];

/// Options of other programs that our pages speak of.
const OTHERS: [&str; 18] = [
    "--replace",
    "--no-supervise",
    "--bin",
    "--bounding-set",
    "--cap-add",
    "--clear-groups",
    "--example",
    "--from",
    "--inh-caps",
    "--init-groups",
    "--no-deps",
    "--regid",
    "--release",
    "--reuid",
    "--stop-timeout",
    "--test",
    "--tmpfs",
    "--workdir",
];

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("the page is there")
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn launch(words: &[&str]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_futo-launch")).args(words))
}

/// Words of the form `--name` in a text.
fn options_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(|c: char| !is_part(c))
        .filter(|word| {
            word.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic()))
        })
        .map(|word| word.trim_end_matches('-').to_string())
        .collect()
}

#[test]
fn both_help_pages_name_every_option_and_leave_with_0() {
    for word in ["-h", "--help"] {
        let help = launch(&[word]);
        assert!(help.status.success());
        assert_eq!(stderr(&help), "");
        let named = options_in(&stdout(&help));
        for flag in FLAGS {
            assert!(named.contains(&format!("--{}", flag.long)), "{word} lacks --{}", flag.long);
        }
    }
    for word in ["-V", "--version"] {
        assert_eq!(stdout(&launch(&[word])), concat!("futo-launch ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

#[test]
fn the_page_of_options_says_what_help_says() {
    // ("--user USER[:GROUP]", "become this user [abc when root]") …
    let help: Vec<(String, String)> = stdout(&launch(&["-h"]))
        .lines()
        .filter_map(|line| line.strip_prefix("  ").filter(|line| line.starts_with('-')))
        .map(|line| {
            let (option, text) =
                line.split_once("  ").or_else(|| line.split_at_checked(30)).expect("two columns");
            (option.trim().to_string(), text.trim().to_string())
        })
        .collect();
    assert_eq!(help.len(), FLAGS.len());
    let options = page("docs/options.md");
    let rows: Vec<(String, String)> = options
        .lines()
        .filter_map(|line| line.strip_prefix("| `-"))
        .map(|line| {
            let (option, text) = line.split_once("` ").expect("an option");
            let text = text.trim_start_matches('*').trim_start().trim_start_matches('|').trim_start();
            (format!("-{option}").replace("\\|", "|"), text.to_string())
        })
        .collect();
    assert_eq!(rows.len(), help.len(), "one row for each option");
    for ((option, text), (row_option, row_text)) in help.iter().zip(&rows) {
        assert_eq!(option, row_option);
        assert!(row_text.starts_with(text.as_str()), "{option}: {row_text:?} is not {text:?} in --help");
    }
    // what --help adds stands there too, in the same words
    let squeeze = |text: &str| text.replace("\\|", "|").split_whitespace().collect::<Vec<_>>().join(" ");
    for flag in FLAGS {
        assert!(squeeze(&options).contains(&squeeze(flag.more)), "--{}: {}", flag.long, flag.more);
    }
}

#[test]
fn the_page_of_boot_names_every_key_and_every_option() {
    let page = page("docs/boot.md");
    let table = page.split_once("| key | means |").expect("the table").1;
    let table = table.split_once("\n\n").expect("its end").0;
    let keys: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(keys, KEYS.iter().map(|key| key.name).chain(["preset"]).collect());
    let named = options_in(&page);
    for command in COMMANDS.iter().filter(|command| ["sync", "reconcile"].contains(&command.name)) {
        for option in command.options {
            assert!(named.contains(&format!("--{}", option.long)), "{} --{}", command.name, option.long);
        }
    }
}

#[test]
fn pages_speak_of_no_option_that_is_not_there() {
    let of_futo = COMMANDS.iter().flat_map(|command| command.options).map(|option| option.long);
    let ours = FLAGS.iter().map(|flag| flag.long).chain(of_futo).map(|long| format!("--{long}"));
    let known: BTreeSet<String> = ours.chain(OTHERS.map(String::from)).collect();
    for name in PAGES {
        let text = page(name);
        let (before, rest) = text.split_once("## What is not there yet").unwrap_or((&text, ""));
        let after = rest.split_once("\n## ").map_or("", |(_, after)| after);
        let unknown: Vec<String> = options_in(&format!("{before}{after}"))
            .into_iter()
            .filter(|option| !known.contains(option))
            .collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
    }
    // and of what is announced, nothing is there already
    let announced = page("README.md");
    let announced = announced.split_once("## What is not there yet").expect("the section").1;
    let announced = announced.split_once("\n## ").expect("the next section").0;
    let there: Vec<String> = options_in(announced)
        .into_iter()
        .filter(|option| FLAGS.iter().any(|flag| option.strip_prefix("--") == Some(flag.long)))
        .collect();
    assert!(there.is_empty(), "{there:?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    for name in PAGES {
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let above = above.parent().expect("a directory");
        for link in page(name).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
            } else {
                above.join(file)
            };
            assert!(target.exists(), "{name}: {link}");
            if !heading.is_empty() {
                let text = read(&target).to_lowercase();
                let wanted = format!("# {}\n", heading.replace('-', " "));
                assert!(text.contains(&wanted), "{name}: {link}");
            }
        }
    }
}

#[test]
fn the_architecture_fits_on_150_lines() {
    let lines = page("ARCHITECTURE.md").lines().count();
    assert!(lines <= 150, "{lines} lines");
}

#[test]
fn the_architecture_maps_every_room() {
    let map = page("ARCHITECTURE.md");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("src") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "lib.rs" {
            continue;
        }
        assert!(map.contains(&name), "src/{name} is not on the map");
    }
}

/// The fenced blocks that begin with ```sh test
fn shell_commands(text: &str) -> Vec<String> {
    let blocks = text.split("\n```sh test\n").skip(1);
    blocks.map(|rest| rest.split("\n```").next().unwrap_or_default().to_string()).collect()
}

#[test]
fn commands_of_the_readme_do_what_they_say() {
    if is_root() && !have(&[Need::Root]) {
        return;
    }
    let scratch = Scratch::new("readme");
    scratch.launcher();
    scratch.futo();
    let path = format!("{}:/usr/bin:/bin", scratch.join("bin").display());
    let outputs: Vec<String> = shell_commands(&page("README.md"))
        .iter()
        .enumerate()
        .map(|(number, block)| {
            let directory = scratch.join(format!("block-{number}"));
            fs::create_dir(&directory).expect("a directory");
            let mut sh = Command::new("sh");
            let run = output(sh.args(["-euc", block]).current_dir(&directory).env("PATH", &path));
            assert!(run.status.success(), "{block}\n{}{}", stdout(&run), stderr(&run));
            stdout(&run)
        })
        .collect();
    assert_eq!(outputs.len(), 4);
    if is_root() {
        assert_eq!(outputs[0], format!("I am {ABC} and HOME is /config\n"));
    }
    assert!(outputs[1].contains("5m after each end"), "{}", outputs[1]);
    assert!(outputs[2].contains("GREETING  (config.env:1)"), "{}", outputs[2]);
    assert!(
        outputs[3].contains("T09:00:00+09:00\n") && outputs[3].contains("-01T04:30:00"),
        "{}",
        outputs[3]
    );
    for explained in &outputs[1..3] {
        assert!(explained.ends_with("problems     none\n"), "{explained}");
    }
}

#[test]
fn run_files_of_the_readme_are_understood() {
    if is_root() && !have(&[Need::Root]) {
        return;
    }
    let scratch = Scratch::new("run-files");
    let text = page("README.md");
    let blocks = text.split("\n```").filter_map(|block| block.split_once('\n').map(|(_, block)| block));
    let run_files: Vec<&str> = blocks.filter(|block| block.starts_with("#!")).collect();
    assert_eq!(run_files.len(), 6);
    for run_file in run_files {
        let run = scratch.write("service/run", run_file, 0o755);
        let mut futo = Command::new(env!("CARGO_BIN_EXE_futo"));
        let explained = output(futo.args(["explain", "--json"]).arg(run.parent().expect("its directory")));
        let plan: serde_json::Value = serde_json::from_slice(&explained.stdout).expect("JSON");
        assert_eq!(plan["program"][0], "python3", "{run_file}");
        for problem in plan["problems"].as_array().expect("a list") {
            assert_eq!(problem["exit"], 127, "{run_file}: {problem}");
        }
    }
}

#[test]
fn the_root_directory_with_its_run_is_no_service_directory() {
    // where a container's entrypoint is started unless its image says otherwise
    for directory in ["/", "/var"] {
        let mut launcher = Command::new(env!("CARGO_BIN_EXE_futo-launch"));
        let words = ["--user", "65534:65534", "--explain=json", "--", "true"];
        let words = if is_root() { &words[..] } else { &words[2..] };
        let explained = output(launcher.args(words).current_dir(directory));
        let plan: serde_json::Value = serde_json::from_slice(&explained.stdout).expect("JSON");
        assert_eq!(plan["name"], "true");
        assert!(plan["service_directory"].is_null(), "{directory}: {plan}");
    }
}

/// The files of a service directory in examples/, with the launcher of this build.
fn example(svscan: &Svscan, name: &str) -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/services").join(name);
    let launcher = svscan.scratch.launcher();
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("the example") {
        let entry = entry.expect("an entry");
        let file = entry.file_name().to_string_lossy().into_owned();
        let text = read(entry.path());
        if file == "run" {
            let mode = entry.metadata().expect("its mode").permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{name}/run is executable");
            let words = ["#!/usr/local/bin/futo-launch ", "exec futo-launch "];
            assert_eq!(words.iter().filter(|word| text.contains(*word)).count(), 1, "{text}");
            let ours = text
                .replace(words[0], &format!("#!{} ", launcher.display()))
                .replace(words[1], &format!("exec {} ", launcher.display()));
            files.push((file, ours));
        } else {
            files.push((file, text));
        }
    }
    files
}

fn add(svscan: &Svscan, name: &str, files: &[(String, String)]) -> PathBuf {
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    svscan.add(name, &files)
}

/// Reads one request to its end and answers with this status; gives head and body.
fn answer(mut stream: TcpStream, status: &str) -> (String, String) {
    let mut request = Vec::new();
    let mut room = [0_u8; 4096];
    loop {
        let count = stream.read(&mut room).expect("a request");
        request.extend_from_slice(&room[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0_usize);
            if body.len() >= length {
                write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .expect("written");
                return (head.to_string(), body.to_string());
            }
        }
        assert!(count > 0, "the request ends too early: {text}");
    }
}

#[test]
fn the_example_heartbeat_posts_now_and_on_request() {
    if !have(&[Need::Root, Need::Program("s6-svscan"), Need::Program("python3")]) {
        return;
    }
    let server = TcpListener::bind("127.0.0.1:0").expect("a server");
    let port = server.local_addr().expect("its address").port();
    let svscan = Svscan::start("heartbeat");
    let mut files = example(&svscan, "heartbeat");
    let config_env = &mut files.iter_mut().find(|(file, _)| file == "config.env").expect("config.env").1;
    assert!(config_env.contains("WEBHOOK_URL='https://"), "{config_env}");
    *config_env = format!("no_proxy='*'\nWEBHOOK_URL='http://127.0.0.1:{port}/hook?a=1&b=2'\n");
    add(&svscan, "example-heartbeat", &files);

    let (head, body) = answer(server.accept().expect("a heartbeat").0, "200 OK");
    assert!(head.starts_with("POST /hook?a=1&b=2 "), "{head}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert!(body["text"].as_str().is_some_and(|text| text.ends_with("is alive")), "{body}");
    let log = state("example-heartbeat.log");
    eventually_contains(&log, "posted, status 200");
    let path = state("example-heartbeat.json");
    eventually("the run is recorded", || (record(&path)["last_status"] == 0).then_some(()));

    svscan.svc(&["-a"], "example-heartbeat");
    answer(server.accept().expect("another one").0, "500 No");
    let log = eventually_contains(&log, "worker failed: exit status 1; next run in 60 s");
    assert!(log.contains("not taken: status 500\n"), "{log}");
    eventually("the run is recorded", || (record(&path)["consecutive_failures"] == 1).then_some(()));
    assert_eq!(record(&path)["last_errors"][0], "not taken: status 500");
}

#[test]
fn the_example_worker_takes_the_launchers_place_and_handles_term() {
    if !have(&[Need::Root, Need::Program("s6-svscan"), Need::Program("python3")]) {
        return;
    }
    let svscan = Svscan::start("worker");
    add(&svscan, "example-worker", &example(&svscan, "worker"));
    let log = state("example-worker.log");
    let text = eventually_contains(&log, "ready");
    assert_eq!(text, format!("ready, process {}, user {ABC}\n", svscan.pid("example-worker")));
    svscan.svc(&["-wD", "-T", "10000", "-d"], "example-worker");
    eventually_contains(&log, "stopped after 0 rounds\n");
    assert_eq!(svscan.svstat("up,exitcode", "example-worker"), ["false", "0"]);
}

#[test]
fn the_example_in_one_file_runs_by_its_first_line() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let svscan = Svscan::start("onefile");
    add(&svscan, "example-onefile", &example(&svscan, "onefile"));
    eventually_contains(&state("example-onefile.log"), "Filesystem");
    let path = state("example-onefile.json");
    eventually("the run is recorded", || (record(&path)["last_status"] == 0).then_some(()));
}

/// The quickstart as `cargo run` would leave it, in a place that every user can reach.
fn quickstart(scratch: &Scratch) -> Command {
    scratch.launcher();
    fs::create_dir(scratch.join("bin/examples")).expect("a directory");
    let built = Path::new(env!("CARGO_BIN_EXE_futo-launch")).with_file_name("examples").join("quickstart");
    let program = scratch.join("bin/examples/quickstart");
    support::copy_by_process(&built, &program);
    for directory in ["bin/examples", "tmp"] {
        fs::create_dir_all(scratch.join(directory)).expect("a directory");
        fs::set_permissions(scratch.join(directory), fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    let mut command = Command::new(program);
    // with CARGO it would build the launcher itself
    command.env_remove("CARGO").env("TMPDIR", scratch.join("tmp"));
    command
}

fn goes_as_told(scratch: &Scratch, command: &mut Command, said: &str) {
    let shown = output(command);
    let text = stdout(&shown);
    assert!(shown.status.success(), "{text}\n{}", stderr(&shown));
    assert_eq!(stderr(&shown), "");
    for part in [said, "no longer resting: starting afresh", "Good evening from uid", "\nAll went as told"] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let left: Vec<_> = fs::read_dir(scratch.join("tmp")).expect("the directory").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_quickstart_goes_as_told_under_s6() {
    if !have(&[Need::Root, Need::Program("s6-svscan")]) {
        return;
    }
    let scratch = Scratch::new("quickstart-s6");
    goes_as_told(&scratch, &mut quickstart(&scratch), "under a real s6-svscan, dropping root to user abc");
}

#[test]
fn the_quickstart_goes_as_told_without_s6() {
    if is_root() && !have(&[Need::Root]) {
        return;
    }
    let scratch = Scratch::new("quickstart");
    let mut command = quickstart(&scratch);
    let bin = scratch.join("path");
    fs::create_dir(&bin).expect("a directory");
    let id = support::find_program("id").expect("id");
    std::os::unix::fs::symlink(id, bin.join("id")).expect("a link");
    goes_as_told(&scratch, command.env("PATH", &bin), "without a supervisor");
}

#[test]
fn the_quickstart_goes_as_told_for_a_plain_user() {
    if !have(&[Need::Root]) {
        return;
    }
    let scratch = Scratch::new("quickstart-user");
    let mut command = quickstart(&scratch);
    support::own_by_abc(&scratch.join("tmp"));
    goes_as_told(&scratch, command.uid(ABC).gid(ABC), "as the user you are, without a supervisor");
}

#[test]
fn the_quickstart_without_a_launcher_names_the_remedy() {
    let scratch = Scratch::new("quickstart-lack");
    let mut command = quickstart(&scratch);
    fs::remove_file(scratch.launcher()).expect("removed");
    let shown = output(&mut command);
    assert_eq!(shown.status.code(), Some(1));
    assert!(stderr(&shown).contains("is not there: run cargo build"), "{}", stderr(&shown));
}
