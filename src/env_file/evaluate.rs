//! Evaluates words over the environment so far, bounded in time and memory.

use super::assignment::{Assignment, Inherited, MAX_VALUE};
use super::refusal::Refusal;
use super::syntax::{Action, Assign, Case, Extent, Form, Length, Operator, Parameter, Part, Quotes, Unset};
use super::{names, pattern};

/// The maximum cost of all expansions in a file: bytes produced, names compared, patterns tried.
const MAX_WORK: usize = 1 << 24;

/// The variables so far.
pub(super) struct Variables<'e> {
    inherited: Inherited<'e>,
    /// Names whose line was refused, and the number of assignments before it.
    refused: Vec<(String, usize)>,
    pub(super) assignments: Vec<Assignment>,
    work: usize,
}

impl<'e> Variables<'e> {
    pub(super) fn new(inherited: Inherited<'e>) -> Self {
        Variables { inherited, refused: Vec::new(), assignments: Vec::new(), work: 0 }
    }

    /// The file sets it to an unknown value: it does not count as missing where it is used.
    pub(super) fn refuse_value(&mut self, name: &str) {
        self.refused.push((name.to_string(), self.assignments.len()));
    }

    pub(super) fn is_set_here(&self, name: &str) -> bool {
        self.assignments.iter().any(|assignment| assignment.name == name)
    }

    /// Whether the limit is reached, and the rest of the file not worth reading.
    pub(super) fn is_exhausted(&self) -> bool {
        self.work >= MAX_WORK
    }

    /// An assignment that is a command of its own.
    pub(super) fn assign(&mut self, assign: &Assign) -> Result<(), Refusal> {
        let value = self.value(&assign.word, assign.line)?;
        self.apply(assign.name.clone(), assign.operator, value, assign.line)
    }

    pub(super) fn apply(
        &mut self,
        name: String,
        operator: Operator,
        value: Vec<u8>,
        line: usize,
    ) -> Result<(), Refusal> {
        if names::is_kept(&name) {
            return Err(Refusal::kept(line, &name));
        }
        let value = match operator {
            Operator::Set => value,
            Operator::Append => {
                let mut whole = self.read(&name, line)?.known();
                self.add(&mut whole, &value, line)?;
                whole
            }
        };
        if name.len() + value.len() > MAX_VALUE {
            return Err(too_long(line));
        }
        self.spend(value.len(), line)?;
        self.assignments.push(Assignment { name, value, line });
        Ok(())
    }

    /// All parts of a word, joined.
    pub(super) fn value(&mut self, word: &[Part], line: usize) -> Result<Vec<u8>, Refusal> {
        let mut value = Vec::with_capacity(word.iter().map(|part| part.plain().len()).sum());
        for part in word {
            match part {
                Part::Text { bytes, .. } => self.add(&mut value, bytes, line)?,
                Part::Home { line } => {
                    let home = self.home(*line)?;
                    self.add(&mut value, &home, *line)?;
                }
                Part::Parameter(parameter) => {
                    let expanded = self.parameter(parameter)?;
                    self.add(&mut value, &expanded, parameter.line)?;
                }
            }
        }
        Ok(value)
    }

    fn add(&mut self, value: &mut Vec<u8>, bytes: &[u8], line: usize) -> Result<(), Refusal> {
        if value.len() + bytes.len() > MAX_VALUE {
            return Err(too_long(line));
        }
        self.spend(bytes.len() + 1, line)?;
        value.extend_from_slice(bytes);
        Ok(())
    }

    fn spend(&mut self, work: usize, line: usize) -> Result<(), Refusal> {
        self.work = self.work.saturating_add(work);
        if self.is_exhausted() {
            let what = "the expansions in this file exceed the limit";
            return Err(Refusal::new(line, what, "write some of the values out, or shorten them"));
        }
        Ok(())
    }

    /// The value bash would find in a variable, or a refusal if bash sets it itself.
    pub(super) fn read(&mut self, name: &str, line: usize) -> Result<Lookup, Refusal> {
        let own = |what: &str| {
            let what = format!("${name} is {what}");
            Refusal::new(line, what, "write the value out; for a literal '$', write \\$")
        };
        if names::is_kept(name) {
            return Err(own("maintained by bash itself"));
        }
        // few lines refer to others: a search is cheaper than an index of all names
        self.spend(self.assignments.len(), line)?;
        let set = self.assignments.iter().rposition(|assignment| assignment.name == name);
        if self.refused.iter().any(|(each, before)| each == name && set.is_none_or(|at| at < *before)) {
            return Ok(Lookup::Unknown);
        }
        if let Some(assignment) = set.and_then(|at| self.assignments.get(at)) {
            return Ok(Lookup::Value(assignment.value.clone()));
        }
        if names::is_reset(name) {
            return Err(own("set by bash at startup"));
        }
        match (self.inherited)(name) {
            Some(value) => Ok(Lookup::Value(value.to_vec())),
            None if names::is_prepared(name) => Err(own("not set, and bash would supply a value of its own")),
            None => Ok(Lookup::Unset),
        }
    }

    fn home(&mut self, line: usize) -> Result<Vec<u8>, Refusal> {
        match self.read("HOME", line)? {
            Lookup::Unset => {
                Err(Refusal::new(line, "an unquoted '~' while HOME is not set", "write out the directory"))
            }
            found => Ok(found.known()),
        }
    }

    fn parameter(&mut self, parameter: &Parameter) -> Result<Vec<u8>, Refusal> {
        let Parameter { name, line, quotes: _, form } = parameter;
        let found = self.read(name, *line)?;
        match form {
            Form::Value => Ok(found.known()),
            Form::Test { unset, action, word } => {
                let has_value = match &found {
                    Lookup::Value(value) => !value.is_empty() || *unset == Unset::Only,
                    Lookup::Unset => false,
                    Lookup::Unknown => true,
                };
                match (action, has_value) {
                    (Action::Alternative, true) => self.value(word, *line),
                    (Action::Alternative, false) => Ok(Vec::new()),
                    (_, true) => Ok(found.known()),
                    (Action::Default, false) => self.value(word, *line),
                    (Action::Assign, false) => {
                        let value = self.value(word, *line)?;
                        self.apply(name.clone(), Operator::Set, value.clone(), *line)?;
                        Ok(value)
                    }
                    (Action::Require, false) => {
                        let state = if *unset == Unset::OrEmpty { "unset or empty" } else { "not set" };
                        let what = format!("{name} is required, but {state}");
                        Err(Refusal::new(*line, what, format!("set {name} before this line")))
                    }
                }
            }
            Form::Remove { side, extent, pattern } => {
                let value = found.known();
                if value.is_empty() {
                    // bash does not evaluate the pattern then: no := in it takes effect
                    return Ok(value);
                }
                let pattern = self.pattern(pattern, *line)?;
                if pattern::counts_characters(&pattern) {
                    ascii_only(&value, *line)?;
                }
                self.spend(pattern::work(&value, &pattern), *line)?;
                Ok(pattern::remove(&value, &pattern, *side, *extent).to_vec())
            }
            Form::Case { to, extent } => change_case(found.known(), *to, *extent, *line),
            Form::Slice { offset, length } => slice(&found.known(), *offset, *length, *line),
        }
    }

    fn pattern(&mut self, word: &[Part], line: usize) -> Result<Vec<pattern::Item>, Refusal> {
        let mut items = Vec::new();
        for part in word {
            match part {
                Part::Text { bytes, quotes: Quotes::Inside } => {
                    items.extend(bytes.iter().copied().map(pattern::Item::Byte));
                }
                Part::Text { bytes, quotes: Quotes::Outside } => {
                    items.extend(pattern::items(bytes).ok_or_else(|| pattern::refusal(line))?);
                }
                Part::Home { line } => {
                    items.extend(self.home(*line)?.into_iter().map(pattern::Item::Byte));
                }
                Part::Parameter(parameter) => {
                    let value = self.parameter(parameter)?;
                    if parameter.quotes == Quotes::Inside {
                        items.extend(value.into_iter().map(pattern::Item::Byte));
                    } else {
                        items.extend(pattern::items(&value).ok_or_else(|| pattern::refusal(line))?);
                    }
                }
            }
            if items.len() > MAX_VALUE {
                return Err(too_long(line));
            }
        }
        Ok(items)
    }
}

/// The content of a variable.
pub(super) enum Lookup {
    Value(Vec<u8>),
    Unset,
    /// The line that sets it was refused.
    Unknown,
}

impl Lookup {
    pub(super) fn known(self) -> Vec<u8> {
        match self {
            Lookup::Value(value) => value,
            Lookup::Unset | Lookup::Unknown => Vec::new(),
        }
    }
}

fn too_long(line: usize) -> Refusal {
    Refusal::new(line, "a value longer than 128 KiB", "the kernel does not accept it: put it in a file")
}

/// Letters and characters depend on the locale: only ASCII is the same in all.
fn ascii_only(value: &[u8], line: usize) -> Result<(), Refusal> {
    if value.is_ascii() {
        return Ok(());
    }
    let what = "a form of '${…}' that depends on bash's locale outside ASCII";
    Err(Refusal::new(line, what, "write the result"))
}

fn change_case(mut value: Vec<u8>, to: Case, extent: Extent, line: usize) -> Result<Vec<u8>, Refusal> {
    ascii_only(&value, line)?;
    let count = if extent == Extent::Most { value.len() } else { 1 };
    for byte in value.iter_mut().take(count) {
        *byte = if to == Case::Upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
    }
    Ok(value)
}

fn slice(value: &[u8], offset: usize, length: Length, line: usize) -> Result<Vec<u8>, Refusal> {
    ascii_only(value, line)?;
    let rest = value.get(offset..).unwrap_or_default();
    let length = match length {
        Length::ToTheEnd => rest.len(),
        Length::AtMost(most) => most.min(rest.len()),
    };
    Ok(rest.get(..length).unwrap_or_default().to_vec())
}
