//! The documents against themselves and the program: length, links, index, options, keys, commands.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use futo_launch::admin::COMMANDS;
use futo_launch::boot::instances::config::KEYS;
use futo_launch::config::flags;
use support::documents::{all, anchors, blocks, docs, links, page, prose, root};
use support::{Scratch, needs, output, stdout};

const INDEX: &str = "docs/README.md";

/// Options of other programs that the pages name.
const OTHERS: [&str; 26] = [
    "--replace",
    "--no-supervise",
    "--all-targets",
    "--bench",
    "--bin",
    "--bounding-set",
    "--cap-add",
    "--check",
    "--clear-groups",
    "--example",
    "--from",
    "--inh-caps",
    "--init",
    "--init-groups",
    "--lib",
    "--no-deps",
    "--nocapture",
    "--port",
    "--regid",
    "--release",
    "--reuid",
    "--stop-timeout",
    "--test",
    "--tmpfs",
    "--workdir",
    "--workers",
];

/// Words of the form `--name` in a text.
fn options_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(|c: char| !is_part(c))
        .filter(|word| {
            word.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic()))
        })
        .map(|word| word.trim_end_matches('-').to_string())
        .collect()
}

/// The cells of a row of a table.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\0");
    row.split('|').map(|cell| cell.trim().replace('\0', "|")).collect()
}

/// The code in a cell or a line.
fn code_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_readme_fits_on_200_lines_and_the_architecture_on_150() {
    for (name, most) in [("README.md", 200), ("ARCHITECTURE.md", 150)] {
        let lines = page(name).lines().count();
        assert!(lines <= most, "{name} has {lines} lines");
    }
}

#[test]
fn no_line_of_prose_is_longer_than_120_characters() {
    let others = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"];
    let mut long = Vec::new();
    for name in all().into_iter().filter(|name| !others.contains(&name.as_str())) {
        for (number, line) in prose(&page(&name)).into_iter().enumerate() {
            if line.chars().count() > 120 && !line.starts_with('|') {
                long.push(format!("{name}:{}", number + 1));
            }
        }
    }
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn links_between_pages_lead_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for name in all() {
        let text = page(&name);
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let from = root().join(&name);
            let target = match file {
                "" => from,
                file => from.parent().expect("a directory").join(file),
            };
            let leads = target.exists()
                && (heading.is_empty()
                    || anchors(&fs::read_to_string(&target).expect("a page")).contains(heading));
            if !leads {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_page_is_one_click_from_the_index_and_links_back() {
    let text = page(INDEX);
    let linked: BTreeSet<&str> = links(&text).into_iter().collect();
    for entry in fs::read_dir(root().join("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        assert!(
            name == "README.md" || name.ends_with(".png") || linked.contains(name.as_str()),
            "{name} is not in the index"
        );
    }
    for name in docs().iter().filter(|name| *name != INDEX) {
        assert!(links(&page(name)).contains(&"README.md"), "{name} does not link to the index");
    }
    assert!(links(&page("README.md")).contains(&INDEX));
}

#[test]
fn the_page_of_options_says_what_help_says() {
    // ("--user USER[:GROUP]", "become this user [abc when root]") …
    let help = output(Command::new(env!("CARGO_BIN_EXE_futo-launch")).arg("-h"));
    let help: Vec<(String, String)> = stdout(&help)
        .lines()
        .filter_map(|line| line.strip_prefix("  ").filter(|line| line.starts_with('-')))
        .map(|line| {
            let (option, text) =
                line.split_once("  ").or_else(|| line.split_at_checked(30)).expect("two columns");
            (option.trim().to_string(), text.trim().to_string())
        })
        .collect();
    assert_eq!(help.len(), flags::all().count());
    let options = page("docs/options.md");
    let rows: Vec<(String, String)> = options
        .lines()
        .filter_map(|line| line.strip_prefix("| `-"))
        .map(|line| {
            let (option, text) = line.split_once("` ").expect("an option");
            let text = text.trim_start_matches('*').trim_start().trim_start_matches('|').trim_start();
            (format!("-{option}").replace("\\|", "|"), text.to_string())
        })
        .collect();
    assert_eq!(rows.len(), help.len(), "one row for each option");
    for ((option, text), (row_option, row_text)) in help.iter().zip(&rows) {
        assert_eq!(option, row_option);
        assert!(row_text.starts_with(text.as_str()), "{option}: {row_text:?} is not {text:?} in --help");
    }
    // what --help adds stands there too, in the same words
    let squeeze = |text: &str| text.replace("\\|", "|").split_whitespace().collect::<Vec<_>>().join(" ");
    for flag in flags::all() {
        assert!(squeeze(&options).contains(&squeeze(flag.more)), "--{}: {}", flag.long, flag.more);
    }
}

#[test]
fn the_pages_of_boot_and_reconcile_name_every_key_and_every_option() {
    let reconcile = page("docs/reconcile.md");
    let table = reconcile.split_once("| key | means |").expect("the table").1;
    let table = table.split_once("\n\n").expect("its end").0;
    let keys: BTreeSet<&str> =
        table.lines().filter_map(|line| line.split('|').nth(1)).flat_map(code_in).collect();
    assert_eq!(keys, KEYS.iter().map(|key| key.name).chain(["preset"]).collect());
    let named = options_in(&(page("docs/boot.md") + &reconcile));
    for command in COMMANDS.iter().filter(|command| ["sync", "reconcile"].contains(&command.name)) {
        for option in command.options {
            assert!(named.contains(&format!("--{}", option.long)), "{} --{}", command.name, option.long);
        }
    }
}

#[test]
fn pages_name_no_option_that_does_not_exist() {
    let of_futo = COMMANDS.iter().flat_map(|command| command.options).map(|option| option.long);
    let ours = flags::all().map(|flag| flag.long).chain(of_futo).map(|long| format!("--{long}"));
    let known: BTreeSet<String> = ours.chain(OTHERS.map(String::from)).collect();
    for name in all() {
        let unknown: Vec<String> =
            options_in(&page(&name)).into_iter().filter(|option| !known.contains(option)).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
    }
}

/// In the code of a page; what the README announces for later releases is not there yet.
#[test]
fn pages_name_no_command_that_does_not_exist() {
    let is_command = |word: &str| COMMANDS.iter().any(|command| command.name == word);
    for name in all() {
        let text = page(&name);
        let (announced, rest): (Vec<_>, Vec<_>) =
            text.split("\n\n").partition(|paragraph| paragraph.starts_with("In later releases: "));
        assert!(announced.len() <= usize::from(name == "README.md"), "{name}");
        let spans = rest.iter().filter(|paragraph| !paragraph.contains("```")).flat_map(|text| code_in(text));
        for code in spans.chain(blocks(&text).into_iter().map(|(_, code)| code)) {
            for (at, _) in code.match_indices("futo ") {
                let is_word = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '-');
                let word = code[at + 5..].split(|c: char| !c.is_ascii_lowercase() && c != '-').next();
                let word = word.unwrap_or_default().trim_matches('-');
                let is_other = word.is_empty() || code[at + 5..].starts_with('-');
                assert!(!is_word || is_other || is_command(word), "{name}: futo {word}");
            }
        }
        for code in announced.iter().flat_map(|text| code_in(text)) {
            assert!(code.strip_prefix("futo ").is_none_or(|word| !is_command(word)), "{code} exists");
        }
    }
}

#[test]
fn the_page_of_commands_has_each_command() {
    let text = page("docs/commands.md");
    let rows: Vec<Vec<String>> =
        text.lines().filter(|line| line.starts_with("| `futo ")).map(cells).collect();
    let named: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| code_in(&row[0]))
        .filter_map(|code| code.trim_start_matches("futo ").split(' ').next())
        .collect();
    let commands: BTreeSet<&str> = COMMANDS.iter().map(|command| command.name).collect();
    assert_eq!(named, commands);
}

/// The rows of the tables of what you wrote and what it is now.
fn old_and_new(name: &str) -> Vec<Vec<String>> {
    let text = page(name);
    let tables = text.split("| you wrote | now it is |\n|---|---|\n").skip(1);
    let rows = tables.flat_map(|table| table.lines().take_while(|line| line.starts_with('|')));
    rows.map(cells).collect()
}

#[test]
fn the_readme_has_twelve_rows_of_the_table_of_migrating() {
    let (rows, whole) = (old_and_new("README.md"), old_and_new("docs/migrating.md"));
    assert_eq!(rows.len(), 12);
    for row in &rows {
        assert!(whole.contains(row), "{row:?}");
    }
    let different: BTreeSet<&Vec<String>> = whole.iter().collect();
    assert_eq!(different.len(), whole.len());
}

#[test]
fn what_old_lines_become_is_understood() {
    let is_root = nix::unistd::geteuid().is_root();
    if is_root {
        needs!(root);
    }
    let scratch = Scratch::new("migrating");
    let launcher = scratch.launcher();
    fs::create_dir(scratch.join("DIR")).expect("a directory");
    scratch.write("PATH", "", 0o644);
    let mut understood = 0;
    for row in old_and_new("docs/migrating.md") {
        for code in code_in(&row[1]).filter(|code| code.starts_with(['-', 'e', 'f']) && code.contains(' ')) {
            let words = code.trim_start_matches("exec ").trim_start_matches("futo-launch ");
            let (options, program) = words.split_once("-- ").unwrap_or((words, "true"));
            let paces = ["--interval", "--every", "--schedule", "--once", "-- "];
            let pace = if paces.iter().any(|pace| code.contains(pace)) { "" } else { "--interval 5" };
            let line = format!("exec '{}' --explain=json {pace} {options} -- {program}", launcher.display());
            let mut sh = Command::new("sh");
            let sh = sh.args(["-c", &line]).current_dir(&scratch.path);
            let explained = output(sh.env("TOKEN", "x").env_remove("EVERY"));
            let plan: serde_json::Value = serde_json::from_slice(&explained.stdout).expect("JSON");
            for problem in plan["problems"].as_array().expect("a list") {
                // /app, and a program, are for the reader to have; only root may name a user
                let is_place = problem["exit"] == 127 || problem.to_string().contains("'/app");
                assert!(is_place || !is_root, "{code}: {problem}");
            }
            understood += 1;
        }
    }
    assert!(understood > 25, "{understood}");
}
