//! Reads one setting of a YAML file from the parser's events: no document is built, and no alias is expanded.

use saphyr_parser::{Event, Parser};

/// The limit of nesting.
const MAX_DEPTH: usize = 1_000;

/// The value of the first key that has one; `a.b` is the key `b` in the mapping `a`. Also `None` if the file is not
/// YAML.
pub(super) fn first_value(text: &str, keys: &[String]) -> Option<String> {
    let mut values: Vec<Option<String>> = keys.iter().map(|_| None).collect();
    follow(text, |path, value| {
        let has_value = !matches!(value, "" | "~" | "null" | "Null" | "NULL");
        for (key, found) in keys.iter().zip(&mut values) {
            if key.split('.').eq(path.iter().copied()) {
                *found = has_value.then(|| value.to_string());
            }
        }
    })?;
    values.into_iter().flatten().next()
}

/// An open collection.
enum OpenCollection {
    Sequence,
    /// The key whose value comes next.
    Mapping(Option<String>),
}

/// Passes each scalar that is the value of a key to `take`, with the path of keys; scalars in sequences are skipped.
fn follow(text: &str, mut take: impl FnMut(&[&str], &str)) -> Option<()> {
    let mut open: Vec<OpenCollection> = Vec::new();
    for event in Parser::new_from_str(text) {
        match event.ok()?.0 {
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() == MAX_DEPTH => return None,
            Event::MappingStart(..) => open.push(OpenCollection::Mapping(None)),
            Event::SequenceStart(..) => open.push(OpenCollection::Sequence),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                end_value(open.last_mut());
            }
            Event::Alias(_) => end_value(open.last_mut()),
            Event::Scalar(value, ..) => {
                if let Some(OpenCollection::Mapping(key @ None)) = open.last_mut() {
                    *key = Some(value.into_owned());
                    continue;
                }
                let path: Option<Vec<&str>> = open
                    .iter()
                    .map(|each| match each {
                        OpenCollection::Mapping(key) => key.as_deref(),
                        OpenCollection::Sequence => None,
                    })
                    .collect();
                if let Some(path) = path {
                    take(&path, &value);
                }
                end_value(open.last_mut());
            }
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    Some(())
}

/// Ends a value: in a mapping a key comes next. If a collection or an alias ends in the place of a key, its value is
/// skipped.
fn end_value(inside: Option<&mut OpenCollection>) {
    if let Some(OpenCollection::Mapping(key)) = inside {
        *key = if key.is_some() { None } else { Some("\0".to_string()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
        first_value(text, &["mux".to_string(), "gateway.mux".to_string()])
    }

    #[test]
    fn the_first_key_that_has_a_value_counts() {
        for (text, expected) in [
            ("mux: true\n", Some("true")),
            (
                "# c\nmodel:\n  name: x\n  list: [1, {mux: no}]\ngateway:\n  port: 1\n  mux: \"yes\"\n",
                Some("yes"),
            ),
            ("gateway: {mux: on}\nmux: off\n", Some("off")),
            ("gateway:\n  mux: on\nmux:\n", Some("on")),
            ("mux: null\n", None),
            ("mux: [true]\n", None),
            ("- mux: true\n", None),
            ("other:\n  mux: true\n", None),
            ("gateway:\n  deep:\n    mux: true\n", None),
            ("? [a, b]\n: c\nmux: 1\n", Some("1")),
            ("a: &x {mux: 1}\nb: *x\n*x : y\nmux: 2\n", Some("2")),
            ("text: |\n  mux: true\n", None),
            ("mux: true\n---\nmux: false\n", Some("true")),
            ("", None),
            ("mux: [true\n", None),
        ] {
            assert_eq!(value(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn depth_and_aliases_cost_nothing() {
        let deep = format!("a: {}1{}\nmux: true\n", "[".repeat(50), "]".repeat(50));
        assert_eq!(value(&deep).as_deref(), Some("true"));
        let bomb = (1..9).fold("a0: &a0 [x,x]\n".to_string(), |text, n| {
            format!("{text}a{n}: &a{n} [*a{p},*a{p},*a{p}]\n", p = n - 1)
        });
        assert_eq!(value(&format!("{bomb}mux: 1\n")).as_deref(), Some("1"));
    }
}
