//! The elements of a file, before evaluation.

/// A word, as its parts.
pub(super) type Word = Vec<Part>;

#[derive(Debug)]
pub(super) enum Part {
    /// Literal bytes, with quotes and backslashes removed.
    Text {
        bytes: Vec<u8>,
        quotes: Quotes,
    },
    /// A tilde that stands for HOME.
    Home {
        line: usize,
    },
    Parameter(Parameter),
}

/// Whether a part is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    Outside,
    Inside,
}

/// `$NAME`, `${NAME}` and its forms.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) quotes: Quotes,
    pub(super) form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    /// The value; empty if unset.
    Value,
    /// `:-`, `-` and the like.
    Test { unset: Unset, action: Action, word: Word },
    /// `#`, `##`, `%`, `%%`
    Remove { side: Side, extent: Extent, pattern: Word },
    /// `^`, `^^`, `,`, `,,` without a pattern.
    Case { to: Case, extent: Extent },
    /// `:OFFSET` and `:OFFSET:LENGTH` with plain numbers.
    Slice { offset: usize, length: Length },
}

/// Which variables count as unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unset {
    /// Those not set.
    Only,
    /// With a colon: empty ones as well.
    OrEmpty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    ToTheEnd,
    AtMost(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `-`: the word if there is no value.
    Default,
    /// `=`: the same, and assigns it to the variable.
    Assign,
    /// `?`: an error if there is no value.
    Require,
    /// `+`: the word if there is a value.
    Alternative,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Start,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// The shortest match, or the first letter.
    Least,
    /// The longest match, or every letter.
    Most,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`
    Set,
    /// `+=`
    Append,
}

/// `NAME=word` or `NAME+=word`.
#[derive(Debug)]
pub(super) struct Assign {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) operator: Operator,
    pub(super) word: Word,
}

/// An assignment whose value is known.
pub(super) struct Expanded {
    pub(super) name: String,
    pub(super) operator: Operator,
    pub(super) value: Vec<u8>,
    pub(super) line: usize,
}

/// A word after export.
#[derive(Debug)]
pub(super) enum Operand {
    Assign(Assign),
    /// A name, or something that an expansion turns into a name or an assignment.
    Word {
        line: usize,
        word: Word,
    },
}

impl Part {
    /// The bytes of a part in a word without expansions.
    pub(super) fn plain(&self) -> &[u8] {
        match self {
            Part::Text { bytes, .. } => bytes,
            Part::Home { .. } | Part::Parameter(_) => &[],
        }
    }

    pub(super) fn push(parts: &mut Word, byte: u8, quotes: Quotes) {
        Part::extend(parts, &[byte], quotes);
    }

    pub(super) fn extend(parts: &mut Word, more: &[u8], quotes: Quotes) {
        match parts.last_mut() {
            Some(Part::Text { bytes, quotes: same }) if *same == quotes => bytes.extend_from_slice(more),
            _ => parts.push(Part::Text { bytes: more.to_vec(), quotes }),
        }
    }
}
