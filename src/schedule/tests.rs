use std::convert::Infallible;

use super::*;

fn zoned(text: &str) -> ZonedSchedule {
    let schedule = Schedule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    schedule.in_zone(|| Ok::<_, Infallible>(Zone::named("UTC").expect("a zone"))).expect("a zone")
}

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

/// Local times of the next starts.
fn next(text: &str, from: &str, count: usize) -> Vec<String> {
    let schedule = zoned(text);
    let from: Timestamp = from.parse().expect("an instant");
    let mut instant = at(from.as_second().try_into().expect("after 1970"));
    let mut starts = Vec::new();
    while starts.len() < count
        && let Some(start) = schedule.after(instant)
    {
        starts.push(schedule.local(start));
        instant = start;
    }
    starts
}

#[test]
fn clock_changes_are_as_promised() {
    let text = include_str!("../../tests/data/schedule-dst-cases.json");
    let cases: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let cases = cases["cases"].as_array().expect("cases");
    assert!(cases.len() >= 9);
    for case in cases {
        let field = |name: &str| case[name].as_str().expect("a text").to_string();
        let mut words: Vec<String> = field("cron").split(' ').map(str::to_string).collect();
        words.push(field("zone"));
        let schedule = zoned(&words.join(" "));
        let mut instant = at(case["after"].as_u64().expect("seconds"));
        for (second, local) in case["expected"]
            .as_array()
            .expect("starts")
            .iter()
            .zip(case["expected_local"].as_array().expect("starts"))
        {
            let start = schedule.after(instant).expect("a start");
            assert_eq!(start, at(second.as_u64().expect("seconds")), "{}", field("what"));
            assert_eq!(schedule.local(start), local.as_str().expect("a text"), "{}", field("what"));
            instant = start;
        }
    }
}

#[test]
fn both_forms_follow_the_same_rules_at_a_clock_change() {
    for (event, cron, from) in [
        ("02:30 America/New_York", "30 2 * * * America/New_York", "2025-03-09T05:00:00Z"),
        ("*:0/15 America/New_York", "*/15 * * * * America/New_York", "2025-03-09T05:00:00Z"),
        ("*:30 Australia/Lord_Howe", "30 * * * * Australia/Lord_Howe", "2025-04-05T12:00:00Z"),
        ("1:0/15 Europe/Dublin", "*/15 1 * * * Europe/Dublin", "2025-10-25T20:00:00Z"),
        ("00:00 America/Santiago", "0 0 * * * America/Santiago", "2025-09-06T00:00:00Z"),
    ] {
        assert_eq!(next(event, from, 30), next(cron, from, 30), "{event}");
    }
}

#[test]
fn times_in_a_repeated_hour_run_once_and_in_a_gap_together_at_its_end() {
    assert_eq!(
        next("1:0/30 America/New_York", "2025-11-02T04:00:00Z", 3),
        ["2025-11-02T01:00:00-04:00", "2025-11-02T01:30:00-04:00", "2025-11-03T01:00:00-05:00"]
    );
    assert_eq!(
        next("2:0/15 America/New_York", "2025-03-09T05:00:00Z", 2),
        ["2025-03-09T03:00:00-04:00", "2025-03-10T02:00:00-04:00"]
    );
    // called within the second pass
    assert_eq!(next("01:30 America/New_York", "2025-11-02T06:10:00Z", 1), ["2025-11-03T01:30:00-05:00"]);
}

#[test]
fn a_thousand_starts_strictly_increase() {
    for text in [
        "*:*:*",
        "*:0/7 America/New_York",
        "30 2 * * * America/New_York",
        "0/3:0/20 Australia/Lord_Howe",
        "Mon..Fri 09,18:00 Europe/Dublin",
        "*-*~1 23:59:59 Pacific/Apia",
        "0 0 13 * 5 Africa/Casablanca",
    ] {
        let schedule = zoned(text);
        // a few days before the clocks change in New York
        let mut instant = at(1_741_000_000);
        for _ in 0..1000 {
            let Some(start) = schedule.after(instant) else { break };
            assert!(start > instant, "{text}");
            instant = start;
        }
    }
}

#[test]
fn a_search_that_finds_nothing_ends() {
    for text in ["2020-01-01 09:00", "2199-12-31 23:59:59"] {
        assert_eq!(zoned(text).after(at(7_258_118_399)), None, "{text}");
    }
    assert_eq!(next("Mon *-02-29", "2172-03-01T00:00:00Z", 2), ["2196-02-29T00:00:00+00:00"]);
    assert_eq!(zoned("* * * * *").after(at(u64::from(u32::MAX) * 1000)), None);
}

#[test]
fn what_never_occurs_or_never_repeats_is_refused() {
    for (text, why) in [
        ("*-02-31", "never occurs"),
        ("0 0 31 2 *", "never occurs"),
        ("0 0 31 4,6,9,11 *", "never occurs"),
        ("2025-02-29 12:00", "never occurs"),
        ("Tue 2026-11-23", "never falls on that weekday"),
        ("*/60 * * * *", "steps beyond"),
        ("5/4294967295 * * * *", "steps beyond"),
        ("*:5/4294967295", "steps beyond"),
        ("0 */24 * * *", "steps beyond"),
        ("*:0/60", "steps beyond"),
        ("*:50/15", "steps beyond"),
        ("*:*/15", "has a step after '*'"),
        ("*,5:00", "'*' cannot be combined"),
        ("60 * * * *", "not a number from 0 to 59"),
        ("* 24 * * *", "not a number from 0 to 23"),
        ("* * 0 * *", "not a number from 1 to 31"),
        ("* * * 13 *", "not a number from 1 to 12"),
        ("* * * * 8", "not a number from 0 to 7"),
        ("* * * * fri-mon", "ends before it starts"),
        ("*/0 * * * *", "the step in"),
        ("1- * * * *", "not a number from"),
        ("+5 * * * *", "not a number from"),
        ("0 0 L * *", "not supported"),
        ("24:00", "not a number from 0 to 23"),
        ("09:00:60", "not a number from 0 to 59"),
        ("09:00:00.5", "not a number from"),
        ("5..3:00", "ends before it starts"),
        ("Fri..Mon", "wraps around"),
        ("Mo 09:00", "not a weekday"),
        ("* * * *", "has 4 of a crontab's five fields"),
        ("0 9", "has 2 of a crontab's five fields"),
        ("09:00 10:00", "out of order"),
        ("9", "neither a date nor a time"),
        ("@reboot", "not a time"),
        ("@fortnightly", "not a nickname"),
        ("@daily Asia/Tokyo x", "more than a zone"),
        ("0 9 * * * * Asia/Tokyo", "has six fields"),
        ("Mon,,Tue 09:00", "not a weekday"),
        ("*:0,30,", "not a number from"),
        ("TZ=Asia/Tokyo 0 9 * * * UTC", "names two zones"),
        ("TZ=Asia/Tokyo", "is empty"),
        ("", "is empty"),
    ] {
        match Schedule::parse(text) {
            Ok(schedule) => panic!("{text}: {schedule:?}"),
            Err(invalid) => assert!(invalid.reason.contains(why), "{text}: {invalid}"),
        }
    }
}

#[test]
fn every_spelling_in_a_hint_is_read() {
    for text in [
        "0 */5 * * * * Asia/Tokyo",
        "*/10 * * * * * Asia/Tokyo",
        "30 0 9 * * * Asia/Tokyo",
        "99 * * * * *",
        "0 0 12 * * ? * UTC",
        "0 0 12 * * ? 2027-2029 UTC",
        "0 9 * * * 2026 UTC",
        "09:00,18:00",
        "09:00..18:00",
        "09:00..18:30",
    ] {
        let hint = Schedule::parse(text).expect_err(text).hint.expect(text);
        for spelling in hint.split('\'').skip(1).step_by(2) {
            assert!(Schedule::parse(spelling).is_ok(), "{text}: {hint}");
        }
    }
}

#[test]
fn a_spelling_of_other_schedulers_gets_a_hint_with_ours() {
    for (text, why, hint) in [
        ("0 */5 * * * *", "has six fields", "write '*/5 * * * *'"),
        ("0 0 12 * * ?", "has six fields", "write '0 12 * * *'"),
        ("0 0 12 ? * MON-FRI", "has six fields", "write '0 12 * * MON-FRI'"),
        ("0 0 12 * * ? Asia/Tokyo", "has six fields", "write '0 12 * * * Asia/Tokyo'"),
        ("0 0 12 ? * 2", "has six fields", "name the weekdays"),
        ("*/10 * * * * *", "has six fields", "write '*:*:0/10'"),
        ("30 * * * * *", "has six fields", "write '*:*:30'"),
        ("30 0 9 * * *", "has six fields; other schedulers read the first as seconds", "'Mon..Fri 09:00:30'"),
        ("30 0 9 * * * Asia/Tokyo", "has six fields", "'Mon..Fri 09:00:30 Asia/Tokyo'"),
        ("*/10 * * * * * Asia/Tokyo", "has six fields", "write '*:*:0/10 Asia/Tokyo'"),
        ("0 0 25 * * *", "has six fields", "for seconds, use a calendar event"),
        ("0 9 * * * 2026 UTC", "has a sixth field", "'2026-*-* 09:00 UTC'"),
        ("0 0 12 * * ? *", "has seven fields", "write '0 12 * * *'"),
        ("0 0 12 * * ? * UTC", "has seven fields", "write '0 12 * * * UTC'"),
        ("0 0 12 * * ? 2027 UTC", "has seven fields", "'2027-*-* 09:00:30 UTC'"),
        ("Mon..Fri 09:00,18:00", "minutes, not by times", "write '09,18:00'"),
        ("9:30,12:30,18:30", "minutes, not by times", "write '9,12,18:30'"),
        ("09:00..18:00", "minutes, not by times", "for every hour in between, write '09..18:00'"),
        ("09:00,15:30", "minutes, not by times", "one service each"),
        ("09:00:00,18:00:00", "minutes, not by times", "write '09,18:00:00'"),
        ("0 9 * * * 2026", "has a sixth field", "'2026-*-* 09:00'"),
        ("0 12 * * ?", "is not supported in a crontab", "write *"),
        ("0 0 L * *", "is not supported in a crontab", "'*-*~1 04:30'"),
        ("0 0 L-3 * *", "is not supported in a crontab", "'*-*~1 04:30'"),
        ("0 0 15W * *", "is not supported in a crontab", "no equivalent"),
        ("0 0 * * 1#1", "is not supported in a crontab", "'Mon *-*-1..7 04:30'"),
        ("0 0 * * fri#2", "is not supported in a crontab", "'Fri *-*-8..14 04:30'"),
        ("0 0 * * 7#5", "is not supported in a crontab", "'Sun *-*-29..31 04:30'"),
        ("0 0 * * 5L", "is not supported in a crontab", "'Fri *-*~7/1 04:30'"),
        ("*:*/5", "has a step after '*'", "write '*:0/5'"),
        ("*/2:00", "has a step after '*'", "write '0/2:00'"),
        ("*-*-*/2", "has a step after '*'", "write '*-*-1/2'"),
        ("09:00 Mon", "out of order", "write 'Mon 09:00'"),
        ("09:00 *-*-1", "out of order", "write '*-*-1 09:00'"),
        ("Asia/Tokyo 09:00 Mon", "out of order", "write 'Mon 09:00 Asia/Tokyo'"),
        ("*-*-1 09:00 Mon,Tue", "out of order", "write 'Mon,Tue *-*-1 09:00'"),
        ("0:57..58/5", "'57..58/5' steps beyond 58", "write 57"),
        ("57-58/5 * * * *", "'57-58/5' steps beyond 58", "write 57"),
        ("*:0/60", "steps beyond 59", "write 0"),
        ("'0 9 * * *'", "contains quotes", "remove the inner quotes"),
        ("\"Mon 09:00\"", "contains quotes", "remove the inner quotes"),
        ("*-02-30", "there is no such date", "'*-02~1'"),
        ("Tue 2026-11-23", "never falls on that weekday", "omit the weekday"),
        ("0 9 * * * /usr/bin/hook", "has a command after five fields", "-- COMMAND"),
        ("0 9 * * * root run-parts /etc/cron.daily", "has more than a zone after five fields", "-- COMMAND"),
        ("TZ=JST 0 9 * * *", "is not a time zone", "write Asia/Tokyo"),
    ] {
        let invalid = Schedule::parse(text).expect_err(text);
        assert!(invalid.reason.contains(why), "{text}: {invalid}");
        assert!(invalid.hint.as_deref().unwrap_or_default().contains(hint), "{text}: {invalid:?}");
        // what the hint offers is valid
        if let Some(offered) = invalid.hint.as_deref().and_then(|hint| hint.split('\'').nth(1))
            && !offered.contains("WHEN")
        {
            assert!(Schedule::parse(offered).is_ok(), "{text}: {offered}");
        }
    }
}

#[test]
fn a_zone_may_stand_before_the_schedule_as_in_a_crontab() {
    for (text, same) in [
        ("TZ=Asia/Tokyo 0 9 * * *", "0 9 * * * Asia/Tokyo"),
        ("CRON_TZ=Asia/Tokyo @daily", "@daily Asia/Tokyo"),
        ("CRON_TZ=\"Asia/Tokyo\" 0 9 * * *", "0 9 * * * Asia/Tokyo"),
        ("TZ=:Asia/Tokyo Mon 09:00", "Mon 09:00 Asia/Tokyo"),
    ] {
        assert_eq!(zoned(text), zoned(same), "{text}");
        assert_eq!(zoned(text).key(), zoned(same).key(), "{text}");
    }
}

#[test]
fn crontab_ranges_of_weekdays_may_end_on_sunday() {
    for (text, same) in [
        ("0 9 * * fri-sun", "0 9 * * 0,5,6"),
        ("0 9 * * sat-sun", "0 9 * * 6,7"),
        ("0 9 * * 6-0", "0 9 * * 0,6"),
        ("0 9 * * 1-0", "0 9 * * *"),
        ("0 9 * * fri-sun/2", "0 9 * * 5,7"),
        ("0 9 * * 7-0", "0 9 * * 0"),
        ("0 9 * * 0-0", "0 9 * * 0"),
    ] {
        assert_eq!(next(text, "2026-11-23T00:00:00Z", 20), next(same, "2026-11-23T00:00:00Z", 20), "{text}");
    }
    for text in ["0 9 * * sat-mon", "0 9 * * 7-1", "0 9 6-0 * *", "10-0 9 * * *"] {
        assert!(Schedule::parse(text).is_err(), "{text}");
    }
}

#[test]
fn an_unknown_zone_is_refused_with_a_suggestion() {
    for (text, remedy) in [
        ("09:00 JST", "Asia/Tokyo"),
        ("0 9 * * * JST", "Asia/Tokyo"),
        ("@daily JST", "Asia/Tokyo"),
        ("09:00 Asia/Tokio", "did you mean Asia/Tokyo?"),
        ("09:00 UTC+9", "Etc/GMT-9"),
        ("09:00 Nowhere", "Europe/Berlin"),
    ] {
        let invalid = Schedule::parse(text).expect_err(text);
        assert!(invalid.reason.ends_with("is not a time zone"), "{text}: {invalid}");
        assert!(invalid.hint.as_deref().unwrap_or_default().contains(remedy), "{text}: {invalid:?}");
    }
}

#[test]
fn tz_is_read_as_the_c_library_does_but_never_silently_utc() {
    let zone = |text: &str| Zone::of_environment(Some(std::ffi::OsStr::new(text)));
    for (text, local) in [
        ("Asia/Tokyo", "2026-11-25T09:00:00+09:00"),
        (":Asia/Tokyo", "2026-11-25T09:00:00+09:00"),
        ("/usr/share/zoneinfo/Asia/Tokyo", "2026-11-25T09:00:00+09:00"),
        ("JST-9", "2026-11-25T09:00:00+09:00"),
        ("EST5EDT", "2026-11-24T19:00:00-05:00"),
        ("", "2026-11-25T00:00:00+00:00"),
        ("UTC", "2026-11-25T00:00:00+00:00"),
        ("America/St_Johns", "2026-11-24T20:30:00-03:30"),
    ] {
        let zone = zone(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(zone.local(Timestamp::from_second(1_795_564_800).expect("an instant")), local, "{text}");
    }
    for text in ["Asia/Tokio", "JST", "/etc/passwd", "../x"] {
        assert!(zone(text).is_err(), "{text}");
    }
}

#[test]
fn crontab_days_are_either_if_both_are_restricted() {
    assert_eq!(
        next("0 0 13 * 5", "2026-11-01T00:00:00Z", 4),
        ["2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27"].map(|day| format!("{day}T00:00:00+00:00"))
    );
    // a star, even with a step, does not restrict on its own
    assert_eq!(next("0 0 */2 * mon", "2026-11-01T00:00:00Z", 1), ["2026-11-09T00:00:00+00:00"]);
    assert_eq!(next("0 0 * * 7", "2026-11-23T00:00:00Z", 1), ["2026-11-29T00:00:00+00:00"]);
    assert_eq!(next("@weekly", "2026-11-23T00:00:00Z", 1), ["2026-11-29T00:00:00+00:00"]);
    assert_eq!(next("weekly", "2026-11-24T00:00:00Z", 1), ["2026-11-30T00:00:00+00:00"]);
}

#[test]
fn any_words_are_a_schedule_or_an_error() {
    const PIECES: [&str; 36] = [
        " ",
        " ",
        " ",
        "*",
        "0",
        "5",
        "59",
        "4294967295",
        "/",
        "-",
        "..",
        ",",
        ":",
        "~",
        "#",
        "L",
        "W",
        "?",
        "mon",
        "Fri",
        "jan",
        "@daily",
        "TZ=",
        "CRON_TZ=",
        "UTC",
        "Asia/Tokyo",
        "'",
        "\"",
        "2026",
        "é",
        "daily",
        "*/",
        "09:00",
        "*-*-1",
        "=",
        "@",
    ];
    let mut seed = 1_u64;
    let mut number = |below: usize| {
        // Knuth's MMIX
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut read = 0;
    for _ in 0..1_000 {
        let text: String = (0..1 + number(12)).map(|_| PIECES[number(PIECES.len())]).collect();
        read += usize::from(Schedule::parse(&text).is_ok());
    }
    assert!(read > 2, "{read}");
}
