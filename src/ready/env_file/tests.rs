use super::*;

fn parse(bytes: &[u8]) -> Result<EnvFile, Vec<Refusal>> {
    super::parse(bytes, &|name| (name == "HOME").then_some(b"/config"))
}

fn values(text: &str) -> Vec<(String, String)> {
    match parse(text.as_bytes()) {
        Ok(file) => file
            .assignments
            .into_iter()
            .map(|a| (a.name, String::from_utf8_lossy(&a.value).into_owned()))
            .collect(),
        Err(refusals) => panic!("refused: {refusals:?}"),
    }
}

fn value(text: &str) -> String {
    values(text).pop().map(|(_, value)| value).unwrap_or_else(|| panic!("no assignment in {text:?}"))
}

fn refusals(text: &str) -> Vec<(usize, String)> {
    match parse(text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(refusals) => refusals.into_iter().map(|refusal| (refusal.line, refusal.what)).collect(),
    }
}

#[test]
fn quotes_and_backslashes_mean_what_they_mean_to_bash() {
    for (text, expected) in [
        ("A=", ""),
        ("A=   # comment", ""),
        ("A=#abc", "#abc"),
        ("A=a#b # c", "a#b"),
        ("A=''", ""),
        ("A='a b'\"c d\"e", "a bc de"),
        ("A=a\\ b", "a b"),
        ("A='a\nb'", "a\nb"),
        ("A=a\\\nb", "ab"),
        ("A=\"a\\\nb\"", "ab"),
        ("A=\"\\n\\\"\\$\\`\\\\\"", "\\n\"$`\\"),
        ("A=*?[x]{a,b}!%=+", "*?[x]{a,b}!%=+"),
        ("A=x~y", "x~y"),
        ("A='~'", "~"),
        ("export  A=1", "1"),
        ("  A=1;", "1"),
        ("A=https://h/p?x=1#frag", "https://h/p?x=1#frag"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn several_assignments_keep_their_order() {
    let text = "# x\n\nA=1 B=2; C=3\nexport D=4 E\nA=5";
    let expected = [("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("A", "5")];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    assert_eq!(values(text), expected);
}

#[test]
fn all_refusals_are_said_at_once_with_their_lines() {
    let text = "A=1\nMSG=hello world\nURL=http://h/?a=b&c\nB=$1\nC=`id`\nD = 1\nE=~x\nF=(1 2)\n\
                G=${X:?}\nUID=5\nexport H={a,b}\n;\nlast='open\n";
    assert_eq!(
        refusals(text),
        [
            (2, "a second word, which bash would run as a command".to_string()),
            (3, "an unquoted '&'".to_string()),
            (4, "'$' with a digit stands for an argument of the script".to_string()),
            (5, "a command substitution is not run".to_string()),
            (6, "not an assignment".to_string()),
            (7, "an unquoted '~' with something behind it".to_string()),
            (8, "an array has no place in an environment".to_string()),
            (9, "X is not set or empty, and the file asks for it".to_string()),
            (10, "bash keeps UID itself: the value would not last".to_string()),
            (11, "an unquoted '{'".to_string()),
            (12, "a ';' without a command before it".to_string()),
            (13, "a quote that is never closed".to_string()),
        ]
    );
}

#[test]
fn byte_order_mark_and_crlf_are_read_as_if_absent_and_said() {
    let file = parse(b"\xef\xbb\xbfA='x\r\ny'\r\nB=1\r\n").unwrap_or_else(|_| panic!("refused"));
    let values: Vec<&[u8]> = file.assignments.iter().map(|a| a.value.as_slice()).collect();
    assert_eq!(values, [b"x\ny".as_slice(), b"1"]);
    assert!(file.oddity().is_some());
    assert_eq!(parse(b"A=a\rb\n").map(|file| file.assignments[0].value.clone()).ok(), Some(b"a\rb".to_vec()));
}

#[test]
fn a_refusal_never_shows_a_value() {
    let text = "A=hunter2&hunter2\nhunter2='x'y hunter2\nB=\"hunter2$hunter2\"\nC=hunter2 'hunter2'\n";
    let refusals = parse(text.as_bytes()).err().unwrap_or_default();
    assert!(refusals.len() >= 3, "{refusals:?}");
    for refusal in refusals {
        // a name is no value
        let said = format!("{}{}", refusal.what, refusal.remedy).replace("hunter2='…'", "");
        assert!(!said.contains("hunter2"), "{refusal:?}");
    }
}
