//! The launcher while it is root and after: what it touches, waits for, prints and shows.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;

use crate::support::launching::{code, command, finish};
use crate::support::{
    self, ABC, AS_ABC, EndedBy, eventually_contains, needs, own_by_abc, path_str, read, said, set_mode,
    stderr, stdout, touching,
};
use crate::{Scene, resting, stop};

/// Somebody who swaps a path between two things for as long as this lives.
fn swapper(directory: &Path, one: &str, other: &str) -> EndedBy {
    let script = "import os, sys\nos.chdir(sys.argv[1])\na, b = sys.argv[2:]\nprint('ready', flush=True)\n\
                  while True:\n os.rename(a, 'spare'); os.rename(b, a); os.rename('spare', b)\n";
    let mut child = command(&[&AS_ABC[..], &["python3", "-c", script]].concat(), Path::new("/"))
        .arg(directory)
        .args([one, other])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut ready = [0; 6];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut ready).expect("it is ready");
    EndedBy(Signal::SIGKILL, child)
}

#[test]
fn paths_swapped_while_the_launcher_walks_them_lead_nowhere_else() {
    needs!(root, "strace", "setpriv", "python3");
    for (place, target) in [("log", "victims/victim"), ("directory", "elsewhere")] {
        let scene = Scene::new("attack-swap");
        scene.make_state();
        let (directory, name) = match place {
            "log" => {
                fs::write(scene.log(), "").expect("a log");
                own_by_abc(&scene.log());
                (scene.state(), "attack-swap.log")
            }
            _ => (scene.home.join(".local"), "state"),
        };
        symlink(scene.scratch.join(target), directory.join("planted")).expect("a link");
        own_by_abc(&directory.join("planted"));
        let swapper = swapper(&directory, name, "planted");
        for _ in 0..60 {
            let output = scene.run(&["--once"], &["echo", "worker ran"]);
            assert_eq!(code(&output), 0, "{}", said(&output));
        }
        drop(swapper);
        scene.assert_untouched(place);
    }
}

#[test]
fn root_touches_nothing_before_the_drop() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-trace");
    let service = scene.scratch.service_of_abc("attack-traced");
    scene.scratch.write("attack-traced/config.env", "A=1\n", 0o644);
    let file = scene.scratch.write("attack-traced/settings", "exec = [\"true\"]\nnice = 5\n", 0o644);
    own_by_abc(&file);
    let log = scene.home.join("deep/own.log");
    let trace = scene.scratch.join("trace");
    for (words, opened) in [
        (vec!["true"], vec![]),
        (vec!["--once", "true"], vec![]),
        (vec!["--interval", "1s", "--max-failures", "1", "false"], vec![]),
        (
            vec!["--ulimit", "nofile=100", "--nice", "1", "--umask", "0", "--log", path_str(&log), "true"],
            vec![],
        ),
        (vec!["--file", "settings"], vec!["settings"]),
        (vec!["--file", path_str(&file), "--once"], vec!["settings"]),
        (vec!["nosuchprogram"], vec![]),
    ] {
        let mut all = vec!["strace", "-f", "-o", path_str(&trace)];
        let launcher = scene.scratch.launcher();
        all.extend([path_str(&launcher), "--home", path_str(&scene.home)]);
        all.extend(&words);
        finish(&mut command(&all, &service));
        let trace = read(&trace);
        let drop = trace.lines().position(|line| line.contains("setresuid(911, 911, 911)"));
        let drop = drop.unwrap_or_else(|| panic!("no drop: {trace}"));
        let as_root = trace.lines().take(drop).collect::<Vec<_>>().join("\n");
        let as_user = trace.lines().skip(drop).collect::<Vec<_>>().join("\n");
        assert_eq!(touching(&as_root), Vec::<&str>::new(), "{words:?}");
        assert_ne!(touching(&as_user).len(), 0, "{words:?}: the log is made as the user");
        // what root opens for reading, beside the places that it only looks at
        let read_by_root: Vec<&str> = as_root
            .lines()
            // /proc is the kernel's: there a loop looks for its supervisor
            // what is read after a look at it is opened by its number
            .filter(|line| line.contains("open") && !line.contains("\"/proc/"))
            .filter(|line| !line.contains("O_PATH") || line.contains("settings\""))
            .filter_map(|line| Path::new(line.split('"').nth(1)?).file_name()?.to_str())
            .collect();
        let expected: Vec<&str> = opened.iter().copied().chain(["passwd", "group"]).collect();
        assert_eq!(read_by_root, expected, "{words:?}");
    }
}

#[test]
fn a_launch_that_is_refused_under_a_supervisor_writes_nothing_as_another_than_abc() {
    needs!(root, "strace", "setpriv", "python3");
    for settings in [
        "user = \"root\"",
        "user = \"games\"",
        "user = \"nosuch\"",
        "user = \"12345\"",
        "user = \"0\"\nnice = -1",
        "groups = \"root\"",
        "intervall = 5",
        "user = \"root\"\nno toml",
    ] {
        let scene = Scene::new("attack-refused");
        let service = scene.scratch.service_of_abc("attack-refusal");
        // where abc may not write, and root may
        let roots = scene.scratch.join("roots");
        fs::create_dir(&roots).expect("a directory");
        let games = scene.scratch.join("games");
        fs::create_dir(&games).expect("a directory");
        std::os::unix::fs::chown(&games, Some(5), Some(60)).expect("chown");
        for directory in [&roots, &games] {
            for (key, log) in [("log", "log"), ("state-dir", "")] {
                let content =
                    format!("exec = [\"true\"]\n{key} = \"{}\"\n{settings}\n", directory.join(log).display());
                let run = scene.scratch.write("attack-refusal/run", &content, 0o755);
                own_by_abc(&run);
                let (child, said) = resting(&scene, &service, &["--file", "./run", "attack-refusal"]);
                eventually_contains(&said, "resting until run or /etc/passwd changes");
                let uids = read(format!("/proc/{}/status", scene.scratch.supervised_pid()));
                stop(&scene, child);
                for place in [&roots, &games] {
                    let made: Vec<_> = fs::read_dir(place).expect("it").collect();
                    assert_eq!(made.len(), 0, "{settings} {key}: {}: {uids}", read(&said));
                }
            }
        }
        // and nothing of root's lies in abc's home
        for entry in walk(&scene.home) {
            assert_eq!(
                fs::symlink_metadata(&entry).expect("it").uid(),
                ABC,
                "{settings}: {}",
                entry.display()
            );
        }
    }
}

#[test]
fn root_without_a_user_to_become_leaves_nothing_in_anybodys_home() {
    needs!(root, "strace", "setpriv", "python3");
    for words in [["--user", "nosuch", "true"], ["--user", "12345", "true"], ["--user", "root", "--nosuch"]] {
        let scene = Scene::new("attack-nobody");
        // its variables are abc's, and root does not read them
        nix::unistd::mkfifo(&scene.service.join("config.env"), Mode::from_bits_truncate(0o666))
            .expect("a FIFO");
        let (child, said) = resting(&scene, &scene.service, &words);
        eventually_contains(&said, "resting until run or /etc/passwd changes");
        stop(&scene, child);
        assert_eq!(walk(&scene.home), Vec::<PathBuf>::new(), "{words:?}");
    }
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(walk(&path));
        }
        found.push(path);
    }
    found
}

#[test]
fn names_cannot_forge_a_line() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-forge");
    let forged = "\n2026-01-01T00:00:00Z other: info: forged\u{1b}[2J\r\u{85}";
    let name = format!("x{forged}");
    let service = scene.scratch.service(&name);
    let is_ours = |line: &str| {
        (line.starts_with("TIME ") || line.starts_with("futo-launch: "))
            && !line.chars().any(char::is_control)
    };
    let words: [&[&str]; 10] = [
        &["true"],
        &["--name", &name, "true"],
        &["--file", &name],
        &["--name", "attack-forge", "--env-file", &name, "true"],
        &["--name", "attack-forge", "--chdir", &name, "true"],
        &["--name", "attack-forge", &name],
        &["--name", "attack-forge", "--env", &format!("PATH={forged}"), "nosuch"],
        &["--name", "attack-forge", "--user", &name, "true"],
        &["--name", "attack-forge", &format!("--{name}"), "true"],
        &["--name", "attack-forge", "--log", &format!("{}/{name}/log", scene.elsewhere.display()), "nosuch"],
    ];
    set_mode(&scene.elsewhere, 0o755);
    for words in words {
        for mode in [[].as_slice(), &["--interval", "1s", "--max-failures", "1"]] {
            let mut command = scene.scratch.launch(&service, &["--home", path_str(&scene.home)]);
            let output = finish(command.args(mode).args(words));
            assert_ne!(code(&output), 0, "{words:?}");
            assert!(
                said(&output).lines().count() > 0 && said(&output).lines().all(is_ours),
                "{words:?}: {}",
                said(&output)
            );
            let log = support::without_times(&read(scene.log()));
            assert!(log.lines().all(is_ours), "{words:?}: {log}");
        }
        let mut command = scene.scratch.launch(&service, &["--explain"]);
        let page = stdout(&finish(command.args(words)));
        assert!(!page.contains("\n2026-01-01"), "{words:?}: {page}");
        assert!(!page.contains(['\u{1b}', '\r', '\u{85}']), "{words:?}: {page}");
    }
    // keys of a file, and what a config.env says of itself
    scene.scratch.write("forged", "exec = [\"true\"]\n\"x\\n2026 other: info: forged\" = 1\n", 0o644);
    let output = finish(&mut scene.scratch.launch(&scene.scratch.path, &["--file", "forged"]));
    assert!(said(&output).lines().all(is_ours), "{}", said(&output));
}

/// Somebody who holds a lease on a file: opening it then waits for him, unless one does not want to.
#[test]
fn a_lease_on_a_file_keeps_nobody_waiting() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-lease");
    scene.make_state();
    let settings = scene.scratch.write("attack-lease/settings", "exec = [\"true\"]\n", 0o644);
    let config_env = scene.scratch.write("attack-lease/config.env", "A=1\n", 0o644);
    fs::write(scene.log(), "").expect("a log");
    fs::write(scene.record(), "{}").expect("a record");
    let leased = [settings, config_env.clone(), scene.log(), scene.record()];
    leased.iter().for_each(|path| own_by_abc(path));
    let script = "import fcntl, os, signal, sys\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\n\
                  held = [os.open(path, os.O_RDWR) for path in sys.argv[1:]]\n\
                  for fd in held: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
                  print('ready', flush=True)\nsignal.pause()\n";
    let holder = command(
        &["setpriv", "--reuid=abc", "--regid=abc", "--init-groups", "python3", "-c", script],
        Path::new("/"),
    )
    .args(&leased)
    .stdout(Stdio::piped())
    .spawn()
    .expect("it starts");
    let mut holder = EndedBy(Signal::SIGKILL, holder);
    let mut ready = [0; 6];
    std::io::Read::read_exact(holder.1.stdout.as_mut().expect("a pipe"), &mut ready).expect("it is ready");
    let started = std::time::Instant::now();
    let output = scene.run(&["--once", "--no-env-file"], &["echo", "worker ran"]);
    assert!(stderr(&output).contains("worker ran\n"), "{}", said(&output));
    // it may be over in a second
    let output = scene.run(&[], &["echo", "worker ran"]);
    assert_eq!(code(&output), 111);
    let mut file = scene.scratch.launch(&scene.service, &["--file", "settings"]);
    assert_eq!(code(&finish(&mut file)), 111);
    // the kernel would have made each of them wait for 45 seconds
    assert!(started.elapsed().as_secs() < 15);
}

#[test]
fn a_process_of_abcs_cannot_look_into_the_launcher_that_was_root() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-look");
    let script = "cat /proc/$PPID/environ >/dev/null 2>&1 && echo seen || echo unseen";
    let output = scene.run(&["--once", "--log", "-"], &["sh", "-c", script]);
    assert_eq!(stdout(&output), "unseen\n", "{}", said(&output));
}
