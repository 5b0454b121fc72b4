//! A container with s6 as PID 1, the homes on volumes and the scan directory on tmpfs: a restart brings
//! back exactly the services that were running.
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

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use support::direct::signal;
use support::docker::{Base, docker, have_containers};
use support::launching::finish;
use support::{Need, Scratch, eventually, have, stderr, stdout};

/// Where the scenario happens.
trait Machine {
    /// Runs a script inside, as root; gives what it printed.
    fn inside(&self, script: &str) -> String;
    /// Ends it as a container runtime does, and starts it again on the same volumes.
    fn restart(&mut self);
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/container").join(name)
}

/// What is on the volumes before the first start: three profiles of which one was running, and two
/// definitions of abc's of which one is down.
const FIRST: &str = r##"
cd "$DATA"
mkdir -p profiles/coder profiles/idle profiles/writer
for profile in coder idle writer; do echo '# soul' > profiles/$profile/SOUL.md; done
echo '{"gateway_state": "running"}' > profiles/coder/gateway_state.json
echo '{"gateway_state": "stopped"}' > profiles/idle/gateway_state.json
echo 4711 > profiles/idle/gateway.pid
echo 4711 > profiles/coder/gateway.pid
chown -R 10000:10000 .
cd "$CONFIG"
mkdir -p s6-services/beat s6-services/resting
printf '#!/bin/sh\nexec futo-launch --interval 1000 -- sh -c "id -un >> /config/beats"\n' > s6-services/beat/run
cp s6-services/beat/run s6-services/resting/run
touch s6-services/resting/down
chown -R 911:911 .
"##;

fn up(machine: &dyn Machine, service: &str) -> bool {
    machine.inside(&format!("s6-svstat -o up /run/service/{service} 2>/dev/null || true")).trim() == "true"
}

fn eventually_up(machine: &dyn Machine, services: &[&str]) {
    eventually(&format!("{services:?} are up"), || {
        services.iter().all(|service| up(machine, service)).then_some(())
    });
}

const ALL: [&str; 6] =
    ["gateway-default", "gateway-coder", "gateway-idle", "gateway-writer", "beat", "resting"];

fn are_up(machine: &dyn Machine, running: &[&str]) {
    eventually_up(machine, running);
    let found: Vec<&str> = ALL.into_iter().filter(|service| up(machine, service)).collect();
    let expected: Vec<&str> = ALL.into_iter().filter(|service| running.contains(service)).collect();
    assert_eq!(found, expected);
}

fn a_restart_brings_back_what_ran(machine: &mut dyn Machine) {
    are_up(machine, &["gateway-coder", "beat"]);
    let data = |machine: &dyn Machine, path: &str| {
        machine.inside(&format!("cat /opt/data/{path} 2>/dev/null || true"))
    };
    eventually("the gateway says so", || {
        let starts = data(machine, "profiles/coder/starts");
        (starts == "hermes /opt/data -p coder gateway run --replace (the container's)\n").then_some(())
    });
    assert_eq!(data(machine, "profiles/idle/gateway.pid"), "", "stale");
    assert_eq!(data(machine, "profiles/coder/troubles"), "", "its own was removed before it was started");
    eventually("the worker is abc", || {
        (machine.inside("cat /config/beats || true") == "abc\n").then_some(())
    });
    assert_eq!(data(machine, "logs/container-boot.log").lines().count(), 4);

    // another one is started by hand, and the first one stops by its own command
    machine.inside("s6-svc -u /run/service/gateway-writer");
    machine.inside("s6-svc -1 /run/service/gateway-coder");
    eventually("it has written its state", || {
        data(machine, "profiles/coder/gateway_state.json").contains("stopped").then_some(())
    });
    eventually("and is not started again", || (!up(machine, "gateway-coder")).then_some(()));
    eventually("the other one runs", || {
        data(machine, "profiles/writer/gateway_state.json").contains("running").then_some(())
    });
    machine.inside("rm /config/s6-services/resting/down; touch /config/s6-services/beat/down");

    machine.restart();
    are_up(machine, &["gateway-writer", "resting"]);
    assert_eq!(data(machine, "profiles/writer/troubles"), "", "the pid file that was left is gone");
    assert_eq!(data(machine, "profiles/coder/gateway.pid"), "");
    assert_eq!(data(machine, "profiles/coder/starts").lines().count(), 1);
    assert_eq!(data(machine, "logs/container-boot.log").lines().count(), 8);
    let pid = |machine: &dyn Machine| machine.inside("s6-svstat -o pid /run/service/gateway-writer");
    let before = pid(machine);
    machine.inside("futo reconcile --preset hermes --prune; futo sync --prune");
    assert_eq!(pid(machine), before);

    machine.restart();
    are_up(machine, &["gateway-writer", "resting"]);
}

/// PID and mount namespaces.
struct Namespace {
    scratch: Scratch,
    child: Child,
}

impl Namespace {
    fn start(scratch: Scratch) -> Namespace {
        let child = Namespace::spawn(&scratch);
        Namespace { scratch, child }
    }

    fn spawn(scratch: &Scratch) -> Child {
        let out =
            fs::File::options().create(true).append(true).open(scratch.join("out")).expect("its output");
        Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount", "--propagation", "private", "sh"])
            .arg(file("enter"))
            .arg(&scratch.path)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a copy"))
            .stderr(out)
            .spawn()
            .expect("it starts")
    }

    /// Its PID 1, seen from here.
    fn init(&self) -> i32 {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        eventually("PID 1 is there", || fs::read_to_string(&path).ok()?.trim().parse().ok())
    }
}

impl Machine for Namespace {
    fn inside(&self, script: &str) -> String {
        let mut command = Command::new("nsenter");
        command.args(["-m", "-p", "-t", &self.init().to_string(), "--", "sh", "-c", script]);
        stdout(&finish(&mut command))
    }

    fn restart(&mut self) {
        signal(self.init(), Signal::SIGTERM);
        eventually("it has ended", || self.child.try_wait().expect("waited").map(drop));
        self.child = Namespace::spawn(&self.scratch);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn in_namespaces_of_our_own() {
    if !have(&[Need::Root, Need::Program("s6-svscan"), Need::Program("unshare")]) {
        return;
    }
    let scratch = Scratch::new("namespace");
    scratch.futo();
    for directory in ["config", "data"] {
        fs::create_dir(scratch.join(directory)).expect("a volume");
    }
    let mut command = Command::new("sh");
    command.args(["-euc", FIRST]).env("DATA", scratch.join("data")).env("CONFIG", scratch.join("config"));
    let first = finish(&mut command);
    assert!(first.status.success(), "{}", stderr(&first));
    a_restart_brings_back_what_ran(&mut Namespace::start(scratch));
}

/// A container and its two volumes.
struct Container {
    name: String,
}

impl Container {
    fn start() -> Container {
        let context = Scratch::new("docker");
        let copied = Command::new("cp")
            .args(["Dockerfile", "init", "hermes"].map(file))
            .args([env!("CARGO_BIN_EXE_futo"), env!("CARGO_BIN_EXE_futo-launch")])
            .arg(&context.path)
            .status();
        assert!(copied.expect("cp starts").success());
        for script in ["init", "hermes"] {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(context.join(script), fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        let name = format!("futo-test-{}", std::process::id());
        let path = context.path.display().to_string();
        let built = Command::new("docker")
            .args(["build", "--quiet", "--tag", &name, &path])
            .env("DOCKER_BUILDKIT", "0")
            .output()
            .expect("docker starts");
        assert!(built.status.success(), "{}", stderr(&built));
        let container = Container { name };
        let name = container.name.as_str();
        let (config, data) = (format!("{name}-config:/config"), format!("{name}-data:/opt/data"));
        let volumes = ["--volume", config.as_str(), "--volume", data.as_str()];
        let mut words = vec!["run", "--rm", "--network", "none"];
        words.extend(volumes);
        words.extend(["--env", "DATA=/opt/data", "--env", "CONFIG=/config", name, "sh", "-euc", FIRST]);
        docker(&words).expect("the volumes are filled");
        let mut words =
            vec!["run", "--detach", "--network", "none", "--name", name, "--tmpfs", "/run:mode=0755,exec"];
        words.extend(volumes);
        words.push(name);
        docker(&words).expect("it starts");
        container
    }
}

impl Machine for Container {
    fn inside(&self, script: &str) -> String {
        docker(&["exec", &self.name, "sh", "-c", script]).unwrap_or_default()
    }

    fn restart(&mut self) {
        docker(&["restart", &self.name]).expect("it is restarted");
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let name = self.name.as_str();
        if std::thread::panicking() {
            eprintln!("{:?}", docker(&["logs", name]));
        }
        let _ = docker(&["rm", "--force", name]);
        let _ = docker(&["volume", "rm", &format!("{name}-config"), &format!("{name}-data")]);
        let _ = docker(&["image", "rm", name]);
    }
}

#[test]
fn in_a_docker_container() {
    if !have(&[Need::Root]) || !have_containers(Base::Bookworm) {
        return;
    }
    a_restart_brings_back_what_ran(&mut Container::start());
}
