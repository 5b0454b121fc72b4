//! Variables that bash treats specially.

/// bash maintains these: an assignment fails or does not persist, and the value read is bash's.
const KEPT: &[&str] = &[
    "BASHOPTS",
    "BASHPID",
    "BASH_ALIASES",
    "BASH_ARGC",
    "BASH_ARGV",
    "BASH_ARGV0",
    "BASH_CMDS",
    "BASH_COMMAND",
    "BASH_COMPAT",
    "BASH_LINENO",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "BASH_VERSINFO",
    "BASH_XTRACEFD",
    "COMP_WORDBREAKS",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "LINENO",
    "OPTIND",
    "PIPESTATUS",
    "POSIXLY_CORRECT",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "_",
];

/// bash sets these at startup, overriding an inherited value.
const RESET: &[&str] = &["IFS", "OLDPWD", "OPTERR", "PS1", "PS2", "PS4", "PWD"];

/// bash sets these at startup if they are not inherited.
const PREPARED: &[&str] = &["HOSTNAME", "HOSTTYPE", "MACHTYPE", "OSTYPE", "PATH", "SHELL", "TERM"];

pub(super) fn is_kept(name: &str) -> bool {
    KEPT.binary_search(&name).is_ok()
}

/// Whether bash overrides an inherited value at startup.
pub(super) fn is_reset(name: &str) -> bool {
    RESET.contains(&name) || name.starts_with("BASH")
}

/// Whether bash sets the variable at startup if it is not inherited.
pub(super) fn is_prepared(name: &str) -> bool {
    PREPARED.contains(&name)
}

/// Whether this is a valid variable name: letters, digits and underscores, not starting with a digit.
pub fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(|first| !first.is_ascii_digit()) && text.iter().all(|byte| is_name_byte(*byte))
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
#[test]
fn the_kept_names_are_in_order() {
    assert!(KEPT.is_sorted());
}
