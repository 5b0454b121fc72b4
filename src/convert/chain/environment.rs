//! Programs that change the environment.

use super::options::Options;
use super::{Found, Unclear};
use crate::convert::step::Step;
use crate::convert::word::{Piece, Word};
use crate::env_file::is_name;

/// `env [-i] [-u NAME] [NAME=value…] PROG…`
pub(crate) fn env(words: &[Word]) -> Result<Found, Unclear> {
    let mut steps = Vec::new();
    let mut options = Options::new(words);
    while let Some(option) = options.next_option()? {
        match option.as_str() {
            "-i" => steps.push(Step::ClearEnv),
            "-u" => steps.push(Step::Unset(options.value()?)),
            other => match other.strip_prefix("--unset=") {
                Some(name) => steps.push(Step::Unset(name.to_string())),
                None => return Err(format!("option {other} of env")),
            },
        }
    }
    let words = options.rest();
    let assignment = |word: &Word| {
        let (name, value) = word.raw.split_once('=')?;
        is_name(name.as_bytes()).then(|| Step::Export(name.to_string(), Word::read(value)))
    };
    let count = words.iter().take_while(|word| assignment(word).is_some()).count();
    let (assigned, program) = words.split_at(count);
    // env does not split them, the shell before it would
    if assigned.iter().any(has_unquoted) {
        return Err("an unquoted variable in an argument of env".to_string());
    }
    steps.extend(assigned.iter().filter_map(assignment));
    Ok(Some((steps, program.to_vec())))
}

fn has_unquoted(word: &Word) -> bool {
    word.pieces.iter().any(|piece| matches!(piece, Piece::Variable { quoted: false, .. }))
}

/// `s6-envdir [-f] [-n] DIR PROG…`
pub(crate) fn env_dir(mut options: Options<'_>) -> Result<Found, Unclear> {
    if let Some(option) = options.next_option()? {
        // each of them changes how files are read
        return Err(format!("option {option} of s6-envdir"));
    }
    let directory = options.operand()?;
    Ok(Some((vec![Step::EnvDir(directory)], options.rest())))
}
