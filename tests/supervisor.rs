//! Who counts as a supervisor: the parent that supervises this very directory. Under any other a failure ends the
//! launcher, for nobody may have to wait for a rest that no signal reaches.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::launching::{code, finish};
use support::{
    AS_ABC, EndedBy, Scratch, Svscan, children, eventually, eventually_dead, find_program, is_alive, log_of,
    logs, needs, output, read, state, stderr, stdout,
};

fn rests(name: &str) -> serde_json::Value {
    eventually(&format!("{name} rests; {}", log_of(name)), || {
        let record: serde_json::Value = serde_json::from_str(&read(state(&format!("{name}.json")))).ok()?;
        (!record["resting"].is_null()).then_some(record)
    })
}

/// s6-rc's oneshot runner as s6-rc-compile writes it, but for the last program, which looks the command up: here
/// it is a script beside the others. All of it but that is s6's own.
fn oneshot_runner(svscan: &Svscan, ups: &[(&str, String)]) {
    let commands = svscan.scratch.join("oneshots");
    for (name, up) in ups {
        svscan.scratch.write(Path::new("oneshots").join(name), up, 0o755);
    }
    let run = format!(
        "#!/bin/execlineb -P\nfdmove -c 2 1\nfdmove 1 3\ns6-ipcserver-socketbinder -- s\n\
         s6-ipcserverd -1 --\ns6-ipcserver-access -v0 -E -l0 -i data/rules --\ns6-sudod -t 30000 --\n{}/lookup\n",
        commands.display()
    );
    svscan.scratch.write(
        "oneshots/lookup",
        &format!("#!/bin/sh\nexec {}/\"$2\"\n", commands.display()),
        0o755,
    );
    let directory = svscan.scratch.join("scan/.s6rc-oneshot-runner");
    fs::create_dir_all(directory.join("data/rules/uid/0")).expect("the rules");
    fs::write(directory.join("data/rules/uid/0/allow"), "").expect("the rule");
    support::write(&directory.join("run"), &run, 0o755);
    fs::write(directory.join("notification-fd"), "3\n").expect("written");
    fs::rename(&directory, svscan.directory("s6rc-oneshot-runner")).expect("published");
    svscan.control(&["-a"]);
    eventually("the runner is ready", || {
        (svscan.svstat("ready", "s6rc-oneshot-runner") == ["true"]).then_some(())
    });
}

/// As `s6-rc change` asks the runner; gives the oneshot's exit code, and what it wrote.
fn run_oneshot(svscan: &Svscan, name: &str) -> (i32, String) {
    let socket = svscan.directory("s6rc-oneshot-runner").join("s");
    let words = ["s6-sudo", "-e", "-t", "30000", "-T", "30000", "--"];
    let output = finish(Command::new(words[0]).args(&words[1..]).arg(socket).args(["up", name]));
    (code(&output), stdout(&output) + &stderr(&output))
}

#[test]
fn a_oneshot_that_fails_ends_at_once_and_has_the_name_of_its_program() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("oneshots");
    let launcher = svscan.scratch.launcher().display().to_string();
    // a name that no other test's record has
    let shell = svscan.scratch.copy_as("oneshot-shell", Path::new("/bin/sh")).display().to_string();
    let ups = [
        ("missing", format!("#!/bin/sh\nexec {launcher} -- nosuchprogram\n")),
        ("option", format!("#!/bin/sh\nexec {launcher} --intervall 5 -- true\n")),
        // no exec: a shell is between
        ("shell", format!("#!/bin/sh\n{launcher} -- nosuchprogram\nexit $?\n")),
        ("setting", format!("#!/bin/sh\nexec {launcher} --env-file /nosuch -- true\n")),
        ("fine", format!("#!/bin/sh\nexec {launcher} -- sh -c 'exit 7'\n")),
        ("named", format!("#!/bin/sh\nexec {launcher} --interval 5 --once -- {shell} -c 'echo once done'\n")),
    ];
    oneshot_runner(&svscan, &ups);
    for (name, expected) in
        [("missing", 127), ("option", 100), ("shell", 127), ("setting", 100), ("fine", 7), ("named", 0)]
    {
        let start = Instant::now();
        let (code, said) = run_oneshot(&svscan, name);
        assert_eq!(code, expected, "{name}: {said}");
        assert!(!said.contains("resting") && !said.contains("oneshot-runner"), "{name}: {said}");
        let line = match name {
            "missing" | "shell" => "nosuchprogram: fatal: unable to execute",
            "option" => "futo-launch: fatal: unknown option",
            "setting" => "true: fatal: unable to read '/nosuch'",
            "named" => "once done",
            _ => "",
        };
        assert!(said.contains(line), "{name}: {said}");
        assert!(start.elapsed() < Duration::from_secs(8), "{name}: {:?}", start.elapsed());
    }
    for file in ["s6rc-oneshot-runner.log", "s6rc-oneshot-runner.json"] {
        assert!(!state(file).exists(), "{file}");
    }
    assert_eq!(support::record(&state("oneshot-shell.json"))["runs"], 1, "its record goes by the program");
}

/// Debian has s6-rc from version 13 on.
#[test]
fn s6_rc_brings_longruns_and_oneshots_up_and_a_failing_oneshot_does_not_hang_it() {
    needs!(root, "s6-svscan");
    if find_program("s6-rc-compile").is_none() {
        eprintln!("NOT RUN with s6-rc itself: it is not installed");
        return;
    }
    let svscan = Svscan::start("s6-rc");
    let launcher = svscan.scratch.launcher().display().to_string();
    let write =
        |name: &str, text: &str| _ = svscan.scratch.write(Path::new("source").join(name), text, 0o755);
    write("rc-long/type", "longrun\n");
    write("rc-long/run", &format!("#!/bin/sh\nexec {launcher} -- sh -c 'echo ready; exec sleep 1000'\n"));
    write("rc-rests/type", "longrun\n");
    write("rc-rests/run", &format!("#!/bin/sh\nexec {launcher} -- nosuchprogram\n"));
    write("rc-once/type", "oneshot\n");
    write("rc-once/up", &format!("{launcher} -- sh -c \"echo oneshot ran\"\n"));
    write("rc-fails/type", "oneshot\n");
    write("rc-fails/up", &format!("{launcher} -- nosuchprogram\n"));
    let (compiled, live) = (svscan.scratch.join("compiled"), svscan.scratch.join("live"));
    let run = |program: &str, words: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut command = Command::new(program);
        words.iter().for_each(|word| _ = command.arg(word));
        finish(&mut command)
    };
    let made = run("s6-rc-compile", &[&compiled, &svscan.scratch.join("source")]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let begun = run("s6-rc-init", &[&"-c", &compiled, &"-l", &live, &svscan.scratch.join("scan")]);
    assert_eq!(code(&begun), 0, "{}", stderr(&begun));
    let change = |name: &str| run("s6-rc", &[&"-l", &live, &"-u", &"change", &name]);
    for (name, said) in [("rc-long", ""), ("rc-rests", ""), ("rc-once", "oneshot ran")] {
        let changed = change(name);
        assert_eq!(code(&changed), 0, "{name}: {}", stderr(&changed));
        assert!((stdout(&changed) + &stderr(&changed)).contains(said), "{name}");
    }
    let failed = change("rc-fails");
    assert_ne!(code(&failed), 0);
    assert!(stderr(&failed).contains("nosuchprogram: fatal:"), "{}", stderr(&failed));
    logs("rc-long", "ready");
    assert_eq!(rests("rc-rests")["resting"]["kind"], "program");
    let down = run("s6-rc", &[&"-l", &live, &"-da", &"change"]);
    assert_eq!(code(&down), 0, "{}", stderr(&down));
}

#[test]
fn under_a_shell_that_does_not_exec_it_does_not_rest_and_logs_the_reason() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("no-exec");
    let launcher = svscan.scratch.launcher().display().to_string();
    let run = format!("#!/bin/sh\n{launcher} -- nosuchprogram\nexit $?\n");
    svscan.add("sv-no-exec", &[("run", &run)]);
    let said = eventually("it is said", || Some(svscan.stderr()).filter(|said| said.contains("with exec")));
    let line = "info: not resting: 'run' is between the supervisor and the launcher, which receives none of its signals";
    assert!(said.contains(line), "{said}");
    eventually("it is started again", || {
        fs::metadata(svscan.directory("sv-no-exec").join("supervise/death_tally"))
            .is_ok_and(|tally| tally.len() >= 28)
            .then_some(())
    });
    // a loop there is a mistake also while nothing fails; a first step before the service proper is none
    let run = format!("#!/bin/sh\n{launcher} -- true\n{launcher} --interval 100 -- echo ran\n");
    svscan.add("sv-loop-no-exec", &[("run", &run)]);
    let warning = "sv-loop-no-exec: warning: 'run' is between";
    let said = eventually("it is said", || Some(svscan.stderr()).filter(|said| said.contains(warning)));
    assert_eq!(said.matches(warning).count(), 1, "{said}");
    // a stop of the supervisor's would leave it behind, as it says
    let pid = child_of(svscan.pid("sv-loop-no-exec").cast_unsigned());
    support::signal(pid, nix::sys::signal::Signal::SIGTERM);
    eventually_dead(pid);
}

#[test]
fn a_run_script_that_leaves_its_directory_is_warned_unless_it_gives_a_name() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("cd");
    let launcher = svscan.scratch.launcher().display().to_string();
    let run = format!("#!/bin/sh\ncd /\nexec {launcher} -- sh -c 'echo started; exec sleep 1000'\n");
    let directory = svscan.add("sv-cd", &[("run", &run)]);
    let run = format!(
        "#!/bin/sh\ncd /\nexec {launcher} --name sv-cd-named -- sh -c 'echo named; exec sleep 1000'\n"
    );
    svscan.add("sv-cd-named", &[("run", &run)]);
    let said = eventually("both run", || {
        Some(svscan.stderr()).filter(|said| said.contains("started\n") && said.contains("named\n"))
    });
    let warning = format!(
        "sh: warning: the run script changed from its service directory '{}' to '/': name, config.env, log and \
         record follow the latter, and the service does not rest after a failure\n",
        fs::canonicalize(directory).expect("it is there").display()
    );
    assert!(said.contains(&warning), "{said}");
    assert!(said.contains("hint: instead of cd, use --chdir DIR"), "{said}");
    assert_eq!(said.matches("changed from its service directory").count(), 1, "{said}");
}

/// A supervisor, started by hand.
fn start(words: &[&str], directory: &Path, stderr: &Path) -> EndedBy {
    let child = Command::new(words[0])
        .args(&words[1..])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(stderr).expect("a file"))
        .spawn()
        .expect("it starts");
    EndedBy(Signal::SIGKILL, child)
}

fn child_of(pid: u32) -> i32 {
    eventually("it has a child", || children(pid.cast_signed()).first().copied())
}

fn service_that_rests(scratch: &Scratch, name: &str) -> PathBuf {
    let launcher = scratch.launcher().display().to_string();
    scratch.write(
        Path::new(name).join("run"),
        &format!(
            "#!/bin/sh\nexec {launcher} --user abc --state-dir {} -- nosuchprogram\n",
            state("").display()
        ),
        0o755,
    );
    scratch.join(name)
}

#[test]
fn it_rests_under_the_supervisors_of_daemontools_and_runit_and_of_a_runit_logger() {
    needs!(root, "runsv", "supervise");
    let scratch = Scratch::new("supervisors");
    for supervisor in ["runsv", "supervise"] {
        let name = format!("sv-under-{supervisor}");
        let directory = service_that_rests(&scratch, &name);
        let mut started = start(&[supervisor, &name], &scratch.path, &scratch.join("said"));
        let pid = child_of(started.1.id());
        assert_eq!(rests(&name)["pid"], pid, "{}", read(scratch.join("said")));
        let stop = if supervisor == "runsv" { ["sv", "exit"] } else { ["svc", "-dx"] };
        assert!(
            Command::new(stop[0]).args(&stop[1..]).arg(&directory).stdout(Stdio::null()).status().is_ok()
        );
        eventually("it leaves", || started.1.try_wait().expect("waited"));
        eventually_dead(pid);
    }
    // runsv starts a logger from its own directory
    scratch.write("sv-logged/run", "#!/bin/sh\nexec sleep 1000\n", 0o755);
    let log = service_that_rests(&scratch, "sv-logged/log");
    let mut started = start(&["runsv", "sv-logged"], &scratch.path, &scratch.join("said"));
    let pid = rests("sv-logged-log")["pid"].as_i64().expect("its pid");
    assert!(log.exists());
    // runsv waits for a logger to see the end of its input
    let _ = Command::new("sv")
        .args(["-w", "1", "exit"])
        .arg(scratch.join("sv-logged"))
        .stdout(Stdio::null())
        .status();
    support::signal(i32::try_from(pid).expect("a pid"), nix::sys::signal::Signal::SIGTERM);
    eventually("it leaves", || started.1.try_wait().expect("waited"));
}

#[test]
fn it_rests_in_a_pid_namespace_and_as_an_unprivileged_user_below_root_or_not() {
    needs!(root, "s6-svscan");
    // a container's, seen from within
    let prefix = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let svscan = Svscan::start_behind("pid-namespace", &prefix);
    svscan.add_launch("sv-in-namespace", "-- nosuchprogram", &[]);
    rests("sv-in-namespace");
    drop(svscan);
    // /proc shows another user the name of the parent, not its directory
    let svscan = Svscan::start("below-root");
    let launcher = svscan.scratch.launcher().display().to_string();
    let run = format!(
        "#!/bin/sh\nexec {} {launcher} --state-dir {} -- nosuchprogram\n",
        AS_ABC.join(" "),
        state("").display()
    );
    svscan.add("sv-as-abc", &[("run", &run)]);
    rests("sv-as-abc");
    drop(svscan);
    let scratch = Scratch::new("scan-of-abc");
    support::own_by_abc(&scratch.path);
    fs::create_dir(scratch.join("scan")).expect("the scan directory");
    support::own_by_abc(&scratch.join("scan"));
    let svscan = Svscan::on(scratch, &AS_ABC);
    let directory = svscan.scratch.join("scan/.sv-of-abc");
    let launcher = svscan.scratch.launcher().display().to_string();
    fs::create_dir(&directory).expect("a service directory");
    let run = format!("#!/bin/sh\nexec {launcher} --state-dir {} -- nosuchprogram\n", state("").display());
    support::write(&directory.join("run"), &run, 0o755);
    support::own_by_abc(&directory);
    fs::rename(&directory, svscan.directory("sv-of-abc")).expect("published");
    svscan.control(&["-a"]);
    rests("sv-of-abc");
}

#[test]
fn a_shell_in_a_live_service_directory_is_no_supervisor() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("by-hand");
    let directory = svscan.add_launch("sv-by-hand", "-- sh -c 'echo up; exec sleep 1000'", &[]);
    logs("sv-by-hand", "up");
    let launcher = svscan.scratch.launcher();
    let tried = output(Command::new(launcher).args(["--", "nosuchprogram"]).current_dir(&directory));
    assert_eq!(code(&tried), 127, "{}{}", stdout(&tried), stderr(&tried));
    // and what a running service starts from its directory is none of the supervisor's
    let pid = svscan.pid("sv-by-hand");
    assert!(is_alive(pid));
}
