//! The file of `--file`: TOML to rows of the option table, with the line of each.
//!
//! Messages name the line and column, but never text that could be a secret.

mod entries;
mod error;

use std::ffi::OsString;
use std::path::Path;

use super::flags::{self, FileForm, Flag};
use super::request::{Given, Origin};
use super::settings::WorkerCommand;
use crate::error::Findings;
use crate::escape;
use crate::nearest::nearest;
use crate::options::Takes;
pub(crate) use entries::entries;
pub use entries::{Entry, Value};
pub use error::ServiceFileError;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The contents of a service file.
#[derive(Default)]
pub struct ServiceFile {
    /// Rows of the table, in the order of the lines.
    pub given: Vec<Given>,
    /// `exec` or `script`.
    pub worker: Option<WorkerCommand>,
}

/// Reads the text of a service file; all findings at once.
pub fn parse(path: &Path, text: &str, findings: &mut Findings) -> ServiceFile {
    let mut file = ServiceFile::default();
    for entry in entries(path, text, findings) {
        if findings.is_full() {
            break;
        }
        if let Err(error) = file.take(path, entry) {
            findings.push(error);
        }
    }
    file
}

/// What a key of the file names.
enum FileKey {
    Exec,
    Script,
    Option(&'static Flag),
}

/// The keys that name the worker.
const WORKER_KEYS: [(&str, FileKey); 2] = [("exec", FileKey::Exec), ("script", FileKey::Script)];

impl FileKey {
    fn find(key: &str) -> Option<Self> {
        let worker = WORKER_KEYS.into_iter().find(|(name, _)| *name == key).map(|(_, key)| key);
        worker.or_else(|| flags::settings().find(|flag| flag.long == key).map(FileKey::Option))
    }
}

impl ServiceFile {
    fn take(&mut self, path: &Path, entry: Entry) -> Result<(), ServiceFileError> {
        let Entry { line, column, key, value } = entry;
        let path = path.to_path_buf();
        let Some(file_key) = FileKey::find(&key) else {
            let remedy = Some(unknown_key_remedy(&key));
            let key = escape::word(&key).into_owned();
            return Err(ServiceFileError::UnknownKey { path, line, column, key, remedy });
        };
        let taken = match file_key {
            FileKey::Exec | FileKey::Script if self.worker.is_some() => {
                return Err(ServiceFileError::TwoWorkers { path, line });
            }
            FileKey::Exec => program(value).map(|worker| self.worker = Some(worker)),
            FileKey::Script => script(value).map(|worker| self.worker = Some(worker)),
            FileKey::Option(flag) => words(flag, value).map(|values| {
                let origin = Origin::File(path.clone(), line);
                let given = |value| Given { flag, value, origin: origin.clone() };
                self.given.extend(values.into_iter().map(given));
            }),
        };
        taken.map_err(|wanted| ServiceFileError::WrongKind { path, line, key, wanted })
    }
}

/// The value of `exec`, or the form that it must have.
fn program(value: Value) -> Result<WorkerCommand, String> {
    match value {
        Value::List(words) if words.first().is_some_and(|program| !program.is_empty()) => {
            Ok(WorkerCommand::Program(words.into_iter().map(OsString::from).collect()))
        }
        _ => Err("a list of the program and its arguments: [\"python3\", \"hook.py\"]".to_string()),
    }
}

/// The value of `script`, or the form that it must have.
fn script(value: Value) -> Result<WorkerCommand, String> {
    match value {
        Value::Text(script) => Ok(WorkerCommand::Script(script)),
        _ => Err("a string for sh: '''…'''".to_string()),
    }
}

/// The values as on the command line, or the form that they must have.
fn words(flag: &Flag, value: Value) -> Result<Vec<OsString>, String> {
    if value.has_nul() {
        return Err("a string without NUL bytes".to_string());
    }
    match (flag.takes, value, flag.meaning.file_form) {
        (Takes::Nothing, Value::Switch(true), _) => Ok(vec![OsString::new()]),
        (Takes::Nothing, Value::Switch(false), _) => Ok(Vec::new()),
        (Takes::Nothing, _, _) => Err("true or false".to_string()),
        (Takes::OptionalValue(_), Value::Switch(true), _) => Ok(vec![OsString::new()]),
        (Takes::OptionalValue(no), Value::Switch(false), _) => Ok(vec![no.into()]),
        (_, Value::Text(text), _) => Ok(vec![text.into()]),
        (_, Value::List(list), _) if flag.repeats => Ok(list.into_iter().map(OsString::from).collect()),
        (_, Value::List(list), FileForm::CommaList) => Ok(vec![list.join(",").into()]),
        (_, Value::Table(table), FileForm::Assignments) => {
            Ok(table.into_iter().map(|(name, value)| format!("{name}={value}").into()).collect())
        }
        (Takes::Value(metavariable) | Takes::OptionalValue(metavariable), _, _) => Err(match flag.repeats {
            true => format!("{metavariable}, or a list of them"),
            false => metavariable.to_string(),
        }),
    }
}

fn unknown_key_remedy(key: &str) -> String {
    if flags::all().any(|flag| flag.long == key) {
        return format!("--{key} is for the command line only");
    }
    let keys = flags::settings().map(|flag| flag.long);
    let hyphens = key.replace('_', "-");
    match nearest(&hyphens, keys.chain(WORKER_KEYS.map(|(name, _)| name))) {
        Some(near) => format!("did you mean {near}?"),
        None => "the keys are exec, script and the options that futo-launch --help lists, without dashes"
            .to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Vec<String>, Option<WorkerCommand>, Vec<String>) {
        let mut findings = Findings::default();
        let file = parse(Path::new("./run"), text, &mut findings);
        let given = file
            .given
            .iter()
            .map(|given| format!("{} = {}", given.place(), given.value.to_string_lossy()))
            .collect();
        let texts =
            findings.iter().map(|f| format!("{} ({})", f.text, f.hint.as_deref().unwrap_or("-"))).collect();
        (given, file.worker, texts)
    }

    #[test]
    fn reads_the_shebang_form() {
        let (given, worker, findings) = parsed(
            "#!/usr/local/bin/futo-launch --file\nexec = [\"python3\", \"/config/startup/hook.py\", 5]\n\
             interval = \"5m\"\nmax-failures = 3\nno-new-privs = true\nonce = false\n\
             ulimit = [\"nofile=1:2\", \"core=0\"]\n[env]\nA = \"b c\"\nN = 1\n",
        );
        assert_eq!(findings, Vec::<String>::new());
        assert_eq!(
            worker,
            Some(WorkerCommand::Program(vec![
                "python3".into(),
                "/config/startup/hook.py".into(),
                "5".into()
            ]))
        );
        assert_eq!(
            given,
            [
                "./run:3: interval = 5m",
                "./run:4: max-failures = 3",
                "./run:5: no-new-privs = ",
                "./run:7: ulimit = nofile=1:2",
                "./run:7: ulimit = core=0",
                "./run:8: env = A=b c",
                "./run:8: env = N=1",
            ]
        );
    }

    #[test]
    fn reports_all_mistakes_with_line_and_nearest_name() {
        let (_, _, findings) = parsed(
            "intervall = 5\nmax_failures = 3\nzzzzzz = 1\nonce = 1\nlog = [\"a\"]\nexec = \"python3\"\n\
             script = 'a'\nexplain = true\n",
        );
        assert_eq!(
            findings,
            [
                "./run:1:1: unknown key 'intervall' (did you mean interval?)",
                "./run:2:1: unknown key 'max_failures' (did you mean max-failures?)",
                "./run:3:1: unknown key 'zzzzzz' (the keys are exec, script and the options that futo-launch --help lists, without dashes)",
                "./run:4: once: must be true or false (-)",
                "./run:5: log: must be PATH|-|none (-)",
                "./run:6: exec: must be a list of the program and its arguments: [\"python3\", \"hook.py\"] (-)",
                "./run:8:1: unknown key 'explain' (--explain is for the command line only)",
            ]
        );
        let (_, _, findings) = parsed("exec = ['a']\nscript = 'b'\n");
        assert_eq!(findings, ["./run:2: exec and script both name the worker (-)"]);
    }

    #[test]
    fn a_nul_is_refused_and_no_variable_lost() {
        let (given, worker, findings) =
            parsed("home = \"/a\\u0000b\"\nenv = { A = \"x\\u0000y\" }\nexec = [\"\"]\n");
        assert_eq!((given, worker), (Vec::new(), None));
        assert_eq!(findings.len(), 3, "{findings:?}");
    }

    #[test]
    fn many_mistakes_cost_little_and_a_hundred_are_reported() {
        let text: String = (0..60_000).map(|number| format!("x{number} = 1\n")).collect();
        let (_, _, findings) = parsed(&text);
        assert_eq!(findings.len(), 100);
        assert_eq!(
            findings[99],
            "./run:100:1: unknown key 'x99' (the keys are exec, script and the options that futo-launch --help lists, without dashes)"
        );
    }

    #[test]
    fn a_syntax_error_names_the_place_and_not_the_text() {
        let (_, _, findings) = parsed("interval = 5\nsecret hunter2 = 'x'\n");
        assert_eq!(findings.len(), 1);
        let finding = &findings[0];
        assert!(finding.starts_with("./run:2:"), "{finding}");
        assert!(!finding.contains("hunter2"), "{finding}");
    }
}
