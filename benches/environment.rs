//! A config.env of 200 lines, in microseconds: read and applied in this process by the launcher's own
//! code and by dotenvy; and what it adds to the start of a program that reads it.

mod support;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use futo_launch::error::Findings;
use futo_launch::machine::Machine;
use futo_launch::plan::Draft;
use futo_launch::ready::environment;
use futo_launch::{cli, config, plan};
use support::{Job, PATH, option, quantile};

/// The forms that people use: bare words, quotes, comments, a variable in every tenth line.
fn config_env() -> String {
    let mut text = String::new();
    for number in 0..50 {
        let _ = write!(
            text,
            "# setting {number}\nSETTING_{number}=value-of-{number}\n\
             QUOTED_{number}='https://example.invalid/api/{number}?key=abcdef'\n\
             DOUBLE_{number}=\"{}some words, number {number}\"\n",
            if number % 5 == 0 { "$HOME/" } else { "" },
        );
    }
    assert_eq!(text.lines().count(), 200);
    text
}

fn draft() -> Draft {
    let mut findings = Findings::default();
    let words = ["--container-env", "none", "--", "true"].map(OsString::from);
    let spec = config::resolve(cli::parse(words, &mut findings), &Machine, &mut findings);
    let draft = plan::make(spec, &Machine, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    draft
}

fn by_the_launcher(draft: &Draft) {
    let mut findings = Findings::default();
    let environment = environment::build(draft.plan(), &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    black_box(environment.to_vector());
}

fn by_dotenvy(path: &Path) {
    let mut variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    for item in dotenvy::from_path_iter(path).expect("the file") {
        let (name, value) = item.expect("a variable");
        variables.push((name.into(), value.into()));
    }
    black_box(variables);
}

/// From just before the fork until the program has ended.
fn process(words: &[String]) -> f64 {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().env("PATH", PATH).env("HOME", "/root");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    assert!(command.status().expect("it starts").success(), "{words:?}");
    start.elapsed().as_secs_f64() * 1e6
}

fn main() {
    let rounds = option("-n", 300);
    let job = Job::set_up();
    let directory = job.directory.join("service");
    std::fs::create_dir(&directory).expect("a service directory");
    std::fs::write(directory.join("run"), "").expect("a run file");
    let file = directory.join("config.env");
    std::fs::write(&file, config_env()).expect("config.env");
    std::env::set_current_dir(&directory).expect("entered");
    let draft = draft();

    let here: [(&str, &dyn Fn()); 2] =
        [("futo-launch", &|| by_the_launcher(&draft)), ("dotenvy", &|| by_dotenvy(&file))];
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..rounds * 10 {
        for ((_, read), times) in here.iter().zip(&mut times) {
            let start = Instant::now();
            read();
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    println!("{:<34} {:>9} {:>9} {:>9}", "200 lines in this process, µs", "median", "p10", "p90");
    for ((name, _), times) in here.iter().zip(&mut times) {
        let (median, low, high) = (quantile(times, 0.5), quantile(times, 0.1), quantile(times, 0.9));
        println!("{name:<34} {median:>9.1} {low:>9.1} {high:>9.1}");
    }

    let path = file.display().to_string();
    let worker = job.worker.display().to_string();
    let launcher = job.directory.join("futo-launch").display().to_string();
    let words = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_string()).collect() };
    // the same program without and with the file
    let pairs: [(&str, Vec<String>, Vec<String>); 4] = [
        (
            "futo-launch",
            words(&[&launcher, "--log", "-", "--no-env-file", &worker]),
            words(&[&launcher, "--log", "-", &worker]),
        ),
        (
            "execline envfile",
            words(&["/usr/lib/execline/bin/emptyenv", "-p", &worker]),
            words(&["/usr/lib/execline/bin/envfile", &path, &worker]),
        ),
        (
            "dash . file",
            words(&["/bin/dash", "-c", "exec \"$0\"", &worker]),
            words(&["/bin/dash", "-c", "set -a; . \"$1\"; exec \"$0\"", &worker, &path]),
        ),
        (
            "bash . file",
            words(&["/bin/bash", "-c", "exec \"$0\"", &worker]),
            words(&["/bin/bash", "-c", "set -a; . \"$1\"; exec \"$0\"", &worker, &path]),
        ),
    ];
    let mut without: Vec<Vec<f64>> = vec![Vec::new(); pairs.len()];
    let mut with = without.clone();
    for _ in 0..rounds {
        for (index, (_, plain, reading)) in pairs.iter().enumerate() {
            without[index].push(process(plain));
            with[index].push(process(reading));
        }
    }
    println!("\n{:<34} {:>9} {:>9} {:>9}", "200 lines at a start, µs", "without", "with", "added");
    for (index, (name, ..)) in pairs.iter().enumerate() {
        let (without, with) = (quantile(&mut without[index], 0.5), quantile(&mut with[index], 0.5));
        println!("{name:<34} {without:>9.1} {with:>9.1} {:>9.1}", with - without);
    }
}
