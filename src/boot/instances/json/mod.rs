//! JSON as Python's json module reads it; only the members of the outermost object are returned.
//!
//! Beyond the standard, that module accepts NaN, Infinity, -Infinity, numbers of any size, lone surrogates in strings,
//! and duplicate keys (the last one counts). serde_json rejects NaN, the infinities and lone surrogates. Nesting is
//! tracked on the heap, one byte per level, so that no depth overflows the stack.

mod members;
mod scanner;
mod string;
#[cfg(test)]
mod tests;

pub(super) use members::{members, text_of};
pub(super) use scanner::{NotRead, ValueKind};
pub(super) use string::decoded;
