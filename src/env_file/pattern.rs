//! The patterns of `${NAME#pattern}` and `${NAME%pattern}`: `*`, `?` and bytes.

use super::refusal::Refusal;
use super::syntax::{Extent, Side};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Any,
}

/// An unquoted text as a pattern; `None` if it is unsupported.
pub(super) fn items(bytes: &[u8]) -> Option<Vec<Item>> {
    let item = |byte: &u8| match byte {
        b'*' => Some(Item::Any),
        b'?' => Some(Item::One),
        b'[' | b'\\' | b'(' => None,
        byte if byte.is_ascii_graphic() || *byte == b' ' => Some(Item::Byte(*byte)),
        _ => None,
    };
    bytes.iter().map(item).collect()
}

pub(super) fn refusal(line: usize) -> Refusal {
    let what = "a pattern inside '${…}' with anything but plain characters, '*' and '?'";
    Refusal::new(line, what, "write the result")
}

/// Whether a match depends on what bash considers one character.
pub(super) fn counts_characters(pattern: &[Item]) -> bool {
    pattern.iter().any(|item| match item {
        Item::Byte(byte) => !byte.is_ascii(),
        Item::One => true,
        Item::Any => false,
    })
}

/// An upper bound on the steps of [`remove`].
pub(super) fn work(value: &[u8], pattern: &[Item]) -> usize {
    let all_tries = value.len().saturating_add(1).saturating_mul(value.len().saturating_add(1));
    all_tries.saturating_mul(pattern.len().saturating_add(1))
}

/// The value without the match.
pub(super) fn remove<'v>(value: &'v [u8], pattern: &[Item], side: Side, extent: Extent) -> &'v [u8] {
    let mut lengths = 0..=value.len();
    let mut next = || if extent == Extent::Least { lengths.next() } else { lengths.next_back() };
    while let Some(length) = next() {
        let split = if side == Side::Start { length } else { value.len() - length };
        let (before, after) = value.split_at_checked(split).unwrap_or_default();
        let (taken, left) = if side == Side::Start { (before, after) } else { (after, before) };
        if matches(taken, pattern) {
            return left;
        }
    }
    value
}

fn matches(text: &[u8], pattern: &[Item]) -> bool {
    let (mut at, mut item) = (0, 0);
    // the item after the last '*', and the position it has reached
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match (pattern.get(item), text.get(at)) {
            (Some(Item::Any), _) => {
                item += 1;
                retry = Some((item, at));
                continue;
            }
            (Some(Item::One), _) => (),
            (Some(Item::Byte(expected)), Some(byte)) if expected == byte => (),
            _ => match &mut retry {
                Some((first, reached)) => {
                    *reached += 1;
                    (item, at) = (*first, *reached);
                    continue;
                }
                None => return false,
            },
        }
        item += 1;
        at += 1;
    }
    pattern.get(item..).unwrap_or_default().iter().all(|item| *item == Item::Any)
}
