//! Tests with fake clocks.

mod persist;

use std::time::UNIX_EPOCH;

use super::*;
use crate::config::settings::{OnExit, OnStop, Persist};
use crate::config::timing::{Around, StopRules};
use crate::config::value::{Delay, StopSignal};
use crate::schedule::{Schedule, Zone};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// 2026-11-25 08:00:00 UTC, 1000 s after boot, plus this many seconds.
fn at(later: f64) -> Now {
    Now { boot: BootTime::from_boot(seconds(1000.0 + later)), wall: wall(later) }
}

fn wall(later: f64) -> SystemTime {
    let start = UNIX_EPOCH + Duration::from_secs(1_795_593_600);
    if later < 0.0 { start - seconds(-later) } else { start + seconds(later) }
}

fn boot(later: f64) -> Due {
    Due::At(BootTime::from_boot(seconds(1000.0 + later)))
}

/// With the wall clock set by this many seconds.
fn set_by(now: Now, step: f64) -> Now {
    let wall = if step < 0.0 { now.wall - seconds(-step) } else { now.wall + seconds(step) };
    Now { wall, ..now }
}

fn timing(pace: Pace) -> Timing {
    Timing {
        pace,
        initial_delay: None,
        persist: Persist::No,
        max_late: None,
        splay: None,
        timeout: None,
        stop: StopRules {
            signal: StopSignal(nix::sys::signal::Signal::SIGTERM),
            grace: Delay::from_secs(5),
            on_stop: OnStop::Kill,
            on_exit: OnExit::Leave,
        },
        backoff: None,
        max_failures: None,
        around: Around::default(),
        history: 200,
    }
}

fn delay(text: &str) -> Delay {
    Delay::parse(text).expect("a delay")
}

fn schedule(text: &str) -> Pace {
    let utc = || Zone::named("UTC");
    Pace::Schedule(Schedule::parse(text).and_then(|schedule| schedule.in_zone(utc)).expect("a schedule"))
}

fn first(timing: &Timing, past: Past) -> Pacer {
    Pacer::new(timing, Duration::ZERO, past, at(0.0))
}

fn started(last_start: f64) -> Past {
    Past { last_start: Some(wall(last_start)), ..Past::default() }
}

/// A run from one moment to another.
fn run(pacer: &mut Pacer, from: f64, to: f64) -> u64 {
    pacer.began(at(from));
    pacer.ended(at(to), None);
    pacer.take_dropped()
}

#[test]
fn an_interval_is_from_the_end_of_a_run() {
    let mut pacer = first(&timing(Pace::Interval(delay("60"))), Past::default());
    assert!(pacer.is_due(at(0.0)));
    assert_eq!(run(&mut pacer, 0.0, 12.5), 0);
    assert_eq!(pacer.due(at(12.5)), boot(72.5));
    assert!(!pacer.is_due(at(72.4)) && pacer.is_due(at(72.5)));
    assert_eq!(pacer.next_in(at(72.0)), Some(seconds(0.5)));
}

#[test]
fn a_rate_stays_on_the_grid_of_the_first_start_and_drops_what_passes_in_a_run() {
    let mut pacer = first(&timing(Pace::Every(delay("0.2"))), Past::default());
    assert!(pacer.is_due(at(0.001)));
    assert_eq!(run(&mut pacer, 0.001, 0.05), 0);
    assert_eq!(pacer.due(at(0.05)), boot(0.2));
    // a late start does not move the grid
    assert_eq!(run(&mut pacer, 0.21, 0.26), 0);
    assert_eq!(pacer.due(at(0.26)), boot(0.4));
    assert_eq!(run(&mut pacer, 0.4, 0.9), 2);
    assert_eq!(pacer.due(at(0.9)), boot(1.0));
    // asleep for a day: one run, and the ticks before it are dropped
    assert!(pacer.is_due(at(86_401.05)));
    assert_eq!(run(&mut pacer, 86_401.05, 86_401.1), 432_000);
    assert_eq!(pacer.due(at(86_401.1)), boot(86_401.2));
}

#[test]
fn a_requested_run_leaves_the_next_tick() {
    let mut pacer = first(&timing(Pace::Every(delay("10"))), Past::default());
    assert_eq!(run(&mut pacer, 0.0, 1.0), 0);
    assert_eq!(run(&mut pacer, 4.0, 5.0), 0);
    assert_eq!(pacer.due(at(5.0)), boot(10.0));
    let mut pacer = first(&timing(schedule("*:0")), Past::default());
    assert_eq!(run(&mut pacer, 4.0, 5.0), 0);
    assert_eq!(pacer.due(at(5.0)), Due::Wall(wall(3600.0)));
}

#[test]
fn backoff_extends_a_delay_and_lands_on_the_grid() {
    let mut pacer = first(&timing(Pace::Interval(delay("5"))), Past::default());
    pacer.began(at(0.0));
    pacer.ended(at(1.0), Some(seconds(20.0)));
    assert_eq!(pacer.due(at(1.0)), boot(21.0));
    let mut pacer = first(&timing(Pace::Every(delay("5"))), Past::default());
    pacer.began(at(0.0));
    pacer.ended(at(1.0), Some(seconds(12.0)));
    assert_eq!(pacer.due(at(1.0)), boot(15.0));
    pacer.began(at(15.0));
    pacer.ended(at(16.0), Some(seconds(5.0)));
    assert_eq!((pacer.due(at(16.0)), pacer.take_dropped()), (boot(20.0), 0));
}

#[test]
fn the_initial_delay_comes_before_every_first_run() {
    for pace in [Pace::Interval(delay("60")), Pace::Every(delay("60")), Pace::Once { retry: delay("5") }] {
        let timing = Timing { initial_delay: Some(delay("7")), ..timing(pace) };
        assert_eq!(first(&timing, Past::default()).due(at(0.0)), boot(7.0));
    }
    let timing = Timing { initial_delay: Some(delay("7")), ..timing(schedule("*:*:0/5")) };
    let mut pacer = first(&timing, Past::default());
    assert_eq!(pacer.due(at(0.0)), boot(7.0));
    assert!(!pacer.is_due(at(6.0)) && pacer.is_due(at(7.0)));
    assert_eq!(run(&mut pacer, 7.0, 8.0), 0);
    assert_eq!(pacer.due(at(8.0)), Due::Wall(wall(10.0)));
}

#[test]
fn an_initial_delay_beside_a_schedule_is_one_more_run() {
    let hourly = |initial| Timing { initial_delay: Some(initial), ..timing(schedule("*:50")) };
    let at_once = hourly(Delay::parse_or_zero("0").expect("zero"));
    let mut pacer = first(&at_once, Past::default());
    assert!(pacer.is_due(at(0.0)));
    assert_eq!(run(&mut pacer, 0.0, 1.0), 0);
    assert_eq!(pacer.due(at(1.0)), Due::Wall(wall(3000.0)));
    // at every start, even if the schedule has just run
    let past = Past { considered: Some(wall(-600.0)), ..started(-600.0) };
    assert!(first(&at_once, past).is_due(at(0.0)));
    // it is made up by that run, however late
    let strict = Timing { max_late: Some(delay("1m")), ..at_once.clone() };
    let mut pacer = first(&strict, started(-3.0 * 3600.0));
    assert!(pacer.is_due(at(0.0)));
    assert_eq!(run(&mut pacer, 0.0, 1.0), 2);
    // splay applies to every start, and the clock does not matter
    let mut pacer = Pacer::new(&hourly(delay("7")), seconds(3.0), Past::default(), at(0.0));
    assert_eq!(pacer.due(set_by(at(1.0), 86_400.0)), boot(10.0));
    assert!(!pacer.is_due(at(9.9)) && pacer.is_due(at(10.0)));
    // read again with the same schedule, or another; with another kind there is no such run
    pacer.change(&hourly(delay("7")), seconds(3.0), at(1.0));
    assert_eq!(pacer.due(at(1.0)), boot(10.0));
    pacer.change(&timing(Pace::Interval(delay("60"))), seconds(3.0), at(1.0));
    assert_eq!(pacer.due(at(1.0)), boot(61.0));
    // after a rest that an edit during the last run has ended, a loop is no faster
    let mut pacer = first(&at_once, Past::default());
    pacer.first_after(seconds(60.0), at(0.0));
    assert_eq!(pacer.due(at(0.0)), Due::Wall(wall(3000.0)));
}

#[test]
fn a_schedule_waits_for_its_time_and_drops_what_passes_in_a_run() {
    let mut pacer = first(&timing(schedule("*:0/15")), Past::default());
    assert_eq!(pacer.due(at(0.0)), Due::Wall(wall(900.0)));
    assert!(!pacer.is_due(at(899.9)) && pacer.is_due(at(900.0)));
    assert_eq!(run(&mut pacer, 900.0, 950.0), 0);
    assert_eq!(run(&mut pacer, 1800.0, 3700.0), 2);
    assert_eq!(pacer.due(at(3700.0)), Due::Wall(wall(4500.0)));
}

#[test]
fn a_schedule_without_further_starts_is_never_due() {
    let mut pacer = first(&timing(schedule("2026-11-25 09:00")), Past::default());
    assert_eq!(pacer.due(at(0.0)), Due::Wall(wall(3600.0)));
    assert_eq!(run(&mut pacer, 3600.0, 3601.0), 0);
    assert_eq!((pacer.due(at(3601.0)), pacer.next_in(at(3601.0))), (Due::Never, None));
    assert!(!pacer.is_due(at(3601.0)));
}

#[test]
fn splay_moves_the_first_run_and_each_start_of_a_schedule() {
    let own = seconds(40.0);
    for pace in [Pace::Interval(delay("60")), Pace::Every(delay("60"))] {
        assert_eq!(Pacer::new(&timing(pace), own, Past::default(), at(0.0)).due(at(0.0)), boot(40.0));
    }
    let mut pacer = Pacer::new(&timing(schedule("*:0/15")), own, Past::default(), at(0.0));
    // the tick of 08:00 is still to come, at 08:00:40
    assert_eq!(pacer.due(at(0.0)), Due::Wall(wall(40.0)));
    assert!(!pacer.is_due(at(39.9)) && pacer.is_due(at(40.0)));
    assert_eq!(run(&mut pacer, 40.0, 50.0), 0);
    assert_eq!(pacer.due(at(50.0)), Due::Wall(wall(940.0)));
}

#[test]
fn a_step_of_the_wall_clock_moves_no_delay() {
    for pace in [Pace::Interval(delay("60")), Pace::Every(delay("60"))] {
        let mut pacer = first(&timing(pace), Past::default());
        run(&mut pacer, 0.0, 0.0);
        for step in [-7200.0, 7200.0] {
            assert_eq!(pacer.due(set_by(at(30.0), step)), boot(60.0));
            assert!(!pacer.is_due(set_by(at(59.9), step)) && pacer.is_due(set_by(at(60.0), step)));
        }
    }
}

#[test]
fn a_clock_correction_neither_loses_nor_repeats_a_start() {
    let mut pacer = first(&timing(schedule("*:0/15")), Past::default());
    pacer.due(at(0.0));
    // past the tick of 08:15: it runs once
    assert!(pacer.is_due(set_by(at(880.0), 30.0)));
    pacer.began(set_by(at(880.0), 30.0));
    pacer.ended(set_by(at(881.0), 30.0), None);
    assert_eq!(pacer.take_dropped(), 0);
    // and back before it: it does not run again
    assert!(!pacer.is_due(at(905.0)));
    assert_eq!(pacer.due(at(905.0)), Due::Wall(wall(1800.0)));
}

#[test]
fn a_clock_set_to_a_new_time_restarts_the_pace() {
    let mut pacer = first(&timing(schedule("09:00")), Past::default());
    assert_eq!(pacer.due(at(0.0)), Due::Wall(wall(3600.0)));
    // from 08:00 to 10:00: nothing was missed
    let ahead = set_by(at(10.0), 7200.0);
    assert!(!pacer.is_due(ahead));
    assert_eq!((pacer.due(ahead), pacer.take_dropped()), (Due::Wall(wall(90_000.0)), 0));
    // and back to the day before
    let back = set_by(at(20.0), -86_400.0);
    assert_eq!(pacer.due(back), Due::Wall(wall(3600.0 - 86_400.0)));
}

#[test]
fn suspended_time_is_not_a_step_of_the_clock() {
    let mut pacer = first(&timing(schedule("09:00")), Past::default());
    pacer.due(at(0.0));
    assert!(pacer.is_due(at(3.0 * 86_400.0)));
    assert_eq!(run(&mut pacer, 3.0 * 86_400.0, 3.0 * 86_400.0 + 1.0), 2);
}

#[test]
fn another_schedule_takes_effect_at_once_and_has_missed_nothing() {
    let mut pacer = first(&timing(schedule("09:00")), Past::default());
    pacer.change(&timing(schedule("07:30")), Duration::ZERO, at(10.0));
    assert_eq!(pacer.due(at(10.0)), Due::Wall(wall(84_600.0)));
    pacer.change(&timing(Pace::Interval(delay("60"))), Duration::ZERO, at(20.0));
    assert_eq!(pacer.due(at(20.0)), boot(80.0));
    run(&mut pacer, 80.0, 90.0);
    pacer.change(&timing(Pace::Interval(delay("30"))), Duration::ZERO, at(100.0));
    assert_eq!(pacer.due(at(100.0)), boot(120.0));
    pacer.change(&timing(Pace::Every(delay("50"))), Duration::ZERO, at(100.0));
    assert_eq!(pacer.due(at(100.0)), boot(150.0));
}

#[test]
fn a_month_of_seconds_is_skipped_quickly() {
    let mut pacer = first(&timing(schedule("*:*:*")), started(-30.0 * 86_400.0));
    assert!(pacer.is_due(at(0.0)));
    assert!(run(&mut pacer, 0.0, 0.5) >= MAX_COUNTED - 1);
    assert_eq!(pacer.due(at(0.5)), Due::Wall(wall(1.0)));
}
