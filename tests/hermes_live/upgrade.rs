//! Slots that the image's own module has made.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::{eventually, needs};
use crate::{Container, RUNNING};

/// A slot as the image's module makes it.
fn module_slot(container: &Container, profile: &str, command: &str, is_down: bool) {
    let scan = container.scan.display();
    let down = if is_down { "touch $t/down $t/log/down" } else { ":" };
    let hermes = container.roots.join("venv/bin/hermes");
    let said = container.hermes(&format!(
        "t={scan}/.gateway-{profile}.tmp; mkdir -p $t/log $t/supervise $t/event; echo longrun > $t/type
         printf '#!/bin/sh\\nexport HERMES_S6_SUPERVISED_CHILD=1 HERMES_HOME={home} PATH={bin}:$PATH\\n[ \"$(id -u)\" = 0 ] || exec {command}\\nexec s6-setuidgid hermes {command}\\n' > $t/run
         printf '#!/bin/sh\\nexit 0\\n' > $t/finish
         printf '#!/bin/sh\\nexec cat\\n' > $t/log/run
         chmod +x $t/run $t/finish $t/log/run; mkfifo -m 660 $t/supervise/control; {down}
         mv $t {scan}/gateway-{profile}",
        home = container.volume.home("").display(),
        bin = hermes.parent().expect("bin").display(),
    ));
    assert_eq!(said, "");
}

#[test]
fn slots_of_the_module_are_taken_over_stopped_ones_at_once_and_running_ones_when_they_stop() {
    needs!(root, "s6-svscan", "setpriv", "s6-setuidgid");
    let mut container = Container::new("hermes-upgrade");
    container.volume.profile("coder", RUNNING);
    container.volume.profile("idle", "{\"gateway_state\": \"stopped\"}");
    container.volume.bare_profile("custom");
    container.give_away();
    module_slot(&container, "default", "hermes gateway run", true);
    module_slot(&container, "coder", "hermes -p coder gateway run --replace", false);
    module_slot(&container, "idle", "hermes -p idle gateway run --replace", true);
    // of somebody else, under a name of ours
    module_slot(&container, "custom", "hermes -p other gateway run --replace", true);
    container.svscan.control(&["-a"]);
    for service in ["gateway-default", "gateway-idle", "gateway-custom"] {
        eventually("taken up", || (!container.svscan.svstat("up", service).is_empty()).then_some(()));
    }
    let coder = container.svscan.pid("gateway-coder");
    container.soon("it serves", || container.starts("coder").lines().count() == 1);
    container.hermes(&format!("mkdir -p {0}/.gateway-left.tmp/log", container.scan.display()));
    container.take_back();

    container.watch();
    let ours = |profile: &str| container.scan.join(format!("gateway-{profile}/.futo")).exists();
    eventually(&format!("stopped ones: {}", container.said()), || {
        (ours("default") && ours("idle")).then_some(())
    });
    assert!(!container.is_up("gateway-idle") && !container.is_up("gateway-default"));
    assert!(!container.scan.join(".gateway-left.tmp").exists());
    assert!(!ours("coder") && !ours("custom"));
    assert_eq!(container.svscan.pid("gateway-coder"), coder, "it runs on");
    let said = container.said();
    assert!(said.contains("gateway-coder: it still runs from its previous service directory"), "{said}");
    assert!(said.contains("'gateway-custom' already exists in the scan directory"), "{said}");

    assert_eq!(container.hermes("hermes -p coder gateway stop"), "");
    container.soon("the running one too, once it has stopped", || ours("coder"));
    let is_down = || container.svscan.svstat("up", "gateway-coder") == ["false"];
    container.soon("with its state", || is_down() && container.scan.join("gateway-coder/down").exists());
    assert_eq!(container.hermes("hermes -p coder gateway start"), "");
    container.soon("it serves again, and was not started in between", || {
        container.starts("coder").lines().count() == 2
    });
    assert_eq!(fs::metadata(container.scan.join("gateway-coder/run")).expect("it").uid(), 0);
}
