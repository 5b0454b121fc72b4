//! Conditions on the time of day: `[ "$(date +%H:%M)" = 09:00 ]`.

use super::condition::test_words;
use super::syntax::{Command, CommandKind, Link, Statement};
use crate::convert::word::Word;

/// When a condition on the clock holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    hour: Option<u8>,
    minute: Option<u8>,
    weekday: Option<u8>,
    day: Option<u8>,
    zone: Option<String>,
    has_zone: bool,
}

impl Clock {
    /// Reads conditions that are joined by `&&`; none if one of them is no comparison with the clock.
    pub(crate) fn of_statements(statements: &[Statement]) -> Option<Clock> {
        let [statement] = statements else { return None };
        if statement.is_background || statement.rest.iter().any(|(link, _)| *link == Link::Or) {
            return None;
        }
        Clock::of_commands(statement.commands())
    }

    /// The same for commands.
    pub(crate) fn of_commands<'c>(commands: impl Iterator<Item = &'c Command>) -> Option<Clock> {
        let mut clock = Clock::default();
        for command in commands {
            let words = match &command.kind {
                CommandKind::Test(words) => words.clone(),
                CommandKind::Simple(simple) => test_words(simple)?,
                _ => return None,
            };
            for part in words.split(|word| word.is("-a")) {
                clock.add(part)?;
            }
        }
        Some(clock)
    }

    /// As `--schedule` has it.
    pub(crate) fn schedule(&self) -> Option<String> {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let mut parts = Vec::new();
        if let Some(day) = self.weekday {
            parts.push((*DAYS.get(usize::from(day.checked_sub(1)?))?).to_string());
        }
        if let Some(day) = self.day {
            parts.push(format!("*-*-{day:02}"));
        }
        parts.push(match (self.hour, self.minute) {
            (Some(hour), minute) => format!("{hour:02}:{:02}", minute.unwrap_or(0)),
            (None, Some(minute)) => format!("*:{minute:02}"),
            (None, None) => return None,
        });
        parts.extend(self.zone.clone());
        Some(parts.join(" "))
    }

    /// How long it holds, in seconds.
    pub(crate) fn holds_for(&self) -> u64 {
        if self.minute.is_some() { 60 } else { 3600 }
    }

    /// `"$(date +FORMAT)" = TEXT`
    fn add(&mut self, words: &[Word]) -> Option<()> {
        let [left, operator, right] = words else { return None };
        if !["=", "==", "-eq"].iter().any(|each| operator.is(each)) {
            return None;
        }
        let raw = left.raw.trim_matches('"');
        let inner = raw
            .strip_prefix("$(")
            .and_then(|raw| raw.strip_suffix(')'))
            .or_else(|| raw.strip_prefix('`').and_then(|raw| raw.strip_suffix('`')))?;
        let mut zone = None;
        let mut format = None;
        for word in inner.split_whitespace() {
            match word {
                "date" => {}
                "-u" | "--utc" => zone = Some("UTC".to_string()),
                _ => match (word.strip_prefix("TZ="), word.trim_matches(['"', '\'']).strip_prefix('+')) {
                    (Some(name), _) => zone = Some(name.trim_matches(['"', '\'']).to_string()),
                    (None, Some(text)) if format.is_none() => format = Some(text.to_string()),
                    _ => return None,
                },
            }
        }
        if self.has_zone && self.zone != zone {
            return None;
        }
        self.zone = zone;
        self.has_zone = true;
        self.match_format(&format?, &right.literal()?, operator.is("-eq"))
    }

    /// Reads the text by the format of date.
    fn match_format(&mut self, format: &str, text: &str, is_number: bool) -> Option<()> {
        let mut rest = text.to_string();
        let mut format = format.chars();
        while let Some(character) = format.next() {
            if character != '%' {
                rest = rest.strip_prefix(character)?.to_string();
                continue;
            }
            let field = match format.next()? {
                '-' => format.next().map(|field| (field, true))?,
                field => (field, is_number),
            };
            let (letter, is_short) = field;
            let width = match letter {
                'u' | 'w' => 1,
                'a' => 3,
                'H' | 'M' | 'd' if is_short => rest.chars().take_while(char::is_ascii_digit).count().min(2),
                'H' | 'M' | 'd' => 2,
                _ => return None,
            };
            let (value, after) = rest.split_at_checked(width)?;
            self.set(letter, value)?;
            rest = after.to_string();
        }
        rest.is_empty().then_some(())
    }

    fn set(&mut self, letter: char, value: &str) -> Option<()> {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let number = value.parse::<u8>().ok();
        let (field, number, most) = match letter {
            'H' => (&mut self.hour, number?, 23),
            'M' => (&mut self.minute, number?, 59),
            'd' => (&mut self.day, number.filter(|day| *day > 0)?, 31),
            'u' => (&mut self.weekday, number.filter(|day| *day > 0)?, 7),
            'w' => (&mut self.weekday, if number? == 0 { 7 } else { number? }, 7),
            _ => {
                let index = DAYS.iter().position(|day| *day == value)?;
                (&mut self.weekday, u8::try_from(index + 1).ok()?, 7)
            }
        };
        // two conditions on the same field are never both true, or say the same
        if number > most || field.is_some_and(|before| before != number) {
            return None;
        }
        *field = Some(number);
        Some(())
    }
}
