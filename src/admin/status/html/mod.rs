//! `--html`: all services on one page, which needs no script and loads nothing. What services have written is shown as
//! text: hidden characters are escaped, and everything is escaped for HTML by its template.

mod timeline;

use std::time::{Duration, SystemTime};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use nix::unistd::gethostname;

use super::overview::Overview;
use super::row::span;
use crate::admin::services;
use crate::escape::escaped;
use crate::observe::{ServiceState, Snapshot, Verdict, parse_time};
use crate::record::PastRun;
use crate::sys::clock;
use timeline::timeline;

const STYLE: &str = include_str!("style.css");
/// Only this style is in effect: nothing else is loaded or executed.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; \
                      style-src 'sha256-bJdOpXZOF5AROfUm+/U/38cbz7aICr+d+Pq50bWlZrM='";
const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// How much of a history is read for the page, in bytes.
pub(super) const HISTORY_BYTES: u64 = 64 * 1024;
/// A reason or a line of output is shortened to this many characters.
const LONGEST: usize = 400;

/// The page; a browser loads it again after `refresh`.
pub(super) fn page(overview: &Overview, refresh: Option<Duration>) -> String {
    let host = gethostname().unwrap_or_default();
    let host = escaped(&host.to_string_lossy());
    let count = match overview.services.is_empty() {
        true => "no services".to_string(),
        false => services::count(overview.services.iter().map(|(_, state, _)| *state)),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if let Some(refresh) = refresh { meta http-equiv="refresh" content=(refresh.as_secs().max(1)); }
                title { (count) " – " (host) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Services on " (host) }
                    p { (count) }
                    p class="soft" { "As of " (time(overview.now)) }
                }
                main {
                    (summary(overview))
                    (table(overview))
                    @for (number, service) in overview.services.iter().enumerate() { (details(overview, number, service)) }
                }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

/// The services to look at first, and what could not be looked at.
fn summary(overview: &Overview) -> Markup {
    let unhealthy: Vec<(usize, &str)> = overview
        .services
        .iter()
        .enumerate()
        .filter(|(_, (_, state, _))| state.verdict() == Verdict::Unhealthy)
        .map(|(number, (snapshot, ..))| (number, snapshot.service.name.as_str()))
        .collect();
    html! {
        @if !unhealthy.is_empty() {
            p {
                "Not healthy: "
                @for (position, (number, name)) in unhealthy.iter().enumerate() {
                    @if position > 0 { ", " }
                    a href={ "#s" (number) } { (shown(name)) }
                }
            }
        }
        @for unseen in &overview.unseen { p class="unhealthy" { (shown(unseen)) } }
        @if overview.others > 0 { p class="soft" { (overview.others) " others not shown" } }
    }
}

fn table(overview: &Overview) -> Markup {
    html! {
        @if overview.services.is_empty() {
            p { "There are no services." }
        } @else {
            table {
                caption { "All services" }
                thead {
                    tr {
                        th scope="col" { "Service" }
                        th scope="col" { "State" }
                        th scope="col" { "Reason" }
                        th scope="col" class="wide" { "Last run" }
                        th scope="col" class="wide" { "Next run" }
                    }
                }
                tbody {
                    @for (number, (snapshot, state, why)) in overview.services.iter().enumerate() {
                        tr {
                            th scope="row" { a href={ "#s" (number) } { (shown(&snapshot.service.name)) } }
                            td class="state" { (state_in_words(*state)) }
                            td class="why" { @if let Some(why) = why { (shown(why)) } }
                            td class="wide time" { (last_run(overview, snapshot)) }
                            td class="wide time" { (next_run(overview, snapshot)) }
                        }
                    }
                }
            }
        }
    }
}

/// A service: how it is, how it was, and what it said last.
fn details(
    overview: &Overview,
    number: usize,
    (snapshot, state, why): &(Snapshot, ServiceState, Option<String>),
) -> Markup {
    let record = snapshot.record.as_ref();
    let history: Vec<PastRun> = snapshot.history.iter().cloned().chain(snapshot.deaths_as_runs()).collect();
    let errors = record.map(|record| record.last_errors.as_slice()).unwrap_or_default();
    let id = format!("s{number}");
    html! {
        section id=(id) aria-labelledby={ (id) "h" } {
            h2 id={ (id) "h" } { (shown(&snapshot.service.name)) }
            p { (state_in_words(*state)) @if let Some(why) = why { ": " (shown(why)) } }
            @if let Some(record) = record {
                p class="soft" {
                    (record.runs) " runs, " (record.failures) " failed"
                    @if record.skipped > 0 { ", " (record.skipped) " starts skipped" }
                    @if record.consecutive_failures > 1 { "; " (record.consecutive_failures) " failures in a row" }
                }
            }
            (timeline(&history, overview.now, DAY, "Last 24 hours"))
            (timeline(&history, overview.now, WEEK, "Last 7 days"))
            @if !errors.is_empty() {
                p class="soft" { "Last lines of the last failed run:" }
                pre { @for error in errors { (shown(error)) "\n" } }
            }
        }
    }
}

/// The state, with a symbol that does not depend on colour.
fn state_in_words(state: ServiceState) -> Markup {
    let symbol = match state.verdict() {
        Verdict::Healthy => "●",
        Verdict::Stopped => "■",
        Verdict::Unhealthy => "▲",
    };
    html! {
        span class=(state.verdict().word()) aria-hidden="true" { (symbol) } " " (state.word())
    }
}

fn last_run(overview: &Overview, snapshot: &Snapshot) -> Markup {
    let record = snapshot.record.as_ref();
    let ended = record.and_then(|record| parse_time(record.ended_at()?));
    let ago = ended.map(|at| span(overview.now.duration_since(at).unwrap_or_default()));
    html! { @if let (Some(at), Some(ago)) = (ended, ago) { time datetime=(clock::utc(at)) { (ago) " ago" } } }
}

fn next_run(overview: &Overview, snapshot: &Snapshot) -> Markup {
    let next = snapshot.current_record().and_then(|record| parse_time(record.next_due.as_ref()?));
    let left = next.map(|at| span(at.duration_since(overview.now).unwrap_or_default()));
    html! { @if let (Some(at), Some(left)) = (next, left) { time datetime=(clock::utc(at)) { "in " (left) } } }
}

fn time(at: SystemTime) -> Markup {
    let text = clock::utc(at);
    html! { time datetime=(text) { (text) } }
}

/// A text of a service, which may be anything.
fn shown(text: &str) -> String {
    let text = escaped(text);
    match text.chars().count() > LONGEST {
        true => text.chars().take(LONGEST).chain(['…']).collect(),
        false => text,
    }
}
