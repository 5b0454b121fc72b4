//! The boot log: rotated, left by root, not to be written.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;

use crate::support::boot::Volume;
use crate::support::{needs, own_by_hermes, read};

#[test]
fn the_boot_log_is_rotated_when_it_has_reached_the_size() {
    needs!(root);
    let volume = Volume::new("rotate");
    volume.make("logs");
    let log = volume.write("logs/container-boot.log", "x".repeat(262_143));
    volume.reconcile(&[]);
    assert!(!volume.home("logs/container-boot.log.1").exists(), "one byte less");
    volume.write("logs/container-boot.log", "x".repeat(262_144));
    volume.write("logs/container-boot.log.1", "older");
    volume.reconcile(&[]);
    assert_eq!(read(volume.home("logs/container-boot.log.1")), "x".repeat(262_144));
    assert_eq!(read(&log).lines().count(), 1);
}

#[test]
fn a_boot_log_that_root_has_left_becomes_the_old_one() {
    needs!(root);
    let volume = Volume::new("roots-log");
    volume.make("logs");
    fs::write(volume.home("logs/container-boot.log"), "root's\n").expect("written");
    let ran = volume.reconcile(&[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(read(volume.home("logs/container-boot.log.1")), "root's\n");
    assert_eq!(volume.boot_log().lines().count(), 1);
}

#[test]
fn a_boot_log_that_cannot_be_written_is_named_and_the_services_are_there() {
    needs!(root);
    let volume = Volume::new("no-log");
    volume.make("logs");
    let target = volume.scratch.write("target", "untouched", 0o644);
    for (what, reason) in [
        ("link", "it is a symbolic link, not a regular file"),
        ("fifo", "no such device or address"),
        ("directory", "is a directory"),
        ("logs is a link", "not a directory"),
        ("logs is root's", "permission denied"),
    ] {
        let log = volume.home("logs/container-boot.log");
        let _ = fs::remove_file(&log).or_else(|_| fs::remove_dir(&log));
        match what {
            "link" => symlink(&target, &log).expect("a link"),
            "fifo" => {
                nix::unistd::mkfifo(&log, Mode::from_bits_truncate(0o666)).expect("a FIFO");
                own_by_hermes(&log);
            }
            "directory" => fs::create_dir(&log).expect("a directory"),
            "logs is a link" => {
                fs::remove_dir(volume.home("logs")).expect("removed");
                symlink("/etc", volume.home("logs")).expect("a link");
            }
            _ => {
                fs::remove_file(volume.home("logs")).expect("removed");
                fs::create_dir(volume.home("logs")).expect("root's");
            }
        }
        let ran = volume.reconcile(&[]);
        assert_eq!(ran.code, 1, "{what}");
        assert!(
            ran.stderr.contains("container-boot.log'") && ran.stderr.contains(reason),
            "{what}: {}",
            ran.stderr
        );
        assert!(ran.stdout.contains("profile=default"), "{what}");
        assert!(volume.scan("gateway-default/run").exists(), "{what}");
    }
    assert_eq!(read(&target), "untouched");
    assert!(!Path::new("/etc/container-boot.log").exists());
}
