//! A business date: a local calendar day without a time.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Days from 0001-01-01 (day 1 of the common era) to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;

/// A local calendar day, kept as whole days since 1970-01-01.
///
/// A purchase keeps the day it had in the company's time zone for ever; a business rule never
/// sees an instant. Printed and read as `2026-11-25`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(i32);

/// A text that is not a calendar day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a date; write it as 2026-11-25")]
pub struct DayError(pub String);

impl Day {
    /// The day that is `days` after 1970-01-01 (before it when negative).
    pub const fn from_epoch(days: i32) -> Self {
        Self(days)
    }

    /// Whole days since 1970-01-01: the form in which days are stored and counted.
    pub const fn epoch_days(self) -> i32 {
        self.0
    }

    /// The day of a calendar date.
    pub fn from_date(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce() - EPOCH_FROM_CE)
    }

    /// The calendar date of this day, clamped to the range that the calendar knows.
    pub fn date(self) -> NaiveDate {
        let bound = if self.0 < 0 {
            NaiveDate::MIN
        } else {
            NaiveDate::MAX
        };
        self.0
            .checked_add(EPOCH_FROM_CE)
            .and_then(NaiveDate::from_num_days_from_ce_opt)
            .unwrap_or(bound)
    }

    /// The day `days` later (earlier when negative).
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Whole days from `earlier` to this day; negative when `earlier` is the later one.
    pub const fn days_since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        self.date().weekday()
    }
}

impl Add<i32> for Day {
    type Output = Self;

    fn add(self, days: i32) -> Self {
        self.plus(days)
    }
}

impl Sub for Day {
    type Output = i32;

    fn sub(self, earlier: Self) -> i32 {
        self.days_since(earlier)
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
            .map(Self::from_date)
            .map_err(|_| DayError(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date().format("%Y-%m-%d"))
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Day({self})")
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_and_printed_as_iso() {
        let day: Day = "2011-09-15".parse().unwrap();
        assert_eq!(day.epoch_days(), 15_232);
        assert_eq!(day.to_string(), "2011-09-15");
        assert_eq!((day + 17).to_string(), "2011-10-02");
        assert_eq!(day - Day::from_epoch(0), 15_232);
        assert!("15.09.2011".parse::<Day>().is_err());
    }

    #[test]
    fn days_beyond_the_calendar_do_not_panic() {
        assert_eq!(Day::from_epoch(i32::MAX).plus(5).date(), NaiveDate::MAX);
        assert_eq!(Day::from_epoch(i32::MIN).plus(-5).date(), NaiveDate::MIN);
    }
}
