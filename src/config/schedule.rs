//! `[schedule]` and what belongs to a service that nobody watches: `[operator]`, `[backup]`,
//! `[retention]`.
//!
//! Which occurrences of a schedule are due is decided in `rules::schedule`.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::NaiveTime;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::values::{Days, ValueError, Wait};

/// When the service does what, in the company's time zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// When the sources are read.
    pub import: Timetable,
    /// When the day is planned and its messages are written; at most once a day.
    pub daily: Timetable,
    /// When the managers get their lists; at most once a day.
    pub digests: Timetable,
    /// When what is too old is removed.
    pub tidy: Timetable,
    /// When the database is backed up.
    pub backup: Timetable,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            import: Timetable::new("0 5 * * *"),
            daily: Timetable::new("0 6 * * *"),
            digests: Timetable::new("0 8 * * *"),
            tidy: Timetable::new("0 3 * * *"),
            backup: Timetable::new("30 3 * * *"),
        }
    }
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timetable {
    /// A cron expression of five fields (minute, hour, day of the month, month, day of the week), or
    /// `never`.
    pub at: When,
    /// What becomes of the times at which nobody was running.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// How late a time may still be caught up.
    #[serde(default = "Timetable::default_within")]
    pub within: Days,
}

impl Timetable {
    fn new(at: &str) -> Self {
        Self {
            at: at.parse().unwrap_or(When::Never),
            catch_up: CatchUp::default(),
            within: Self::default_within(),
        }
    }

    const fn default_within() -> Days {
        Days(1)
    }
}

/// What becomes of the times at which nobody was running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// The last of them is done, late; the others are noted as missed.
    #[default]
    Latest,
    /// Each of them is done, one after the other.
    All,
    /// None is done: the next one comes in its time.
    Skip,
}

impl CatchUp {
    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::All => "all",
            Self::Skip => "skip",
        }
    }
}

/// When something is due: a cron expression as people write it, or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Not at all.
    Never,
    /// At the times that an expression names.
    At(Box<Cron>),
}

impl When {
    /// The one time of the day at which it is due; nothing where there are several, or none.
    pub fn time_of_day(&self) -> Option<NaiveTime> {
        let Self::At(cron) = self else { return None };
        let (minutes, hours) = (cron.pattern.minutes.values(), cron.pattern.hours.values());
        match (&minutes[..], &hours[..]) {
            ([minute], [hour]) => NaiveTime::from_hms_opt(u32::from(*hour), u32::from(*minute), 0),
            _ => None,
        }
    }

    /// Whether it is due at one time of the day at most, so that its date alone names it.
    pub fn is_once_a_day(&self) -> bool {
        match self {
            Self::Never => true,
            Self::At(cron) => {
                let (minutes, hours) = (&cron.pattern.minutes, &cron.pattern.hours);
                minutes.values().len() == 1 && hours.values().len() == 1
            }
        }
    }
}

impl FromStr for When {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || ValueError {
            text: text.to_owned(),
            what: "a schedule",
            example: "30 6 * * 1-5, which is minute, hour, day of the month, month, day of the week",
        };
        let trimmed = text.trim();
        if trimmed == "never" {
            return Ok(Self::Never);
        }
        // Nothing but the crate's word for hours would come once a second.
        if trimmed.split_whitespace().count() != 5 && !trimmed.starts_with('@') {
            return Err(bad());
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(trimmed).map_err(|_| bad())?;
        // 30 February can be written and never comes.
        let comes = cron.find_next_occurrence(&chrono::DateTime::UNIX_EPOCH, true);
        comes.map_err(|_| bad())?;
        Ok(Self::At(Box::new(cron)))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::At(cron) => f.write_str(cron.as_str()),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "cron".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "cron",
            "description": "Minute, hour, day of the month, month, day of the week: 30 6 * * 1-5; or never",
        })
    }
}

/// Who looks after the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Operator {
    /// Where a letter goes when something is late, failed, held or unknown; nowhere when absent.
    #[schemars(extend("format" = "email"))]
    pub email: Option<String>,
    /// What has not been done so long after its time is late.
    pub late_after: Wait,
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            email: None,
            late_after: Wait::seconds(30 * 60),
        }
    }
}

/// Where backups go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// The folder, best on another disk.
    #[schemars(extend("minLength" = 1))]
    pub folder: PathBuf,
    /// How many of the backups that the schedule has made are kept.
    #[schemars(range(min = 1))]
    pub keep: u16,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            folder: "backup".into(),
            keep: 14,
        }
    }
}

/// How long things are kept; the tidy-up removes what is older.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// What letters and nudges said, from the day on which they were planned. That they were sent,
    /// when and with which answer is kept for ever.
    pub messages: Days,
    /// What tasks said, and the notes of their outcomes.
    pub tasks: Days,
    /// Mail and webhooks as they came.
    pub inbound: Days,
    /// What each schedule has done.
    pub schedules: Days,
    /// The letters of the sandbox.
    pub sandbox: Days,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            messages: Days(730),
            tasks: Days(730),
            inbound: Days(30),
            schedules: Days(400),
            sandbox: Days(90),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_people_write_them() {
        for (text, once_a_day) in [
            ("0 6 * * *", true),
            ("30 6 * * 1-5", true),
            ("0 9 * * MON", true),
            ("0 9 * * 0", true),
            ("0 9 * * 7", true),
            ("0 9 1,15 * *", true),
            ("15 10 L * *", true),
            ("@daily", true),
            ("never", true),
            ("0 5,17 * * *", false),
            ("*/15 * * * *", false),
            ("@hourly", false),
        ] {
            let when: When = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(when.is_once_a_day(), once_a_day, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_or_never_comes_is_refused() {
        for text in [
            "",
            "6:00",
            "* * * *",
            "0 0 6 * * *",
            "60 6 * * *",
            "0 24 * * *",
            "0 0 30 2 *",
            "0 6 * * 8",
            "@reboot",
            "a b c d e",
            "daily",
        ] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
