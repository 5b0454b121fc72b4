//! Variables: what is exported, read and sourced, and in which order.

use super::Compiler;
use crate::convert::finding::Kind;
use crate::convert::interpreter::{Interpreter, Language};
use crate::convert::step::{Exported, Missing, Step};
use crate::convert::word::{Otherwise, Piece, Unset, Word};

const CONFIG: [&str; 2] = ["./config.env", "config.env"];

/// The variables at a point of the run file.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    /// What the shell does with a missing variable.
    pub(super) unset: Unset,
    /// Variables of the shell with their values.
    known: Vec<(String, String)>,
    /// Variables of the shell without one.
    unknown: Vec<String>,
    /// Names that were exported, defaulted or unset by options.
    written: Vec<String>,
    /// Those that were exported.
    exported: Vec<String>,
    /// Those that were removed.
    removed: Vec<String>,
    /// Names that an option looks at.
    read: Vec<String>,
    /// Whether config.env was sourced.
    reads_config: bool,
    /// Whether a command before the worker was seen.
    has_commands: bool,
}

impl Environment {
    /// As the interpreter starts.
    pub(super) fn new(interpreter: &Interpreter) -> Self {
        let is_error = interpreter.options.iter().any(|each| each.starts_with('-') && each.contains('u'));
        Environment {
            unset: if is_error && interpreter.language != Language::Execline {
                Unset::Error
            } else {
                Unset::Empty
            },
            removed: Vec::new(),
            known: Vec::new(),
            unknown: Vec::new(),
            written: Vec::new(),
            exported: Vec::new(),
            read: Vec::new(),
            reads_config: false,
            has_commands: false,
        }
    }
}

impl Environment {
    /// A variable of the shell. One with a name in capitals may be inherited, and would then reach the worker.
    pub(super) fn assign(&mut self, name: &str, value: &Word) -> Result<(), String> {
        let is_own = name.chars().all(|c| !c.is_ascii_uppercase()) && !name.ends_with("_proxy");
        let is_new =
            !self.known.iter().any(|(each, _)| each == name) && !self.written.iter().any(|each| each == name);
        let value = value.with(&self.known);
        match value.literal() {
            Some(text) if is_own && is_new => {
                self.known.push((name.to_string(), text));
                Ok(())
            }
            Some(_) => Err(format!("{name} is a variable of the shell, which may be inherited")),
            None => Err(format!("the value of {name} is computed")),
        }
    }

    /// The same where a script keeps the assignment: no option may look at the variable.
    pub(super) fn assign_in_script(&mut self, name: &str) {
        self.unknown.push(name.to_string());
    }

    /// A script has its own variables; options must not have used them.
    pub(super) fn leave_to_script(&self) -> Result<(), String> {
        match self.known.is_empty() {
            true => Ok(()),
            false => Err("variables of the shell".to_string()),
        }
    }

    /// An option looks at a variable.
    pub(super) fn read(&mut self, name: &str) -> Result<(), String> {
        if self.known.iter().any(|(each, _)| each == name) || self.unknown.iter().any(|each| each == name) {
            return Err(format!("{name} is a variable of the shell"));
        }
        self.read.push(name.to_string());
        Ok(())
    }

    /// A command looks at variables.
    pub(super) fn read_by_command(&mut self, names: &[String]) -> Result<(), String> {
        names.iter().try_for_each(|name| self.read(name))?;
        self.has_commands = true;
        Ok(())
    }

    fn write(&mut self, name: &str) -> Result<(), String> {
        // a command inherits every variable
        if self.has_commands || self.read.iter().any(|each| each == name) {
            return Err(format!("{name} is set after something that depends on it"));
        }
        if self.removed.iter().any(|each| each == name) {
            return Err(format!("{name} is set after it is unset"));
        }
        self.written.push(name.to_string());
        Ok(())
    }

    /// Words with the variables of the shell replaced.
    pub(super) fn substituted(&self, words: &[Word]) -> Result<Vec<Word>, String> {
        let words: Vec<Word> = words.iter().map(|word| word.with(&self.known)).collect();
        let is_left = |name: &&str| {
            self.known.iter().any(|(each, _)| each == name) || self.unknown.iter().any(|each| each == name)
        };
        if let Some(name) = words.iter().flat_map(Word::names).find(is_left) {
            return Err(format!("{name} is a variable of the shell"));
        }
        Ok(words)
    }

    fn value(&self, value: &Word) -> Result<String, String> {
        let value = value.with(&self.known);
        let is_of_shell = |name: &&str| {
            self.known.iter().any(|(each, _)| each == name) || self.unknown.iter().any(|each| each == name)
        };
        if let Some(name) = value.names().find(is_of_shell) {
            return Err(format!("{name} is a variable of the shell"));
        }
        value.expandable(self.unset).ok_or_else(|| "a value that is computed".to_string())
    }
}

impl Compiler<'_> {
    /// A step that concerns variables.
    pub(super) fn variables(&mut self, line: usize, step: &Step) -> Result<(), String> {
        match step {
            Step::Source { path, missing } => self.source_file(line, path, *missing),
            Step::Export(name, value) => self.export(line, name, value),
            Step::Default(name, value, exported) => self.default(line, name, value, *exported),
            Step::Require(name) => {
                self.environment.read(name)?;
                self.line.add("require", name)
            }
            Step::Unset(name) => {
                if self.environment.written.contains(name) {
                    return Err(format!("{name} is set before it is unset"));
                }
                self.environment.write(name)?;
                self.environment.removed.push(name.clone());
                self.line.add("unset", name)
            }
            Step::EnvDir(path) => {
                if !self.environment.written.is_empty() || !self.environment.read.is_empty() {
                    return Err("a directory of variables after variables are set or looked at".to_string());
                }
                self.line.add("env-dir", &self.path(path))
            }
            Step::ClearEnv => {
                let is_fresh = self.environment.written.is_empty() && self.environment.read.is_empty();
                if !is_fresh || self.environment.reads_config || self.environment.has_commands {
                    return Err("the environment is cleared after variables are set or looked at".to_string());
                }
                self.line.add("container-env", "none")?;
                self.line.add("clear-env", "")
            }
            _ => Ok(()),
        }
    }

    fn source_file(&mut self, line: usize, path: &str, missing: Missing) -> Result<(), String> {
        if !self.environment.written.is_empty()
            || !self.environment.read.is_empty()
            || self.environment.has_commands
        {
            return Err("a file of variables is read after variables are set or looked at".to_string());
        }
        if self.line.has("env-dir") || !self.environment.known.is_empty() {
            return Err("a file of variables is read after others".to_string());
        }
        let is_config = CONFIG.contains(&path) && self.directory.is_none();
        if is_config {
            self.environment.reads_config = true;
            self.note(line, Kind::LeftOut, "futo-launch reads config.env, and exports what it sets");
            return Ok(());
        }
        let path = self.path(path);
        self.note(line, Kind::Note, "the file is read and never executed; what it sets is exported");
        match missing {
            Missing::Error => self.line.add("env-file", &path),
            Missing::Skipped => self.line.add("env-file", &format!("-{path}")),
        }
    }

    fn export(&mut self, line: usize, name: &str, value: &Word) -> Result<(), String> {
        let is_itself = matches!(
            value.pieces.as_slice(),
            [Piece::Variable { name: other, otherwise: Otherwise::Empty, .. }] if other == name
        );
        if is_itself {
            let known = self.environment.known.iter().position(|(each, _)| each == name);
            let Some((_, text)) = known.map(|at| self.environment.known.remove(at)) else {
                self.note(
                    line,
                    Kind::LeftOut,
                    "variables of config.env and the container are exported anyway",
                );
                return Ok(());
            };
            return self.set(line, name, &Word::of_text(&text));
        }
        self.set(line, name, value)
    }

    fn set(&mut self, line: usize, name: &str, value: &Word) -> Result<(), String> {
        self.environment.write(name)?;
        let text = self.environment.value(value)?;
        if self.line.has("clear-env") && value.names().next().is_some() {
            return Err("a value with variables that are removed".to_string());
        }
        let is_abc = self.final_user.as_ref().is_some_and(|user| user.name == super::DEFAULT_USER);
        if name == "HOME" {
            if value.is("/config") && is_abc {
                self.note(line, Kind::LeftOut, "it is the default for abc");
                return Ok(());
            }
            if value.literal().is_some_and(|path| path.starts_with('/')) {
                return self.line.add("home", &text);
            }
        }
        self.environment.exported.push(name.to_string());
        self.line.add("env", &format!("{name}={text}"))
    }

    fn default(&mut self, line: usize, name: &str, value: &Word, exported: Exported) -> Result<(), String> {
        let names: Vec<&str> = value.names().collect();
        let is_set = |name: &&str| self.environment.exported.iter().any(|each| each == name);
        if names.iter().any(is_set) || self.environment.written.iter().any(|each| each == name) {
            return Err(format!("the default of {name} comes after variables that it depends on"));
        }
        self.environment.write(name)?;
        let text = self.environment.value(value)?;
        if exported == Exported::No {
            self.note(
                line,
                Kind::Note,
                format!("the worker sees {name} in any case; the shell passed it on only if it was exported"),
            );
        }
        self.line.add("default", &format!("{name}={text}"))
    }

    /// A run file that does not source config.env does not read it.
    pub(super) fn environment_of_run_file(&mut self) {
        if self.environment.reads_config {
            return;
        }
        if self.source.context.has("config.env") {
            _ = self.line.add("no-env-file", "");
        }
    }
}
