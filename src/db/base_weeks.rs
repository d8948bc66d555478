//! How the base stood, week by week: counts only, kept because yesterday cannot be counted again.

use crate::db::sql::{self, Json};
use serde::Serialize;

use super::rows::day_of;
use super::{Result, Store};
use crate::model::Day;

/// Clients of a manager who went from one place to another within a week, or stayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WeekRow {
    /// The day that was counted.
    pub day: Day,
    /// The manager, by id; empty when nobody is named.
    pub manager: String,
    /// Where they stood a week before: a word of `rules::frequency_report::Place`.
    pub from: String,
    /// Where they stand.
    pub to: String,
    /// How many.
    pub clients: u64,
}

impl Store {
    /// The last day for which the base was counted.
    pub async fn last_week(&self) -> Result<Option<Day>> {
        let day = sql::query_scalar::<Option<i32>>("SELECT max(day) FROM base_weeks");
        Ok(day.fetch_one(&self.pool).await?.map(Day::from_epoch))
    }

    /// Keeps how the base stood on a day; a day that is there stays as it is.
    pub async fn keep_week(&self, day: Day, rows: &[WeekRow]) -> Result<()> {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (&row.manager, &row.from, &row.to, row.clients))
            .collect();
        sql::query(
            "INSERT INTO base_weeks (day, manager, from_place, to_place, clients)
             SELECT $1, row.value ->> 0, row.value ->> 1, row.value ->> 2,
                    CAST(row.value ->> 3 AS BIGINT)
             FROM json_each($2) AS row
             WHERE true ON CONFLICT DO NOTHING",
        )
        .bind(day.epoch_days())
        .bind(Json(rows))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// The weeks since a day, the first one first.
    pub async fn weeks_since(&self, day: Day) -> Result<Vec<WeekRow>> {
        let rows = sql::query(
            "SELECT day, manager, from_place, to_place, clients FROM base_weeks
             WHERE day >= $1 ORDER BY day, manager, from_place, to_place",
        )
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.iter().map(|row| WeekRow {
            day: day_of(row, "day"),
            manager: row.get("manager"),
            from: row.get("from_place"),
            to: row.get("to_place"),
            clients: row.get::<i64, _>("clients") as u64,
        });
        Ok(rows.collect())
    }
}
