//! The table of cases, and what its words mean.

use crate::Case;

/// Given:
/// - `profile NAME JSON`: a profile with this state file; without JSON it has none
/// - `root JSON`: the state file of the home itself
/// - `file PATH TEXT`, `dir PATH`: below the home, of hermes'
/// - `scan-dir PATH`: a directory in the scan directory, of root's
/// - `env NAME=VALUE`, `options WORDS`
/// - `command WORDS`: of the container, as s6-overlay v2 starts its wrapper; `command-v3`: as v3 does;
///   `command-of-hermes`: a process of hermes that claims the words
/// - `boot`: once more before
///
/// Expected:
/// - `says LINES`: stdout is exactly this, by `; `
/// - `line TEXT`: stdout has this line
/// - `log TEXT`: the boot log has this line after the time
/// - `up NAME`, `down NAME` (its logger too), `absent NAME`: the service directory
/// - `there PATH`, `gone PATH`: below the home; `scan-gone PATH`
/// - `has PATH TEXT`, `lacks PATH TEXT`: below the home; `scan-has`, `scan-lacks`: below the scan directory
/// - `mode PATH MODE`: below the scan directory
/// - `stderr TEXT`, `code NUMBER` (0 without)
pub const CASES: &[Case] = &[
    // the state decides
    Case(
        "a profile that was running is started",
        "profile coder {\"gateway_state\":\"running\"}",
        "up gateway-coder\nline reconcile: profile=coder prior_state=running action=started",
    ),
    Case(
        "its logger is started with it",
        "profile coder {\"gateway_state\":\"running\"}",
        "scan-gone gateway-coder/log/down\nscan-has gateway-coder/log/run s6-log",
    ),
    Case(
        "a stopped profile is registered",
        "profile writer {\"gateway_state\":\"stopped\"}",
        "down gateway-writer\nline reconcile: profile=writer prior_state=stopped action=registered",
    ),
    Case(
        "its logger is down too: two containers share the log",
        "profile writer {\"gateway_state\":\"stopped\"}",
        "mode gateway-writer/log/down 0644 0:0",
    ),
    Case(
        "startup_failed is not started: no crash loop",
        "profile broken {\"gateway_state\":\"startup_failed\"}",
        "down gateway-broken",
    ),
    Case(
        "starting is a death in mid-boot",
        "profile unlucky {\"gateway_state\":\"starting\"}",
        "down gateway-unlucky\nline reconcile: profile=unlucky prior_state=starting action=registered",
    ),
    Case(
        "draining was running",
        "profile a {\"gateway_state\":\"draining\"}",
        "up gateway-a\nline reconcile: profile=a prior_state=running action=started",
    ),
    Case(
        "degraded was running",
        "profile a {\"gateway_state\":\"degraded\"}",
        "up gateway-a\nline reconcile: profile=a prior_state=running action=started",
    ),
    Case(
        "draining is not a desired state",
        "profile a {\"desired_state\":\"draining\"}",
        "down gateway-a\nline reconcile: profile=a prior_state=draining action=registered",
    ),
    Case(
        "degraded is not a desired state",
        "profile a {\"desired_state\":\"degraded\",\"gateway_state\":\"running\"}",
        "down gateway-a",
    ),
    Case(
        "the desired state wins over a failed start",
        "profile a {\"gateway_state\":\"startup_failed\",\"desired_state\":\"running\"}",
        "up gateway-a\nline reconcile: profile=a prior_state=running action=started",
    ),
    Case(
        "the desired state wins over a running process",
        "profile quiet {\"gateway_state\":\"running\",\"desired_state\":\"stopped\"}",
        "down gateway-quiet\nline reconcile: profile=quiet prior_state=stopped action=registered",
    ),
    Case(
        "a desired state of null is none",
        "profile a {\"desired_state\":null,\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    Case(
        "both null is no state",
        "profile a {\"desired_state\":null,\"gateway_state\":null}",
        "down gateway-a\nline reconcile: profile=a prior_state=None action=registered",
    ),
    Case(
        "an empty desired state is one",
        "profile a {\"desired_state\":\"\",\"gateway_state\":\"running\"}",
        "down gateway-a",
    ),
    Case(
        "no state file is no state",
        "profile fresh",
        "down gateway-fresh\nline reconcile: profile=fresh prior_state=None action=registered",
    ),
    Case(
        "a corrupt state file is no state",
        "profile junk { not valid json",
        "down gateway-junk\nline reconcile: profile=junk prior_state=None action=registered\nstderr unable to read 'gateway_state.json'",
    ),
    Case(
        "case and blanks count",
        "profile a {\"gateway_state\":\"Running\"}\nprofile b {\"gateway_state\":\"running \"}",
        "down gateway-a\ndown gateway-b",
    ),
    Case(
        "of a key twice the last counts",
        "profile a {\"gateway_state\":\"stopped\",\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    Case("NaN is read", "profile a {\"load\":NaN,\"gateway_state\":\"running\"}", "up gateway-a"),
    Case(
        "Infinity is read",
        "profile a {\"gateway_state\":\"running\",\"load\":[-Infinity,Infinity]}",
        "up gateway-a",
    ),
    Case("1e999 is read", "profile a {\"load\":1e999,\"gateway_state\":\"running\"}", "up gateway-a"),
    Case(
        "a lone surrogate is read",
        "profile a {\"gateway_state\":\"running\",\"platforms\":{\"x\":\"\\udcff\"}}",
        "up gateway-a",
    ),
    Case(
        "a lone surrogate in a key is read",
        "profile a {\"\\ud800\":1,\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    Case(
        "a byte order mark is passed over",
        "profile a \u{feff}{\"gateway_state\":\"running\"}",
        "up gateway-a",
    ),
    // which profiles there are
    Case(
        "the home itself is the profile default",
        "",
        "says reconcile: profile=default prior_state=None action=registered\ndown gateway-default",
    ),
    Case(
        "default is started if it was running",
        "root {\"gateway_state\":\"running\"}",
        "up gateway-default\nline reconcile: profile=default prior_state=running action=started",
    ),
    Case(
        "default stays down if it was stopped",
        "root {\"gateway_state\":\"stopped\"}\ncommand gateway run",
        "down gateway-default\nhas gateway_state.json stopped",
    ),
    Case(
        "default stays down if its start has failed",
        "root {\"gateway_state\":\"startup_failed\"}",
        "down gateway-default",
    ),
    Case(
        "default comes first, the others by name",
        "profile zeta\nprofile alpha",
        "says reconcile: profile=default prior_state=None action=registered; reconcile: profile=alpha prior_state=None action=registered; reconcile: profile=zeta prior_state=None action=registered",
    ),
    Case("a directory without SOUL.md is not a profile", "dir profiles/stray", "absent gateway-stray"),
    Case(
        "a file is not a profile",
        "dir profiles\nfile profiles/README text",
        "says reconcile: profile=default prior_state=None action=registered",
    ),
    Case("no profiles directory is fine", "", "down gateway-default"),
    Case(
        "profiles/default would take the home's name",
        "profile default {\"gateway_state\":\"running\"}",
        "down gateway-default\nstderr 'profiles/default' is skipped",
    ),
    Case(
        "differs: a bad name fails alone, and all others go on",
        "profile BadName {\"gateway_state\":\"running\"}\nprofile coder {\"gateway_state\":\"running\"}",
        "line reconcile: profile=BadName prior_state=None action=failed\nup gateway-coder\ncode 1",
    ),
    // what a service is
    Case(
        "a service has run, finish, type and a logger",
        "profile coder",
        "mode gateway-coder/run 0755 0:0\nmode gateway-coder/finish 0755 0:0\nmode gateway-coder/type 0644 0:0\nmode gateway-coder/log/run 0755 0:0",
    ),
    Case(
        "run is that of the profile",
        "profile coder",
        "scan-has gateway-coder/run hermes -p coder gateway run --replace",
    ),
    Case(
        "default's run names no profile",
        "",
        "scan-has gateway-default/run hermes gateway run --replace\nscan-lacks gateway-default/run -p default",
    ),
    Case(
        "the gateway knows that it is supervised",
        "profile coder",
        "scan-has gateway-coder/run HERMES_S6_SUPERVISED_CHILD=1\nscan-has gateway-coder/run HERMES_SUPERVISED_CHILD=1\nscan-has gateway-default/run HERMES_S6_SUPERVISED_CHILD=1",
    ),
    Case(
        "finish ends restarts after 0 and 78",
        "profile coder",
        "scan-has gateway-coder/finish 0|78) exit 125",
    ),
    Case(
        "the logger copies to stdout, and stamps its files",
        "profile coder",
        "scan-has gateway-coder/log/run s6-log 1 n10 s1000000 T ",
    ),
    Case(
        "hermes may control it",
        "profile coder",
        "mode gateway-coder/supervise/control 0620 0:10000\nmode gateway-coder/log/supervise/control 0620 0:10000",
    ),
    Case(
        "nothing is left of the making",
        "profile coder",
        "scan-gone .gateway-coder.tmp\nscan-gone .futo-new-gateway-coder",
    ),
    Case(
        "what a killed module has left half made goes",
        "scan-dir .gateway-coder.tmp\nscan-dir .gateway-coder.tmp/log\nscan-dir gateway-coder.tmp\nscan-dir gateway-coder.tmp/log\nprofile coder",
        "scan-gone .gateway-coder.tmp\nscan-gone gateway-coder.tmp\ndown gateway-coder",
    ),
    Case(
        "a second boot changes the state and nothing else",
        "profile coder {\"gateway_state\":\"running\"}\nboot\nprofile coder {\"gateway_state\":\"stopped\"}",
        "down gateway-coder\nscan-has gateway-coder/run hermes -p coder gateway run --replace",
    ),
    Case(
        "a second boot starts what was started meanwhile",
        "profile coder\nboot\nprofile coder {\"desired_state\":\"running\"}",
        "up gateway-coder",
    ),
    // stale files
    Case(
        "files of processes that are gone are removed",
        "profile coder {\"gateway_state\":\"running\"}\nfile profiles/coder/gateway.pid 9\nfile profiles/coder/processes.json []",
        "gone profiles/coder/gateway.pid\ngone profiles/coder/processes.json",
    ),
    Case(
        "in the home too",
        "root {\"gateway_state\":\"running\"}\nfile gateway.pid 9\nfile processes.json []",
        "gone gateway.pid\ngone processes.json",
    ),
    Case(
        "of a profile that stays down too",
        "profile coder\nfile profiles/coder/gateway.pid 9",
        "gone profiles/coder/gateway.pid",
    ),
    // the boot log
    Case(
        "the boot log has a line per profile",
        "profile a {\"gateway_state\":\"running\"}\nprofile b {\"gateway_state\":\"stopped\"}",
        "log profile=default prior_state=None action=registered prior_exit=unknown\nlog profile=a prior_state=running action=started prior_exit=unknown\nlog profile=b prior_state=stopped action=registered prior_exit=unknown",
    ),
    Case(
        "stdout has no prior_exit",
        "profile a",
        "line reconcile: profile=a prior_state=None action=registered",
    ),
    Case(
        "phase exited is a clean exit",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":\"exited\",\"exit_code\":0}",
        "log profile=a prior_state=None action=registered prior_exit=clean",
    ),
    Case(
        "phase running is an unclean exit",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":\"running\",\"pid\":7}",
        "log profile=a prior_state=None action=registered prior_exit=unclean",
    ),
    Case(
        "the home has its own",
        "dir state\nfile state/gateway.lifecycle.json {\"phase\":\"running\"}",
        "log profile=default prior_state=None action=registered prior_exit=unclean",
    ),
    Case(
        "any other phase is unknown",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":\"paused\"}",
        "log profile=a prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a lifecycle that cannot be read is unknown",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json {\"phase\":",
        "log profile=a prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a lifecycle that is a list is unknown",
        "profile a\ndir profiles/a/state\nfile profiles/a/state/gateway.lifecycle.json [1]",
        "log profile=a prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a full boot log becomes .1",
        "options boot-log-size=10\ndir logs\nfile logs/container-boot.log XXXXXXXXXXXXXXXX",
        "has logs/container-boot.log.1 XXXX\nlacks logs/container-boot.log XXXX\nlog profile=default prior_state=None action=registered prior_exit=unknown",
    ),
    Case(
        "a small one is appended to",
        "dir logs\nfile logs/container-boot.log previous",
        "gone logs/container-boot.log.1\nhas logs/container-boot.log previous",
    ),
    Case(
        "an older .1 is replaced",
        "options boot-log-size=10\ndir logs\nfile logs/container-boot.log YYYYYYYYYYYYYYYY\nfile logs/container-boot.log.1 OLD",
        "has logs/container-boot.log.1 YYYY\nlacks logs/container-boot.log.1 OLD",
    ),
    Case(
        "a dry run says the same and touches nothing",
        "profile coder {\"gateway_state\":\"running\"}\nfile profiles/coder/gateway.pid 9\noptions --dry-run",
        "line reconcile: profile=coder prior_state=running action=started\nthere profiles/coder/gateway.pid\nabsent gateway-coder\ngone logs/container-boot.log",
    ),
    // a container whose command is the dashboard
    Case(
        "a dashboard container does nothing",
        "profile worker {\"gateway_state\":\"running\"}\nfile profiles/worker/gateway.pid 9\ncommand dashboard",
        "absent gateway-worker\nabsent gateway-default\nsays reconcile: skipped: the container's command is 'dashboard'\nthere profiles/worker/gateway.pid\ngone logs/container-boot.log",
    ),
    Case(
        "with options too",
        "profile worker {\"gateway_state\":\"running\"}\ncommand dashboard --host 127.0.0.1 --no-open",
        "absent gateway-worker",
    ),
    Case(
        "with hermes before it",
        "profile worker {\"gateway_state\":\"running\"}\ncommand hermes dashboard",
        "absent gateway-worker",
    ),
    Case(
        "under s6-overlay v3",
        "profile worker {\"gateway_state\":\"running\"}\ncommand-v3 dashboard --host 0.0.0.0 --port 9119 --no-open --insecure",
        "absent gateway-worker\nabsent gateway-default",
    ),
    Case(
        "a gateway container is none",
        "profile worker {\"gateway_state\":\"running\"}\ncommand gateway run",
        "up gateway-worker",
    ),
    Case(
        "nor is one whose profile is called so",
        "profile worker {\"gateway_state\":\"running\"}\ncommand gateway run -p dashboard",
        "up gateway-worker",
    ),
    Case(
        "nor is a chat",
        "profile worker {\"gateway_state\":\"running\"}\ncommand chat",
        "up gateway-worker",
    ),
    Case(
        "a variable of an old version does not skip",
        "profile worker {\"gateway_state\":\"running\"}\nenv HERMES_SKIP_PROFILE_RECONCILE=1\ncommand gateway run",
        "up gateway-worker",
    ),
    Case(
        "a process of hermes cannot claim to be the command",
        "profile worker {\"gateway_state\":\"running\"}\ncommand-of-hermes dashboard",
        "up gateway-worker",
    ),
    // multiplexing
    Case(
        "multiplexing by the file keeps named ones down",
        "profile coder {\"gateway_state\":\"running\"}\nroot {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true",
        "down gateway-coder\nup gateway-default\nline reconcile: profile=coder prior_state=running action=registered",
    ),
    Case(
        "also where it stands under gateway",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml gateway: {port: 1, multiplex_profiles: yes}",
        "down gateway-coder",
    ),
    Case(
        "the variable wins over the file: no",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true\nenv GATEWAY_MULTIPLEX_PROFILES=false",
        "up gateway-coder",
    ),
    Case(
        "the variable wins over the file: yes",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: false\nenv GATEWAY_MULTIPLEX_PROFILES=true",
        "down gateway-coder",
    ),
    Case(
        "an empty variable leaves it to the file",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true\nenv GATEWAY_MULTIPLEX_PROFILES=",
        "down gateway-coder",
    ),
    Case(
        "so does one that says neither",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml multiplex_profiles: true\nenv GATEWAY_MULTIPLEX_PROFILES=maybe",
        "down gateway-coder",
    ),
    Case(
        "a file that is not YAML leaves it to the variable",
        "profile coder {\"gateway_state\":\"running\"}\nfile config.yaml [: true\nenv GATEWAY_MULTIPLEX_PROFILES=true",
        "down gateway-coder",
    ),
    // containers from before there was a supervisor
    Case(
        "`gateway run` as the command seeds a state",
        "command gateway run",
        "up gateway-default\nline reconcile: profile=default prior_state=running action=started\nhas gateway_state.json \"gateway_state\":\"running\"\nhas gateway_state.json \"desired_state\":\"running\"\nhas gateway_state.json \"migrated_from\":\"legacy-container-cmd\"",
    ),
    Case("so does `hermes gateway run`", "command hermes gateway run", "up gateway-default"),
    Case("and under s6-overlay v3", "command-v3 gateway run", "up gateway-default"),
    Case(
        "--no-supervise does not",
        "command gateway run --no-supervise",
        "down gateway-default\ngone gateway_state.json",
    ),
    Case(
        "the variable does not",
        "command gateway run\nenv HERMES_GATEWAY_NO_SUPERVISE=1",
        "down gateway-default\ngone gateway_state.json",
    ),
    Case(
        "a state that is there is left alone",
        "root {\"gateway_state\":\"stopped\"}\ncommand gateway run",
        "down gateway-default\nlacks gateway_state.json migrated_from",
    ),
    Case(
        "a corrupt one too",
        "root {\ncommand gateway run",
        "down gateway-default\nlacks gateway_state.json migrated_from",
    ),
    Case(
        "another command does not",
        "command gateway status",
        "down gateway-default\ngone gateway_state.json",
    ),
    Case(
        "nor does it seed a profile",
        "profile coder\ncommand gateway run",
        "down gateway-coder\ngone profiles/coder/gateway_state.json",
    ),
    Case(
        "a dry run seeds nothing",
        "command gateway run\noptions --dry-run",
        "line reconcile: profile=default prior_state=running action=started\ngone gateway_state.json",
    ),
];
