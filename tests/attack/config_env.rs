//! What a config.env of abc's may lead to and set.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::launching::{code, command, finish};
use crate::support::{ABC, Probe, Scratch, needs, own_by_abc, path_str, read, said, stdout};
use crate::{MODES, Scene, roots_place};

#[test]
fn a_config_env_that_leads_to_a_root_owned_file_is_refused_and_none_of_it_shown() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-secret");
    let secret = scene.scratch.write("secret", "ROOTSECRET=hunter2\nhunter2 line\n", 0o600);
    symlink(&secret, scene.service.join("config.env")).expect("a link");
    for mode in MODES {
        let output = scene.run(mode, &["env"]);
        assert_eq!(code(&output), 100);
        let expected = "TIME attack-secret: fatal: unable to read 'config.env': permission denied\n\
                        TIME attack-secret: hint: it is read as the worker's user\n";
        assert_eq!(said(&output), expected);
    }
    // the same for the file with the notification descriptor
    fs::remove_file(scene.service.join("config.env")).expect("removed");
    symlink(&secret, scene.service.join("notification-fd")).expect("a link");
    let output = scene.run(&[], &["env"]);
    assert_eq!(code(&output), 100);
    let expected = "TIME attack-secret: fatal: unable to read 'notification-fd': permission denied\n";
    assert_eq!(said(&output), expected);
}

#[test]
fn no_value_of_config_env_chooses_user_groups_limits_or_the_place_of_the_log() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-values");
    let evil = scene.elsewhere.display();
    let content = format!(
        "USER=root\nLOGNAME=root\nHOME={evil}\nXDG_STATE_HOME={evil}\nSTATE_DIR={evil}\nLOG={evil}/log\n\
         FUTO_USER=root\nFUTO_LOG={evil}/log\nGROUP=root\nUMASK=000\nNICE=-20\nTMPDIR={evil}\nNAME=evil\n"
    );
    fs::write(scene.service.join("config.env"), content).expect("written");
    let probe = scene.scratch.probe();
    let bare = Probe::of(&finish(&mut command(&[&probe], &scene.service)));
    for mode in MODES {
        let _ = fs::remove_file(scene.log());
        let output = scene.run(mode, &[path_str(&probe)]);
        assert_eq!(code(&output), 0, "{}", said(&output));
        let found = Probe::parse(&read(scene.log()));
        assert_eq!((found.get("uids"), found.get("groups")), ("911 911 911 911", "911 9101 9102"));
        assert_eq!(found.env("HOME"), Some(path_str(&scene.elsewhere)));
        for row in ["umask", "nice", "nofile"] {
            assert_eq!(found.get(row), bare.get(row), "{row}");
        }
        scene.assert_untouched("values");
    }
    assert!(scene.record().exists());
}

#[test]
fn a_worker_that_is_root_gets_no_variables_from_a_file_that_others_can_change() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, abcs, probe) = roots_place("attack-rootenv");
    let root_run = |service: &Path, more: &[&str]| {
        let mut command = scratch.launch(service, &["--user", "root", "--log", "-"]);
        finish(command.args(more).arg("--").arg(&probe))
    };
    // root's own, also through a link of root's
    let good = scratch.service("good");
    scratch.write("good/config.env", "FROM=file\n", 0o644);
    symlink("config.env", good.join("link.env")).expect("a link");
    assert_eq!(Probe::of(&root_run(&good, &[])).env("FROM"), Some("file"));
    assert_eq!(Probe::of(&root_run(&good, &["--env-file", "link.env"])).env("FROM"), Some("file"));

    let refused = |service: &Path, more: &[&str], file: &str| {
        let output = root_run(service, more);
        assert_eq!((code(&output), stdout(&output).as_str()), (100, ""), "{service:?} {more:?}");
        let line =
            format!("fatal: '{file}': it is writable by non-root users, and the worker would be root\n");
        assert!(said(&output).contains(&line), "{}", said(&output));
    };
    // abc's file; writable by a group; by all
    for (name, uid, gid, mode) in [("own", ABC, 0, 0o644), ("group", 0, 9101, 0o664), ("all", 0, 0, 0o646)] {
        let service = scratch.service(name);
        let file = scratch.write(Path::new(name).join("config.env"), "FROM=file\n", mode);
        std::os::unix::fs::chown(&file, Some(uid), Some(gid)).expect("chown");
        refused(&service, &[], "config.env");
        refused(&service, &["--once"], "config.env");
    }
    // root's file in abc's directory, at once and further up; links of abc's; a sticky directory
    let service = scratch.service("abcs/service");
    scratch.write("abcs/service/config.env", "FROM=file\n", 0o644);
    refused(&service, &[], "config.env");
    symlink("/", abcs.join("link")).expect("a link");
    let through = format!("{}/link{}", abcs.display(), good.join("config.env").display());
    refused(&good, &["--env-file", &through], &through);
    let linked = good.join("linked.env");
    symlink(abcs.join("service/config.env"), &linked).expect("a link of root's into abc's");
    refused(&good, &["--env-file", path_str(&linked)], path_str(&linked));
    let sticky = Scratch::new("attack-sticky");
    let in_tmp = sticky.write("config.env", "FROM=file\n", 0o644);
    refused(&good, &["--env-file", path_str(&in_tmp)], path_str(&in_tmp));
}

#[test]
fn a_config_env_that_is_abcs_is_not_even_opened_for_a_worker_that_is_root() {
    needs!(root, "strace", "setpriv", "python3");
    let (scratch, _, _) = roots_place("attack-unopened");
    let service = scratch.service("service");
    let file = scratch.write("service/config.env", "A=1\n", 0o644);
    own_by_abc(&file);
    let trace = scratch.join("trace");
    let launcher = scratch.launcher();
    let words =
        ["strace", "-o", path_str(&trace), path_str(&launcher), "--user", "root", "--log", "-", "true"];
    assert_eq!(code(&finish(&mut command(&words, &service))), 100);
    let trace = read(&trace);
    let opened =
        |line: &&str| line.contains("config.env") && line.contains("open") && !line.contains("O_PATH");
    assert_eq!(trace.lines().filter(opened).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(trace.contains("config.env"), "{trace}");
}
