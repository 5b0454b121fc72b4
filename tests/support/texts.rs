//! What programs have printed, made comparable.

use std::process::Output;

/// What was written to stderr, with TIME for each time stamp at the start of a line.
pub fn said(output: &Output) -> String {
    without_times(&super::stderr(output))
}

/// A text with TIME for each time stamp at the start of a line.
pub fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        shape == "0000-00-00T00:00:00Z"
    };
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_at_checked(20) {
            Some((time, rest)) if is_time(time) => {
                lines.push_str("TIME");
                lines.push_str(rest);
            }
            _ => lines.push_str(line),
        }
    }
    lines
}

/// The number behind a word in a text: `number_after("pid 12\n", "pid ")` is 12.
pub fn number_after(text: &str, word: &str) -> i32 {
    let rest = text.split_once(word).map(|(_, rest)| rest).unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number behind {word:?} in {text:?}"))
}

/// The lines of a trace (strace -f -o) whose system call creates, opens for writing, renames, removes a
/// path or changes its mode, owner or times.
pub fn touching(trace: &str) -> Vec<&str> {
    const ALWAYS: [&str; 12] = [
        "creat", "rename", "link", "symlink", "unlink", "rmdir", "mkdir", "mknod", "chmod", "chown",
        "truncate", "utime",
    ];
    trace
        .lines()
        .filter(|line| {
            let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
            let name = call.split('(').next().unwrap_or_default();
            match name {
                "open" | "openat" | "openat2" => ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_TMPFILE"]
                    .iter()
                    .any(|flag| call.contains(flag)),
                "readlink" | "readlinkat" => false,
                _ => ALWAYS.iter().any(|part| name.contains(part)) || name.contains("setxattr"),
            }
        })
        .collect()
}

/// A text as one word of a shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// How often the part stands in the text.
pub fn occurrences(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

/// What was printed to stdout and stderr.
pub fn printed(output: &Output) -> String {
    format!("{}{}", super::stdout(output), super::stderr(output))
}

/// A text with PID for each process number.
pub fn without_pids(text: &str) -> String {
    let mut parts = text.split("pid ");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| text + "pid PID" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}
