//! Reading single columns and rows: days, our words, JSON of ours, the parts of facts.

use crate::db::sql::Row;
use std::str::FromStr;

use super::{Result, StoreError};
use crate::model::{
    Client, ClientId, Day, Deal, DealStatus, Outcome, Readiness, Rhythm, RhythmDates,
};

/// Reads a column of whole days.
pub(super) fn day_of(row: &Row, column: &str) -> Day {
    Day::from_epoch(row.get::<i64, _>(column) as i32)
}

/// Reads a column of whole days that may be empty.
pub(super) fn optional_day(row: &Row, column: &str) -> Option<Day> {
    row.get::<Option<i64>, _>(column)
        .map(|days| Day::from_epoch(days as i32))
}

/// Reads a column that holds one of our words.
pub(super) fn word<T: FromStr>(row: &Row, table: &'static str, column: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    let text: String = row.get(column);
    text.parse().map_err(|error: T::Err| StoreError::Row {
        table,
        reason: error.to_string(),
    })
}

/// Reads a column that holds JSON of ours.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    row: &Row,
    table: &'static str,
    column: &str,
) -> Result<T> {
    let text: String = row.get(column);
    serde_json::from_str(&text).map_err(|error| StoreError::Row {
        table,
        reason: format!("{column}: {error}"),
    })
}

/// Reads a client.
pub(super) fn client(row: &Row) -> Result<Client> {
    let locale: Option<String> = row.get("locale");
    let zone: Option<String> = row.get("time_zone");
    Ok(Client {
        id: ClientId(row.get("client_id")),
        source: row.get("source"),
        ext_id: row.get("ext_id"),
        name: row.get("name"),
        company: row.get("company"),
        email: row.get("email"),
        phone: row.get("phone"),
        locale: locale.and_then(|text| text.parse().ok()),
        time_zone: zone.and_then(|text| text.parse().ok()),
        country: row.get("country"),
        manager: row.get("manager"),
        tags: json(row, "clients", "tags")?,
        attributes: json(row, "clients", "attributes")?,
        birthday: optional_day(row, "birthday"),
    })
}

/// Reads the state of a rhythm.
pub(super) fn rhythm(row: &Row) -> Rhythm {
    Rhythm {
        purchase_days: row.get::<i64, _>("purchase_days") as u32,
        first: day_of(row, "first_day"),
        last: day_of(row, "last_day"),
        weight: row.get("weight"),
        sum_log: row.get("sum_log"),
        sum_sq: row.get("sum_sq"),
    }
}

/// Reads the dates of a rhythm.
pub(super) fn rhythm_dates(row: &Row) -> RhythmDates {
    RhythmDates {
        due: day_of(row, "due_on"),
        missed: day_of(row, "missed_on"),
        asleep: day_of(row, "asleep_on"),
        lost: day_of(row, "lost_on"),
    }
}

/// Reads a deal as it was known on a day: what closed later was still open.
pub(super) fn deal(row: &Row, day: Day) -> Result<Deal> {
    let closed_on = optional_day(row, "closed_on");
    let later = closed_on.is_some_and(|closed| closed > day);
    Ok(Deal {
        ext_id: row.get("ext_id"),
        title: row.get("title"),
        status: if later {
            DealStatus::Open
        } else {
            word(row, "deals", "status")?
        },
        stage: row.get("stage"),
        stage_since: optional_day(row, "stage_since"),
        amount: row.get("amount"),
        opened_on: optional_day(row, "opened_on"),
        closed_on: closed_on.filter(|_| !later),
        reason: row.get::<Option<String>, _>("reason").filter(|_| !later),
        readiness: readiness(row),
        manager: row.get("manager"),
    })
}

/// Reads need, money and urgency.
pub(super) fn readiness(row: &Row) -> Readiness {
    let answer = |column| row.get::<Option<i64>, _>(column).map(|yes| yes != 0);
    Readiness {
        need: answer("need"),
        money: answer("money"),
        urgency: answer("urgency"),
    }
}

/// Reads an outcome, whose word and day stand in these columns.
pub(super) fn outcome(row: &Row, kind: &str, day: &str) -> Result<Outcome> {
    Ok(Outcome {
        kind: word(row, "outcomes", kind)?,
        day: day_of(row, day),
        until: optional_day(row, "until"),
        reason: row.get("reason"),
        readiness: readiness(row),
    })
}
