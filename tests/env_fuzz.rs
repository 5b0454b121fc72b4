//! Random files, read by us and sourced by bash: what we accept must have bash's values. A few thousand
//! files, or FUTO_FUZZ_FILES of them; FUTO_FUZZ_SEED begins elsewhere.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use futo_launch::env_file;
use support::{Random, Scratch, needs};

type Variables = BTreeMap<String, Vec<u8>>;

/// No program of this machine is found by a file that runs one.
const INHERITED: [(&str, &str); 6] =
    [("HOME", "/config"), ("PATH", "/nowhere"), ("I", "in"), ("E", ""), ("S", "a  *b"), ("T", "~/t:~")];

/// So many files are given to one bash.
const BATCH: usize = 250;

const THREADS: usize = 4;

/// bash sets and exports these for itself.
const BASHS: [&str; 5] = ["LC_ALL", "OLDPWD", "PWD", "SHLVL", "_"];

/// The values must not depend on it.
const LOCALES: [&str; 2] = ["C", "C.UTF-8"];

impl Random {
    fn file(&mut self) -> Vec<u8> {
        let mut file = Vec::new();
        for _ in 0..=self.below(4) {
            let line = self.line();
            file.extend(line);
        }
        // some files are damaged
        if self.below(4) == 0 {
            for _ in 0..=self.below(3) {
                let at = self.below(file.len() + 1);
                match self.below(3) {
                    0 if at < file.len() => drop(file.remove(at)),
                    1 if !file.is_empty() => {
                        let from = self.below(file.len());
                        let piece = file[from..(from + 1 + self.below(6)).min(file.len())].to_vec();
                        file.splice(at..at, piece);
                    }
                    _ => {
                        let piece = self.soup();
                        file.splice(at..at, piece);
                    }
                }
            }
        }
        // a NUL or a CR is another matter (docs/differences.md)
        file.retain(|byte| !matches!(byte, 0 | b'\r'));
        file
    }

    fn soup(&mut self) -> Vec<u8> {
        let bytes = b" \t\n'\"\\$`{}()[]<>&|;:~=+-?#*!%^,@/._aAB01xuc79\x01\x7f\x80\xc3\xa9";
        match self.below(12) {
            0 => b"\\\n".to_vec(),
            1 => b"${".to_vec(),
            2 => b"$'".to_vec(),
            3 => vec![1 + self.below(255) as u8],
            _ => vec![bytes[self.below(bytes.len())]],
        }
    }

    fn name(&mut self) -> &'static str {
        let names = ["A", "B", "C", "A1", "_a", "I", "E", "S", "T", "HOME", "U", "V", "A", "B", "C"];
        match self.below(30) {
            0 => self.one_of(&[
                "IFS", "PATH", "PWD", "UID", "OPTIND", "SHLVL", "HOSTNAME", "_", "PS4", "SHELL", "BASH",
            ]),
            _ => self.one_of(&names),
        }
    }

    fn line(&mut self) -> Vec<u8> {
        let mut line = self.one_of(&["", "", "", "", " ", "\t"]).as_bytes().to_vec();
        match self.below(20) {
            0..=9 => self.assignments(&mut line, ""),
            10..=13 => {
                line.extend(self.one_of(&["export ", "export  ", "export -- ", "export \\\n"]).bytes());
                self.assignments(&mut line, "export");
            }
            14 | 15 => {
                line.extend(b": ");
                let word = self.word(0);
                line.extend(word);
            }
            16 => line.extend(
                self.one_of(&[
                    "set -a",
                    "set -o allexport",
                    "set  '-a'",
                    "set +e",
                    ":",
                    "export",
                    "export A",
                ])
                .bytes(),
            ),
            17 => line.extend(self.one_of(&["# it's \"x", "#", "A=1 # $(x) 'y", "A=1#2 # \\"]).bytes()),
            18 => {
                for _ in 0..=self.below(6) {
                    let piece = self.soup();
                    line.extend(piece);
                }
            }
            _ => {}
        }
        line.extend(self.one_of(&["\n", "\n", "\n", "\n", ";", " ; ", " # c\n", "\n\n", "  \n"]).bytes());
        line
    }

    fn assignments(&mut self, line: &mut Vec<u8>, command: &str) {
        for index in 0..=self.below(4) / 2 {
            if index > 0 {
                line.extend(self.one_of(&[" ", " ", "\t", "  ", " \\\n"]).bytes());
            }
            if command == "export" && self.below(6) == 0 {
                line.extend(
                    self.one_of(&["A", "B", "'A'=b", "\"C\"", "A$I", "$I=1", "A\\B=1", "$U", "$S", "A'='2"])
                        .bytes(),
                );
                continue;
            }
            line.extend(self.name().bytes());
            line.extend(self.one_of(&["=", "=", "=", "+="]).bytes());
            let word = self.word(0);
            line.extend(word);
        }
    }

    fn word(&mut self, depth: usize) -> Vec<u8> {
        let mut word = Vec::new();
        for _ in 0..self.below(5) {
            match self.below(16) {
                0..=3 => word.extend(
                    self.one_of(&[
                        "a", "b.c", "1", "/x", ":", "a:", "=", "a=b", "#", "x#y", "{a,b}", "*", "?", "[a]",
                        "!", "%", "^", ",", "@", "+", "-", "]", "}", "{", "\u{e9}", "a*b", "=~", "1..3",
                    ])
                    .bytes(),
                ),
                4 => word.extend(
                    self.one_of(&["~", "~/", ":~", ":~/a", "~:~/", "~a", "~+", "~-", "=~/a", "~\\\n/"])
                        .bytes(),
                ),
                5 => {
                    word.push(b'\'');
                    word.extend(
                        self.one_of(&[
                            "", "a b", "$A", "\n", "\\", "\"", "*", "~", "}", "`", "\\\n", "#", "{a,b}",
                        ])
                        .bytes(),
                    );
                    word.push(b'\'');
                }
                6 | 7 => {
                    word.push(b'"');
                    for _ in 0..self.below(4) {
                        let piece = self.quoted(depth);
                        word.extend(piece);
                    }
                    word.push(b'"');
                }
                8 => {
                    word.extend(b"$'");
                    for _ in 0..self.below(4) {
                        word.extend(
                            self.one_of(&[
                                "\\n",
                                "\\t",
                                "\\'",
                                "\\\\",
                                "\\\"",
                                "\"",
                                "a",
                                "\\x41",
                                "\\x4",
                                "\\xg",
                                "\\101",
                                "\\1",
                                "\\0101",
                                "\\u41",
                                "\\u00e9",
                                "\\U0000041",
                                "\\cA",
                                "\\c?",
                                "\\ca",
                                "\\c\\\\",
                                "\\e",
                                "\\E",
                                "\\a",
                                "\\b",
                                "\\f",
                                "\\v",
                                "\\r",
                                "\\?",
                                "\\z",
                                "\\8",
                                "\\\n",
                                "\n",
                                "$A",
                                "`",
                                "\\x7f",
                                "\\x1",
                                "\\xff",
                                "\\377",
                                "\\777",
                                "\\400",
                                "\\0",
                                "\\u",
                                "\\x{41}",
                                "\\c",
                                "\\c[",
                                "\\c_",
                                "\\x01",
                                "*",
                                "}",
                            ])
                            .bytes(),
                        );
                    }
                    word.push(b'\'');
                }
                9 => word.extend(
                    self.one_of(&[
                        "\\a", "\\ ", "\\\n", "\\$", "\\'", "\\\"", "\\\\", "\\~", "\\:~", "\\}", "\\#",
                        "\\*",
                    ])
                    .bytes(),
                ),
                10 => word.extend(
                    self.one_of(&[
                        "$", "$\"a$A\"", "$\x7f", "$\x01", "\x01", "\x7f", "$\"\"", "$!", "$,", "$%", "$/",
                        "$\\\nA", "$\\A", "$:", "$.", "$1", "$$",
                    ])
                    .bytes(),
                ),
                11..=13 => {
                    let expansion = self.expansion(depth, false);
                    word.extend(expansion);
                }
                14 if depth > 0 => word.extend(
                    self.one_of(&[" ", "\n", ";", "&", "|", "(", ")", "<", ">", "\t", "  a"]).bytes(),
                ),
                _ => word.push(b'x'),
            }
        }
        word
    }

    fn quoted(&mut self, depth: usize) -> Vec<u8> {
        match self.below(8) {
            0..=2 => self.expansion(depth, true),
            3 => self
                .one_of(&[
                    "$\x7f", "\x01", "\\n", "\\\\", "\\\"", "\\$", "\\`", "\\\n", "\\a", "\\'", "\\}", "\\*",
                ])
                .into(),
            4 => self.one_of(&["$", "$ ", "$,", "$'", "$\\\nA", "$\\A", "$!", "$[", "$\u{e9}"]).into(),
            _ => self
                .one_of(&[
                    "a", " ", "'", "~", "*", "\n", "#", "it's", "}", "{", ";", "&", "{a,b}", "(", ":~", "=~",
                ])
                .into(),
        }
    }

    fn expansion(&mut self, depth: usize, is_quoted: bool) -> Vec<u8> {
        let mut text = b"$".to_vec();
        let name = self.name();
        let form = self.below(12);
        if form < 3 || depth > 3 {
            text.extend(name.bytes());
            return text;
        }
        text.push(b'{');
        text.extend(name.bytes());
        match form {
            3 => {}
            4 => text.extend(
                self.one_of(&[
                    "^", "^^", ",", ",,", ":1", ":0:1", ":2:9", ":9", "^a", ":", ":01", ": 1", "/a/b", "@Q",
                    "[0]",
                ])
                .bytes(),
            ),
            5 => {
                text.extend(self.one_of(&["#", "##", "%", "%%", "#*", "%*", "##*", "%%*"]).bytes());
                let word = if is_quoted { self.quoted(depth + 1) } else { self.word(depth + 1) };
                text.extend(word);
            }
            _ => {
                text.extend(
                    self.one_of(&[
                        ":-", "-", ":=", "=", ":?", "?", ":+", "+", ":-", "-", ":+", "+", ":\\\n-",
                    ])
                    .bytes(),
                );
                if is_quoted {
                    for _ in 0..self.below(4) {
                        let piece = self.quoted(depth + 1);
                        text.extend(piece);
                    }
                } else {
                    let word = self.word(depth + 1);
                    text.extend(word);
                }
            }
        }
        text.push(b'}');
        text
    }
}

fn inherited(name: &str) -> Option<&'static [u8]> {
    INHERITED.iter().find(|(inherited, _)| *inherited == name).map(|(_, value)| value.as_bytes())
}

/// Whether a file that is read has a canonical spelling: one with the same values.
fn is_spelled(file: &[u8]) -> bool {
    env_file::spell(file, &inherited).is_ok_and(|spelled| spelled.is_some())
}

fn ours(file: &[u8]) -> Option<Variables> {
    let read = env_file::parse(file, &inherited).ok()?;
    let mut environment: Variables =
        INHERITED.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    for assignment in read.assignments {
        environment.insert(assignment.name, assignment.value);
    }
    Some(environment)
}

/// Sources each file in a subshell of its own. Beside it then stand `.env`, if bash came to the end,
/// and `.err`.
fn source(directory: &Path, locale: &str) {
    let script = format!(
        "for __file in {0}/*.in; do\n( set -a; . \"$__file\" 2>\"$__file.err\" </dev/null >/dev/null\n\
         /usr/bin/env -0 >\"$__file.env\" ) 2>/dev/null\ndone\n",
        directory.display()
    );
    let elsewhere = directory.join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    Command::new("/bin/bash")
        .args(["--norc", "--noprofile", "-c", &script])
        .env_clear()
        .envs(INHERITED)
        .env("LC_ALL", locale)
        .current_dir(elsewhere)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("bash runs");
}

fn bashs(place: &Path, ours: &Variables) -> Option<Variables> {
    let said = fs::read(place.with_extension("in.err")).unwrap_or_default();
    let environment = fs::read(place.with_extension("in.env")).ok().filter(|_| said.is_empty())?;
    let entries = environment.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    let variables = entries.map(|entry| {
        let at = entry.iter().position(|byte| *byte == b'=').expect("NAME=VALUE");
        (String::from_utf8_lossy(&entry[..at]).into_owned(), entry[at + 1..].to_vec())
    });
    Some(variables.filter(|(name, _)| !BASHS.contains(&name.as_str()) || ours.contains_key(name)).collect())
}

#[derive(Default)]
struct Figures {
    files: usize,
    agreed: usize,
    refused: usize,
    /// Read, but without a canonical spelling that gives the same values.
    unspelled: usize,
    differing: Vec<String>,
}

fn run(files: usize, seed: u64, locale: &str) -> Figures {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut figures = Figures::default();
    while figures.files < files && figures.differing.len() < 20 {
        let scratch = Scratch::new("env-fuzz");
        let batch: Vec<Vec<u8>> = (0..BATCH).map(|_| random.file()).collect();
        let place = |index: usize| scratch.path.join(format!("{index}.in"));
        let read: Vec<Option<Variables>> = batch.iter().map(|file| ours(file)).collect();
        for (index, file) in batch.iter().enumerate().filter(|(index, _)| read[*index].is_some()) {
            fs::write(place(index), file).expect("written");
        }
        source(&scratch.path, locale);
        for (index, file) in batch.iter().enumerate() {
            figures.files += 1;
            let Some(ours) = &read[index] else {
                figures.refused += 1;
                continue;
            };
            figures.unspelled += usize::from(!is_spelled(file));
            let bashs = bashs(&place(index), ours);
            if bashs.as_ref() == Some(ours) {
                figures.agreed += 1;
            } else {
                figures.differing.push(difference(file, ours, bashs.as_ref()));
            }
        }
    }
    figures
}

fn difference(file: &[u8], ours: &Variables, bashs: Option<&Variables>) -> String {
    let mut text = format!("\"{}\"\n", file.escape_ascii());
    let Some(bashs) = bashs else { return text + "  bash complains\n" };
    for name in ours.keys().chain(bashs.keys()).filter(|name| ours.get(*name) != bashs.get(*name)) {
        let show = |variables: &Variables| {
            variables.get(name).map_or("(none)".to_string(), |value| value.escape_ascii().to_string())
        };
        text.push_str(&format!("  {name}: ours {}, bash's {}\n", show(ours), show(bashs)));
    }
    text
}

#[test]
fn what_is_read_of_random_files_has_the_values_that_bash_gives() {
    needs!("bash");
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let files = number("FUTO_FUZZ_FILES").unwrap_or(6000);
    let seed = number("FUTO_FUZZ_SEED").unwrap_or(1) as u64;
    let threads: Vec<_> = (0..THREADS as u64)
        .map(|index| {
            thread::spawn(move || {
                run(files.div_ceil(THREADS), seed + 1000 * index, LOCALES[index as usize % 2])
            })
        })
        .collect();
    let mut all = Figures::default();
    for figures in threads.into_iter().map(|thread| thread.join().expect("no panic")) {
        all.files += figures.files;
        all.agreed += figures.agreed;
        all.refused += figures.refused;
        all.unspelled += figures.unspelled;
        all.differing.extend(figures.differing);
    }
    let Figures { files, agreed, refused, unspelled, differing } = all;
    eprintln!("{files} files: {agreed} agree, {refused} refused, {} silent differences", differing.len());
    assert!(differing.is_empty(), "{}", differing.concat());
    eprintln!("{unspelled} of those that agree have no canonical spelling");
    assert!(unspelled * 100 <= agreed, "{unspelled} files have no canonical spelling");
    assert!(agreed * 5 > files, "too few files are read: the generator is of no use");
}
