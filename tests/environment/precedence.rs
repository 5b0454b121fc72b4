//! Which source wins, and what a later one sees.

use crate::support::{Scratch, needs, path_str};
use crate::{directory_of, probe};

#[test]
fn later_sources_win_in_the_documented_order() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-order");
    let service = scratch.service("env-order");
    let all: Vec<String> = ('A'..='I').map(String::from).collect();
    let from = |first: usize, value: &str, close: &str| -> String {
        all.iter().skip(first).map(|name| format!("{name}={value}{close}")).collect()
    };
    let container: Vec<(&str, &str)> = all.iter().map(|name| (name.as_str(), "container")).collect();
    let container = directory_of(&scratch, "container", &container);
    let inherited: Vec<(&str, &str)> = all.iter().skip(1).map(|name| (name.as_str(), "inherited")).collect();
    scratch.write("env-order/config.env", &from(2, "config", "\n"), 0o644);
    let env_file = scratch.write("more.env", &from(3, "more", "\n"), 0o644);
    let dotenv = scratch.write(".env", &from(4, "dotenv", "\n"), 0o644);
    let files: Vec<(&str, &str)> = all.iter().skip(5).map(|name| (name.as_str(), "directory")).collect();
    let env_dir = directory_of(&scratch, "envdir", &files);
    let options = [
        ["--container-env", &container],
        ["--env-file", path_str(&env_file)],
        ["--dotenv", path_str(&dotenv)],
        ["--env-dir", &env_dir],
        ["--default", "F=default"],
        ["--default", "J=default-${F}"],
        ["--env", "G=flag"],
        ["--unset", "H"],
        ["--env", "I=${A} ${H:-gone} ${J}"],
    ];
    let probe = probe(&scratch, &service, &options.concat(), &inherited);
    let values: Vec<&str> =
        ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"].map(|name| probe.env(name).unwrap_or("-")).into();
    assert_eq!(
        values,
        [
            "container",
            "inherited",
            "config",
            "more",
            "dotenv",
            "directory",
            "flag",
            "-",
            "container gone default-directory",
            "default-directory"
        ]
    );
}

#[test]
fn a_later_line_sees_what_all_sources_before_it_have_set() {
    needs!(root, "s6-envdir", "chpst");
    let scratch = Scratch::of_root("env-sees");
    let service = scratch.service("env-sees");
    let container = directory_of(&scratch, "container", &[("C", "container")]);
    scratch.write("env-sees/config.env", "A=$C/$I\nP='a $b'\n", 0o644);
    scratch.write("secret", "s3\n\n", 0o644);
    let dotenv = "D=\"${A} ${C} ${P}\"\nI=file\nE=$I\nFILE__S=SECRET\n"
        .replace("SECRET", path_str(&scratch.join("secret")));
    let dotenv = scratch.write(".env", &dotenv, 0o644);
    let options = ["--container-env", &container, "--dotenv", path_str(&dotenv), "--env", "F=${D}${E}${S}"];
    let probe = probe(&scratch, &service, &options, &[("I", "in")]);
    assert_eq!(probe.env("D"), Some("container/in container a $b"));
    // of a name the file has set, the file's own value, not the inherited one
    assert_eq!(probe.env("E"), Some("file"));
    assert_eq!(probe.env("F"), Some("container/in container a $bfiles3"));
}
