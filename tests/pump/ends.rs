//! The worker's end of the pipe: only to write to, with flags of its own, and what happens when both processes of the
//! pump are killed.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::direct::{Caller, Direct};
use crate::support::{eventually, eventually_contains, needs, read, signal};
use crate::{LIVE, all, assert_numbered, eventually_no_pump, lines_words, pair, session_of, start};

/// KILLs both processes of the pump, of which none can replace the other.
fn kill_both(direct: &Direct) {
    let (keeper, writer) = eventually("a pump", || pair(direct));
    assert_ne!(session_of(keeper), session_of(direct.pid()));
    for pid in [keeper, writer] {
        signal(pid, Signal::SIGSTOP);
    }
    for pid in [writer, keeper] {
        signal(pid, Signal::SIGKILL);
    }
    eventually("both are gone", || pair(direct).is_none_or(|now| now != (keeper, writer)).then_some(()));
}

/// Watches its own stdout as asyncio does: a pipe that can be read there is taken for closed.
const ASYNCIO: &str = r#"
import asyncio, os, sys, time
class Lost(asyncio.BaseProtocol):
    def connection_lost(self, why):
        open("lost", "w").close()
async def main():
    loop = asyncio.get_running_loop()
    out, _ = await loop.connect_write_pipe(Lost, sys.stdout)
    while not os.path.exists("go"):
        await asyncio.sleep(0.02)
    for number in range(50):
        out.write(b"line %d\n" % number)
        await asyncio.sleep(0.01)
    open("written", "w").close()
    while not os.path.exists("end"):
        await asyncio.sleep(0.02)
asyncio.run(main())
"#;

#[test]
fn a_worker_that_watches_its_stdout_does_not_take_it_for_closed() {
    needs!(root, "python3");
    for options in [&["--log-live"][..], &["--log-live", "--every", "1000"]] {
        let mut direct = Direct::new("asyncio");
        direct.launch(Caller::Root, options, &["/usr/bin/python3", "-c", ASYNCIO]);
        let (keeper, writer) = eventually("a pump", || pair(&direct));
        // what is written stays in the pipe
        for pid in [keeper, writer] {
            signal(pid, Signal::SIGSTOP);
        }
        direct.write("go", "", 0o644);
        eventually("it has written", || direct.directory().join("written").exists().then_some(()));
        assert!(!direct.directory().join("lost").exists(), "{options:?}");
        for pid in [keeper, writer] {
            signal(pid, Signal::SIGCONT);
        }
        direct.write("end", "", 0o644);
        let expected: String = (0..50).map(|number| format!("line {number}\n")).collect();
        eventually(&format!("all of {options:?}: {}", direct.log()), || {
            (direct.log() == expected).then_some(())
        });
        direct.end_by(Signal::SIGTERM);
        eventually_no_pump(&direct);
    }
}

#[test]
fn a_flag_that_one_run_sets_is_not_set_for_the_next_nor_for_our_own_lines() {
    needs!(root, "python3");
    let script = "import fcntl, os, sys
flags = fcntl.fcntl(1, fcntl.F_GETFL)
print('found', flags & os.O_NONBLOCK, flags & os.O_ACCMODE == os.O_WRONLY, flush=True)
fcntl.fcntl(1, fcntl.F_SETFL, flags | os.O_NONBLOCK)
sys.exit(1)";
    let mut direct = Direct::new("flags");
    let options = ["--log-live", "--every", "0.05"];
    direct.launch(Caller::Root, &options, &["/usr/bin/python3", "-c", script]);
    let log = eventually("four runs", || {
        let mut log = direct.log();
        // the last one may have come in part
        log.truncate(log.rfind('\n')? + 1);
        (log.matches("found").count() >= 4).then_some(log)
    });
    assert_eq!(log.matches("found 0 True\n").count(), log.matches("found").count(), "{log}");
    direct.end_by(Signal::SIGTERM);
    eventually_no_pump(&direct);
}

#[test]
fn a_loop_replaces_a_pump_whose_processes_are_both_killed_at_once_and_nothing_is_lost() {
    needs!(root);
    for stamp in [&[][..], &["--log-stamp", "iso"]] {
        let mut direct = Direct::new("revived");
        let mut words = lines_words(&direct, "bursts", "40000");
        // a pause after each write: it lasts longer than all that is killed
        words.push("20000".to_string());
        start(&mut direct, &[&LIVE[..], &["--every", "1000"], stamp].concat(), &words);
        for _ in 0..3 {
            kill_both(&direct);
            std::thread::sleep(Duration::from_millis(50));
        }
        eventually("another pump", || pair(&direct));
        direct.after_runs(1);
        direct.end_by(Signal::SIGTERM);
        eventually_no_pump(&direct);
        let bytes = all(&direct.log_path());
        let bytes = if stamp.is_empty() { bytes } else { crate::without_stamps(&bytes) };
        assert_eq!(assert_numbered(&bytes), 40_000, "{}", direct.stderr());
    }
}

#[test]
fn a_single_worker_whose_pump_is_killed_ends_instead_of_waiting_for_ever() {
    needs!(root);
    let script = "trap 'echo >ended' EXIT; while echo line; do sleep 0.02; done 2>/dev/null; exit 9";
    let mut direct = Direct::start("pipe", &["--log-live"], script);
    direct.logs("line\n");
    kill_both(&direct);
    // SIGPIPE ends it, as one of another logger
    assert_eq!(direct.end(), 141, "{}", read(direct.scratch.join("stderr")));
    direct.launch(Caller::Root, &["--log-live"], &["sh", "-c", "echo again"]);
    assert_eq!(direct.end(), 0);
    eventually_contains(&direct.log_path(), "again\n");
    eventually_no_pump(&direct);
}
