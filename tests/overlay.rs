//! What people are shown on the base that they have: a container made as s6-overlay v3 and linuxserver's images make
//! it, with and without Docker. One table holds what each command says in each situation.

mod support;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use support::docker::{Base, have_containers};
use support::overlay::{Contents, Overlay, RemovesImage, Runtime};
use support::{PATIENCE, needs};

/// Beside the service in question there are `beat`, a loop, and `web`, which stays up: definitions that `futo sync`
/// publishes; and `svc-app`, a loop that s6-rc starts. All three work, unless the situation says otherwise.
///
/// `sync`: the word for the service, and the exit code. `status`: the state. `json`: `state` and `verdict`.
/// `metric`: `futo_service_healthy`. `health`: the word for the service, or the line that counts them, and the exit
/// code. `check`: whether there is something to fix, and the exit code.
const MATRIX: &str = "
situation          | service     | sync        | status       | json                   | metric | health                 | check
all healthy        | beat        | published 0 | waiting      | waiting healthy        | 1      | 3 healthy 0            | fine 0
a longrun of s6-rc | svc-app     | -           | waiting      | waiting healthy        | 1      | 3 healthy 0            | fine 0
failing loop       | report      | -           | failing      | failing unhealthy      | 0      | failing 1              | problem 1
unspawnable run    | tool        | -           | cannot-start | cannot-start unhealthy | 0      | cannot-start 1         | problem 1
unreadable record  | beat        | published 0 | unknown      | unknown unhealthy      | 0      | unknown 1              | problem 1
full volume        | beat        | published 0 | unknown      | unknown unhealthy      | 0      | unknown 1              | problem 1
state moved away   | beat        | published 0 | unknown      | unknown unhealthy      | 0      | unknown 1              | problem 1
state of root      | beat        | published 0 | unknown      | unknown unhealthy      | 0      | unknown 1              | problem 1
no such user       | nobodys     | -           | resting      | resting unhealthy      | 0      | resting 1              | problem 1
stopped by SIGSTOP | beat        | published 0 | paused       | paused unhealthy       | 0      | paused 1               | problem 1
disabled           | idle        | published 0 | down         | down stopped           | 1      | 3 healthy, 1 stopped 0 | fine 0
unpublished        | late        | -           | unpublished  | unpublished unhealthy  | 0      | unpublished 1          | problem 1
PUID changed       | beat        | failed 1    | unpublished  | unpublished unhealthy  | 0      | unpublished 1          | problem 1
failing oneshot    | beat        | published 0 | waiting      | waiting healthy        | 1      | 3 healthy 0            | fine 0
";

/// A situation: what is in the container, and what happens in it after the boot.
struct Situation {
    contents: Contents,
    after: &'static str,
    /// What the boot prints.
    boot_says: &'static str,
}

/// The volume as the first init script finds it: abc's definitions.
const PREPARE: &str = r#"#!/bin/sh
define() {
    mkdir -p "/config/s6-services/$1"
    printf '#!/bin/sh\nexec futo-launch %s\n' "$2" > "/config/s6-services/$1/run"
    chmod 0755 "/config/s6-services/$1/run"
}
define beat '--interval 1000 -- true'
define web '-- sleep infinity'
chown -R abc:abc /config/s6-services
"#;

fn situation(name: &str) -> Situation {
    let app = "etc/s6-overlay/s6-rc.d/svc-app";
    let contents = Contents::default()
        .variable("PUID=1000")
        .variable("PGID=1000")
        .program("custom-cont-init.d/50-futo", "#!/bin/sh\nexec futo sync\n")
        .program(&format!("{app}/run"), "#!/bin/sh\nexec futo-launch --interval 1000 -- true\n")
        .file(&format!("{app}/type"), "longrun\n");
    let prepare = |contents: Contents, more: &str| {
        contents.program("custom-cont-init.d/10-prepare", &format!("{PREPARE}{more}"))
    };
    let (contents, after, boot_says) = match name {
        "all healthy" | "a longrun of s6-rc" => (prepare(contents, ""), "", ""),
        "failing loop" => {
            let run = "#!/bin/sh\nexport MODE=daily\nset -e\nexec futo-launch --interval 1000 -- false\n";
            (prepare(contents, "").file("custom-services.d/report", run), "", "")
        }
        "unspawnable run" => {
            let run = "#!/usr/bin/no-such-shell\nexec futo-launch -- true\n";
            (prepare(contents, "").file("custom-services.d/tool", run), "", "")
        }
        "unreadable record" => (prepare(contents, ""), "echo '{' > STATE/beat.json", ""),
        "full volume" => (prepare(contents, "dd if=/dev/zero of=/config/fill bs=4096 2>/dev/null\n"), "", ""),
        "state moved away" => (prepare(contents, ""), "mv STATE /config/elsewhere", ""),
        "state of root" => (prepare(contents, "mkdir -p -m 0700 /config/.local/state/futodama\n"), "", ""),
        "no such user" => {
            let run = "#!/bin/sh\nexec futo-launch --user nosuch --interval 1000 -- true\n";
            (prepare(contents, "").file("custom-services.d/nobodys", run), "", "")
        }
        "stopped by SIGSTOP" => {
            (prepare(contents, ""), "kill -STOP \"$(s6-svstat -o pid /run/service/beat)\"", "")
        }
        "disabled" => {
            let more = "define idle '-- sleep infinity'\ntouch /config/s6-services/idle/down\n\
                        chown -R abc:abc /config/s6-services\n";
            (prepare(contents, more), "", "")
        }
        "unpublished" => {
            let after = "cp -a /config/s6-services/beat /config/s6-services/late";
            (prepare(contents, ""), after, "")
        }
        "PUID changed" => {
            let says = "'/config/s6-services/beat' is owned by uid 911, not by root or abc (uid 1000)";
            (prepare(contents, "chown -R 911:911 /config/s6-services/beat\n"), "", says)
        }
        "failing oneshot" => {
            let contents = contents.file("etc/s6-overlay/s6-rc.d/init-data/type", "oneshot\n").file(
                "etc/s6-overlay/s6-rc.d/init-data/up",
                "futo-launch --require NO_SUCH_TOKEN -- sh -c \"exit 3\"\n",
            );
            (prepare(contents, ""), "", "oneshot init-data: exited 100")
        }
        other => panic!("no situation {other:?}"),
    };
    Situation { contents, after, boot_says }
}

/// Where abc's logs and records are.
const STATE: &str = "/config/.local/state/futodama";

/// All that the commands say, in one call.
const ASK: &str = "for command in 'status' 'status --json' 'status --prometheus' 'health' 'check --json'; do \
                   echo \"== $command\"; futo $command 2>/dev/null; echo \"exit $?\"; done";

/// The cells of a row, but the first two.
fn cells(overlay: &Overlay, service: &str) -> Vec<String> {
    let (page, _) = overlay.run(ASK);
    let part = |command: &str| {
        let part = page.split("== ").find_map(|part| part.strip_prefix(&format!("{command}\n")));
        let (text, exit) = part.and_then(|part| part.trim_end().rsplit_once("exit ")).unwrap_or_default();
        (text.to_string(), exit.to_string())
    };
    let log = overlay.log();
    let line = log.lines().find(|line| line.contains(&format!("sync: service={service} ")));
    let exit = log.lines().find_map(|line| line.strip_prefix("[custom-init] 50-futo: exited "));
    let sync = match line.and_then(|line| line.split_once("action=")) {
        Some((_, word)) => format!("{word} {}", exit.unwrap_or("none")),
        None => "-".to_string(),
    };
    let status = part("status").0;
    let line = status.lines().find(|line| line.split_whitespace().next() == Some(service));
    let status = line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or("-").to_string();
    let json: serde_json::Value = serde_json::from_str(&part("status --json").0).unwrap_or_default();
    let row = json["services"].as_array().and_then(|rows| rows.iter().find(|row| row["name"] == service));
    let text = |key: &str| row.and_then(|row| row[key].as_str()).unwrap_or("-").to_string();
    let label = format!("futo_service_healthy{{service=\"{service}\"}} ");
    let metrics = part("status --prometheus").0;
    let metric = metrics.lines().find_map(|line| line.strip_prefix(&label)).unwrap_or("-").to_string();
    let (health, exit) = part("health");
    let named = health.lines().find_map(|line| line.strip_prefix(&format!("{service}: ")));
    let word = named.map_or(health.lines().next().unwrap_or("-"), |said| {
        said.split_once(':').map_or(said, |(word, _)| word)
    });
    let health = format!("{word} {exit}");
    let (check, exit) = part("check --json");
    let check: serde_json::Value = serde_json::from_str(&check).unwrap_or_default();
    let row = check["services"].as_array().and_then(|rows| rows.iter().find(|row| row["name"] == service));
    let findings = row.and_then(|row| row["findings"].as_array());
    let verdict = match findings.map(|findings| findings.iter().any(|each| each["weight"] == "problem")) {
        None => "-",
        Some(true) => "problem",
        Some(false) => "fine",
    };
    vec![
        sync,
        status,
        format!("{} {}", text("state"), text("verdict")),
        metric,
        health,
        format!("{verdict} {exit}"),
    ]
}

/// Runs all rows of the table, a few at once; gives those that differ, as rows.
fn matrix(runtime: Runtime) -> Vec<String> {
    let rows = Mutex::new(MATRIX.lines().skip(2));
    let next = || rows.lock().expect("no other has panicked").next();
    let work = || std::iter::from_fn(next).flat_map(|line| row(runtime, line)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("its rows ran")).collect()
    })
}

/// Boots one situation; gives what differs from the row.
fn row(runtime: Runtime, line: &str) -> Vec<String> {
    let cells_of_row: Vec<String> = line.split('|').map(|cell| cell.trim().to_string()).collect();
    let [name, service, expected @ ..] = &cells_of_row[..] else { panic!("{line}") };
    let Situation { contents, after, boot_says } = situation(name);
    let service = match service.as_str() {
        // linuxserver's prefix
        "report" | "tool" | "nobodys" => format!("custom-svc-{service}"),
        service => service.to_string(),
    };
    let overlay = Overlay::boot(runtime, &contents);
    assert!(overlay.log().contains(boot_says), "{name}: {}", overlay.log());
    if !after.is_empty() {
        overlay.wait_for(&["beat", "svc-app"].map(|name| format!("grep -q last_end {STATE}/{name}.json")));
        let (_, code) = overlay.run(&after.replace("STATE", STATE));
        assert_eq!(code, 0, "{name}: {after}");
    }
    // a service is given some seconds before it counts as one that cannot be started, or has no record
    let start = Instant::now();
    let mut found = cells(&overlay, &service);
    while found != expected && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
        found = cells(&overlay, &service);
    }
    let mut wrong = Vec::new();
    if found != expected {
        eprintln!("{name}, {runtime:?}:\n{}\n{}", overlay.log(), overlay.run(ASK).0);
        wrong.push(format!("expected {line}\n   found {name} | {service} | {}", found.join(" | ")));
    }
    if name == "all healthy" {
        wrong.extend(what_is_shown(&overlay));
    }
    wrong
}

/// Services that are not ours are in `status` with `--all` only; gives what is wrong.
fn what_is_shown(overlay: &Overlay) -> Option<String> {
    let names = |command: &str| {
        let (page, _) = overlay.run(&format!("{command} 2>/dev/null"));
        let rows = page.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        rows.filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let ours = ["beat", "svc-app", "web"];
    let all = [
        "beat",
        "s6-linux-init-shutdownd",
        "s6rc-fdholder",
        "s6rc-oneshot-runner",
        "svc-app",
        "svc-cron",
        "web",
    ];
    let found = (names("futo status"), names("futo status --all"));
    (found.0 != ours || found.1 != all).then(|| format!("expected {ours:?} and {all:?}\n   found {found:?}"))
}

/// A service that is written as these images have it, and ours: the same variables, the same umask.
fn the_worker_finds_what_with_contenv_gives(runtime: Runtime) {
    let show =
        "{ umask; printenv TOKEN; printenv S6_KEEP_ENV; id -u; } > /run/seen/$0 2>&1; exec sleep infinity";
    let theirs = format!(
        "#!/usr/local/bin/with-contenv sh\nexec setpriv --reuid abc --regid abc --init-groups sh -c '{show}' theirs\n"
    );
    let ours = format!("#!/bin/sh\nexec futo-launch -- sh -c '{show}' ours\n");
    let contents = Contents::default()
        .variable("PUID=1000")
        .variable("UMASK=002")
        .variable("TOKEN=two words = one")
        .program("custom-cont-init.d/10-prepare", "#!/bin/sh\nmkdir -m 0777 /run/seen\n")
        .file("custom-services.d/theirs", &theirs)
        .file("custom-services.d/ours", &ours);
    let overlay = Overlay::boot(runtime, &contents);
    overlay.wait_for(&["ours", "theirs"].map(|name| format!("grep -qx 1000 /run/seen/{name}")));
    let seen = |name: &str| overlay.run(&format!("cat /run/seen/{name}")).0;
    assert_eq!(seen("theirs"), "0002\ntwo words = one\n1000\n");
    assert_eq!(seen("ours"), seen("theirs"));
}

/// What runs in the oneshot runner's service directory is not supervised: it ends, with its code, and does not
/// share the runner's name.
fn oneshots_end(runtime: Runtime) {
    let mut contents = Contents::default()
        .program("usr/local/bin/load-data", "#!/bin/sh\nexit 0\n")
        .program("usr/local/bin/load-more", "#!/bin/sh\nexit 3\n");
    for (name, command) in [
        ("one-good", "futo-launch --once -- load-data"),
        ("two-failing", "futo-launch -- load-more"),
        ("three-wrong", "futo-launch --interval nonsense -- load-data"),
        ("four-lacking", "futo-launch --require NO_SUCH_TOKEN -- load-data"),
        ("five-missing", "futo-launch -- no-such-program"),
        ("six-nobodys", "futo-launch --user nosuch -- load-data"),
    ] {
        let source = format!("etc/s6-overlay/s6-rc.d/init-{name}");
        contents =
            contents.file(&format!("{source}/type"), "oneshot\n").file(&format!("{source}/up"), command);
    }
    let overlay = Overlay::boot(runtime, &contents);
    let log = overlay.log();
    for (name, code) in [
        ("one-good", 0),
        ("two-failing", 3),
        ("three-wrong", 100),
        ("four-lacking", 100),
        ("five-missing", 127),
        ("six-nobodys", 100),
    ] {
        assert!(log.contains(&format!("oneshot init-{name}: exited {code}\n")), "{name}: {log}");
    }
    let (files, _) = overlay.run(&format!("ls {STATE} 2>/dev/null"));
    assert!(!files.contains("oneshot-runner"), "{files}");
}

/// All that is held in one kind of container.
fn holds(runtime: Runtime) {
    let _removes = (runtime == Runtime::Docker).then_some(RemovesImage);
    the_worker_finds_what_with_contenv_gives(runtime);
    oneshots_end(runtime);
    let wrong = matrix(runtime);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn in_namespaces_of_our_own() {
    needs!(root, "s6-svscan", "execlineb", "unshare");
    holds(Runtime::Namespaces);
}

#[test]
fn in_a_docker_container() {
    needs!(root);
    if have_containers(Base::Trixie) {
        holds(Runtime::Docker);
    }
}
