//! What lasts over a restart of the container, and what is said where it does not.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::launching::{code, finish};
use support::{Scratch, Svscan, needs, stderr, stdout};

/// A command where this directory is a filesystem in memory, and hooks may be put into /etc/cont-init.d.
fn in_container(place: &Path, hook: &str) -> Vec<String> {
    let script = format!(
        "mount -t tmpfs -o mode=0755 tmpfs {0}; mkdir {0}/scan {0}/etc {0}/work; cp /etc/passwd /etc/group {0}/etc; \
         mount -t overlay overlay -o lowerdir=/etc,upperdir={0}/etc,workdir={0}/work /etc; \
         mkdir -p /etc/cont-init.d; {hook} exec \"$0\" \"$@\"",
        place.display()
    );
    ["unshare", "--mount", "--propagation", "private", "sh", "-euc", &script].map(String::from).to_vec()
}

#[test]
fn what_is_live_now_and_gone_after_a_restart_is_reported() {
    needs!(root, "s6-svscan");
    let scratch = Scratch::of_root("new-lasting");
    scratch.directory_of_abc("definitions");
    let place = scratch.join("memory");
    fs::create_dir(&place).expect("a directory");
    for (number, (hook, is_lost)) in [
        ("", true),
        ("printf '#!/bin/sh\\n# futo sync\\n' > /etc/cont-init.d/50-x;", true),
        ("printf '#!/bin/sh\\nexec /usr/local/bin/futo sync\\n' > /etc/cont-init.d/50-x;", false),
    ]
    .into_iter()
    .enumerate()
    {
        let prefix = in_container(&place, hook);
        let name = format!("la-{number}");
        let script = "scan=$1; futo=$2; shift 2; s6-svscan \"$scan\" & \"$futo\" new \"$@\"; code=$?; \
                      s6-svscanctl -t \"$scan\"; wait; exit $code";
        let mut command = Command::new(&prefix[0]);
        command.args(&prefix[1..]).args(["sh", "-c", script, "sh"]).arg(place.join("scan"));
        command.arg(scratch.futo()).args([
            &name,
            "--interval",
            "1h",
            "--template",
            "shell",
            "--now",
            "--from",
        ]);
        command.arg(scratch.join("definitions")).arg("--scan-dir").arg(place.join("scan"));
        let made = finish(&mut command);
        assert_eq!(code(&made), 0, "{hook}: {made:?}");
        let said = format!(
            "futo: warning: '{name}' will be gone after a restart of the container: no hook or service runs futo sync\n\
             futo: hint: add a script to /custom-cont-init.d or /etc/cont-init.d that runs: futo sync\n"
        );
        assert_eq!(stderr(&made), if is_lost { said } else { String::new() }, "{hook}");
        assert!(stdout(&made).contains(&format!("\n{name}: ")), "{made:?}");
    }
}

/// A whole root directory of its own, whose scan directory is in memory: what is written is not seen outside.
const ROOT: &str = r#"
S=$1; shift
mount -t tmpfs -o mode=0755 tmpfs "$S"; mkdir "$S/upper" "$S/work" "$S/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$S/upper,workdir=$S/work" "$S/root"
R=$S/root
mount --rbind /proc "$R/proc"; mount --rbind /dev "$R/dev"; mount -t tmpfs -o mode=0755 tmpfs "$R/run"
cp /etc/passwd /etc/group "$R/etc"
for name in custom-svc-x by-image by-hand s6-one noted; do
    mkdir -p "$R/run/service/$name"; printf '#!/bin/sh\n' > "$R/run/service/$name/run"; chmod +x "$R/run/service/$name/run"
done
mkdir -p "$R/custom-services.d" "$R/etc/services.d/by-image" "$R/etc/s6-overlay/s6-rc.d/s6-one"
: > "$R/custom-services.d/x"
: > "$R/run/service/noted/.wish"
mkdir -p "$R/config/s6-services/defined"; printf '#!/bin/sh\n' > "$R/config/s6-services/defined/run"
cp "$1" "$R/futo"
for name in custom-svc-x by-image by-hand s6-one noted defined; do
    code=0; chroot "$R" /futo disable "$name" || code=$?; echo "$name $code"
done
find "$R/run" "$R/config/s6-services" "$R/custom-services.d" -name down | sed "s|$R||"
"#;

#[test]
fn a_change_that_the_container_would_undo_is_refused_and_the_definition_is_named() {
    needs!(root);
    let scratch = Scratch::of_root("lasting");
    let place = scratch.join("memory");
    fs::create_dir(&place).expect("a directory");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-euc", ROOT, "sh"]).arg(&place);
    let output = finish(command.arg(scratch.futo()));
    let expected = "custom-svc-x 100\nby-image 100\nby-hand 100\ns6-one 100\nnoted 100\n\
                    defined: disabled\ndefined 0\n/config/s6-services/defined/down\n";
    assert_eq!(stdout(&output), expected, "{}", stderr(&output));
    let said = |name: &str, hint: &str| {
        format!(
            "futo: fatal: unable to disable '{name}': '/run/service/{name}' is recreated whenever the container starts, and the change would be lost\n\
             futo: hint: {hint}\n"
        )
    };
    let expected = [
        said("custom-svc-x", "it is defined in '/custom-services.d/x': move that file to another directory"),
        said(
            "by-image",
            "it is defined in '/etc/services.d/by-image': a file 'down' in it keeps the service from starting",
        ),
        said("by-hand", "give the directory of its definition instead"),
        said(
            "s6-one",
            "it is defined in '/etc/s6-overlay/s6-rc.d/s6-one': remove it from user/contents.d there, in the \
             image",
        ),
        said("noted", "futo stop noted and futo start noted last across restarts"),
    ];
    assert_eq!(stderr(&output), expected.concat());
}

#[test]
fn a_change_in_a_scan_directory_that_lasts_is_made() {
    needs!(root, "s6-svscan");
    let svscan = Svscan::start("lasting-kept");
    if nix::sys::statfs::statfs(&svscan.scratch.path).expect("its volume").filesystem_type()
        == nix::sys::statfs::TMPFS_MAGIC
    {
        return;
    }
    svscan.add("la-kept", &[("run", "#!/bin/sh\nexec sleep 1000\n")]);
    let mut command = Command::new(svscan.scratch.futo());
    let output = finish(command.args(["disable", "la-kept", "--scan-dir"]).arg(svscan.scratch.join("scan")));
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(svscan.directory("la-kept").join("down").exists());
}
