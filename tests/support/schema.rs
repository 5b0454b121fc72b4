//! Pages in JSON against the schemas of docs/.

use std::path::Path;

use super::read;

/// Asserts that a page has the form of this schema, a file of the repository; gives the page.
pub fn holds(schema: &str, page: &[u8]) -> serde_json::Value {
    let page: serde_json::Value = serde_json::from_slice(page).expect("JSON");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(schema);
    let schema: serde_json::Value = serde_json::from_str(&read(path)).expect("the schema");
    let mut wrong = Vec::new();
    judge(&page, &schema, &schema, "", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:?}\n{page}");
    page
}

/// Of JSON Schema what our schemas use: type, properties, required, additionalProperties, items, enum, $ref.
fn judge(
    value: &serde_json::Value,
    schema: &serde_json::Value,
    root: &serde_json::Value,
    at: &str,
    wrong: &mut Vec<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a target");
        return judge(value, target, root, at, wrong);
    }
    let kind = match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Number(number) if number.is_f64() => "number",
        serde_json::Value::Number(_) => "integer",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    };
    let kinds: Vec<&str> = match &schema["type"] {
        serde_json::Value::String(kind) => vec![kind],
        serde_json::Value::Array(kinds) => kinds.iter().filter_map(|kind| kind.as_str()).collect(),
        _ => panic!("{at}: the schema has no type"),
    };
    if !kinds.iter().any(|each| *each == kind || (*each == "number" && kind == "integer")) {
        wrong.push(format!("{at}: {kind} is none of {kinds:?}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        wrong.push(format!("{at}: {value} is none of {allowed:?}"));
    }
    if let Some(fields) = value.as_object() {
        assert_eq!(schema["additionalProperties"], false, "{at}: the schema is open");
        for required in schema["required"].as_array().expect("required") {
            if !fields.contains_key(required.as_str().expect("a name")) {
                wrong.push(format!("{at}: {required} is missing"));
            }
        }
        for (name, field) in fields {
            match schema["properties"].get(name) {
                Some(property) => judge(field, property, root, &format!("{at}/{name}"), wrong),
                None => wrong.push(format!("{at}/{name}: is not in the schema")),
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        judge(item, &schema["items"], root, &format!("{at}/{index}"), wrong);
    }
}
