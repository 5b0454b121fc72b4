//! When the worker runs, and how a run is stopped.

use super::{Continuation, Flag, LoopOption, PaceOption, Section, in_loop, not_a_setting, pace, path};
use crate::config::settings::{OnExit, OnStop, Persist};
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
    .more("Seconds, or 90s, 5m, 1h30m. The first run is at once. A failing run never ends the loop."),
    pace(
        PaceOption::Every,
        "every",
        Value("DURATION"),
        "run at this rate, from the first start on",
        |settings, value| {
            settings.timing.every = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more(
        "The starts stay on the grid of the first one, which is at once. Ticks that pass during a run \
         are dropped, and counted in the run record.",
    ),
    pace(PaceOption::Schedule, "schedule", Value("WHEN"), "run at these times", |settings, value| {
        settings.timing.schedule = Some(Schedule::parse(text(value)?)?);
        Ok(())
    })
    .expands()
    .continues(Continuation::Schedule)
    .more(
        "Calendar events as systemd has them (09:00, 'Mon..Fri 09,18:00', '*:0/15'), five crontab \
         fields, or @daily and its like. The last word may be a time zone; else it is TZ's, else \
         /etc/localtime's. futo next WHEN shows the starts.",
    ),
    pace(PaceOption::Once, "once", Nothing, "one successful run per service start, then rest", not_a_setting)
        .more("A failed run is tried again after --interval (default 5 s)."),
    in_loop(
        LoopOption::InitialDelay,
        "initial-delay",
        Value("DURATION"),
        "wait so long before the first run",
        |settings, value| {
            settings.timing.initial_delay = Some(Delay::parse_or_zero(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration),
    in_loop(
        LoopOption::Persist,
        "persist",
        OptionalValue("no"),
        "the last start counts after a restart",
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
        "It stands in the run record. A restart never repeats a start, and what was missed while nothing \
         ran runs once, at once. The default with --schedule (--persist=no: not).",
    ),
    in_loop(
        LoopOption::MaxLate,
        "max-late",
        Value("DURATION"),
        "do not make up for what is later than this",
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
        "The delay is fixed per service and host, derived from their names. With --schedule each start, \
         else the first.",
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
    .more("As a stop does: --stop-signal to the worker's process group, KILL after --grace."),
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
        "what asks the worker to stop [TERM]",
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
        "stop the run, or let it end [kill]",
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
        "what becomes of processes that a run leaves behind [leave]",
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
        "In the worker's process group, when the worker has ended by itself; kill stops them as a stop \
         does, and the next run waits for it. A process that has called setsid(2) is in no such group.",
    )
    .expands(),
    in_loop(
        LoopOption::Backoff,
        "backoff",
        Value("F:MAX"),
        "stretch the delay F-fold per failure in a row",
        |settings, value| {
            settings.timing.backoff = Some(Backoff::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more("Up to MAX, for instance 2:5m. A run longer than a minute resets the delay."),
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
        "run this by sh -c after a failed run",
        |settings, value| {
            settings.timing.on_failure = Some(ShellCommand::parse(value)?);
            Ok(())
        },
    )
    .more(
        "As the worker's user, with FUTO_RUN_NAME, _RESULT, _STATUS, _REASON, _START, _END, _DURATION, \
         _FAILURES and _LOG in its environment; for 30 s at most. The next run waits for it, a stop does \
         not.",
    ),
    in_loop(
        LoopOption::OnSuccess,
        "on-success",
        Value("COMMAND"),
        "run this by sh -c after a successful run",
        |settings, value| {
            settings.timing.on_success = Some(ShellCommand::parse(value)?);
            Ok(())
        },
    ),
    in_loop(LoopOption::Lock, "lock", Value("PATH"), "hold this lock during each run", |settings, value| {
        settings.timing.lock = Some(path(value)?);
        Ok(())
    })
    .more("As flock(1) does, which works with it; the file is made if it is not there. Waits for it."),
];
