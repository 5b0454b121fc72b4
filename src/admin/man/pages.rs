//! The four pages. Options come from the tables; the rest is a short form of docs/.

use super::page::ManualPage;
use crate::admin::COMMANDS;
use crate::admin::options::capital;
use crate::config::flags::{self, SECTIONS};

const EXIT_CODES: [(&str, &str); 7] = [
    ("0", "Success: stopped, or done."),
    ("100", "Something must be edited: an option, a file, an account."),
    ("111", "The system refused."),
    ("124", "The run lasted longer than --timeout."),
    ("126", "The program cannot be executed."),
    ("127", "The program was not found."),
    ("128 + n", "The worker was killed by signal n."),
];

const UNREADABLE: [(&str, &str); 6] = [
    (
        "permission denied",
        "Run it as root; if root lacks the capability DAC_OVERRIDE, as the owner of the file.",
    ),
    (
        "it is owned by uid 1000, not by the service's user",
        "The uid of the account has changed (PUID), or --user of the service. Change the owner with chown -R, or \
         remove the file: the launcher writes a new one.",
    ),
    ("it is a symbolic link, a FIFO, a directory", "Remove it; the launcher does not follow a user's links."),
    (
        "was written by another launcher (pid 42, service 'other')",
        "Both services have the same --name, and share a run record and a log. Give each its own. If no pid is \
         named, that launcher has ended: futo restart NAME.",
    ),
    ("does not exist", "The launcher has not written it: futo logs NAME, or futo restart NAME."),
    ("it is not a run record", "Remove it; counts and the time of the last start are lost."),
];

const PLACES: [(&str, &str); 5] = [
    ("/config/s6-services/NAME", "The definition of a service."),
    ("/run/service/NAME", "The service as published, supervised by s6."),
    ("HOME/.local/state/futodama/NAME.log", "Its log; rotated logs end with .1, .2 and so on."),
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
        "Sets up the process (user, environment, log, limits) and runs PROGRAM: directly, in its own place, or \
         in a loop if there is a timing option. It is the last command of a run file of s6, runit or \
         daemontools. Options end at the first argument that is not an option.",
    );
    page.example("#!/bin/sh\nexec futo-launch --interval 60 -- python3 /config/startup/hook.py");
    page.section("Options");
    for section in &SECTIONS {
        page.subsection(section.title);
        for flag in section.options {
            let again = if flag.repeats { " May be repeated." } else { "" };
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
    let mut page = ManualPage::new("futo", 1, "manage futo-launch services");
    page.section("Synopsis");
    page.paragraph("futo COMMAND [OPTION…] [NAME…]");
    page.section("Description");
    page.paragraph(
        "A command for people, container init hooks and health checks. A service is given as a directory, or \
         as a name in /config/s6-services or /run/service.",
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
    page.entry(
        "1",
        "There is something to fix (check, health), or the effect did not occur in time (start, stop and so \
         on).",
    );
    for (code, meaning) in EXIT_CODES {
        page.entry(code, meaning);
    }
    page.section("What cannot be read");
    page.paragraph(
        "futo check reports a run record, a log or a file of the supervisor that cannot be read, with the reason:",
    );
    for (reason, remedy) in UNREADABLE {
        page.entry(reason, remedy);
    }
    page.section("Environment");
    page.entry("NO_COLOR", "If set and not empty, futo status does not use colour.");
    files(&mut page);
    see_also(&mut page, "futo-launch(1), futo-service(5), futo-config-env(5)");
    page
}

pub(super) fn service() -> ManualPage {
    let mut page = ManualPage::new("futo-service", 5, "service directory of futo-launch");
    page.section("Description");
    page.paragraph("A service directory contains what the supervisor executes and what the worker needs:");
    for (name, meaning) in [
        ("run", "Executed by the supervisor: one line of sh with exec futo-launch, or the file form below."),
        ("config.env", "Variables of the worker; see futo-config-env(5). Use mode 0600 for secrets."),
        ("down", "If it exists, the service is not started at boot. Written by futo disable."),
        ("notification-fd", "The number of the descriptor on which the service reports readiness."),
        ("finish", "Executed by the supervisor when run has ended."),
        ("log/run", "A logger, which receives the stdout of the service (with --log -)."),
        ("supervise/", "Private to the supervisor: status, death tally, control FIFO."),
    ] {
        page.entry(name, meaning);
    }
    page.section("The file form");
    page.paragraph(
        "A run file with this first line describes the service in TOML. Each long option of futo-launch is a \
         key of the same name; switches take true or false, and options that may be repeated take a list. An \
         unknown key is an error.",
    );
    page.example(
        "#!/usr/local/bin/futo-launch --file\nexec = [\"python3\", \"/config/startup/hook.py\"]\ninterval = \"5m\"\n\
         env = { MODE = \"daily\" }",
    );
    page.paragraph("Instead of exec, script = '''…''' gives a script for sh -eu.");
    page.section("Keys");
    for flag in flags::settings() {
        page.entry(flag.long, &format!("{}.", capital(flag.help)));
    }
    see_also(&mut page, "futo-launch(1), futo(1), futo-config-env(5)");
    page
}

pub(super) fn config_env() -> ManualPage {
    let mut page = ManualPage::new("futo-config-env", 5, "environment file of a service");
    page.section("Description");
    page.paragraph(
        "The format of config.env in a service directory, and of the files of --env-file. They are read as the \
         worker's user and never executed: a file that only assigns plain values yields exactly the values \
         that bash would assign.",
    );
    page.example(
        "# a comment\nTOKEN='it'\\''s a secret'\nGREETING=\"hello $NAME\"\nDATA=${HOME}/data\n: \"${MODE:=daily}\"",
    );
    page.section("Accepted syntax");
    for text in [
        "NAME=word and NAME+=word, several per line, with or without export; blank lines; comments, also after \
         a value.",
        "All kinds of quotes, combined as in bash, also across lines.",
        "$NAME, ${NAME} and its forms :- - := = :? ? :+ +, # ## % %%, ^ ^^ , ,, and :OFFSET:LENGTH; ~ and ~/.",
        "A line can use variables from earlier lines and from the worker's environment. The last assignment \
         wins.",
    ] {
        page.paragraph(text);
    }
    page.section("Rejected syntax");
    page.paragraph(
        "Anything that bash would execute, and anything that depends on more than the file and the \
         environment, is an error, reported with its line and the remedy. It never yields a different value. \
         Messages do not show values.",
    );
    page.section("Checking a file");
    page.paragraph(
        "futo check config.env reports every line that is rejected; --compare compares the values with bash's. \
         futo check --dotenv reads a file as --dotenv does.",
    );
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

fn with_dot(text: &str) -> String {
    if text.ends_with('.') { text.to_string() } else { format!("{text}.") }
}
