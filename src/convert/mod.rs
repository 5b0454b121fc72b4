//! Run files for bash, sh, dash and execline → one command of futo-launch. Nothing is executed, and nothing is guessed:
//! what is not understood stays in a script that the command runs, or the run file stays as it is.
//!
//! A compiler: interpreter.rs reads the first line; the front ends shell/ and execline/ find statements, and in each of
//! them steps (step.rs) with the help of chain/, which takes programs such as s6-setuidgid apart; compile.rs turns the
//! steps into options as long as their order allows it; line.rs spells the result, and has it read back by the
//! launcher's own parser.

mod chain;
mod compile;
mod execline;
mod finding;
mod interpreter;
mod line;
mod nesting;
mod prepared;
mod recognised;
mod script;
mod shell;
mod step;
#[cfg(test)]
mod tests;
mod word;

pub use finding::{ConvertFinding, Kind, NotConverted};
use interpreter::Language;

/// The size limit of a run file, in bytes.
pub const MAX_BYTES: usize = 64 << 10;
/// The name of the script beside `run`.
pub const SCRIPT: &str = "worker.sh";

/// Who can write the definition: it decides about the rights of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definer {
    /// Root alone: the worker may be root.
    Root,
    /// A user: the worker never gets more rights than that.
    User,
}

/// What a conversion depends on besides the file.
#[derive(Clone, Debug)]
pub struct Context {
    /// The name of the service directory.
    pub name: String,
    /// The files in it; `log/run` if there is a logger.
    pub files: Vec<String>,
    /// Who can write it.
    pub definer: Definer,
    /// The launcher, as a word of a script.
    pub launcher: String,
}

impl Context {
    pub(crate) fn has(&self, file: &str) -> bool {
        self.files.iter().any(|each| each == file)
    }
}

/// The script beside a run file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerScript {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: Vec<u8>,
}

/// A run file of one line, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The text of the new `run`.
    pub run: Vec<u8>,
    /// What the line runs, if not all was understood.
    pub script: Option<WorkerScript>,
    /// The report, by line.
    pub findings: Vec<ConvertFinding>,
}

/// Converts a run file.
pub fn convert(bytes: &[u8], context: &Context) -> Result<Conversion, NotConverted> {
    if bytes.len() > MAX_BYTES {
        return Err(NotConverted::TooLong);
    }
    let text = crate::env_file::with_unix_lines(bytes);
    if crate::service::run_script::parse(&text).is_ok()
        || crate::service::script_outline::read(&text).is_some()
    {
        return Err(NotConverted::AlreadyLauncher);
    }
    let text = std::str::from_utf8(&text).map_err(|_| NotConverted::NotText)?;
    if text.contains('\0') {
        return Err(NotConverted::NotText);
    }
    let interpreter = interpreter::read(text).map_err(NotConverted::Interpreter)?;
    if let Some(line) = nesting::too_deep(text) {
        return Err(NotConverted::TooDeep(line));
    }
    let statements = match interpreter.language {
        Language::Execline => execline::read(text)?,
        language => shell::read(text, language)?,
    };
    compile::compile(&compile::Source { text, interpreter: &interpreter, statements: &statements, context })
}
