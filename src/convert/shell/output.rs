//! Redirections of a command → where its output goes.

use super::syntax::Redirect;
use crate::convert::step::{Output, Target};

/// Reads the redirections in order.
pub(crate) fn read(redirects: &[Redirect]) -> Result<Output, String> {
    let mut output = Output::default();
    for redirect in redirects {
        one(redirect, &mut output)?;
    }
    Ok(output)
}

fn one(redirect: &Redirect, output: &mut Output) -> Result<(), String> {
    let Redirect { operator, fd, target } = redirect;
    let unclear = || format!("the redirection {fd}{operator}{}", target.raw);
    let text =
        target.literal().ok_or_else(|| "a redirection to a path that the shell has to expand".to_string())?;
    match (operator.as_str(), fd, text.as_str()) {
        ("<", 0, "/dev/null") => Ok(()),
        (">&", 2, "1") => {
            output.stderr = Some(Target::SameAsStdout);
            Ok(())
        }
        // both end up in the log
        (">&", 1, "2") if output.stderr.is_none() => {
            output.stderr = Some(Target::SameAsStdout);
            Ok(())
        }
        (">" | ">>" | ">|", 1, _) => {
            // `2>&1 >file` leaves stderr where stdout was
            if output.stderr == Some(Target::SameAsStdout) {
                return Err("2>&1 before the redirection of stdout".to_string());
            }
            output.stdout = Some(file(operator, text));
            Ok(())
        }
        (">" | ">>" | ">|", 2, _) => {
            output.stderr = Some(file(operator, text));
            Ok(())
        }
        ("&>" | "&>>", ..) => {
            output.stdout = Some(file(operator.trim_start_matches('&'), text));
            output.stderr = Some(Target::SameAsStdout);
            Ok(())
        }
        _ => Err(unclear()),
    }
}

fn file(operator: &str, path: String) -> Target {
    match (operator, path.as_str()) {
        (_, "/dev/null") => Target::Nowhere,
        (">>", _) => Target::Append(path),
        _ => Target::Truncate(path),
    }
}
