//! Of known words, the one that was probably meant.

/// No known name is longer: the search costs the product of both lengths. In bytes.
const LONGEST_TYPED: usize = 40;

/// The known name that is nearest to a mistyped one, if it is near.
pub(crate) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > LONGEST_TYPED {
        return None;
    }
    known
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
