//! Wrong options.

use crate::support::{Scratch, needs};
use crate::words;

#[test]
fn wrong_options_are_all_reported_at_once_with_what_to_write() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("options");
    let options =
        ["--xyzzy", "--workdir=/", "-u", "--nice", "99", "--grace", "3", "--user", "nosuch", "true"];
    let expected = "\
futo-launch: fatal: unknown option '--xyzzy'
futo-launch: hint: --help lists all options
futo-launch: fatal: unknown option '--workdir'
futo-launch: hint: in futo-launch: --chdir DIR
futo-launch: fatal: unknown option '-u'
futo-launch: hint: in futo-launch: --user USER[:GROUP]
futo-launch: fatal: --nice: invalid value '99': is not a whole number from -20 to 19
futo-launch: fatal: --grace: needs a timing option: it works only in a loop
futo-launch: hint: add --interval DURATION, --every DURATION, --schedule WHEN or --once
futo-launch: fatal: --user: no user 'nosuch' in /etc/passwd
futo-launch: hint: for a user known only to LDAP or systemd, give the numbers: --user UID:GID
";
    assert_eq!(words(&scratch, &options), (100, expected.to_string()));
    let expected = "\
futo-launch: fatal: no program given
futo-launch: hint: futo-launch [OPTION…] [--] PROGRAM [ARG…]
";
    for nothing in [[].as_slice(), &["--"], &[""], &["--", ""]] {
        assert_eq!(words(&scratch, nothing), (100, expected.to_string()), "{nothing:?}");
    }
    let expected = "futo-launch: fatal: --show-values: requires --explain\n";
    assert_eq!(words(&scratch, &["--show-values", "true"]), (100, expected.to_string()));
}

#[test]
fn a_value_of_env_is_never_shown() {
    needs!(root, "bash", "python3", "strace");
    let scratch = Scratch::new("env-value");
    let expected = "\
futo-launch: fatal: --env: invalid value: has an invalid variable name
futo-launch: hint: use letters, digits and underscores; do not start with a digit
futo-launch: fatal: --env: invalid value: is not NAME=VALUE
futo-launch: hint: use --unset NAME to remove a variable
";
    let options = ["--env", "1X=hunter2", "--env", "hunter2", "true"];
    assert_eq!(words(&scratch, &options), (100, expected.to_string()));
}
