//! What root's commands for people do with definitions, processes and files of abc's: never with more rights than abc
//! has.

mod support;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::launching::{code, finish};
use support::{AS_ABC, Scratch, eventually, needs, own_by_abc, printed, set_mode, stderr, stdout, write};

/// What only root may read.
const SECRET: &str = "hunter2";

/// Definitions that abc can write, and secrets of root's.
struct Scene {
    scratch: Scratch,
    definitions: PathBuf,
    secrets: PathBuf,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let scratch = Scratch::of_root(name);
        let definitions = scratch.directory_of_abc("definitions");
        fs::create_dir(scratch.join("scan")).expect("a directory");
        let secrets = scratch.join("secrets");
        fs::create_dir(&secrets).expect("a directory");
        set_mode(&secrets, 0o700);
        Scene { definitions, secrets, scratch }
    }

    fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.secrets.join(name);
        write(&path, text, 0o600);
        path
    }

    /// A definition of abc's; `LAUNCHER` in it is the launcher.
    fn define(&self, name: &str, run: &str) -> PathBuf {
        let directory = self.definitions.join(name);
        fs::create_dir_all(&directory).expect("a directory");
        own_by_abc(&directory);
        let run = run.replace("LAUNCHER", &self.scratch.launcher().display().to_string());
        let path = directory.join("run");
        write(&path, &run, 0o755);
        own_by_abc(&path);
        directory
    }

    fn futo(&self, words: &[&str]) -> Output {
        self.futo_in(Path::new("/"), words)
    }

    fn futo_in(&self, directory: &Path, words: &[&str]) -> Output {
        let mut command = Command::new(self.scratch.futo());
        command.args(words).arg("--from").arg(&self.definitions);
        command.arg("--scan-dir").arg(self.scratch.join("scan")).current_dir(directory);
        finish(&mut command)
    }

    /// All that a command says of a service.
    fn said(&self, words: &[&str]) -> String {
        printed(&self.futo(words))
    }
}

/// The two forms of a run script with these options.
fn forms(option: &str, key: &str, program: &str) -> [(&'static str, String); 2] {
    [
        ("line", format!("#!/bin/sh\nexec LAUNCHER {option} -- {program}\n")),
        ("file", format!("#!LAUNCHER --file\n{key}\nexec = [\"{program}\"]\n")),
    ]
}

#[test]
fn no_command_gives_a_definition_more_rights_than_sync() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-rights");
    let made = scene.scratch.join("made-by-root");
    let worker = scene.scratch.write("worker", &format!("#!/bin/sh\nid -u > {}\n", made.display()), 0o755);
    let worker = worker.to_str().expect("text");
    for (option, key, what) in [
        ("--user root", "user = \"root\"", "user may be abc only"),
        ("--user 0:0", "user = \"0:0\"", "user may be abc only"),
        ("--user root --user abc", "user = \"root\"", "user may be abc only"),
        ("--user abc:root", "user = \"abc:root\"", "user may be abc only"),
        ("--groups root", "groups = \"root\"", "groups"),
        ("--nice -5", "nice = -5", "nice below 0"),
        ("--container-env /root", "container-env = \"/root\"", "container-env other than none"),
    ] {
        for (form, run) in forms(option, key, worker) {
            let directory = scene.define("x", &run);
            let refusal = format!(
                "{}/run: {what}: not allowed in a file that others than root can write",
                directory.display()
            );
            let hint = "hint: leave the option out: it runs as abc; root's own definitions may say more";
            for words in [&["sync", "--dry-run"][..], &["try", "x"], &["explain", "x"], &["check", "x"]] {
                let said = scene.said(words);
                assert!(said.contains(&refusal) && said.contains(hint), "{option} {form} {words:?}: {said}");
            }
            assert_eq!(code(&scene.futo(&["try", "x"])), 100, "{option} {form}");
            assert!(!made.exists(), "{option} {form}: it ran");
            // with the rights that are left it is explained
            let said = scene.said(&["explain", "x"]);
            assert!(!said.contains("uid 0"), "{option} {form}: {said}");
        }
    }
    // what abc may
    scene.define("x", "#!/bin/sh\nexec LAUNCHER --user abc -- id -u\n");
    let output = scene.futo(&["try", "x"]);
    assert_eq!((code(&output), stdout(&output).trim()), (0, "911"), "{}", stderr(&output));
}

#[test]
fn what_others_can_write_is_neither_tried_nor_explained() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-others");
    let directory = scene.define("x", "#!/bin/sh\nexec LAUNCHER -- id -u\n");
    set_mode(directory.join("run"), 0o757);
    let refusal = format!("'{}/run' is writable by everybody", directory.display());
    for words in [&["sync", "--dry-run"][..], &["try", "x"], &["explain", "x"], &["check", "x"]] {
        let said = scene.said(words);
        assert!(said.contains(&refusal) && said.contains("chmod o-w"), "{words:?}: {said}");
    }
    assert_eq!(code(&scene.futo(&["try", "x"])), 100);
    // a link of an older hook counts as what it leads to
    std::os::unix::fs::symlink(&directory, scene.scratch.join("scan/linked")).expect("a link");
    let said = scene.said(&["try", "linked"]);
    assert!(said.contains("is writable by everybody"), "{said}");
}

#[test]
fn an_older_hooks_link_into_the_volume_gives_no_rights() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-link");
    let directory = scene.define("hidden/x", "#!/bin/sh\nexec LAUNCHER --user root -- id -u\n");
    std::os::unix::fs::symlink(&directory, scene.scratch.join("scan/linked")).expect("a link");
    let output = scene.futo(&["try", "linked"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (100, ""), "{}", stderr(&output));
    assert!(stderr(&output).contains("user may be abc only"), "{}", stderr(&output));
}

#[test]
fn no_file_of_roots_is_shown_because_a_definition_names_it() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-names");
    let log = scene.secret("log", &format!("line {SECRET}\n"));
    scene.secret("x.json", &format!("{{\"version\": \"{SECRET}\"}}"));
    let settings = scene.secret("settings", &format!("{SECRET} = 1\nexec = [\"true\"]\n"));
    let value = scene.secret("value", &format!("{SECRET}\n"));
    let variables = scene.secrets.join("variables");
    fs::create_dir(&variables).expect("a directory");
    write(&variables.join("TOKEN"), SECRET, 0o600);
    let secrets = scene.secrets.display();
    for options in [
        format!("--log {}", log.display()),
        format!("--user root --log {}", log.display()),
        format!("--user nosuch --log {}", log.display()),
        format!("--state-dir {secrets} --interval 1h"),
        format!("--user root --state-dir {secrets} --interval 1h"),
        format!("--env FILE__X={}", value.display()),
        format!("--user root --env FILE__X={}", value.display()),
        format!("--container-env {}", variables.display()),
        format!("--user root --env-dir {}", variables.display()),
        format!("--user root --env-file {}", settings.display()),
        "--log /proc/self/environ".to_string(),
        "--log /proc/1/environ".to_string(),
        "--user root --log /proc/self/environ".to_string(),
    ] {
        let directory = scene.define("x", &format!("#!/bin/sh\nexec LAUNCHER {options} -- true\n"));
        // published by an older hook, and by futo sync
        let live = scene.scratch.join("scan/x");
        std::os::unix::fs::symlink(&directory, &live).expect("a link");
        let look = |what: &str| {
            for words in [
                &["status"][..],
                &["status", "--json"],
                &["status", "--prometheus"],
                &["health"],
                &["logs", "x"],
                &["check", "x"],
                &["check", "--json", "x"],
                &["explain", "x", "--show-values"],
                &["explain", "x", "--json", "--show-values"],
                &["try", "x"],
            ] {
                let mut command = Command::new(scene.scratch.futo());
                command
                    .args(words)
                    .args(["--from", "/nonexistent", "--scan-dir"])
                    .arg(scene.scratch.join("scan"));
                // its own variables are shown to whoever asks for them
                if words[0] != "explain" {
                    command.env("ROOTS_VARIABLE", SECRET);
                }
                let output = finish(&mut command);
                let said = format!("{}{}", stdout(&output), stderr(&output));
                assert!(!said.contains(SECRET), "{options} {words:?} {what}: {said}");
            }
        };
        look("linked");
        fs::remove_file(&live).expect("removed");
        scene.futo(&["sync", "--no-start"]);
        if live.exists() {
            look("published");
            fs::remove_dir_all(&live).expect("removed");
        }
    }
    // in both forms, and a message quotes no key of a file that abc cannot read
    for (form, run) in [
        ("line", format!("#!/bin/sh\nexec LAUNCHER --file {}\n", settings.display())),
        ("toml", format!("#!LAUNCHER --file\nlog = \"{}\"\nexec = ['true']\n", log.display())),
    ] {
        scene.define("x", &run);
        for words in
            [&["status"][..], &["health"], &["check", "x"], &["explain", "x"], &["try", "x"], &["logs", "x"]]
        {
            let said = scene.said(words);
            assert!(!said.contains(SECRET), "{form} {words:?}: {said}");
        }
    }
}

#[test]
fn a_process_of_abcs_that_calls_itself_the_launcher_shows_nothing_of_roots() {
    needs!(root, "s6-svscan", "setpriv");
    let scene = Scene::new("trust-process");
    let log = scene.secret("log", &format!("line {SECRET}\n"));
    scene.secret("x.json", &format!("{{\"version\": \"{SECRET}\"}}"));
    let settings = scene.secret("settings", &format!("{SECRET} = 1\nlog = \"{}\"\n", log.display()));
    let svscan = support::Svscan::start("trust-process");
    for (number, words) in [
        format!("--user root --groups root --log {} --interval 1h -- true", log.display()),
        format!("--user root --state-dir {} --interval 1h -- true", scene.secrets.display()),
        format!("--file {}", settings.display()),
        format!("--groups root,shadow --log {} --interval 1h -- true", log.display()),
        format!("--log {} --interval 1h -- true", log.display()),
        format!("--state-dir {} --interval 1h -- true", scene.secrets.display()),
        "--user root --log /proc/self/environ -- true".to_string(),
        "--log /proc/self/environ --interval 1h -- true".to_string(),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("fake{number}");
        // abc executes the launcher itself, with words that only root could follow
        let run = format!(
            "#!/bin/sh\nexec setpriv --reuid=911 --regid=911 --clear-groups {} {words}\n",
            scene.scratch.launcher().display()
        );
        svscan.add(&name, &[("run", &run)]);
        let live = svscan.directory(&name);
        let look = |words: &[&str]| {
            let mut command = Command::new(scene.scratch.futo());
            command
                .args(words)
                .args(["--from", "/nonexistent", "--scan-dir"])
                .arg(svscan.scratch.join("scan"));
            command.env("ROOTS_VARIABLE", SECRET);
            let output = finish(&mut command);
            format!("{}{}", stdout(&output), stderr(&output))
        };
        eventually("it is up", || look(&["status"]).contains(&name).then_some(()));
        for words in [
            &["status"][..],
            &["status", "--json"],
            &["health"],
            &["logs", name.as_str()],
            &["check", name.as_str()],
        ] {
            let said = look(words);
            assert!(!said.contains(SECRET), "{words:?} {}: {said}", live.display());
        }
    }
}

#[test]
fn a_relative_state_directory_counts_from_the_service_wherever_one_asks() {
    needs!(root, "s6-svscan");
    let svscan = support::Svscan::start("trust-relative");
    svscan.add_launch("relative", "--state-dir state --log - --interval 1h -- false", &[]);
    let state = svscan.directory("relative").join("state");
    fs::create_dir_all(&state).expect("a directory");
    own_by_abc(&state);
    let health = |directory: &str| {
        let mut command = Command::new(svscan.scratch.futo());
        command.args(["health", "--from", "/nonexistent", "--scan-dir"]).arg(svscan.scratch.join("scan"));
        finish(command.current_dir(directory))
    };
    eventually("it fails, from any directory", || {
        let all = ["/", "/tmp"].map(health);
        all.iter().all(|output| code(output) == 1 && stdout(output).contains("failing")).then_some(())
    });
}

#[test]
fn check_opens_no_device_and_stays_root_for_nobody() {
    needs!(root, "strace");
    let scene = Scene::new("trust-devices");
    let device = scene.secrets.join("device");
    nix::sys::stat::mknod(
        &device,
        nix::sys::stat::SFlag::S_IFCHR,
        nix::sys::stat::Mode::from_bits_truncate(0o666),
        nix::sys::stat::makedev(1, 3),
    )
    .expect("a device");
    let trace = scene.scratch.join("trace");
    for user in ["--user root", "--user nosuch", ""] {
        let run = format!("#!/bin/sh\nexec LAUNCHER {user} --log {} -- true\n", device.display());
        scene.define("x", &run);
        // root's own
        let own = scene.scratch.join("own/y");
        fs::create_dir_all(&own).expect("a directory");
        let run = run.replace("LAUNCHER", &scene.scratch.launcher().display().to_string());
        write(&own.join("run"), &run, 0o755);
        for target in ["x", own.to_str().expect("text")] {
            for words in [vec!["check", target], vec!["logs", target], vec!["status"]] {
                let mut command = Command::new("strace");
                command
                    .args(["-f", "-e", "trace=open,openat,openat2", "-o"])
                    .arg(&trace)
                    .arg(scene.scratch.futo());
                command.args(&words).arg("--from").arg(&scene.definitions).arg("--scan-dir");
                command.arg(scene.scratch.join("scan")).stdin(Stdio::null());
                finish(&mut command);
                let trace = support::read(&trace);
                let opened: Vec<&str> = trace
                    .lines()
                    .filter(|line| line.contains("/device\"") && !line.contains("O_PATH"))
                    .collect();
                assert_eq!(opened, Vec::<&str>::new(), "{user} {words:?}");
            }
        }
    }
}

#[test]
fn directory_and_run_script_are_one_for_try() {
    needs!(root, "setpriv");
    // a directory that abc exchanges again and again while root tries it
    let scene = Scene::new("trust-exchange");
    let one = scene.define("x", "#!/bin/sh\nexec LAUNCHER -- cat mark\n");
    let other = scene.define("y", "#!/bin/sh\nexec LAUNCHER -- echo other\n");
    for (directory, text) in [(&one, "one\n"), (&other, "two\n")] {
        write(&directory.join("mark"), text, 0o644);
    }
    let exchange = format!(
        "import ctypes, sys\nlibc = ctypes.CDLL(None, use_errno=True)\nwhile True:\n    libc.renameat2(-100, b'{}', -100, b'{}', 2)\n",
        one.display(),
        other.display()
    );
    let mut command = Command::new(AS_ABC[0]);
    let mut swapping =
        command.args(&AS_ABC[1..]).args(["python3", "-c", &exchange]).spawn().expect("python3 starts");
    for _ in 0..40 {
        let output = scene.futo(&["try", "x"]);
        let said = stdout(&output);
        assert!(["one\n", "other\n"].contains(&said.as_str()), "{said}{}", stderr(&output));
    }
    swapping.kill().expect("ended");
    swapping.wait().expect("waited for");
}

#[test]
fn no_name_makes_a_remedy_do_more_than_it_says() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-remedies");
    let place = scene.scratch.join("place");
    let empty = scene.scratch.join("empty");
    for directory in [&place, &empty] {
        fs::create_dir(directory).expect("a directory");
    }
    for (number, name) in [
        "x;>mark",
        "x&&>mark",
        "$(>mark)",
        "`>mark`",
        "x'>mark'",
        "'>mark;'",
        "\">mark;\"",
        "x|>mark",
        "-x",
        "--help;>mark",
        "a b",
        "~",
        "*",
        "#x",
        "x\\;>mark",
        "x >mark",
    ]
    .into_iter()
    .enumerate()
    {
        let log = scene.definitions.join(name).join("log");
        let definitions = [
            "exec LAUNCHER -- true\n".to_string(),
            "#!/bin/sh\r\nexec LAUNCHER -- true\r\n".to_string(),
            "#!/bin/sh\nexec LAUNCHER --user root -- true\n".to_string(),
            format!("#!/bin/sh\nexec LAUNCHER --log \"{}/log\" -- sh \"{}\"\n", log.display(), log.display()),
            "#!/bin/sh\nwhile true; do id; sleep 60; done\n".to_string(),
        ];
        for run in definitions {
            let directory = scene.define(name, &run);
            // not executable, and root has left something there
            set_mode(directory.join("run"), 0o644);
            fs::create_dir_all(&log).expect("a directory");
            for words in [
                &["check"][..],
                &["status"],
                &["health"],
                &["sync"],
                &["try", "--", name],
                &["explain", "--", name],
                &["disable", "--", name],
                &["enable", "--", name],
                &["logs", "--", name],
                &["start", "--", name],
            ] {
                let said = scene.said(words);
                for line in said.lines() {
                    let Some((_, hint)) = line.split_once("hint: ").or_else(|| line.split_once("; ")) else {
                        continue;
                    };
                    let hint = hint.trim_start_matches("as uid 911: ");
                    let mut shell = Command::new("/bin/sh");
                    shell.args(["-c", hint]).env_clear().env("PATH", &empty).current_dir(&place);
                    finish(&mut shell);
                    let made: Vec<_> = fs::read_dir(&place).expect("a directory").collect();
                    assert!(made.is_empty(), "{number} {name} {words:?}: {hint}");
                }
            }
            fs::remove_dir_all(&directory).expect("removed");
        }
    }
}

/// A process of abc's that does something to every process of abc's whose words have `mark`.
struct Watcher(std::process::Child);

impl Watcher {
    const SCRIPT: &str = r#"
import ctypes, os, signal, sys
what, mark, out = sys.argv[1:]
libc, own, seen = ctypes.CDLL(None), os.getpid(), set()
print("ready", flush=True)
while True:
    for pid in [int(each) for each in os.listdir("/proc") if each.isdigit()]:
        try:
            words = open("/proc/%d/cmdline" % pid, "rb").read()
            if pid == own or mark.encode() not in words or b"abcs-watcher" in words:
                continue
            if what == "stop":
                os.kill(pid, signal.SIGSTOP)
            elif pid not in seen:
                pidfd = os.pidfd_open(pid)
                pipe = libc.syscall(438, pidfd, 1, 0)
                if pipe >= 0:
                    seen.add(pid)
                    if os.fork() == 0:
                        while True:
                            os.write(pipe, b"x" * 65536)
            with open(out, "ab") as file:
                file.write(open("/proc/%d/environ" % pid, "rb").read())
        except OSError:
            pass
"#;

    fn start(what: &str, mark: &str, out: &Path) -> Watcher {
        let mut command = Command::new(AS_ABC[0]);
        command.args(&AS_ABC[1..]).args([
            "python3",
            "-c",
            &format!("# abcs-watcher\n{}", Self::SCRIPT),
            what,
            mark,
        ]);
        let mut child =
            command.arg(out).stdout(Stdio::piped()).process_group(0).spawn().expect("python3 starts");
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut ready).expect("it is ready");
        Watcher(child)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let group = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

#[test]
fn no_command_of_roots_is_stopped_by_abc() {
    needs!(root, "python3");
    let scene = Scene::new("trust-stopped");
    let out = scene.scratch.directory_of_abc("out").join("seen");
    scene.define("x", "#!/bin/sh\nexec LAUNCHER -- true\n");
    let _watcher = Watcher::start("stop", scene.scratch.futo().to_str().expect("text"), &out);
    for number in 0..15 {
        let new = format!("new{number}");
        for words in
            [&["check", "x"][..], &["disable", "x"], &["enable", "x"], &["new", &new, "--template", "shell"]]
        {
            // within the bound of every test
            let said = scene.said(words);
            assert!(!said.is_empty(), "{words:?}");
        }
    }
    assert_eq!(support::read(&out), "");
}

#[test]
fn bash_that_abc_stops_or_floods_keeps_nobody_waiting_and_knows_nothing_of_roots() {
    needs!(root, "python3", "bash");
    let scene = Scene::new("trust-compare");
    let directory = scene.scratch.directory_of_abc("files");
    let file = directory.join("many.env");
    // enough that bash is there for a while
    let text: String = (0..4000).map(|number| format!("V{number}='{}'\n", "x".repeat(60))).collect();
    write(&file, &text, 0o600);
    own_by_abc(&file);
    for what in ["stop", "fill"] {
        let out = directory.join(what);
        let watcher = Watcher::start(what, "__futo", &out);
        let mut is_met = false;
        for _ in 0..10 {
            let mut command = Command::new(scene.scratch.futo());
            command.args(["check", "--compare"]).arg(&file).env("ROOTS_VARIABLE", SECRET);
            let output = finish(&mut command);
            let said = stdout(&output);
            is_met = said.contains("bash does not end within 10 s")
                || said.contains("bash writes more than 16 MiB");
            assert!(is_met || [0, 1].contains(&code(&output)), "{said}");
            if is_met {
                break;
            }
        }
        drop(watcher);
        let seen = support::read(&out);
        assert!(!seen.contains(SECRET), "{seen}");
        // where the kernel lets nobody take a descriptor, there is nothing to meet
        assert!(is_met || what == "fill", "{what}");
    }
    // a file that abc cannot read is not shown to bash as abc
    let of_root = directory.join("root.env");
    write(&of_root, &format!("TOKEN={SECRET}\n"), 0o600);
    let mut command = Command::new(scene.scratch.futo());
    let output = finish(command.args(["check", "--compare"]).arg(&of_root));
    assert!(stdout(&output).contains("permission denied"), "{}", stdout(&output));
}

#[test]
fn large_run_scripts_in_many_directories_cost_little_memory() {
    needs!(root);
    let scene = Scene::new("trust-large");
    let start = "#!/bin/sh\nexec LAUNCHER --interval 1h --";
    let words = " a".repeat((60 << 10) / 2);
    let first = scene.define("x0", &format!("{start}{words}\n"));
    for number in 1..120 {
        let directory = scene.definitions.join(format!("x{number}"));
        fs::create_dir(&directory).expect("a directory");
        own_by_abc(&directory);
        fs::hard_link(first.join("run"), directory.join("run")).expect("a name");
    }
    let huge = scene.define("y", &format!("{start}{}\n", " a".repeat(512 << 10)));
    for words in ["status", "health", "check"] {
        let line = format!(
            "ulimit -v 100000; exec {} {words} --from {} --scan-dir {}",
            scene.scratch.futo().display(),
            scene.definitions.display(),
            scene.scratch.join("scan").display()
        );
        let mut command = Command::new("sh");
        let output = command.args(["-c", &line]).output().expect("it runs");
        assert_eq!(code(&output), if words == "status" { 0 } else { 1 }, "{words}: {}", stderr(&output));
        assert!(stdout(&output).contains("x119"), "{words}");
    }
    let said = scene.said(&["try", "y"]);
    assert!(
        said.contains(&format!("unable to read '{}/run': it is longer than 65536 bytes", huge.display())),
        "{said}"
    );
}

#[test]
fn no_hidden_character_of_abcs_is_in_tables_json_or_metrics() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-hidden");
    let names =
        ["a\u{202e}b", "a\u{61c}b", "a\u{200b}b", "a\u{2066}b", "x up 1s 0", "a\u{2028}b", "a\u{ad}b"];
    for name in names {
        scene.define(name, &format!("#!/bin/sh\nexec LAUNCHER --state-dir '/run/{name}' -- true\n"));
    }
    let is_hidden = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["status", "--prometheus"],
        &["health"],
        &["check"],
        &["check", "--json"],
    ] {
        let said = scene.said(words);
        assert!(!said.contains(is_hidden), "{words:?}: {said:?}");
    }
    let table = stdout(&scene.futo(&["status"]));
    assert!(table.contains("x\\u{20}up\\u{20}1s\\u{20}0 "), "{table}");
    let json: serde_json::Value =
        serde_json::from_slice(&scene.futo(&["status", "--json"]).stdout).expect("JSON");
    let shown: Vec<&str> = json["services"]
        .as_array()
        .expect("services")
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert!(names.iter().all(|name| shown.contains(name)), "{shown:?}");
}
