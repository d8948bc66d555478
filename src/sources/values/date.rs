//! Dates, with or without a time and a zone.

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::{BadValue, Parsed};
use crate::model::Day;

const HINT: &str = "write it as 2026-11-25 or 25.11.2026";

/// Reads `DD.MM.YYYY[ HH:MM[:SS]]` or ISO 8601 with or without time and zone into a local day.
///
/// A time with a zone is an instant and gets the day that it has in `zone`. A time without one is
/// taken to be local already. `01/02/2026` is an error: nobody can know which month that is.
pub(in crate::sources) fn local_day(text: &str, zone: Tz) -> Parsed<Day> {
    let text = text.trim();
    let date_len = text.find(|c: char| c == 'T' || c.is_whitespace());
    let (date, rest) = text.split_at(date_len.unwrap_or(text.len()));
    let date = calendar_date(date)?;
    let rest = rest.trim_start_matches(|c: char| c == 'T' || c.is_whitespace());
    if rest.is_empty() {
        return Ok(Day::from_date(date));
    }
    let LocalTime { time, offset } = LocalTime::of(rest)
        .ok_or_else(|| BadValue::new("has a time that is not understood", HINT))?;
    let Some(offset) = offset else {
        return Ok(Day::from_date(date));
    };
    let instant = date
        .and_time(time)
        .checked_sub_signed(offset)
        .ok_or_else(not_a_date)?;
    let local = zone.from_utc_datetime(&Utc.from_utc_datetime(&instant).naive_utc());
    Ok(Day::from_date(local.date_naive()))
}

fn not_a_date() -> BadValue {
    BadValue::new("is not a date", HINT)
}

/// Reads the date alone: year first with `-`, `/` or `.`, or day first with `.`.
fn calendar_date(text: &str) -> Parsed<NaiveDate> {
    let mark = text.find(['-', '.', '/']).ok_or_else(not_a_date)?;
    let separator = text.as_bytes()[mark] as char;
    let mut parts = text.split(separator);
    let (Some(a), Some(b), Some(c), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(not_a_date());
    };
    let (year, month, day) = match (a.len(), separator, c.len()) {
        (4, ..) => (a, b, c),
        (1 | 2, '.', 4) => (c, b, a),
        (1 | 2, '.', 2) => {
            return Err(BadValue::new("has a year of two digits", HINT));
        }
        (1 | 2, '/' | '-', 4) => {
            return Err(BadValue::new(
                "can be read in two ways: which one is the month?",
                HINT,
            ));
        }
        _ => return Err(not_a_date()),
    };
    let number = |part: &str| -> Option<u32> {
        let digits = !part.is_empty() && part.len() <= 4;
        let all = digits && part.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| {
            part.bytes()
                .fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'))
        })
    };
    match (number(year), number(month), number(day)) {
        (Some(year), Some(month), Some(day)) => NaiveDate::from_ymd_opt(year as i32, month, day)
            .ok_or_else(|| BadValue::new("is a day that the calendar does not have", HINT)),
        _ => Err(not_a_date()),
    }
}

/// A time of day, and how far it is ahead of UTC where the text says so.
struct LocalTime {
    time: NaiveTime,
    offset: Option<TimeDelta>,
}

impl LocalTime {
    /// Reads `10:00`, `10:00:00.5`, each with `Z`, `UTC`, `+02:00`, `+0200` or `+02` behind it.
    fn of(text: &str) -> Option<Self> {
        let zone_at = text.find(|c: char| !c.is_ascii_digit() && !":.,".contains(c));
        let (clock, zone) = text.split_at(zone_at.unwrap_or(text.len()));
        let clock = clock.split(['.', ',']).next().unwrap_or_default();
        let mut parts = clock.split(':').map(two_digits);
        let hour = parts.next()??;
        let minute = parts.next()??;
        let second = parts.next().unwrap_or(Some(0))?;
        if parts.next().is_some() {
            return None;
        }
        // A leap second is the last second of its minute for a business date.
        let time = NaiveTime::from_hms_opt(hour, minute, second.min(59))?;
        let zone = zone.trim();
        let offset = if zone.is_empty() {
            None
        } else {
            Some(offset(zone)?)
        };
        Some(Self { time, offset })
    }
}

/// How far a zone is ahead of UTC; nothing when the text is not understood.
fn offset(zone: &str) -> Option<TimeDelta> {
    if ["Z", "z", "UTC", "GMT"].contains(&zone) {
        return Some(TimeDelta::zero());
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (two_digits(hours)?, two_digits(minutes)?),
        None if digits.len() == 4 && digits.is_ascii() => {
            (two_digits(&digits[..2])?, two_digits(&digits[2..])?)
        }
        None => (two_digits(digits)?, 0),
    };
    if hours > 15 || minutes > 59 {
        return None;
    }
    let minutes = i64::from(hours * 60 + minutes);
    Some(TimeDelta::minutes(sign * minutes))
}

/// One or two digits.
fn two_digits(text: &str) -> Option<u32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Moscow;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_in_the_ways_that_exports_write_them() {
        for (text, day) in [
            ("2026-05-01", "2026-05-01"),
            ("2026/05/01", "2026-05-01"),
            ("01.05.2026", "2026-05-01"),
            ("1.5.2026", "2026-05-01"),
            ("01.05.2026 23:59", "2026-05-01"),
            ("01.05.2026 9:05:00", "2026-05-01"),
            ("2026-05-01 10:00:00", "2026-05-01"),
            ("2026-05-01T10:00:00.123456", "2026-05-01"),
            // 22:30 in Berlin is half past eleven in Moscow, 23:30 the next day.
            ("2026-05-01 22:30:00 +0200", "2026-05-01"),
            ("2026-05-01 23:30:00 +0200", "2026-05-02"),
            ("2026-05-01T21:00:00Z", "2026-05-02"),
            ("2026-05-01T20:59:59.999Z", "2026-05-01"),
            ("2026-05-01T00:30:00+05:00", "2026-04-30"),
            ("2026-05-01 21:00 UTC", "2026-05-02"),
            ("2026-05-01T23:00-07", "2026-05-02"),
            ("2024-02-29", "2024-02-29"),
            ("2016-12-31T23:59:60Z", "2017-01-01"),
        ] {
            let read = local_day(text, Moscow).map(|day| day.to_string());
            assert_eq!(read, Ok(day.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_or_could_be_two_is_an_error() {
        for text in [
            "",
            "today",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "29.02.2025",
            "01.05.26",
            "01/05/2026",
            "05-01-2026",
            "2026-05-01 25:00",
            "2026-05-01 10",
            "2026-05-01 10:00 MSK",
            "2026-05",
            "1.5.2026.1",
            "+2026-05-01",
            "2026-05-01 10:00:00:00",
            "2026-05-01T10:00+99",
        ] {
            assert!(local_day(text, Moscow).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".*", digits in "[-0-9.:/TZ+ \u{a0}]{0,30}") {
            let _ = local_day(&text, Moscow);
            let _ = local_day(&digits, Moscow);
        }

        #[test]
        fn a_day_survives_every_way_of_writing_it(days in -25_567_i32..60_000) {
            let day = Day::from_epoch(days);
            for format in ["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%d.%m.%Y 12:30", "%Y-%m-%dT12:00:00Z"] {
                let text = day.date().format(format).to_string();
                prop_assert_eq!(local_day(&text, Moscow), Ok(day), "{}", text);
            }
        }
    }
}
