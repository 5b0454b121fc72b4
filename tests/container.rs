//! A container with s6 as PID 1, the homes on volumes and the scan directory on tmpfs: a restart brings
//! back exactly the services that were running, and hermes makes, starts, stops and deletes its own meanwhile.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use support::docker::{Base, docker, have_containers};
use support::launching::finish;
use support::{Scratch, children, eventually, needs, set_mode, signal, stderr, stdout};

/// Where the scenario happens.
trait Machine {
    /// Runs a script inside, as root; gives what it printed.
    fn inside(&self, script: &str) -> String;
    /// Ends it as a container runtime does, and starts it again on the same volumes.
    fn restart(&mut self);
    /// Runs a script as PID 1 of another one on the same volumes, to its end; gives what it printed.
    fn beside(&self, script: &str) -> String;
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/container").join(name)
}

/// Puts what all machines have beside the programs of ours into a directory.
fn provide(directory: &Path) {
    let init = fs::read(file("init")).expect("it is there");
    let hermes = include_str!("hermes/hermes").replace("@SCAN@", "/run/service").into_bytes();
    for (name, text) in [("init", init), ("hermes", hermes)] {
        let path = directory.join(name);
        fs::write(&path, text).expect("written");
        set_mode(&path, 0o755);
    }
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

fn data(machine: &dyn Machine, path: &str) -> String {
    machine.inside(&format!("cat /opt/data/{path} 2>/dev/null || true"))
}

/// Something that hermes types; gives what it says.
fn hermes(machine: &dyn Machine, words: &str) -> String {
    machine.inside(&format!(
        "HERMES_HOME=/opt/data s6-setuidgid hermes /opt/hermes/.venv/bin/hermes {words} 2>&1 || true"
    ))
}

fn a_container_keeps_its_gateways(machine: &mut dyn Machine) {
    boots_with_what_ran(machine);
    follows_a_profile_at_run_time(machine);
    a_restart_brings_back_what_ran(machine);
    others_on_the_volume_leave_it_alone(machine);
}

fn boots_with_what_ran(machine: &dyn Machine) {
    are_up(machine, &["gateway-coder", "beat"]);
    eventually("the gateway says so", || {
        (data(machine, "profiles/coder/starts") == "hermes coder /opt/data\n").then_some(())
    });
    // root may not read it in a container without SYS_PTRACE
    let token = "s6-setuidgid hermes sh -c \
                 'tr \"\\0\" \"\\n\" < /proc/$(cat /opt/data/profiles/coder/gateway.pid)/environ | grep ^TOKEN='";
    assert_eq!(machine.inside(token), "TOKEN=the container's\n");
    assert_eq!(data(machine, "profiles/idle/gateway.pid"), "", "stale");
    eventually("the worker is abc", || {
        (machine.inside("cat /config/beats || true") == "abc\n").then_some(())
    });
    assert_eq!(data(machine, "logs/container-boot.log").lines().count(), 4);
}

fn follows_a_profile_at_run_time(machine: &dyn Machine) {
    let is_there = || !machine.inside("ls -d /run/service/gateway-novel 2>/dev/null").is_empty();
    let said = hermes(machine, "profile create novel");
    assert!(said.contains("could not register"), "the scan directory is root's: {said}");
    eventually("it is published", || is_there().then_some(()));
    assert!(!up(machine, "gateway-novel"));
    assert_eq!(hermes(machine, "-p novel gateway start"), "");
    assert!(up(machine, "gateway-novel"));
    assert_eq!(hermes(machine, "-p novel gateway stop"), "");
    assert!(!up(machine, "gateway-novel"));
    hermes(machine, "profile delete novel");
    eventually("it is taken out", || (!is_there()).then_some(()));
}

fn a_restart_brings_back_what_ran(machine: &mut dyn Machine) {
    // one is started by hand, and the other one stops by its own command
    machine.inside("s6-svc -u /run/service/gateway-writer");
    assert_eq!(hermes(machine, "-p coder gateway stop"), "");
    assert!(data(machine, "profiles/coder/gateway_state.json").contains("\"desired_state\": \"stopped\""));
    eventually("the one runs", || {
        data(machine, "profiles/writer/gateway_state.json").contains("running").then_some(())
    });
    machine.inside("rm /config/s6-services/resting/down; touch /config/s6-services/beat/down");

    machine.restart();
    are_up(machine, &["gateway-writer", "resting"]);
    assert_eq!(data(machine, "profiles/coder/gateway.pid"), "");
    assert_eq!(data(machine, "profiles/coder/starts").lines().count(), 1);
    let boots = data(machine, "logs/container-boot.log");
    let last: Vec<&str> =
        boots.lines().rev().take(4).filter(|line| line.contains("action=started")).collect();
    assert!(matches!(last[..], [line] if line.contains("profile=writer prior_state=running")), "{boots}");

    let pid = |machine: &dyn Machine| machine.inside("s6-svstat -o pid /run/service/gateway-writer");
    let before = pid(machine);
    machine.inside("futo reconcile --preset hermes --prune; futo sync --prune");
    assert_eq!(pid(machine), before);

    machine.restart();
    are_up(machine, &["gateway-writer", "resting"]);
}

fn others_on_the_volume_leave_it_alone(machine: &dyn Machine) {
    let pid = || machine.inside("s6-svstat -o pid /run/service/gateway-writer");
    let before = pid();
    let said = machine.beside("mkdir /run/service; futo reconcile --preset hermes; ls /run/service");
    assert!(said.contains("profile=writer prior_state=running action=started"), "{said}");
    assert!(said.contains("profile=coder prior_state=stopped action=registered"), "{said}");
    let dashboard = "mkdir /run/service /run/docker; \
                     echo 'futo reconcile --preset hermes; ls /run/service' > /run/docker/main-wrapper.sh; \
                     exec sh /run/docker/main-wrapper.sh dashboard";
    assert_eq!(machine.beside(dashboard), "reconcile: skipped: the container's command is 'dashboard'\n");
    assert_eq!(pid(), before);
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

    fn command(scratch: &Scratch) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--pid", "--fork", "--kill-child", "--mount", "--propagation", "private", "sh"])
            .arg(file("enter"))
            .arg(&scratch.path);
        command
    }

    fn spawn(scratch: &Scratch) -> Child {
        let out =
            fs::File::options().create(true).append(true).open(scratch.join("out")).expect("its output");
        Namespace::command(scratch)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a copy"))
            .stderr(out)
            .spawn()
            .expect("it starts")
    }

    /// Its PID 1, seen from here.
    fn init(&self) -> i32 {
        eventually("PID 1 is there", || children(self.child.id().cast_signed()).first().copied())
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

    fn beside(&self, script: &str) -> String {
        stdout(&finish(Namespace::command(&self.scratch).args(["sh", "-c", script])))
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
    needs!(root, "s6-svscan", "unshare");
    let scratch = Scratch::new("namespace");
    scratch.futo();
    provide(&scratch.join("bin"));
    for directory in ["config", "data"] {
        fs::create_dir(scratch.join(directory)).expect("a volume");
    }
    let mut command = Command::new("sh");
    command.args(["-euc", FIRST]).env("DATA", scratch.join("data")).env("CONFIG", scratch.join("config"));
    let first = finish(&mut command);
    assert!(first.status.success(), "{}", stderr(&first));
    a_container_keeps_its_gateways(&mut Namespace::start(scratch));
}

/// A container and its two volumes.
struct Container {
    name: String,
}

impl Container {
    fn start() -> Container {
        let context = Scratch::new("docker");
        let copied = Command::new("cp")
            .arg(file("Dockerfile"))
            .args([env!("CARGO_BIN_EXE_futo"), env!("CARGO_BIN_EXE_futo-launch")])
            .arg(&context.path)
            .status();
        assert!(copied.expect("cp starts").success());
        provide(&context.path);
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

    fn beside(&self, script: &str) -> String {
        let name = &self.name;
        let mut words = vec!["run", "--rm", "--network", "none", "--tmpfs", "/run:mode=0755,exec"];
        let volumes = [format!("{name}-config:/config"), format!("{name}-data:/opt/data")];
        words.extend(volumes.iter().flat_map(|volume| ["--volume", volume.as_str()]));
        words.extend([name.as_str(), "sh", "-c", script]);
        docker(&words).expect("it runs")
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
    needs!(root);
    if !have_containers(Base::Bookworm) {
        return;
    }
    a_container_keeps_its_gateways(&mut Container::start());
}
