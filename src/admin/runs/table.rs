//! The pages for people: summary, marks and a table at a terminal; one line per run in a pipe.

use std::fmt::Write as _;
use std::time::Duration;

use super::Page;
use crate::admin::run_marks::{bars, legend, marks};
use crate::escape::{escaped, push_escaped};
use crate::observe::parse_time;
use crate::record::{PastHow, PastRun};
use crate::schedule::Zone;

/// A run as text.
struct Row {
    start: String,
    duration: String,
    status: String,
    reason: String,
}

impl Row {
    fn of(run: &PastRun, zone: &Zone) -> Self {
        let ran = run.how != PastHow::Dropped;
        Row {
            // a time that is none is shown as it is
            start: parse_time(&run.start).map_or_else(|| escaped(&run.start), |at| zone.civil(at)),
            duration: run.duration.filter(|_| ran).map(seconds).unwrap_or_default(),
            status: run.status.filter(|_| ran).map(|status| status.to_string()).unwrap_or_default(),
            reason: escaped(&reason(run)),
        }
    }
}

/// Why a run ended as it did, with the last line of its output.
fn reason(run: &PastRun) -> String {
    let what = match run.how {
        PastHow::Dropped => match run.ticks.unwrap_or(1) {
            1 => "1 start skipped".to_string(),
            ticks => format!("{ticks} starts skipped"),
        },
        PastHow::Stopped => "stopped".to_string(),
        PastHow::Unknown => "recorded by a newer futo-launch".to_string(),
        _ => run.what.clone(),
    };
    match &run.error {
        Some(error) => format!("{what}: {error}"),
        None => what,
    }
}

/// `0.35 s`, `12 s`, `3m 20s`
fn seconds(duration: f64) -> String {
    let whole = Duration::try_from_secs_f64(duration).unwrap_or_default();
    match duration {
        ..10.0 => format!("{duration:.2} s"),
        10.0..120.0 => format!("{} s", whole.as_secs()),
        _ => humantime::format_duration(Duration::from_secs(whole.as_secs())).to_string(),
    }
}

/// Summary, marks and table, within `width`.
pub(super) fn page(page: &Page<'_>, zone: &Zone, width: usize) -> String {
    let mut text = String::new();
    push_escaped(&mut text, &format!("{}: {}", page.snapshot.service.name, page.state()));
    let _ = writeln!(text, "\n{}", summary(page, zone));
    if page.runs.is_empty() {
        return text;
    }
    let shown = page.runs.get(page.runs.len().saturating_sub(width)..).unwrap_or_default();
    let line = marks(shown);
    let _ = writeln!(text, "\n{line}");
    if shown.iter().any(|run| run.duration.is_some()) {
        let _ = writeln!(text, "{}", bars(shown).trim_end());
    }
    let _ = writeln!(text, "{}\n", legend(&line));
    push_rows(&mut text, page, zone, Some(width));
    let left = page.runs.len().saturating_sub(page.most);
    if left > 0 {
        let _ = writeln!(text, "{left} more (-n N)");
    }
    text
}

/// One line per run; `-` for an empty field.
pub(super) fn plain(page: &Page<'_>, zone: &Zone) -> String {
    let mut text = String::new();
    push_rows(&mut text, page, zone, None);
    text
}

/// The rows below their headings; fields are only shortened to fit a width.
fn push_rows(text: &mut String, page: &Page<'_>, zone: &Zone, width: Option<usize>) {
    let (start, plain_start) = if page.snapshot.is_loop() { ("START", "START") } else { ("DIED", "DIED") };
    let start = match width {
        Some(_) => format!("{start} ({})", zone.name()),
        None => plain_start.to_string(),
    };
    let heading = Row { start, duration: "DURATION".into(), status: "CODE".into(), reason: "REASON".into() };
    let rows: Vec<Row> = std::iter::once(heading).chain(page.rows().map(|run| Row::of(run, zone))).collect();
    let widest = |field: fn(&Row) -> &String| {
        rows.iter().map(|row| field(row).chars().count()).max().unwrap_or_default()
    };
    let (start, duration) = (widest(|row| &row.start), widest(|row| &row.duration));
    for row in &rows {
        let or_dash = |field: &str| match (width, field) {
            (None, "") => "-".to_string(),
            // fields of a pipe are separated by blanks
            (None, field) => field.trim().to_string(),
            (Some(_), field) => field.to_string(),
        };
        let mut line = format!(
            "{:<start$}  {:>duration$}  {:>4}  {}",
            or_dash(&row.start),
            or_dash(&row.duration),
            or_dash(&row.status),
            or_dash(&row.reason)
        );
        if let Some(width) = width
            && line.chars().count() > width
        {
            line = line.chars().take(width.saturating_sub(1)).chain(['…']).collect();
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// `57 runs since 2026-11-24 09:00:00, 2 failed; 0.35 s in the median, 12 s at most`
fn summary(page: &Page<'_>, zone: &Zone) -> String {
    let is_loop = page.snapshot.is_loop();
    let ran: Vec<&PastRun> = page.runs.iter().filter(|run| run.how != PastHow::Dropped).collect();
    let Some(first) = ran.first() else {
        return if is_loop { "no runs" } else { "no deaths" }.to_string();
    };
    let what = match (is_loop, ran.len()) {
        (true, 1) => "run",
        (true, _) => "runs",
        (false, 1) => "death",
        (false, _) => "deaths",
    };
    let since = parse_time(&first.start).map(|at| format!(" since {}", zone.civil(at))).unwrap_or_default();
    let failed = ran.iter().filter(|run| run.is_failure()).count();
    let failed = if is_loop { format!(", {failed} failed") } else { String::new() };
    let mut durations: Vec<f64> = ran.iter().filter_map(|run| run.duration).collect();
    durations.sort_by(f64::total_cmp);
    let lasted = match (durations.get(durations.len() / 2), durations.last()) {
        (Some(median), Some(longest)) => {
            format!("; {} in the median, {} at most", seconds(*median), seconds(*longest))
        }
        _ => String::new(),
    };
    format!("{} {what}{since}{failed}{lasted}", ran.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Snapshot;
    use crate::observe::fixtures::{at, launched, up};
    use crate::record::RunRecord;
    use crate::sys::clock;

    fn run(ago: u64, how: PastHow, duration: f64, status: i32) -> PastRun {
        PastRun {
            start: clock::utc_to_the_millisecond(at(ago)),
            how,
            duration: Some(duration),
            status: Some(status),
            what: String::new(),
            error: None,
            ticks: None,
        }
    }

    fn history() -> Vec<PastRun> {
        let failed = PastRun {
            what: "exit status 3".to_string(),
            error: Some("no \u{1b}[2Jroute to host".to_string()),
            ..run(120, PastHow::Exited, 0.25, 3)
        };
        let skipped =
            PastRun { duration: None, status: None, ticks: Some(2), ..run(60, PastHow::Dropped, 0.0, 0) };
        let stopped = run(30, PastHow::Stopped, 240.0, 143);
        vec![run(180, PastHow::Exited, 12.5, 0), failed, skipped, stopped]
    }

    fn page_of<'a>(snapshot: &'a Snapshot, runs: Vec<PastRun>) -> Page<'a> {
        Page { snapshot, now: at(0), runs, most: 3 }
    }

    #[test]
    fn the_page_has_summary_marks_and_the_newest_rows() {
        let record = RunRecord {
            runs: 3,
            last_end: Some(clock::utc(at(5))),
            last_status: Some(0),
            ..RunRecord::default()
        };
        let loops = launched("backup", 4000, &["--interval", "200", "true"], Some(record));
        let zone = Zone::named("Asia/Tokyo").expect("a zone");
        let expected = "\
backup: waiting
3 runs since 2027-01-15 16:57:00, 1 failed; 12 s in the median, 4m at most

.x-s
▁▁ █
. succeeded  x failed  s stopped  - starts skipped

START (Asia/Tokyo)   DURATION  CODE  REASON
2027-01-15 16:59:30        4m   143  stopped
2027-01-15 16:59:00                  2 starts skipped
2027-01-15 16:58:00    0.25 s     3  exit status 3: no \\u{1b}[2Jroute to host
1 more (-n N)
";
        assert_eq!(page(&page_of(&loops, history()), &zone, 80), expected);
        let narrow = page(&page_of(&loops, history()), &zone, 45);
        assert!(narrow.contains("    0.25 s     3  exit st…\n"), "{narrow}");
        let in_a_pipe = "\
START                DURATION  CODE  REASON
2027-01-15 16:59:30        4m   143  stopped
2027-01-15 16:59:00         -     -  2 starts skipped
2027-01-15 16:58:00    0.25 s     3  exit status 3: no \\u{1b}[2Jroute to host
";
        assert_eq!(plain(&page_of(&loops, history()), &zone), in_a_pipe);
        assert!(page(&page_of(&loops, Vec::new()), &zone, 80).ends_with("\nno runs\n"));
    }

    #[test]
    fn without_a_loop_the_deaths_are_shown() {
        let zone = Zone::named("UTC").expect("a zone");
        let worker = up("bot", 500);
        let died = PastRun { what: "signal 9".into(), duration: None, ..run(60, PastHow::Killed, 0.0, 137) };
        let page = page(&page_of(&worker, vec![died]), &zone, 80);
        let end = "\n1 death since 2027-01-15 07:59:00\n\nk\nk killed\n\n\
                   DIED (UTC)           DURATION  CODE  REASON\n\
                   2027-01-15 07:59:00             137  signal 9\n";
        assert!(page.ends_with(end), "{page}");
    }
}
