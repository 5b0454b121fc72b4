//! What the boot module of hermes does at a container's start, as a table: name, given, expected. Written down from
//! its behaviour; `futo reconcile --preset hermes` is held to it. Deliberate differences are marked so.

mod cases;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cases::CASES;
use support::boot::{Ran, Volume};
use support::launching::finish;
use support::{needs, read, rights};

/// A behaviour. Each line of `given` and `expected` is one of the words that [`Boot`] knows.
struct Case(&'static str, &'static str, &'static str);

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
