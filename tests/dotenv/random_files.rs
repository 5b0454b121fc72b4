//! Random files, whole and damaged, beside another reader.

use std::collections::BTreeSet;

use crate::support::Random;
use crate::{INHERITED, Oracle, alone, ours, theirs};

/// A file with the shapes of real ones.
struct Corpus<'c> {
    random: &'c mut Random,
    text: String,
    names: Vec<String>,
    /// Names whose values python-dotenv reads otherwise than compose.
    compose_only: BTreeSet<String>,
}

impl Corpus<'_> {
    fn file(random: &mut Random) -> (String, BTreeSet<String>) {
        let mut corpus =
            Corpus { random, text: String::new(), names: Vec::new(), compose_only: BTreeSet::new() };
        let sections = 1 + corpus.random.below(4);
        for _ in 0..sections {
            corpus.section();
        }
        let Corpus { random, mut text, compose_only, .. } = corpus;
        if random.one_in(8) {
            text.insert(0, '\u{feff}');
        }
        if random.one_in(6) {
            text.pop();
        }
        // within quotes CR LF is refused
        let is_multi_line = text.contains("-----BEGIN") || text.contains("first\n");
        if random.one_in(6) && !is_multi_line {
            text = text.replace('\n', "\r\n");
        }
        (text, compose_only)
    }

    fn section(&mut self) {
        let title = self.random.one_of(&[
            "# ---- Database ----\n",
            "########################\n# Don't edit below\n########################\n\n",
            "# Postgres: it's needed by \"api\" and 'web'\n",
            "#\n# see https://docs.example.org/env#variables\n#\n",
            "\n\n",
            "  # indented, isn't it?  # \"\n",
            "#NOT_SET=\"open\n",
            "",
        ]);
        self.text.push_str(title);
        for _ in 0..=self.random.below(7) {
            match self.random.below(12) {
                0 => self.text.push('\n'),
                1 => {
                    let comment = self.random.one_of(&[
                        "# it's a comment\n",
                        "#OLD_TOKEN='abc\n",
                        "# say \"hi\n",
                        "#\n",
                        "#    two  ' quotes '\n",
                        "\t# tab\n",
                        "# $HOME ${X `date`\n",
                    ]);
                    self.text.push_str(comment);
                }
                2 => self.compose_only(),
                _ => self.assignment(),
            }
        }
    }

    fn new_name(&mut self) -> String {
        let stem = self.random.one_of(&[
            "DATABASE_URL",
            "API_KEY",
            "PORT",
            "node.env",
            "TZ",
            "_private",
            "SMTP_PASSWORD",
            "next-public-url",
            "A",
            "Debug",
            "JWT_SECRET",
            "ALLOWED_HOSTS",
            "export",
            "S3_BUCKET",
        ]);
        let name = format!("{stem}{}", self.names.len());
        self.names.push(name.clone());
        name
    }

    fn assignment(&mut self) {
        let name = self.new_name();
        let before = self.random.one_of(&["", "", "", "", "", "export ", "  ", "export  "]);
        let equals = self.random.one_of(&["=", "=", "=", "=", "=", " = ", "= ", " ="]);
        let value = self.value();
        let end = match value.as_str() {
            // compose takes a comment there for the value
            "" => self.random.one_of(&["", "", " "]),
            quoted if quoted.starts_with(['"', '\'']) => {
                self.random.one_of(&["", "", "", " # it's so", "  ", "#c", "\t# tab"])
            }
            _ => self.random.one_of(&["", "", "", "", " # it's so", "  # \"x", " #c # d", "  ", "\t"]),
        };
        self.text.push_str(&format!("{before}{name}{equals}{value}{end}\n"));
    }

    fn value(&mut self) -> String {
        let plain = [
            "",
            "",
            "1",
            "8080",
            "true",
            "localhost",
            "production",
            "postgres://user:pass@db:5432/app?sslmode=disable",
            "https://example.org/a?b=c&d=e#frag",
            "me@example.org",
            "info,debug",
            "/var/lib/app:/srv/x",
            "~/data",
            "Europe/Berlin",
            "0.5",
            "-1",
            "*",
            "a.b.c",
            "YWJjZGVmZ2g9PQ==",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x-_y",
            "sk-ABCdef0123456789",
            "<your-key>",
            "changeme!",
            "a=b=c",
            "p@ss%word^",
            "value value",
            "Hello, World!",
            "*/5 * * * *",
            "Mon-Fri 09:00",
            "-Xmx512m -Dfile.encoding=UTF-8",
            "a; b | c && d",
            "(x) [y] {z}",
            "caf\u{e9}",
            "\u{65e5}\u{672c}",
            "[\"a\", \"b\"]",
            "{\"key\": {\"n\": 1}}",
            "C:\\Users\\me\\new",
            "it's",
            "a\"b",
            "x#y",
            "don't stop",
            "10 %",
            "\\d+",
            "`date`",
            "$",
            "=",
            "a  b",
            "!ref",
            "|",
            "%h %l %u",
        ];
        match self.random.below(10) {
            0..=4 => {
                let value = self.random.one_of(&plain);
                if value == "$" { "dollar".to_string() } else { value.to_string() }
            }
            5 => {
                let inner = self.random.one_of(&[
                    "",
                    "a b",
                    "it is # no comment",
                    "p$ss",
                    "x\"y",
                    "C:\\dir",
                    "{\"a\":\"b c\"}",
                    "$2y$10$abc.d33",
                    "a`b",
                    "it\\'s",
                    "\\n",
                    "first\nsecond\n\nlast",
                    " x ",
                ]);
                format!("'{inner}'")
            }
            6 | 7 => {
                let inner = self.random.one_of(&[
                    "",
                    "a b",
                    "it's # no comment",
                    "a\\tb",
                    "line\\nline\\r\\n",
                    "say \\\"hi\\\"",
                    "back\\\\slash",
                    "x=y",
                    "-----BEGIN KEY-----\nMIIB+/=\nx9\n-----END KEY-----\n",
                    "first\nB=2 # 'x\nlast",
                    "\\a\\b\\f\\v",
                    "  ",
                    "{'a': 1}",
                    "caf\u{e9}",
                    "`x` #y",
                ]);
                format!("\"{inner}\"")
            }
            _ => {
                let names: Vec<&String> =
                    self.names.iter().rev().skip(1).filter(|name| is_plain(name)).collect();
                let name = match names.is_empty() || self.random.one_in(3) {
                    true => "INHERITED".to_string(),
                    false => names[self.random.below(names.len())].clone(),
                };
                // of an empty one python-dotenv takes no word
                let form = self.random.one_of(&[
                    "${NAME}",
                    "x${NAME}y",
                    "\"${NAME}\"",
                    "\"a ${NAME} b\\n\"",
                    "http://${NAME}:80/",
                    "${NAME}${NAME}",
                    "${INHERITED:-word}",
                    "${NOT_SET:-a word}",
                    "\"${NOT_SET:-}\"",
                    "${NAME} # it's",
                ]);
                form.replace("NAME", &name)
            }
        }
    }

    /// Statements that compose and python-dotenv read differently, or python-dotenv not at all.
    fn compose_only(&mut self) {
        let form = self.random.one_of(&[
            "NAME=$INHERITED/x",
            "NAME=\"$INHERITED\"",
            "NAME=a$$b",
            "NAME=\"\\$5 ${INHERITED}\"",
            "NAME='${INHERITED}'",
            "NAME='a\\\\b'",
            "NAME=${EMPTY:-word}",
            "NAME=${NOT_SET-word}",
        ]);
        let name = self.new_name();
        self.names.pop();
        self.names.push(String::new());
        self.text.push_str(&form.replace("NAME", &name));
        self.text.push('\n');
        self.compose_only.insert(name);
    }
}

/// Whether `${…}` takes it.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[test]
fn files_with_the_shapes_of_real_ones_have_the_values_that_others_give() {
    let _alone = alone();
    let Some(oracle) = Oracle::find() else { return };
    const FILES: usize = 1000;
    let mut random = Random(0x00d0_7e4f);
    let corpus: Vec<(String, BTreeSet<String>)> = (0..FILES).map(|_| Corpus::file(&mut random)).collect();
    let files: Vec<String> = corpus.iter().map(|(file, _)| file.clone()).collect();
    let (mut compared, mut on_purpose) = (0, 0);
    for ((file, compose_only), answer) in corpus.iter().zip(oracle.ask(&files)) {
        let mut ours = ours(file).unwrap_or_else(|refusals| panic!("{refusals:?}: {file:?}"));
        let mut theirs = theirs(&answer).unwrap_or_else(|| panic!("{answer}: {file:?}"));
        if oracle == Oracle::PythonDotenv {
            for name in compose_only {
                assert!(ours.remove(name) != theirs.remove(name), "{name} is not different: {file}");
                on_purpose += 1;
            }
        }
        assert_eq!(ours, theirs, "{file:?}");
        compared += ours.len();
    }
    eprintln!("{FILES} files: {compared} values as the other reader has them, {on_purpose} as compose alone");
    assert!(compared > 5000, "{compared}");
}

/// A file of lines that mostly begin well: any characters that mean something, in any order.
fn soup(random: &mut Random) -> String {
    let pieces = [
        "A",
        "=",
        "\n",
        " ",
        " ",
        "\t",
        "#",
        " #",
        "'",
        "\"",
        "\\",
        "\\n",
        "\\\"",
        "\\'",
        "\\\\",
        "$",
        "${",
        "}",
        "${INHERITED}",
        "${A}",
        "${B:-x}",
        ":",
        ": ",
        "export ",
        "x",
        "y z",
        "1",
        ".",
        "-",
        "[",
        "{",
        "`",
        "\r\n",
        "\u{e9}",
        "\u{a0}",
        "\u{b}",
        "\r",
        ",",
        "\n# it's\n",
        "$A",
        "$$",
        "a b",
        "x#y",
        " # c",
    ];
    let mut text = String::new();
    for _ in 0..=random.below(4) {
        if !random.one_in(6) {
            text += random.one_of(&["A=", "B=", "C_1=", "D =", "E= ", "export F=", " G=", "H: "]);
        }
        let quote = random.one_of(&["", "", "", "'", "\""]);
        text += quote;
        for _ in 0..random.below(5) {
            text += random.one_of(&pieces);
        }
        text += quote;
        text += random.one_of(&["\n", "\n", "\n", "\n", " # it's\n", "  \n", "\r\n", ""]);
    }
    text
}

/// Something that python-dotenv reads otherwise than compose stands somewhere in the file.
fn has_what_python_reads_otherwise(file: &str) -> bool {
    let others_dollar = file.match_indices('$').any(|(at, _)| {
        let behind = &file[at + 1..];
        let plain = behind.strip_prefix('{').and_then(|behind| behind.split_once('}'));
        plain.is_none_or(|(name, _)| !is_plain(name) && name != "B:-x")
    });
    let names_end_at_a_colon = file.contains(": ") || file.contains(":\t") || file.contains(":\n");
    // it expands there, and takes a backslash away
    let single = file.contains('\'') && (file.contains('$') || file.contains("\\\\"));
    // to it a name alone is a variable without a value
    let inherited = file.lines().any(|line| !line.contains('=')) && file.contains('$');
    // a word that stands for an empty variable, too
    let empty = file.contains("${B:-x}") && file.contains("B=");
    others_dollar || empty || names_end_at_a_colon || single || inherited || file.contains("\\$")
}

#[test]
fn damaged_files_that_are_accepted_have_the_values_that_others_give() {
    let _alone = alone();
    let Some(oracle) = Oracle::find() else { return };
    const FILES: usize = 4000;
    let seed = std::env::var("FUTO_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count = std::env::var("FUTO_FUZZ_FILES").ok().and_then(|count| count.parse().ok()).unwrap_or(FILES);
    let mut random = Random(0x5eed_0000 + seed);
    let mut files: Vec<String> = (0..count).map(|_| soup(&mut random)).collect();
    // half are real shapes with a few pieces of soup in them
    for file in files.iter_mut().step_by(2) {
        let (mut real, _) = Corpus::file(&mut random);
        for _ in 0..=random.below(2) {
            let places: Vec<usize> = real.char_indices().map(|(at, _)| at).collect();
            let Some(at) = places.get(random.below(places.len().max(1))) else { continue };
            if random.one_in(3) {
                real.remove(*at);
            } else {
                let piece: String = soup(&mut random).chars().take(1 + random.below(3)).collect();
                real.insert_str(*at, &piece);
            }
        }
        *file = real;
    }
    let (mut same, mut documented, mut refused) = (0, 0, 0);
    for (file, answer) in files.iter().zip(oracle.ask(&files)) {
        let Ok(ours) = ours(file) else {
            refused += 1;
            continue;
        };
        if Some(&ours) == theirs(&answer).as_ref() {
            same += 1;
            continue;
        }
        let is_known = match oracle {
            Oracle::PythonDotenv => has_what_python_reads_otherwise(file),
            // what is inherited wins there, and a name alone in a last line without an end is a value
            Oracle::Compose => {
                INHERITED.iter().any(|(name, _)| ours.contains_key(*name)) || !answer["values"][""].is_null()
            }
        };
        assert!(is_known, "{file:?}: {ours:?}, but {answer}");
        documented += 1;
    }
    eprintln!(
        "{count} files: {same} as the other reader has them, {refused} refused, {documented} differ as documented"
    );
    assert!(same * 4 > count, "{same}");
}
