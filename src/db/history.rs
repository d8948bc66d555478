//! Purchase histories, client after client, and the facts of the whole base that are kept.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::facts::id_list;
use super::rows::{day_of, json, optional_day};
use super::{Result, Store};
use crate::model::{ClientId, Day, Totals};
use crate::rules::base_facts::BaseFacts;

/// What came in and went back on one day of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryDay {
    /// The local day.
    pub day: Day,
    /// Minor units, returns taken off.
    pub net: i64,
    /// Minor units of positive rows.
    pub paid: i64,
    /// Whether it is a purchase day: some positive row that no cancellation names.
    pub bought: bool,
    /// The first import that held it; tells since when it was known.
    pub first_import: i64,
    /// The day of the cancellation that took the last positive row back: a purchase day until
    /// then.
    pub undone_on: Option<Day>,
}

/// The days of one client, in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The client.
    pub client: ClientId,
    /// At least one day.
    pub days: Vec<HistoryDay>,
}

impl History {
    /// The purchase days, in rising order.
    pub fn purchase_days(&self) -> impl Iterator<Item = Day> + Clone + '_ {
        self.days.iter().filter(|day| day.bought).map(|day| day.day)
    }

    /// The money, with the turnover of the year that ends on `day`.
    pub fn totals(&self, day: Day) -> Totals {
        let year_began = day.plus(-365);
        self.days.iter().fold(Totals::default(), |sum, one| Totals {
            turnover: sum.turnover + one.net,
            spent: sum.spent + if one.bought { one.paid } else { 0 },
            year: sum.year + if one.day > year_began { one.net } else { 0 },
        })
    }
}

/// The base facts of a day as they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredBase {
    /// The version.
    pub id: i64,
    /// The facts.
    pub facts: BaseFacts,
    /// The last import that they knew.
    pub data: i64,
}

/// Stands for "no cancellation" in the statement below.
const FOR_EVER: Day = Day::from_epoch(i32::MAX);

macro_rules! history_days {
    ($whose:literal) => {
        concat!(
            "SELECT client_id, day, SUM(amount) AS net, SUM(MAX(amount, 0)) AS paid,
                    MIN(first_import) AS first_import,
                    MAX(CASE WHEN amount > 0
                        THEN coalesce(cancelled_on, 2147483647) END) AS holds_until
             FROM purchases WHERE day <= ?1 AND ",
            $whose,
            " GROUP BY client_id, day ORDER BY client_id, day"
        )
    };
}

fn histories_of(rows: &[SqliteRow]) -> Vec<History> {
    let mut histories: Vec<History> = Vec::new();
    for row in rows {
        let client = ClientId(row.get("client_id"));
        let holds_until = optional_day(row, "holds_until");
        let day = HistoryDay {
            day: day_of(row, "day"),
            net: row.get("net"),
            paid: row.get("paid"),
            bought: holds_until == Some(FOR_EVER),
            first_import: row.get("first_import"),
            undone_on: holds_until.filter(|until| *until != FOR_EVER),
        };
        match histories.last_mut() {
            Some(last) if last.client == client => last.days.push(day),
            _ => histories.push(History {
                client,
                days: vec![day],
            }),
        }
    }
    histories
}

impl Store {
    /// The histories of some clients up to a day.
    pub async fn histories(&self, ids: &[ClientId], up_to: Day) -> Result<Vec<History>> {
        let rows = sqlx::query(history_days!(
            "client_id IN (SELECT value FROM json_each(?2))"
        ))
        .bind(up_to.epoch_days())
        .bind(id_list(ids))
        .fetch_all(&self.pool)
        .await?;
        Ok(histories_of(&rows))
    }

    /// The histories of the next clients after `after` in the order of their numbers: a page of a
    /// walk over the whole base. An empty page is the end.
    pub async fn histories_after(
        &self,
        after: ClientId,
        clients: u32,
        up_to: Day,
    ) -> Result<Vec<History>> {
        let last: Option<i64> = sqlx::query(
            "SELECT max(id) AS last FROM (SELECT id FROM clients WHERE id > ?1 ORDER BY id LIMIT ?2)",
        )
        .bind(after.0)
        .bind(clients)
        .fetch_one(&self.pool)
        .await?
        .get("last");
        let mut from = after.0;
        let Some(mut last) = last else {
            return Ok(Vec::new());
        };
        loop {
            let rows = sqlx::query(history_days!("client_id > ?2 AND client_id <= ?3"))
                .bind(up_to.epoch_days())
                .bind(from)
                .bind(last)
                .fetch_all(&self.pool)
                .await?;
            if !rows.is_empty() {
                return Ok(histories_of(&rows));
            }
            // A stretch of clients who have not bought yet must not look like the end.
            from = last;
            let next: Option<i64> = sqlx::query(
                "SELECT max(id) AS last FROM
                     (SELECT id FROM clients WHERE id > ?1 ORDER BY id LIMIT ?2)",
            )
            .bind(from)
            .bind(clients)
            .fetch_one(&self.pool)
            .await?
            .get("last");
            match next {
                Some(next) => last = next,
                None => return Ok(Vec::new()),
            }
        }
    }

    /// The tags of some clients; who has none is missing.
    pub async fn tags_of(&self, ids: &[ClientId]) -> Result<HashMap<ClientId, Vec<String>>> {
        let rows = sqlx::query(
            "SELECT id, tags FROM clients
             WHERE id IN (SELECT value FROM json_each(?1)) AND tags <> '[]'",
        )
        .bind(id_list(ids))
        .fetch_all(&self.pool)
        .await?;
        let tags = rows
            .iter()
            .map(|row| Ok((ClientId(row.get("id")), json(row, "clients", "tags")?)));
        tags.collect()
    }

    /// The last import that changed the facts: as long as it is the same, so are they.
    pub async fn data_version(&self) -> Result<i64> {
        let row =
            sqlx::query("SELECT coalesce(max(id), 0) AS id FROM imports WHERE status = 'done'")
                .fetch_one(&self.pool)
                .await?;
        Ok(row.get("id"))
    }

    /// The latest base facts of `from` to `to`, if there are any.
    pub async fn base_facts(&self, from: Day, to: Day) -> Result<Option<StoredBase>> {
        let row = sqlx::query(
            "SELECT id, facts, data FROM base_facts WHERE day BETWEEN ?1 AND ?2
             ORDER BY day DESC, id DESC LIMIT 1",
        )
        .bind(from.epoch_days())
        .bind(to.epoch_days())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(StoredBase {
                id: row.get("id"),
                facts: json(&row, "base_facts", "facts")?,
                data: row.get("data"),
            })
        })
        .transpose()
    }

    /// Keeps base facts under a new version.
    pub async fn keep_base_facts(
        &self,
        facts: &BaseFacts,
        data: i64,
        now_ms: i64,
    ) -> Result<StoredBase> {
        let text = serde_json::to_string(facts).map_err(|error| super::StoreError::Row {
            table: "base_facts",
            reason: error.to_string(),
        })?;
        let id = sqlx::query(
            "INSERT INTO base_facts (day, fitted_at, data, facts) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(facts.day.epoch_days())
        .bind(now_ms)
        .bind(data)
        .bind(text)
        .execute(&self.pool)
        .await?
        .last_insert_rowid();
        Ok(StoredBase {
            id,
            facts: facts.clone(),
            data,
        })
    }
}
