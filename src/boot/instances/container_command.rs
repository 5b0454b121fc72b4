//! The container's command, found in the command line of a process.

use std::path::Path;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::sys::file;

/// The size limit of a command line, in bytes.
const MAX_COMMAND_LINE: usize = 64 << 10;

/// How to find the container's command: in the command line of a process, after a certain word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandPlace {
    /// The suffix of that word.
    after: String,
    /// Words that may precede the actual command, by their last path component.
    skip: Vec<String>,
}

impl CommandPlace {
    /// Parses the table; `None` if it has other keys or values.
    pub(super) fn of(table: Vec<(String, String)>) -> Option<CommandPlace> {
        let mut place = CommandPlace { after: String::new(), skip: Vec::new() };
        for (key, text) in table {
            match key.as_str() {
                "after" => place.after = text,
                "skip" => place.skip = text.split_whitespace().map(str::to_string).collect(),
                _ => return None,
            }
        }
        (!place.after.is_empty()).then_some(place)
    }

    /// The command, if the command line contains the word.
    fn command_in(&self, line: &[String]) -> Option<Vec<String>> {
        let at = line.iter().position(|word| word.ends_with(&self.after))?;
        let mut command = line.get(at + 1..).unwrap_or_default();
        for skipped in &self.skip {
            match command.split_first() {
                Some((first, rest)) if first.rsplit('/').next() == Some(skipped) => command = rest,
                _ => {}
            }
        }
        Some(command.to_vec())
    }

    /// Searches all processes in this PID namespace that run as root or as the caller: any other could forge it.
    pub(super) fn find(&self) -> Option<Vec<String>> {
        let first = of_process(self, "1");
        first.or_else(|| {
            let mut numbers: Vec<u32> = std::fs::read_dir("/proc")
                .ok()?
                .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
                .collect();
            numbers.sort_unstable();
            numbers.into_iter().find_map(|number| of_process(self, &number.to_string()))
        })
    }
}

fn of_process(place: &CommandPlace, number: &str) -> Option<Vec<String>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let process =
        openat(nix::fcntl::AT_FDCWD, &Path::new("/proc").join(number), flags, Mode::empty()).ok()?;
    let read = |name: &str| {
        let open = file::open_regular_at(&process, Path::new(name), OFlag::empty());
        open.and_then(|open| file::read_at_most(open, MAX_COMMAND_LINE)).ok()
    };
    let is_trusted = || Some(is_trusted(&String::from_utf8_lossy(&read("status")?)));
    // checked before reading the command line, since another user's process could have these ids for a moment, and
    // afterwards, since it may be that of the next process with this pid
    is_trusted().filter(|is_trusted| *is_trusted)?;
    let line = read("cmdline")?;
    let line: Vec<String> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let command = place.command_in(&line)?;
    is_trusted()?.then_some(command)
}

/// Whether all ids of a process are those of root or the caller, and it is in this PID namespace. The owner of its
/// directory in /proc proves nothing: it is root for any process that is not dumpable.
fn is_trusted(status: &str) -> bool {
    let numbers = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(
            line.split_whitespace().map(str::parse::<u32>).collect::<Result<Vec<_>, _>>().unwrap_or_default(),
        )
    };
    let own = nix::unistd::geteuid().as_raw();
    numbers("Uid:").is_some_and(|ids| !ids.is_empty() && ids.iter().all(|id| *id == 0 || *id == own))
        && numbers("NSpid:").is_none_or(|numbers| numbers.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> CommandPlace {
        let table = [("after", "main-wrapper.sh"), ("skip", "dispatch.sh bot")];
        CommandPlace::of(table.map(|(key, text)| (key.to_string(), text.to_string())).to_vec())
            .expect("a place")
    }

    #[test]
    fn the_command_is_what_follows_the_word() {
        for (line, expected) in [
            ("/init /opt/main-wrapper.sh gateway run", Some("gateway run")),
            (
                "/bin/sh -e /run/rc.init top /opt/main-wrapper.sh dashboard --port 1",
                Some("dashboard --port 1"),
            ),
            ("/init /opt/main-wrapper.sh /opt/dispatch.sh bot gateway run", Some("gateway run")),
            ("/init /opt/main-wrapper.sh /usr/bin/bot dashboard", Some("dashboard")),
            ("/init /opt/main-wrapper.sh", Some("")),
            ("/init gateway run", None),
            ("", None),
        ] {
            let line: Vec<String> = line.split_whitespace().map(str::to_string).collect();
            assert_eq!(
                place().command_in(&line).map(|words| words.join(" ")).as_deref(),
                expected,
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_table_without_a_word_to_search_for_is_rejected() {
        assert_eq!(CommandPlace::of(vec![("skip".to_string(), "x".to_string())]), None);
    }

    #[test]
    fn only_processes_of_root_or_the_caller_in_this_namespace_are_trusted() {
        let own = nix::unistd::geteuid();
        assert!(is_trusted("Name:\tsh\nUid:\t0\t0\t0\t0\nNSpid:\t17\n"));
        assert!(is_trusted(&format!("Uid:\t{own}\t{own}\t{own}\t{own}\n")));
        for bad in ["Uid:\t0\t54321\t0\t0\n", "Uid:\t0\t0\t0\t0\nNSpid:\t17\t3\n", "Uid:\tx\n", ""] {
            assert!(!is_trusted(bad), "{bad:?}");
        }
    }
}
