//! No definition of abc's gets more rights than sync gives it.

use crate::support::launching::code;
use crate::support::{needs, set_mode, stderr, stdout};
use crate::{Scene, forms};

#[test]
fn no_command_gives_a_definition_more_rights_than_sync() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-rights");
    let made = scene.scratch.join("made-by-root");
    let worker = scene.scratch.write("worker", &format!("#!/bin/sh\nid -u > {}\n", made.display()), 0o755);
    let worker = worker.to_str().expect("text");
    for (option, key, what) in [
        ("--user root", "user = \"root\"", "user other than abc"),
        ("--user 0:0", "user = \"0:0\"", "user other than abc"),
        ("--user root --user abc", "user = \"root\"", "user other than abc"),
        ("--user abc:root", "user = \"abc:root\"", "user other than abc"),
        ("--groups root", "groups = \"root\"", "groups"),
        ("--nice -5", "nice = -5", "nice below 0"),
        ("--container-env /root", "container-env = \"/root\"", "container-env other than none"),
    ] {
        for (form, run) in forms(option, key, worker) {
            let directory = scene.define("x", &run);
            let refusal = format!(
                "{}/run: {what}: not allowed in a file writable by non-root users",
                directory.display()
            );
            let hint = "hint: remove the option: the service runs as abc, and only root-owned definitions may set it";
            for words in [&["sync", "--dry-run"][..], &["try", "x"], &["explain", "x"], &["check", "x"]] {
                let said = scene.said(words);
                assert!(said.contains(&refusal) && said.contains(hint), "{option} {form} {words:?}: {said}");
            }
            assert_eq!(code(&scene.futo(&["try", "x"])), 100, "{option} {form}");
            assert!(!made.exists(), "{option} {form}: it ran");
            // with the rights that are left it is explained
            let said = scene.said(&["explain", "x"]);
            assert!(!said.contains("uid 0"), "{option} {form}: {said}");
        }
    }
    // what abc may
    scene.define("x", "#!/bin/sh\nexec LAUNCHER --user abc -- id -u\n");
    let output = scene.futo(&["try", "x"]);
    assert_eq!((code(&output), stdout(&output).trim()), (0, "911"), "{}", stderr(&output));
}

#[test]
fn what_others_can_write_is_neither_tried_nor_explained() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-others");
    let directory = scene.define("x", "#!/bin/sh\nexec LAUNCHER -- id -u\n");
    set_mode(directory.join("run"), 0o757);
    let refusal = format!("'{}/run' is world-writable", directory.display());
    for words in [&["sync", "--dry-run"][..], &["try", "x"], &["explain", "x"], &["check", "x"]] {
        let said = scene.said(words);
        assert!(said.contains(&refusal) && said.contains("chmod o-w"), "{words:?}: {said}");
    }
    assert_eq!(code(&scene.futo(&["try", "x"])), 100);
    // a link of an older hook counts as what it leads to
    std::os::unix::fs::symlink(&directory, scene.scratch.join("scan/linked")).expect("a link");
    let said = scene.said(&["try", "linked"]);
    assert!(said.contains("is world-writable"), "{said}");
}

#[test]
fn an_older_hooks_link_into_the_volume_gives_no_rights() {
    needs!(root, "setpriv");
    let scene = Scene::new("trust-link");
    let directory = scene.define("hidden/x", "#!/bin/sh\nexec LAUNCHER --user root -- id -u\n");
    std::os::unix::fs::symlink(&directory, scene.scratch.join("scan/linked")).expect("a link");
    let output = scene.futo(&["try", "linked"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (100, ""), "{}", stderr(&output));
    assert!(stderr(&output).contains("user other than abc"), "{}", stderr(&output));
}
