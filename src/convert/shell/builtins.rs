//! Builtins of the shell, and the programs that prepare files and directories.

use super::syntax::Simple;
use crate::convert::step::{Exported, Missing, Step};
use crate::convert::word::{Otherwise, Piece, Word};
use crate::env_file::is_name;

/// Builtins that change the shell in ways that are not followed.
const NOT_FOLLOWED: [&str; 27] = [
    "eval",
    "read",
    "shift",
    "getopts",
    "let",
    "mapfile",
    "readarray",
    "wait",
    "exit",
    "return",
    "break",
    "continue",
    "declare",
    "typeset",
    "local",
    "alias",
    "bg",
    "fg",
    "jobs",
    "disown",
    "enable",
    "shopt",
    "times",
    "pushd",
    "popd",
    "builtin",
    "readonly",
];

/// The steps of a builtin; none if it is another program.
pub(crate) fn steps(simple: &Simple) -> Option<Result<Vec<Step>, String>> {
    let name = simple.name()?;
    if NOT_FOLLOWED.contains(&name.as_str()) {
        return Some(Err(format!("'{name}' changes the shell")));
    }
    let arguments = simple.words.get(1..).unwrap_or_default();
    let steps = match name.as_str() {
        "set" => set(arguments),
        "export" => export(arguments),
        "unset" => unset(arguments),
        "cd" => cd(arguments),
        "umask" => one_literal(arguments)
            .map(|mask| vec![Step::Option("umask", mask)])
            .ok_or_else(|| computed("umask")),
        "ulimit" => ulimit(arguments),
        "." | "source" => source(arguments),
        ":" => colon(arguments),
        "true" => Ok(vec![Step::LeftOut("it does nothing".to_string())]),
        "trap" => trap(arguments),
        "hash" => Err("'hash' changes the shell".to_string()),
        _ => return None,
    };
    let is_harmless = simple.redirects.iter().all(|each| each.target.is("/dev/null") || each.target.is("1"));
    Some(match simple.assignments.is_empty() && is_harmless {
        true => steps,
        false => Err(format!("'{name}' with a redirection or assignment")),
    })
}

fn computed(what: &str) -> String {
    format!("the {what} is computed: only a fixed value can be an option")
}

fn one_literal(arguments: &[Word]) -> Option<String> {
    match arguments {
        [word] => word.literal(),
        _ => None,
    }
}

/// `set -euo pipefail`
fn set(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let mut steps = vec![Step::ShellState];
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let text = word.literal().ok_or("'set' with a variable")?;
        let (is_on, letters) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
            (Some(letters), _) if !letters.is_empty() => (true, letters.to_string()),
            (None, Some(letters)) => (false, letters.to_string()),
            _ => return Err("'set' sets arguments".to_string()),
        };
        for letter in letters.chars() {
            match letter {
                'e' if is_on => steps.push(Step::StopOnFailure),
                'u' if is_on => steps.push(Step::UnsetIsError),
                'a' | 'x' | 'h' | 'E' | 'T' => {}
                'o' => match words.next().and_then(Word::literal).as_deref() {
                    Some("pipefail" | "allexport" | "xtrace" | "errtrace") => {}
                    Some("errexit") if is_on => steps.push(Step::StopOnFailure),
                    Some("nounset") if is_on => steps.push(Step::UnsetIsError),
                    _ => return Err("'set' with this option".to_string()),
                },
                _ => return Err("'set' with this option".to_string()),
            }
        }
    }
    Ok(steps)
}

fn export(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let one = |word: &Word| match word.raw.split_once('=') {
        Some((name, value)) if is_name(name.as_bytes()) => match Word::read(value) {
            value if own_default(name, &value).is_some() => {
                let text = own_default(name, &value).unwrap_or_default();
                Ok(Step::Default(name.to_string(), Word::of_text(&text), Exported::Yes))
            }
            value => Ok(Step::Export(name.to_string(), value)),
        },
        None if is_name(word.raw.as_bytes()) => {
            Ok(Step::Export(word.raw.clone(), Word::read(&format!("${}", word.raw))))
        }
        _ => Err("'export' of this form".to_string()),
    };
    arguments.iter().map(one).collect()
}

/// `"${NAME:-text}"` for NAME itself.
pub(crate) fn own_default(name: &str, value: &Word) -> Option<String> {
    let mut pieces =
        value.pieces.iter().filter(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    match (pieces.next()?, pieces.next()) {
        (Piece::Variable { name: other, otherwise: Otherwise::IfEmpty(text), .. }, None) if other == name => {
            Some(text.clone())
        }
        _ => None,
    }
}

fn unset(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let one = |word: &Word| match word.literal() {
        Some(name) if is_name(name.as_bytes()) => Ok(Step::Unset(name)),
        _ => Err("'unset' of this form".to_string()),
    };
    arguments.iter().filter(|word| !word.is("-v")).map(one).collect()
}

/// `cd DIR`; the script's own directory is that of the service.
fn cd(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let arguments = match arguments {
        [dashes, rest @ ..] if dashes.is("--") || dashes.is("-P") => rest,
        _ => arguments,
    };
    let [word] = arguments else { return Err("'cd' of this form".to_string()) };
    let raw: String = word.raw.chars().filter(|c| *c != '"').collect();
    let is_own = matches!(
        raw.as_str(),
        "$(dirname $0)"
            | "$(dirname -- $0)"
            | "${0%/*}"
            | "$(dirname ${BASH_SOURCE[0]})"
            | "$(dirname $BASH_SOURCE)"
            | "."
            | "./"
    );
    match word.literal() {
        _ if is_own => Ok(vec![Step::LeftOut("it is the service directory already".to_string())]),
        Some(path) if !path.is_empty() && path != "-" => Ok(vec![Step::Directory(path)]),
        _ => Err(computed("directory")),
    }
}

/// The limit of an option of ulimit, and the size of its unit in bytes.
fn limit(letter: char) -> Option<(&'static str, u64)> {
    Some(match letter {
        'n' => ("nofile", 1),
        'u' | 'p' => ("nproc", 1),
        't' => ("cpu", 1),
        'v' => ("as", 1024),
        's' => ("stack", 1024),
        'd' => ("data", 1024),
        'l' => ("memlock", 1024),
        'm' => ("rss", 1024),
        // blocks of 1024 bytes in bash, of 512 in dash: only these mean the same
        'c' => ("core", 0),
        'f' => ("fsize", 0),
        _ => return None,
    })
}

fn ulimit(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let [option, value] = arguments else { return Err("'ulimit' of this form".to_string()) };
    let (Some(option), Some(value)) = (option.literal(), value.literal()) else {
        return Err(computed("limit"));
    };
    let mut letters = option.strip_prefix('-').unwrap_or_default().chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return Err("'ulimit' that sets the soft or the hard limit alone".to_string());
    };
    let (name, unit) = limit(letter).ok_or("'ulimit' with this option")?;
    let value = match value.parse::<u64>() {
        Ok(0) => "0".to_string(),
        Ok(number) if unit > 0 => number.checked_mul(unit).ok_or("a limit this large")?.to_string(),
        Err(_) if value == "unlimited" => value,
        _ => return Err("'ulimit' in blocks, whose size depends on the shell".to_string()),
    };
    Ok(vec![Step::Option("ulimit", format!("{name}={value}"))])
}

/// `. ./config.env`
fn source(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let path = one_literal(arguments).ok_or("a sourced file whose path is computed")?;
    if path.ends_with(".sh")
        || path.ends_with(".bash")
        || path.ends_with("/activate")
        || !path.contains('/') && path != "config.env"
    {
        return Err(format!("'{path}' may hold commands: only files of variables are read"));
    }
    Ok(vec![Step::Source { path, missing: Missing::Error }])
}

/// `: "${NAME:=text}" "${NAME:?}"`
fn colon(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for word in arguments {
        for piece in &word.pieces {
            match piece {
                Piece::Variable { name, otherwise: Otherwise::Set(text), .. } => {
                    steps.push(Step::Default(name.clone(), Word::of_text(text), Exported::No));
                }
                Piece::Variable { name, otherwise: Otherwise::Error, .. } => {
                    steps.push(Step::Require(name.clone()))
                }
                Piece::Variable { .. } | Piece::Text(_) => {}
                Piece::Pattern | Piece::Opaque => {
                    return Err("an expansion that only a shell can make".to_string());
                }
            }
        }
    }
    if steps.is_empty() {
        steps.push(Step::LeftOut("it does nothing".to_string()));
    }
    Ok(steps)
}

/// A handler that only ends the script or its children: the launcher does that.
fn trap(arguments: &[Word]) -> Result<Vec<Step>, String> {
    let handler =
        arguments.first().map(|word| word.raw.trim_matches(['"', '\'']).to_string()).unwrap_or_default();
    let only_ends =
        handler.split([';', '&', '|']).map(str::trim).filter(|part| !part.is_empty()).all(|part| {
            let first = part.split_whitespace().next().unwrap_or_default();
            matches!(first, "exit" | "kill" | "wait" | "true" | ":")
        });
    match only_ends && !handler.is_empty() {
        true => Ok(vec![Step::ShellState, Step::LeftOut("futo-launch stops the worker".to_string())]),
        false => Err("a trap with a command of its own".to_string()),
    }
}
