//! `futo convert`: the run file of one line that does the same as a run file for a shell or execline.

mod definition;
mod page;
mod write;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::options::{Command, Key, Operands, Words, switch};
use super::progress::Progress;
use super::{CommandError, services};
use crate::convert::NotConverted;
use crate::exit::Exit;
use crate::report::{Level, Reporter};
use crate::service::layout;
use crate::service::place::Service;
use crate::sys;
use definition::{Definition, Refused};
use write::Written;

pub(super) const COMMAND: Command = Command {
    name: "convert",
    operands: Operands::Services("[NAME|DIR|RUNFILE…]"),
    help: "convert run files for bash, sh or execline into one line of futo-launch",
    more: "Prints the new run file, the script that it needs if not everything has an option, and what became of \
           each line. Executes nothing and changes nothing without --write. What is not understood stays as it \
           is: in the script, or the run file as a whole. As root, files are read and written with the \
           permissions of their directory's owner. Exits 0, 1 if a run file stays as it is (--all), or 100.",
    options: &[
        switch(Key::Write, "replace run; the old one is kept as run.before-futo"),
        switch(Key::Undo, "put the old run file back"),
        switch(
            Key::All,
            "all definitions, as a table: which become one line, which keep a script, which stay, and why",
        ),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: false,
    run: convert,
};

/// What to do with a run file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Show,
    Write,
    Undo,
}

fn convert(words: Words) -> Result<Exit, CommandError> {
    let usage =
        |what: &str| CommandError::Usage { command: COMMAND.name, what: what.to_string(), remedy: None };
    let task = match (words.has(Key::Write), words.has(Key::Undo)) {
        (true, true) => return Err(usage("--write: cannot be combined with --undo")),
        (true, false) => Task::Write,
        (false, true) => Task::Undo,
        (false, false) => Task::Show,
    };
    if words.has(Key::All) {
        return match words.operands.is_empty() {
            true => Ok(convert_all(&words, task)),
            false => Err(usage("--all: takes no names")),
        };
    }
    let places = run_files(&words)?;
    let reporter = Reporter::of_program("futo");
    let mut worst = Exit::OK;
    for place in &places {
        if let Err(refused) = one(place, task) {
            let text = format!("unable to {} '{}': {refused}", task.verb(), place.display());
            reporter.say_at_shell(Level::Fatal, &text, refused.hint());
            worst = worst.max(refused.exit());
        }
    }
    Ok(worst)
}

impl Task {
    fn verb(self) -> &'static str {
        match self {
            Task::Show | Task::Write => "convert",
            Task::Undo => "restore",
        }
    }
}

/// The run files that the operands name: a file is one itself.
fn run_files(words: &Words) -> Result<Vec<PathBuf>, CommandError> {
    if words.operands.is_empty() {
        let what = "no run file given".to_string();
        return Err(CommandError::Usage {
            command: COMMAND.name,
            what,
            remedy: Some("futo convert --all".to_string()),
        });
    }
    let mut paths = Vec::new();
    for operand in &words.operands {
        let path = Path::new(operand);
        if path.components().count() > 1 && sys::file::exists(path) && !path.is_dir() {
            paths.push(path.to_path_buf());
            continue;
        }
        let named =
            services::named(COMMAND.name, &Words { operands: vec![operand.clone()], ..words.clone() })?;
        paths.extend(named.into_iter().filter_map(run_of));
    }
    Ok(paths)
}

fn run_of(service: Service) -> Option<PathBuf> {
    Some(service.definition.or(service.live)?.join(layout::RUN))
}

/// The name of the service that a run file starts: that of its directory, or its own.
fn name_of(run: &Path) -> String {
    let whole = std::path::absolute(run).unwrap_or_else(|_| run.to_path_buf());
    let directory = whole.parent().and_then(Path::file_name);
    let name = match whole.file_name() {
        Some(name) if name == layout::RUN => directory,
        name => name,
    };
    name.unwrap_or(OsStr::new("run")).to_string_lossy().into_owned()
}

fn one(run: &Path, task: Task) -> Result<(), Refused> {
    let name = name_of(run);
    if task == Task::Undo {
        let undone = write::undo(&Definition::open(run)?, &name)?;
        page::print_undone(run, undone);
        return Ok(());
    }
    let definition = Definition::open(run)?;
    let conversion = match definition.convert(&name) {
        Err(Refused::Stays(NotConverted::AlreadyLauncher)) => {
            services::print_line(&name, &NotConverted::AlreadyLauncher.to_string());
            return Ok(());
        }
        result => result?,
    };
    if task == Task::Write {
        write::write(&definition, &conversion)?;
    }
    let written = if task == Task::Write { Written::Yes } else { Written::No };
    page::print(run, &conversion, written);
    Ok(())
}

/// All definitions, as a table; one that fails stops none.
fn convert_all(words: &Words, task: Task) -> Exit {
    let (services, unseen) = services::locations(words).services();
    let reporter = Reporter::of_program("futo");
    for (path, error) in &unseen {
        let text = format!("unable to read '{}': {}", path.display(), crate::error::reason_of(error));
        reporter.say_at_shell(Level::Warning, &text, None);
    }
    let mut rows = Vec::new();
    let mut progress = Progress::new();
    let mut worst = if unseen.is_empty() { Exit::OK } else { Exit::FINDINGS };
    for service in services.into_iter().filter(|service| service.definition.is_some()) {
        let name = service.name.clone();
        let Some(run) = run_of(service) else { continue };
        progress.step(&format!("converting {name}"));
        let row = row(&run, &name, task);
        if matches!(row.result, page::Outcome::Stays) {
            worst = worst.max(Exit::FINDINGS);
        }
        rows.push(row);
    }
    progress.clear();
    crate::report::print(&page::table(&rows));
    worst
}

fn row(run: &Path, name: &str, task: Task) -> page::Row {
    let stays = |refused: Refused| page::Row {
        name: name.to_string(),
        result: page::Outcome::Stays,
        why: refused.to_string(),
    };
    let definition = match Definition::open(run) {
        Ok(definition) => definition,
        Err(refused) => return stays(refused),
    };
    if task == Task::Undo {
        return match write::undo(&definition, name) {
            Ok(undone) => {
                page::Row { name: name.to_string(), result: page::Outcome::Restored, why: undone.words() }
            }
            Err(Refused::NothingToUndo) => page::Row {
                name: name.to_string(),
                result: page::Outcome::Nothing,
                why: Refused::NothingToUndo.to_string(),
            },
            Err(refused) => stays(refused),
        };
    }
    let conversion = match definition.convert(name) {
        Ok(conversion) => conversion,
        Err(Refused::Stays(NotConverted::AlreadyLauncher)) => {
            let why = NotConverted::AlreadyLauncher.to_string();
            return page::Row { name: name.to_string(), result: page::Outcome::Nothing, why };
        }
        Err(refused) => return stays(refused),
    };
    if task == Task::Write
        && let Err(refused) = write::write(&definition, &conversion)
    {
        return stays(refused);
    }
    page::row_of(name, &conversion)
}
