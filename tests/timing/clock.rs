//! Sleep, and a clock that is set.

use std::fs;
use std::time::Duration;

use crate::support::direct::Direct;
use crate::support::{self, context_switches, eventually, needs, read, throughout};
use crate::{minute_at, now};

#[test]
fn idle_is_idle_in_every_timing_mode() {
    needs!(root);
    let schedule = minute_at(now() + 7200);
    for options in [
        &["--interval", "1000"][..],
        &["--every", "1000"],
        &["--every", "1000", "--persist", "--splay", "0.001"],
        &["--schedule", &schedule],
        &["--schedule", &schedule, "--splay", "5m", "--max-late", "5m"],
        &["--interval", "1000", "--initial-delay", "500"],
        &["--once", "--interval", "1000"],
    ] {
        let direct = Direct::start("idle-timing", options, "echo run; exit 3");
        eventually("it waits", || direct.record()["next_due"].is_string().then_some(()));
        let asleep = || {
            let stat = read(format!("/proc/{}/stat", direct.pid()));
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
        };
        eventually("it is asleep", || asleep().then_some(()));
        let before = context_switches(direct.pid());
        throughout("asleep", Duration::from_millis(700), asleep);
        assert_eq!(context_switches(direct.pid()), before, "{options:?}");
        assert_eq!(fs::read_dir(format!("/proc/{}/task", direct.pid())).expect("its threads").count(), 1);
    }
}

#[test]
fn a_schedule_sleeps_on_the_wall_clock_until_it_is_set_and_a_delay_on_boottime() {
    needs!(root, "strace");
    let schedule = minute_at(now() + 7200);
    for (options, timer) in [
        (&["--schedule", &schedule][..], "CLOCK_REALTIME"),
        (&["--interval", "1000", "--initial-delay", "1000"], "CLOCK_BOOTTIME"),
    ] {
        let mut direct = Direct::new("timers");
        let trace = direct.scratch.join("trace");
        let through =
            ["strace", "-e", "trace=timerfd_create,timerfd_settime", "-o", trace.to_str().expect("a path")];
        direct.launch_through(&through, options, &["true"]);
        let traced = support::eventually_contains(&trace, "it_value={tv_sec=");
        let settings: Vec<&str> = traced.lines().filter(|line| line.contains("timerfd_settime")).collect();
        let created = traced.lines().filter(|line| line.contains("timerfd_create"));
        let created: Vec<&str> = created.filter(|line| line.contains(timer)).collect();
        let number = created[0].rsplit("= ").next().expect("a descriptor");
        let armed = settings.iter().find(|line| line.contains(&format!("timerfd_settime({number},")));
        let armed = armed.unwrap_or_else(|| panic!("{traced}"));
        assert!(armed.contains("TFD_TIMER_ABSTIME"), "{traced}");
        assert_eq!(armed.contains("TFD_TIMER_CANCEL_ON_SET"), timer == "CLOCK_REALTIME", "{traced}");
        // only schedules have the second timer
        assert_eq!(traced.contains("CLOCK_REALTIME"), timer == "CLOCK_REALTIME", "{traced}");
    }
}
