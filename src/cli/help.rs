//! `-h`, `--help` and `--version`, from the table.

use std::fmt::Write as _;

use crate::config::flags::SECTIONS;

/// What `--version` prints.
pub const VERSION: &str = concat!("futo-launch ", env!("CARGO_PKG_VERSION"), "\n");

const USAGE: &str = "\
Usage: futo-launch [OPTION…] [--] PROGRAM [ARG…]
       futo-launch --file FILE [OPTION…] [NAME]

Sets up the process (user, environment, log, limits) and executes PROGRAM in place of itself, or
runs it in a loop if a timing option (--interval, --every, --schedule, --once) is given.
";

const EXIT_CODES: &str = "
Exit codes:
  0    stopped, or done        111  system error
  100  configuration error     124  the run exceeded --timeout
  126  cannot execute          127  program not found
  128+n  the worker was killed by signal n
";

/// One line per option, for `-h`.
pub fn short() -> String {
    let mut page = String::from(USAGE);
    for section in &SECTIONS {
        let _ = writeln!(page, "\n{}:", section.title);
        for flag in section.options {
            let _ = writeln!(page, "  {:<29} {}", flag.spelled(), flag.help);
        }
    }
    page.push_str(EXIT_CODES);
    page
}

/// Everything about each option, for `--help`.
pub fn long() -> String {
    let mut page = String::from(USAGE);
    for section in &SECTIONS {
        let _ = writeln!(page, "\n{}:", section.title);
        for flag in section.options {
            let again = if flag.repeats { " (may be repeated)" } else { "" };
            let _ = writeln!(page, "  {}{again}\n      {}", flag.spelled(), flag.help);
            for line in wrapped(flag.more, 88) {
                let _ = writeln!(page, "      {line}");
            }
        }
    }
    page.push_str(EXIT_CODES);
    page
}

/// Lines of at most `width` characters, broken at white space.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::flags;

    #[test]
    fn both_pages_name_every_option() {
        for page in [short(), long()] {
            for flag in flags::all() {
                assert!(page.contains(&format!("--{}", flag.long)), "{}", flag.long);
            }
            assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
        }
    }
}
