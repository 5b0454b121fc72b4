//! The operands of `export`, expanded: a name, an assignment, or what an expansion turns into one.

use super::evaluate::Variables;
use super::names;
use super::refusal::Refusal;
use super::syntax::{Assign, Expanded, Operand, Operator, Part, Quotes};

/// The assignment an operand expands to; none for a name alone.
pub(super) fn expand(operand: Operand, variables: &mut Variables<'_>) -> Result<Option<Expanded>, Refusal> {
    let (line, word) = match operand {
        Operand::Assign(Assign { name, line, operator, word }) => {
            let value = match variables.value(&word, line) {
                Ok(value) => value,
                Err(refusal) => {
                    variables.refuse_value(&name);
                    return Err(refusal);
                }
            };
            return Ok(Some(Expanded { name, operator, value, line }));
        }
        Operand::Word { line, word } => (line, word),
    };
    let no_name = || Refusal::new(line, "an export of an invalid name", "write export NAME=VALUE");
    let mut text = Vec::new();
    for part in &word {
        let piece = variables.value(std::slice::from_ref(part), line)?;
        let is_plain = matches!(part, Part::Text { .. })
            || matches!(part, Part::Parameter(parameter) if parameter.quotes == Quotes::Inside);
        // bash would apply word splitting and globbing to it
        if !is_plain && (!is_plain_word(&piece) || variables.is_set_here("IFS")) {
            return Err(no_name());
        }
        text.extend(piece);
    }
    let (name, value) = match text.iter().position(|byte| *byte == b'=') {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text.as_slice(), None),
    };
    let (name, operator) = match name.strip_suffix(b"+") {
        Some(name) if value.is_some() => (name, Operator::Append),
        _ => (name, Operator::Set),
    };
    if !names::is_name(name) {
        return Err(if is_foreign_name(&text) { Refusal::foreign_name(line) } else { no_name() });
    }
    let name = String::from_utf8_lossy(name).into_owned();
    match value {
        Some(value) => Ok(Some(Expanded { name, operator, value: value.to_vec(), line })),
        // every name in the file is exported; inherited names already are
        None => variables.read(&name, line).map(|_| None),
    }
}

/// Remains one word under word splitting and globbing.
fn is_plain_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| names::is_name_byte(*byte))
}

/// `spring.port=` or `MY-NAME=`, which are valid names to other programs.
pub(super) fn is_foreign_name(text: &[u8]) -> bool {
    let is_part = |byte: &u8| names::is_name_byte(*byte) || matches!(byte, b'.' | b'-');
    let length = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(length).unwrap_or((text, &[]));
    rest.starts_with(b"=")
        && name.first().is_some_and(|first| names::is_name_byte(*first) && !first.is_ascii_digit())
        && !names::is_name(name)
}
