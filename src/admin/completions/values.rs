//! What an option or an operand takes, told by its metavariable: so that a new option is completed too.

use super::SHELLS;
use crate::admin::man;
use crate::admin::options::Command;
use crate::config::flags::Takes;

/// What may stand at a place. Several may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Candidates {
    pub(super) words: Vec<&'static str>,
    pub(super) kinds: Vec<Kind>,
}

/// What a shell knows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Users,
    Groups,
    Files,
    Directories,
    /// A program in PATH, or a path.
    Programs,
    /// Those of futo.
    Services,
}

/// Of an option's value; none if it takes none.
pub(super) fn of_option(long: &str, takes: Takes) -> Option<Candidates> {
    let metavariable = match takes {
        Takes::Nothing => return None,
        Takes::Value(metavariable) | Takes::OptionalValue(metavariable) => metavariable,
    };
    let forms: &[&'static str] = match long {
        "ready" => &["start", "first-success", "sd_notify", "tcp:", "file:", "cmd:"],
        "wait-for" => &["file:", "cmd:"],
        "stop-signal" => &["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "KILL"],
        _ => &[],
    };
    let mut candidates = Candidates { words: forms.to_vec(), kinds: Vec::new() };
    for part in metavariable.split('|') {
        match part.trim_end_matches(",…") {
            "PATH" | "FILE" => candidates.kinds.push(Kind::Files),
            "DIR" => candidates.kinds.push(Kind::Directories),
            "USER[:GROUP]" => candidates.kinds.push(Kind::Users),
            "GROUP" => candidates.kinds.push(Kind::Groups),
            "COMMAND" => candidates.kinds.push(Kind::Programs),
            word if !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') =>
            {
                candidates.words.push(word);
            }
            _ => {}
        }
    }
    Some(candidates)
}

/// Of what follows a command's options.
pub(super) fn of_operands(command: &Command) -> Candidates {
    let kinds = |kinds: &[Kind]| Candidates { words: Vec::new(), kinds: kinds.to_vec() };
    match command.name {
        "completions" => Candidates { words: SHELLS.to_vec(), kinds: Vec::new() },
        "man" => Candidates { words: man::names(), kinds: Vec::new() },
        // the name is new, then comes a program
        "new" => kinds(&[Kind::Programs]),
        "check" => kinds(&[Kind::Services, Kind::Files]),
        _ if command.operands.contains("NAME") => kinds(&[Kind::Services, Kind::Directories]),
        _ => Candidates::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::ReadyForm;

    #[test]
    fn a_metavariable_tells_what_a_value_is() {
        let of = |long, metavariable| of_option(long, Takes::Value(metavariable)).expect("a value");
        let words = |words: &[&'static str]| Candidates { words: words.to_vec(), kinds: Vec::new() };
        assert_eq!(of("on-stop", "kill|finish"), words(&["kill", "finish"]));
        assert_eq!(of("interval", "DURATION"), words(&[]));
        assert_eq!(of("x", "GROUP,…|none"), Candidates { words: vec!["none"], kinds: vec![Kind::Groups] });
        assert_eq!(of("log", "PATH|-").kinds, [Kind::Files]);
        assert_eq!(of_option("json", Takes::Nothing), None);
    }

    #[test]
    fn the_forms_of_ready_are_those_that_are_read() {
        for word in of_option("ready", Takes::Value("FORM")).expect("a value").words {
            let given = match word {
                "tcp:" => "tcp:80".to_string(),
                word if word.ends_with(':') => format!("{word}x"),
                word => word.to_string(),
            };
            assert!(ReadyForm::parse(given.as_ref()).is_ok(), "{given}");
        }
    }
}
