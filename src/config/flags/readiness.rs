//! When the service is ready, and the conditions for running it.

use super::{Continuation, Flag, LaunchOption, ReadinessOption, Section, launch, path, readiness};
use crate::config::value::{Delay, Gate, ReadyForm, ShellCommand, text};
use crate::options::Takes::Value;

pub(super) const SECTION: Section = Section { title: "Readiness and gates", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    readiness(
        ReadinessOption::Ready,
        "ready",
        Value("FORM"),
        "what makes the service ready",
        |settings, value| {
            settings.ready = Some(ReadyForm::parse(value)?);
            Ok(())
        },
    )
    .values(&["start", "first-success", "sd_notify", "tcp:", "file:", "cmd:"])
    .more(
        "Requires notification-fd in the service directory. FORM is start, tcp:PORT (or \
         tcp:ADDRESS:PORT), file:PATH or cmd:COMMAND (sh -c, as the worker's user); in a loop also \
         first-success or sd_notify. Default: start in a loop; without a timing option the worker \
         inherits the descriptor.",
    ),
    readiness(
        ReadinessOption::ReadyTimeout,
        "ready-timeout",
        Value("DURATION"),
        "stop probing tcp:, file: or cmd: after this long",
        |settings, value| {
            settings.ready_timeout = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .expands()
    .continues(Continuation::Duration)
    .more("The timeout is logged, and the service is never reported ready. Default: no timeout."),
    launch(
        LaunchOption::IfEnv,
        "if-env",
        Value("[!]NAME|NAME[!]=VALUE"),
        "run only if this variable is set, or not set",
        |settings, value| {
            settings.gates.push(Gate::parse_if_env(value)?);
            Ok(())
        },
    )
    .repeats()
    .secret()
    .more(
        "It must be set in the worker's environment and not empty; with =VALUE it must have that value. \
         !NAME and NAME!=VALUE are the opposite: also true if it is not set. Otherwise the service rests until config.env changes that; in a loop the variable is checked \
         before every run.",
    ),
    launch(
        LaunchOption::IfFile,
        "if-file",
        Value("PATH"),
        "run only if this path exists",
        |settings, value| {
            settings.gates.push(Gate::IfFile(path(value)?));
            Ok(())
        },
    )
    .repeats()
    .more("Otherwise the service rests until it appears; in a loop the path is checked before every run."),
    launch(
        LaunchOption::IfCmd,
        "if-cmd",
        Value("COMMAND"),
        "run only if this command succeeds",
        |settings, value| {
            settings.gates.push(Gate::IfCommand(ShellCommand::parse(value)?));
            Ok(())
        },
    )
    .repeats()
    .more(
        "Run with sh -c as the worker's user, with its variables and directory, for at most 10 s. If it fails, \
         the service rests, and looks again as with --wait-for; in a loop the command is also run before every run. \
         One that cannot be run (126, 127), is killed or takes too long is an error.",
    ),
    launch(
        LaunchOption::WaitFor,
        "wait-for",
        Value("FORM"),
        "run once a port accepts connections, or a condition is met",
        |settings, value| {
            settings.gates.push(Gate::parse_wait_for(value)?);
            Ok(())
        },
    )
    .repeats()
    .values(&["tcp:", "file:", "cmd:"])
    .more(
        "FORM is tcp:HOST:PORT, file:PATH or cmd:COMMAND. Until then the service rests. A port is tried \
         again within a second; its host is an address or a name of /etc/hosts or DNS. A command (sh -c, as the worker's user, 10 s at most) is retried \
         after 1, 2, 4 and 8 s, then every 10 s. A condition that has been met is not checked again.",
    ),
    launch(
        LaunchOption::Before,
        "before",
        Value("COMMAND"),
        "run this with sh -c before the worker starts",
        |settings, value| {
            settings.before.push(ShellCommand::parse(value)?);
            Ok(())
        },
    )
    .repeats()
    .more(
        "Once per service start, in order, after the gates are open; as the worker's user, with its \
         environment, directory, limits and log. A failed command is run again after 1, 2, 4 … 60 s; \
         without a supervisor the launcher exits with its status. There is no time limit.",
    ),
];
