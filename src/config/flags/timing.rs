//! When the worker runs, and how a run is stopped.

use super::{Continuation, Flag, LoopOption, PaceOption, Section, in_loop, not_a_setting, pace, path};
use crate::config::settings::{OnExit, OnLock, OnStop, Persist};
use crate::config::value::{Backoff, Delay, ShellCommand, StopSignal, text, whole};
use crate::invalid::Invalid;
use crate::options::Takes::{Nothing, OptionalValue, Value};
use crate::schedule::Schedule;

pub(super) const SECTION: Section = Section { title: "Timing", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    pace(
        PaceOption::Interval,
        "interval",
        Value("DURATION"),
        "wait this long after each run ends, then run again",
        |settings, value| {
            settings.timing.interval = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more("Seconds, or 90s, 5m, 1h30m. The first run starts immediately. A failed run never ends the loop."),
    pace(
        PaceOption::Every,
        "every",
        Value("DURATION"),
        "run at this fixed rate, counted from the first start",
        |settings, value| {
            settings.timing.every = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more(
        "The first run starts immediately, and the others at multiples of DURATION after it. Those that \
         fall due during a run are skipped, and counted in the run record.",
    ),
    pace(PaceOption::Schedule, "schedule", Value("WHEN"), "run at these times", |settings, value| {
        settings.timing.schedule = Some(Schedule::parse(text(value)?)?);
        Ok(())
    })
    .expands()
    .continues(Continuation::Schedule)
    .more(
        "Calendar events as in systemd (09:00, 'Mon..Fri 09,18:00', '*:0/15'), five crontab fields, or a \
         nickname such as @daily. The last word may be a time zone; the default is that of TZ, else of \
         /etc/localtime. futo next WHEN shows the starts.",
    ),
    pace(PaceOption::Once, "once", Nothing, "one successful run per service start, then rest", not_a_setting)
        .more("A failed run is retried after --interval (default 5 s)."),
    in_loop(
        LoopOption::InitialDelay,
        "initial-delay",
        Value("DURATION"),
        "wait this long before the first run",
        |settings, value| {
            settings.timing.initial_delay = Some(Delay::parse_or_zero(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more("With --schedule the first run is one more, at each start of the service: 0 runs it immediately."),
    in_loop(
        LoopOption::Persist,
        "persist",
        OptionalValue("no"),
        "remember the last start across restarts",
        |settings, value| {
            settings.timing.persist = Some(match text(value)? {
                "" | "yes" => Persist::Yes,
                "no" => Persist::No,
                _ => return Err(Invalid::new("is neither 'yes' nor 'no'")),
            });
            Ok(())
        },
    )
    .expands()
    .more(
        "It is kept in the run record. A restart never repeats a run, and all runs missed in the \
         meantime are made up for by one immediate run. Default with --schedule; --persist=no turns it \
         off.",
    ),
    in_loop(
        LoopOption::MaxLate,
        "max-late",
        Value("DURATION"),
        "do not make up for runs missed by more than this",
        |settings, value| {
            settings.timing.max_late = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration),
    in_loop(
        LoopOption::Splay,
        "splay",
        Value("DURATION"),
        "delay starts by up to this long",
        |settings, value| {
            settings.timing.splay = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more(
        "The delay is fixed per service and host, derived from their names. With --schedule it applies \
         to every start, otherwise to the first.",
    ),
    in_loop(
        LoopOption::Timeout,
        "timeout",
        Value("DURATION"),
        "stop a run that lasts longer (status 124)",
        |settings, value| {
            settings.timing.timeout = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more("Like a stop: sends --stop-signal to the worker's process group, and KILL after --grace."),
    in_loop(
        LoopOption::Grace,
        "grace",
        Value("DURATION"),
        "time between the stop signal and KILL [5 s]",
        |settings, value| {
            settings.timing.grace = Some(Delay::parse_or_zero(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration),
    in_loop(
        LoopOption::StopSignal,
        "stop-signal",
        Value("SIGNAL"),
        "signal that asks the worker to stop [TERM]",
        |settings, value| {
            settings.timing.stop_signal = Some(StopSignal::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .values(&["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL"]),
    in_loop(
        LoopOption::OnStop,
        "on-stop",
        Value("kill|finish"),
        "stop the current run, or let it finish [kill]",
        |settings, value| {
            settings.timing.on_stop = Some(match text(value)? {
                "kill" => OnStop::Kill,
                "finish" => OnStop::Finish,
                _ => return Err(Invalid::new("is neither 'kill' nor 'finish'")),
            });
            Ok(())
        },
    )
    .expands(),
    in_loop(
        LoopOption::OnExit,
        "on-exit",
        Value("leave|kill"),
        "what to do with processes that a run leaves behind [leave]",
        |settings, value| {
            settings.timing.on_exit = Some(match text(value)? {
                "leave" => OnExit::Leave,
                "kill" => OnExit::Kill,
                _ => return Err(Invalid::new("is neither 'leave' nor 'kill'")),
            });
            Ok(())
        },
    )
    .more(
        "Applies to the worker's process group after the worker has exited by itself. kill stops these \
         processes as a stop does, and the next run waits for that. Processes that have called setsid(2) \
         are not in the group.",
    )
    .expands(),
    in_loop(
        LoopOption::Backoff,
        "backoff",
        Value("F:MAX"),
        "multiply the delay by F for each failure in a row, up to MAX",
        |settings, value| {
            settings.timing.backoff = Some(Backoff::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more("For instance 2:5m. A run longer than a minute resets the delay."),
    in_loop(
        LoopOption::MaxFailures,
        "max-failures",
        Value("N"),
        "rest after N failures in a row",
        |settings, value| {
            settings.timing.max_failures = Some(whole(text(value)?, 1, 1_000_000)?);
            Ok(())
        },
    )
    .expands(),
    in_loop(
        LoopOption::OnFailure,
        "on-failure",
        Value("COMMAND"),
        "run this with sh -c after a failed run",
        |settings, value| {
            settings.timing.on_failure = Some(ShellCommand::parse(value)?);
            Ok(())
        },
    )
    .more(
        "Runs as the worker's user, with FUTO_RUN_NAME, _RESULT, _STATUS, _REASON, _START, _END, \
         _DURATION, _FAILURES and _LOG in its environment, for at most 30 s. The next run waits for it; \
         a stop does not.",
    ),
    in_loop(
        LoopOption::OnSuccess,
        "on-success",
        Value("COMMAND"),
        "run this with sh -c after a successful run",
        |settings, value| {
            settings.timing.on_success = Some(ShellCommand::parse(value)?);
            Ok(())
        },
    ),
    in_loop(LoopOption::Lock, "lock", Value("PATH"), "hold this lock during each run", |settings, value| {
        settings.timing.lock = Some(path(value)?);
        Ok(())
    })
    .more("Compatible with flock(1). The file is created if it does not exist. A run waits until the lock is free."),
    in_loop(
        LoopOption::OnLock,
        "on-lock",
        Value("wait|skip"),
        "if another process holds --lock: wait, or skip the run [wait]",
        |settings, value| {
            settings.timing.on_lock = Some(match text(value)? {
                "wait" => OnLock::Wait,
                "skip" => OnLock::Skip,
                _ => return Err(Invalid::new("is neither 'wait' nor 'skip'")),
            });
            Ok(())
        },
    )
    .expands()
    .more("A skipped run is counted in the run record, and is neither a success nor a failure."),
    in_loop(
        LoopOption::History,
        "history",
        Value("N"),
        "keep the last N runs, of at most 7 days [200]",
        |settings, value| {
            settings.timing.history = Some(whole(text(value)?, 0, 1000)?);
            Ok(())
        },
    )
    .expands()
    .more("futo runs shows them. They are kept beside the run record; 0 keeps none."),
];
