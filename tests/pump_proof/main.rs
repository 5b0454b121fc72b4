//! The proof of the log pump: numbered lines of every kind, in files of 1.2 MiB, are in the log whole, once and in order,
//! however the output ends. 16 MiB a case; 1 GiB, with a table on stderr:
//! `sh tests/run --test pump_proof -- --ignored --nocapture gib_`

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::direct::{Caller, Direct};
use support::launching::PATH;
use support::numbered_log::{NumberedLines, Stamps, files_one_by_one};
use support::pumps::{eventually_no_pump, pair_without};
use support::{
    EndedBy, Random, Scratch, Svscan, children, context_switches, eventually, is_alive, needs, signal,
    throughout,
};

/// How much a case writes, in bytes.
const ORDINARY: u64 = 16 << 20;
const FULL: u64 = 1 << 30;
/// `--log-size` of the runs, as a word and in bytes: of 1 GiB no file is rotated away.
const SIZE_WORD: &str = "1200K";
const SIZE: usize = 1200 << 10;
/// The longest write of a worker, which a KILL may cut.
const LONGEST_WRITE: u64 = 70_000;
/// What all processes of a container have in their pipes.
const IN_PIPES: u64 = 2 * (64 << 10);
/// How often a part of a pump is killed.
const KILLS: u64 = 100;
const FOREVER: u64 = u64::MAX;

type Case = fn(u64, Stamps) -> String;

fn all_stamps(size: u64, case: Case) {
    needs!(root, "s6-svscan", "unshare");
    for stamps in [Stamps::None, Stamps::Iso] {
        case(size, stamps);
    }
}

#[test]
fn no_line_is_lost_when_the_worker_ends() {
    all_stamps(ORDINARY, the_worker_ends);
}

#[test]
fn no_line_is_lost_when_the_worker_is_killed() {
    all_stamps(ORDINARY, the_worker_is_killed);
}

#[test]
fn no_line_is_lost_when_writer_and_keeper_are_killed_in_turn() {
    all_stamps(ORDINARY, writer_and_keeper_are_killed);
}

#[test]
fn no_line_is_lost_when_the_launcher_of_a_loop_is_killed() {
    all_stamps(ORDINARY, the_launcher_of_a_loop_is_killed);
}

#[test]
fn no_line_is_lost_by_orders_of_the_supervisor() {
    all_stamps(ORDINARY, orders_of_the_supervisor);
    all_stamps(ORDINARY, orders_of_the_supervisor_to_a_loop);
}

#[test]
fn no_line_is_lost_when_a_container_stops() {
    all_stamps(ORDINARY, the_container_of_a_launcher_stops);
    all_stamps(ORDINARY, the_container_of_a_loop_stops);
}

#[test]
fn a_container_that_ends_before_its_pumps_loses_no_more_than_its_pipes_hold() {
    all_stamps(ORDINARY, the_container_of_a_supervisor_stops);
}

/// The same with 1 GiB; a row of the table each.
fn gib(name: &str, case: Case) {
    needs!(root, "s6-svscan", "unshare");
    for stamps in [Stamps::None, Stamps::Iso] {
        let start = Instant::now();
        let found = case(FULL, stamps);
        eprintln!("{name:<40} {stamps:<5?} {found}, {} s", start.elapsed().as_secs());
    }
}

#[test]
#[ignore = "takes minutes"]
fn gib_the_worker_ends() {
    gib("the worker ends", the_worker_ends);
}

#[test]
#[ignore = "takes minutes"]
fn gib_the_worker_is_killed() {
    gib("KILL of the worker", the_worker_is_killed);
}

#[test]
#[ignore = "takes minutes"]
fn gib_writer_and_keeper_are_killed() {
    gib("100 KILLs of writer and keeper in turn", writer_and_keeper_are_killed);
}

#[test]
#[ignore = "takes minutes"]
fn gib_the_launcher_of_a_loop_is_killed() {
    gib("20 KILLs of the launcher of a loop", the_launcher_of_a_loop_is_killed);
}

#[test]
#[ignore = "takes minutes"]
fn gib_orders_of_the_supervisor() {
    gib("s6-svc -r, -k, -d and -u, -x", orders_of_the_supervisor);
}

#[test]
#[ignore = "takes minutes"]
fn gib_orders_of_the_supervisor_to_a_loop() {
    gib("the same, a loop", orders_of_the_supervisor_to_a_loop);
}

#[test]
#[ignore = "takes minutes"]
fn gib_the_container_of_a_launcher_stops() {
    gib("TERM to the launcher as PID 1", the_container_of_a_launcher_stops);
}

#[test]
#[ignore = "takes minutes"]
fn gib_the_container_of_a_loop_stops() {
    gib("the same, a loop", the_container_of_a_loop_stops);
}

#[test]
#[ignore = "takes minutes"]
fn gib_the_container_of_a_supervisor_stops() {
    gib("TERM to s6-svscan as PID 1", the_container_of_a_supervisor_stops);
}

/// The options of a pump that keeps everything.
fn live(stamps: Stamps) -> Vec<&'static str> {
    [&["--log-live", "--log-size", SIZE_WORD, "--log-keep", "1000"], stamps.options()].concat()
}

/// About this many bytes of lines, of which the last has no end.
fn count_of(size: u64) -> u64 {
    size / 95 / 4000 * 4000
}

/// A directory where each run of the worker has a file with what it has written.
struct Progress(PathBuf);

impl Progress {
    fn new(scratch: &Scratch) -> Self {
        Progress(scratch.directory_of_abc("progress"))
    }

    /// A worker that writes so many lines.
    fn script(&self, scratch: &Scratch, count: u64) -> String {
        let directory = self.0.display();
        let lines = scratch.lines();
        format!("exec {} mixed {count} {directory}/$(ls {directory} | wc -l)", lines.display())
    }

    /// Bytes of each run until now.
    fn of_runs(&self) -> Vec<u64> {
        let of_run = |number: usize| {
            let bytes = fs::read(self.0.join(number.to_string())).ok()?;
            Some(bytes.try_into().ok().map_or(0, u64::from_le_bytes))
        };
        (0..).map_while(of_run).collect()
    }

    fn all(&self) -> u64 {
        self.of_runs().iter().sum()
    }

    /// Waits until all runs together have written so much.
    fn wait(&self, size: u64) {
        let (mut most, mut since) = (0, Instant::now());
        loop {
            let now = self.all();
            if now >= size {
                return;
            }
            if now > most {
                (most, since) = (now, Instant::now());
            }
            assert!(since.elapsed() < support::PATIENCE, "no progress at {now} of {size}");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Every run is in the log with all that it has written, perhaps with a write that was cut.
    fn assert_whole(&self, series: &[u64], lost: u64) -> String {
        let runs = self.of_runs();
        assert_eq!(series.len(), runs.len(), "{series:?} of {runs:?}");
        for (got, written) in series.iter().zip(&runs) {
            assert!(
                got + lost >= *written && *got <= written + LONGEST_WRITE,
                "{got} of {written}: {series:?}"
            );
        }
        let (sum, missing) =
            (series.iter().sum::<u64>(), |(got, all): (&u64, &u64)| all.saturating_sub(*got));
        let missing: u64 = series.iter().zip(&runs).map(missing).sum();
        format!("{sum} bytes in {} runs, {missing} missing", runs.len())
    }
}

/// The bytes of each series in a log that nobody writes any more.
fn series(log: &Path, mut lines: NumberedLines) -> Vec<u64> {
    for file in files_one_by_one(log) {
        assert!(file.len() <= SIZE, "a file of {} bytes", file.len());
        lines.feed(&file);
    }
    lines.finish()
}

/// A launcher without a supervisor.
struct Alone {
    direct: Direct,
    progress: Progress,
    stamps: Stamps,
}

impl Alone {
    fn start(stamps: Stamps, count: u64) -> Self {
        let mut direct = Direct::new("proof");
        let progress = Progress::new(&direct.scratch);
        let script = progress.script(&direct.scratch, count);
        direct.launch(Caller::Root, &live(stamps), &["sh", "-c", &script]);
        Alone { direct, progress, stamps }
    }

    fn finish(self) -> String {
        let launcher = self.direct.scratch.launcher();
        eventually_no_pump(&launcher);
        self.progress.assert_whole(&series(&self.direct.log_path(), NumberedLines::new(self.stamps)), 0)
    }
}

fn the_worker_ends(size: u64, stamps: Stamps) -> String {
    let mut run = Alone::start(stamps, count_of(size));
    run.progress.wait(written_by(count_of(size)));
    assert_eq!(run.direct.end(), 0, "{}", run.direct.stderr());
    let written = run.progress.all();
    let found = run.finish();
    assert_eq!(written, written_by(count_of(size)));
    found
}

/// The bytes of so many lines, the last without its end.
fn written_by(count: u64) -> u64 {
    (0..count).map(|number| support::numbered::line(number).len() as u64).sum::<u64>() - 1
}

fn the_worker_is_killed(size: u64, stamps: Stamps) -> String {
    let mut run = Alone::start(stamps, FOREVER);
    run.progress.wait(size);
    assert_eq!(run.direct.end_by(Signal::SIGKILL).0, 137);
    run.finish()
}

fn writer_and_keeper_are_killed(size: u64, stamps: Stamps) -> String {
    let mut run = Alone::start(stamps, FOREVER);
    let launcher = run.direct.scratch.launcher();
    let mut random = Random(size ^ stamps as u64);
    let mut killed = 0;
    for number in 0..KILLS {
        run.progress.wait(size / (KILLS + 1) * number);
        let (keeper, writer) = pair_without(&launcher, killed);
        std::thread::sleep(Duration::from_micros(random.below(3000) as u64));
        killed = if number % 2 == 0 { writer } else { keeper };
        signal(killed, Signal::SIGKILL);
    }
    run.progress.wait(size);
    assert_eq!(run.direct.end_by(Signal::SIGKILL).0, 137);
    format!("{} after {KILLS} KILLs", run.finish())
}

/// A launcher under a supervisor.
struct Supervised {
    svscan: Svscan,
    name: &'static str,
    progress: Progress,
    stamps: Stamps,
}

impl Supervised {
    fn start(name: &'static str, stamps: Stamps, options: &str) -> Self {
        let svscan = Svscan::start(name);
        let progress = Progress::new(&svscan.scratch);
        let script = support::quoted(&progress.script(&svscan.scratch, FOREVER));
        let place = svscan.scratch.directory_of_abc("state");
        let options = format!("--state-dir {} {} {options}", place.display(), live(stamps).join(" "));
        svscan.add_launch(name, &format!("{options} -- sh -c {script}"), &[]);
        Supervised { svscan, name, progress, stamps }
    }

    /// Waits until this part of all is written, and the last run has written.
    fn wait(&self, size: u64) {
        self.progress.wait(size);
        eventually("the run has written", || {
            self.progress.of_runs().last().filter(|written| **written > 1 << 16).map(drop)
        });
    }

    fn next_run(&self, runs: usize) {
        eventually("the next run", || (self.progress.of_runs().len() > runs).then_some(()));
    }

    fn stop(self) -> String {
        // s6-svscan starts another s6-supervise in place of one that exits
        fs::write(self.svscan.directory(self.name).join("down"), "").expect("a file");
        self.svscan.svc(&["-xd"], self.name);
        let launcher = self.svscan.scratch.launcher();
        eventually_no_pump(&launcher);
        let log = self.svscan.scratch.join("state").join(format!("{}.log", self.name));
        let lines = NumberedLines::of_service(self.stamps, self.name);
        self.progress.assert_whole(&series(&log, lines), 0)
    }
}

fn name_of(stamps: Stamps, plain: &'static str, stamped: &'static str) -> &'static str {
    match stamps {
        Stamps::None => plain,
        Stamps::Iso => stamped,
    }
}

fn the_launcher_of_a_loop_is_killed(size: u64, stamps: Stamps) -> String {
    let kills = if size == FULL { 20 } else { 4 };
    let name = name_of(stamps, "proof-killed", "proof-killed-iso");
    let run = Supervised::start(name, stamps, "--interval 1000");
    for number in 1..=kills {
        run.wait(size / (kills + 1) * number);
        let runs = run.progress.of_runs().len();
        signal(run.svscan.pid(name), Signal::SIGKILL);
        run.next_run(runs);
    }
    run.wait(size);
    format!("{} after {kills} KILLs", run.stop())
}

fn orders(size: u64, stamps: Stamps, name: &'static str, options: &str) -> String {
    let run = Supervised::start(name, stamps, options);
    let orders = ["-r", "-k", "-d", "-r", "-d", "-k"];
    for (number, order) in orders.iter().enumerate() {
        run.wait(size / (orders.len() as u64 + 1) * (number as u64 + 1));
        let runs = run.progress.of_runs().len();
        run.svscan.svc(&[order], name);
        if *order == "-d" {
            eventually("it is down", || (run.svscan.svstat("up", name) == ["false"]).then_some(()));
            run.svscan.svc(&["-u"], name);
        }
        run.next_run(runs);
    }
    run.wait(size);
    run.stop()
}

fn orders_of_the_supervisor(size: u64, stamps: Stamps) -> String {
    orders(size, stamps, name_of(stamps, "proof-orders", "proof-orders-iso"), "")
}

fn orders_of_the_supervisor_to_a_loop(size: u64, stamps: Stamps) -> String {
    let name = name_of(stamps, "proof-loop", "proof-loop-iso");
    orders(size, stamps, name, "--interval 1000")
}

/// The program as PID 1 of a PID namespace.
fn container(scratch: &Scratch, words: &[&str]) -> EndedBy {
    let said = fs::File::create(scratch.join("said")).expect("a file");
    let unshare = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .args(words)
        .env("PATH", PATH)
        .current_dir(&scratch.path)
        .stdin(Stdio::null())
        .stdout(said.try_clone().expect("a copy"))
        .stderr(said)
        .spawn()
        .expect("unshare starts");
    EndedBy(Signal::SIGKILL, unshare)
}

/// TERM to PID 1 of the container once so much is written.
fn stop_container(
    mut container: EndedBy,
    size: u64,
    lost: u64,
    progress: &Progress,
    log: &Path,
    lines: NumberedLines,
) -> String {
    progress.wait(size);
    let unshare = container.1.id().cast_signed();
    let init = eventually("unshare has a child", || children(unshare).first().copied());
    signal(init, Signal::SIGTERM);
    eventually("the container ends", || container.1.try_wait().expect("waited for"));
    assert!(!is_alive(init));
    progress.assert_whole(&series(log, lines), lost)
}

fn launcher_as_init(size: u64, stamps: Stamps, options: &[&str]) -> String {
    let scratch = Scratch::new("proof-init");
    let progress = Progress::new(&scratch);
    let script = progress.script(&scratch, FOREVER);
    let place = scratch.directory_of_abc("state");
    let launcher = scratch.launcher().display().to_string();
    let log = place.join("init.log");
    let log_word = log.display().to_string();
    let words = [&[launcher.as_str(), "--log", &log_word, "--name", "init"], &live(stamps)[..], options];
    let container = container(&scratch, &[&words.concat()[..], &["--", "sh", "-c", &script]].concat());
    let lines = NumberedLines::of_service(stamps, "init");
    stop_container(container, size, 0, &progress, &log, lines)
}

fn the_container_of_a_launcher_stops(size: u64, stamps: Stamps) -> String {
    launcher_as_init(size, stamps, &[])
}

fn the_container_of_a_loop_stops(size: u64, stamps: Stamps) -> String {
    launcher_as_init(size, stamps, &["--interval", "1000"])
}

fn the_container_of_a_supervisor_stops(size: u64, stamps: Stamps) -> String {
    let scratch = Scratch::new("proof-pid1");
    let progress = Progress::new(&scratch);
    let script = support::quoted(&progress.script(&scratch, FOREVER));
    let place = scratch.directory_of_abc("state");
    let run = format!(
        "#!/bin/sh\nexec {} --state-dir {} {} -- sh -c {script}\n",
        scratch.launcher().display(),
        place.display(),
        live(stamps).join(" ")
    );
    scratch.write("scan/pid1/run", &run, 0o755);
    let scan = scratch.join("scan").display().to_string();
    let container = container(&scratch, &["s6-svscan", &scan]);
    let lines = NumberedLines::of_service(stamps, "pid1");
    stop_container(container, size, IN_PIPES, &progress, &place.join("pid1.log"), lines)
}

#[test]
fn while_nothing_is_written_no_process_of_a_pump_wakes_up() {
    needs!(root);
    let script = "seq 2000; echo ready; exec sleep 1000";
    let all: Vec<Direct> = [
        &["--log-live"][..],
        &["--log-live", "--log-gzip", "--log-size", "4K"],
        &["--log-stamp", "iso"],
        &["--log-stamp", "tai64n", "--log-full", "drop"],
        &["--log-tee"],
        &["--log-live", "--interval", "1000"],
    ]
    .iter()
    .map(|options| Direct::start("asleep", options, script))
    .collect();
    let pairs: Vec<i32> = all
        .iter()
        .flat_map(|direct| {
            direct.logs("ready");
            let (keeper, writer) = pair_without(&direct.scratch.launcher(), 0);
            [keeper, writer]
        })
        .collect();
    let switches = || pairs.iter().map(|pid| context_switches(*pid)).collect::<Vec<_>>();
    let before = eventually("they fall asleep", || {
        let before = switches();
        std::thread::sleep(Duration::from_millis(300));
        (switches() == before).then_some(before)
    });
    throughout("they sleep", Duration::from_secs(3), || switches() == before);
    for mut direct in all {
        direct.end_by(Signal::SIGTERM);
        eventually_no_pump(&direct.scratch.launcher());
    }
}
