//! `futo stop` and `futo start` of what `futo reconcile` has published last over the next boot.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use support::boot::Definitions;
use support::launching::{code, finish};
use support::live::Live;
use support::{
    AS_ABC, AS_HERMES, names_in, needs, own_by_abc, own_by_hermes, read, rights, stderr, stdout, without_pids,
};

impl Live {
    /// Whether the next boot would start the service: on a scan directory that is empty.
    fn starts_at_boot(&self, service: &str) -> bool {
        let scan = self.volume.scratch.join("next");
        let _ = fs::remove_dir_all(&scan);
        fs::create_dir(&scan).expect("a scan directory");
        self.reconcile(&["--scan-dir", scan.to_str().expect("a path")]);
        assert!(scan.join(service).join("run").exists());
        !scan.join(service).join("down").exists()
    }

    /// Exit code, stdout without process numbers, stderr.
    fn futo(&self, prefix: &[&str], words: &[&str]) -> (i32, String, String) {
        let mut command = self.volume.scratch.futo_by(prefix, words);
        let output = finish(command.arg("--scan-dir").arg(self.volume.scan("")));
        (code(&output), without_pids(&stdout(&output)), stderr(&output))
    }

    fn state(&self, profile: &str) -> PathBuf {
        self.volume.home(format!("profiles/{profile}/gateway_state.json"))
    }

    fn noted(&self, profile: &str, said: &str, word: &str) -> (i32, String, String) {
        let path = self.state(profile);
        let second = format!("{word} at the next boot, too: desired_state in {}", path.display());
        (0, format!("gateway-{profile}: {said}\ngateway-{profile}: {second}\n"), String::new())
    }
}

#[test]
fn what_is_stopped_stays_down_and_what_is_started_comes_up_at_the_next_boot() {
    needs!(root, "s6-svscan");
    let live = Live::new("desired");
    let coder =
        live.volume.profile("coder", "{\"gateway_state\": \"running\", \"pid\": 5, \"x\": {\"b\":1.50}}");
    live.volume.bare_profile("idle");
    live.reconcile(&[]);
    live.svscan.pid("gateway-coder");
    assert_eq!(rights(&live.volume.scan("gateway-coder/.wish")), "0644 0:0");

    let stopped = live.futo(&[], &["stop", "gateway-coder"]);
    assert_eq!(stopped, live.noted("coder", "stopped (killed by signal 15)", "down"));
    let text =
        "{\"desired_state\":\"stopped\",\"gateway_state\": \"running\", \"pid\": 5, \"x\": {\"b\":1.50}}";
    assert_eq!(read(live.state("coder")), text);
    assert_eq!(rights(&live.state("coder")), "0644 10000:10000");
    assert_eq!(names_in(&coder), ["SOUL.md", "gateway_state.json"]);
    assert!(!live.starts_at_boot("gateway-coder"));

    // one that has never run has no state; down is what it is anyway
    let path = live.state("idle");
    let said =
        "gateway-idle: is already down\ngateway-idle: down at the next boot, too: it has no state file\n"
            .to_string();
    assert_eq!(live.futo(&[], &["stop", "gateway-idle"]), (0, said, String::new()));
    assert!(!path.exists());
    assert_eq!(live.futo(&[], &["start", "gateway-idle"]), live.noted("idle", "started (pid PID)", "up"));
    assert_eq!(read(&path), "{\"desired_state\":\"running\"}\n");
    assert_eq!(rights(&path), "0644 10000:10000");
    assert!(live.starts_at_boot("gateway-idle"));

    // the service directory after an update, and its user in place of root
    live.reconcile(&[]);
    assert!(live.volume.scan("gateway-coder/.wish").is_symlink());
    let started = live.futo(&AS_HERMES, &["start", "gateway-coder"]);
    assert_eq!(started, live.noted("coder", "started (pid PID)", "up"));
    assert_eq!(read(live.state("coder")), text.replace("stopped", "running"));
    assert!(live.starts_at_boot("gateway-coder"));

    // who may not give the order changes no desired state
    let (exit, said, _) = live.futo(&AS_ABC, &["stop", "gateway-coder"]);
    assert_eq!((exit, said), (111, String::new()));
    assert!(live.starts_at_boot("gateway-coder"));
    assert_eq!(live.svscan.svstat("up", "gateway-coder"), ["true"]);
}

#[test]
fn a_policy_of_its_own_asks_for_no_desired_state() {
    needs!(root, "s6-svscan");
    let live = Live::new("desired-policy");
    live.volume.profile_in("coder", "running");
    let before = read(live.state("coder"));
    live.configure("policies = { coder = \"always\" }\n");
    live.reconcile(&[]);
    live.svscan.pid("gateway-coder");
    assert!(!live.volume.scan("gateway-coder/.wish").exists());
    let said = "gateway-coder: stopped (killed by signal 15)\n".to_string();
    assert_eq!(live.futo(&[], &["stop", "gateway-coder"]), (0, said, String::new()));
    assert_eq!(read(live.state("coder")), before);
}

#[test]
fn a_state_file_that_is_none_is_named_and_neither_followed_nor_replaced() {
    needs!(root, "s6-svscan");
    let live = Live::new("desired-hostile");
    let secret = live.roots.write("secret", "{\"gateway_state\":\"running\"}", 0o600);
    let coder = live.volume.profile_in("coder", "running");
    live.reconcile(&[]);
    live.svscan.pid("gateway-coder");
    let path = live.state("coder");
    let stop = |why: &str| {
        let (exit, said, warned) = live.futo(&[], &["stop", "gateway-coder"]);
        let expected = format!(
            "futo: warning: unable to record 'desired_state' in '{}': {why}\n\
             futo: hint: correct the file: the next boot uses the state recorded in it\n",
            path.display()
        );
        assert_eq!((exit, said.lines().count(), warned), (0, 1, expected));
        assert_eq!(live.svscan.svstat("up", "gateway-coder"), ["false"]);
    };
    let planted: [(&str, &dyn Fn()); 5] = [
        ("it is a symbolic link", &|| symlink(&secret, &path).expect("a link")),
        ("it is a FIFO, not a regular file", &|| {
            nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
            own_by_hermes(&path);
        }),
        ("permission denied", &|| {
            fs::copy(&secret, &path).expect("root's");
        }),
        ("it is not a JSON object in UTF-8", &|| {
            live.volume.write("profiles/coder/gateway_state.json", "{\"gateway_state\": \"runn");
        }),
        ("it is longer than 65536 bytes", &|| {
            let huge = live.volume.write("profiles/coder/gateway_state.json", "");
            let file = fs::OpenOptions::new().write(true).open(huge).expect("opened");
            file.set_len(1 << 40).expect("a hole");
        }),
    ];
    for (why, plant) in planted {
        fs::remove_file(&path).expect("removed");
        plant();
        stop(why);
        assert_eq!(names_in(&coder), ["SOUL.md", "gateway_state.json"]);
    }
    fs::remove_file(&path).expect("removed");
    // the directory, swapped for a link to root's
    let target = live.roots.join("target");
    fs::create_dir(&target).expect("made");
    fs::write(target.join("gateway_state.json"), "{}").expect("written");
    fs::rename(&coder, coder.with_extension("old")).expect("renamed");
    symlink(&target, &coder).expect("a link");
    own_by_hermes(&coder);
    stop(&format!("'{}' is a symbolic link", coder.display()));
    assert_eq!(read(target.join("gateway_state.json")), "{}");
    assert_eq!(read(&secret), "{\"gateway_state\":\"running\"}");
}

#[test]
fn a_desired_state_file_that_no_trusted_user_has_published_is_ignored() {
    needs!(root, "s6-svscan");
    let live = Live::new("desired-planted");
    let profile = live.volume.profile_in("coder", "running");
    let before = read(live.state("coder"));
    let target = format!(
        "{{\"user\":\"hermes\",\"directory\":\"{}\",\"file\":\"gateway_state.json\",\"key\":\"desired_state\",\"running\":\"running\"}}\n",
        profile.display()
    );
    let planted = live.svscan.add("planted", &[("run", "#!/bin/sh\nexec sleep 1000\n"), (".wish", &target)]);
    live.svscan.pid("planted");
    let said = |verb: &str| live.futo(&[], &[verb, "planted"]);
    let stopped = (0, "planted: stopped (killed by signal 15)\n".to_string(), String::new());
    let started = (0, "planted: started (pid PID)\n".to_string(), String::new());
    own_by_abc(&planted.join(".wish"));
    assert_eq!(said("stop"), stopped);
    own_by_abc(&planted);
    std::os::unix::fs::lchown(planted.join(".wish"), Some(0), Some(0)).expect("chown");
    assert_eq!(said("start"), started);
    assert_eq!(read(live.state("coder")), before);

    // nor does one come along from a definition
    let definitions = Definitions::new("desired-definition");
    definitions.line("a", "--log - -- sleep 1000");
    definitions.write("a/.wish", &target);
    assert_eq!(definitions.sync(&[]).code, 0);
    assert!(definitions.scan("a/run").exists() && !definitions.scan("a/.wish").exists());
}
