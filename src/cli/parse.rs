//! The launcher's command line: words to [`Given`] by the table. Values are parsed later, so that all
//! errors in them are reported at once.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::apart::value_apart;
use super::error::CommandLineError;
use super::foreign;
use crate::config::flags::{self, CommandLineOption, Flag, Key};
use crate::config::request::{Ask, ExplainForm, Given, Origin, Request};
use crate::error::Findings;
use crate::options::{Parser, Spelling, Word, WordError};

/// Reads the words after the program's own name. Options end at the first word that is not one: the program.
pub fn parse(words: impl IntoIterator<Item = OsString>, findings: &mut Findings) -> Request {
    let mut request = Request::default();
    let mut parser = Parser::new(words, flags::all());
    loop {
        match parser.next_word() {
            Ok(None) => return request,
            Ok(Some(_)) if findings.is_full() => return request,
            Ok(Some(Word::Option { option, spelling, value })) => {
                take(&mut request, option, spelling, value.unwrap_or_default(), findings);
            }
            Ok(Some(Word::Operand { word: program, after })) => {
                if let Some(error) = after.and_then(|flag| value_apart(flag, &program)) {
                    findings.push(error);
                }
                request.words.push(program);
                request.words.extend(parser.rest());
                return request;
            }
            Err(error) => {
                if let WordError::Unknown { option, .. } = &error {
                    parser.skip_value(foreign::has_value(option));
                }
                findings.push(CommandLineError::Word(error));
            }
        }
    }
}

fn take(
    request: &mut Request,
    flag: &'static Flag,
    spelling: Spelling,
    value: OsString,
    findings: &mut Findings,
) {
    let Key::CommandLine(option) = flag.meaning.key else {
        let origin = if request.file.is_some() { Origin::AfterFile } else { Origin::CommandLine };
        request.given.push(Given { flag, value, origin });
        return;
    };
    match option {
        CommandLineOption::File => request.file = Some(PathBuf::from(value)),
        CommandLineOption::Explain => request.ask = Some(Ask::Explain(explain_form(&value, findings))),
        CommandLineOption::ShowValues => request.show_values = true,
        CommandLineOption::Help => {
            request.ask = Some(match spelling {
                Spelling::Short => Ask::ShortHelp,
                Spelling::Long => Ask::LongHelp,
            });
        }
        CommandLineOption::Version => request.ask = Some(Ask::Version),
    }
}

fn explain_form(value: &OsStr, findings: &mut Findings) -> ExplainForm {
    match value.to_str() {
        Some("" | "text") => ExplainForm::Text,
        Some("json") => ExplainForm::Json,
        _ => {
            findings.push(CommandLineError::ExplainForm);
            ExplainForm::Text
        }
    }
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
    fn options_end_at_the_first_other_word() {
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
    fn a_word_that_continues_a_value_is_not_a_program_unless_it_follows_dashes() {
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
            assert!(
                texts.len() == 1 && texts[0].contains("looks like part of the value"),
                "{words:?}: {texts:?}"
            );
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
                "unknown option '-u' (in futo-launch: --user USER[:GROUP])",
                "unknown option '--workdir' (in futo-launch: --chdir DIR)",
                "unknown option '--intervall' (did you mean --interval?)",
                "unknown option '--xyzzy' (--help lists all options)",
                "--once: takes no value (-)",
                "--explain: invalid value: is neither 'text' nor 'json' (-)",
                "--user: needs a value (USER[:GROUP]) (-)",
            ]
        );
    }
}
