//! The commands, run files and examples of the documents do what they say.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use futo_launch::config::flags;
use support::{
    ABC, Scratch, Svscan, documents, eventually, eventually_contains, needs, output, read, record, state,
    stderr, stdout,
};

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn launch(words: &[&str]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_futo-launch")).args(words))
}

#[test]
fn both_help_pages_name_every_option_and_leave_with_0() {
    for word in ["-h", "--help"] {
        let help = launch(&[word]);
        assert!(help.status.success());
        assert_eq!(stderr(&help), "");
        let help = stdout(&help);
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let named: BTreeSet<&str> =
            help.split(|c| !is_part(c)).filter_map(|word| word.strip_prefix("--")).collect();
        for flag in flags::all() {
            assert!(named.contains(flag.long), "{word} lacks --{}", flag.long);
        }
    }
    for word in ["-V", "--version"] {
        assert_eq!(stdout(&launch(&[word])), concat!("futo-launch ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

/// The fenced blocks of all pages with this after the fence.
fn blocks_of(kind: &str) -> Vec<String> {
    let pages = ["README.md".to_string()].into_iter().chain(documents::docs());
    let texts: Vec<String> = pages.map(|name| documents::page(&name)).collect();
    let blocks = texts.iter().flat_map(|text| documents::blocks(text));
    blocks.filter(|(after, _)| *after == kind).map(|(_, block)| block.to_string()).collect()
}

#[test]
fn commands_of_the_documents_do_what_they_say() {
    if is_root() {
        needs!(root);
    }
    let scratch = Scratch::new("readme");
    scratch.launcher();
    scratch.futo();
    let path = format!("{}:/usr/bin:/bin", scratch.join("bin").display());
    let outputs: Vec<String> = blocks_of("sh test")
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
    let [identity, plan, converted, next, greeter] = outputs.as_slice() else { panic!("{outputs:?}") };
    if is_root() {
        assert_eq!(*identity, format!("I am {ABC} and HOME is /config\n"));
    }
    assert!(plan.contains("5m after the end of each run"), "{plan}");
    assert!(converted.contains(" '--interval=${EVERY:-300}' --log=- -- python3 ./hook.py\n"), "{converted}");
    assert!(greeter.contains("GREETING  (config.env:1)"), "{greeter}");
    assert!(next.contains("T09:00:00+09:00\n") && next.contains("-01T04:30:00"), "{next}");
    for explained in [plan, greeter] {
        assert!(explained.ends_with("problems     none\n"), "{explained}");
    }
}

#[test]
fn run_files_of_the_documents_are_understood() {
    if is_root() {
        needs!(root);
    }
    let scratch = Scratch::new("run-files");
    let is_ours = |block: &String| block.starts_with("#!") && block.contains("futo-launch");
    let run_files: Vec<String> =
        ["sh", "toml"].iter().flat_map(|kind| blocks_of(kind)).filter(is_ours).collect();
    assert_eq!(run_files.len(), 10);
    for run_file in run_files {
        let run = scratch.write("service/run", &run_file, 0o755);
        let mut futo = Command::new(env!("CARGO_BIN_EXE_futo"));
        futo.args(["explain", "--json"]).arg(run.parent().expect("its directory"));
        let explained = output(futo.env("WEBHOOK_URL", "https://example.org"));
        let plan: serde_json::Value = serde_json::from_slice(&explained.stdout).expect("JSON");
        assert!(["python3", "futo"].contains(&plan["program"][0].as_str().unwrap_or_default()), "{run_file}");
        for problem in plan["problems"].as_array().expect("a list") {
            assert_eq!(problem["exit"], 127, "{run_file}: {problem}");
        }
    }
}

#[test]
fn the_readme_names_the_oldest_rust_that_builds_it() {
    let version = concat!("With Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer");
    assert!(documents::page("README.md").contains(version), "{version}");
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
    needs!(root, "s6-svscan", "python3");
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
    needs!(root, "s6-svscan", "python3");
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
    needs!(root, "s6-svscan");
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

fn goes_as_described(scratch: &Scratch, command: &mut Command, said: &str) {
    let shown = output(command);
    let text = stdout(&shown);
    assert!(shown.status.success(), "{text}\n{}", stderr(&shown));
    assert_eq!(stderr(&shown), "");
    for part in [said, "no longer resting: starting", "Good evening from uid", "\nAll went as described"] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let left: Vec<_> = fs::read_dir(scratch.join("tmp")).expect("the directory").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_quickstart_goes_as_described_under_s6() {
    needs!(root, "s6-svscan");
    let scratch = Scratch::new("quickstart-s6");
    goes_as_described(
        &scratch,
        &mut quickstart(&scratch),
        "under a real s6-svscan, dropping root to user abc",
    );
}

#[test]
fn the_quickstart_goes_as_described_without_s6() {
    if is_root() {
        needs!(root);
    }
    let scratch = Scratch::new("quickstart");
    let mut command = quickstart(&scratch);
    let bin = scratch.join("path");
    fs::create_dir(&bin).expect("a directory");
    let id = support::find_program("id").expect("id");
    std::os::unix::fs::symlink(id, bin.join("id")).expect("a link");
    goes_as_described(&scratch, command.env("PATH", &bin), "without a supervisor");
}

#[test]
fn the_quickstart_goes_as_described_for_a_plain_user() {
    needs!(root);
    let scratch = Scratch::new("quickstart-user");
    let mut command = quickstart(&scratch);
    support::own_by_abc(&scratch.join("tmp"));
    goes_as_described(&scratch, command.uid(ABC).gid(ABC), "as the user you are, without a supervisor");
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
