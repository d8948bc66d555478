//! Single values as people and their systems write them, read into our own types.
//!
//! Pure functions of a text and what the company says about itself. Which column a text comes from
//! and what happens to a row with a bad value is decided by the readers of the kinds.

mod address;
mod amount;
mod date;
mod text;
mod words;

use std::borrow::Cow;

use chrono_tz::Tz;

pub use address::typed_address;
pub(super) use address::{country, email, phone};
pub(super) use amount::{amount, names as names_currency, number};
pub(super) use date::local_day;
pub(super) use text::{id, tags, text};
pub(super) use words::{
    basis, channel, class, deal_status, is_no_date, locale, of_stage, paid, role, scope,
    suppression_reason, yes_or_no,
};

use crate::model::{Currency, Day};

/// Why a value cannot be taken, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadValue {
    /// What is wrong, as the end of "this value ...".
    pub(super) reason: Cow<'static, str>,
    /// What to write instead; may be empty.
    pub(super) hint: Cow<'static, str>,
}

impl BadValue {
    /// A reason and a hint that are known in advance.
    pub(super) const fn new(reason: &'static str, hint: &'static str) -> Self {
        Self {
            reason: Cow::Borrowed(reason),
            hint: Cow::Borrowed(hint),
        }
    }

    /// A reason and a hint that name a value.
    pub(super) fn owned(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            reason: Cow::Owned(reason.into()),
            hint: Cow::Owned(hint.into()),
        }
    }
}

/// A value that was read, or why not.
pub(super) type Parsed<T> = Result<T, BadValue>;

/// What the company says about itself and what the day is: the ground on which values are read.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The time zone in which days begin.
    pub zone: Tz,
    /// The country of phone numbers that are written without one: two capital letters.
    pub country: String,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The day of the import.
    pub today: Day,
}

/// The first day that a source may name: earlier ones are placeholders such as 0001-01-01.
const FIRST_DAY: i32 = -25_567; // 1900-01-01

impl Ground {
    /// A day on which something has happened: not before 1900, not after tomorrow.
    ///
    /// Tomorrow is let through: a shop in an eastern time zone may already be there.
    pub(super) fn past_day(&self, text: &str) -> Parsed<Day> {
        let day = self.any_day(text)?;
        if day > self.today + 1 {
            return Err(BadValue::new(
                FUTURE,
                "it will be taken when the day has come",
            ));
        }
        Ok(day)
    }

    /// A day that may lie ahead: not before 1900.
    pub(super) fn any_day(&self, text: &str) -> Parsed<Day> {
        let day = local_day(text, self.zone)?;
        if day.epoch_days() < FIRST_DAY {
            return Err(BadValue::new("is before 1900", "is it a placeholder?"));
        }
        Ok(day)
    }

    /// An amount of the company's money in minor units.
    pub(super) fn amount(&self, text: &str) -> Parsed<i64> {
        amount(text, self.currency)
    }
}

/// The reason given for a day after tomorrow; such rows are looked at again at the next import.
pub(super) const FUTURE: &str = "is in the future";

#[cfg(test)]
mod tests {
    use super::*;

    fn ground() -> Ground {
        Ground {
            zone: chrono_tz::Europe::Moscow,
            country: "RU".to_owned(),
            currency: Currency::RUB,
            today: "2026-11-21".parse().unwrap(),
        }
    }

    #[test]
    fn a_day_after_tomorrow_waits_and_a_day_before_1900_is_a_placeholder() {
        let ground = ground();
        assert!(ground.past_day("22.11.2026").is_ok());
        assert_eq!(ground.past_day("23.11.2026").unwrap_err().reason, FUTURE);
        assert!(ground.any_day("23.11.2026").is_ok());
        assert!(ground.any_day("1900-01-01").is_ok());
        assert!(ground.any_day("31.12.1899").is_err());
        assert!(ground.past_day("0001-01-01").is_err());
    }
}
