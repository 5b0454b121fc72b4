//! How long it takes until a line that a worker writes is in its log: median, 99th percentile and most, after a pause
//! and in the middle of lines in quick succession; every contender once a round.

mod support;

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{PATH, compile, option, quantile};

/// A name, its words, the log, and the bytes before each line: with `{worker}` it starts the worker itself, without it
/// reads the worker's pipe.
const CONTENDERS: [(&str, &str, &str, &str); 6] = [
    ("C read and write (floor)", "{dir}/copy {dir}/copy.log", "{dir}/copy.log", "0"),
    ("no pump", "{dir}/futo-launch --log {dir}/abc/none.log -- {worker}", "{dir}/abc/none.log", "0"),
    (
        "--log-live",
        "{dir}/futo-launch --log {dir}/abc/plain.log --log-live -- {worker}",
        "{dir}/abc/plain.log",
        "0",
    ),
    (
        "--log-stamp iso",
        "{dir}/futo-launch --log {dir}/abc/iso.log --log-stamp iso -- {worker}",
        "{dir}/abc/iso.log",
        "28",
    ),
    ("s6-log", "s6-log n10 s1000000 {dir}/s6", "{dir}/s6/current", "0"),
    ("multilog", "multilog s1000000 n10 {dir}/multilog", "{dir}/multilog/current", "0"),
];

/// Removes its directory.
struct Place(PathBuf);

impl Place {
    fn set_up() -> Place {
        let directory = PathBuf::from(format!("/dev/shm/futo-bench-arrival-{}", std::process::id()));
        fs::create_dir_all(directory.join("abc")).expect("a directory on tmpfs");
        fs::write(directory.join("abc/times"), "").expect("a file for the times");
        for path in ["abc", "abc/times"] {
            lchown(directory.join(path), Some(911), Some(911)).expect("root");
        }
        compile(&directory, "copy", "copy", &[]);
        compile(&directory, "arrival", "arrival", &[]);
        fs::copy(env!("CARGO_BIN_EXE_futo-launch"), directory.join("futo-launch")).expect("the launcher");
        Place(directory)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(words: &str) -> Command {
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).env_clear().env("PATH", PATH);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// In microseconds.
fn times(place: &Path, contender: (&str, &str, &str, &str), samples: usize, before: usize) -> Vec<f64> {
    let (_, words, log, stamp) = contender;
    let directory = place.display().to_string();
    let worker = format!("{{dir}}/arrival {log} {stamp} {samples} {before} {{dir}}/abc/times");
    let filled = |words: &str| words.replace("{worker}", &worker).replace("{dir}", &directory);
    if words.contains("{worker}") {
        assert!(command(&filled(words)).status().expect("it starts").success());
    } else {
        let mut started = command(&filled(&worker)).stdout(Stdio::piped()).spawn().expect("it starts");
        let pipe = started.stdout.take().expect("a pipe");
        assert!(command(&filled(words)).stdin(pipe).status().expect("it starts").success());
        assert!(started.wait().expect("waited for").success());
    }
    let times = fs::read_to_string(place.join("abc/times")).expect("the times");
    times.lines().map(|time| time.parse::<f64>().expect("a number") / 1e3).collect()
}

fn main() {
    let (rounds, samples) = (option("-n", 5), option("-s", 200));
    let place = Place::set_up();
    for (title, before) in [("after a pause of 5 ms", 0), ("after 20 lines, 0.2 ms apart", 20)] {
        let mut all: Vec<Vec<f64>> = CONTENDERS.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for (contender, all) in CONTENDERS.iter().zip(&mut all) {
                all.extend(times(&place.0, *contender, samples, before));
            }
        }
        println!("{title:<29} {:>10} {:>10} {:>10}  µs", "median", "99 %", "most");
        for ((name, ..), all) in CONTENDERS.iter().zip(&mut all) {
            let [median, high, most] = [0.5, 0.99, 1.0].map(|part| quantile(all, part));
            println!("{name:<29} {median:>10.0} {high:>10.0} {most:>10.0}");
        }
    }
}
