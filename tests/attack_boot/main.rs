//! What abc can do with definitions, words and live services while root publishes them, and what must not
//! come of it. docs/security.md lists these tests.

mod bounds;
mod names;
mod publishing;
#[path = "../support/mod.rs"]
mod support;
mod words;
mod workers;

use std::fs;
use std::process::Command;

use support::boot::{Definitions, Ran};
use support::launching::finish;
use support::own_by_abc;

/// `PREFIX… futo sync …` on these definitions.
fn sync_through(definitions: &Definitions, prefix: &[&str], options: &[&str]) -> Ran {
    let ours = definitions.command(options);
    let mut command = Command::new(prefix[0]);
    command.args(&prefix[1..]).arg(ours.get_program()).args(ours.get_args()).env_clear();
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran::of(&finish(&mut command))
}

/// Whoever takes more than these seconds of processor time is killed, and the test fails by its code.
const CPU: [&str; 3] = ["prlimit", "--cpu=8", "--"];

/// The same script in many definitions of abc's, by hard links.
fn link_into(definitions: &Definitions, text: &str, count: usize) {
    let original = definitions.write("d000/run", text);
    for number in 1..count {
        let directory = definitions.abcs(format!("d{number:03}"));
        fs::create_dir(&directory).expect("made");
        own_by_abc(&directory);
        fs::hard_link(&original, directory.join("run")).expect("linked");
    }
}
