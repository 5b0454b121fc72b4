//! The reader of config.env on any bytes: no panic, bounded time and memory; what is read has a canonical
//! spelling with the same values.
#![no_main]

use futo_launch::env_file;
use libfuzzer_sys::fuzz_target;

/// The kernel's bound for one variable.
const MAX_VALUE: usize = 128 << 10;

fn inherited(name: &str) -> Option<&'static [u8]> {
    match name {
        "HOME" => Some(b"/config"),
        "A" => Some(b"a b"),
        "EMPTY" => Some(b""),
        _ => None,
    }
}

fuzz_target!(|bytes: &[u8]| {
    match env_file::parse(bytes, &inherited) {
        Ok(file) => {
            for assignment in &file.assignments {
                assert!(assignment.value.len() < MAX_VALUE && !assignment.value.contains(&0));
            }
            // a spelling that would give other values is none
            let spelled = env_file::spell(bytes, &inherited);
            assert!(spelled.is_ok(), "read, but not for its spelling");
        }
        Err(refusals) => assert!((1..=100).contains(&refusals.len()), "{}", refusals.len()),
    }
});
