//! Options of other tools, and what replaces them here.

use crate::options::HasValue::{self, Unknown, Yes};

/// (the option, whether it has a value, what to write instead)
const FOREIGN: &[(&str, HasValue, &str)] = &[
    ("-u", Yes, "--user USER[:GROUP]"),
    ("-U", Yes, "--user USER[:GROUP]"),
    ("-g", Yes, "--user USER:GROUP"),
    ("-G", Yes, "--groups GROUP,…"),
    ("--uid", Yes, "--user UID:GID"),
    ("--gid", Yes, "--user USER:GROUP"),
    ("--reuid", Yes, "--user USER[:GROUP]"),
    ("--regid", Yes, "--user USER:GROUP"),
    ("--setuid", Yes, "--user USER[:GROUP]"),
    ("--init-groups", Unknown, "not needed: the user's groups are the default"),
    ("--clear-groups", Unknown, "--groups none"),
    ("--supplementary-groups", Yes, "--groups GROUP,…"),
    ("-e", Yes, "--env NAME=VALUE"),
    ("--environment", Yes, "--env NAME=VALUE"),
    ("--setenv", Yes, "--env NAME=VALUE"),
    ("--environment-file", Yes, "--env-file PATH"),
    ("--envfile", Yes, "--env-file PATH"),
    ("-i", Unknown, "--clear-env"),
    ("--ignore-environment", Unknown, "--clear-env"),
    ("-w", Yes, "--chdir DIR"),
    ("-d", Yes, "--chdir DIR"),
    ("-C", Yes, "--chdir DIR"),
    ("--workdir", Yes, "--chdir DIR"),
    ("--cwd", Yes, "--chdir DIR"),
    ("--working-directory", Yes, "--chdir DIR"),
    ("--directory", Yes, "--chdir DIR"),
    ("-n", Yes, "--nice N"),
    ("-o", Yes, "--ulimit nofile=N"),
    ("--rlimit", Yes, "--ulimit NAME=SOFT[:HARD]"),
    ("--no-new-privileges", Unknown, "--no-new-privs"),
    ("--bounding-set", Unknown, "--cap-drop all"),
    ("--cap-add", Unknown, "not supported: a non-root worker has no capabilities"),
    ("--capability-bounding-set", Unknown, "--cap-drop all"),
    ("--cron", Yes, "--schedule WHEN"),
    ("--on-calendar", Yes, "--schedule WHEN"),
    ("--calendar", Yes, "--schedule WHEN"),
    ("--crontab", Yes, "--schedule WHEN"),
    ("--on-unit-active", Yes, "--every DURATION"),
    ("--rate", Yes, "--every DURATION"),
    ("--randomized-delay", Yes, "--splay DURATION"),
    ("--random-delay", Yes, "--splay DURATION"),
    ("--jitter", Yes, "--splay DURATION"),
    ("--persistent", Unknown, "--persist"),
    ("--catch-up", Unknown, "--persist"),
    ("--tz", Yes, "--schedule 'WHEN ZONE'"),
    ("--timezone", Yes, "--schedule 'WHEN ZONE'"),
    ("--flock", Yes, "--lock PATH"),
    ("--lock-file", Yes, "--lock PATH"),
    ("--on-error", Yes, "--on-failure COMMAND"),
    ("--exec-condition", Yes, "--wait-for cmd:COMMAND"),
    ("--condition-path-exists", Yes, "--if-file PATH"),
    ("--notify", Unknown, "--ready sd_notify"),
    ("--sleep", Yes, "--interval DURATION"),
    ("--period", Yes, "--interval DURATION"),
    ("--restart-sec", Yes, "--interval DURATION"),
    ("--restart", Unknown, "--interval 5 --backoff 2:5m"),
    ("--kill-after", Yes, "--grace DURATION"),
    ("--stop-timeout", Yes, "--grace DURATION"),
    ("--kill-signal", Yes, "--stop-signal SIGNAL"),
    ("--signal", Yes, "--stop-signal SIGNAL"),
    ("--delay", Yes, "--initial-delay DURATION"),
    ("--logfile", Yes, "--log PATH"),
    ("--log-file", Yes, "--log PATH"),
    ("--output", Yes, "--log PATH"),
    ("--stdout", Yes, "--log PATH"),
    ("--config", Yes, "--file PATH"),
    ("--dry-run", Unknown, "--explain"),
];

/// What replaces a foreign option, given with its dashes.
pub(super) fn replacement(option: &str) -> Option<&'static str> {
    find(option).map(|(.., replacement)| *replacement)
}

/// Whether an unknown option, given with its dashes, has a value; known only of foreign ones.
pub(super) fn has_value(option: &str) -> HasValue {
    find(option).map_or(Unknown, |(_, has_value, _)| *has_value)
}

fn find(option: &str) -> Option<&'static (&'static str, HasValue, &'static str)> {
    FOREIGN.iter().find(|(foreign, ..)| *foreign == option)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::flags;

    #[test]
    fn answers_with_options_that_exist() {
        for (foreign, _, replacement) in FOREIGN {
            let long = foreign.trim_start_matches('-');
            let exists = |word: &str| flags::all().any(|flag| flag.long == word);
            assert!(foreign.len() == 2 || !exists(long), "{foreign} exists here");
            for word in replacement.split(' ').filter_map(|word| word.strip_prefix("--")) {
                assert!(exists(word), "{foreign} is answered with --{word}");
            }
        }
    }
}
