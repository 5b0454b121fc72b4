//! Conditions for the start, and commands before it.

use super::{Before, Compiler, Condition, Step};
use crate::shell_quote::shell_word;

impl Compiler<'_> {
    /// `--if-env`, `--if-file`, `--if-cmd`
    pub(super) fn gate(&mut self, condition: &Condition, programs: &[String]) -> Result<(), String> {
        if self.has_before {
            return Err("a switch after a command that runs before the worker".to_string());
        }
        match condition {
            Condition::Set(name) => {
                self.environment.read(name)?;
                self.line.add("if-env", name)
            }
            Condition::NotSet(name) => {
                self.environment.read(name)?;
                self.line.add("if-env", &format!("!{name}"))
            }
            Condition::Equals(name, value) => {
                self.environment.read(name)?;
                self.line.add("if-env", &format!("{name}={value}"))
            }
            Condition::Differs(name, value) => {
                self.environment.read(name)?;
                self.line.add("if-env", &format!("{name}!={value}"))
            }
            Condition::Exists(path) => {
                self.has_relative_gate |= !path.starts_with('/');
                self.line.add("if-file", path)
            }
            Condition::Missing(path) => self.command_gate(&format!("[ ! -e {} ]", shell_word(path)), &[]),
            Condition::Readable(path) => self.test_gate(&format!("[ -r {} ]", shell_word(path))),
            Condition::NotReadable(path) => self.test_gate(&format!("[ ! -r {} ]", shell_word(path))),
            Condition::Succeeds(text, programs) => self.command_gate(text, programs),
            Condition::Fails(text, _) => self.command_gate(&format!("! {text}"), programs),
            Condition::IsRoot | Condition::IsNotRoot => Err("a switch on the user".to_string()),
        }
    }

    /// A test whose result depends on the user.
    fn test_gate(&mut self, text: &str) -> Result<(), String> {
        if !self.is_final_user() {
            return Err("root looks at a file, before the user is changed".to_string());
        }
        self.command_gate(text, &[])
    }

    fn command_gate(&mut self, text: &str, programs: &[String]) -> Result<(), String> {
        let only_looks = |program: &String| ["command", "test", "[", "!"].contains(&program.as_str());
        if !programs.iter().all(only_looks) && !self.is_final_user() {
            return Err("a command as root decides".to_string());
        }
        if text.contains('$') {
            return Err("a command with variables decides".to_string());
        }
        self.line.add("if-cmd", text)
    }

    /// `--wait-for`
    pub(super) fn wait_for(&mut self, form: &str, programs: &[String]) -> Result<(), String> {
        if self.has_before {
            return Err("it waits after a command that runs before the worker".to_string());
        }
        if form.contains('$') {
            return Err("it waits for something that variables name".to_string());
        }
        let is_local = |program: &String| ["test", "[", "grep"].contains(&program.as_str());
        if programs.iter().any(is_local) && !self.is_final_user() {
            return Err("root waits for it, before the user is changed".to_string());
        }
        if let Some(path) = form.strip_prefix("file:") {
            self.has_relative_gate |= !path.starts_with('/');
        }
        self.line.add("wait-for", form)
    }

    /// Whether the user at this point is the one that runs the worker.
    pub(super) fn is_final_user(&self) -> bool {
        self.user == self.final_user
    }

    /// `--before`
    pub(super) fn before(&mut self, before: &Before) -> Result<(), String> {
        let Before { text, user, programs, names, ignores_failure } = before;
        let prints = programs.iter().all(|program| ["echo", "printf"].contains(&program.as_str()));
        let is_same = match user {
            Some(user) => Some(user) == self.final_user.as_ref(),
            None => self.is_final_user() || prints,
        };
        if !is_same {
            return Err("a command that root runs, before the user is changed".to_string());
        }
        self.environment.read_by_command(names)?;
        if self.directory.is_none()
            && self
                .source
                .statements
                .iter()
                .filter_map(|each| each.steps.as_ref().ok())
                .flatten()
                .any(|step| matches!(step, Step::Directory(_)))
        {
            return Err("a command before the directory is entered".to_string());
        }
        self.has_before = true;
        let text = match *ignores_failure || !self.stops_on_failure && !prints {
            true => format!("{text} || :"),
            false => text.clone(),
        };
        self.line.add("before", &text)
    }
}
