//! `--dotenv` beside two independent readers: python-dotenv, run here (tests/install brings it), and
//! compose's own, whose answers tests/data/dotenv-cases.jsonl holds. What is accepted must have their
//! values; where the two differ, compose counts (docs/differences.md).
//!
//! FUTO_DOTENV_ORACLE names another program to run instead of python-dotenv, for instance compose's reader:
//! it gets one `{"file": TEXT, "env": {…}}` per line and answers each with `{"values": {…}}` or `{"error": …}`.

mod random_files;
mod recorded;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};

use futo_launch::ready::environment::dotenv;
use serde_json::{Value, json};

use support::{Need, have, stdout};

type Variables = BTreeMap<String, String>;

/// None of these is set by a file: compose lets them win then.
const INHERITED: [(&str, &str); 3] = [("HOME", "/config"), ("INHERITED", "in"), ("EMPTY", "")];

/// The reader changes the process's environment.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Our reading; the line and words of each refusal.
fn ours(file: &str) -> Result<Variables, Vec<(usize, String)>> {
    let inherited = INHERITED.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
    let read = dotenv::parse(file.as_bytes(), inherited);
    let read =
        read.map_err(|refusals| refusals.into_iter().map(|each| (each.line, each.what)).collect::<Vec<_>>())?;
    let text = |value: Vec<u8>| String::from_utf8(value).expect("text");
    Ok(read.assignments.into_iter().map(|each| (each.name, text(each.value))).collect())
}

/// Their reading, without what is inherited; none if they complain.
fn theirs(answer: &Value) -> Option<Variables> {
    let values = answer["values"].as_object()?;
    let set = values.iter().filter(|(name, _)| !INHERITED.iter().any(|(inherited, _)| inherited == name));
    Some(set.map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_string())).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Oracle {
    PythonDotenv,
    Compose,
}

impl Oracle {
    /// The one that is to be asked, if it is here.
    fn find() -> Option<Oracle> {
        if std::env::var_os("FUTO_DOTENV_ORACLE").is_some() {
            return Some(Oracle::Compose);
        }
        have(&[Need::Program("python3"), Need::PythonDotenv]).then_some(Oracle::PythonDotenv)
    }

    /// One process for all files.
    fn ask(self, files: &[String]) -> Vec<Value> {
        const SCRIPT: &str = "
import io, json, logging, os, sys
from dotenv import dotenv_values
from dotenv.parser import parse_stream
logging.disable(logging.CRITICAL)
for line in sys.stdin:
    case = json.loads(line)
    os.environ.clear()
    os.environ.update(case['env'])
    if any(each.error for each in parse_stream(io.StringIO(case['file']))):
        print(json.dumps({'error': 'a line that it does not read'}))
        continue
    values = dotenv_values(stream=io.StringIO(case['file']))
    print(json.dumps({'values': {name: value for name, value in values.items() if value is not None}}))
";
        let mut command = match std::env::var_os("FUTO_DOTENV_ORACLE") {
            Some(program) => Command::new(program),
            None => {
                let mut command = Command::new("python3");
                command.args(["-c", SCRIPT]).env("PYTHONPATH", support::python_dotenv());
                command
            }
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let inherited: BTreeMap<&str, &str> = INHERITED.into_iter().collect();
        let cases: String =
            files.iter().map(|file| json!({ "file": file, "env": inherited }).to_string() + "\n").collect();
        let writer = std::thread::spawn(move || stdin.write_all(cases.as_bytes()).expect("written"));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("written");
        assert!(output.status.success(), "the other reader fails");
        let answers: Vec<Value> =
            stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(answers.len(), files.len());
        answers
    }
}
