use super::*;

fn read(text: &str) -> Result<Vec<(String, ValueKind, String)>, NotRead> {
    let mut all = Vec::new();
    members(text, |member| {
        let value = text.get(member.value).expect("in the text").to_string();
        all.push((String::from_utf8_lossy(&member.key).into_owned(), member.kind, value));
    })?;
    Ok(all)
}

#[test]
fn gives_the_members_in_order_with_their_values_as_written() {
    let text = " { \"a\" : [1, {\"a\": null}] ,\"\\u0062\":\"x\\n\",\"a\":null, \"c\":{} }\n";
    let expected = [
        ("a", ValueKind::Other, "[1, {\"a\": null}]"),
        ("b", ValueKind::Text, "\"x\\n\""),
        ("a", ValueKind::Null, "null"),
        ("c", ValueKind::Other, "{}"),
    ];
    let read = read(text).expect("read");
    let read: Vec<_> = read.iter().map(|(key, kind, value)| (key.as_str(), *kind, value.as_str())).collect();
    assert_eq!(read, expected);
}

#[test]
fn accepts_what_pythons_module_accepts() {
    for value in [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-0",
        "0.5E-7",
        "18446744073709551616",
        "\"\\udcff\"",
        "\"\\ud800x\"",
        "\"\\ud83d\\ude00\"",
        "\"\u{7f}\u{2028}\"",
        "[]",
        "{}",
        "[[],{}]",
    ] {
        assert!(read(&format!("{{\"a\":{value}}}")).is_ok(), "{value}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
    assert!(read(&deep).is_ok());
}

#[test]
fn refuses_what_pythons_module_refuses() {
    for bad in [
        "",
        "{",
        "{}}",
        "{} x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":-NaN}",
        "{\"a\":nul}",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x41\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"",
        "{\"a\":[}",
        "{\"a\":{]}",
        "\u{feff}{}",
        "{\"a\":1}\0",
        "//\n{}",
    ] {
        assert_eq!(read(bad), Err(NotRead::Malformed), "{bad:?}");
    }
    for other in ["[]", "1", "null", "\"running\"", "[[1],{}] "] {
        assert_eq!(read(other), Err(NotRead::NotObject), "{other}");
    }
}

#[test]
fn strings_are_decoded_and_lone_surrogates_equal_nothing_else() {
    assert_eq!(decoded("\"a\\u0062\\/\\t\\\\u\""), b"ab/\t\\u");
    assert_eq!(decoded("\"\\ud83d\\ude00\""), "\u{1f600}".as_bytes());
    assert_eq!(decoded("\"\\udcff\""), b"\xed\xb3\xbf");
    assert_eq!(decoded("\"\\ud800\\ud83d\\ude00\""), b"\xed\xa0\x80\xf0\x9f\x98\x80");
    assert_ne!(decoded("\"\\udcff\""), decoded("\"\u{fffd}\""));
}
