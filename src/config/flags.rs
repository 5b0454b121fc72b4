//! The one table of options. It feeds the parser, `--help`, the keys of `--file`, and later the man
//! page and the completions; tests compare docs/options.md with it.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::config::settings::{ContainerEnv, Dialect, EnvFile, LogTarget, OnExit, OnStop, Persist, Settings};
use crate::config::value::{
    Backoff, Bounds, ByteSize, Capabilities, Check, Delay, EnvironmentEdit, Gate, GroupsRequest, ReadyForm,
    ShellCommand, StopSignal, UserRequest, assignment, descriptor, mode, names, text, whole,
};
use crate::invalid::Invalid;
use crate::schedule::Schedule;
use crate::service::ServiceName;

/// Whether an option has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A switch.
    Nothing,
    /// `--name VALUE` or `--name=VALUE`
    Value(&'static str),
    /// `--name` or `--name=VALUE`
    OptionalValue(&'static str),
}

/// Where `--help` lists an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Where the settings come from, what to show.
    General,
    /// Who the worker is, and what bounds it.
    Identity,
    /// Its environment.
    Environment,
    /// Its log and record.
    Log,
    /// When it runs.
    Timing,
    /// When it is ready.
    Readiness,
}

impl Section {
    /// In the order of `--help`.
    pub const ALL: [Section; 6] = [
        Section::General,
        Section::Timing,
        Section::Readiness,
        Section::Identity,
        Section::Environment,
        Section::Log,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Section::General => "General",
            Section::Timing => "Timing",
            Section::Readiness => "Readiness and gates",
            Section::Identity => "Identity and limits",
            Section::Environment => "Environment",
            Section::Log => "Log",
        }
    }
}

/// What an option means for the launcher, beside its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Belongs to the command line only: no key in a file.
    CommandLineOnly,
    /// Works in every mode.
    Any,
    /// Makes the launcher stay and run the worker in a loop.
    Timing,
    /// Needs the launcher to stay: an error without a timing option.
    NeedsTiming,
    /// When the supervisor is told that the service is ready.
    Readiness,
}

/// What reads an option's value into the settings.
pub type Setter = fn(&mut Settings, &OsStr) -> Result<(), Invalid>;

/// A row of the table.
pub struct Flag {
    /// The long name, also the key in a file.
    pub long: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// Its value.
    pub takes: Takes,
    /// Whether it may be given again (values add up); else the last one wins.
    pub repeats: bool,
    /// Its place in `--help`.
    pub section: Section,
    /// What it means for the launcher.
    pub role: Role,
    /// Whether `${NAME}` in its value is a variable of the worker's environment.
    pub expands: bool,
    /// One line for `-h`.
    pub help: &'static str,
    /// More lines for `--help`; empty if there is no more to say.
    pub more: &'static str,
    /// Reads the value; for [`Role::CommandLineOnly`] options the parser does it.
    pub set: Setter,
}

fn not_a_setting(_: &mut Settings, _: &OsStr) -> Result<(), Invalid> {
    Ok(())
}

const fn flag(long: &'static str, takes: Takes, section: Section, help: &'static str, set: Setter) -> Flag {
    Flag {
        long,
        short: None,
        takes,
        repeats: false,
        section,
        role: Role::Any,
        expands: false,
        help,
        more: "",
        set,
    }
}

impl Flag {
    const fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }
    const fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }
    const fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
    const fn expands(mut self) -> Self {
        self.expands = true;
        self
    }
    const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// The row with this long name.
    pub fn find(long: &str) -> Option<&'static Flag> {
        FLAGS.iter().find(|flag| flag.long == long)
    }

    /// The row that `--file` takes this key for.
    pub fn find_key(key: &str) -> Option<&'static Flag> {
        Flag::find(key).filter(|flag| flag.role != Role::CommandLineOnly)
    }
}

/// A path as given; an empty one is a mistake of an unset variable, not the current directory.
fn path(value: &OsStr) -> Result<PathBuf, Invalid> {
    if value.is_empty() { Err(Invalid::new("is empty")) } else { Ok(PathBuf::from(value)) }
}

fn absolute(value: &OsStr) -> Result<PathBuf, Invalid> {
    let path = path(value)?;
    if path.is_absolute() { Ok(path) } else { Err(Invalid::new("is not an absolute path")) }
}

use Section::{Environment, General, Identity, Log, Readiness, Timing};
use Takes::{Nothing, OptionalValue, Value};

/// All options, each section in the order of `--help`.
pub static FLAGS: &[Flag] = &[
    flag("file", Value("PATH"), General, "read the settings from a TOML file", not_a_setting)
        .role(Role::CommandLineOnly)
        .more(
            "Each long option is a key of the same name; exec = [\"PROGRAM\", \"ARG\"] or \
             script = '''…''' (run by sh -eu) names the worker. Options behind it win over the \
             file; at most the service name may follow. Made for a first line of \
             #!/usr/local/bin/futo-launch --file",
        ),
    flag("explain", OptionalValue("text|json"), General, "show the whole plan, run nothing", not_a_setting)
        .role(Role::CommandLineOnly)
        .more(
            "Needs no privilege, touches nothing, and lists everything that would fail. Exits 0, or with \
             the code of what would fail.",
        ),
    flag("show-values", Nothing, General, "with --explain: show the variables' values", not_a_setting)
        .role(Role::CommandLineOnly),
    flag("name", Value("NAME"), General, "the service's name", |settings, value| {
        settings.name = Some(ServiceName::parse(value).map_err(|why| Invalid::new(why.to_string()))?);
        Ok(())
    })
    .more(
        "Default: the name that s6 passes, else the name of the service directory (NAME-log in \
         NAME/log), else the program's.",
    ),
    flag("service-dir", Value("DIR"), General, "where the service's own files are", |settings, value| {
        settings.service_dir = Some(absolute(value)?);
        Ok(())
    })
    .more(
        "config.env and all relative paths count from there. It is entered as the worker's user. Default: \
         the directory in which the launcher is started, as supervisors do. futo sync writes it.",
    ),
    flag("help", Nothing, General, "show this (-h: one line each)", not_a_setting)
        .short('h')
        .role(Role::CommandLineOnly),
    flag("version", Nothing, General, "show the version", not_a_setting)
        .short('V')
        .role(Role::CommandLineOnly),
    flag(
        "interval",
        Value("DURATION"),
        Timing,
        "wait this long after each run ends, then run again",
        |settings, value| {
            settings.timing.interval = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .role(Role::Timing)
    .expands()
    .more("Seconds, or 90s, 5m, 1h30m. The first run is at once. A failing run never ends the loop."),
    flag("every", Value("DURATION"), Timing, "run at this rate, from the first start on", |settings, value| {
        settings.timing.every = Some(Delay::parse(text(value)?)?);
        Ok(())
    })
    .role(Role::Timing)
    .expands()
    .more(
        "The starts stay on the grid of the first one, which is at once. Ticks that pass during a run are \
         dropped, and counted in the run record.",
    ),
    flag("schedule", Value("WHEN"), Timing, "run at these times", |settings, value| {
        settings.timing.schedule = Some(Schedule::parse(text(value)?)?);
        Ok(())
    })
    .role(Role::Timing)
    .expands()
    .more(
        "Calendar events as systemd has them (09:00, 'Mon..Fri 09,18:00', '*:0/15'), five crontab fields, \
         or @daily and its like. The last word may be a time zone; else it is TZ's, else /etc/localtime's. \
         futo next WHEN shows the starts.",
    ),
    flag("once", Nothing, Timing, "one successful run per service start, then rest", not_a_setting)
    .role(Role::Timing)
    .more("A failed run is tried again after --interval (default 5 s)."),
    flag(
        "initial-delay",
        Value("DURATION"),
        Timing,
        "wait so long before the first run",
        |settings, value| {
            settings.timing.initial_delay = Some(Delay::parse_or_zero(text(value)?)?);
            Ok(())
        },
    )
    .role(Role::NeedsTiming)
    .expands(),
    flag(
        "persist",
        OptionalValue("no"),
        Timing,
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
    .role(Role::NeedsTiming)
    .expands()
    .more(
        "It stands in the run record. A restart never repeats a start, and what was missed while nothing ran \
         runs once, at once. The default with --schedule (--persist=no: not).",
    ),
    flag("max-late", Value("DURATION"), Timing, "do not make up for what is later than this", |settings, value| {
        settings.timing.max_late = Some(Delay::parse(text(value)?)?);
        Ok(())
    })
    .role(Role::NeedsTiming)
    .expands(),
    flag("splay", Value("DURATION"), Timing, "delay starts by up to this long", |settings, value| {
        settings.timing.splay = Some(Delay::parse(text(value)?)?);
        Ok(())
    })
    .role(Role::NeedsTiming)
    .expands()
    .more(
        "The delay is fixed per service and host, derived from their names. With --schedule each \
         start, else the first.",
    ),
    flag(
        "timeout",
        Value("DURATION"),
        Timing,
        "stop a run that lasts longer (status 124)",
        |settings, value| {
            settings.timing.timeout = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .role(Role::NeedsTiming)
    .expands()
    .more("As a stop does: --stop-signal to the worker's process group, KILL after --grace."),
    flag(
        "grace",
        Value("DURATION"),
        Timing,
        "time between the stop signal and KILL [5 s]",
        |settings, value| {
            settings.timing.grace = Some(Delay::parse_or_zero(text(value)?)?);
            Ok(())
        },
    )
    .role(Role::NeedsTiming)
    .expands(),
    flag("stop-signal", Value("SIGNAL"), Timing, "what asks the worker to stop [TERM]", |settings, value| {
        settings.timing.stop_signal = Some(StopSignal::parse(text(value)?)?);
        Ok(())
    })
    .role(Role::NeedsTiming)
    .expands(),
    flag("on-stop", Value("kill|finish"), Timing, "stop the run, or let it end [kill]", |settings, value| {
        settings.timing.on_stop = Some(match text(value)? {
            "kill" => OnStop::Kill,
            "finish" => OnStop::Finish,
            _ => return Err(Invalid::new("is neither 'kill' nor 'finish'")),
        });
        Ok(())
    })
    .role(Role::NeedsTiming)
    .expands(),
    flag(
        "on-exit",
        Value("leave|kill"),
        Timing,
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
        "In the worker's process group, when the worker has ended by itself; kill stops them as a stop does, and the \
         next run waits for it. A process that has called setsid(2) is in no such group.",
    )
    .role(Role::NeedsTiming)
    .expands(),
    flag(
        "backoff",
        Value("F:MAX"),
        Timing,
        "stretch the delay F-fold per failure in a row",
        |settings, value| {
            settings.timing.backoff = Some(Backoff::parse(text(value)?)?);
            Ok(())
        },
    )
    .role(Role::NeedsTiming)
    .expands()
    .more("Up to MAX, for instance 2:5m. A run longer than a minute resets the delay."),
    flag("max-failures", Value("N"), Timing, "rest after N failures in a row", |settings, value| {
        settings.timing.max_failures = Some(whole(text(value)?, 1, 1_000_000)?);
        Ok(())
    })
    .role(Role::NeedsTiming)
    .expands(),
    flag("on-failure", Value("COMMAND"), Timing, "run this by sh -c after a failed run", |settings, value| {
        settings.timing.on_failure = Some(ShellCommand::parse(value)?);
        Ok(())
    })
    .role(Role::NeedsTiming)
    .more(
        "As the worker's user, with FUTO_RUN_NAME, _RESULT, _STATUS, _REASON, _START, _END, _DURATION, _FAILURES \
         and _LOG in its environment; for 30 s at most. The next run waits for it, a stop does not.",
    ),
    flag("on-success", Value("COMMAND"), Timing, "run this by sh -c after a successful run", |settings, value| {
        settings.timing.on_success = Some(ShellCommand::parse(value)?);
        Ok(())
    })
    .role(Role::NeedsTiming),
    flag("lock", Value("PATH"), Timing, "hold this lock during each run", |settings, value| {
        settings.timing.lock = Some(path(value)?);
        Ok(())
    })
    .role(Role::NeedsTiming)
    .more("As flock(1) does, which works with it; the file is made if it is not there. Waits for it."),
    flag("ready", Value("FORM"), Readiness, "what makes the service ready", |settings, value| {
        settings.ready = Some(ReadyForm::parse(value)?);
        Ok(())
    })
    .role(Role::Readiness)
    .more(
        "With notification-fd in the service directory: start, tcp:PORT (or tcp:ADDRESS:PORT), file:PATH, \
         cmd:COMMAND (sh -c, as the worker's user); in a loop also first-success and sd_notify. Default: the \
         start of a loop; without a timing option the descriptor is the worker's.",
    ),
    flag(
        "ready-timeout",
        Value("DURATION"),
        Readiness,
        "stop probing tcp:, file: or cmd: after this long",
        |settings, value| {
            settings.ready_timeout = Some(Delay::parse(text(value)?)?);
            Ok(())
        },
    )
    .role(Role::Readiness)
    .expands()
    .more("This is logged, and the service is never reported ready. Default: as long as it runs."),
    flag("if-env", Value("NAME[=VALUE]"), Readiness, "run only if this variable is set", |settings, value| {
        settings.gates.push(Gate::parse_if_env(value)?);
        Ok(())
    })
    .repeats()
    .more(
        "In the worker's environment, and not empty; with =VALUE only if it has this value. Else the service \
         rests until config.env says otherwise; in a loop it is looked at before each run.",
    ),
    flag("if-file", Value("PATH"), Readiness, "run only if this path is there", |settings, value| {
        settings.gates.push(Gate::IfFile(path(value)?));
        Ok(())
    })
    .repeats()
    .more("Else the service rests until it appears; in a loop it is looked at before each run."),
    flag("wait-for", Value("FORM"), Readiness, "run once this holds: file:PATH, cmd:COMMAND", |settings, value| {
        settings.gates.push(Gate::WaitFor(Check::parse(value)?));
        Ok(())
    })
    .repeats()
    .more(
        "Until then the service rests. A command (sh -c, as the worker's user, 10 s) is tried again after 1, 2, \
         4 and 8 s, then every 10 s. A condition that has held once is not checked again.",
    ),
    flag("user", Value("USER[:GROUP]"), Identity, "become this user [abc when root]", |settings, value| {
        settings.user = Some(UserRequest::parse(text(value)?)?);
        Ok(())
    })
    .more(
        "NAME, NAME:GROUP, UID or UID:GID, looked up in /etc/passwd and /etc/group. A UID without \
         an entry needs its GID. Default: abc when root, else the caller.",
    ),
    flag(
        "groups",
        Value("GROUP,…|none"),
        Identity,
        "these supplementary groups only",
        |settings, value| {
            settings.groups = Some(GroupsRequest::parse(text(value)?)?);
            Ok(())
        },
    )
    .more("Default: all groups of the user, as initgroups gives them."),
    flag("home", Value("DIR"), Identity, "HOME of the worker", |settings, value| {
        settings.home = Some(absolute(value)?);
        Ok(())
    })
    .more("Default: /config for abc, else the home in /etc/passwd, else as inherited, else the container's."),
    flag("chdir", Value("DIR"), Identity, "run the worker in this directory", |settings, value| {
        settings.chdir = Some(path(value)?);
        Ok(())
    })
    .more("Default: the service directory. A program with a relative path is found from there."),
    flag("umask", Value("MASK"), Identity, "file mode creation mask, octal", |settings, value| {
        settings.umask = Some(mode(text(value)?, 0o777)?);
        Ok(())
    })
    .more("Default for a service: UMASK of the container's variables, if it is set."),
    flag("no-new-privs", Nothing, Identity, "no program gains rights by its mode or owner", |settings, _| {
        settings.no_new_privs = true;
        Ok(())
    }),
    flag(
        "cap-drop",
        Value("all|NAME,…"),
        Identity,
        "no program gets these capabilities, in docker's words",
        |settings, value| {
            settings.limits.cap_drop = settings.limits.cap_drop.with(Capabilities::parse(text(value)?)?);
            Ok(())
        },
    )
    .repeats()
    .more(
        "Taken out of the bounding, the inheritable and the ambient set, so that a program with rights of its \
         own (sudo, ping) has none of them either. Only root can.",
    ),
    flag(
        "ulimit",
        Value("NAME=SOFT[:HARD]"),
        Identity,
        "resource limit, in docker's grammar",
        |settings, value| {
            let (resource, bounds) = Bounds::parse(text(value)?)?;
            settings.limits.ulimits.retain(|(each, _)| *each != resource);
            settings.limits.ulimits.push((resource, bounds));
            Ok(())
        },
    )
    .repeats()
    .more("For instance nofile=1024:2048 or core=unlimited, in the kernel's units."),
    flag("nice", Value("N"), Identity, "niceness, -20 to 19", |settings, value| {
        settings.limits.nice = Some(whole(text(value)?, -20, 19)?);
        Ok(())
    }),
    flag(
        "oom-score-adj",
        Value("N"),
        Identity,
        "the out-of-memory killer's preference, -1000 to 1000",
        |settings, value| {
            settings.limits.oom_score_adj = Some(whole(text(value)?, -1000, 1000)?);
            Ok(())
        },
    ),
    flag(
        "keep-fd",
        Value("N"),
        Identity,
        "hand this descriptor on (all others from 3 up are closed)",
        |settings, value| {
            settings.keep_fds.push(descriptor(text(value)?)?);
            Ok(())
        },
    )
    .repeats(),
    flag("env", Value("NAME=VALUE"), Environment, "set a variable, over all files", |settings, value| {
        settings.environment.edits.push(EnvironmentEdit::parse_set(value)?);
        Ok(())
    })
    .repeats()
    .more("${NAME} in the value is a variable: --env 'PATH=/config/bin:${PATH}'."),
    flag("unset", Value("NAME"), Environment, "remove a variable", |settings, value| {
        settings.environment.edits.push(EnvironmentEdit::parse_unset(value)?);
        Ok(())
    })
    .repeats(),
    flag("env-file", Value("PATH"), Environment, "read this file too; it must exist", |settings, value| {
        settings.environment.files.push(EnvFile { path: path(value)?, dialect: Dialect::Bash });
        Ok(())
    })
    .repeats()
    .more("Read as bash would, after the service directory's config.env, and never executed."),
    flag("dotenv", Value("PATH"), Environment, "read this file in the dotenv dialect", |settings, value| {
        settings.environment.files.push(EnvFile { path: path(value)?, dialect: Dialect::Dotenv });
        Ok(())
    })
    .repeats()
    .more("With the values that compose gives to a .env, or an error; it must exist. In the order of --env-file and \
         --dotenv the later one wins."),
    flag("no-env-file", Nothing, Environment, "do not read config.env", |settings, _| {
        settings.environment.no_env_file = true;
        Ok(())
    }),
    flag(
        "env-dir",
        Value("DIR"),
        Environment,
        "a file for each variable, as s6-envdir",
        |settings, value| {
            settings.environment.directories.push(path(value)?);
            Ok(())
        },
    )
    .repeats()
    .more("The first line is the value; an empty file removes the variable. Wins over the files above."),
    flag(
        "default",
        Value("NAME=VALUE"),
        Environment,
        "set a variable that is missing or empty",
        |settings, value| {
            settings.environment.defaults.push(assignment(value)?);
            Ok(())
        },
    )
    .repeats()
    .more("Behind all files, before --env and --unset; ${NAME} in the value is a variable."),
    flag(
        "require",
        Value("NAME,…"),
        Environment,
        "these variables must be set and not empty",
        |settings, value| {
            settings.environment.required.extend(names(value)?);
            Ok(())
        },
    )
    .repeats(),
    flag(
        "container-env",
        Value("DIR|none"),
        Environment,
        "where the container's variables are",
        |settings, value| {
            settings.environment.container = Some(match value == "none" {
                true => ContainerEnv::None,
                false => ContainerEnv::Directory(path(value)?),
            });
            Ok(())
        },
    )
    .more(
        "A file for each variable. Default: /run/s6/container_environment (of s6-overlay), if it is \
         there. What is inherited wins over them.",
    ),
    flag("clear-env", Nothing, Environment, "start from an empty environment", |settings, _| {
        settings.environment.clear = true;
        Ok(())
    }),
    flag("log", Value("PATH|-"), Log, "where stdout and stderr go", |settings, value| {
        settings.log = Some(if value == "-" { LogTarget::Inherited } else { LogTarget::File(path(value)?) });
        Ok(())
    })
    .more(
        "Default in a service directory: NAME.log in the state directory; elsewhere '-', the \
         inherited stdout, which stderr joins.",
    ),
    flag("log-mode", Value("MODE"), Log, "mode of a new log, octal [0640]", |settings, value| {
        settings.log_mode = Some(mode(text(value)?, 0o777)?);
        Ok(())
    }),
    flag(
        "log-size",
        Value("SIZE"),
        Log,
        "rotate a log of more than this, between runs [10 MiB]",
        |settings, value| {
            settings.log_size = Some(ByteSize::parse(text(value)?)?);
            Ok(())
        },
    ),
    flag("log-keep", Value("N"), Log, "keep so many rotated logs [5]", |settings, value| {
        settings.log_keep = Some(whole(text(value)?, 0, 1000)?);
        Ok(())
    }),
    flag("state-dir", Value("DIR"), Log, "where log and run record are", |settings, value| {
        settings.state_dir = Some(path(value)?);
        Ok(())
    })
    .more("Default: HOME/.local/state/futodama, with the HOME of --home, never that of config.env."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once_and_each_row_has_help() {
        for (index, flag) in FLAGS.iter().enumerate() {
            assert!(!FLAGS.iter().skip(index + 1).any(|other| other.long == flag.long), "{}", flag.long);
            assert!(!flag.help.is_empty() && !flag.help.ends_with('.'), "{}", flag.long);
            assert!(flag.help.len() <= 64, "{}: the line of -h is too long", flag.long);
        }
    }
}
