//! How deeply substitutions nest, by a linear scan before the parser sees the script. Parsers recurse here, and parse
//! what is inside again at every level: 20,000 levels exhaust any stack, and a hundred take seconds.
//!
//! The scan cannot be misled by quotes, comments or here-documents, since it interprets none of them. A substitution
//! that closes in its line, with nothing special inside, nests nothing. All others count, as if each were inside the
//! one before it.

/// The most substitutions that may be inside each other.
pub(crate) const MAX_SUBSTITUTIONS: usize = 64;

/// The line, from 1, at which there are too many; none if the script may be parsed.
pub(crate) fn too_deep(script: &str) -> Option<usize> {
    let mut nesting = 0;
    for (number, line) in script.lines().enumerate() {
        for (at, _) in line.match_indices('(') {
            let before = line.get(..at).unwrap_or_default();
            let is_substitution = before.ends_with(['$', '<', '>', '=', '@', '?', '+', '*', '!']);
            let inside = line.get(at + 1..).unwrap_or_default();
            if is_substitution && !closes_at_once(inside) {
                nesting += 1;
            }
        }
        if nesting > MAX_SUBSTITUTIONS {
            return Some(number + 1);
        }
    }
    None
}

/// Whether a closing bracket follows with nothing before it that could hide it.
fn closes_at_once(inside: &str) -> bool {
    let special = |c: char| "()'\"\\#`{}<$".contains(c);
    let end = inside.find(special).unwrap_or(inside.len());
    let (plain, rest) = inside.split_at(end);
    rest.starts_with(')') && !plain.contains("case")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_scripts_are_refused_whatever_hides_it() {
        for open in ["$(", "\"$(", "<(", ">(", "$((", "a[$(", "a=(", "@(", "$( ')' ", "$( \")\" ", "$(\\) "] {
            for between in ["", "\n", "\n# )\n", "\n: <<E\n)\nE\n", "\n': )\n'"] {
                let script = format!("{open}{between}").repeat(20_000);
                assert!(too_deep(&script).is_some(), "{open:?} {between:?}");
            }
        }
    }

    #[test]
    fn usual_scripts_pass() {
        let plain = "now=$(date +%H) # it's (not\nif [ -n \"${A:-}\" ]; then (b); c \"$D\"; fi\n".repeat(500);
        assert_eq!(too_deep(&plain), None);
        let quoted = "here=$(dirname \"$0\")\n".repeat(MAX_SUBSTITUTIONS);
        assert_eq!(too_deep(&quoted), None);
        assert_eq!(too_deep(&format!("{quoted}x=$(a \"b\")\n")), Some(MAX_SUBSTITUTIONS + 1));
    }
}
