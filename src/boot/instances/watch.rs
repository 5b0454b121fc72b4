//! What may change what is published: the home, the directory of the instances, and their state files.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::config::System;
use super::find::MOST_INSTANCES;
use crate::boot::account::Account;
use crate::boot::directory::Directory;
use crate::boot::watch::{Maker, Names, Watch};
use crate::sys::nofollow::{self, Missing};

/// Watches a system's volume as it is now; no link is followed.
pub fn watch(system: &System, user: Option<&Account>) -> Result<Watch, Errno> {
    let mut maker = Maker::new(user)?;
    maker.add_ways_to(&system.home);
    if let Some(home) = open_home(&maker, system) {
        add_instances(&mut maker, system, home);
    }
    Ok(maker.watch)
}

fn open_home(maker: &Maker<'_>, system: &System) -> Option<Directory> {
    let found = maker.reach(|| nofollow::open_directory(&system.home, Missing::Refuse))?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = maker.reach(|| openat(&found, ".", flags, Mode::empty()))?;
    Some(Directory { fd, shown: system.home.clone() })
}

fn add_instances(maker: &mut Maker<'_>, system: &System, home: Directory) {
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
        maker.add_changes(here.fd.as_fd(), Names::Some(std::mem::take(&mut names)));
        match maker.reach(|| here.try_open(next)) {
            Some(directory) => here = directory,
            None => return,
        }
    }
    maker.add_changes(here.fd.as_fd(), Names::All);
    let list = || here.names(MOST_INSTANCES).map_err(|error| error.errno);
    let Some(instances) = maker.reach(list) else {
        maker.watch.set_incomplete();
        return;
    };
    for name in instances {
        if let Some(instance) = maker.reach(|| here.try_open(&name)) {
            maker.add_changes(instance.fd.as_fd(), Names::Some(in_instance(system)));
        }
    }
}

fn in_instance(system: &System) -> Vec<OsString> {
    [&system.state_file, &system.marker].into_iter().flatten().map(OsString::from).collect()
}
