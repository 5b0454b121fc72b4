//! `futo check`: everything that is wrong with a service or a file of variables, each with its location and remedy.

mod as_user;
mod bash;
mod env_file;
mod executed;
mod finding;
mod grace;
mod log;
mod page;
mod run_file;
mod scene;
mod service;
mod state;
mod streams;

use std::path::Path;

use super::options::{Command, Key, Operands, Words, switch};
use super::progress::Progress;
use super::{CommandError, services};
use crate::config::settings::Dialect;
use crate::exit::Exit;
use crate::observe::{Observer, Owner, Snapshot};
use crate::report::{Level, Reporter};
use crate::service::layout;
use crate::service::place::Service;
use crate::sys;
use env_file::Show;

pub(super) const COMMAND: Command = Command {
    name: "check",
    operands: Operands::ServicesAndFiles("[NAME|DIR|FILE.env…]"),
    help: "report everything that is wrong with services or files of variables, with remedies",
    more: "Without a name, checks all services that have a definition or start futo-launch. As root, a user's \
           files are read with that user's permissions; other users see less, and what could not be checked is \
           reported. Exits 0, or 1 if there is something to fix; notes and what could not be checked do not \
           count. Values are shown only by --canonical. Variables that a file refers to but does not set come \
           from this command's environment, not from the service's.",
    options: &[
        switch(Key::Json, "print JSON (services only)"),
        services::ALL,
        switch(Key::Dotenv, "read files as --dotenv does, in the dialect of compose's .env"),
        switch(Key::Canonical, "print a file in canonical spelling: one command per line, all values quoted"),
        switch(
            Key::Compare,
            "also source a file with bash and list the variables that differ; only if every line is a plain \
             assignment. If root checks a file that others can write, bash runs as abc, with only PATH set",
        ),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: check,
};

fn check(words: Words) -> Result<Exit, CommandError> {
    let usage =
        |what: &str| CommandError::Usage { command: COMMAND.name, what: what.to_string(), remedy: None };
    let show = match (words.has(Key::Canonical), words.has(Key::Compare)) {
        (true, true) => return Err(usage("--canonical: cannot be combined with --compare")),
        (true, false) => Some(Show::Canonical),
        (false, true) => Some(Show::Comparison),
        (false, false) => None,
    };
    // *.env is a file of variables, even if it does not exist
    let is_file = |operand: &std::ffi::OsString| {
        let path = Path::new(operand);
        let is_script = path.file_name() == Some(layout::RUN.as_ref());
        let is_named_so = operand.as_encoded_bytes().ends_with(b".env");
        is_named_so || !is_script && sys::file::exists(path) && !path.is_dir()
    };
    let dialect = if words.has(Key::Dotenv) { Dialect::Dotenv } else { Dialect::Bash };
    if dialect == Dialect::Dotenv && show.is_some() {
        return Err(usage("--dotenv: cannot be combined with --canonical or --compare, which apply to bash"));
    }
    let are_files = show.is_some() || dialect == Dialect::Dotenv;
    let files = words.operands.iter().filter(|operand| are_files || is_file(operand)).count();
    match (files, words.operands.len()) {
        (2.., _) if show == Some(Show::Canonical) => Err(usage("--canonical: takes only one file")),
        (0, 0) if are_files => Err(usage("no file given")),
        (0, _) => check_services(&words),
        (files, all) if files == all => {
            let files = words.operands.iter().map(Path::new);
            Ok(env_file::check(files, dialect, show.unwrap_or(Show::Verdict)))
        }
        _ => Err(usage("services and variable files cannot be checked together")),
    }
}

fn check_services(words: &Words) -> Result<Exit, CommandError> {
    let places = services::locations(words);
    let (services, unseen) = match words.operands.is_empty() {
        true => places.services(),
        false => (services::named(COMMAND.name, &without_run(words))?, Vec::new()),
    };
    let observer = Observer::new(&places.scan_dir);
    let shows_all = !words.operands.is_empty() || words.has(Key::All);
    let snapshot = observer.observe_all(services).into_iter();
    let (snapshot, others): (Vec<Snapshot>, Vec<Snapshot>) =
        snapshot.partition(|snapshot| shows_all || snapshot.owner == Owner::Ours);
    let scene = scene::Scene { observer: &observer, scan_dir: &places.scan_dir };
    let mut progress = Progress::new();
    let all = snapshot.len();
    let checked: Vec<(Service, Vec<finding::CheckFinding>)> = snapshot
        .into_iter()
        .zip(1..)
        .map(|(snapshot, number)| {
            progress.step(&format!("checking {} ({number} of {all})", snapshot.service.name));
            (snapshot.service.clone(), service::check_service(&snapshot, scene))
        })
        .collect();
    progress.clear();
    let reporter = Reporter::of_program("futo");
    for (path, error) in &unseen {
        let text = format!("unable to read '{}': {}", path.display(), crate::error::reason_of(error));
        reporter.say_at_shell(Level::Warning, &text, None);
    }
    let page = if words.has(Key::Json) { page::json(&checked) } else { page::text(&checked, others.len()) };
    crate::report::print(&page);
    let is_good = checked.iter().flat_map(|(_, found)| found).all(|found| !found.is_problem());
    Ok(if is_good && unseen.is_empty() { Exit::OK } else { Exit::FINDINGS })
}

/// The path of a run script stands for its directory.
fn without_run(words: &Words) -> Words {
    let mut words = words.clone();
    for operand in &mut words.operands {
        let path = Path::new(&operand);
        if path.file_name() == Some(layout::RUN.as_ref())
            && let Some(directory) = path.parent().filter(|_| path.components().count() > 1)
        {
            *operand = directory.as_os_str().to_os_string();
        }
    }
    words
}
