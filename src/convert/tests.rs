//! The patterns of run files, one by one: what each becomes.

use super::*;

fn context() -> Context {
    Context {
        name: "app".to_string(),
        files: vec!["run".to_string()],
        definer: Definer::User,
        launcher: "futo-launch".to_string(),
    }
}

fn with(files: &[&str], definer: Definer) -> Context {
    Context { files: files.iter().map(|file| (*file).to_string()).collect(), definer, ..context() }
}

/// The arguments in the converted run file, and the script without its two first lines.
fn converted(script: &str, context: &Context) -> Result<(String, Option<String>), String> {
    let whole =
        if script.starts_with("#!") { script.to_string() } else { format!("#!/bin/bash\n{script}\n") };
    let made = convert(whole.as_bytes(), context).map_err(|why| why.to_string())?;
    let run = String::from_utf8(made.run).expect("text");
    let line = run.strip_prefix("#!/bin/sh\nexec futo-launch ").expect("a line").trim_end();
    // see output_goes_where_it_went
    let line = line.replacen("--log=- -- ", "-- ", 1);
    let script = made.script.map(|script| String::from_utf8(script.text).expect("text"));
    Ok((line, script.map(|text| text.splitn(3, '\n').nth(2).expect("lines").to_string())))
}

fn line(script: &str) -> String {
    match converted(script, &context()) {
        Ok((line, None)) => line,
        Ok((line, Some(script))) => format!("{line} + {script}"),
        Err(why) => format!("stays: {why}"),
    }
}

fn check(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .map(|(script, expected)| (script, line(script), expected))
        .filter(|(_, line, expected)| line != **expected)
        .map(|(script, line, expected)| format!("{script}\n  expected {expected}\n  but is   {line}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn interpreters_and_shell_options() {
    check(&[
        ("#!/usr/bin/with-contenv bash\nexec s6-setuidgid abc app\n", "-- app"),
        ("#!/command/with-contenv bash\nexec app\n", "-- app"),
        ("#!/usr/bin/env bash\nset -euo pipefail\nexec app\n", "-- app"),
        ("#!/bin/dash\nexec app\n", "-- app"),
        ("#!/bin/bash -e\nexec 2>&1\nexec app\r\n", "-- app"),
        (
            "#!/usr/bin/python3\nprint()\n",
            "stays: line 1: '/usr/bin/python3' is neither a shell nor execline",
        ),
        ("exec 2>&1; exec app a\\ b 'c d' \"e\"", "-- app 'a b' 'c d' e"),
        ("app --flag", "-- app --flag"),
        ("if a; then", "stays: line 3: syntax error: unexpected end of input"),
        ("set -e", "stays: line 2: it starts no program at its end"),
    ]);
}

#[test]
fn users_and_limits() {
    check(&[
        ("exec s6-setuidgid abc python3 /app/main.py", "-- python3 /app/main.py"),
        ("exec s6-setuidgid app app", "--user=app -- app"),
        ("exec s6-setuidgid 1000:1000 app", "--user=1000:1000 --groups=none -- app"),
        ("exec setuidgid abc app", "--groups=none -- app"),
        (
            "exec chpst -u app:app -o 4096 -e ./env app",
            "--user=app --groups=none --ulimit=nofile=4096 --env-dir=./env -- app",
        ),
        ("exec chpst -u abc:users -n 5 app", "--user=abc:users --groups=none --nice=5 -- app"),
        (
            "exec chpst -P -m 1000 app",
            "--ulimit=data=1000 --ulimit=stack=1000 --ulimit=memlock=1000 --ulimit=as=1000 -- app",
        ),
        ("exec su-exec abc app", "-- app"),
        ("exec gosu abc:users app", "--user=abc:users --groups=none -- app"),
        ("exec sudo -u abc -E -- app -x", "-- app -x"),
        ("exec su abc -s /bin/bash -c 'app \"$X\"'", "-- /bin/bash -c 'app \"$X\"'"),
        ("exec setpriv --reuid abc --regid abc --init-groups --no-new-privs app", "--no-new-privs -- app"),
        ("exec setpriv --reuid=abc --regid=abc --clear-groups --inh-caps -all app", "--groups=none -- app"),
        ("exec runuser -u abc -- app", "-- app"),
        ("if [ \"$(id -u)\" = 0 ]; then exec s6-setuidgid abc app; else exec app; fi", "-- app"),
        ("if [[ $(id -u) -eq 0 ]]; then\n exec s6-setuidgid abc app\nelse\n exec app\nfi", "-- app"),
        (
            "umask 027\nulimit -n 4096\nulimit -v 1000\nexec nice -n 5 app",
            "--umask=027 --ulimit=nofile=4096 --ulimit=as=1024000 --nice=5 -- app",
        ),
        ("exec nice -5 app", "--nice=5 -- app"),
        ("ulimit -c unlimited; exec app", "--ulimit=core=unlimited -- app"),
        ("exec tini -g -- app -g", "-- app -g"),
        ("exec uv run --script x.py", "-- uv run --script x.py"),
        ("exec /sbin/nologin-app", "-- /sbin/nologin-app"),
        // a user that is computed, or changed after something that root does, is not moved
        (
            "umask \"${UMASK:-022}\"\nexec s6-setuidgid \"$APP_USER\" app",
            "stays: line 3: the umask is computed: only a fixed value can be an option (line 2): root would have to run it before the user is changed",
        ),
        (
            "cp /secret /tmp/x\nexec s6-setuidgid abc app",
            "stays: line 3: a command that root runs, before the user is changed (line 2): root would have to run it before the user is changed",
        ),
    ]);
}

#[test]
fn directories_and_variables() {
    check(&[
        ("cd /app/www || exit 1\nexec app", "--chdir=/app/www -- app"),
        ("cd \"$(dirname \"$0\")\" || exit\nexec ./app", "-- ./app"),
        ("cd /app && exec ./app", "--chdir=/app -- ./app"),
        ("cd /a\ncd b\nexec app >>c.log 2>&1", "--chdir=/a/b --log=/a/b/c.log -- app"),
        (
            "export LANG=C.UTF-8 PATH=\"/opt/app/bin:$PATH\"\nexec app",
            "--env=LANG=C.UTF-8 '--env=PATH=/opt/app/bin:${PATH}' -- app",
        ),
        ("export A=\"${A:-x}\"\nexec app", "--default=A=x -- app"),
        ("A='b c'\nexport B=\"$C\"\nexec app", "'--env=B=${C:-}' -- ./worker.sh + A='b c'\nexec app\n"),
        (
            "a='b c'\nexport B=\"$a\" a\nexec app $a \"$a\"",
            "'--env=B=b c' '--env=a=b c' -- sh -c 'exec app $a \"$a\"'",
        ),
        ("port=80\nexec app --port $port \"x:$port\"", "-- app --port 80 x:80"),
        ("exec env -u X A=b app", "--env=A=b --unset=X -- app"),
        ("A=b exec app", "--env=A=b -- app"),
        ("exec env -i A=b app", "--env=A=b --container-env=none --clear-env -- app"),
        (
            ": \"${PORT:=8080}\"\nexec app --port \"${PORT}\"",
            "--default=PORT=8080 -- sh -c 'exec app --port \"${PORT}\"'",
        ),
        (": \"${WEBHOOK_URL:?missing}\" \"${B:?}\"\nexec app", "--require=WEBHOOK_URL --require=B -- app"),
        ("set -u\nexec app \"$X\"", "-- sh -uc 'exec app \"$X\"'"),
        (
            "exec app --listen \"$HOST:$PORT\" $EXTRA_ARGS",
            "-- sh -c 'exec app --listen \"$HOST:$PORT\" $EXTRA_ARGS'",
        ),
        ("exec app /data/*.conf ~/x", "-- sh -c 'exec app /data/*.conf ~/x'"),
        ("set -a; [ -f ./config.env ] && . ./config.env; set +a\nexec app", "-- app"),
        ("if [ -f ./config.env ]; then . ./config.env; fi\nexport A=b\nexec app", "--env=A=b -- app"),
        ("set -a; source config.env; set +a\nexec app", "-- app"),
        ("if [ -f ./config.env ]; then set -a; source ./config.env; set +a; fi\nexec app", "-- app"),
        ("[ -f config.env ] && . ./config.env\nexec app", "-- app"),
        (". /config/app.env\nexec app", "--env-file=/config/app.env -- app"),
        ("export HOME=/config\nexec s6-setuidgid abc app", "-- app"),
        ("export HOME=/data\nexec s6-setuidgid abc app", "--home=/data -- app"),
        ("exec s6-envdir ./env app", "--env-dir=./env -- app"),
        // the order matters: a file that is read later wins, and options cannot show that
        ("export A=b\n. ./config.env\nexec app", "--env=A=b -- ./worker.sh + . ./config.env\nexec app\n"),
        (". ./functions.sh\nexec app", "-- ./worker.sh + . ./functions.sh\nexec app\n"),
    ]);
}

#[test]
fn output() {
    check(&[
        ("exec >>/config/log/app.log 2>&1\nexec app", "--log=/config/log/app.log -- app"),
        ("exec app >/dev/null 2>&1", "--log=none -- app"),
        ("exec app &>/dev/null", "--log=none -- app"),
        ("exec app 2>&1 </dev/null", "-- app"),
        ("exec app >/config/x.log 2>&1", "--log=/config/x.log -- app"),
        ("exec s6-setuidgid abc app >>/config/.local/state/futodama/app.log 2>&1", "-- app"),
        (
            "d=/config/.local/state/futodama\nmkdir -p /config/.local/state/futodama; touch /config/log/a.log; chown abc:abc /config/log/a.log; \
             chmod 600 /config/log/a.log\nexec s6-setuidgid abc app >>/config/log/a.log 2>&1",
            "--log=/config/log/a.log --log-mode=600 -- app",
        ),
        ("app 2>&1 | sed 's/^/app: /'", "-- bash -c 'app 2>&1 | sed '\\''s/^/app: /'\\'''"),
        ("exec app 2>/config/err.log", "-- bash -c 'exec app 2>/config/err.log'"),
        ("#!/bin/sh\nexec app &>/dev/null\n", "-- sh -c 'exec app &>/dev/null'"),
    ]);
}

/// In whatever block the change of user is: a script as that user could not make it.
#[test]
fn no_script_of_a_user_changes_the_user() {
    for script in [
        "while true; do a; s6-setuidgid abc b; sleep 1; done",
        "f() { s6-setuidgid abc b; }\nf",
        "for x in a b; do chpst -u abc $x; done",
        "case $X in a) exec gosu abc a;; esac\nexec b",
        "exec s6-setuidgid abc a | b",
        "helper=s6-setuidgid\nx=$(date)\nexec $helper abc a",
        "s6-setuidgid abc a &\nexec s6-setuidgid abc b",
        "[ -n \"$X\" ] && exec sudo -u abc a\nexec b",
    ] {
        let line = line(script);
        assert!(line.starts_with("stays: "), "{script}: {line}");
    }
}

#[test]
fn output_goes_where_it_went() {
    let run = |script: &str, files: &[&str]| {
        let made = convert(format!("#!/bin/sh\n{script}\n").as_bytes(), &with(files, Definer::User))
            .expect("converted");
        String::from_utf8(made.run).expect("text")
    };
    assert_eq!(run("exec app", &["run"]), "#!/bin/sh\nexec futo-launch --log=- -- app\n");
    // the default where there is a logger
    assert_eq!(run("exec app", &["run", "log/run"]), "#!/bin/sh\nexec futo-launch -- app\n");
    assert_eq!(run("exec app >>/x.log 2>&1", &["run"]), "#!/bin/sh\nexec futo-launch --log=/x.log -- app\n");
    let own = "exec s6-setuidgid abc app >>/config/.local/state/futodama/app.log 2>&1";
    assert_eq!(run(own, &["run"]), "#!/bin/sh\nexec futo-launch -- app\n");
}

#[test]
fn loops() {
    check(&[
        (
            "while true; do python3 hook.py; sleep \"${EVERY:-300}\"; done",
            "'--interval=${EVERY:-300}' -- python3 hook.py",
        ),
        ("while :; do hook; sleep 5m; done", "--interval=5m -- hook"),
        ("while sleep 60; do hook; done", "--interval=60 --initial-delay=60 -- hook"),
        ("while true; do sleep 60; hook; done", "--interval=60 --initial-delay=60 -- hook"),
        ("until false; do hook; sleep 1; done >>/l 2>&1", "--interval=1 --log=/l -- hook"),
        ("for ((;;)); do hook; sleep 1; done", "--interval=1 -- hook"),
        ("while [ 1 ]; do hook || true; sleep 1; done", "--interval=1 -- hook"),
        ("while true; do hook; sleep 60 & wait $!; done", "--interval=60 -- hook"),
        (
            "trap 'exit 0' TERM INT\nwhile true; do s6-setuidgid abc hook; sleep 9; done",
            "--interval=9 -- hook",
        ),
        ("while true; do timeout -k 5 30 hook; sleep 9; done", "--interval=9 --timeout=30 --grace=5 -- hook"),
        ("while true; do flock /run/x.lock hook; sleep 9; done", "--interval=9 --lock=/run/x.lock -- hook"),
        ("until setup; do sleep 5; done\nexec sleep infinity", "--interval=5 --once -- setup"),
        ("hook\nexec sleep 3600", "--interval=3600 -- hook"),
        (
            "while :; do [ \"$(date +%H:%M)\" = 09:00 ] && ./report; sleep 30; done",
            "--schedule=09:00 -- ./report",
        ),
        (
            "while :; do if [ \"$(TZ=Asia/Tokyo date +%H:%M)\" = \"09:00\" ]; then ./report; fi; sleep 60; done",
            "'--schedule=09:00 Asia/Tokyo' -- ./report",
        ),
        (
            "while :; do [ \"$(date +%u%H)\" = 721 ] && hook; sleep 3600; done",
            "'--schedule=Sun 21:00' -- hook",
        ),
        (
            "while :; do if [[ $(date -u +%u) == 7 && $(date -u +%H) == 21 ]]; then hook; fi; sleep 3600; done",
            "'--schedule=Sun 21:00 UTC' -- hook",
        ),
        (
            "while :; do [ $(date -u +%u) = 7 ] && [ $(date -u +%H) -eq 9 ] && hook; sleep 3600; done",
            "'--schedule=Sun 09:00 UTC' -- hook",
        ),
        ("while :; do [ \"$(date +%M)\" = 00 ] && hook; sleep 60; done", "'--schedule=*:00' -- hook"),
        (
            "set -e\nwhile true; do\n  a=$(b)\n  c \"$a\"\n  sleep 60\ndone",
            "--interval=60 -- ./worker.sh + set -e\na=$(b)\n  c \"$a\"\n",
        ),
        // a round that depends on the one before, or leaves the loop
        (
            "n=0\nwhile true; do\n  n=$((n+1))\n  c $n\n  sleep 60\ndone",
            "-- ./worker.sh + n=0\nwhile true; do\n  n=$((n+1))\n  c $n\n  sleep 60\ndone\n",
        ),
        ("while true; do a || break; sleep 1; done", "-- bash -c 'while true; do a || break; sleep 1; done'"),
    ]);
}

#[test]
fn switches_and_readiness() {
    check(&[
        ("if [ -z \"$X\" ]; then echo off; exec sleep infinity; fi\nexec app", "--if-env=X -- app"),
        ("[ \"${ENABLED:-}\" = true ] || exec sleep infinity\nexec app", "--if-env=ENABLED=true -- app"),
        ("[[ -n ${X:-} ]] || sleep infinity\nexec app", "--if-env=X -- app"),
        ("[ -f /config/on ] || { echo off; exec sleep infinity; }\nexec app", "--if-file=/config/on -- app"),
        ("if [ \"$X\" = yes ]; then exec app; else exec sleep infinity; fi", "--if-env=X=yes -- app"),
        ("until [ -e /run/ready ]; do sleep 1; done\nexec app", "--wait-for=file:/run/ready -- app"),
        (
            "while ! curl -sf http://x/ >/dev/null; do sleep 2; done\nexec app",
            "'--wait-for=cmd:curl -sf http://x/ >/dev/null' -- app",
        ),
        // the switch was looked at before the file was read, or before the variable was set
        (
            "[ -n \"$X\" ] || exec sleep infinity\nexport X=1\nexec app",
            "--if-env=X -- ./worker.sh + export X=1\nexec app\n",
        ),
    ]);
    let ready = converted(
        "exec s6-notifyoncheck -d -n 300 -w 1000 -c \"nc -z localhost 8989\" s6-setuidgid abc app",
        &with(&["run", "notification-fd"], Definer::User),
    );
    assert_eq!(ready, Ok(("--ready=tcp:8989 --ready-timeout=5m -- app".to_string(), None)));
}

/// Options that came later than the converter: without one of them its lines stay in a script.
#[test]
fn commands_and_directories_before_the_worker() {
    if line::has("before") {
        check(&[
            (
                "s6-setuidgid abc app migrate\nexec s6-setuidgid abc app serve",
                "'--before=app migrate || :' -- app serve",
            ),
            ("set -e\na \"$B\" >/dev/null\nexec app", "'--before=a \"$B\" >/dev/null' -- app"),
            ("a || exit 1\nexec app", "--before=a -- app"),
            ("a\nb\nsleep 60", "'--before=a || :' '--before=b || :' -- sleep 60"),
            (
                "#!/usr/bin/execlineb -P\nforeground { echo hi }\nif { a b }\napp\n",
                "'--before=echo hi || :' '--before=a b' -- app",
            ),
            ("a\numask 077\nexec app", "'--before=a || :' -- ./worker.sh + umask 077\nexec app\n"),
            ("a\nexport B=c\nexec app", "'--before=a || :' -- ./worker.sh + export B=c\nexec app\n"),
        ]);
    }
    if line::has("mkdir") {
        check(&[
            (
                "mkdir -p /run/app && chown abc:abc /run/app\nexec s6-setuidgid abc app",
                "--mkdir=/run/app -- app",
            ),
            ("mkdir -p /run/app\nchmod 700 /run/app\nexec app", "--mkdir=/run/app:700 -- app"),
            ("install -d -m 750 /run/app\nexec app", "--mkdir=/run/app:750 -- app"),
            (
                "mkdir -p /run/app\nexec s6-setuidgid abc app",
                "stays: line 3: '/run/app' would belong to another user than the worker's (line 2): root would have to run it before the user is changed",
            ),
        ]);
    }
}

/// The same for values that came later.
#[test]
fn what_is_waited_for_and_negated() {
    if line::takes("wait-for", "tcp:db:5432") {
        check(&[
            ("until nc -z db 5432; do sleep 1; done\nexec app", "--wait-for=tcp:db:5432 -- app"),
            (
                "while ! nc -z -w 1 db 5432 >/dev/null 2>&1; do echo; sleep 1; done\nexec app",
                "--wait-for=tcp:db:5432 -- app",
            ),
        ]);
    }
    if line::takes("if-env", "!X") {
        check(&[
            ("[ -z \"$OFF\" ] || exec sleep infinity\nexec app", "'--if-env=!OFF' -- app"),
            ("if [ \"$OFF\" = true ]; then exec sleep infinity; fi\nexec app", "'--if-env=OFF!=true' -- app"),
        ]);
    }
    if line::has("if-cmd") {
        check(&[
            (
                "if ! command -v app >/dev/null; then exec sleep infinity; fi\nexec app",
                "'--if-cmd=command -v app >/dev/null' -- app",
            ),
            ("[ -e /off ] && exec sleep infinity\nexec app", "'--if-cmd=[ ! -e /off ]' -- app"),
        ]);
    }
    if line::takes("env-file", "-x") && line::has("if-cmd") {
        check(&[
            (
                "[ -r ./conf ] && . ./conf\nexec app ${OPTS:-}",
                "--env-file=-./conf -- sh -c 'exec app ${OPTS:-}'",
            ),
            ("if [ -f /etc/x.conf ]; then . /etc/x.conf; fi\nexec app", "--env-file=-/etc/x.conf -- app"),
        ]);
    }
    if line::has("on-lock") {
        check(&[(
            "while true; do flock -n /l hook; sleep 9; done",
            "--interval=9 --lock=/l --on-lock=skip -- hook",
        )]);
    }
}

#[test]
fn what_is_not_understood_stays_in_a_script() {
    check(&[
        (
            "umask 077\nargs=(--quiet)\n[[ -n $X ]] && args+=(--x \"$X\")\nexec app \"${args[@]}\"",
            "--umask=077 -- ./worker.sh + args=(--quiet)\n[[ -n $X ]] && args+=(--x \"$X\")\nexec app \"${args[@]}\"\n",
        ),
        (
            "if [ -n \"$TLS\" ]; then S=https; else S=http; fi\nexec s6-setuidgid abc app --scheme \"$S\"",
            "-- ./worker.sh + if [ -n \"$TLS\" ]; then S=https; else S=http; fi\nexec app --scheme \"$S\"\n",
        ),
        ("helper &\nexec app", "-- ./worker.sh + helper &\nexec app\n"),
        ("main() { app \"$1\"; }\nmain \"$@\"", "-- ./worker.sh app + main() { app \"$1\"; }\nmain \"$@\"\n"),
        // a variable in capitals may be inherited, and reach the worker
        (
            "HOST_IP=$(hostname -i)\nexec app --ip \"$HOST_IP\"",
            "-- ./worker.sh + HOST_IP=$(hostname -i)\nexec app --ip \"$HOST_IP\"\n",
        ),
        ("cd /app\nX=$(date)\nexec app", "-- ./worker.sh + cd /app\nX=$(date)\nexec app\n"),
    ]);
}

#[test]
fn the_order_of_a_shell_is_kept() {
    check(&[
        // words are expanded before a program in them changes the environment
        ("exec env A=b app \"$A\"", "-- bash -c 'exec env A=b app \"$A\"'"),
        ("A=b exec app \"$A\"", "-- bash -c 'A=b exec app \"$A\"'"),
        ("exec env -i PATH=\"$PATH\" app", "-- bash -c 'exec env -i PATH=\"$PATH\" app'"),
        ("exec s6-envdir ./env app \"$A\"", "-- bash -c 'exec s6-envdir ./env app \"$A\"'"),
        ("unset A\nexport A=b\nexec app", "--unset=A -- ./worker.sh + export A=b\nexec app\n"),
        // what root expands, or makes, before the user is changed
        (
            "exec s6-setuidgid abc app \"$(cat /secret)\"",
            "stays: line 2: arguments that only this shell can expand (line 2): root would have to run it before the user is changed",
        ),
        (
            "X=$(cat /secret)\nexec s6-setuidgid abc app \"$X\"",
            "stays: line 3: the lines that stay are for this program (line 3): root would have to run it before the user is changed",
        ),
        ("X=$(date)\nexec s6-setuidgid abc app \"$X\"", "-- ./worker.sh + X=$(date)\nexec app \"$X\"\n"),
        (
            "touch /var/log/x.log; chown abc /var/log/x.log\nexec s6-setuidgid abc app >>/var/log/x.log 2>&1",
            "stays: line 3: root creates the log in a directory of its own (line 2): root would have to run it before the user is changed",
        ),
        ("set -e\na | b", "-- bash -ec 'a | b'"),
        ("#!/bin/bash -eu\nexec app \"$X\"\n", "-- sh -uc 'exec app \"$X\"'"),
        ("#!/bin/bash -l\nexec app\n", "stays: line 1: '/bin/bash -l' is neither a shell nor execline"),
        ("#!/bin/sh\nexport A=$B\nexec app\n", "-- ./worker.sh + export A=$B\nexec app\n"),
        (
            "while true; do\n  cat <<E | a\nx\nE\n  b\n  sleep 1\ndone",
            "-- ./worker.sh + while true; do\n  cat <<E | a\nx\nE\n  b\n  sleep 1\ndone\n",
        ),
    ]);
}

#[test]
fn execline() {
    let chain = |text: &str| format!("#!/usr/bin/execlineb -P\n{text}\n");
    for (script, expected) in [
        ("fdmove -c 2 1\ns6-setuidgid abc\napp --flag", "-- app --flag"),
        (
            "s6-setuidgid abc cd /app export A \"b c\" umask 027 app",
            "--chdir=/app --umask=027 '--env=A=b c' -- app",
        ),
        ("s6-softlimit -o 1024 nice -n 5 app", "--ulimit=nofile=1024 --nice=5 -- app"),
        ("redirfd -a 1 /config/x.log fdmove -c 2 1 app", "--log=/config/x.log -- app"),
        ("importas -i PORT PORT\napp --port ${PORT}", "-- sh -c 'exec app --port \"${PORT?}\"'"),
        (
            "with-contenv importas -D 80 P PORT s6-setuidgid abc app ${P}",
            "-- sh -c 'exec app \"${PORT-80}\"'",
        ),
        ("importas -D 80 P PORT app -${P}", "-- sh -c 'exec app -\"${PORT-80}\"'"),
        ("unexport A emptyenv -p app", "--unset=A -- emptyenv -p app"),
        ("# c\nifelse { test -e /x } { a }\nb", "-- ./worker.sh + ifelse { test -e /x } { a }\nb\n"),
        ("{ a", "stays: line 2: a block that is not closed"),
    ] {
        assert_eq!(line(&chain(script)), expected, "{script}");
    }
    let deep = format!("#!/usr/bin/execlineb -P\n{}", "{ ".repeat(20_000));
    assert_eq!(convert(deep.as_bytes(), &context()), Err(NotConverted::TooDeep(2)));
}

#[test]
fn root_stays_root_only_where_root_defines_it() {
    let root = with(&["run"], Definer::Root);
    assert_eq!(converted("exec app", &root), Ok(("--user=root -- app".to_string(), None)));
    assert_eq!(converted("exec s6-setuidgid abc app", &root), Ok(("-- app".to_string(), None)));
    let script = "cp /secret /tmp/x\nexec s6-setuidgid abc app\n".to_string();
    assert_eq!(converted(&script, &root), Ok(("--user=root -- ./worker.sh".to_string(), Some(script))));
}

#[test]
fn a_config_env_that_was_not_read_is_not_read_now() {
    let beside = with(&["run", "config.env"], Definer::User);
    assert_eq!(converted("exec app", &beside), Ok(("--no-env-file -- app".to_string(), None)));
    assert_eq!(converted(". ./config.env\nexec app", &beside), Ok(("-- app".to_string(), None)));
}

#[test]
fn what_is_not_a_run_file_for_conversion_is_refused() {
    let refused = |bytes: &[u8]| convert(bytes, &context()).expect_err("refused");
    for script in [
        "#!/bin/sh\nexec futo-launch -- app\n",
        "#!/bin/sh\ncd x\nexec futo-launch -- app\n",
        "#!/usr/local/bin/futo-launch --file\nexec = ['a']\n",
    ] {
        assert_eq!(refused(script.as_bytes()), NotConverted::AlreadyLauncher, "{script}");
    }
    assert_eq!(refused(b"#!/bin/sh\nexec \xff\n"), NotConverted::NotText);
    assert_eq!(refused(b"#!/bin/sh\nexec a\0b\n"), NotConverted::NotText);
    assert_eq!(refused(&[b'#'; MAX_BYTES + 1]), NotConverted::TooLong);
    assert_eq!(refused(b""), NotConverted::Interpreter(String::new()));
    let deep = format!("#!/bin/sh\nexec {}", "$(".repeat(20_000));
    assert_eq!(refused(deep.as_bytes()), NotConverted::TooDeep(2));
    for open in ["( ", "{ ", "if ", "while ", "`", "${a:-", "[[ ( ", "case x in x) ", "f() { "] {
        let deep = format!("#!/bin/bash\n{}", open.repeat(8_000));
        let _ = convert(deep.get(..MAX_BYTES.min(deep.len())).expect("ascii").as_bytes(), &context());
    }
}

#[test]
fn each_line_is_reported_once_with_its_reason() {
    let script = b"#!/bin/bash\nexec 2>&1\ntouch /config/l.log\nfor x in a b; do echo $x; done\nexec app >>/config/l.log\n";
    let made = convert(script, &with(&["run", "finish", "down"], Definer::User)).expect("converted");
    let found: Vec<(usize, Kind, &str)> =
        made.findings.iter().map(|each| (each.line, each.kind, each.why.as_str())).collect();
    let expected = [
        (
            0,
            Kind::Note,
            "it changed no user: under a supervisor that is root the worker was root, now it is abc",
        ),
        (0, Kind::Note, "the worker gets the container's variables too; --container-env=none prevents it"),
        (
            0,
            Kind::Note,
            "output goes where it went; without --log=- it goes to a log of its own, for futo logs",
        ),
        (
            0,
            Kind::Note,
            "finish stays: the supervisor runs it after each end of the launcher, in a loop after a stop only",
        ),
        (0, Kind::Note, "down stays: the service is not started automatically"),
        (2, Kind::LeftOut, "stderr joins the log"),
        (3, Kind::LeftOut, "futo-launch creates it as the worker's user"),
        (4, Kind::Stays, "a for loop"),
        (5, Kind::Stays, "follows a line that stays"),
    ];
    assert_eq!(found, expected);
}
