//! The identity of the worker, and its limits.

use super::{FileForm, Flag, LaunchOption, Section, absolute, launch, path};
use crate::config::value::{
    Bounds, Capabilities, Directory, GroupsRequest, UserRequest, descriptor, mode, text, whole,
};
use crate::options::Takes::{Nothing, Value};

pub(super) const SECTION: Section = Section { title: "Identity and limits", options: OPTIONS };

const OPTIONS: &[Flag] = &[
    launch(
        LaunchOption::User,
        "user",
        Value("USER[:GROUP]"),
        "run as this user [abc when root]",
        |settings, value| {
            settings.user = Some(UserRequest::parse(text(value)?)?);
            Ok(())
        },
    )
    .more(
        "NAME, NAME:GROUP, UID or UID:GID, looked up in /etc/passwd and /etc/group. A UID without an \
         entry needs a GID. Default: abc when started as root, else the caller.",
    ),
    launch(
        LaunchOption::Groups,
        "groups",
        Value("GROUP,…|none"),
        "set exactly these supplementary groups",
        |settings, value| {
            settings.groups = Some(GroupsRequest::parse(text(value)?)?);
            Ok(())
        },
    )
    .file_form(FileForm::CommaList)
    .more("Default: all groups of the user, as initgroups(3) sets them."),
    launch(LaunchOption::Home, "home", Value("DIR"), "HOME of the worker", |settings, value| {
        settings.home = Some(absolute(value)?);
        Ok(())
    })
    .more(
        "Default: /config for abc, else the home directory in /etc/passwd, else the inherited HOME, else \
         that of the container.",
    ),
    launch(
        LaunchOption::Chdir,
        "chdir",
        Value("DIR"),
        "run the worker in this directory",
        |settings, value| {
            settings.chdir = Some(path(value)?);
            Ok(())
        },
    )
    .more("Default: the service directory. A relative path of the program is resolved from there."),
    launch(
        LaunchOption::Mkdir,
        "mkdir",
        Value("PATH[:MODE]"),
        "make this directory if it is missing",
        |settings, value| {
            settings.directories.push(Directory::parse(value)?);
            Ok(())
        },
    )
    .repeats()
    .more(
        "It belongs to the worker's user; MODE is octal [0755]. Below directories that only root can write, \
         root makes it; elsewhere the worker's user does. An existing directory is left as it is.",
    ),
    launch(
        LaunchOption::Umask,
        "umask",
        Value("MASK"),
        "file mode creation mask, octal",
        |settings, value| {
            settings.umask = Some(mode(text(value)?, 0o777)?);
            Ok(())
        },
    )
    .more("Default for a service: UMASK from the container's variables, if set."),
    launch(
        LaunchOption::NoNewPrivs,
        "no-new-privs",
        Nothing,
        "programs gain no privileges on exec (setuid, capabilities)",
        |settings, _| {
            settings.no_new_privs = true;
            Ok(())
        },
    ),
    launch(
        LaunchOption::CapDrop,
        "cap-drop",
        Value("all|NAME,…"),
        "drop these capabilities, named as in docker",
        |settings, value| {
            settings.limits.cap_drop = settings.limits.cap_drop.with(Capabilities::parse(text(value)?)?);
            Ok(())
        },
    )
    .repeats()
    .more(
        "Removed from the bounding, inheritable and ambient sets: programs that are setuid or have file \
         capabilities (sudo, ping) do not gain them either. Requires root.",
    ),
    launch(
        LaunchOption::Ulimit,
        "ulimit",
        Value("NAME=SOFT[:HARD]"),
        "resource limit, in docker's syntax",
        |settings, value| {
            let (resource, bounds) = Bounds::parse(text(value)?)?;
            settings.limits.ulimits.retain(|(each, _)| *each != resource);
            settings.limits.ulimits.push((resource, bounds));
            Ok(())
        },
    )
    .repeats()
    .file_form(FileForm::Assignments)
    .more("For instance nofile=1024:2048 or core=unlimited, in the kernel's units."),
    launch(LaunchOption::Nice, "nice", Value("N"), "niceness, -20 to 19", |settings, value| {
        settings.limits.nice = Some(whole(text(value)?, -20, 19)?);
        Ok(())
    }),
    launch(
        LaunchOption::OomScoreAdj,
        "oom-score-adj",
        Value("N"),
        "adjustment of the out-of-memory score, -1000 to 1000",
        |settings, value| {
            settings.limits.oom_score_adj = Some(whole(text(value)?, -1000, 1000)?);
            Ok(())
        },
    ),
    launch(
        LaunchOption::KeepFd,
        "keep-fd",
        Value("N"),
        "pass on this descriptor (all others from 3 up are closed)",
        |settings, value| {
            settings.keep_fds.push(descriptor(text(value)?)?);
            Ok(())
        },
    )
    .repeats(),
];
