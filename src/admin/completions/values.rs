//! What an option or operand takes, derived from its row, so that a new option is completed too.

use crate::admin::options::Operands;
use crate::options::{OptionRow, Takes};

/// What a shell may offer at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Candidates {
    pub(super) words: Vec<&'static str>,
    pub(super) kinds: Vec<Kind>,
}

/// What a shell can list by itself.
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

/// The candidates for an option's value; `None` if it takes no value.
pub(super) fn of_option(option: &OptionRow<()>) -> Option<Candidates> {
    let metavariable = match option.takes {
        Takes::Nothing => return None,
        Takes::Value(metavariable) | Takes::OptionalValue(metavariable) => metavariable,
    };
    let mut candidates = Candidates { words: option.values.to_vec(), kinds: Vec::new() };
    for part in metavariable.split('|') {
        match part.trim_start_matches("[-]").trim_end_matches(",…") {
            "PATH" | "FILE" => candidates.kinds.push(Kind::Files),
            "DIR" | "PATH[:MODE]" => candidates.kinds.push(Kind::Directories),
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

/// The candidates for what follows a command's options.
pub(super) fn of_operands(operands: Operands) -> Candidates {
    let kinds = |kinds: &[Kind]| Candidates { words: Vec::new(), kinds: kinds.to_vec() };
    match operands {
        Operands::OneOf(_, words) => Candidates { words: words(), kinds: Vec::new() },
        // the name is new, then comes a program
        Operands::NewService(_) => kinds(&[Kind::Programs]),
        Operands::ServicesAndFiles(_) => kinds(&[Kind::Services, Kind::Files]),
        Operands::Services(_) => kinds(&[Kind::Services, Kind::Directories]),
        Operands::None | Operands::Other(_) => Candidates::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::flags::{self, Key, ReadinessOption};
    use crate::config::value::ReadyForm;

    #[test]
    fn a_metavariable_tells_what_a_value_is() {
        let row = |takes| OptionRow::new((), "x", takes, "");
        let of = |metavariable| of_option(&row(Takes::Value(metavariable))).expect("a value");
        let words = |words: &[&'static str]| Candidates { words: words.to_vec(), kinds: Vec::new() };
        assert_eq!(of("kill|finish"), words(&["kill", "finish"]));
        assert_eq!(of("DURATION"), words(&[]));
        assert_eq!(of("GROUP,…|none"), Candidates { words: vec!["none"], kinds: vec![Kind::Groups] });
        assert_eq!(of("PATH|-").kinds, [Kind::Files]);
        assert_eq!(of("[-]DIR").kinds, [Kind::Directories]);
        assert_eq!(of_option(&row(Takes::Nothing)), None);
    }

    #[test]
    fn the_forms_of_ready_are_those_that_are_read() {
        let ready = flags::all().find(|flag| flag.meaning.key == Key::Readiness(ReadinessOption::Ready));
        for word in ready.expect("the option").values {
            let given = match *word {
                "tcp:" => "tcp:80".to_string(),
                word if word.ends_with(':') => format!("{word}x"),
                word => word.to_string(),
            };
            assert!(ReadyForm::parse(given.as_ref()).is_ok(), "{given}");
        }
    }
}
