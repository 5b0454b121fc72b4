//! Runs at a glance: a mark for each, and a bar for its duration. Both can be read without colour.

use crate::record::{PastHow, PastRun};

/// The bars, from the shortest run to the longest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What each mark means, in the order of a legend.
const MARKS: [(char, &str); 8] = [
    ('.', "succeeded"),
    ('x', "failed"),
    ('t', "timed out"),
    ('k', "killed"),
    ('n', "not started"),
    ('s', "stopped"),
    ('-', "starts skipped"),
    ('?', "unknown"),
];

/// The mark of a run.
pub(super) fn mark(run: &PastRun) -> char {
    match run.how {
        PastHow::Exited if run.is_failure() => 'x',
        PastHow::Exited => '.',
        PastHow::TimedOut => 't',
        PastHow::Killed => 'k',
        PastHow::NotStarted => 'n',
        PastHow::Stopped => 's',
        PastHow::Dropped => '-',
        PastHow::Unknown => '?',
    }
}

/// One mark for each run.
pub(super) fn marks(runs: &[PastRun]) -> String {
    runs.iter().map(mark).collect()
}

/// `. succeeded  x failed`: those that are there.
pub(super) fn legend(marks: &str) -> String {
    let used = MARKS.iter().filter(|(mark, _)| marks.contains(*mark));
    used.map(|(mark, meaning)| format!("{mark} {meaning}")).collect::<Vec<_>>().join("  ")
}

/// One bar for each run, by its duration relative to the longest; a blank for one that did not run.
pub(super) fn bars(runs: &[PastRun]) -> String {
    let longest = runs.iter().filter_map(|run| run.duration).fold(0.0, f64::max);
    let bar = |run: &PastRun| {
        let share = if longest > 0.0 { run.duration? / longest } else { 0.0 };
        let step = BARS.iter().zip(1_u8..).find(|(_, number)| share <= f64::from(*number) / 8.0);
        Some(step.map_or('█', |(bar, _)| *bar))
    };
    runs.iter().map(|run| bar(run).unwrap_or(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(how: PastHow, duration: Option<f64>, status: Option<i32>) -> PastRun {
        let start = "2026-11-27T09:00:00.000Z".to_string();
        PastRun { start, how, duration, status, what: String::new(), error: None, ticks: None }
    }

    #[test]
    fn each_run_has_a_mark_and_a_bar() {
        let runs = [
            run(PastHow::Exited, Some(1.0), Some(0)),
            run(PastHow::Exited, Some(8.0), Some(1)),
            run(PastHow::TimedOut, Some(4.0), Some(124)),
            run(PastHow::Dropped, None, None),
            run(PastHow::NotStarted, Some(0.0), Some(127)),
        ];
        assert_eq!((marks(&runs).as_str(), bars(&runs).as_str()), (".xt-n", "▁█▄ ▁"));
        assert_eq!(
            legend(&marks(&runs)),
            ". succeeded  x failed  t timed out  n not started  - starts skipped"
        );
        assert_eq!((bars(&runs[4..]).as_str(), bars(&[]).as_str()), ("▁", ""));
    }
}
