//! What `futo sync` finds of others: links that an older init hook made, and definitions that belong to a
//! uid which abc no longer has.

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use support::boot::{Definitions, Ran};
use support::launching::finish;
use support::{
    Svscan, eventually, eventually_contains, is_alive, needs, own_by_abc, read, rights, set_mode, signal,
    snapshot,
};

/// abc's definition of a worker that says if another one is there, and takes its time to stop.
fn worker(definitions: &Definitions, stops_after: &str) {
    let script = format!(
        "#!/bin/sh\n\
         mkdir ../../busy || echo twice >> ../../twice\n\
         trap 'sleep {stops_after}; rmdir ../../busy; exit 0' TERM\n\
         echo \"$$ $(id -un)\" >> ../../starts\n\
         while :; do sleep 0.05; done\n"
    );
    let launcher = definitions.scratch.launcher();
    let run = format!("#!/bin/sh\nexec {} --log - -- ./work\n", launcher.display());
    definitions.write("worker/run", &run);
    let work = definitions.write("worker/work", &script);
    set_mode(work, 0o755);
    own_by_abc(&definitions.volume.path);
}

/// s6-svscan on the scan directory, with the service linked as an older hook does it.
fn linked_and_up(definitions: &Definitions, name: &str) -> (Svscan, i32) {
    link(definitions);
    let svscan = Svscan::on_directory(name, &definitions.scan(""), &[]);
    eventually_contains(&definitions.volume.join("starts"), "abc");
    let pid = svscan.pid("worker");
    (svscan, pid)
}

fn link(definitions: &Definitions) -> PathBuf {
    let link = definitions.scan("worker");
    symlink(definitions.abcs("worker"), &link).expect("a link");
    link
}

fn is_plain_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|status| status.is_dir())
}

#[test]
fn a_link_without_a_supervisor_is_replaced() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("link-idle");
    worker(&definitions, "0");
    let link = link(&definitions);
    let before = snapshot(&definitions.scan(""));
    let ran = definitions.sync(&["--dry-run"]);
    assert_eq!(ran.stdout, "sync: service=worker action=published\n");
    assert_eq!(snapshot(&definitions.scan("")), before);
    let ran = definitions.sync(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "sync: service=worker action=published\n"));
    assert_eq!(
        ran.stderr,
        "futo: warning: worker: was a link to a definition that root executed unchecked: replaced\n\
         futo: hint: remove the init hook that creates these links\n"
    );
    assert!(is_plain_directory(&link));
    assert_eq!(fs::read_dir(definitions.scan("")).expect("listed").count(), 2, "it and the lock");
    let again = definitions.sync(&[]);
    assert_eq!(
        (again.stdout.as_str(), again.stderr.as_str()),
        ("sync: service=worker action=unchanged\n", "")
    );
}

#[test]
fn a_link_with_a_supervisor_is_replaced_and_its_service_never_runs_twice() {
    needs!(root, "s6-svscan");
    for watch in [false, true] {
        let name = if watch { "link-watch" } else { "link-live" };
        let definitions = Definitions::new(name);
        // longer than sync --watch waits at once
        worker(&definitions, "1");
        let (svscan, before) = linked_and_up(&definitions, name);
        if watch {
            let out = fs::File::create(definitions.scratch.join("out")).expect("a file");
            let mut watcher = definitions
                .command(&["--watch"])
                .stdin(Stdio::null())
                .stdout(out)
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts");
            let out = eventually_contains(&definitions.scratch.join("out"), "action=published");
            assert!(out.starts_with("sync: service=worker action=waiting\n"), "{out}");
            signal(watcher.id().cast_signed(), Signal::SIGTERM);
            eventually("it ends", || watcher.try_wait().expect("waited"));
        } else {
            let ran = definitions.sync(&[]);
            assert_eq!((ran.code, ran.stdout.as_str()), (0, "sync: service=worker action=published\n"));
            assert!(ran.stderr.contains(": replaced, and the service restarted\n"), "{}", ran.stderr);
        }
        assert!(is_plain_directory(&definitions.scan("worker")));
        eventually("it is started again", || {
            (read(definitions.volume.join("starts")).lines().count() == 2).then_some(())
        });
        assert!(!is_alive(before));
        assert_ne!(svscan.pid("worker"), before);
        assert_eq!(read(definitions.volume.join("twice")), "");
        assert_eq!(definitions.sync(&[]).stdout, "sync: service=worker action=unchanged\n");
    }
}

#[test]
fn a_link_that_leads_elsewhere_or_cannot_be_replaced_stays_with_its_service() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("link-stays");
    worker(&definitions, "0");
    let (svscan, before) = linked_and_up(&definitions, "link-stays");
    // broken: nothing is published that could take its place
    let run = read(definitions.abcs("worker/run"));
    definitions.line("worker", "--interval nonsense -- ./work");
    let ran = definitions.sync(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "sync: service=worker action=failed\n"));
    assert_eq!(svscan.pid("worker"), before);
    // not a command of the launcher
    definitions.write("worker/run", "#!/bin/sh\nsleep 1000\n");
    assert_eq!(definitions.sync(&[]).stdout, "sync: service=worker action=not-ours\n");
    assert_eq!(svscan.pid("worker"), before);
    definitions.write("worker/run", &run);
    // another directory, and one that is reached through a link of abc's
    let other = Definitions::new("link-elsewhere");
    worker(&other, "0");
    symlink(other.abcs(""), other.volume.join("alias")).expect("a link");
    for target in [definitions.abcs("worker"), other.volume.join("alias/worker")] {
        let _ = fs::remove_file(other.scan("worker"));
        symlink(&target, other.scan("worker")).expect("a link");
        let ran = other.sync(&[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, "sync: service=worker action=failed\n"));
        assert!(ran.stderr.contains("is a symbolic link to"), "{}", ran.stderr);
        assert_eq!(fs::read_link(other.scan("worker")).expect("a link"), target);
    }
    assert_eq!(svscan.pid("worker"), before);
}

/// Which path of `services/beat` has another owner, group or mode; what is said of it, the remedy, and the
/// exit code. `SERVICES` is the directory of definitions.
const OWNERS: &str = "
path       | owner:group | mode | said                                               | remedy                               | exit
beat       | 1234:1234   | 0755 | 'SERVICES/beat' is owned by uid 1234               | chown -hR --from=1234 abc: SERVICES  | 1
beat       | 1234:1234   | 0700 | 'SERVICES/beat' is owned by uid 1234               | chown -hR --from=1234 abc: SERVICES  | 1
beat/run   | 1234:1234   | 0755 | 'SERVICES/beat/run' is owned by uid 1234           | chown -hR --from=1234 abc: SERVICES  | 1
           | 1234:1234   | 0755 | 'SERVICES' is owned by uid 1234                    | chown -hR --from=1234 abc: SERVICES  | 1
           | 1234:1234   | 0700 | 'SERVICES' is owned by uid 1234                    | chown -hR --from=1234 abc: SERVICES  | 1
beat       | 911:1234    | 0775 | 'SERVICES/beat' is writable by group 1234          | chmod g-w SERVICES/beat              | 1
beat/run   | 911:911     | 0757 | 'SERVICES/beat/run' is world-writable              | chmod o-w SERVICES/beat/run          | 1
";

#[test]
fn what_is_no_longer_abcs_is_named_and_the_remedy_hands_out_nothing_of_roots() {
    needs!(root, "s6-svscan");
    for line in OWNERS.lines().skip(2) {
        let row: Vec<&str> = line.split('|').map(str::trim).collect();
        let [path, numbers, mode, said, remedy, exit] = row[..] else { panic!("{line}") };
        let definitions = Definitions::new("owners");
        let services = definitions.abcs("").display().to_string();
        let services = services.trim_end_matches('/');
        definitions.line("beat", "--interval 1000 -- true");
        // what must stay root's: behind a link of abc's, and in the tree
        let secret = definitions.scratch.write("secret", "root's\n", 0o600);
        symlink(&secret, definitions.abcs("beat/link")).expect("a link");
        fs::write(definitions.abcs("beat/of-root"), "root's\n").expect("written");
        let changed = definitions.abcs(path);
        let (uid, gid) = numbers.split_once(':').expect("two numbers");
        lchown(&changed, Some(uid.parse().expect("a uid")), Some(gid.parse().expect("a gid")))
            .expect("chown");
        let mode = u32::from_str_radix(mode, 8).expect("a mode");
        set_mode(&changed, mode);

        let ran = definitions.sync(&[]);
        let at = |text: &str| text.replace("SERVICES", services);
        assert!(ran.stderr.contains(&at(said)), "{line}\n{}", ran.stderr);
        assert!(ran.stderr.contains(&at(remedy)), "{line}\n{}", ran.stderr);
        assert_eq!(ran.code.to_string(), exit, "{line}\n{}", ran.stderr);
        assert!(!definitions.scan("beat").exists(), "{line}");
        let repaired = finish(Command::new("sh").args(["-c", &at(remedy)]));
        assert!(repaired.status.success(), "{line}");
        let ran = definitions.sync(&[]);
        assert_eq!(ran.stdout, "sync: service=beat action=published\n", "{line}\n{}", ran.stderr);
        assert_eq!(rights(&secret), "0600 0:0", "{line}");
        assert_eq!(rights(&definitions.abcs("beat/of-root")), "0644 0:0", "{line}");
    }
}

/// `futo sync` as root of a user namespace: with these maps of users and groups, or only root's.
fn sync_in_user_namespace(definitions: &Definitions, map: Option<&str>) -> Ran {
    let ours = definitions.command(&[]);
    let mut command = Command::new("unshare");
    command.arg("--user");
    if map.is_none() {
        command.arg("--map-root-user");
    }
    command
        .args(["sh", "-c", "read -r go && exec \"$@\"", "sh"])
        .arg(ours.get_program())
        .args(ours.get_args());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    if let Some(map) = map {
        let own = |name: &str| fs::read_link(format!("/proc/{name}/ns/user")).ok();
        eventually("it has a namespace", || (own(&child.id().to_string()) != own("self")).then_some(()));
        for file in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{}/{file}", child.id()), map).expect("mapped");
        }
    }
    child.stdin.take().expect("a pipe").write_all(b"go\n").expect("it goes on");
    Ran::of(&child.wait_with_output().expect("it ends"))
}

#[test]
fn what_a_user_namespace_forbids_is_named() {
    needs!(root, "s6-svscan");
    let definitions = Definitions::new("userns");
    definitions.line("beat", "--interval 1000 -- true");
    let ran = sync_in_user_namespace(&definitions, None);
    assert!(ran.stderr.contains("unable to set the groups of user 'abc': "), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: this user namespace forbids setgroups\n"), "{}", ran.stderr);
    let of_another = definitions.abcs("beat");
    lchown(&of_another, Some(12_345), None).expect("chown");
    let ran = sync_in_user_namespace(&definitions, Some("0 0 10000\n"));
    assert!(
        ran.stderr.contains("/beat' is owned by uid 65534, not by root or abc (uid 911)\n"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("hint: its owner is not mapped in this user namespace\n"), "{}", ran.stderr);
    assert_eq!(ran.code, 1);
}
