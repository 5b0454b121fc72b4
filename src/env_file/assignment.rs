//! The assignments in a file.

/// The longest value including its name: the kernel's limit, less `=` and the terminating NUL.
pub(crate) const MAX_VALUE: usize = (128 << 10) - 2;

/// Looks up the value of a variable before the file is read.
pub type Inherited<'e> = &'e dyn Fn(&str) -> Option<&'e [u8]>;

/// An assignment as bash would make it.
#[derive(Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable's name.
    pub name: String,
    /// Its value, without a NUL.
    pub value: Vec<u8>,
    /// The line where the assignment starts, counted from 1.
    pub line: usize,
}
