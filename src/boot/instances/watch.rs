//! Watches all inputs of a pass: the home, the directory of the instances, and their state files.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::find::MAX_INSTANCES;
use super::system::System;
use crate::boot::directory::Directory;
use crate::boot::watch::{VolumeWatch, WatchBuilder, WatchedNames};
use crate::sys::nofollow::{self, Missing};
use crate::trust::account::Account;

/// Watches the present volume of a system. Symbolic links are not followed.
pub fn watch(system: &System, user: Option<&Account>) -> Result<VolumeWatch, Errno> {
    let mut builder = WatchBuilder::new(user)?;
    builder.add_ways_to(&system.home);
    if let Some(home) = open_home(&builder, system) {
        add_instances(&mut builder, system, home);
    }
    Ok(builder.watch)
}

fn open_home(builder: &WatchBuilder<'_>, system: &System) -> Option<Directory> {
    let found = builder.reach(|| nofollow::open_directory(&system.home, Missing::Refuse))?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = builder.reach(|| openat(&found, ".", flags, Mode::empty()))?;
    Some(Directory { fd, shown: system.home.clone() })
}

fn add_instances(builder: &mut WatchBuilder<'_>, system: &System, home: Directory) {
    let mut way: Vec<&OsStr> = Path::new(&system.instances)
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    way.reverse();
    let files = [&system.skip, &system.hold, &system.seed];
    let mut names: Vec<OsString> =
        files.into_iter().flatten().filter_map(|condition| condition.file()).map(OsString::from).collect();
    names.extend(in_instance(system));
    let mut here = home;
    while let Some(next) = way.pop() {
        names.push(next.to_os_string());
        builder.add_changes(here.fd.as_fd(), WatchedNames::Some(std::mem::take(&mut names)));
        match builder.reach(|| here.try_open(next)) {
            Some(directory) => here = directory,
            None => return,
        }
    }
    builder.add_changes(here.fd.as_fd(), WatchedNames::All);
    let list = || here.names(MAX_INSTANCES).map_err(|error| error.errno);
    let Some(instances) = builder.reach(list) else {
        builder.watch.set_incomplete();
        return;
    };
    for name in instances {
        if let Some(instance) = builder.reach(|| here.try_open(&name)) {
            builder.add_changes(instance.fd.as_fd(), WatchedNames::Some(in_instance(system)));
        }
    }
}

fn in_instance(system: &System) -> Vec<OsString> {
    [&system.state_file, &system.marker].into_iter().flatten().map(OsString::from).collect()
}
