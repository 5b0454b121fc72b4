//! What stands in the place of the run record, and what is in it.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use crate::support::launching::code;
use crate::support::{ABC, needs, own_by_abc, read, said, set_mode, stderr};
use crate::{PLANTS, Scene};

#[test]
fn whatever_stands_in_the_place_of_the_record_is_not_followed_and_the_worker_runs() {
    needs!(root, "strace", "setpriv", "python3");
    for plant in PLANTS {
        for temporary in [false, true] {
            let what = format!("{plant:?} temporary: {temporary}");
            let scene = Scene::new("attack-record");
            scene.make_state();
            let place = match temporary {
                false => scene.record(),
                true => scene.state().join(".attack-record.json.tmp"),
            };
            let _keep = plant.at(&place, &scene);
            let output = scene.run(&["--once"], &["echo", "worker ran"]);
            assert_eq!(code(&output), 0, "{what}: {}", said(&output));
            assert!(read(scene.log()).contains("worker ran\n"), "{what}: {}", said(&output));
            scene.assert_untouched(&what);
            if plant.is_directory() {
                let warning = "unable to write the run record of 'attack-record'";
                assert_eq!(said(&output).matches(warning).count(), 1, "{what}: {}", said(&output));
            } else {
                let record = fs::symlink_metadata(scene.record()).expect("the record");
                assert!(record.is_file() && record.uid() == ABC, "{what}");
                assert!(read(scene.record()).contains("\"runs\":1"), "{what}");
            }
        }
    }
}

#[test]
fn a_record_below_a_planted_link_is_not_even_read() {
    needs!(root, "strace", "setpriv", "python3");
    let scene = Scene::new("attack-read");
    let planted = scene.scratch.join("planted");
    fs::create_dir(&planted).expect("a directory");
    fs::write(planted.join("attack-read.json"), "no record\n").expect("written");
    set_mode(&planted, 0o755);
    scene.make_state();
    fs::remove_dir(scene.state()).expect("removed");
    symlink(&planted, scene.state()).expect("a link");
    own_by_abc(&scene.state());
    let output = scene.run(&["--once"], &["echo", "worker ran"]);
    assert!(stderr(&output).contains("worker ran\n"));
    let line = format!(
        "unable to read the run record of 'attack-read': '{}' is a symbolic link",
        scene.state().display()
    );
    assert!(said(&output).contains(&line), "{}", said(&output));
}

#[test]
fn a_record_with_senseless_content_does_not_keep_the_worker_from_running() {
    needs!(root, "strace", "setpriv", "python3");
    let most = u64::MAX;
    for content in [
        format!("{{\"runs\":{most},\"failures\":{most},\"consecutive_failures\":{most},\"skipped\":{most}}}")
            .into_bytes(),
        b"{".to_vec(),
        b"\xff\xfe\0".to_vec(),
        b"[".repeat(60_000),
        b"{\"last_errors\":[".iter().copied().chain(b"\"\",".repeat(15_000)).chain(*b"\"\"]}").collect(),
        b"{\"last_duration\":1e999,\"pid\":99999999999}".to_vec(),
        b"x".repeat(1 << 20),
    ] {
        let scene = Scene::new("attack-content");
        scene.make_state();
        fs::write(scene.record(), &content).expect("written");
        own_by_abc(&scene.record());
        // fails once, so that every number is counted up
        let options = ["--interval", "1", "--max-failures", "1"];
        let output = scene.run(&options, &["sh", "-c", "echo worker ran; exit 3"]);
        assert_eq!(code(&output), 3, "{:?}: {}", content.get(..20), said(&output));
        assert!(read(scene.log()).contains("worker ran\n"), "{:?}", content.get(..20));
        let record: serde_json::Value = serde_json::from_str(&read(scene.record())).expect("a record");
        assert_eq!(record["last_status"], 3, "{:?}: {}", content.get(..20), said(&output));
    }
}
