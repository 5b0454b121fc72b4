//! Programs that change something and then execute the rest of their arguments, as the words of a command: for shells
//! and execline alike.

mod environment;
mod limits;
mod options;
mod readiness;
mod user;

use super::step::{Output, Step, Target};
use super::word::Word;
use options::Options;

/// A command without the programs before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// What those do, in order.
    pub(crate) steps: Vec<Step>,
    /// The program and its arguments.
    pub(crate) program: Vec<Word>,
}

/// Why a command is not taken apart.
pub(crate) type Unclear = String;

/// The most programs before a program.
const MAX_PROGRAMS: usize = 32;

/// Takes the words of a command apart.
pub(crate) fn take_apart(words: &[Word]) -> Result<Chain, Unclear> {
    let mut steps = Vec::new();
    let mut rest = words.to_vec();
    for _ in 0..MAX_PROGRAMS {
        let Some((found, after)) = one_of(&rest)? else { break };
        steps.extend(found);
        rest = after;
    }
    Ok(Chain { steps, program: rest })
}

/// The first program of a command, if it is one that executes the rest: its steps, and the rest.
pub(crate) fn one_of(words: &[Word]) -> Result<Found, Unclear> {
    let Some((name, arguments)) = words.split_first() else { return Ok(None) };
    let Some(name) = name.literal() else { return Ok(None) };
    let found = one(name.rsplit('/').next().unwrap_or_default(), arguments)?;
    // one that starts nothing is the program
    Ok(found.filter(|(_, after)| !after.is_empty()))
}

/// The steps of one program, and the words after it; none if it is not one of these.
pub(crate) type Found = Option<(Vec<Step>, Vec<Word>)>;

fn one(name: &str, words: &[Word]) -> Result<Found, Unclear> {
    let options = || Options::new(words);
    match name {
        "with-contenv" => {
            Ok(Some((vec![left_out("futo-launch loads the container's variables itself")], words.to_vec())))
        }
        "s6-setuidgid" | "setuidgid" => user::first_word(words, user::Groups::OfTool(name == "setuidgid")),
        "su-exec" | "gosu" => user::su_exec(words),
        "sudo" => user::sudo(options()),
        "su" => user::su(words),
        "runuser" => user::runuser(options()),
        "setpriv" => user::setpriv(words),
        "chpst" => user::chpst(options()),
        "env" => environment::env(words),
        "s6-envdir" | "envdir" => environment::env_dir(options()),
        "nice" => limits::nice(options(), words),
        "s6-softlimit" | "softlimit" => limits::softlimit(options()),
        "s6-notifyoncheck" => readiness::notify_on_check(options()),
        "fdmove" => fdmove(words),
        "redirfd" => redirfd(words),
        "tini" | "dumb-init" => init(options()),
        _ => Ok(None),
    }
}

fn left_out(why: &str) -> Step {
    Step::LeftOut(why.to_string())
}

/// `fdmove -c 2 1`
fn fdmove(words: &[Word]) -> Result<Found, Unclear> {
    match words {
        [c, two, one, rest @ ..] if c.is("-c") && two.is("2") && one.is("1") => {
            let output = Output { stdout: None, stderr: Some(Target::SameAsStdout) };
            Ok(Some((vec![Step::Output(output)], rest.to_vec())))
        }
        _ => Err("fdmove with these descriptors".to_string()),
    }
}

/// `redirfd -a 1 FILE`
fn redirfd(words: &[Word]) -> Result<Found, Unclear> {
    let unclear = || "redirfd of this form".to_string();
    let [mode, fd, file, rest @ ..] = words else { return Err(unclear()) };
    let path = file.literal().ok_or_else(unclear)?;
    let target = match mode.literal().as_deref() {
        Some("-a" | "-w") if path == "/dev/null" => Target::Nowhere,
        Some("-a") => Target::Append(path),
        Some("-w") => Target::Truncate(path),
        // stdin is /dev/null already
        Some("-r") if path == "/dev/null" && fd.is("0") => {
            return Ok(Some((vec![left_out("stdin is /dev/null")], rest.to_vec())));
        }
        _ => return Err(unclear()),
    };
    let output = match fd.literal().as_deref() {
        Some("1") => Output { stdout: Some(target), stderr: None },
        Some("2") => Output { stdout: None, stderr: Some(target) },
        _ => return Err(unclear()),
    };
    Ok(Some((vec![Step::Output(output)], rest.to_vec())))
}

/// `tini -g --`
fn init(mut options: Options<'_>) -> Result<Found, Unclear> {
    while let Some(option) = options.next_option()? {
        match option.as_str() {
            "-g" | "-s" | "-v" | "-vv" | "--single-child" | "-c" => {}
            other => return Err(format!("option {other} of an init program")),
        }
    }
    let why = "orphans are reaped by the supervisor, or by futo-launch as PID 1";
    Ok(Some((vec![left_out(why)], options.rest())))
}
