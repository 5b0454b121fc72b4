//! TOML to keys and values, with the place of each.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::error::ServiceFileError;
use crate::error::Findings;

/// A TOML value, in the form that tables of options and keys read: numbers become text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// true or false
    Switch(bool),
    /// A string or a number.
    Text(String),
    /// A list of strings and numbers.
    List(Vec<String>),
    /// A table of them.
    Table(Vec<(String, String)>),
}

/// A key of a TOML file, and its place; lines and columns count from 1.
#[derive(Debug)]
pub struct Entry {
    /// Its line.
    pub line: usize,
    /// Its column, in characters.
    pub column: usize,
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Value,
}

impl Value {
    /// Whether it contains a NUL, which cannot be passed to a program.
    pub(crate) fn has_nul(&self) -> bool {
        let has = |text: &String| text.contains('\0');
        match self {
            Value::Switch(_) => false,
            Value::Text(text) => has(text),
            Value::List(list) => list.iter().any(has),
            Value::Table(table) => table.iter().any(|(key, text)| has(key) || has(text)),
        }
    }
}

/// A string or a number, as text.
struct Scalar(String);

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string or a number")
    }
    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_string()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, a number, true or false, a list or a table of strings")
    }
    fn visit_bool<E>(self, switch: bool) -> Result<Value, E> {
        Ok(Value::Switch(switch))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_string()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Text(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Text(number.to_string()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Scalar(text)) = sequence.next_element()? {
            list.push(text);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut table = Vec::new();
        while let Some((key, Scalar(text))) = map.next_entry::<String, Scalar>()? {
            table.push((key, text));
        }
        Ok(Value::Table(table))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// The keys of a TOML file in the order of their lines; none, with a finding, if it is not TOML.
pub(crate) fn entries(path: &Path, text: &str, findings: &mut Findings) -> Vec<Entry> {
    let keys: BTreeMap<Spanned<String>, Spanned<Value>> = match toml::from_str(text) {
        Ok(keys) => keys,
        Err(error) => {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            let path = path.to_path_buf();
            findings.push(ServiceFileError::Syntax {
                path,
                line,
                column,
                message: one_line(error.message()),
            });
            return Vec::new();
        }
    };
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_by_key(|(key, _)| key.span().start);
    // counted from key to key: a file may have very many
    let (mut line_start, mut line) = (0, 1);
    let entry = |(key, value): (Spanned<String>, Spanned<Value>)| {
        let start = key.span().start;
        let (more, column) = position(text.get(line_start..).unwrap_or_default(), start - line_start);
        line += more - 1;
        line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        Entry { line, column, key: key.into_inner(), value: value.into_inner() }
    };
    keys.into_iter().map(entry).collect()
}

/// Line and column, from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}
