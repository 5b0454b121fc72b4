//! What a file sets.

/// The longest value, with its name: the kernel's bound, less `=` and the NUL behind it.
pub(crate) const MAX_VALUE: usize = (128 << 10) - 2;

/// Tells the value that a variable has before the file is read.
pub type Inherited<'e> = &'e dyn Fn(&str) -> Option<&'e [u8]>;

/// A value that bash would give.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// Its value; no NUL.
    pub value: Vec<u8>,
    /// Where the assignment begins, from 1.
    pub line: usize,
}
