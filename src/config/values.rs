//! The small values that configuration is written in: `30d`, `0.5 cycles`, `10%`, `10:00`.
//!
//! Each knows how to read itself, how to print itself back, and how it looks in the JSON schema:
//! the `format` named there is what `check` uses to explain a wrong value.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveTime;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::campaign::{DateRule, Discount};
use crate::model::{Currency, Day, Money};

/// A text that is not the value it stands for; says how to write it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {what}; write it as {example}")]
pub struct ValueError {
    /// What was written.
    pub text: String,
    /// What was expected, with its article: "a number of days".
    pub what: &'static str,
    /// How it is written: "30d or 2w".
    pub example: &'static str,
}

/// A whole number of days, written `30d` or `2w`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(pub u16);

impl Days {
    /// The number of days, for arithmetic with [`Day`].
    pub fn count(self) -> i32 {
        i32::from(self.0)
    }
}

impl FromStr for Days {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let trimmed = text.trim();
        let parsed = match trimmed.strip_suffix('w') {
            Some(weeks) => weeks
                .trim()
                .parse::<u16>()
                .ok()
                .and_then(|n| n.checked_mul(7)),
            None => trimmed
                .strip_suffix('d')
                .and_then(|days| days.trim().parse().ok()),
        };
        parsed.map(Self).ok_or_else(|| ValueError {
            text: text.to_owned(),
            what: "a number of days",
            example: "30d or 2w",
        })
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

/// A short stretch of time, written `300ms`, `30s` or `5m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait(Duration);

impl Wait {
    /// No time at all.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// So many thousandths of a second.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The stretch of time.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Wait {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || ValueError {
            text: text.to_owned(),
            what: "a stretch of time",
            example: "30s or 5m",
        };
        let trimmed = text.trim();
        let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
        let found = units.into_iter().find_map(|(unit, millis)| {
            let number: u32 = trimmed.strip_suffix(unit)?.trim().parse().ok()?;
            Some(u64::from(number) * millis)
        });
        // An hour is longer than any server makes us wait.
        found
            .filter(|millis| *millis <= 3_600_000)
            .map(Self::millis)
            .ok_or_else(bad)
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match (millis % 1000, millis % 60_000) {
            (0, 0) if millis > 0 => write!(f, "{}m", millis / 60_000),
            (0, _) => write!(f, "{}s", millis / 1000),
            _ => write!(f, "{millis}ms"),
        }
    }
}

/// A distance in time: days, or a part of the client's own usual gap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// Whole days: `4d`, `2w`.
    Days(Days),
    /// Multiples of the client's usual gap: `0.5 cycles`.
    Cycles(f64),
}

impl FromStr for Span {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || ValueError {
            text: text.to_owned(),
            what: "a distance in time",
            example: "4d, 2w or 0.5 cycles",
        };
        let trimmed = text.trim();
        let cycles = trimmed
            .strip_suffix("cycles")
            .or_else(|| trimmed.strip_suffix("cycle"));
        match cycles {
            Some(number) => match number.trim().parse::<f64>() {
                Ok(n) if (0.0..=100.0).contains(&n) => Ok(Self::Cycles(n)),
                _ => Err(bad()),
            },
            None => trimmed.parse().map(Self::Days).map_err(|_| bad()),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => days.fmt(f),
            Self::Cycles(n) => write!(f, "{n} cycles"),
        }
    }
}

/// A share between nothing and all, written `10%`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// The share of `percent` out of a hundred; clamped to 0..=100.
    pub const fn percent(percent: f64) -> Self {
        Self(percent.clamp(0.0, 100.0) / 100.0)
    }

    /// The share as a fraction in 0..=1.
    pub const fn fraction(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = text
            .trim()
            .strip_suffix('%')
            .and_then(|n| n.trim().parse::<f64>().ok());
        match number {
            Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Self::percent(percent)),
            _ => Err(ValueError {
                text: text.to_owned(),
                what: "a share",
                example: "10%, from 0% to 100%",
            }),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e6).round() / 1e4)
    }
}

/// A time of day in the company's (or the client's) time zone, written `10:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub NaiveTime);

impl FromStr for TimeOfDay {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        NaiveTime::parse_from_str(text.trim(), "%H:%M")
            .map(Self)
            .map_err(|_| ValueError {
                text: text.to_owned(),
                what: "a time of day",
                example: "10:00",
            })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%H:%M"))
    }
}

/// Reads a day that was written as a TOML date (`2026-12-01`) or as a text in quotes.
pub fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Date(toml::value::Datetime),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Date(date) => date.to_string(),
        Written::Text(text) => text,
    };
    text.parse().map_err(serde::de::Error::custom)
}

/// As [`day`], for a key that may be absent.
pub fn optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Day>, D::Error> {
    day(deserializer).map(Some)
}

/// Implements serde by the written form and the schema by a named format, for texts that are
/// values.
macro_rules! written_value {
    ($type:ty, $format:literal, $pattern:literal, $description:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }

        schema_of_text!($type, $format, $pattern, $description);
    };
}

/// Describes a type that is written as one text in the JSON schema.
macro_rules! schema_of_text {
    ($type:ty, $format:literal, $pattern:literal, $description:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $format.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "format": $format,
                    "pattern": $pattern,
                    "description": $description,
                })
            }
        }
    };
}

impl FromStr for DateRule {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || ValueError {
            text: text.to_owned(),
            what: "a day",
            example: "12-20 for every year, or 2026-12-20 for once",
        };
        if let Ok(day) = text.parse() {
            return Ok(Self::Once(day));
        }
        let (month, day) = text.trim().split_once('-').ok_or_else(bad)?;
        let (month, day) = (
            month.parse().map_err(|_| bad())?,
            day.parse().map_err(|_| bad())?,
        );
        // A leap year, so that 29 February is a day of every year.
        chrono::NaiveDate::from_ymd_opt(2024, month, day).ok_or_else(bad)?;
        Ok(Self::Yearly { month, day })
    }
}

impl fmt::Display for DateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yearly { month, day } => write!(f, "{month:02}-{day:02}"),
            Self::Once(day) => day.fmt(f),
        }
    }
}

impl FromStr for Discount {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let share = text.parse().map(Self::Share);
        share
            .or_else(|_| text.parse().map(Self::Money))
            .map_err(|_| ValueError {
                text: text.to_owned(),
                what: "a discount",
                example: "10% or 500 RUB",
            })
    }
}

impl fmt::Display for Discount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => share.fmt(f),
            Self::Money(money) => money.fmt(f),
        }
    }
}

written_value!(Days, "days", r"^\d+ ?[dw]$", "Whole days or weeks: 30d, 2w");
written_value!(
    Wait,
    "wait",
    r"^\d+ ?(ms|s|m)$",
    "A stretch of time: 300ms, 30s, 5m"
);
written_value!(
    Span,
    "span",
    r"^(\d+ ?[dw]|\d+(\.\d+)? ?cycles?)$",
    "Days, weeks, or a part of the client's own cycle: 4d, 2w, 0.5 cycles"
);
written_value!(Share, "share", r"^\d+(\.\d+)? ?%$", "A share: 10%");
written_value!(
    TimeOfDay,
    "time",
    r"^\d{1,2}:\d{2}$",
    "A time of day: 10:00"
);
written_value!(
    DateRule,
    "date_rule",
    r"^(\d{4}-)?\d{2}-\d{2}$",
    "A day of every year, 12-20, or one day, 2026-12-20"
);
written_value!(
    Discount,
    "discount",
    r"^(\d+(\.\d+)? ?%|\d+(\.\d+)? [A-Za-z]{3})$",
    "A discount: 10% or 500 RUB"
);
schema_of_text!(Day, "date", r"^\d{4}-\d{2}-\d{2}$", "A date: 2026-12-01");
schema_of_text!(
    Money,
    "money",
    r"^-?\d+(\.\d+)? [A-Za-z]{3}$",
    "Money: 1500 RUB"
);
schema_of_text!(
    Currency,
    "currency",
    r"^[A-Za-z]{3}$",
    "A currency by its three letters: RUB"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!("30d".parse(), Ok(Days(30)));
        assert_eq!(" 2 w ".parse(), Ok(Days(14)));
        assert_eq!("0.5 cycles".parse(), Ok(Span::Cycles(0.5)));
        assert_eq!("1 cycle".parse(), Ok(Span::Cycles(1.0)));
        assert_eq!("10%".parse(), Ok(Share::percent(10.0)));
        assert_eq!("10:05".parse::<TimeOfDay>().unwrap().to_string(), "10:05");
        assert_eq!(Share::percent(12.5).to_string(), "12.5%");
        for (text, millis) in [("300ms", 300), ("30s", 30_000), ("5 m", 300_000)] {
            assert_eq!(text.parse(), Ok(Wait::millis(millis)), "{text}");
            assert_eq!(Wait::millis(millis).to_string(), text.replace(' ', ""));
        }
    }

    #[test]
    fn a_wrong_value_says_how_to_write_it() {
        let error = "30".parse::<Days>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"30\" is not a number of days; write it as 30d or 2w"
        );
        for bad in ["", "d", "-3d", "99999999d", "3 months"] {
            assert!(bad.parse::<Days>().is_err(), "{bad}");
        }
        for bad in ["", "30", "s", "-1s", "2h", "61m", "99999999999s"] {
            assert!(bad.parse::<Wait>().is_err(), "{bad}");
        }
        for bad in ["101%", "10", "-1%", "NaN%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
        for bad in ["25:00", "10", "NaN cycles"] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
