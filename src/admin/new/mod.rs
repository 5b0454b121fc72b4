//! `futo new`: writes the definition of a service, whole or not at all.

mod now;
mod program;
mod template;
mod write;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::options::{Command, Words, switch, value};
use super::{CommandError, services};
use crate::config::Spec;
use crate::config::timing::{Pace, TimingSpec};
use crate::config::value::VariableName;
use crate::error::Findings;
use crate::exit::Exit;
use crate::plan;
use crate::plan::Plan;
use crate::report::{Level, Reporter};
use crate::service::place::Locations;
use crate::service::{ServiceName, launcher, layout};
use crate::shell_quote::shell_quoted;
use crate::shell_quote::shell_word;
use crate::trust::Trust;
use template::Template;
use write::Refusal;

pub(super) const COMMAND: Command = Command {
    name: "new",
    operands: "NAME [--] [PROGRAM [ARG…]]",
    help: "write the definition of a service: run, config.env and, without PROGRAM, a starter worker",
    more: "Takes the options of futo-launch: --interval 5m makes a periodic service, without a timing option it is \
           long-lived. A program's path is made absolute, the current directory (but /) becomes --chdir, --env goes into \
           config.env (mode 0600). From an --interval or --every of 1 h on --persist is added: a restart repeats no \
           run. Nothing is overwritten, and nothing is left half-written. Write -- before PROGRAM.",
    options: &[
        value("template", "python|uv|shell|node", "what the worker is; found by PROGRAM where it is given"),
        switch(
            "now",
            "publish it too, and wait until it works; as root or as the owner of the scan directory, else by a running \
             futo sync --watch. Warns where nothing publishes it again when the container restarts",
        ),
        services::SCAN_DIR,
        services::FROM,
    ],
    launch_options: true,
    run: new,
};

/// From such a time between two runs on, the last start counts after a restart (`--persist`).
const PERSISTS_FROM: Duration = Duration::from_secs(3600);

/// What is to be written.
struct Definition {
    name: ServiceName,
    /// Name, text, mode.
    files: Vec<(&'static str, String, u32)>,
}

fn new(words: Words) -> Result<Exit, CommandError> {
    let usage = |what: String| CommandError::Usage { command: COMMAND.name, what, remedy: None };
    let mut operands = words.operands.iter();
    let Some(given) = operands.next() else { return Err(usage("which name?".to_string())) };
    let name = ServiceName::parse(given)
        .map_err(|why| usage(format!("the name '{}' {why}", given.to_string_lossy())))?;
    let program: Vec<OsString> = operands.cloned().collect();
    let template = match (words.value("template"), program.first()) {
        (Some(word), _) => Some(Template::named(word).ok_or_else(|| {
            usage(format!("--template: '{}' is none of python, uv, shell, node", word.to_string_lossy()))
        })?),
        (None, Some(program)) => Template::of_program(program),
        (None, None) => {
            return Err(usage("which program? or --template, for a starter worker".to_string()));
        }
    };
    let places = services::places(&words);
    let above = words.values(services::FROM.long).next().map_or(Path::new(layout::DEFINITIONS), Path::new);

    let reporter = Reporter::of_program("futo");
    let (launch, variables) = split_environment(&words.launch);
    let (program, is_sample) = match (program.is_empty(), template) {
        (true, Some(template)) => (template.words().iter().map(OsString::from).collect(), true),
        _ => (program, false),
    };
    let found = program::find(&program);
    let program = if is_sample { program } else { program::absolute(program, &found) };
    let mut line: Vec<OsString> = launch;
    let options = line.len();
    let has_chdir = line.iter().any(|word| word.as_bytes().starts_with(b"--chdir="));
    if !is_sample
        && !has_chdir
        && let Some(directory) = program::directory(&program)
    {
        let mut chdir = OsString::from("--chdir=");
        chdir.push(directory);
        line.push(chdir);
    }
    line.push("--".into());
    line.extend(program);
    let judged = judged(&line, &name, above).and_then(|plan| match wants_persist(&plan, &line[..options]) {
        false => Ok(plan),
        true => {
            line.insert(options, "--persist".into());
            judged(&line, &name, above)
        }
    });
    let plan = match judged {
        Ok(plan) => plan,
        Err(findings) => {
            reporter.findings(Level::Fatal, &findings);
            return Ok(findings.exit());
        }
    };
    let Some(run) = run_file(&name, &line, &plan) else {
        return Err(usage("the words must be UTF-8 without line breaks".to_string()));
    };
    let mut files =
        vec![("run", run, 0o755), ("config.env", config_env(&name, template, &variables, &plan), 0o600)];
    let is_waited_for = plan.readiness.form.is_some();
    let fd = (3..).find(|fd| !plan.keep_fds.contains(fd)).filter(|_| is_waited_for);
    files.extend(fd.map(|fd| (layout::NOTIFICATION_FD, format!("{fd}\n"), 0o644)));
    if let (true, Some(template)) = (is_sample, template) {
        let (file, text) = template.sample(matches!(plan.mode, plan::Mode::Loop(_)));
        files.push((file, text.to_string(), 0o755));
    }
    let definition = Definition { name, files };
    match write::write(above, &definition, &plan) {
        Ok(path) => {
            let names: Vec<&str> = definition.files.iter().map(|(name, ..)| *name).collect();
            let is_now = words.has("now");
            crate::report::print(&said(&path, &definition.name, &names, is_now, &places));
            if let Err(why) = found {
                reporter.say_at_shell(Level::Warning, &why, Some(program::HINT));
            }
            match is_now {
                true => Ok(now::publish(&words, &places, &definition.name, &reporter)),
                false => Ok(Exit::OK),
            }
        }
        Err(refusal) => {
            let place = above.join(definition.name.as_str());
            let (exit, why, hint) = match refusal {
                Refusal::Exists => {
                    (Exit::EDIT, "it is there already".to_string(), Some("choose another name"))
                }
                Refusal::System(why) => (Exit::SYSTEM, why, None),
            };
            let text = format!("unable to write '{}': {why}", place.display());
            reporter.say_at_shell(Level::Fatal, &text, hint);
            Ok(exit)
        }
    }
}

fn said(path: &Path, name: &ServiceName, files: &[&str], is_now: bool, places: &Locations) -> String {
    let word = shell_word(name.as_str());
    let mut page = String::new();
    crate::escape::push_escaped(&mut page, &format!("written: {} ({})", path.display(), files.join(", ")));
    page.push_str(&format!("\n  look: futo check {word}\n  once: futo try {word}\n"));
    if !is_now {
        let by = if now::may_publish(places) { "" } else { ", as root" };
        page.push_str(&format!("  live: futo sync{by}\n"));
    }
    page
}

/// `--env NAME=VALUE` goes into config.env, where a person looks for it; a value over other variables stays.
fn split_environment(launch: &[OsString]) -> (Vec<OsString>, Vec<(String, String)>) {
    let mut line = Vec::new();
    let mut variables = Vec::new();
    for word in launch {
        let plain =
            word.to_str().and_then(|word| word.strip_prefix("--env=")).and_then(|set| set.split_once('='));
        match plain {
            Some((name, value)) if !value.contains('$') && VariableName::parse(name.as_bytes()).is_ok() => {
                variables.push((name.to_string(), value.to_string()));
            }
            _ => line.push(word.clone()),
        }
    }
    (line, variables)
}

/// The plan of these words below `above`, or everything that is wrong with them: those who can write there may not
/// ask for everything.
fn judged(line: &[OsString], name: &ServiceName, above: &Path) -> Result<Plan, Findings> {
    let mut findings = Findings::default();
    let named = |spec: &mut Spec| {
        spec.name.get_or_insert(name.clone());
    };
    let path = above.join(name.as_str()).join(layout::RUN);
    let draft = Trust::default().plan_of_new(&path, line.to_vec(), named, &mut findings);
    draft.approve(&findings).map_err(|_| findings)
}

/// Whether a run is so rare that a restart must not repeat it, and nobody has said anything else.
fn wants_persist(plan: &Plan, options: &[OsString]) -> bool {
    let is_rare = match &plan.mode {
        plan::Mode::Loop(TimingSpec::Fixed(timing)) => match timing.pace {
            Pace::Interval(delay) | Pace::Every(delay) => delay.duration() >= PERSISTS_FROM,
            Pace::Schedule(_) | Pace::Once { .. } => false,
        },
        _ => false,
    };
    is_rare && !options.iter().any(|word| word == "--persist" || word.as_bytes().starts_with(b"--persist="))
}

/// One line that the launcher's reader of run scripts takes.
fn run_file(name: &ServiceName, line: &[OsString], plan: &Plan) -> Option<String> {
    let kind = match plan.mode {
        plan::Mode::Loop(_)
            if line.iter().take_while(|word| *word != "--").any(|word| word == "--persist") =>
        {
            "runs again and again; a restart repeats no run (--persist)"
        }
        plan::Mode::Loop(_) => "runs again and again",
        plan::Mode::Exec | plan::Mode::ExecAsInit => "is long-lived",
    };
    let mut text = format!(
        "#!/bin/sh\n# {name}: {kind}. All that it does: futo explain {}\n",
        shell_word(name.as_str())
    );
    text.push_str("exec ");
    text.push_str(&launcher::word());
    for word in line {
        let word = word.to_str().filter(|word| !word.contains(['\n', '\r']))?;
        text.push(' ');
        text.push_str(&shell_word(word));
    }
    text.push('\n');
    // what is written must be read as it was meant
    match crate::service::run_script::parse(text.as_bytes()) {
        Ok(crate::service::run_script::RunScript::OneLine(words)) if words == line => Some(text),
        _ => None,
    }
}

fn config_env(
    name: &ServiceName,
    template: Option<Template>,
    variables: &[(String, String)],
    plan: &Plan,
) -> String {
    let word = shell_word(name.as_str());
    let mut text = format!(
        "# Variables of {name}, read as bash would read them before each start; never executed.\n\
         # One a line: NAME='value'. Is it right? futo check {word}\n\n"
    );
    let is_set = |name: &str| variables.iter().any(|(each, _)| each == name);
    for (name, value, why) in template.map_or(&[][..], Template::variables) {
        if !is_set(name) {
            text.push_str(&format!("# {why}\n{name}={value}\n"));
        }
    }
    for (name, value) in variables {
        text.push_str(&format!("{name}={}\n", shell_quoted(value)));
    }
    let missing: Vec<&str> =
        plan.environment.required.iter().map(VariableName::as_str).filter(|name| !is_set(name)).collect();
    if !missing.is_empty() {
        text.push_str("\n# required: fill in\n");
        for name in missing {
            text.push_str(&format!("{name}=\n"));
        }
    }
    text
}
