//! The four pages. Options come from the tables; the rest is a short form of docs/.

use super::page::ManualPage;
use crate::admin::COMMANDS;
use crate::config::flags::{self, SECTIONS};

const EXIT_CODES: [(&str, &str); 7] = [
    ("0", "All is well: stopped, or done."),
    ("100", "Someone must edit something: an option, a file, an account."),
    ("111", "The system refused."),
    ("124", "The run lasted longer than --timeout."),
    ("126", "The program cannot be executed."),
    ("127", "The program was not found."),
    ("128 + n", "The worker was killed by signal n."),
];

const PLACES: [(&str, &str); 5] = [
    ("/config/s6-services/NAME", "The definition of a service."),
    ("/run/service/NAME", "The service as s6 looks after it."),
    ("HOME/.local/state/futodama/NAME.log", "Its log; rotated ones end with .1, .2 and so on."),
    ("HOME/.local/state/futodama/NAME.json", "Its run record."),
    ("/run/s6/container_environment", "The container's variables, one file per variable (s6-overlay)."),
];

pub(super) fn futo_launch() -> ManualPage {
    let mut page = ManualPage::new("futo-launch", 1, "run a worker from a run file");
    page.section("Synopsis");
    page.paragraph("futo-launch [OPTION…] [--] PROGRAM [ARG…]");
    page.paragraph("futo-launch --file FILE [OPTION…] [NAME]");
    page.section("Description");
    page.paragraph(
        "Makes the process right (user, environment, log, limits) and runs PROGRAM: directly, as the same process, or \
         in a loop with a timing option. Stands at the end of a run file of s6, runit or daemontools. Options end at \
         the first word that is none.",
    );
    page.example("#!/bin/sh\nexec futo-launch --interval 60 -- python3 /config/startup/hook.py");
    page.section("Options");
    for section in &SECTIONS {
        page.subsection(section.title);
        for flag in section.options {
            let again = if flag.repeats { " May be given again." } else { "" };
            let help = capital(flag.help);
            let meaning = match flag.more {
                "" => format!("{help}.{again}"),
                more => format!("{help}. {}{again}", with_dot(more)),
            };
            page.entry(&flag.spelled(), &meaning);
        }
    }
    exit_codes(&mut page);
    files(&mut page);
    see_also(&mut page, "futo(1), futo-service(5), futo-config-env(5)");
    page
}

pub(super) fn futo() -> ManualPage {
    let mut page = ManualPage::new("futo", 1, "look after services of futo-launch");
    page.section("Synopsis");
    page.paragraph("futo COMMAND [OPTION…] [NAME…]");
    page.section("Description");
    page.paragraph(
        "For people, container init hooks and health checks. A service is a directory, or a name in \
         /config/s6-services or /run/service.",
    );
    page.section("Commands");
    for command in COMMANDS {
        page.subsection(&format!("futo {}", command.usage()));
        page.paragraph(&format!("{}.", capital(command.help)));
        for more in command.more.lines().filter(|line| !line.is_empty()) {
            page.paragraph(more);
        }
        for option in command.options {
            page.entry(&option.spelled(), &format!("{}.", capital(option.help)));
        }
    }
    page.section("Exit status");
    page.entry("1", "There is something to fix (check, health), or the effect did not come about in time (start, stop and so on).");
    for (code, meaning) in EXIT_CODES {
        page.entry(code, meaning);
    }
    page.section("Environment");
    page.entry("NO_COLOR", "If it is set and not empty, futo status uses no colour.");
    files(&mut page);
    see_also(&mut page, "futo-launch(1), futo-service(5), futo-config-env(5)");
    page
}

pub(super) fn service() -> ManualPage {
    let mut page = ManualPage::new("futo-service", 5, "a service directory, as futo-launch reads it");
    page.section("Description");
    page.paragraph("A service directory holds what a supervisor executes and what the worker needs:");
    for (name, meaning) in [
        (
            "run",
            "What the supervisor executes: one line of sh that ends in exec futo-launch, or the file form below.",
        ),
        ("config.env", "Variables of the worker: futo-config-env(5). Mode 0600 keeps secrets."),
        ("down", "If it is there, the service is not started by itself: futo disable writes it."),
        ("notification-fd", "A number: the service tells on this descriptor that it is ready."),
        ("finish", "What the supervisor executes when run has ended."),
        ("log/run", "A logger: gets what the service writes to stdout (with --log -)."),
        ("supervise/", "The supervisor's own: state, death tally, control FIFO."),
    ] {
        page.entry(name, meaning);
    }
    page.section("The file form");
    page.paragraph(
        "A file with this first line is a service in TOML. Each long option of futo-launch is a key of the same name; \
         switches take true or false, options that may be given again take a list. An unknown key is an error.",
    );
    page.example(
        "#!/usr/local/bin/futo-launch --file\nexec = [\"python3\", \"/config/startup/hook.py\"]\ninterval = \"5m\"\n\
         env = { MODE = \"daily\" }",
    );
    page.paragraph("Instead of exec, script = '''…''' is run by sh -eu.");
    page.section("Keys");
    for flag in flags::settings() {
        page.entry(flag.long, &format!("{}.", capital(flag.help)));
    }
    see_also(&mut page, "futo-launch(1), futo(1), futo-config-env(5)");
    page
}

pub(super) fn config_env() -> ManualPage {
    let mut page = ManualPage::new("futo-config-env", 5, "variables of a service");
    page.section("Description");
    page.paragraph(
        "config.env in a service directory, and the files of --env-file. Read as the worker's user, and never \
         executed: a file that bash would source to plain values gives exactly bash's values.",
    );
    page.example(
        "# a comment\nTOKEN='it'\\''s a secret'\nGREETING=\"hello $NAME\"\nDATA=${HOME}/data\n: \"${MODE:=daily}\"",
    );
    page.section("What is read");
    for text in [
        "NAME=word, NAME+=word, several on a line, export, blank lines, comments, also behind a value.",
        "Quotes of all kinds, mixed as bash mixes them, over several lines too.",
        "$NAME, ${NAME} and its forms :- - := = :? ? :+ +, # ## % %%, ^ ^^ , ,, and :OFFSET:LENGTH; ~ and ~/.",
        "A line sees what the lines before it set, and what the worker's environment holds. The last assignment wins.",
    ] {
        page.paragraph(text);
    }
    page.section("What is refused");
    page.paragraph(
        "Whatever bash would run, and whatever depends on more than the file and the environment: an error with its \
         line and the way to write it, never another value. No message shows a value.",
    );
    page.section("Checking it");
    page.paragraph("futo check config.env reports every line that cannot be read; --compare asks bash too. futo check --dotenv reads \
                    a file as --dotenv does.");
    see_also(&mut page, "futo-launch(1), futo(1), futo-service(5)");
    page
}

fn exit_codes(page: &mut ManualPage) {
    page.section("Exit status");
    for (code, meaning) in EXIT_CODES {
        page.entry(code, meaning);
    }
}

fn files(page: &mut ManualPage) {
    page.section("Files");
    for (path, meaning) in PLACES {
        page.entry(path, meaning);
    }
}

fn see_also(page: &mut ManualPage, pages: &str) {
    page.section("See also");
    page.paragraph(pages);
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

fn with_dot(text: &str) -> String {
    if text.ends_with('.') { text.to_string() } else { format!("{text}.") }
}
