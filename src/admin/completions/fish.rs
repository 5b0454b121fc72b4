//! For fish.

use std::fmt::Write as _;

use super::values::{Candidates, Kind, of_operands, of_option};
use super::{COMMANDS, PLACES, launch_options};
use crate::options::OptionRow;

pub(super) fn script() -> String {
    let mut script = format!(
        "# completion of futo and futo-launch for fish\n\
         function __futo_services\n\
         \x20   for run in {}\n\
         \x20       basename (dirname $run)\n\
         \x20   end\n\
         end\n\
         function __futo_command\n\
         \x20   set -l words (commandline -opc)\n\
         \x20   test (count $words) -ge 2 -a \"$words[2]\" = \"$argv[1]\"\n\
         end\n",
        PLACES.join(" ")
    );
    for each in launch_options() {
        let _ = writeln!(script, "complete -c futo-launch {}", option(&each));
    }
    for command in COMMANDS {
        let _ = writeln!(
            script,
            "complete -c futo -n 'test (count (commandline -opc)) -eq 1' -f -a {} -d {}",
            command.name,
            quoted(command.help)
        );
        let here = format!("complete -c futo -n '__futo_command {}'", command.name);
        for each in command.rows() {
            let _ = writeln!(script, "{here} {}", option(&each));
        }
        let candidates = of_operands(command.operands);
        // -f: no files of fish's own accord
        let files = if candidates.kinds.contains(&Kind::Files) { "" } else { " -f" };
        let _ = match offered(&candidates) {
            None => writeln!(script, "{here}{files}"),
            Some(list) => writeln!(script, "{here}{files} -a {list}"),
        };
    }
    script
}

fn option(option: &OptionRow<()>) -> String {
    let OptionRow { long, help, .. } = option;
    let value = match of_option(option) {
        None => String::new(),
        Some(candidates) if candidates.kinds.contains(&Kind::Files) => match offered(&candidates) {
            None => " -r -F".to_string(),
            Some(list) => format!(" -r -F -a {list}"),
        },
        Some(candidates) => match offered(&candidates) {
            None => " -x".to_string(),
            Some(list) => format!(" -x -a {list}"),
        },
    };
    format!("-l {long}{value} -d {}", quoted(help))
}

/// All but files, which fish offers itself.
fn offered(candidates: &Candidates) -> Option<String> {
    let mut parts: Vec<&str> = candidates
        .kinds
        .iter()
        .filter_map(|kind| match kind {
            Kind::Users => Some("(__fish_complete_users)"),
            Kind::Groups => Some("(__fish_complete_groups)"),
            Kind::Files => None,
            Kind::Directories => Some("(__fish_complete_directories (commandline -ct))"),
            Kind::Programs => Some("(__fish_complete_command)"),
            Kind::Services => Some("(__futo_services)"),
        })
        .collect();
    parts.extend(&candidates.words);
    (!parts.is_empty()).then(|| quoted(&parts.join(" ")))
}

/// In fish's single quotes a backslash takes the next backslash or quote as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
