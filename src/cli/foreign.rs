//! Options of other tools, and what replaces them here.

/// (the option, what to write instead)
const FOREIGN: &[(&str, &str)] = &[
    ("-u", "--user USER[:GROUP]"),
    ("-U", "--user USER[:GROUP]"),
    ("-g", "--user USER:GROUP"),
    ("-G", "--groups GROUP,…"),
    ("--uid", "--user UID:GID"),
    ("--gid", "--user USER:GROUP"),
    ("--reuid", "--user USER[:GROUP]"),
    ("--regid", "--user USER:GROUP"),
    ("--setuid", "--user USER[:GROUP]"),
    ("--init-groups", "not needed: the user's groups are the default"),
    ("--clear-groups", "--groups none"),
    ("--supplementary-groups", "--groups GROUP,…"),
    ("-e", "--env NAME=VALUE"),
    ("--environment", "--env NAME=VALUE"),
    ("--setenv", "--env NAME=VALUE"),
    ("--environment-file", "--env-file PATH"),
    ("--envfile", "--env-file PATH"),
    ("-i", "--clear-env"),
    ("--ignore-environment", "--clear-env"),
    ("-w", "--chdir DIR"),
    ("-d", "--chdir DIR"),
    ("-C", "--chdir DIR"),
    ("--workdir", "--chdir DIR"),
    ("--cwd", "--chdir DIR"),
    ("--working-directory", "--chdir DIR"),
    ("--directory", "--chdir DIR"),
    ("-n", "--nice N"),
    ("-o", "--ulimit nofile=N"),
    ("--rlimit", "--ulimit NAME=SOFT[:HARD]"),
    ("--no-new-privileges", "--no-new-privs"),
    ("--bounding-set", "--cap-drop all"),
    ("--cap-add", "not supported: a non-root worker has no capabilities"),
    ("--capability-bounding-set", "--cap-drop all"),
    ("--cron", "--schedule WHEN"),
    ("--on-calendar", "--schedule WHEN"),
    ("--calendar", "--schedule WHEN"),
    ("--crontab", "--schedule WHEN"),
    ("--on-unit-active", "--every DURATION"),
    ("--rate", "--every DURATION"),
    ("--randomized-delay", "--splay DURATION"),
    ("--random-delay", "--splay DURATION"),
    ("--jitter", "--splay DURATION"),
    ("--persistent", "--persist"),
    ("--catch-up", "--persist"),
    ("--tz", "--schedule 'WHEN ZONE'"),
    ("--timezone", "--schedule 'WHEN ZONE'"),
    ("--flock", "--lock PATH"),
    ("--lock-file", "--lock PATH"),
    ("--on-error", "--on-failure COMMAND"),
    ("--exec-condition", "--wait-for cmd:COMMAND"),
    ("--condition-path-exists", "--if-file PATH"),
    ("--notify", "--ready sd_notify"),
    ("--sleep", "--interval DURATION"),
    ("--period", "--interval DURATION"),
    ("--restart-sec", "--interval DURATION"),
    ("--restart", "--interval 5 --backoff 2:5m"),
    ("--kill-after", "--grace DURATION"),
    ("--stop-timeout", "--grace DURATION"),
    ("--kill-signal", "--stop-signal SIGNAL"),
    ("--signal", "--stop-signal SIGNAL"),
    ("--delay", "--initial-delay DURATION"),
    ("--logfile", "--log PATH"),
    ("--log-file", "--log PATH"),
    ("--output", "--log PATH"),
    ("--stdout", "--log PATH"),
    ("--config", "--file PATH"),
    ("--dry-run", "--explain"),
];

/// What replaces a foreign option, given with its dashes.
pub(super) fn ours(option: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(foreign, _)| *foreign == option).map(|(_, ours)| *ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::flags;

    #[test]
    fn answers_with_options_that_exist() {
        for (foreign, ours) in FOREIGN {
            let long = foreign.trim_start_matches('-');
            let is_ours = |word: &str| flags::all().any(|flag| flag.long == word);
            assert!(foreign.len() == 2 || !is_ours(long), "{foreign} exists here");
            for word in ours.split(' ').filter_map(|word| word.strip_prefix("--")) {
                assert!(is_ours(word), "{foreign} is answered with --{word}");
            }
        }
    }
}
