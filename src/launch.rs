//! The launcher, in one page:
//!
//! ```text
//! argv → Request → Spec → Draft → Plan → Dropped → Ready → (exec, never returns) | Exit
//! ```
//!
//! Each stage consumes the previous one, so skipping a stage does not compile. Up to `Dropped` the launcher is root,
//! and touches no user-writable path; from there on it is the user, in `lifecycle`.

use std::ffi::OsString;

use crate::cli;
use crate::config::request::Ask;
use crate::error::Findings;
use crate::exit::Exit;
use crate::explain::Shown;
use crate::machine::{Host, Machine};
use crate::plan::Place;
use crate::report::{Level, Reporter};
use crate::rest::RunsAs;
use crate::{config, drop, explain, lifecycle, plan, report, rest, sys};

/// Launches the worker that the arguments (without the program name) describe. In exec mode it returns only if nothing
/// could be executed.
pub fn launch(words: impl IntoIterator<Item = OsString>) -> Exit {
    let machine = Machine;
    if machine.is_init() {
        // the kernel discards signals that PID 1 has no handler for, and keeps blocked ones pending
        sys::signals::block_all();
    }
    if sys::fd::fill_standard().is_err() {
        // there is nowhere to report this: one of them is closed
        return Exit::SYSTEM;
    }
    let mut findings = Findings::default();

    let request = cli::parse(words, &mut findings);
    let (ask, show_values) = (request.ask, request.show_values);
    match ask {
        Some(Ask::ShortHelp) => return report::print(&cli::help::short()),
        Some(Ask::LongHelp) => return report::print(&cli::help::long()),
        Some(Ask::Version) => return report::print(cli::help::VERSION),
        Some(Ask::Explain(_)) | None => {}
    }
    let spec = config::resolve(request, &machine, &mut findings);
    let stays = spec.stays;
    let draft = plan::make(spec, &machine, &mut findings);
    if let Some(Ask::Explain(form)) = ask {
        return explain::explain(&draft, findings, form, Shown { stays, values: show_values });
    }

    drop::refuse_impossible(draft.plan(), &machine, &mut findings);
    let plan = match draft.approve(&findings) {
        Ok(plan) => plan,
        Err(draft) => {
            let plan = draft.plan();
            // at a shell a mistyped option concerns only the caller
            let mut reporter = match plan.place {
                Place::Service => Reporter::named(plan.name.as_str()),
                Place::Elsewhere => Reporter::of_program("futo-launch"),
            };
            return rest::until_run_changes(plan, RunsAs::Caller, &findings, &mut reporter);
        }
    };
    let mut reporter = Reporter::named(plan.name.as_str());
    for warning in &plan.warnings {
        reporter.finding(Level::Warning, warning);
    }
    match drop::become_user(plan) {
        Ok(dropped) => lifecycle::run(&dropped, &mut reporter),
        Err(error) => {
            reporter.finding(Level::Fatal, &error.into());
            Exit::SYSTEM
        }
    }
}
