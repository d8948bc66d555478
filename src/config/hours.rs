//! `[hours]`: when clients may be written to, in their own time.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveTime;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::values::{TimeOfDay, ValueError};
use crate::model::Day;

/// The hours in which advertising may leave, in each client's own time zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hours {
    /// From Monday to Friday; `closed` for never.
    pub weekdays: Stretch,
    /// On Saturday and Sunday; `closed` for never.
    pub weekends: Stretch,
    /// Days on which the hours of the weekend hold.
    #[serde(deserialize_with = "days")]
    pub holidays: Vec<Day>,
}

impl Default for Hours {
    fn default() -> Self {
        Self {
            weekdays: Stretch::hours(9, 21),
            weekends: Stretch::hours(10, 21),
            holidays: Vec::new(),
        }
    }
}

/// Reads days that are written as TOML dates or as texts.
fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Day>, D::Error> {
    #[derive(Deserialize)]
    struct Written(#[serde(deserialize_with = "super::values::day")] Day);
    let days = Vec::<Written>::deserialize(deserializer)?;
    Ok(days.into_iter().map(|Written(day)| day).collect())
}

/// A stretch of a day, written `09:00-21:00`, or `closed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// From one time to another one later on the same day; the end is outside.
    Open(NaiveTime, NaiveTime),
    /// Not at all.
    Closed,
}

impl Stretch {
    /// From one full hour to another.
    fn hours(from: u32, to: u32) -> Self {
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self::Open(at(from), at(to))
    }
}

impl FromStr for Stretch {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || ValueError {
            text: text.to_owned(),
            what: "a stretch of the day",
            example: "closed, or 09:00-21:00",
        };
        if text.trim().eq_ignore_ascii_case("closed") {
            return Ok(Self::Closed);
        }
        let (from, to) = text.split_once(['-', '–']).ok_or_else(bad)?;
        let at = |text: &str| match text.trim() {
            // The end of a day has no time of its own: the last second stands for it.
            "24:00" => NaiveTime::from_hms_opt(23, 59, 59).ok_or_else(bad),
            text => text.parse::<TimeOfDay>().map(|at| at.0).map_err(|_| bad()),
        };
        let (from, to) = (at(from)?, at(to)?);
        if from < to {
            Ok(Self::Open(from, to))
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(from, to) => write!(f, "{}-{}", TimeOfDay(*from), TimeOfDay(*to)),
            Self::Closed => f.write_str("closed"),
        }
    }
}

impl Serialize for Stretch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stretch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Stretch {
    fn schema_name() -> Cow<'static, str> {
        "hours".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "hours",
            "pattern": r"^(closed|\d{1,2}:\d{2} ?- ?\d{1,2}:\d{2})$",
            "description": "A stretch of the day: 09:00-21:00, or closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_read_as_people_write_it() {
        for (text, read) in [
            ("09:00-21:00", "09:00-21:00"),
            ("9:00 - 21:30", "09:00-21:30"),
            ("Closed", "closed"),
            ("00:00–24:00", "00:00-23:59"),
        ] {
            assert_eq!(text.parse::<Stretch>().unwrap().to_string(), read);
        }
        for bad in [
            "",
            "9-21",
            "21:00-09:00",
            "10:00-10:00",
            "10:00",
            "25:00-26:00",
        ] {
            assert!(bad.parse::<Stretch>().is_err(), "{bad}");
        }
    }
}
