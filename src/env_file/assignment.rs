//! What a file sets.

/// The longest value, with its name: the kernel's bound, less `=` and the NUL after it.
pub(crate) const MAX_VALUE: usize = (128 << 10) - 2;

/// Looks up the value that a variable has before the file is read.
pub type Inherited<'e> = &'e dyn Fn(&str) -> Option<&'e [u8]>;

/// A value that bash would give.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable's name.
    pub name: String,
    /// Its value, without a NUL.
    pub value: Vec<u8>,
    /// The line on which the assignment begins, counted from 1.
    pub line: usize,
}
