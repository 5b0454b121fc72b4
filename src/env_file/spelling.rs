//! The canonical spelling of a file: one command per line, values in quotes, names in braces; comments and blank lines
//! are kept.

use super::syntax::{
    Action, Assign, Case, Extent, Form, Length, Operand, Operator, Parameter, Part, Quotes, Side, Unset, Word,
};

/// Collects the spelling while the reader processes a file.
#[derive(Default)]
pub(super) struct Spelling {
    text: Vec<u8>,
    /// The line where the last command ended: the rest of it belongs to the command.
    line: usize,
}

impl Spelling {
    pub(super) fn into_text(self) -> Vec<u8> {
        self.text
    }

    /// A line without a command; `comment` starts with its `#`.
    pub(super) fn idle(&mut self, line: usize, comment: &[u8]) {
        if line == self.line {
            self.trailing_comment(comment);
        } else {
            self.text.extend_from_slice(comment);
            self.text.push(b'\n');
        }
    }

    /// A command has ended.
    pub(super) fn ended(&mut self, line: usize, comment: &[u8]) {
        self.line = line;
        self.trailing_comment(comment);
    }

    fn trailing_comment(&mut self, comment: &[u8]) {
        if !comment.is_empty() && self.text.pop().is_some() {
            self.text.extend_from_slice(b"  ");
            self.text.extend_from_slice(comment);
            self.text.push(b'\n');
        }
    }

    pub(super) fn assignment(&mut self, assign: &Assign) {
        self.push_assignment(assign);
        self.text.push(b'\n');
    }

    pub(super) fn export(&mut self, operands: &[Operand]) {
        self.text.extend_from_slice(b"export");
        for operand in operands {
            self.text.push(b' ');
            match operand {
                Operand::Assign(assign) => self.push_assignment(assign),
                Operand::Word { word, .. } if word.iter().all(is_plain_text) => {
                    word.iter().for_each(|part| self.text.extend_from_slice(part.plain()));
                }
                Operand::Word { word, .. } => push_word(&mut self.text, word),
            }
        }
        self.text.push(b'\n');
    }

    /// `: WORD…`
    pub(super) fn null_command<'w>(&mut self, words: impl Iterator<Item = &'w Word>) {
        self.text.push(b':');
        for word in words {
            self.text.push(b' ');
            push_word(&mut self.text, word);
        }
        self.text.push(b'\n');
    }

    /// `set -a` and its variants.
    pub(super) fn set(&mut self, words: &[&[u8]]) {
        self.text.extend_from_slice(b"set ");
        self.text.extend_from_slice(&words.join(&b' '));
        self.text.push(b'\n');
    }

    fn push_assignment(&mut self, assign: &Assign) {
        self.text.extend_from_slice(assign.name.as_bytes());
        self.text.extend_from_slice(match assign.operator {
            Operator::Set => b"=",
            Operator::Append => b"+=",
        });
        push_word(&mut self.text, &assign.word);
    }
}

/// A name, or a name and a value that need no quotes.
fn is_plain_text(part: &Part) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b'.' | b'-');
    matches!(part, Part::Text { bytes, .. } if bytes.iter().all(is_plain))
}

fn push_word(text: &mut Vec<u8>, word: &[Part]) {
    let is_text = |part: &Part| matches!(part, Part::Text { .. });
    let is_simple = |part: &Part| match part {
        Part::Text { .. } | Part::Home { .. } => true,
        Part::Parameter(parameter) => matches!(parameter.form, Form::Value),
    };
    let has_control = word.iter().any(|part| part.plain().iter().any(is_control));
    if word.iter().all(is_text) {
        push_quoted(text, &word.iter().flat_map(Part::plain).copied().collect::<Vec<u8>>());
    } else if word.iter().all(is_simple) && !has_control {
        text.push(b'"');
        for part in word {
            match part {
                Part::Text { bytes, .. } => push_escaped(text, bytes),
                Part::Home { .. } => text.extend_from_slice(b"${HOME}"),
                Part::Parameter(parameter) => push_parameter(text, parameter),
            }
        }
        text.push(b'"');
    } else {
        for part in word {
            match part {
                Part::Text { bytes, .. } if bytes.is_empty() => {}
                Part::Text { bytes, .. } => push_quoted(text, bytes),
                Part::Home { .. } => text.extend_from_slice(b"\"${HOME}\""),
                Part::Parameter(parameter) => push_parameter(text, parameter),
            }
        }
    }
}

fn is_control(byte: &u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\n' | b'\t')
}

/// In single quotes, unless a single quote or a control character requires other quoting.
fn push_quoted(text: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().any(is_control) {
        text.extend_from_slice(b"$'");
        for byte in bytes {
            match byte {
                b'\'' | b'\\' => text.extend([b'\\', *byte]),
                byte if is_control(byte) => text.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
                byte => text.push(*byte),
            }
        }
        text.push(b'\'');
    } else if bytes.contains(&b'\'') {
        text.push(b'"');
        push_escaped(text, bytes);
        text.push(b'"');
    } else {
        text.push(b'\'');
        text.extend_from_slice(bytes);
        text.push(b'\'');
    }
}

/// For the inside of double quotes.
fn push_escaped(text: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if matches!(byte, b'"' | b'\\' | b'$' | b'`') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
}

fn push_parameter(text: &mut Vec<u8>, parameter: &Parameter) {
    let Parameter { name, line: _, quotes: _, form } = parameter;
    text.extend_from_slice(b"${");
    text.extend_from_slice(name.as_bytes());
    match form {
        Form::Value => {}
        Form::Test { unset, action, word } => {
            text.extend_from_slice(if *unset == Unset::OrEmpty { b":" } else { b"" });
            text.push(match action {
                Action::Default => b'-',
                Action::Assign => b'=',
                Action::Require => b'?',
                Action::Alternative => b'+',
            });
            if !word.is_empty() {
                push_word(text, word);
            }
        }
        Form::Remove { side, extent, pattern } => {
            repeated(text, if *side == Side::Start { b'#' } else { b'%' }, *extent);
            pattern.iter().for_each(|part| push_pattern(text, part));
        }
        Form::Case { to, extent } => repeated(text, if *to == Case::Upper { b'^' } else { b',' }, *extent),
        Form::Slice { offset, length } => {
            text.extend_from_slice(format!(":{offset}").as_bytes());
            if let Length::AtMost(most) = length {
                text.extend_from_slice(format!(":{most}").as_bytes());
            }
        }
    }
    text.push(b'}');
}

fn repeated(text: &mut Vec<u8>, operator: u8, extent: Extent) {
    text.push(operator);
    if extent == Extent::Most {
        text.push(operator);
    }
}

/// Unquoted text keeps its meaning as a pattern.
fn push_pattern(text: &mut Vec<u8>, part: &Part) {
    match part {
        Part::Text { bytes, .. } if bytes.is_empty() => {}
        Part::Text { bytes, quotes: Quotes::Inside } => push_quoted(text, bytes),
        Part::Text { bytes, quotes: Quotes::Outside } => {
            for byte in bytes {
                if !byte.is_ascii_alphanumeric() && !matches!(byte, b'*' | b'?' | b'.' | b'_' | b'-') {
                    text.push(b'\\');
                }
                text.push(*byte);
            }
        }
        Part::Home { .. } => text.extend_from_slice(b"\"${HOME}\""),
        Part::Parameter(parameter) => {
            let quote: &[u8] = if parameter.quotes == Quotes::Inside { b"\"" } else { b"" };
            text.extend_from_slice(quote);
            push_parameter(text, parameter);
            text.extend_from_slice(quote);
        }
    }
}
