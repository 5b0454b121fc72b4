//! A run script on the volume → the command in the published run script.
//!
//! The script is parsed as a single futo-launch command and never executed. The script that root executes is generated
//! here, from the parsed command.

use std::ffi::OsString;
use std::path::Path;

use crate::boot::choice::Hardening;
use crate::cli;
use crate::config;
use crate::config::DEFAULT_USER;
use crate::config::flags::{Key, LaunchOption};
use crate::config::request::{Given, Request};
use crate::error::Findings;
use crate::machine::Machine;
use crate::options::Takes;
use crate::service::run_script::{self, NotLauncherScript, RunScript};
use crate::trust::rights;
use crate::trust::writers::Writers;

/// A script in a definition.
#[derive(Clone, Copy, Debug)]
pub(super) struct DefinitionScript<'s> {
    /// Its path, for messages.
    pub(super) path: &'s Path,
    /// Its content.
    pub(super) bytes: &'s [u8],
    /// Its writers.
    pub(super) writers: Writers,
    /// The default name of its service.
    pub(super) service: &'s str,
    /// The directory to which its paths are relative.
    pub(super) directory: &'s Path,
    /// Whether a user-writable script is hardened.
    pub(super) hardening: Hardening,
}

/// The options that keep users' programs from gaining privileges.
const HARDENED: [&str; 2] = ["--no-new-privs", "--cap-drop=all"];

/// The command to publish, starting with the launcher. It must not be published if `findings` has grown.
pub(super) fn words(
    script: DefinitionScript<'_>,
    launcher: &str,
    findings: &mut Findings,
) -> Result<Vec<OsString>, NotLauncherScript> {
    let path = script.path;
    let before = findings.iter().count();
    let mut request = match run_script::parse(script.bytes)? {
        RunScript::OneLine(words) => cli::parse(words, findings),
        RunScript::File => rights::request_of_file(path, script.bytes, findings),
    };
    rights::refuse_what_runs_nothing(path, &mut request, findings);
    if findings.iter().count() == before {
        if script.writers != Writers::Root {
            rights::refuse_options(path, &mut request.given, &Machine, findings);
        }
        // reports everything that the launcher would reject before it examines the machine
        config::resolve(request.clone(), &Machine, findings);
    }
    let Request { given, words: program, .. } = request;

    // the service directory, whose name is the default, is renamed when pruned
    let is_named = given.iter().any(|given| given.is(Key::Launch(LaunchOption::Name)));
    let mut words = vec![OsString::from(launcher)];
    words.extend(given.into_iter().map(|Given { flag, value, .. }| {
        let mut word = OsString::from(format!("--{}", flag.long));
        if flag.takes != Takes::Nothing {
            word.push("=");
            word.push(value);
        }
        word
    }));
    if !is_named {
        words.push(format!("--name={}", script.service).into());
    }
    if script.writers != Writers::Root {
        words.extend(["--user", DEFAULT_USER].map(OsString::from));
        if script.hardening == Hardening::On {
            words.extend(HARDENED.map(OsString::from));
        }
    }
    words.extend([OsString::from("--service-dir"), script.directory.into(), OsString::from("--")]);
    words.extend(program);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(text: &str, writers: Writers) -> Result<String, Vec<String>> {
        published_with(text, writers, Hardening::Off)
    }

    fn published_with(text: &str, writers: Writers, hardening: Hardening) -> Result<String, Vec<String>> {
        let mut findings = Findings::default();
        let script = DefinitionScript {
            path: Path::new("x/run"),
            bytes: text.as_bytes(),
            writers,
            service: "x",
            directory: Path::new("/d/x"),
            hardening,
        };
        let words = words(script, "L", &mut findings).map_err(|why| vec![why.to_string()])?;
        let texts: Vec<String> = findings.iter().map(|finding| finding.text.clone()).collect();
        let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("|");
        if texts.is_empty() { Ok(line) } else { Err(texts) }
    }

    #[test]
    fn both_forms_become_the_same_words_for_abc() {
        let line = "#!/bin/sh\nexec /config/bin/futo-launch --interval 60 --env A='b c' --once -- ./w -x\n";
        let expected = "L|--interval=60|--env=A=b c|--once|--name=x|--user|abc|--service-dir|/d/x|--|./w|-x";
        assert_eq!(published(line, Writers::Abc), Ok(expected.to_string()));
        let file = "#!/usr/local/bin/futo-launch --file\ninterval = 60\nenv = { A = 'b c' }\nonce = true\n\
                    exec = ['./w', '-x']\n";
        assert_eq!(published(file, Writers::Abc), Ok(expected.to_string()));
        let script = "#!/usr/local/bin/futo-launch --file\nscript = '''a\nb'''\n";
        assert_eq!(
            published(script, Writers::Root),
            Ok("L|--name=x|--service-dir|/d/x|--|sh|-euc|a\nb".to_string())
        );
        let named = "#!/bin/sh\nexec futo-launch --name y -- id\n";
        assert_eq!(published(named, Writers::Root), Ok("L|--name=y|--service-dir|/d/x|--|id".to_string()));
    }

    #[test]
    fn user_writable_definitions_are_hardened_and_root_owned_ones_are_not() {
        let line = "#!/bin/sh\nexec futo-launch --cap-drop NET_RAW -- id\n";
        assert_eq!(
            published_with(line, Writers::Abc, Hardening::On).as_deref(),
            Ok(
                "L|--cap-drop=NET_RAW|--name=x|--user|abc|--no-new-privs|--cap-drop=all|--service-dir|/d/x|--|id"
            )
        );
        assert_eq!(
            published_with(line, Writers::Root, Hardening::On).as_deref(),
            Ok("L|--cap-drop=NET_RAW|--name=x|--service-dir|/d/x|--|id")
        );
    }

    #[test]
    fn rights_that_its_writers_lack_are_refused_in_both_forms() {
        let options = "--user root --groups root --nice -5 --keep-fd 5 --oom-score-adj -1000 \
                       --container-env /root --ulimit nofile=unlimited";
        let line = format!("#!/bin/sh\nexec futo-launch {options} -- id\n");
        let refused = published(&line, Writers::Abc).expect_err("refused");
        for what in
            ["user other than abc", "groups", "nice", "keep-fd", "oom-score-adj", "container-env", "nofile"]
        {
            assert!(refused.iter().any(|text| text.contains(what)), "{what}: {refused:?}");
        }
        assert!(published(&line, Writers::Root).is_ok());
        let file = "#!/usr/local/bin/futo-launch --file\nuser = 'root'\nexec = ['id']\n";
        assert_eq!(
            published(file, Writers::Abc),
            Err(vec![
                "x/run: user other than abc: not allowed in a file writable by non-root users".to_string()
            ])
        );
        assert!(published("#!/bin/sh\nexec futo-launch --user abc:root -- id\n", Writers::Abc).is_err());
        assert!(published("#!/bin/sh\nexec futo-launch --user abc -- id\n", Writers::Abc).is_ok());
    }

    #[test]
    fn options_that_start_no_worker_or_point_elsewhere_are_refused() {
        for line in [
            "--explain -- id",
            "--help",
            "--version",
            "--file ./other",
            "--service-dir /etc -- id",
            "--timeout 5 -- id",
            "--interval nonsense -- id",
            "--",
            "",
        ] {
            let script = format!("#!/bin/sh\nexec futo-launch {line}\n");
            let with_nul = "#!/usr/local/bin/futo-launch --file\nexec = ['sh', \"a\\u0000b\"]\n";
            assert!(published(with_nul, Writers::Root).is_err());
            for writers in [Writers::Root, Writers::Abc] {
                assert!(published(&script, writers).is_err(), "{line}");
            }
        }
        assert!(published("#!/bin/sh\nexec sleep 5\n", Writers::Root).is_err());
    }
}
