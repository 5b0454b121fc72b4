//! Root without some of its capabilities, as in a hardened container, on volumes that are closed to it:
//! `futo sync`, `futo reconcile` and `futo sync --watch`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::boot::Ran;
use support::launching::{PATH, finish};
use support::{
    Scratch, Svscan, context_switches, eventually, eventually_contains, needs, own_by_abc, own_by_hermes,
    read, rights, set_mode, signal, write,
};

/// What each command comes to, its word for the service (`-`: it says nothing of it), its exit code, and
/// what stderr names. `sync --watch` stays where it has published, and leaves with this code on TERM.
const TABLE: &str = "
root lacks     | sync          | reconcile     | sync --watch  | stderr
nothing        | published 0   | started 0     | published 0   | -
dac_override   | published 0   | started 0     | published 0   | -
chown          | published 0   | started 0     | published 0   | unable to delegate control
fowner         | published 0   | started 0     | published 0   | -
kill           | published 0   | started 0     | published 0   | -
setuid         | - 2           | - 2           | - 2           | capabilities SETUID and SETGID
setgid         | - 2           | - 2           | - 2           | capabilities SETUID and SETGID
everything     | - 2           | - 2           | - 2           | capabilities SETUID and SETGID
";

/// The words that execute a command without a capability.
fn lacking(capability: &str) -> Vec<String> {
    let set = match capability {
        "nothing" => return vec!["setpriv".to_string()],
        "everything" => "-all".to_string(),
        // alone it would do: a container that drops one of the two keeps the other one
        one => format!("-{one}"),
    };
    vec!["setpriv".to_string(), format!("--bounding-set={set}"), format!("--inh-caps={set}")]
}

/// A volume of abc's and one of hermes', both closed to everybody else, and a scan directory.
struct Scene {
    /// Root's all the way up.
    root: Scratch,
    volumes: Scratch,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let scene = Scene { root: Scratch::of_root(name), volumes: Scratch::new(&format!("{name}-volumes")) };
        fs::create_dir(scene.root.join("scan")).expect("the scan directory");
        let beat = scene.config("services/beat");
        fs::create_dir_all(&beat).expect("a definition");
        let line = "#!/bin/sh\nexec futo-launch --interval 1000 -- sh -c 'id -un > ../../beats'\n";
        write(&beat.join("run"), line, 0o755);
        for path in [scene.config(""), scene.config("services"), beat.clone(), beat.join("run")] {
            own_by_abc(&path);
        }
        let profile = scene.opt("data/profiles/coder");
        fs::create_dir_all(&profile).expect("a profile");
        fs::write(profile.join("SOUL.md"), "# soul\n").expect("written");
        fs::write(profile.join("gateway_state.json"), "{\"gateway_state\": \"running\"}").expect("written");
        for path in ["", "data", "data/profiles", "data/profiles/coder"] {
            own_by_hermes(&scene.opt(path));
        }
        for file in ["SOUL.md", "gateway_state.json"] {
            own_by_hermes(&profile.join(file));
        }
        for closed in [scene.config(""), scene.config("services"), beat, scene.opt(""), scene.opt("data")] {
            set_mode(closed, 0o700);
        }
        scene
    }

    fn config(&self, path: &str) -> PathBuf {
        self.volumes.join("config").join(path)
    }

    fn opt(&self, path: &str) -> PathBuf {
        self.volumes.join("opt").join(path)
    }

    fn scan(&self, path: &str) -> PathBuf {
        self.root.join("scan").join(path)
    }

    fn command(&self, capability: &str, words: &[&str]) -> Command {
        let before = lacking(capability);
        let mut command = Command::new(&before[0]);
        command.args(&before[1..]).arg(self.root.futo()).args(words);
        match words[0] {
            "sync" => command.arg("--from").arg(self.config("services")),
            _ => command.args(["--preset", "hermes", "--home"]).arg(self.opt("data")),
        };
        command.arg("--scan-dir").arg(self.scan("")).env_clear().env("PATH", PATH);
        command
    }

    fn run(&self, capability: &str, words: &[&str]) -> Ran {
        Ran::of(&finish(&mut self.command(capability, words)))
    }
}

/// The word for the one service, and the exit code.
fn cell(ran: &Ran, service: &str) -> String {
    let line = ran.stdout.lines().find(|line| line.contains(service));
    let word = line.and_then(|line| line.split_once("action=")).map_or("-", |(_, word)| word);
    format!("{word} {}", ran.code)
}

/// `futo sync --watch`, looked at once it has published or left, and ended.
fn watch(scene: &Scene, capability: &str) -> (String, String) {
    let output = |name: &str| fs::File::create(scene.root.join(name)).expect("a file");
    let mut watcher = scene
        .command(capability, &["sync", "--watch"])
        .stdin(Stdio::null())
        .stdout(output("out"))
        .stderr(output("err"))
        .spawn()
        .expect("it starts");
    let code = eventually(&format!("without {capability} it publishes or leaves"), || {
        if let Some(status) = watcher.try_wait().expect("waited") {
            return Some(status.code());
        }
        read(scene.root.join("out")).contains("action=").then(|| ended(&mut watcher))
    });
    let ran = Ran {
        code: code.expect("an exit code"),
        stdout: read(scene.root.join("out")),
        stderr: read(scene.root.join("err")),
    };
    (cell(&ran, "service=beat"), ran.stderr)
}

fn ended(watcher: &mut Child) -> Option<i32> {
    signal(watcher.id().cast_signed(), Signal::SIGTERM);
    eventually("it ends", || watcher.try_wait().expect("waited")).code()
}

#[test]
fn what_comes_of_it_without_each_capability() {
    needs!(root, "setpriv", "s6-svscan");
    for line in TABLE.lines().skip(2) {
        let row: Vec<&str> = line.split('|').map(str::trim).collect();
        let [capability, sync, reconcile, watched, named] = row[..] else { panic!("{line}") };
        let scene = Scene::new(&format!("rights-{capability}"));
        let ran = scene.run(capability, &["sync"]);
        let again = scene.run(capability, &["sync"]);
        let reconciled = scene.run(capability, &["reconcile"]);
        let fresh = Scene::new(&format!("rights-watch-{capability}"));
        let (watch, watch_stderr) = watch(&fresh, capability);
        let all = format!("{}{}{watch_stderr}", ran.stderr, reconciled.stderr);
        assert_eq!(
            [cell(&ran, "service=beat"), cell(&reconciled, "profile=coder"), watch],
            [sync, reconcile, watched],
            "without {capability}: {all}"
        );
        for stderr in [&ran.stderr, &reconciled.stderr, &watch_stderr] {
            match named {
                "-" => assert_eq!(stderr, "", "without {capability}"),
                named => assert!(stderr.contains(named), "without {capability}: {stderr}"),
            }
        }
        if ran.code == 0 {
            assert_eq!(cell(&again, "service=beat"), "unchanged 0", "without {capability}: {}", again.stderr);
            let group = if capability == "chown" { 0 } else { 911 };
            let control = scene.scan("beat/supervise");
            let expected = if group == 0 { None } else { Some(format!("0710 0:{group}")) };
            assert_eq!(control.exists().then(|| rights(&control)), expected, "without {capability}");
        }
    }
}

#[test]
fn what_is_published_runs_as_its_user_without_them() {
    needs!(root, "setpriv", "s6-svscan");
    for capability in ["dac_override", "chown", "fowner", "kill"] {
        let scene = Scene::new(&format!("runs-{capability}"));
        let before = lacking(capability);
        let words: Vec<&str> = before.iter().map(String::as_str).collect();
        assert_eq!(scene.run(capability, &["sync"]).code, 0);
        let _svscan = Svscan::on_directory(&format!("runs-{capability}"), &scene.scan(""), &words);
        eventually(&format!("without {capability} it runs"), || {
            (read(scene.config("beats")) == "abc\n").then_some(())
        });
        ended_by_abc(&scene);
    }
}

/// Where root cannot signal other users' processes, s6-svscan could not end them at the end of the test.
fn ended_by_abc(scene: &Scene) {
    let pid = pid_in(&scene.scan("beat/supervise/status"));
    let control = finish(Command::new("s6-svc").arg("-d").arg(scene.scan("beat")));
    assert!(control.status.success());
    // it may have left by then
    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
}

/// As soon as the supervisor has written it.
fn pid_in(status: &Path) -> i32 {
    eventually("a pid", || {
        let status = fs::read(status).ok()?;
        let pid = u64::from_be_bytes(status.get(24..32)?.try_into().ok()?);
        i32::try_from(pid).ok().filter(|pid| *pid > 0)
    })
}

#[test]
fn a_service_that_root_may_not_signal_is_not_pruned_and_the_capability_is_named() {
    needs!(root, "setpriv", "s6-svscan");
    let scene = Scene::new("prune-kill");
    assert_eq!(scene.run("kill", &["sync"]).code, 0);
    let before = lacking("kill");
    let words: Vec<&str> = before.iter().map(String::as_str).collect();
    let _svscan = Svscan::on_directory("prune-kill", &scene.scan(""), &words);
    eventually("it runs", || (read(scene.config("beats")) == "abc\n").then_some(()));
    fs::remove_dir_all(scene.config("services/beat")).expect("removed");
    let ran = scene.run("kill", &["sync", "--prune"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("root lacks the capability KILL"), "{}", ran.stderr);
    signal(pid_in(&scene.scan(".futo-gone-beat/supervise/status")), Signal::SIGTERM);
    eventually("the next run finds it gone", || {
        (scene.run("kill", &["sync", "--prune"]).code == 0).then_some(())
    });
}

#[test]
fn a_volume_that_is_closed_to_root_is_watched_and_not_polled() {
    needs!(root, "setpriv", "s6-svscan");
    let scene = Scene::new("watch-closed");
    let out = fs::File::create(scene.root.join("out")).expect("a file");
    let mut watcher = scene
        .command("dac_override", &["sync", "--watch"])
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let pid = watcher.id().cast_signed();
    eventually_contains(&scene.root.join("out"), "service=beat action=published");
    let another = scene.config("services/another");
    fs::create_dir(&another).expect("a definition");
    own_by_abc(&another);
    let run = another.join("run");
    write(&run, "#!/bin/sh\nexec futo-launch -- sleep 1000\n", 0o755);
    own_by_abc(&run);
    eventually_contains(&scene.root.join("out"), "service=another action=published");
    // where not everything can be watched it looks every second
    let asleep = || {
        let before = context_switches(pid).0;
        std::thread::sleep(std::time::Duration::from_millis(2500));
        context_switches(pid).0 - before
    };
    assert!((0..5).any(|_| asleep() == 0), "it is woken while nothing happens");
    assert_eq!(ended(&mut watcher), Some(0));
}
