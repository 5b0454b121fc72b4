//! Rates and intervals.

use crate::support::direct::Direct;
use crate::support::{eventually, needs};
use crate::{STAMP, starts};

#[test]
fn every_keeps_to_its_grid_over_a_hundred_runs() {
    needs!(root);
    let mut worst = Vec::new();
    // on a busy machine the scheduler has its share: the best of three rounds counts
    let good = (0..3).any(|_| {
        let direct = Direct::start("every-grid", &["--every", "0.2"], &format!("{STAMP}; sleep 0.05"));
        // some seconds each: a wait with a bound
        for count in [25, 50, 75, 100] {
            eventually(&format!("{count} runs are begun"), || {
                (starts(&direct.log()).len() >= count).then_some(())
            });
        }
        let log = direct.log();
        let starts = starts(&log);
        let off = (starts[99] - starts[0]) - 99.0 * 0.2;
        eprintln!("--every 0.2, start 100: {:.1} ms off the grid", off * 1000.0);
        worst.push(off);
        off.abs() <= 0.030
    });
    assert!(good, "{worst:?}");
}

#[test]
fn every_drops_and_counts_the_ticks_of_a_long_run() {
    needs!(root);
    let direct = Direct::start("every-long", &["--every", "0.2"], &format!("{STAMP}; sleep 0.5"));
    let record = eventually("six runs", || {
        let record = direct.record();
        (record["runs"].as_u64()? >= 6 && record["last_end"].is_string()).then_some(record)
    });
    let (runs, skipped) =
        (record["runs"].as_u64().expect("runs"), record["skipped"].as_u64().expect("skipped"));
    assert!(skipped == 2 * runs || skipped == 2 * (runs - 1), "two a run: {record}");
    let starts = starts(&direct.log());
    for pair in starts.windows(2) {
        let distance = pair[1] - pair[0];
        assert!((distance - 0.6).abs() < 0.15, "on the grid: {distance}");
        assert!(distance > 0.2, "never closer than the grid: {distance}");
    }
}

#[test]
fn an_interval_is_the_delay_and_the_run_together() {
    needs!(root);
    let mut rounds = Vec::new();
    let good = (0..3).any(|_| {
        let direct =
            Direct::start("interval-period", &["--interval", "0.5"], &format!("{STAMP}; exec sleep 0.3"));
        let log = eventually("eight runs", || {
            let log = direct.log();
            (starts(&log).len() >= 8).then_some(log)
        });
        let starts = starts(&log);
        let period = (starts[7] - starts[0]) / 7.0;
        eprintln!("--interval 0.5 with a run of 0.3 s: {period:.4} s");
        rounds.push(period);
        (period - 0.8).abs() <= 0.020
    });
    assert!(good, "{rounds:?}");
}
