//! A span of time as a picture: bars for the durations of runs, marks for what went wrong. Runs that fall into the
//! same part of the span share a bar, so that a picture has a bounded size.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use crate::observe::parse_time;
use crate::record::{PastHow, PastRun};

/// Parts of a span, and the units of the picture that one takes.
const PARTS: usize = 96;
const PART: usize = 6;
const WIDTH: usize = PARTS * PART;
/// Where bars begin and how high they are at most, in units from the top.
const BASE: usize = 38;
const TALLEST: usize = 30;
const HEIGHT: usize = 46;

/// What happened in a part of the span.
#[derive(Clone, Copy, Default)]
struct Part {
    /// The longest run, in seconds, if there was any.
    longest: Option<f64>,
    has_failed: bool,
    was_skipped: bool,
    has_died: bool,
}

/// The picture of the time before `now`. Runs without a duration are deaths.
pub(super) fn timeline(runs: &[PastRun], now: SystemTime, span: Duration, name: &str) -> Markup {
    let mut parts = [Part::default(); PARTS];
    let (mut ran, mut failed, mut skipped, mut died) = (0_u64, 0_u64, 0_u64, 0_u64);
    for run in runs {
        let ago = parse_time(&run.start).and_then(|at| now.duration_since(at).ok());
        let Some(part) = ago.and_then(|ago| parts.get_mut(index(ago, span)?)) else { continue };
        match (run.how, run.duration) {
            (PastHow::Dropped, _) => {
                skipped = skipped.saturating_add(run.ticks.unwrap_or(1));
                part.was_skipped = true;
            }
            (_, Some(duration)) => {
                ran += 1;
                failed += u64::from(run.is_failure());
                part.longest = Some(part.longest.unwrap_or(0.0).max(duration));
                part.has_failed |= run.is_failure();
            }
            (_, None) => {
                died += 1;
                part.has_died = true;
            }
        }
    }
    let counts = [
        (ran, "run", "runs"),
        (failed, "failed", "failed"),
        (skipped, "skipped", "skipped"),
        (died, "death", "deaths"),
    ];
    let words = counts.iter().filter(|(count, ..)| *count > 0);
    let words: Vec<String> =
        words.map(|(count, one, more)| format!("{count} {}", if *count == 1 { one } else { more })).collect();
    let words = if words.is_empty() { "nothing recorded".to_string() } else { words.join(", ") };
    html! {
        figure {
            figcaption { (name) ": " (words) }
            @if ran + skipped + died > 0 {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label={ (name) ": " (words) } {
                    path class="base" d={ "M0 " (BASE) "h" (WIDTH) } {}
                    (paths(&parts))
                }
            }
        }
    }
}

/// The part of the span in which something happened so long ago.
fn index(ago: Duration, span: Duration) -> Option<usize> {
    let parts = u128::try_from(PARTS).ok()?;
    let back = usize::try_from(ago.as_nanos() * parts / span.as_nanos().max(1)).ok()?;
    PARTS.checked_sub(1)?.checked_sub(back)
}

fn paths(parts: &[Part; PARTS]) -> Markup {
    let longest = parts.iter().filter_map(|part| part.longest).fold(0.0, f64::max);
    let (mut ran, mut failed, mut crosses, mut skipped, mut died) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    for (number, part) in parts.iter().enumerate() {
        let x = number * PART + PART / 2;
        if let Some(duration) = part.longest {
            let height = height(duration, longest);
            let bars = if part.has_failed { &mut failed } else { &mut ran };
            let _ = write!(bars, "M{x} {BASE}v-{height}");
            if part.has_failed {
                let _ = write!(crosses, "M{} {}l4 4m0-4l-4 4", x - 2, BASE - height - 6);
            }
        }
        if part.was_skipped {
            let _ = write!(skipped, "M{} {}h4v4h-4z", x - 2, BASE + 2);
        }
        if part.has_died {
            let _ = write!(died, "M{x} {}l3 6h-6z", BASE - 7);
        }
    }
    let all = [("ran", ran), ("failed", failed), ("cross", crosses), ("skipped", skipped), ("died", died)];
    html! {
        @for (class, path) in all {
            @if !path.is_empty() { path class=(class) d=(path) {} }
        }
    }
}

/// Relative to the longest run; even the shortest can be seen.
fn height(duration: f64, longest: f64) -> usize {
    let share = if longest > 0.0 { duration / longest } else { 0.0 };
    (2..=TALLEST).rev().find(|height| share * TALLEST as f64 >= *height as f64).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;

    fn run(now: SystemTime, ago: u64, how: PastHow, duration: Option<f64>) -> PastRun {
        let start = clock::utc_to_the_millisecond(now - Duration::from_secs(ago));
        let status = Some(i32::from(how == PastHow::Killed));
        PastRun { start, how, duration, status, what: String::new(), error: None, ticks: None }
    }

    #[test]
    fn runs_are_bars_and_failures_have_a_shape_of_their_own() {
        let now = clock::wall_now();
        let day = Duration::from_secs(86_400);
        let runs = [
            run(now, 86_500, PastHow::Exited, Some(99.0)),
            run(now, 3600, PastHow::Exited, Some(10.0)),
            run(now, 1800, PastHow::Killed, Some(5.0)),
            run(now, 60, PastHow::Dropped, None),
            run(now, 30, PastHow::Exited, None),
        ];
        let picture = timeline(&runs, now, day, "Last 24 hours").into_string();
        assert!(
            picture.contains("<figcaption>Last 24 hours: 2 runs, 1 failed, 1 skipped, 1 death</figcaption>")
        );
        for path in [
            "class=\"ran\" d=\"M549 38v-30\"",
            "class=\"failed\" d=\"M561 38v-15\"",
            "class=\"skipped\"",
            "class=\"died\"",
        ] {
            assert!(picture.contains(path), "{path}: {picture}");
        }
        let nothing = timeline(&runs[..1], now, day, "Last 24 hours").into_string();
        assert_eq!(nothing, "<figure><figcaption>Last 24 hours: nothing recorded</figcaption></figure>");
    }

    #[test]
    fn a_picture_is_bounded() {
        let now = clock::wall_now();
        let week = Duration::from_secs(7 * 86_400);
        let how = |number: u64| if number.is_multiple_of(2) { PastHow::Killed } else { PastHow::Exited };
        let runs: Vec<PastRun> =
            (0..10_000).map(|number| run(now, number * 60, how(number / 200), Some(1.0))).collect();
        assert!(timeline(&runs, now, week, "Last 7 days").into_string().len() < 4000);
        // a clock that was set, a duration that is none
        let odd = [run(now, 0, PastHow::Exited, Some(f64::MAX)), run(now, 0, PastHow::Exited, Some(-1.0))];
        assert!(timeline(&odd, now - week, week, "x").into_string().contains("nothing recorded"));
        assert!(timeline(&odd, now, week, "x").into_string().contains("2 runs"));
        let many = PastRun { ticks: Some(u64::MAX), ..run(now, 0, PastHow::Dropped, None) };
        let picture = timeline(&[many.clone(), many], now, week, "x").into_string();
        assert!(picture.contains(&format!("x: {} skipped", u64::MAX)), "{picture}");
    }
}
