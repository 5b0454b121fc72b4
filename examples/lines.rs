//! Writes numbered lines in a pattern, as the worker of the tests of logs.
//! Try it: `futo-launch --log /tmp/x.log --log-live -- target/…/examples/lines bursts 100000`

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

#[path = "../tests/support/numbered.rs"]
mod numbered;

/// lines PATTERN COUNT [PROGRESS [PAUSE]]: PATTERN is one of bursts, large (64 KiB), lines, bytes, mixed; PROGRESS is a file that gets the number of bytes that have been written,
/// PAUSE the microseconds after each write.
fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let count: u64 = word(1).parse().unwrap_or(10);
    let progress = match word(2) {
        "" => None,
        path => Some(File::create(path)?),
    };
    let pause = word(3).parse().map(Duration::from_micros).unwrap_or_default();
    let mut written: u64 = 0;
    let mut write = |to: &mut dyn Write, bytes: &[u8]| -> io::Result<()> {
        to.write_all(bytes)?;
        to.flush()?;
        written += bytes.len() as u64;
        if let Some(file) = &progress {
            file.write_at(&written.to_le_bytes(), 0)?;
        }
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        Ok(())
    };
    // without the buffer of std's stdout
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut stderr = io::stderr();
    let mut due: Vec<u8> = Vec::new();
    let mut seed: usize = 12_345;
    for number in 0..count {
        let line = numbered::line(number);
        let pattern = match word(0) {
            "mixed" => pattern_of(number),
            pattern => pattern,
        };
        if matches!(pattern, "lines" | "bytes") && !due.is_empty() {
            write(&mut stdout, &std::mem::take(&mut due))?;
        }
        match pattern {
            // a write each, on stdout and stderr in turn
            "lines" if number % 2 == 1 => write(&mut stderr, &line)?,
            "lines" => write(&mut stdout, &line)?,
            "bytes" => {
                for byte in &line {
                    write(&mut stdout, &[*byte])?;
                }
            }
            // any number of bytes, of lines that are begun or not, on either
            pattern => {
                due.extend_from_slice(&line);
                loop {
                    let portion = if pattern == "large" { 65_536 } else { 1 + seed % 70_000 };
                    if due.len() < portion {
                        break;
                    }
                    let rest = due.split_off(portion);
                    match seed % 3 {
                        0 => write(&mut stderr, &due)?,
                        _ => write(&mut stdout, &due)?,
                    }
                    due = rest;
                    seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345) >> 3;
                }
            }
        }
    }
    if word(0) == "mixed" {
        // its last line has no end
        due.pop();
    }
    write(&mut stdout, &due)
}

/// All patterns in turn; the last line is one that is not written at once.
fn pattern_of(number: u64) -> &'static str {
    match number % 4000 {
        0..1000 => "bursts",
        1000..1002 => "bytes",
        1002..2000 => "lines",
        2000..3000 => "large",
        _ => "bursts",
    }
}
