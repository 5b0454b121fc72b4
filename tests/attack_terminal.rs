//! `futo try` at root's terminal: a worker of another user gets one of its own, and all that people do at a terminal
//! works.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::launching::finish;
use support::{Scratch, needs, own_by_abc, stderr, stdout, write};

/// Somebody at a terminal: waits for what is shown, and types.
const PERSON: &str = r#"
import fcntl, json, os, pty, select, signal, struct, sys, termios, time
steps, words = json.loads(sys.argv[1]), sys.argv[2:]
pid, master = pty.fork()
if pid == 0:
    # a shell in the background ignores some
    for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(each, signal.SIG_DFL)
    os.execvp(words[0], words)
said, at = b"", 0
def pump():
    global said
    if select.select([master], [], [], 0.1)[0]:
        try:
            part = os.read(master, 65536)
        except OSError:
            part = b""
        said += part
        return bool(part)
    return True
deadline = time.time() + 150
for what, value in steps:
    if what == "wait":
        while value.encode() not in said[at:]:
            if not pump() or time.time() > deadline:
                print(json.dumps({"said": said.decode(errors="replace"), "code": "never: " + value}))
                os.killpg(pid, 9)
                sys.exit(0)
        at = said.index(value.encode(), at) + len(value)
    elif what == "type":
        os.write(master, value.encode())
    elif what == "size":
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", value[0], value[1], 0, 0))
while pump() and time.time() < deadline:
    pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps({"said": said.decode(errors="replace").replace("\r\n", "\n"), "code": str(code)}))
"#;

struct Scene {
    scratch: Scratch,
}

impl Scene {
    /// A definition of abc's whose worker is this script.
    fn new(name: &str, script: &str) -> Scene {
        let scratch = Scratch::of_root(name);
        let directory = scratch.directory_of_abc("definitions").join("x");
        std::fs::create_dir(&directory).expect("a directory");
        own_by_abc(&directory);
        let run = format!("#!/bin/sh\nexec {} -- bash ./worker\n", scratch.launcher().display());
        for (file, text) in [("run", run.as_str()), ("worker", script)] {
            write(&directory.join(file), text, 0o755);
            own_by_abc(&directory.join(file));
        }
        Scene { scratch }
    }

    /// `futo try x`, as one types it.
    fn try_x(&self) -> String {
        let definitions: PathBuf = self.scratch.join("definitions");
        format!(
            "{} try x --from {} --scan-dir {}",
            self.scratch.futo().display(),
            definitions.display(),
            self.scratch.join("scan").display()
        )
    }

    /// What a person sees who runs this in a shell and takes these steps, and the exit code.
    fn at_terminal(&self, line: &str, steps: &serde_json::Value) -> (String, String) {
        self.at_terminal_of(&["bash", "--norc", "-c", line], steps)
    }

    fn at_terminal_of(&self, words: &[&str], steps: &serde_json::Value) -> (String, String) {
        let mut command = Command::new("python3");
        command
            .args(["-c", PERSON, &steps.to_string()])
            .args(words)
            .env("TERM", "dumb")
            .env("PS1", "prompt# ");
        let output = finish(&mut command);
        let page: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}{}", stdout(&output), stderr(&output)));
        let text = |key: &str| page[key].as_str().expect("a text").to_string();
        (text("said"), text("code"))
    }
}

#[test]
fn a_tried_worker_of_abcs_cannot_reach_roots_terminal() {
    needs!(root, "python3", "bash");
    let attack = "echo worker $(tty) $(ps -o sid= -p $$ 2>/dev/null)\n\
        python3 - <<'X'\n\
import fcntl, os, termios\n\
for path in ['/dev/stdin', '/dev/stdout', '/dev/stderr', '/dev/tty'] + ['/proc/%d/fd/%d' % (os.getppid(), n) for n in range(3)]:\n    \
    try:\n        \
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)\n    \
    except OSError:\n        \
        continue\n    \
    for byte in b'INJECTED\\n':\n        \
        try:\n            \
            fcntl.ioctl(fd, termios.TIOCSTI, bytes([byte]))\n        \
        except OSError:\n            \
            pass\n\
X\n";
    let scene = Scene::new("try-inject", attack);
    let line =
        format!("echo root $(tty); {}; echo over; stty -icanon min 0 time 3; cat; echo end", scene.try_x());
    let (said, code) = scene.at_terminal(&line, &serde_json::json!([["wait", "end"]]));
    assert_eq!(code, "0", "{said}");
    let tty = |who: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(&format!("{who} ")));
        line.and_then(|line| line.split(' ').next()).expect("a terminal").to_string()
    };
    assert_ne!(tty("root"), tty("worker"), "{said}");
    assert!(tty("worker").starts_with("/dev/pts/"), "{said}");
    let after = said.split("over").nth(1).expect("the rest");
    assert!(!after.contains("INJECTED"), "{said}");
}

#[test]
fn without_a_terminal_among_its_streams_it_has_none_either() {
    needs!(root, "python3", "bash");
    let scene = Scene::new("try-streams", "exec 9</dev/tty && echo reached; echo done; exit 3\n");
    for line in [
        "TRY </dev/null 2>&1 | cat; echo ${PIPESTATUS[0]}",
        "TRY <&- >OUT 2>&1; code=$?; cat OUT; echo $code",
    ] {
        let out = scene.scratch.join("out");
        let line = line.replace("TRY", &scene.try_x()).replace("OUT", &out.display().to_string());
        let (said, _) = scene.at_terminal(&line, &serde_json::json!([]));
        assert!(said.contains("done") && said.ends_with("3\n"), "{said}");
        assert!(!said.contains("reached"), "{said}");
    }
}

#[test]
fn keys_signals_and_the_end_of_input_reach_a_tried_worker() {
    needs!(root, "python3", "bash");
    let trapping = "trap 'echo got INT; exit 7' INT\ntrap 'echo got QUIT; exit 8' QUIT\necho ready\n\
                    while :; do sleep 0.1; done\n";
    let scene = Scene::new("try-keys", trapping);
    for (key, code) in [("\u{3}", "7"), ("\u{1c}", "8")] {
        let steps = serde_json::json!([["wait", "ready"], ["type", key], ["wait", "got "]]);
        let (said, exit) = scene.at_terminal(&format!("exec {}", scene.try_x()), &steps);
        assert_eq!(exit, code, "{said}");
    }
    let scene = Scene::new("try-eof", "echo ready\nwhile read line; do echo \"<$line>\"; done\necho eof\n");
    let steps = serde_json::json!([
        ["wait", "ready"],
        ["type", "one\n"],
        ["wait", "<one>"],
        ["type", "two\n"],
        ["wait", "<two>"],
        ["type", "\u{4}"],
        ["wait", "eof"]
    ]);
    let before = format!(
        "stty -a >{0}; {1}; code=$?; stty -a | cmp - {0} && exit $code",
        scene.scratch.join("stty").display(),
        scene.try_x()
    );
    let (said, exit) = scene.at_terminal(&before, &steps);
    assert_eq!(exit, "0", "{said}");
    let scene = Scene::new("try-killed", "echo ready\nkill -KILL $$\n");
    let (said, exit) = scene.at_terminal(&format!("exec {}", scene.try_x()), &serde_json::json!([]));
    assert_eq!(exit, "137", "{said}");
}

#[test]
fn a_tried_worker_is_stopped_and_continued_as_a_job_and_sees_the_windows_size() {
    needs!(root, "python3", "bash");
    let script = "trap 'stty size' WINCH\necho ready\nread line\necho \"<$line>\"\nsleep 0.1\nread line\necho \"<$line>\"\n";
    let scene = Scene::new("try-jobs", script);
    let line = scene.try_x();
    let steps = serde_json::json!([
        ["wait", "# "],
        ["type", format!("{line}\n")],
        ["wait", "ready"],
        ["type", "one\n"],
        ["wait", "<one>"],
        ["type", "\u{1a}"],
        ["wait", "Stopped"],
        ["wait", "# "],
        ["type", "echo shell-is-$((40+2))\n"],
        ["wait", "shell-is-42"],
        ["type", "fg\n"],
        ["wait", "try x"],
        ["type", "two\n"],
        ["wait", "<two>"],
        ["wait", "# "],
        ["type", "exit 5\n"]
    ]);
    let (said, exit) = scene.at_terminal_of(&["bash", "--norc", "-i"], &steps);
    assert_eq!(exit, "5", "{said}");

    let scene = Scene::new(
        "try-size",
        "trap 'stty size; exit 0' WINCH\nstty size\necho ready\nwhile :; do sleep 0.1; done\n",
    );
    let steps = serde_json::json!([["wait", "ready"], ["size", [33, 111]], ["wait", "33 111"]]);
    let (said, exit) = scene.at_terminal(&format!("stty rows 20 cols 70; exec {}", scene.try_x()), &steps);
    assert_eq!(exit, "0", "{said}");
    assert!(said.contains("20 70"), "{said}");
}
