//! `--log-tee`: the copy on the inherited stdout.

use crate::support::direct::{Caller, Direct};
use crate::support::needs;
use crate::{eventually_no_pump, without_stamps};

#[test]
fn lines_are_copied_to_stdout_with_the_name() {
    needs!(root);
    for (option, expected) in [("--log-tee", "tee: one\ntee: two\n"), ("--log-tee=raw", "one\ntwo\n")] {
        let direct = Direct::new("tee");
        let mut command = direct.command(
            Caller::Root,
            &[option, "--log-stamp", "iso"],
            &["sh", "-c", "echo one; echo two"],
        );
        let output = command.stdout(std::process::Stdio::piped()).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
        eventually_no_pump(&direct);
        assert_eq!(without_stamps(direct.log().as_bytes()), b"one\ntwo\n");
    }
}

#[test]
fn a_copy_has_every_byte_of_long_lines_and_of_a_last_one_without_an_end() {
    needs!(root);
    for length in [4094, 4095, 4096, 16_000] {
        let direct = Direct::new("tee");
        let script = format!("head -c {length} /dev/zero | tr '\\0' x; echo; printf last");
        let mut command = direct.command(Caller::Root, &["--log-tee=raw"], &["sh", "-c", &script]);
        let output = command.stdout(std::process::Stdio::piped()).output().expect("it runs");
        let copy = String::from_utf8_lossy(&output.stdout).into_owned();
        let pieces = "x".repeat(length).as_bytes().chunks(4095).count();
        assert_eq!(copy.matches('x').count(), length);
        assert_eq!(copy.lines().count(), pieces + 1, "{length}: {copy}");
        assert!(copy.ends_with("x\nlast\n"), "{length}: {copy}");
        eventually_no_pump(&direct);
        assert_eq!(direct.log(), format!("{}\nlast", "x".repeat(length)));
    }
}
