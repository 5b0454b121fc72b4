//! `futo sync --watch`: abc's changes are live within two seconds, and nothing else is touched.

mod support;

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::boot::Definitions;
use support::launching::{code, finish};
use support::{
    AS_ABC, Svscan, context_switches, eventually, eventually_contains, is_alive, needs, read, signal,
    throughout,
};

/// The watcher, a supervisor, and abc's definitions.
struct Watched {
    svscan: Svscan,
    watcher: Child,
    definitions: Definitions,
}

impl Watched {
    fn start(name: &str) -> Watched {
        let definitions = Definitions::new(name);
        definitions.line("steady", "--log - -- sleep 1000");
        Watched::on(name, definitions)
    }

    fn on(name: &str, definitions: Definitions) -> Watched {
        let svscan = Svscan::on_directory(name, &definitions.scan(""), &[]);
        let out = |file: &str| fs::File::create(definitions.scratch.join(file)).expect("a file");
        let watcher = definitions
            .command(&["--watch"])
            .stdin(Stdio::null())
            .stdout(out("stdout"))
            .stderr(out("stderr"))
            .spawn()
            .expect("it starts");
        Watched { svscan, watcher, definitions }
    }

    /// What abc types.
    fn abc(&self, script: &str) {
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .current_dir(self.definitions.abcs(""))
            .uid(support::ABC)
            .gid(support::ABC);
        let output = finish(&mut command);
        assert!(output.status.success(), "{script}: {}", support::stderr(&output));
    }

    /// A change of abc's, and that it is live within two seconds.
    fn live(&self, script: &str, what: &str, condition: impl Fn() -> bool) {
        self.abc(script);
        let start = Instant::now();
        eventually(&format!("{what}; {}{}", self.stdout(), self.stderr()), || condition().then_some(()));
        assert!(start.elapsed() < Duration::from_secs(2), "{what} took {:?}", start.elapsed());
    }

    fn published(&self, path: &str) -> String {
        read(self.definitions.scan(path))
    }

    fn stdout(&self) -> String {
        read(self.definitions.scratch.join("stdout"))
    }

    fn stderr(&self) -> String {
        read(self.definitions.scratch.join("stderr"))
    }

    fn pid(&self) -> i32 {
        self.watcher.id().cast_signed()
    }

    fn end_by(&mut self, number: Signal) -> Option<i32> {
        signal(self.pid(), number);
        eventually("the watcher ends", || self.watcher.try_wait().expect("waited")).code()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}

fn run(words: &str) -> String {
    format!("printf '#!/bin/sh\\nexec futo-launch --log - -- {words}\\n' >")
}

#[test]
fn abc_adds_changes_breaks_fixes_disables_and_removes_services() {
    needs!(root, "s6-svscan");
    let mut watched = Watched::start("watch");
    let steady = watched.svscan.pid("steady");
    let scan = |path: &str| watched.definitions.scan(path);

    let add = format!("mkdir a; {} a/run; chmod +x a/run", run("sleep 1001"));
    watched.live(&add, "added and up", || watched.svscan.svstat("up", "a") == ["true"]);
    let pid = watched.svscan.pid("a");

    let change = format!("{} a/.run; mv a/.run a/run", run("sleep 1002"));
    watched.live(&change, "changed", || watched.published("a/run").contains("sleep 1002"));
    assert_eq!(watched.svscan.pid("a"), pid, "it is not restarted");

    let before = watched.published("a/run");
    let broken = "printf '#!/bin/sh\\nexec futo-launch --user root -- id\\n' > a/run";
    watched.live(broken, "said", || watched.stderr().contains("user other than abc"));
    assert_eq!(watched.published("a/run"), before, "the last good one stays");

    watched.live(&change, "fixed", || watched.stdout().matches("service=a action=").count() >= 4);
    watched.live("touch a/down", "disabled", || scan("a/down").exists());
    assert_eq!(watched.svscan.pid("a"), pid, "it is not stopped");
    watched.live("rm a/down", "enabled", || !scan("a/down").exists());
    watched.live(
        "mkdir a/log; printf '#!/bin/sh\\nexec futo-launch -- cat\\n' > a/log/run",
        "a logger",
        || scan("a/log/run").exists(),
    );
    watched.live("mv a b", "renamed", || !scan("a").exists() && scan("b/run").exists());
    watched.live("rm -r b", "removed", || !scan("b").exists());
    eventually("its process has gone", || (!is_alive(pid)).then_some(()));

    watched.live("mkdir c; cp /dev/null c/run", "not ours", || {
        watched.stdout().contains("service=c action=not-ours")
    });
    assert_eq!(watched.svscan.pid("steady"), steady);
    assert_eq!(watched.end_by(Signal::SIGTERM), Some(0));
}

/// `futo new NAME … --now` as abc; exit code, stdout, stderr.
fn new_as_abc(definitions: &Definitions, name: &str, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(AS_ABC[0]);
    command.args(&AS_ABC[1..]).arg(definitions.scratch.futo()).args(["new", name, "--now"]);
    command.arg("--from").arg(definitions.abcs("")).arg("--scan-dir").arg(definitions.scan("")).args(more);
    let output = finish(&mut command);
    (code(&output), support::stdout(&output), support::stderr(&output))
}

#[test]
fn what_abc_makes_with_now_is_up_where_it_watches_and_else_root_is_named() {
    needs!(root, "s6-svscan");
    let mut watched = Watched::start("now");
    let written = |name: &str, files: &str| {
        let path = watched.definitions.abcs(name).display().to_string();
        format!("written: {path} ({files})\n  check: futo check {name}\n  run once: futo try {name}\n")
    };
    let stays = new_as_abc(&watched.definitions, "nw-stay", &["--log", "-", "--", "sleep", "1000"]);
    let expected = written("nw-stay", "run, config.env") + "nw-stay: up\n";
    assert_eq!(stays, (0, expected, String::new()));
    assert_eq!(watched.svscan.svstat("up", "nw-stay"), ["true"]);
    let often = ["--interval", "1h", "--template", "shell"];
    let runs = new_as_abc(&watched.definitions, "nw-often", &often);
    let expected = written("nw-often", "run, config.env, worker.sh") + "nw-often: waiting\n";
    assert_eq!(runs, (0, expected, String::new()));
    let fails = new_as_abc(
        &watched.definitions,
        "nw-fails",
        &["--interval", "1h", "--", "sh", "-c", "echo no; exit 3"],
    );
    let expected =
        written("nw-fails", "run, config.env") + "nw-fails: failing: 1 run failed with status 3: no\n";
    assert_eq!(fails, (1, expected, String::new()));

    let alone = written("nw-alone", "run, config.env, worker.sh");
    assert_eq!(watched.end_by(Signal::SIGTERM), Some(0));
    let said = "futo: fatal: 'nw-alone' is written, but not published\n\
                futo: hint: run futo sync as root, or as the owner of the scan directory\n";
    assert_eq!(new_as_abc(&watched.definitions, "nw-alone", &often), (1, alone, said.to_string()));
}

#[test]
fn a_hundred_changes_in_a_row_are_few_runs_and_the_last_one_counts() {
    needs!(root, "s6-svscan");
    let watched = Watched::start("many");
    let steady = watched.svscan.pid("steady");
    let script = format!(
        "i=0; while [ $i -lt 100 ]; do i=$((i+1)); mkdir -p s$i; {} s$i/run; done",
        run("sleep 1000")
    );
    watched.live(&script, "the last one", || watched.definitions.scan("s100/run").exists());
    eventually("all are there", || {
        (1..=100).all(|number| watched.definitions.scan(format!("s{number}/run")).exists()).then_some(())
    });
    watched.live("rm -r s[0-9]*", "all are gone", || {
        let names = fs::read_dir(watched.definitions.scan("")).expect("listed");
        names
            .filter(|name| name.as_ref().expect("a name").file_name().to_string_lossy().starts_with('s'))
            .count()
            == 1
    });
    assert_eq!(watched.svscan.pid("steady"), steady);
}

#[test]
fn a_service_that_is_slow_to_stop_is_seen_off_and_never_doubled() {
    needs!(root, "s6-svscan");
    let watched = Watched::start("slow");
    let script = "trap 'sleep 2; exit' TERM; echo x >>starts; while :; do sleep 0.1; done";
    watched.definitions.line("slow", &format!("--log - -- sh -c \"{script}\""));
    let pid = watched.svscan.pid("slow");
    eventually_contains(&watched.definitions.abcs("slow/starts"), "x");
    watched.abc("mv slow .away");
    let gone = watched.definitions.scan(".futo-gone-slow");
    eventually("it is on its way out", || gone.exists().then_some(()));
    eventually_contains(&watched.definitions.scratch.join("stdout"), "service=slow action=waiting");
    // written after the row
    let said =
        eventually_contains(&watched.definitions.scratch.join("stderr"), "warning: slow: 'slow' was removed");
    assert!(!said.contains("fatal"), "{said}");
    watched.abc("mv .away slow");
    let again = eventually("it is up again", || {
        let again = watched.svscan.svstat("pid", "slow").first()?.parse::<i32>().ok()?;
        assert!(again <= 0 || !is_alive(pid), "two at once");
        (again > 0).then_some(again)
    });
    assert!(again != pid && !gone.exists());
    watched.abc("rm -r slow");
    eventually("its directory has gone without another change", || {
        (!watched.definitions.scan("slow").exists() && !gone.exists() && !is_alive(again)).then_some(())
    });
}

#[test]
fn it_sleeps_while_nothing_changes_and_workers_write_their_own_files() {
    needs!(root, "s6-svscan");
    let watched = Watched::start("sleeps");
    watched.svscan.pid("steady");
    eventually_contains(&watched.definitions.scratch.join("stdout"), "steady");
    // the run before may still be ending
    let asleep = || {
        eventually("it sleeps", || {
            let before = context_switches(watched.pid());
            std::thread::sleep(Duration::from_millis(300));
            (context_switches(watched.pid()) == before).then_some(before)
        })
    };
    let before = asleep();
    throughout("asleep", Duration::from_millis(500), || context_switches(watched.pid()) == before);
    let stdout = watched.stdout();
    watched.abc("echo x > steady/worker.log; echo y >> steady/worker.log");
    asleep();
    assert_eq!(watched.stdout(), stdout);
}

#[test]
fn a_source_that_is_not_there_yet_is_waited_for() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("later");
    fs::rename(definitions.abcs(""), definitions.volume.join("later")).expect("renamed");
    let mut watched = Watched::on("later", definitions);
    eventually_contains(
        &watched.definitions.scratch.join("stderr"),
        "unable to open the directory of definitions",
    );
    fs::rename(watched.definitions.volume.join("later"), watched.definitions.abcs("")).expect("renamed");
    let add = format!("mkdir a; {} a/run", run("sleep 1000"));
    watched.live(&add, "added", || watched.definitions.scan("a/run").exists());
    assert_eq!(watched.end_by(Signal::SIGINT), Some(0));
}

#[test]
fn no_trick_with_names_makes_it_look_elsewhere() {
    needs!(root, "s6-svscan");
    let watched = Watched::start("tricks");
    let steady = watched.svscan.pid("steady");
    let roots = watched.definitions.roots("").display().to_string();
    watched
        .definitions
        .write_roots("r/run", "#!/bin/sh\nexec futo-launch --user root --log - -- sleep 1003\n");
    let secret = watched.definitions.scratch.write("secret", "#!/bin/sh\nexec futo-launch -- id\n", 0o600);
    // a directory swapped for a link to root's, and a run for a link, again and again, while it looks
    watched.abc(&format!(
        "mkdir x y; {} x/run; i=0; while [ $i -lt 300 ]; do i=$((i+1)); mv x x.d; ln -s {roots}r x; rm x; mv x.d x; \
         ln -sf {} y/run; rm y/run; mkfifo y/run; rm y/run; done",
        run("sleep 1004"),
        secret.display()
    ));
    // the root definitions that a link led to were never taken for abc's, and root's own are as they were
    let run = read(watched.definitions.scan("r/run"));
    assert!(run.is_empty() || run.contains(&format!("--service-dir {roots}r")), "{run}");
    watched.live("rm -r x y", "gone", || {
        let names = fs::read_dir(watched.definitions.scan("")).expect("listed");
        names
            .map(|name| name.expect("a name").file_name().to_string_lossy().into_owned())
            .all(|name| name.starts_with('.') || ["steady", "r"].contains(&name.as_str()))
    });
    assert!(!watched.stderr().contains("user other than abc"), "{}", watched.stderr());
    assert!(!watched.stdout().contains("service=y action=published"));
    assert_eq!(watched.svscan.pid("steady"), steady);
}
