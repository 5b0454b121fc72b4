//! `futo new`: writes the definition of a service, whole or not at all.

mod definition;
mod line;
mod paths;
mod program;
mod publish;
mod starter;
mod write;

use std::ffi::OsString;
use std::path::Path;

use super::options::{Command, Key, Operands, Words, switch, value};
use super::{CommandError, services};
use crate::escape::push_escaped;
use crate::exit::Exit;
use crate::report::{Level, Reporter};
use crate::service::place::Locations;
use crate::service::{ServiceName, layout};
use crate::shell_quote::shell_word;
use definition::NewDefinition;
use line::CommandLine;
use starter::Starter;
use write::WriteError;

pub(super) const COMMAND: Command = Command {
    name: "new",
    operands: Operands::NewService("NAME [--] [PROGRAM [ARG…]]"),
    help: "create a service definition: run, config.env and, without PROGRAM, a starter worker",
    more: "Takes the options of futo-launch: --interval 5m makes a periodic service; without a timing option, the worker \
           runs continuously. Relative paths of PROGRAM and of options are made absolute, the current directory (except \
           /) becomes --chdir, and --env goes into config.env (mode 0600). With an --interval or --every of 1 h or more, \
           --persist is added, so that a restart does not repeat a run. Existing files are not overwritten, and nothing \
           is left half-written. Write -- before PROGRAM.",
    options: &[
        value(
            Key::Template,
            "python|uv|shell|node",
            "the kind of worker; by default that of PROGRAM, if given",
        ),
        switch(
            Key::Now,
            "also publish it and wait until it works: as root or the owner of the scan directory, else through \
             a running futo sync --watch. Warns if nothing would publish it again after a restart of the \
             container",
        ),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: true,
    run: new,
};

/// What is to become a service.
struct NewService {
    name: ServiceName,
    program: Vec<OsString>,
    /// What kind of worker that is, if known; without a program the starter worker to write.
    kind: Option<Starter>,
}

fn new(words: Words) -> Result<Exit, CommandError> {
    let reporter = Reporter::of_program("futo");
    let above = words.values(Key::From).next().map_or(Path::new(layout::DEFINITIONS), Path::new);
    let NewService { name, program, kind } = NewService::read(&words)?;
    let starter = if program.is_empty() { kind } else { None };
    let mut line = match starter {
        Some(starter) => CommandLine::of_starter(&words.launch, starter),
        None => CommandLine::of_program(&words.launch, &program),
    };
    let plan = match line.plan(&name, above) {
        Ok(plan) => plan,
        Err(findings) => {
            reporter.findings(Level::Fatal, &findings);
            return Ok(findings.exit());
        }
    };
    let Some(definition) = NewDefinition::of(name, &line, starter, kind, &plan) else {
        return Err(usage("the arguments must be UTF-8 without line breaks".to_string()));
    };
    let path = match write::write(above, &definition, &plan) {
        Ok(path) => path,
        Err(error) => return Ok(report_error(&above.join(definition.name.as_str()), error, &reporter)),
    };
    let places = services::locations(&words);
    let is_published = words.has(Key::Now);
    let mut page = written(&path, &definition);
    if !is_published {
        page.push_str(how_to_publish(&places));
    }
    crate::report::print(&page);
    if let Err(why) = line.program {
        reporter.say_at_shell(Level::Warning, &why, Some(program::HINT));
    }
    match is_published {
        true => Ok(publish::publish(&words, &places, &definition.name, &reporter)),
        false => Ok(Exit::OK),
    }
}

fn usage(what: String) -> CommandError {
    CommandError::Usage { command: COMMAND.name, what, remedy: None }
}

impl NewService {
    fn read(words: &Words) -> Result<Self, CommandError> {
        let mut operands = words.operands.iter();
        let Some(given) = operands.next() else { return Err(usage("no name given".to_string())) };
        let name = ServiceName::parse(given)
            .map_err(|why| usage(format!("the name '{}' {why}", given.to_string_lossy())))?;
        let program: Vec<OsString> = operands.cloned().collect();
        let kind = match (words.value(Key::Template), program.first()) {
            (Some(word), _) => Some(Starter::named(word).ok_or_else(|| {
                let word = word.to_string_lossy();
                usage(format!("--template: '{word}' is not one of python, uv, shell, node"))
            })?),
            (None, Some(program)) => Starter::of_program(program),
            (None, None) => {
                return Err(usage("no program given, and no --template for a starter worker".to_string()));
            }
        };
        Ok(NewService { name, program, kind })
    }
}

/// What was written, and what can be done with it.
fn written(path: &Path, definition: &NewDefinition) -> String {
    let word = shell_word(definition.name.as_str());
    let mut page = String::new();
    push_escaped(&mut page, &format!("written: {} ({})", path.display(), definition.names().join(", ")));
    page.push_str(&format!("\n  check: futo check {word}\n  run once: futo try {word}\n"));
    page
}

fn how_to_publish(places: &Locations) -> &'static str {
    match super::boot::may_publish(places) {
        true => "  publish: futo sync\n",
        false => "  publish: futo sync, as root\n",
    }
}

fn report_error(place: &Path, error: WriteError, reporter: &Reporter) -> Exit {
    let (exit, why, hint) = match error {
        WriteError::Exists => (Exit::EDIT, "it already exists".to_string(), Some("choose another name")),
        WriteError::System(why) => (Exit::SYSTEM, why, None),
    };
    let text = format!("unable to write '{}': {why}", place.display());
    reporter.say_at_shell(Level::Fatal, &text, hint);
    exit
}
