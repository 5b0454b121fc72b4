//! Programs that change the user.

use super::options::Options;
use super::{Found, Unclear, left_out};
use crate::convert::step::{Step, User};
use crate::convert::word::Word;

/// The groups that a program sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    /// The primary group only, if true; else all groups of the user.
    OfTool(bool),
}

const EXPANDED: &str = "the user is computed: only a fixed name can be an option";

/// `s6-setuidgid USER PROG…`
pub(crate) fn first_word(words: &[Word], Groups::OfTool(primary_only): Groups) -> Result<Found, Unclear> {
    let Some((user, rest)) = words.split_first() else { return Ok(None) };
    let name = user.literal().ok_or(EXPANDED)?;
    if name.starts_with('-') {
        return Err("a user given by options".to_string());
    }
    // UID:GID sets that group only
    let groups = (primary_only || name.contains(':')).then(|| "none".to_string());
    Ok(Some((vec![Step::User(User { name, groups })], rest.to_vec())))
}

/// `su-exec USER[:GROUP] PROG…`
pub(crate) fn su_exec(words: &[Word]) -> Result<Found, Unclear> {
    first_word(words, Groups::OfTool(false))
}

/// `sudo -u USER PROG…`
pub(crate) fn sudo(mut options: Options<'_>) -> Result<Found, Unclear> {
    let (mut name, mut keeps) = (None, false);
    while let Some(option) = options.next_option()? {
        match option.as_str() {
            "-u" => name = Some(options.value()?),
            "-E" => keeps = true,
            "-H" | "-n" => {}
            other => return Err(format!("option {other} of sudo")),
        }
    }
    let name = name.ok_or("sudo without -u")?;
    let why = "sudo removes variables, unless -E and its policy keep them; the worker has them all";
    let mut steps = vec![Step::User(User { name, groups: None })];
    if !keeps {
        steps.push(Step::Note(why.to_string()));
    }
    Ok(Some((steps, options.rest())))
}

/// `runuser -u USER -- PROG…`
pub(crate) fn runuser(mut options: Options<'_>) -> Result<Found, Unclear> {
    let mut name = None;
    while let Some(option) = options.next_option()? {
        match option.as_str() {
            "-u" => name = Some(options.value()?),
            other => return Err(format!("option {other} of runuser")),
        }
    }
    let name = name.ok_or("runuser without -u")?;
    Ok(Some((vec![Step::User(User { name, groups: None })], options.rest())))
}

/// `su USER -s /bin/sh -c 'command'`: the shell that it starts is the program.
pub(crate) fn su(words: &[Word]) -> Result<Found, Unclear> {
    let (mut name, mut text, mut shell) = (None, None, "sh".to_string());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().and_then(Word::literal).ok_or("an option of su without a fixed value");
        match word.literal().ok_or(EXPANDED)?.as_str() {
            "-c" => text = Some(value()?),
            "-s" => shell = value()?,
            "-m" | "-p" => {}
            option if option.starts_with('-') => return Err(format!("option {option} of su")),
            user if name.is_none() => name = Some(user.to_string()),
            _ => return Err("an argument for the shell of su".to_string()),
        }
    }
    let (Some(name), Some(text)) = (name, text) else {
        return Err("su without a user and a command".to_string());
    };
    let program = [shell.as_str(), "-c", &text].map(Word::of_text).to_vec();
    Ok(Some((vec![Step::User(User { name, groups: None })], program)))
}

/// `setpriv --reuid USER …`
pub(crate) fn setpriv(words: &[Word]) -> Result<Found, Unclear> {
    let (mut user, mut group, mut groups, mut steps) = (None, None, None, Vec::new());
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        let text = word.literal().ok_or(EXPANDED)?;
        if !text.starts_with("--") {
            break;
        }
        rest = after;
        let (option, value) = match text.split_once('=') {
            Some((option, value)) => (option.to_string(), Some(value.to_string())),
            None => (text, None),
        };
        let mut value = || match (&value, rest.split_first()) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some((word, after))) => {
                rest = after;
                word.literal().ok_or_else(|| EXPANDED.to_string())
            }
            (None, None) => Err("an option of setpriv without its value".to_string()),
        };
        match option.as_str() {
            "--" => break,
            "--reuid" => user = Some(value()?),
            "--regid" => group = Some(value()?),
            "--init-groups" => groups = None,
            "--clear-groups" => groups = Some("none".to_string()),
            "--no-new-privs" => steps.push(Step::Option("no-new-privs", String::new())),
            "--inh-caps" | "--ambient-caps" if value()? == "-all" => {}
            "--bounding-set" if value()? == "-all" => steps.push(Step::Option("cap-drop", "all".to_string())),
            other => return Err(format!("option {other} of setpriv")),
        }
    }
    if let Some(user) = user {
        let name = match group {
            Some(group) if group != user => format!("{user}:{group}"),
            _ => user,
        };
        steps.insert(0, Step::User(User { name, groups }));
    }
    Ok(Some((steps, rest.to_vec())))
}

/// `chpst -u USER -o 1024 -e DIR PROG…`
pub(crate) fn chpst(mut options: Options<'_>) -> Result<Found, Unclear> {
    let mut steps = Vec::new();
    while let Some(option) = options.next_option()? {
        match option.as_str() {
            "-u" => steps.push(Step::User(chpst_user(&options.value()?)?)),
            "-e" => steps.push(Step::EnvDir(options.value()?)),
            "-C" => steps.push(Step::Directory(options.value()?)),
            "-n" => steps.push(Step::Option("nice", options.value()?)),
            "-P" => steps.push(left_out("the worker leads its process group anyway")),
            "-0" => steps.push(left_out("stdin is /dev/null")),
            "-v" => {}
            other => match ulimits(other) {
                Some(names) => {
                    let value = options.value()?;
                    let limit = |name: &&str| Step::Option("ulimit", format!("{name}={value}"));
                    steps.extend(names.iter().map(limit));
                }
                None => return Err(format!("option {other} of chpst")),
            },
        }
    }
    Ok(Some((steps, options.rest())))
}

/// The limits that an option of chpst sets.
fn ulimits(option: &str) -> Option<&'static [&'static str]> {
    Some(match option {
        "-m" => &["data", "stack", "memlock", "as"],
        "-d" => &["data"],
        "-o" => &["nofile"],
        "-p" => &["nproc"],
        "-f" => &["fsize"],
        "-c" => &["core"],
        _ => return None,
    })
}

/// `user`, `user:group`, `:uid:gid`: only the groups that are named.
fn chpst_user(text: &str) -> Result<User, Unclear> {
    let numeric = text.strip_prefix(':');
    let mut parts = numeric.unwrap_or(text).split(':');
    let user = parts.next().filter(|user| !user.is_empty()).ok_or("chpst -u without a user")?;
    let group = parts.next();
    let others: Vec<&str> = parts.collect();
    let name = match group {
        Some(group) if numeric.is_some() || group != user => format!("{user}:{group}"),
        _ => user.to_string(),
    };
    let groups = if others.is_empty() { "none".to_string() } else { others.join(",") };
    Ok(User { name, groups: Some(groups) })
}
