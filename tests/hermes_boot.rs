//! What the boot module of hermes does at a container's start, as a table: name, given, expected. Written down from
//! its behaviour; `futo reconcile --preset hermes` is held to it. Deliberate differences are marked so.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use support::boot::{Ran, Volume};
use support::launching::finish;
use support::{needs, read, rights};

/// A behaviour. Each line of `given` and `expected` is one of the words that [`Boot`] knows.
struct Case(&'static str, &'static str, &'static str);

/// Given:
/// - `profile NAME JSON`: a profile with this state file; without JSON it has none
/// - `root JSON`: the state file of the home itself
/// - `file PATH TEXT`, `dir PATH`: below the home, of hermes'
/// - `scan-dir PATH`: a directory in the scan directory, of root's
/// - `env NAME=VALUE`, `options WORDS`
/// - `command WORDS`: of the container, as s6-overlay v2 starts its wrapper; `command-v3`: as v3 does;
///   `command-of-hermes`: a process of hermes that claims the words
/// - `boot`: once more before
///
/// Expected:
/// - `says LINES`: stdout is exactly this, by `; `
/// - `line TEXT`: stdout has this line
/// - `log TEXT`: the boot log has this line after the time
/// - `up NAME`, `down NAME` (its logger too), `absent NAME`: the service directory
/// - `there PATH`, `gone PATH`: below the home; `scan-gone PATH`
/// - `has PATH TEXT`, `lacks PATH TEXT`: below the home; `scan-has`, `scan-lacks`: below the scan directory
/// - `mode PATH MODE`: below the scan directory
/// - `stderr TEXT`, `code NUMBER` (0 without)
const CASES: &[Case] = &[
    // the state decides
    Case(
        "a profile that was running is started",
        "profile coder {\"gateway_state\":\"running\"}",
        "up gateway-coder\nline reconcile: profile=coder prior_state=running action=started",
    ),
    Case(
        "its logger is started with it",
        "profile coder {\"gateway_state\":\"running\"}",
        "scan-gone gateway-coder/log/down\nscan-has gateway-coder/log/run s6-log",
    ),
    Case(
        "a stopped profile is registered",
        "profile writer {\"gateway_state\":\"stopped\"}",
        "down gateway-writer\nline reconcile: profile=writer prior_state=stopped action=registered",
    ),
    Case(
        "its logger is down too: two containers share the log",
        "profile writer {\"gateway_state\":\"stopped\"}",
        "mode gateway-writer/log/down 0644 0:0",
    ),
    Case(
        "startup_failed is not started: no crash loop",
        "profile broken {\"gateway_state\":\"startup_failed\"}",
        "down gateway-broken",
    ),
    Case(
        "starting is a death in mid-boot",
        "profile unlucky {\"gateway_state\":\"starting\"}",
        "down gateway-unlucky\nline reconcile: profile=unlucky prior_state=starting action=registered",
    ),
    Case(
        "draining was running",
        "profile a {\"gateway_state\":\"draining\"}",
        "up gateway-a\nline reconcile: profile=a prior_state=running action=started",
    ),
    Case(
        "degraded was running",
        "profile a {\"gateway_state\":\"degraded\"}",
        "up gateway-a\nline reconcile: profile=a prior_state=running action=started",
    ),
    Case(
        "draining is not a desired state",
        "profile a {\"desired_state\":\"draining\"}",
        "down gateway-a\nline reconcile: profile=a prior_state=draining action=registered",
    ),
    Case(
        "degraded is not a desired state",
        "profile a {\"desired_state\":\"degraded\",\"gateway_state\":\"running\"}",
        "down gateway-a",
    ),
    Case(
        "the desired state wins over a failed start",
        "profile a {\"gateway_state\":\"startup_failed\",\"desired_state\":\"running\"}",
        "up gateway-a\nline reconcile: profile=a prior_state=running action=started",
    ),
    Case(
        "the desired state wins over a running process",
        "profile quiet {\"gateway_state\":\"running\",\"desired_state\":\"stopped\"}",
        "down gateway-quiet\nline reconcile: profile=quiet prior_state=stopped action=registered",
    ),
    Case(
        "a desired state of null is none",
        "profile a {\"desired_state\":null,\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    Case(
        "both null is no state",
        "profile a {\"desired_state\":null,\"gateway_state\":null}",
        "down gateway-a\nline reconcile: profile=a prior_state=None action=registered",
    ),
    Case(
        "an empty desired state is one",
        "profile a {\"desired_state\":\"\",\"gateway_state\":\"running\"}",
        "down gateway-a",
    ),
    Case(
        "no state file is no state",
        "profile fresh",
        "down gateway-fresh\nline reconcile: profile=fresh prior_state=None action=registered",
    ),
    Case(
        "a corrupt state file is no state",
        "profile junk { not valid json",
        "down gateway-junk\nline reconcile: profile=junk prior_state=None action=registered\nstderr unable to read 'gateway_state.json'",
    ),
    Case(
        "case and blanks count",
        "profile a {\"gateway_state\":\"Running\"}\nprofile b {\"gateway_state\":\"running \"}",
        "down gateway-a\ndown gateway-b",
    ),
    Case(
        "of a key twice the last counts",
        "profile a {\"gateway_state\":\"stopped\",\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    Case("NaN is read", "profile a {\"load\":NaN,\"gateway_state\":\"running\"}", "up gateway-a"),
    Case(
        "Infinity is read",
        "profile a {\"gateway_state\":\"running\",\"load\":[-Infinity,Infinity]}",
        "up gateway-a",
    ),
    Case("1e999 is read", "profile a {\"load\":1e999,\"gateway_state\":\"running\"}", "up gateway-a"),
    Case(
        "a lone surrogate is read",
        "profile a {\"gateway_state\":\"running\",\"platforms\":{\"x\":\"\\udcff\"}}",
        "up gateway-a",
    ),
    Case(
        "a lone surrogate in a key is read",
        "profile a {\"\\ud800\":1,\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    Case(
        "a byte order mark is passed over",
        "profile a \u{feff}{\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    // which profiles there are
    Case(
        "the home itself is the profile default",
        "",
        "says reconcile: profile=default prior_state=None action=registered\ndown gateway-default",
    ),
    Case(
        "default is started if it was running",
        "root {\"gateway_state\":\"running\"}",
        "up gateway-default\nline reconcile: profile=default prior_state=running action=started",
    ),
    Case(
        "default stays down if it was stopped",
        "root {\"gateway_state\":\"stopped\"}\ncommand gateway run",
        "down gateway-default\nhas gateway_state.json stopped",
    ),
    Case(
        "default stays down if its start has failed",
        "root {\"gateway_state\":\"startup_failed\"}",
        "down gateway-default",
    ),
    Case(
        "default comes first, the others by name",
        "profile zeta\nprofile alpha",
        "says reconcile: profile=default prior_state=None action=registered; reconcile: profile=alpha prior_state=None action=registered; reconcile: profile=zeta prior_state=None action=registered",
    ),
    Case("a directory without SOUL.md is not a profile", "dir profiles/stray", "absent gateway-stray"),
    Case(
        "a file is not a profile",
        "dir profiles\nfile profiles/README text",
        "says reconcile: profile=default prior_state=None action=registered",
    ),
    Case("no profiles directory is fine", "", "down gateway-default"),
    Case(
        "profiles/default would take the home's name",
        "profile default {\"gateway_state\":\"running\"}",
        "down gateway-default\nstderr 'profiles/default' is skipped",
    ),
    Case(
        "differs: a bad name fails alone, and all others go on",
        "profile BadName {\"gateway_state\":\"running\"}\nprofile coder {\"gateway_state\":\"running\"}",
        "line reconcile: profile=BadName prior_state=None action=failed\nup gateway-coder\ncode 1",
    ),
    // what a service is
    Case(
        "a service has run, finish, type and a logger",
        "profile coder",
        "mode gateway-coder/run 0755 0:0\nmode gateway-coder/finish 0755 0:0\nmode gateway-coder/type 0644 0:0\nmode gateway-coder/log/run 0755 0:0",
    ),
    Case(
        "run is that of the profile",
        "profile coder",
        "scan-has gateway-coder/run hermes -p coder gateway run --replace",
    ),
    Case(
        "default's run names no profile",
        "",
        "scan-has gateway-default/run hermes gateway run --replace\nscan-lacks gateway-default/run -p default",
    ),
    Case(
        "the gateway knows that it is supervised",
        "profile coder",
        "scan-has gateway-coder/run HERMES_S6_SUPERVISED_CHILD=1\nscan-has gateway-coder/run HERMES_SUPERVISED_CHILD=1\nscan-has gateway-default/run HERMES_S6_SUPERVISED_CHILD=1",
    ),
    Case(
        "finish ends restarts after 0 and 78",
        "profile coder",
        "scan-has gateway-coder/finish 0|78) exit 125",
    ),
    Case(
        "the logger copies to stdout, and stamps its files",
        "profile coder",
        "scan-has gateway-coder/log/run s6-log 1 n10 s1000000 T ",
    ),
    Case(
        "hermes may control it",
        "profile coder",
        "mode gateway-coder/supervise/control 0620 0:10000\nmode gateway-coder/log/supervise/control 0620 0:10000",
    ),
    Case(
        "nothing is left of the making",
        "profile coder",
        "scan-gone .gateway-coder.tmp\nscan-gone .futo-new-gateway-coder",
    ),
    Case(
        "what a killed module has left half made goes",
        "scan-dir .gateway-coder.tmp\nscan-dir .gateway-coder.tmp/log\nscan-dir gateway-coder.tmp\nscan-dir gateway-coder.tmp/log\nprofile coder",
        "scan-gone .gateway-coder.tmp\nscan-gone gateway-coder.tmp\ndown gateway-coder",
    ),
    Case(
        "a second boot changes the state and nothing else",
        "profile coder {\"gateway_state\":\"running\"}\nboot\nprofile coder {\"gateway_state\":\"stopped\"}",
        "down gateway-coder\nscan-has gateway-coder/run hermes -p coder gateway run --replace",
    ),
    Case(
        "a second boot starts what was started meanwhile",
        "profile coder\nboot\nprofile coder {\"desired_state\":\"running\"}",
        "up gateway-coder",
    ),
    // stale files
    Case(
        "files of processes that are gone are removed",
        "profile coder {\"gateway_state\":\"running\"}\nfile profiles/coder/gateway.pid 9\nfile profiles/coder/processes.json []",
        "gone profiles/coder/gateway.pid\ngone profiles/coder/processes.json",
    ),
    Case(
        "in the home too",
        "root {\"gateway_state\":\"running\"}\nfile gateway.pid 9\nfile processes.json []",
        "gone gateway.pid\ngone processes.json",
    ),
    Case(
        "of a profile that stays down too",
        "profile coder\nfile profiles/coder/gateway.pid 9",
        "gone profiles/coder/gateway.pid",
    ),
    // the boot log
    Case(
        "the boot log has a line per profile",
        "profile a {\"gateway_state\":\"running\"}\nprofile b {\"gateway_state\":\"stopped\"}",
        "log profile=default prior_state=None action=registered prior_exit=unknown\nlog profile=a prior_state=running action=started prior_exit=unknown\nlog profile=b prior_state=stopped action=registered prior_exit=unknown",
    ),
    Case(
        "stdout has no prior_exit",
        "profile a",
        "line reconcile: profile=a prior_state=None action=registered",
    ),
    Case(
        "phase exited is a clean exit",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":\"exited\",\"exit_code\":0}",
        "log profile=a prior_state=None action=registered prior_exit=clean",
    ),
    Case(
        "phase running is an unclean exit",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":\"running\",\"pid\":7}",
        "log profile=a prior_state=None action=registered prior_exit=unclean",
    ),
    Case(
        "the home has its own",
        "dir state\nfile state/gateway.lifecycle.json {\"phase\":\"running\"}",
        "log profile=default prior_state=None action=registered prior_exit=unclean",
    ),
    Case(
        "any other phase is unknown",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":\"paused\"}",
        "log profile=a prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a lifecycle that cannot be read is unknown",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":",
        "log profile=a prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a lifecycle that is a list is unknown",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json [1]",
        "log profile=a prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a full boot log becomes .1",
        "options boot-log-size=10\ndir logs\nfile logs/container-boot.log XXXXXXXXXXXXXXXX",
        "has logs/container-boot.log.1 XXXX\nlacks logs/container-boot.log XXXX\nlog profile=default prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a small one is appended to",
        "dir logs\nfile logs/container-boot.log previous",
        "gone logs/container-boot.log.1\nhas logs/container-boot.log previous",
    ),
    Case(
        "an older .1 is replaced",
        "options boot-log-size=10\ndir logs\nfile logs/container-boot.log YYYYYYYYYYYYYYYY\nfile logs/container-boot.log.1 OLD",
        "has logs/container-boot.log.1 YYYY\nlacks logs/container-boot.log.1 OLD",
    ),
    Case(
        "a dry run says the same and touches nothing",
        "profile coder {\"gateway_state\":\"running\"}\nfile profiles/coder/gateway.pid 9\noptions --dry-run",
        "line reconcile: profile=coder prior_state=running action=started\nthere profiles/coder/gateway.pid\nabsent gateway-coder\ngone logs/container-boot.log",
    ),
    // a container whose command is the dashboard
    Case(
        "a dashboard container does nothing",
        "profile worker {\"gateway_state\":\"running\"}\nfile profiles/worker/gateway.pid 9\ncommand dashboard",
        "absent gateway-worker\nabsent gateway-default\nsays reconcile: skipped: the container's command is 'dashboard'\nthere profiles/worker/gateway.pid\ngone logs/container-boot.log",
    ),
    Case(
        "with options too",
        "profile worker {\"gateway_state\":\"running\"}\ncommand dashboard --host 127.0.0.1 --no-open",
        "absent gateway-worker",
    ),
    Case(
        "with hermes before it",
        "profile worker {\"gateway_state\":\"running\"}\ncommand hermes dashboard",
        "absent gateway-worker",
    ),
    Case(
        "under s6-overlay v3",
        "profile worker {\"gateway_state\":\"running\"}\ncommand-v3 dashboard --host 0.0.0.0 --port 9119 --no-open --insecure",
        "absent gateway-worker\nabsent gateway-default",
    ),
    Case(
        "a gateway container is none",
        "profile worker {\"gateway_state\":\"running\"}\ncommand gateway run",
        "up gateway-worker",
    ),
    Case(
        "nor is one whose profile is called so",
        "profile worker {\"gateway_state\":\"running\"}\ncommand gateway run -p dashboard",
        "up gateway-worker",
    ),
    Case(
        "nor is a chat",
        "profile worker {\"gateway_state\":\"running\"}\ncommand chat",
        "up gateway-worker",
    ),
    Case(
        "a variable of an old version does not skip",
        "profile worker {\"gateway_state\":\"running\"}\nenv HERMES_SKIP_PROFILE_RECONCILE=1\ncommand gateway run",
        "up gateway-worker",
    ),
    Case(
        "a process of hermes cannot claim to be the command",
        "profile worker {\"gateway_state\":\"running\"}\ncommand-of-hermes dashboard",
        "up gateway-worker",
    ),
    // multiplexing
    Case(
        "multiplexing by the file keeps named ones down",
        "profile coder {\"gateway_state\":\"running\"}\nroot {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true",
        "down gateway-coder\nup gateway-default\nline reconcile: profile=coder prior_state=running action=registered",
    ),
    Case(
        "also where it stands under gateway",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml gateway: {port: 1, multiplex_profiles: yes}",
        "down gateway-coder",
    ),
    Case(
        "the variable wins over the file: no",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true\nenv GATEWAY_MULTIPLEX_PROFILES=false",
        "up gateway-coder",
    ),
    Case(
        "the variable wins over the file: yes",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: false\nenv GATEWAY_MULTIPLEX_PROFILES=true",
        "down gateway-coder",
    ),
    Case(
        "an empty variable leaves it to the file",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true\nenv GATEWAY_MULTIPLEX_PROFILES=",
        "down gateway-coder",
    ),
    Case(
        "so does one that says neither",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true\nenv GATEWAY_MULTIPLEX_PROFILES=maybe",
        "down gateway-coder",
    ),
    Case(
        "a file that is not YAML leaves it to the variable",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml [: true\nenv GATEWAY_MULTIPLEX_PROFILES=true",
        "down gateway-coder",
    ),
    // containers from before there was a supervisor
    Case(
        "`gateway run` as the command seeds a state",
        "command gateway run",
        "up gateway-default\nline reconcile: profile=default prior_state=running action=started\nhas gateway_state.json \"gateway_state\":\"running\"\nhas gateway_state.json \"desired_state\":\"running\"\nhas gateway_state.json \"migrated_from\":\"legacy-container-cmd\"",
    ),
    Case("so does `hermes gateway run`", "command hermes gateway run", "up gateway-default"),
    Case("and under s6-overlay v3", "command-v3 gateway run", "up gateway-default"),
    Case(
        "--no-supervise does not",
        "command gateway run --no-supervise",
        "down gateway-default\ngone gateway_state.json",
    ),
    Case(
        "the variable does not",
        "command gateway run\nenv HERMES_GATEWAY_NO_SUPERVISE=1",
        "down gateway-default\ngone gateway_state.json",
    ),
    Case(
        "a state that is there is left alone",
        "root {\"gateway_state\":\"stopped\"}\ncommand gateway run",
        "down gateway-default\nlacks gateway_state.json migrated_from",
    ),
    Case(
        "a corrupt one too",
        "root {\ncommand gateway run",
        "down gateway-default\nlacks gateway_state.json migrated_from",
    ),
    Case(
        "another command does not",
        "command gateway status",
        "down gateway-default\ngone gateway_state.json",
    ),
    Case(
        "nor does it seed a profile",
        "profile coder\ncommand gateway run",
        "down gateway-coder\ngone profiles/coder/gateway_state.json",
    ),
    Case(
        "a dry run seeds nothing",
        "command gateway run\noptions --dry-run",
        "line reconcile: profile=default prior_state=running action=started\ngone gateway_state.json",
    ),
];

/// A volume, and what a case says of the run.
struct Boot {
    volume: Volume,
    variables: Vec<(String, String)>,
    options: Vec<String>,
    config: Option<(PathBuf, support::Scratch)>,
    /// How the container's command is found, and what it is.
    command: Option<(&'static str, String)>,
}

impl Boot {
    fn new(number: usize) -> Boot {
        let scratch = support::Scratch::of_root(&format!("hermes-boot-{number}"));
        fs::create_dir(scratch.join("scan")).expect("the scan directory");
        let volume = Volume { scratch };
        volume.make("");
        Boot { volume, variables: Vec::new(), options: Vec::new(), config: None, command: None }
    }

    fn give(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (first, text) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "profile" => {
                self.volume.make("profiles");
                match text {
                    "" => drop(self.volume.bare_profile(first)),
                    json => drop(self.volume.profile(first, json)),
                }
            }
            "root" => drop(self.volume.write("gateway_state.json", rest)),
            "file" => drop(self.volume.write(first, text)),
            "dir" => drop(self.volume.make(rest)),
            "scan-dir" => fs::create_dir(self.volume.scan(rest)).expect("a directory"),
            "env" => {
                let (name, value) = rest.split_once('=').expect("NAME=VALUE");
                self.variables.push((name.to_string(), value.to_string()));
            }
            "options" => match rest.split_once('=') {
                Some((key, value)) => {
                    let roots = support::Scratch::of_root("hermes-boot");
                    let config = roots.write("futo.toml", &format!("{key} = {value}\n"), 0o644);
                    self.config = Some((config, roots));
                }
                None => self.options.push(rest.to_string()),
            },
            "command" => self.command = Some(("/init", rest.to_string())),
            "command-v3" => {
                self.command = Some(("/bin/sh -e /run/s6/basedir/scripts/rc.init top", rest.to_string()))
            }
            "command-of-hermes" => self.command = Some(("hermes", rest.to_string())),
            "boot" => drop(self.run()),
            other => panic!("{other}"),
        }
    }

    fn futo(&self) -> Command {
        let mut options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let config = self.config.as_ref().map(|(config, _)| config.display().to_string());
        options.extend(config.iter().flat_map(|config| ["--config", config]));
        let mut command = self.volume.command(&options);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it; with a command as PID 1, or beside it, of a PID namespace of its own.
    fn run(&self) -> Ran {
        let ours = self.futo();
        let Some((before, words)) = &self.command else { return Ran::of(&finish(&mut self.futo())) };
        let quote = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().expect("UTF-8"));
        let line: Vec<String> = [ours.get_program()].into_iter().chain(ours.get_args()).map(quote).collect();
        let line = line.join(" ");
        let wrapper = format!("/opt/hermes/docker/main-wrapper.sh {words}");
        let script = match *before {
            "/init" => format!("set -- /opt/hermes/docker/main-wrapper.sh {words}; {line}; exit $?"),
            // a process that stays until the command has ended
            before => {
                let prefix = match before {
                    "hermes" => "setpriv --reuid=hermes --regid=hermes --init-groups sh",
                    _ => "sh",
                };
                format!(
                    "mkfifo \"$DONE\"; chmod 666 \"$DONE\"; {prefix} -c 'echo ready >\"$DONE\"; read x <\"$DONE\"; :' {before} {wrapper} & \
                     read x <\"$DONE\"; {line}; code=$?; echo >\"$DONE\"; wait; exit $code"
                )
            }
        };
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc", "sh", "-c", &script]);
        if *before == "/init" {
            command.args(["/init"]).args(wrapper.split(' '));
        }
        command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("DONE", self.volume.scratch.join("done"));
        Ran::of(&finish(&mut command))
    }

    /// What is not as expected.
    fn is(&self, ran: &Ran, line: &str) -> bool {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let (home, scan) = (|path: &str| self.volume.home(path), |path: &str| self.volume.scan(path));
        let is_there = |path: PathBuf| path.symlink_metadata().is_ok();
        let has = |path: PathBuf, text: &str| fs::read_to_string(path).is_ok_and(|all| all.contains(text));
        match word {
            "says" => ran.stdout == rest.replace("; ", "\n") + "\n",
            "line" => ran.stdout.lines().any(|line| line == rest),
            "log" => read(home("logs/container-boot.log"))
                .lines()
                .any(|line| line.split_once(' ').is_some_and(|(_, line)| line == rest)),
            // a dangling link is an absent file to s6
            "up" => is_there(scan(rest).join("run")) && !scan(rest).join("down").exists(),
            "down" => scan(rest).join("down").exists() && scan(rest).join("log/down").exists(),
            "absent" => !is_there(scan(rest)),
            "there" => is_there(home(rest)),
            "gone" => !is_there(home(rest)),
            "scan-gone" => !is_there(scan(rest)),
            "has" => has(home(path), text),
            "lacks" => !has(home(path), text),
            "scan-has" => has(scan(path), text),
            "scan-lacks" => is_there(scan(path)) && !has(scan(path), text),
            "mode" => rights(&scan(path)) == text,
            "stderr" => ran.stderr.contains(rest),
            "code" => ran.code.to_string() == rest,
            other => panic!("{other}"),
        }
    }
}

#[test]
fn boots_as_the_module_of_hermes_does() {
    needs!(root, "unshare", "setpriv");
    let mut wrong = Vec::new();
    for (number, Case(name, given, expected)) in CASES.iter().enumerate() {
        let mut boot = Boot::new(number);
        given.lines().for_each(|line| boot.give(line));
        let ran = boot.run();
        let code = if expected.contains("\ncode ") { None } else { Some("code 0") };
        for line in expected.lines().chain(code) {
            if !boot.is(&ran, line) {
                wrong.push(format!("{name}: {line}\n{}{}", ran.stdout, ran.stderr));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
    assert!(CASES.len() >= 56);
}
