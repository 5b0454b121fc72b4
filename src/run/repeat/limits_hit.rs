//! What a failed run may owe to the limits of its container.

use crate::exit::Exit;
use crate::record::How;
use crate::run::run_end::RunEnd;
use crate::sys::cgroup::CgroupEvents;

/// Adds to the end of a run what the kernel has counted since its start: that memory was short, if KILL ended the
/// worker and the launcher did not send it, or that processes were refused, if it failed.
pub(super) fn name_limits_hit(end: &mut RunEnd, before: CgroupEvents, now: CgroupEvents) {
    // KILL may be the launcher's own
    if end.exit.is_ok() || end.stopped.is_some() || end.how == How::TimedOut {
        return;
    }
    // a shell reports 137 for its command
    let is_killed = end.how != How::NotStarted && end.exit == Exit::KILLED;
    if is_killed && has_grown(before.oom_kills, now.oom_kills) {
        end.what.push_str(", out of memory");
        let hint = "the kernel killed a process of this container during the run: raise its memory limit";
        end.hint = Some(hint.to_string());
    } else if has_grown(before.refused_processes, now.refused_processes) {
        let hint = "this container reached its limit of processes (pids) during the run";
        end.hint.get_or_insert(hint.to_string());
    }
}

fn has_grown(before: Option<u64>, now: Option<u64>) -> bool {
    before.zip(now).is_some_and(|(before, now)| now > before)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::run::run_end::CutShort;

    #[test]
    fn only_a_kill_that_the_launcher_did_not_send_is_explained() {
        let events = |oom, pids| CgroupEvents { oom_kills: oom, refused_processes: pids };
        let (none, oom) = (events(Some(1), Some(1)), events(Some(2), Some(1)));
        let pids = events(Some(1), Some(2));
        let killed = (Exit::KILLED, How::Killed, None);
        for ((exit, how, stopped), before, now, expected) in [
            (killed, none, oom, ", out of memory"),
            (killed, none, none, ""),
            (killed, none, pids, " pids"),
            (killed, events(None, None), oom, ""),
            (killed, none, events(None, None), ""),
            ((Exit::KILLED, How::Exited, None), none, oom, ", out of memory"),
            ((Exit::KILLED, How::Killed, Some(Exit::KILLED)), none, oom, ""),
            ((Exit::TIMED_OUT, How::TimedOut, None), none, oom, ""),
            ((Exit::OK, How::Exited, None), none, pids, ""),
            ((Exit::FINDINGS, How::Exited, None), none, oom, ""),
            ((Exit::FINDINGS, How::Exited, None), none, pids, " pids"),
            ((Exit::SYSTEM, How::NotStarted, None), none, pids, " pids"),
        ] {
            let (what, duration) = (String::new(), Duration::ZERO);
            let cut_short = CutShort::No;
            let mut end = RunEnd { exit, how, what, hint: None, duration, stopped, cut_short };
            name_limits_hit(&mut end, before, now);
            let is_of_pids = end.hint.as_ref().is_some_and(|hint| hint.contains("pids"));
            let pids = if is_of_pids { " pids" } else { "" };
            assert_eq!(format!("{}{pids}", end.what), expected, "{how:?} {before:?} {now:?}");
        }
    }
}
