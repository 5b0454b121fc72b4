//! `cargo run --example quickstart`: the main job, shown on a scratch service directory.
//!
//! A periodic worker is launched, breaks, rests, is fixed by an edit of its config.env, and is stopped.
//! As root with s6 installed it runs under a real s6-svscan; else the launcher is started as a
//! supervisor would. Leaves nothing behind, and exits with 1 if something did not happen as described.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use futo_launch::wait::Signals;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// println without a panic: a reader who closes the pipe must not prevent the cleanup.
macro_rules! say {
    ($($format:tt)*) => { writeln!(std::io::stdout(), $($format)*) };
}

const SERVICE: &str = "greeter";

const WORKER: &str = r#"#!/bin/sh
: "${GREETING:?is empty: write it into config.env}"
echo "$GREETING from uid $(id -u)"
"#;

fn main() -> ExitCode {
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "\nquickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show() -> Result<()> {
    let launcher = build_launcher()?;
    let mut stage = Stage::set_up(&launcher)?;

    say!("futo-launch on a scratch service directory, {}.", stage.in_words())?;
    stage.show_file("run")?;
    stage.show_file("greet")?;
    stage.show_file("config.env")?;

    chapter(1, "It starts, and runs again half a second after the end of each run")?;
    stage.start()?;
    stage.until("two runs succeed", |stage| stage.log().matches("Good morning from uid").count() >= 2)?;

    chapter(2, "config.env is broken: the worker fails, three times in a row, and the service rests")?;
    stage.write_config_env("GREETING=")?;
    stage.until("the record says that it rests", |stage| {
        stage.record("/resting/kind") == "max-failures" && stage.record("/consecutive_failures") == 3
    })?;
    say!("  The supervisor sees one quiet process, and starts nothing again and again.")?;

    chapter(3, "config.env is fixed: it restarts by itself, at once")?;
    stage.write_config_env("GREETING='Good evening'")?;
    stage.until("two runs succeed", |stage| stage.log().matches("Good evening from uid").count() >= 2)?;
    stage.until("the record says so", |stage| {
        stage.record("/resting").is_null() && stage.record("/last_status") == 0
    })?;

    chapter(4, "It is stopped")?;
    stage.stop()?;

    chapter(5, "What is left for people and programs")?;
    let record = stage.join(&format!("state/{SERVICE}.json"));
    say!("The log is what you saw. The run record:")?;
    let record: serde_json::Value = serde_json::from_str(&fs::read_to_string(record)?)?;
    for name in ["runs", "failures", "consecutive_failures", "last_start", "last_status", "last_errors"] {
        say!("  | {name:<21} {}", record.get(name).unwrap_or(&serde_json::Value::Null))?;
    }
    say!(
        "\nAll went as described; {} is removed now. README.md goes on from here. What a run\n\
         file would do, without doing it: futo explain DIRECTORY, or {} --explain …",
        stage.path.display(),
        launcher.display()
    )?;
    Ok(())
}

fn chapter(number: u32, title: &str) -> Result<()> {
    Ok(say!("\n{number}. {title}")?)
}

/// The launcher is beside this example: target/TRIPLE/PROFILE/futo-launch. `cargo run --example` does not build
/// it, so this does.
fn build_launcher() -> Result<PathBuf> {
    let example = std::env::current_exe()?;
    let profile = example.parent().and_then(Path::parent).ok_or("the example has no place")?;
    let launcher = profile.join("futo-launch");
    let release = profile.ends_with("release");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--bin", "futo-launch"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if release {
            build.arg("--release");
        }
        if !build.status()?.success() {
            return Err("futo-launch could not be built".into());
        }
    }
    if !launcher.is_file() {
        let flag = if release { " --release" } else { "" };
        return Err(format!("'{}' is not there: run cargo build{flag}", launcher.display()).into());
    }
    Ok(launcher)
}

/// Who acts as the supervisor.
enum Supervisor {
    /// A real s6-svscan.
    S6,
    /// This process, under the name of daemontools' supervisor; it restarts nothing.
    Pretended,
}

/// The scratch directory and what runs in it; dropping this removes both.
struct Stage {
    path: PathBuf,
    supervisor: Supervisor,
    /// The worker's user, if it is not the caller: uid and gid, and as `--user` takes it.
    user: Option<(u32, u32, String)>,
    search_path: String,
    child: Option<Child>,
    shown: usize,
    signals: Signals,
}

impl Stage {
    fn set_up(launcher: &Path) -> Result<Stage> {
        let is_root = nix::unistd::geteuid().is_root();
        let passwd = fs::read("/etc/passwd").unwrap_or_default();
        let user = is_root.then(|| match futo_launch::machine::accounts::user_by_name(&passwd, "abc") {
            Some(abc) => (abc.uid, abc.gid, abc.name),
            None => (65534, 65534, "65534:65534".to_string()),
        });
        let supervisor = if is_root && is_on_path("s6-svscan") && is_on_path("s6-svc") {
            Supervisor::S6
        } else {
            Supervisor::Pretended
        };
        let path = std::env::temp_dir().join(format!("futo-quickstart-{}", std::process::id()));
        let beside = launcher.parent().unwrap_or(Path::new(".")).display().to_string();
        let inherited = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_string());
        let stage = Stage {
            path,
            supervisor,
            user,
            search_path: format!("{beside}:{inherited}"),
            child: None,
            shown: 0,
            // so that an interrupt cleans up too
            signals: Signals::listen()?,
        };

        for directory in ["", "state", "scan", &format!("scan/{SERVICE}")] {
            let directory = stage.join(directory);
            fs::create_dir(&directory)?;
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        }
        if let Some((uid, gid, _)) = &stage.user {
            std::os::unix::fs::chown(stage.join("state"), Some(*uid), Some(*gid))?;
        }
        if let Supervisor::Pretended = stage.supervisor {
            fs::create_dir(stage.service("supervise"))?;
            fs::write("/proc/self/comm", "supervise")?;
        }
        let user = match &stage.user {
            Some((_, _, user)) if user != "abc" => format!("--user {user} "),
            _ => String::new(),
        };
        let state = stage.join("state");
        stage.write(
            "run",
            &format!(
                "#!/bin/sh\nexec futo-launch {user}--interval 0.5 --max-failures 3 --state-dir '{}' -- ./greet\n",
                state.display()
            ),
            0o755,
        )?;
        stage.write("greet", WORKER, 0o755)?;
        stage.write("config.env", "GREETING='Good morning'\n", 0o644)?;
        Ok(stage)
    }

    fn in_words(&self) -> String {
        let user = match &self.user {
            None => "as the user you are".to_string(),
            Some((_, _, user)) if user == "abc" => "dropping root to user abc".to_string(),
            Some((_, _, user)) => format!("dropping root to {user} (there is no user abc)"),
        };
        match (&self.supervisor, &self.user) {
            (Supervisor::S6, _) => format!("under a real s6-svscan, {user}"),
            (Supervisor::Pretended, None) => {
                format!(
                    "{user}, without a supervisor\n(as root, with s6 installed, it would be a real s6-svscan)"
                )
            }
            (Supervisor::Pretended, Some(_)) => {
                format!("{user}, without a supervisor\n(with s6 installed it would be a real s6-svscan)")
            }
        }
    }

    fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn service(&self, name: &str) -> PathBuf {
        self.path.join("scan").join(SERVICE).join(name)
    }

    /// Replaces a file of the service whole.
    fn write(&self, name: &str, text: &str, mode: u32) -> Result<()> {
        let part = self.service(&format!(".{name}.part"));
        fs::write(&part, text)?;
        fs::set_permissions(&part, fs::Permissions::from_mode(mode))?;
        Ok(fs::rename(part, self.service(name))?)
    }

    fn write_config_env(&self, line: &str) -> Result<()> {
        say!("  config.env: {line}")?;
        self.write("config.env", &format!("{line}\n"), 0o644)
    }

    fn show_file(&self, name: &str) -> Result<()> {
        say!("\n  {SERVICE}/{name}")?;
        for line in fs::read_to_string(self.service(name))?.lines() {
            say!("  | {line}")?;
        }
        Ok(())
    }

    fn start(&mut self) -> Result<()> {
        let mut command = match self.supervisor {
            Supervisor::S6 => {
                let mut svscan = Command::new("s6-svscan");
                svscan.arg(self.join("scan"));
                svscan
            }
            Supervisor::Pretended => {
                let mut run = Command::new("./run");
                run.arg(SERVICE).current_dir(self.service(""));
                run
            }
        };
        command
            .env("PATH", &self.search_path)
            // an interrupt at the terminal is for the example, which then ends this
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.join("stderr"))?);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        match self.supervisor {
            Supervisor::S6 => {
                say!("  s6-svc -d: TERM to the launcher, and s6 does not start it again")?;
                let directory = self.service("");
                let mut svc = Command::new("s6-svc");
                let down = svc.args(["-wD", "-T", "5000", "-d"]).arg(&directory).status()?;
                let svstat =
                    Command::new("s6-svstat").args(["-o", "up,exitcode"]).arg(&directory).output()?;
                let state = String::from_utf8_lossy(&svstat.stdout).trim().to_string();
                say!("  s6-svstat -o up,exitcode: {state}")?;
                if !down.success() || state != "false 0" {
                    return Err("the service did not stop with 0".into());
                }
            }
            Supervisor::Pretended => {
                let child = self.child.as_mut().ok_or("it was not started")?;
                kill(pid_of(child), Signal::SIGTERM)?;
                let status = wait_a_while(child).ok_or("the launcher did not end")?;
                let code = status.code().map_or("a signal".to_string(), |code| code.to_string());
                say!("  TERM; the launcher exited with {code}")?;
                if status.code() != Some(0) {
                    return Err("the launcher did not exit with 0".into());
                }
            }
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.join(&format!("state/{SERVICE}.log"))).unwrap_or_default()
    }

    /// A value of the run record, named by a JSON pointer.
    fn record(&self, pointer: &str) -> serde_json::Value {
        let text = fs::read_to_string(self.join(&format!("state/{SERVICE}.json"))).unwrap_or_default();
        let record: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        record.pointer(pointer).cloned().unwrap_or_default()
    }

    /// Shows the log as it grows until the condition holds, for ten seconds at most.
    fn until(&mut self, what: &str, condition: impl Fn(&Stage) -> bool) -> Result<()> {
        let start = Instant::now();
        loop {
            let holds = condition(self);
            self.show_log()?;
            if holds {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(10) {
                let stderr = fs::read_to_string(self.join("stderr")).unwrap_or_default();
                return Err(format!("it did not happen that {what}\n{stderr}").into());
            }
            let ends = |number: &i32| {
                let signal = Signal::try_from(*number);
                matches!(signal, Ok(Signal::SIGINT | Signal::SIGTERM | Signal::SIGQUIT))
            };
            if self.signals.pending().iter().any(ends) {
                return Err("interrupted".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn show_log(&mut self) -> Result<()> {
        let log = self.log();
        let new = log.get(self.shown..).unwrap_or_default();
        let whole_lines = new.rfind('\n').map_or(0, |newline| newline + 1);
        for line in new.get(..whole_lines).unwrap_or_default().lines() {
            say!("  | {line}")?;
        }
        self.shown += whole_lines;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take()
            && child.try_wait().ok().flatten().is_none()
        {
            // s6-svscan takes TERM as: bring everything down, then leave
            let _ = kill(pid_of(&child), Signal::SIGTERM);
            if wait_a_while(&mut child).is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// Five seconds at most.
fn wait_a_while(child: &mut Child) -> Option<std::process::ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

fn is_on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).is_file()))
}
