//! A machine of its own for one side of the comparison: s6-svscan as PID 1 on an overlay of this machine's files, so
//! that both sides use the same paths and nothing of them is left here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::case::{Case, Services, Settings, base_name, copy_tree};
use crate::support::direct::Caller;
use crate::support::{
    PATIENCE, Scratch, Svscan, children, copy_by_process, eventually, eventually_every, is_alive, kill_all,
    names_in, path_str, read, set_mode, write,
};

/// The container's variables.
pub const CONTAINER: [(&str, &str); 3] =
    [("TZ", "Asia/Tokyo"), ("STAGE", "from the container"), ("PUID", "911")];

/// What is larger is a program.
const LARGEST_LOG: u64 = 1 << 20;

/// A running tree of one side.
pub struct Ground {
    svscan: Svscan,
    caller: Caller,
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/convert").join(name)
}

impl Ground {
    /// Makes the machine that the cases expect, and starts s6-svscan on it, without services.
    pub fn start(name: &str, caller: Caller, cases: &[&Case]) -> Ground {
        let scratch = Scratch::new(name);
        lay_out(&scratch, cases);
        let enter = here("enter");
        let (enter, ground) = (path_str(&enter).to_string(), path_str(&scratch.path).to_string());
        let user = if caller == Caller::Root { "root" } else { "abc" };
        let prefix = [
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount",
            "--net",
            "--propagation",
            "private",
            "bash",
            &enter,
            &ground,
            user,
        ];
        Ground { svscan: Svscan::on(scratch, &prefix), caller }
    }

    /// Adds a service with this run file for each case; all are picked up at once.
    pub fn publish(&self, services: &Services) {
        let scan = self.svscan.scratch.join("scan");
        for (case, run) in services {
            let hidden = scan.join(format!(".{}", case.name));
            case.copy_to(&hidden, &run.text, self.caller);
            if let Some((name, text)) = &run.script {
                write(&hidden.join(name), text, 0o755);
            }
            fs::rename(&hidden, scan.join(&case.name)).expect("published");
        }
        self.svscan.control(&["-a"]);
    }

    /// What the programs of a service have reported so far, in order.
    pub fn reports(&self, name: &str) -> Vec<Value> {
        let reports = self.svscan.scratch.join("witness").join(name).join("reports");
        let count = names_in(&reports).len();
        (0..count)
            .map_while(|number| serde_json::from_str(&read(reports.join(number.to_string()))).ok())
            .collect()
    }

    /// Waits until each service has been seen as long as its case asks for.
    pub fn have_run(&self, cases: &[&Case]) {
        let start = Instant::now();
        let mut waiting: Vec<&Case> = cases.to_vec();
        while !waiting.is_empty() {
            waiting.retain(|case| self.lacks(case).is_some());
            if start.elapsed() > PATIENCE {
                let lacking =
                    waiting.iter().filter_map(|case| Some(format!("{}: {}", case.name, self.lacks(case)?)));
                panic!("never: {:#?}\n{}", lacking.collect::<Vec<_>>(), self.said());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What a service has not done yet of what its case asks for.
    fn lacks(&self, case: &Case) -> Option<String> {
        let Settings { runs, ready, .. } = case.settings;
        let reports = self.reports(&case.name);
        let count = |name: &str| reports.iter().filter(|report| report["program"] == name).count();
        let is_ready = || self.svscan.svstat("ready", &case.name) == ["true"];
        let program = case.workers().find(|name| count(name) < runs);
        program
            .map(|name| format!("{runs} runs of {name}"))
            .or_else(|| (ready && !is_ready()).then(|| "readiness".to_string()))
    }

    /// Stops these services with `s6-svc -d`, and waits until they are down; then gives what is left of each: the words
    /// of the processes that are in a session of its programs.
    pub fn stop(&self, cases: &[&Case]) -> Vec<Vec<String>> {
        for case in cases {
            self.svscan.svc(&["-d"], &case.name);
        }
        let left = |case: &&Case| {
            eventually_every(Duration::from_millis(20), &format!("{} is down", case.name), || {
                (self.svscan.svstat("up", &case.name) == ["false"]).then_some(())
            });
            let reports = self.reports(&case.name);
            self.processes_of(reports.iter().filter_map(|report| report["session"].as_str()).collect())
        };
        cases.iter().map(left).collect()
    }

    /// The words of the processes in here that belong to these sessions, as numbered in here.
    fn processes_of(&self, sessions: BTreeSet<&str>) -> Vec<String> {
        let of_init = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let init = of_init(&self.init().to_string());
        let mut found: Vec<String> = names_in(Path::new("/proc"))
            .into_iter()
            .filter(|pid| pid.starts_with(|c: char| c.is_ascii_digit()) && of_init(pid) == init)
            .filter(|pid| is_alive(pid.parse().expect("a number")))
            .filter(|pid| {
                let status = read(format!("/proc/{pid}/status"));
                let line = status.lines().find_map(|line| line.strip_prefix("NSsid:")).unwrap_or_default();
                line.split_whitespace().last().is_some_and(|session| sessions.contains(session))
            })
            .map(|pid| read(format!("/proc/{pid}/cmdline")).trim_end_matches('\0').replace('\0', " "))
            .collect();
        found.sort();
        found
    }

    /// PID 1 in here, as numbered outside.
    fn init(&self) -> i32 {
        let unshare = self.svscan.own_pid();
        eventually("unshare has a child", || children(unshare).first().copied())
    }

    /// A path of this machine, as reached from outside.
    pub fn inside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.init()));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The regular files that the services have written, by their path in here.
    pub fn written(&self) -> BTreeMap<PathBuf, PathBuf> {
        let upper = PathBuf::from(format!("/proc/{}/root", self.svscan.own_pid()))
            .join(self.svscan.scratch.join("over/upper").strip_prefix("/").expect("a path from the root"));
        let mut written = BTreeMap::new();
        for (base, name) in
            [(upper, "/"), (self.inside(Path::new("/run")), "/run"), (self.inside(Path::new("/tmp")), "/tmp")]
        {
            let mut todo = vec![base.clone()];
            while let Some(directory) = todo.pop() {
                for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                    let path = entry.path();
                    let within = path.strip_prefix(&base).expect("it is below");
                    if path.is_symlink() || within == Path::new("witness") || within.ends_with("supervise") {
                        continue;
                    }
                    if path.is_dir() {
                        todo.push(path);
                    } else if fs::metadata(&path)
                        .is_ok_and(|file| file.is_file() && file.len() <= LARGEST_LOG)
                    {
                        written.insert(Path::new(name).join(within), path);
                    }
                }
            }
        }
        written
    }

    /// What s6-svscan and the services wrote to the inherited stdout and stderr.
    pub fn said(&self) -> String {
        self.svscan.stderr()
    }
}

impl Drop for Ground {
    /// Ends everything in here with PID 1; s6-svscan as PID 1 would look for a program to become.
    fn drop(&mut self) {
        let unshare = self.svscan.own_pid();
        kill_all(&children(unshare));
        let start = Instant::now();
        while is_alive(unshare) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Writes what the machine of these cases has beside this one's files.
fn lay_out(scratch: &Scratch, cases: &[&Case]) {
    for directory in
        ["layer/config", "layer/app", "layer/usr/local/bin", "run/s6/container_environment", "witness"]
    {
        fs::create_dir_all(scratch.join(directory)).expect("a directory");
    }
    copy_tree(&here("layer"), &scratch.join("layer"));
    for (variable, value) in CONTAINER {
        scratch.write(Path::new("run/s6/container_environment").join(variable), value, 0o644);
    }
    for program in ["futo", "futo-launch"] {
        copy_by_process(&built(program), &scratch.join("layer/usr/local/bin").join(program));
    }
    let witness = scratch.join("layer/usr/local/bin/witness");
    copy_by_process(&built("examples/witness"), &witness);
    for case in cases {
        for path in case.settings.programs.keys() {
            let path = if path.starts_with('/') {
                format!("layer{path}")
            } else {
                format!("layer/usr/local/bin/{path}")
            };
            let path = scratch.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
            if !path.exists() {
                fs::hard_link(&witness, path).expect("a link");
            }
        }
        let files = case.directory.join("root");
        if files.is_dir() {
            copy_tree(&files, &scratch.join("layer"));
        }
        place_for_reports(&scratch.join("witness").join(&case.name), case);
    }
}

/// Where the programs of a case find what to do, and leave their reports.
fn place_for_reports(place: &Path, case: &Case) {
    for directory in ["acts", "drafts", "reports"] {
        fs::create_dir_all(place.join(directory)).expect("a directory");
        set_mode(place.join(directory), if directory == "acts" { 0o755 } else { 0o1777 });
    }
    for (path, act) in &case.settings.programs {
        write(&place.join("acts").join(base_name(path)), act, 0o644);
    }
}

/// A program of this build.
fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_futo-launch")).with_file_name(name)
}
