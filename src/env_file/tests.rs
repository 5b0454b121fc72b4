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
fn reports_all_refusals_at_once_with_their_lines() {
    let text = "A=1\nMSG=hello world\nURL=http://h/?a=b&c\nB=$1\nC=`id`\nD = 1\nE=~x\nF=(1 2)\n\
                G=${X:?}\nUID=5\nexport H={a,b}\n;\nlast='open\n";
    assert_eq!(
        refusals(text),
        [
            (2, "a second word, which bash would run as a command".to_string()),
            (3, "an unquoted '&'".to_string()),
            (4, "'$' with a digit refers to an argument of the script".to_string()),
            (5, "command substitution is not supported".to_string()),
            (6, "not an assignment".to_string()),
            (7, "an unquoted '~' with text after it".to_string()),
            (8, "an array cannot be exported".to_string()),
            (9, "X is required, but unset or empty".to_string()),
            (10, "bash maintains UID itself: the value would not persist".to_string()),
            (11, "an unquoted '{'".to_string()),
            (12, "a ';' without a command before it".to_string()),
            (13, "an unterminated quote".to_string()),
        ]
    );
}

#[test]
fn ignores_a_byte_order_mark_and_crlf_and_reports_them() {
    let file = parse(b"\xef\xbb\xbfA='x\r\ny'\r\nB=1\r\n").unwrap_or_else(|_| panic!("refused"));
    let values: Vec<&[u8]> = file.assignments.iter().map(|a| a.value.as_slice()).collect();
    assert_eq!(values, [b"x\ny".as_slice(), b"1"]);
    assert!(file.quirk().is_some());
    assert_eq!(parse(b"A=a\rb\n").map(|file| file.assignments[0].value.clone()).ok(), Some(b"a\rb".to_vec()));
}

#[test]
fn a_refusal_never_shows_a_value() {
    let text = "A=hunter2&hunter2\nhunter2='x'y hunter2\nB=\"hunter2$hunter2\"\nC=hunter2 'hunter2'\n\
                D=${X:?hunter2}\nE=~hunter2\nF=$'hunter2\\0'\nG=hunter2\nH=${G%h[unter2]}\nexport hunter2-x\n\
                set hunter2\n: hunter2*\nI=hunter2$(hunter2)\nJ=\"hunter2${K:-'hunter2'}\"\nL=${G/hunter2}\n\
                M=${G:hunter2}\nexport $G-\nN=\"hunter2$1\"\nhunter2\nO='hunter2";
    let refusals = parse(text.as_bytes()).err().unwrap_or_default();
    assert_eq!(refusals.len(), 17, "{refusals:?}");
    for refusal in refusals {
        // a name is not a value
        let shown = format!("{}{}", refusal.what, refusal.remedy).replace("hunter2='…'", "");
        assert!(!shown.contains("hunter2"), "{refusal:?}");
    }
}

#[test]
fn expansions_see_the_lines_before_and_the_environment() {
    for (text, expected) in [
        ("A=$HOME/x", "/config/x"),
        ("HOME=/h\nA=~:~/x", "/h:/h/x"),
        ("A='~'\nA=x~", "x~"),
        ("B=1\nA=$B${B}2$BC.", "112."),
        ("B=1\nA=2\nA=$B-$A", "1-2"),
        ("A=${B:-d}", "d"),
        ("B=\nA=${B:-d}${B-d}", "d"),
        ("B=\nA=${B:+x}${B+y}", "y"),
        ("A=${B:=a b}$B", "a ba b"),
        ("B=1\nA=${B:?why}", "1"),
        ("A=${B:-${C:-'x y'}\"$HOME\"}", "x y/config"),
        ("A=\"${B:-{\\\"k\\\":1}}\"", "{\"k\":1}"),
        ("A=${B:-#a;b&c|d\n}", "#a;b&c|d\n"),
        ("B=a.tar.gz\nA=${B%.*}${B%%.*}${B#*.}${B##*.}", "a.taratar.gzgz"),
        ("B=aB\nA=${B^^}${B,,}${B^}${B:1}${B:0:1}${B:5}", "ABabABBa"),
        ("A=1\nA+=2\nA+='3 4'", "123 4"),
        ("A=1\nexport A=2 B=$A", "1"),
        ("K=A\nexport $K=1", "1"),
        ("export -- A=1", "1"),
        ("export 'A'=b", "b"),
        (": \"${A:=v}\"", "v"),
        ("set -a\nA=1\nset +a; set -o allexport", "1"),
        ("A=$ B=\"$\" C=a$,$!", "a$,"),
        ("A=$\"x$HOME\"", "x/config"),
        ("A\\\nB=\"$HO\\\nME\"", "/config"),
        ("A=a\\", "a\\"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn what_an_expansion_sets_is_an_assignment_too() {
    let expected = [("B", "x"), ("A", "x")].map(|(name, value)| (name.to_string(), value.to_string()));
    assert_eq!(values("A=${B:=x}"), expected);
    assert_eq!(values("A=${HOME:-${B:=x}}").len(), 1);
}

#[test]
fn escapes_of_ansi_c_quotes_are_those_of_bash() {
    for (text, expected) in [
        ("\\n\\t\\\\\\'\\\"\\?", "\n\t\\'\"?"),
        ("\\a\\b\\e\\E\\f\\r\\v", "\x07\x08\x1b\x1b\x0c\r\x0b"),
        ("\\101\\0411\\x41\\x4g\\u41\\U00000042", "A!1A\x04gAB"),
        ("\\cA\\ca\\c?\\c[", "\x01\x01\x7f\x1b"),
        ("\\z\\8\\x\\u", "\\z\\8\\x\\u"),
        ("$HOME`\\\n", "$HOME`\\\n"),
    ] {
        assert_eq!(value(&format!("A=$'{text}'")), expected, "{text:?}");
    }
    let file = parse(b"A=$'\\xff\\777'").unwrap_or_else(|_| panic!("refused"));
    assert_eq!(file.assignments[0].value, b"\xff\xff");
    for text in ["\\0", "\\x00", "\\400", "\\c@", "\\u00e9", "\\U80", "\\x{41}", "\\c", "open\\'"] {
        let text = if text.starts_with("open") { format!("A=$'{text}") } else { format!("A=$'{text}'") };
        assert_eq!(refusals(&text).len(), 1, "{text:?}");
    }
}

#[test]
fn what_depends_on_more_than_file_and_environment_is_refused() {
    for (text, what) in [
        ("A=$(id)", "command substitution is not supported"),
        ("A=\"`id`\"", "command substitution is not supported"),
        ("A=$((1+1))", "arithmetic is not supported"),
        ("A=$[1]", "arithmetic is not supported"),
        ("A=${B:-<(x)}", "command substitution is not supported"),
        ("A=a$1b", "'$' with a digit refers to an argument of the script"),
        ("A=$?", "'$?' depends on the script"),
        ("A=${#HOME}", "a length inside '${…}' is not supported"),
        ("A=${!B}", "an indirection inside '${…}' is not supported"),
        ("A=${B/a/b}", "a replacement inside '${…}' is not supported"),
        ("A=${B@Q}", "a transformation inside '${…}' is not supported"),
        ("A=${B:x}", "an expression inside '${…}' is not supported"),
        ("A=${B:010}", "an expression inside '${…}' is not supported"),
        ("A=${B^a}", "a pattern inside '${…}' is not supported"),
        (
            "A=${B%${C-x}}",
            "a pattern with an expansion other than a plain name inside '${…}' is not supported",
        ),
        ("A=x${HOME%[a]}", "a pattern inside '${…}' with anything but plain characters, '*' and '?'"),
        ("B=\u{e9}\nA=${B^^}", "a form of '${…}' that depends on bash's locale outside ASCII"),
        ("B=\u{e9}\nA=${B#?}", "a form of '${…}' that depends on bash's locale outside ASCII"),
        ("A=${B[0]}", "an array cannot be exported"),
        ("A[0]=1", "an array cannot be exported"),
        ("A=${}", "'${' without a name after it"),
        ("A=${B!}", "'${' with something other than a name in it"),
        ("A=${B", "an unterminated '${'"),
        ("A=${B:-x", "an unterminated '${'"),
        ("A=\"${B:-'x'}\"", "a ' inside \"${…}\""),
        ("A=${B:-\x7f}", "a control character inside '${…}'"),
        ("A=\"$\x7f\"", "a control character after a '$'"),
        ("A=${B:-a:~/x}", "an unquoted '~' inside '${…}'"),
        ("A=~root/x", "an unquoted '~' with text after it"),
        ("A=$UID", "$UID is maintained by bash itself"),
        ("A=$PWD", "$PWD is set by bash at startup"),
        ("A=$HOSTNAME", "$HOSTNAME is not set, and bash would supply a value of its own"),
        (": ${UID:=1}", "$UID is maintained by bash itself"),
        ("export A={1,2}", "an unquoted '{'"),
        ("export", "an export without operands, which only prints"),
        ("export -n A", "an option to export"),
        ("export A-B=1", "a name with '.' or '-', which bash does not allow"),
        ("spring.port=1", "a name with '.' or '-', which bash does not allow"),
        ("A=1\nMY-NAME='x y' # c", "a name with '.' or '-', which bash does not allow"),
        ("-A=1", "not an assignment"),
        ("A.b", "not an assignment"),
        ("A\0=\x001\0", "the file is UTF-16"),
        ("\0A\0=", "the file is UTF-16"),
        ("B='a b'\nexport $B", "an export of an invalid name"),
        ("IFS=a\nB=Xab\nexport $B=1", "an export of an invalid name"),
        ("set -e", "a set with anything but -a"),
        ("A=1 export B=2", "a second word, which bash would run as a command"),
        ("A=1;;", "a ';;'"),
        ("readonly A=1", "not an assignment"),
        ("if true; then A=1; fi", "not an assignment"),
        ("A=\0", "a NUL byte"),
        ("POSIXLY_CORRECT=1", "bash maintains POSIXLY_CORRECT itself: the value would not persist"),
    ] {
        let refused = refusals(text);
        assert_eq!(refused.first().map(|(_, what)| what.as_str()), Some(what), "{text:?}");
    }
}

#[test]
fn a_variable_whose_line_is_refused_does_not_count_as_missing() {
    assert_eq!(refusals("A=`x`\nB=${A:?}\nC=${D?}").len(), 2);
    assert_eq!(refusals("export A=~x B=1\nB=${A:?}").len(), 1);
}

#[test]
fn time_and_memory_are_bounded() {
    let doubling = "A=aaaaaaaaaaaaaaaa\n".to_string() + &"A=$A$A\n".repeat(100);
    assert!(refusals(&doubling).iter().any(|(_, what)| what == "a value longer than 128 KiB"));
    let half = "x".repeat(60_000);
    let copying = format!("A={half}\n") + &"B=$A\n".repeat(100_000);
    let refused = refusals(&copying);
    assert_eq!(
        refused.last().map(|(_, what)| what.as_str()),
        Some("the expansions in this file exceed the limit")
    );
    let matching = format!("A={half}\nB=${{A%%*y*z}}\n");
    assert_eq!(refusals(&matching).len(), 1);
    for depth in ["${A:-", "${A:-\"", "\"${A:-", "${A-$'"] {
        assert!(!refusals(&format!("B={}", depth.repeat(100_000))).is_empty());
    }
    let nested = format!("B={}x{}", "${A:-".repeat(40), "}".repeat(40));
    assert_eq!(value(&nested), "x");
    assert_eq!(refusals(&"x\n".repeat(500_000)).len(), 100);
    assert_eq!(refusals(&format!("export {}", "a-b ".repeat(5_000))).len(), 100);
}

#[test]
fn differs_from_bash_in_that_every_name_is_exported() {
    assert_eq!(values("A=1\nset +a\nB=2").len(), 2);
}

#[test]
fn the_canonical_spelling_is_one_command_per_line_in_quotes_with_its_comments() {
    let spelled = |text: &str| {
        let inherited = |name: &str| (name == "HOME").then_some(b"/config".as_slice());
        let text = spell(text.as_bytes(), &inherited).unwrap_or_else(|_| panic!("refused: {text}"));
        String::from_utf8(text.unwrap_or_else(|| panic!("no spelling"))).expect("text")
    };
    for (text, expected) in [
        ("A=1", "A='1'\n"),
        ("A=", "A=''\n"),
        ("# c\n\nA=1 B='x y' # why\n#d", "# c\n\nA='1'\nB='x y'  # why\n#d\n"),
        ("A=1; B=2;\nC=3; # c\n", "A='1'\nB='2'\nC='3'  # c\n"),
        ("A=it\\'s\\ $HOME\n", "A=\"it's ${HOME}\"\n"),
        ("A=\"it's \\$5\"\n", "A=\"it's \\$5\"\n"),
        ("A=~/x:~", "A=\"${HOME}/x:${HOME}\"\n"),
        ("A=$'a\\tb\\x01\\''", "A=$'a\tb\\x01\\''\n"),
        ("A=${B:-$HOME/'x y'}z", "A=${B:-\"${HOME}/x y\"}'z'\n"),
        ("A=\"${B:=}\"${A%.*}${A##'*'} A+=${A^^}${A:1:2}", "A=${B:=}${A%.*}${A##'*'}\nA+=${A^^}${A:1:2}\n"),
        ("export A=1 B=$A\\\n  C\nset -a", "export A='1' B=\"${A}\" C\nset -a\n"),
        (": \"${A:=v w}\" x", ": ${A:='v w'} 'x'\n"),
    ] {
        assert_eq!(spelled(text), expected, "{text:?}");
        assert_eq!(spelled(expected), expected, "spelled again");
    }
    assert!(spell(b"A=x y", &|_| None).is_err());
}
