//! The parser: words to [`Given`] by the table. Values are read later, so that all that is wrong with
//! them is said at once.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use lexopt::Arg;

use super::apart::value_apart;
use super::foreign;
use crate::config::flags::{FLAGS, Flag, Role, Takes};
use crate::config::request::{Ask, ExplainForm, Given, Origin, Request};
use crate::error::{Findings, Problem};
use crate::escape;
use crate::exit::Exit;
use crate::nearest::nearest;

/// What can be wrong with the words themselves.
#[derive(Debug, thiserror::Error)]
pub enum CommandLineError {
    /// No row of the table.
    #[error("unknown option '{option}'")]
    Unknown {
        /// With its dashes.
        option: String,
        /// What to write instead.
        remedy: Option<String>,
    },
    /// The value is missing.
    #[error("--{long}: needs a value ({metavariable})")]
    NoValue {
        /// The option.
        long: &'static str,
        /// Its value's name.
        metavariable: &'static str,
    },
    /// A switch with a value.
    #[error("--{long}: takes no value")]
    UnwantedValue {
        /// The option.
        long: String,
    },
    /// `--interval 1 min`, which would run a program `min`.
    #[error("--{long}: '{word}' after its value looks like a part of it, and would be run as the program")]
    ValueApart {
        /// The option.
        long: &'static str,
        /// The word after its value.
        word: String,
    },
    /// `--explain=yaml`
    #[error("--explain: invalid value: is neither 'text' nor 'json'")]
    ExplainForm,
}

impl Problem for CommandLineError {
    fn exit(&self) -> Exit {
        Exit::EDIT
    }

    fn hint(&self) -> Option<String> {
        match self {
            CommandLineError::Unknown { remedy, .. } => {
                Some(remedy.clone().unwrap_or_else(|| "--help lists all options".to_string()))
            }
            CommandLineError::ValueApart { word, .. } => {
                Some(format!("put the whole value in quotes; a program of that name: -- {word}"))
            }
            _ => None,
        }
    }
}

/// Reads the words behind the program's own name.
pub fn parse(words: impl IntoIterator<Item = OsString>, findings: &mut Findings) -> Request {
    let mut request = Request::default();
    let mut parser = lexopt::Parser::from_args(words);
    loop {
        let is_after_dashes =
            parser.try_raw_args().is_some_and(|words| words.peek() == Some(OsStr::new("--")));
        let argument = match parser.next() {
            Ok(Some(_)) if findings.are_many() => return request,
            Ok(Some(argument)) => argument,
            Ok(None) => return request,
            Err(lexopt::Error::UnexpectedValue { option, .. }) => {
                let long = option.trim_start_matches('-').to_string();
                findings.push(CommandLineError::UnwantedValue { long });
                continue;
            }
            // the only other thing `next` reports is a word that cannot happen here
            Err(error) => {
                findings.push(CommandLineError::Unknown { option: error.to_string(), remedy: None });
                continue;
            }
        };
        let flag = match argument {
            Arg::Value(program) => {
                // options end at the first word that is none
                let last = request.given.last().filter(|_| !is_after_dashes);
                if let Some(error) = last.and_then(|given| value_apart(given.flag, &program)) {
                    findings.push(error);
                }
                request.words.push(program);
                request.words.extend(parser.raw_args().into_iter().flatten());
                return request;
            }
            Arg::Long(long) => match Flag::find(long) {
                Some(flag) => flag,
                None => {
                    let option = format!("--{long}");
                    skip_value(&mut parser, &option);
                    findings.push(unknown(option));
                    continue;
                }
            },
            Arg::Short(short) => match FLAGS.iter().find(|flag| flag.short == Some(short)) {
                Some(flag) => {
                    if flag.long == "help" {
                        request.ask = Some(Ask::ShortHelp);
                        continue;
                    }
                    flag
                }
                None => {
                    let option = format!("-{short}");
                    skip_value(&mut parser, &option);
                    findings.push(unknown(option));
                    continue;
                }
            },
        };
        let value = match flag.takes {
            Takes::Nothing => OsString::new(),
            Takes::OptionalValue(_) => parser.optional_value().unwrap_or_default(),
            Takes::Value(metavariable) => match value_of(&mut parser) {
                Value::Given(value) => value,
                Value::Missing => {
                    findings.push(CommandLineError::NoValue { long: flag.long, metavariable });
                    continue;
                }
                Value::MissingBeforeProgram => {
                    findings.push(CommandLineError::NoValue { long: flag.long, metavariable });
                    request.words.extend(parser.raw_args().into_iter().flatten());
                    return request;
                }
            },
        };
        if flag.role == Role::CommandLineOnly {
            ask(&mut request, flag, &value, findings);
        } else {
            let origin = if request.file.is_some() { Origin::BehindFile } else { Origin::CommandLine };
            request.given.push(Given { flag, value, origin });
        }
    }
}

/// What follows an option that takes a value.
enum Value {
    Given(OsString),
    Missing,
    /// `--`, which ends the options: no value is written so, unless behind a `=`.
    MissingBeforeProgram,
}

fn value_of(parser: &mut lexopt::Parser) -> Value {
    if let Some(value) = parser.optional_value() {
        return Value::Given(value);
    }
    let is_option = |word: &OsStr| {
        let word = word.to_str().and_then(|word| word.strip_prefix("--"));
        word.and_then(|word| Flag::find(word.split('=').next().unwrap_or_default())).is_some()
    };
    if parser.try_raw_args().is_some_and(|words| words.peek().is_some_and(is_option)) {
        return Value::Missing;
    }
    match parser.value() {
        Ok(value) if value == "--" => Value::MissingBeforeProgram,
        Ok(value) => Value::Given(value),
        Err(_) => Value::Missing,
    }
}

fn ask(request: &mut Request, flag: &'static Flag, value: &OsStr, findings: &mut Findings) {
    match flag.long {
        "file" => request.file = Some(PathBuf::from(value)),
        "show-values" => request.show_values = true,
        "help" => request.ask = Some(Ask::LongHelp),
        "version" => request.ask = Some(Ask::Version),
        _ => {
            request.ask = Some(Ask::Explain(match value.to_str() {
                Some("" | "text") => ExplainForm::Text,
                Some("json") => ExplainForm::Json,
                _ => {
                    findings.push(CommandLineError::ExplainForm);
                    ExplainForm::Text
                }
            }));
        }
    }
}

/// Passes over the value of an unknown option, so that it is not taken for the program. Whether there
/// is one is known only behind `=`, and of foreign options whose counterpart here has one.
fn skip_value(parser: &mut lexopt::Parser, option: &str) {
    let has_value = foreign::ours(option).is_some_and(|ours| ours.contains(|c: char| c.is_ascii_uppercase()));
    if parser.optional_value().is_none()
        && has_value
        && let Ok(mut words) = parser.raw_args()
    {
        words.next_if(|word| !word.as_encoded_bytes().starts_with(b"-"));
    }
}

fn unknown(option: String) -> CommandLineError {
    let remedy = foreign::ours(&option).map(|ours| format!("here it is {ours}")).or_else(|| {
        let long = option.strip_prefix("--")?;
        nearest(long, FLAGS.iter().map(|flag| flag.long)).map(|near| format!("did you mean --{near}?"))
    });
    CommandLineError::Unknown { option: escape::word(&option).into_owned(), remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> (Request, Findings) {
        let mut findings = Findings::default();
        let request = parse(words.iter().map(OsString::from), &mut findings);
        (request, findings)
    }

    fn texts(findings: &Findings) -> Vec<String> {
        findings.iter().map(|f| format!("{} ({})", f.text, f.hint.as_deref().unwrap_or("-"))).collect()
    }

    #[test]
    fn options_end_at_the_first_word_that_is_none() {
        let (request, findings) = parsed(&["--interval", "60", "python3", "--interval", "-h", "--", "x"]);
        assert!(findings.is_empty());
        assert_eq!(request.given.len(), 1);
        assert_eq!(request.words, ["python3", "--interval", "-h", "--", "x"]);
        let (request, _) = parsed(&["--once", "--", "--odd-program", "-V"]);
        assert_eq!(request.words, ["--odd-program", "-V"]);
        assert_eq!(request.ask, None);
    }

    #[test]
    fn a_value_may_begin_with_a_dash() {
        let (request, findings) = parsed(&["--nice", "-5", "--env=A=-b", "--log", "-", "true"]);
        assert!(findings.is_empty());
        let values: Vec<&OsStr> = request.given.iter().map(|given| given.value.as_os_str()).collect();
        assert_eq!(values, ["-5", "A=-b", "-"]);
    }

    #[test]
    fn the_value_of_a_foreign_option_is_not_taken_for_the_program() {
        let words = ["-u", "abc", "--clear-groups", "--working-directory", "/x", "-i", "--", "prog", "-u"];
        let (request, findings) = parsed(&words);
        assert_eq!(request.words, ["prog", "-u"]);
        assert_eq!(findings.iter().count(), 4);
    }

    #[test]
    fn a_word_that_goes_on_with_a_value_is_no_program_unless_dashes_stand_before_it() {
        for words in [
            ["--interval", "1", "min"].as_slice(),
            &["--interval=1", "min", "prog"],
            &["--interval", "5", "m"],
            &["--every", "1h", "30m"],
            &["--interval", "5", "M"],
            &["--timeout", "90", "seconds", "prog"],
            &["--grace", "2", "5"],
            &["--backoff", "2:5", "min", "prog"],
            &["--interval", "${EVERY}", "min"],
            &["--schedule", "Mon", "09:00"],
            &["--schedule", "09:00", "Asia/Tokyo", "prog"],
            &["--schedule", "*/5", "*", "*", "*", "*", "prog"],
            &["--schedule", "0", "9", "*", "*", "*"],
            &["--schedule", "09:00", "Mon..Fri", "prog"],
        ] {
            let (_, findings) = parsed(words);
            let texts = texts(&findings);
            assert!(texts.len() == 1 && texts[0].contains("looks like a part of it"), "{words:?}: {texts:?}");
        }
        for words in [
            ["--interval", "1", "--", "min"].as_slice(),
            &["--interval", "1", "--once", "min"],
            &["--interval", "1", "minute-report", "min"],
            &["--interval", "60", "./m"],
            &["--interval", "60", "mv", "min"],
            &["--user", "abc", "min"],
            &["--schedule", "09:00", "--", "Asia/Tokyo"],
            &["--schedule", "09:00", "/usr/bin/prog"],
            &["--schedule", "09:00", "report"],
        ] {
            let (request, findings) = parsed(words);
            assert!(findings.is_empty(), "{words:?}: {:?}", texts(&findings));
            assert!(!request.words.is_empty());
        }
    }

    #[test]
    fn foreign_and_mistyped_options_are_answered_with_ours_all_at_once() {
        let (_, findings) = parsed(&[
            "-u",
            "--workdir=/x",
            "--intervall=5",
            "--xyzzy",
            "--once=1",
            "--explain=yaml",
            "--user",
        ]);
        assert_eq!(
            texts(&findings),
            [
                "unknown option '-u' (here it is --user USER[:GROUP])",
                "unknown option '--workdir' (here it is --chdir DIR)",
                "unknown option '--intervall' (did you mean --interval?)",
                "unknown option '--xyzzy' (--help lists all options)",
                "--once: takes no value (-)",
                "--explain: invalid value: is neither 'text' nor 'json' (-)",
                "--user: needs a value (USER[:GROUP]) (-)",
            ]
        );
    }
}
