//! Runs before the launcher started.

use super::*;

#[test]
fn a_restart_in_the_minute_of_a_schedule_does_not_repeat_its_start() {
    let daily = timing(schedule("08:00"));
    // started at 08:00:00.003, recorded to the millisecond; restarted 5 s later
    let mut pacer = Pacer::new(&daily, Duration::ZERO, started(0.003), at(5.0));
    assert_eq!(pacer.due(at(5.0)), Due::Wall(wall(86_400.0)));
    let mut pacer = Pacer::new(&daily, seconds(3.7), started(3.7), at(5.0));
    assert_eq!(pacer.due(at(5.0)), Due::Wall(wall(86_403.7)));
}

#[test]
fn missed_starts_run_once_at_startup_unless_too_late() {
    let hourly = timing(schedule("*:50"));
    let missed = started(-3.0 * 3600.0);
    let mut pacer = first(&hourly, missed);
    assert!(pacer.is_due(at(0.0)), "missed at 07:50");
    assert_eq!(run(&mut pacer, 0.0, 1.0), 2, "05:50 and 06:50");
    assert_eq!(pacer.due(at(1.0)), Due::Wall(wall(3000.0)));
    for (most, is_due) in [("11m", true), ("9m", false)] {
        let timing = Timing { max_late: Some(delay(most)), ..hourly.clone() };
        let mut pacer = first(&timing, missed);
        assert_eq!(pacer.is_due(at(0.0)), is_due, "{most}");
    }
    let timing = Timing { max_late: Some(delay("9m")), ..hourly.clone() };
    let mut pacer = first(&timing, missed);
    pacer.is_due(at(0.0));
    assert_eq!((pacer.due(at(0.0)), pacer.take_dropped()), (Due::Wall(wall(3000.0)), 3));
    // a first deployment, or --persist=no
    assert_eq!(first(&hourly, Past::default()).due(at(0.0)), Due::Wall(wall(3000.0)));
}

#[test]
fn a_kept_start_is_continued_by_intervals_and_rates() {
    let interval = timing(Pace::Interval(delay("1h")));
    let past = Past { last_start: Some(wall(-1900.0)), last_end: Some(wall(-1800.0)), ..Past::default() };
    assert_eq!(first(&interval, past).due(at(0.0)), boot(1800.0));
    assert_eq!(first(&interval, started(-7000.0)).due(at(0.0)), boot(0.0));
    let strict = Timing { max_late: Some(delay("10m")), ..interval };
    assert_eq!(first(&strict, started(-7000.0)).due(at(0.0)), boot(3600.0));

    let rate = timing(Pace::Every(delay("1h")));
    assert_eq!(first(&rate, past).due(at(0.0)), boot(1700.0));
    assert_eq!(first(&rate, started(-7000.0)).due(at(0.0)), boot(0.0));
    let strict = Timing { max_late: Some(delay("10m")), ..rate };
    assert_eq!(first(&strict, started(-7000.0)).due(at(0.0)), boot(200.0), "the old grid");
    assert_eq!(first(&strict, started(-7500.0)).due(at(0.0)), boot(0.0), "5 minutes late");
}

#[test]
fn a_tick_that_has_run_does_not_run_again_under_a_longer_splay() {
    // the host name or the option has changed: the tick of 0 s ran at 10 s, and would now be due at 50 s
    let timing = timing(schedule("*:*:00 UTC"));
    let mut pacer = Pacer::new(&timing, seconds(10.0), started(-120.0), at(10.0));
    assert!(pacer.is_due(at(10.0)));
    pacer.began(at(10.0));
    assert_eq!(pacer.considered(), Some(wall(0.0)));
    let past = Past { considered: pacer.considered(), ..started(10.0) };
    let mut next = Pacer::new(&timing, seconds(50.0), past, at(20.0));
    assert_eq!(next.due(at(20.0)), Due::Wall(wall(110.0)));
    pacer.change(&timing, seconds(50.0), at(20.0));
    assert_eq!(pacer.due(at(20.0)), Due::Wall(wall(110.0)));
}
