//! Purchase histories, client after client, and the facts of the whole base that are kept.

use crate::db::sql::{self, Json, Row};
use std::collections::HashMap;

use super::facts::id_list;
use super::rows::{json, optional_day};
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
    /// Whether it is a purchase day: some positive row that no cancellation has named so far.
    pub bought: bool,
    /// The first import that held it; tells since when it was known.
    pub first_import: i64,
    /// The day of the cancellation that took the last positive row back, however late that came: a
    /// purchase day until then.
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

/// Rows of purchases as lists, one row of the answer for each client: a row for each purchase would
/// cost several times as much on its way here.
macro_rules! history_lists {
    ($whose:literal) => {
        sql::query_of(
            concat!(
                "SELECT client_id, group_concat(day), group_concat(amount),
                        group_concat(first_import), group_concat(ifnull(cancelled_on, ''))
                 FROM purchases WHERE day <= $1 AND ",
                $whose,
                " GROUP BY client_id ORDER BY client_id"
            ),
            concat!(
                "SELECT client_id, string_agg(CAST(day AS TEXT), ','),
                        string_agg(CAST(amount AS TEXT), ','),
                        string_agg(CAST(first_import AS TEXT), ','),
                        string_agg(coalesce(CAST(cancelled_on AS TEXT), ''), ',')
                 FROM purchases WHERE day <= $1 AND ",
                $whose,
                " GROUP BY client_id ORDER BY client_id"
            ),
        )
    };
}

/// One row of purchases.
#[derive(Clone, Copy)]
struct Receipt {
    day: Day,
    amount: i64,
    first_import: i64,
    cancelled_on: Option<Day>,
}

fn histories_of(rows: &[Row], up_to: Day) -> Result<Vec<History>> {
    rows.iter().map(|row| history_of(row, up_to)).collect()
}

/// The history of one client, whose days are purchase days as of `up_to`.
fn history_of(row: &Row, up_to: Day) -> Result<History> {
    let unreadable = || super::StoreError::Row {
        table: "purchases",
        reason: "a day or an amount is not a number".to_owned(),
    };
    let lists: [&str; 4] = [row.get(1), row.get(2), row.get(3), row.get(4)];
    let [days, amounts, imports, cancellations] = lists.map(|list| list.split(','));
    let numbers = days.zip(amounts).zip(imports.zip(cancellations));
    let receipts = numbers.map(|((day, amount), (import, cancelled))| {
        Some(Receipt {
            day: Day::from_epoch(day.parse().ok()?),
            amount: amount.parse().ok()?,
            first_import: import.parse().ok()?,
            cancelled_on: match cancelled {
                "" => None,
                day => Some(Day::from_epoch(day.parse().ok()?)),
            },
        })
    });
    let receipts: Option<Vec<Receipt>> = receipts.collect();
    let mut receipts = receipts.ok_or_else(unreadable)?;
    // The database reads them in the order of days but does not promise it.
    receipts.sort_by_key(|receipt| receipt.day);
    Ok(History {
        client: ClientId(row.get(0)),
        days: receipts
            .chunk_by(|a, b| a.day == b.day)
            .map(|receipts| day_of_receipts(receipts, up_to))
            .collect(),
    })
}

/// What the rows of one day come to; a cancellation after `up_to` has not come yet.
fn day_of_receipts(receipts: &[Receipt], up_to: Day) -> HistoryDay {
    let paid = || receipts.iter().filter(|receipt| receipt.amount > 0);
    let lasts = paid().any(|receipt| receipt.cancelled_on.is_none());
    let holds = |receipt: &Receipt| receipt.cancelled_on.is_none_or(|day| day > up_to);
    HistoryDay {
        day: receipts[0].day,
        net: receipts.iter().map(|receipt| receipt.amount).sum(),
        paid: paid().map(|receipt| receipt.amount).sum(),
        bought: paid().any(holds),
        first_import: receipts
            .iter()
            .map(|receipt| receipt.first_import)
            .min()
            .unwrap_or(0),
        undone_on: if lasts {
            None
        } else {
            paid().filter_map(|receipt| receipt.cancelled_on).max()
        },
    }
}

impl Store {
    /// The histories of some clients up to a day.
    pub async fn histories(&self, ids: &[ClientId], up_to: Day) -> Result<Vec<History>> {
        let rows = history_lists!(
            "client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($2) AS row)"
        )
        .bind(up_to.epoch_days())
        .bind(id_list(ids))
        .fetch_all(&self.pool)
        .await?;
        histories_of(&rows, up_to)
    }

    /// Those of some clients of whom something is dated after a day: a purchase, a return, a
    /// cancellation of an earlier purchase.
    pub async fn clients_with_later_money(
        &self,
        ids: &[ClientId],
        day: Day,
    ) -> Result<Vec<ClientId>> {
        let ids = sql::query_scalar::<i64>(
            "SELECT DISTINCT client_id FROM purchases
             WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)
               AND (day > $2 OR cancelled_on > $2)",
        )
        .bind(id_list(ids))
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(ClientId).collect())
    }

    /// The histories of the next clients after `after` in the order of their numbers: a page of a
    /// walk over the whole base. An empty page is the end.
    pub async fn histories_after(
        &self,
        after: ClientId,
        clients: u32,
        up_to: Day,
    ) -> Result<Vec<History>> {
        let last: Option<i64> = sql::query(
            "SELECT max(id) AS last FROM
                 (SELECT id FROM clients WHERE id > $1 ORDER BY id LIMIT $2) AS page",
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
            let rows = history_lists!("client_id > $2 AND client_id <= $3")
                .bind(up_to.epoch_days())
                .bind(from)
                .bind(last)
                .fetch_all(&self.pool)
                .await?;
            if !rows.is_empty() {
                return histories_of(&rows, up_to);
            }
            // A stretch of clients who have not bought yet must not look like the end.
            from = last;
            let next: Option<i64> = sql::query(
                "SELECT max(id) AS last FROM
                     (SELECT id FROM clients WHERE id > $1 ORDER BY id LIMIT $2) AS page",
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

    /// The first and the last day on which anything was bought; nothing in an empty base.
    pub async fn span_of_purchases(&self) -> Result<Option<(Day, Day)>> {
        let row = sql::query("SELECT min(first_day) AS first, max(last_day) AS last FROM rhythms")
            .fetch_one(&self.pool)
            .await?;
        Ok(optional_day(&row, "first").zip(optional_day(&row, "last")))
    }

    /// The tags of some clients; who has none is missing.
    pub async fn tags_of(&self, ids: &[ClientId]) -> Result<HashMap<ClientId, Vec<String>>> {
        let rows = sql::query(
            "SELECT id, tags FROM clients
             WHERE id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row) AND tags <> '[]'",
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
            sql::query("SELECT coalesce(max(id), 0) AS id FROM imports WHERE status = 'done'")
                .fetch_one(&self.pool)
                .await?;
        Ok(row.get("id"))
    }

    /// The latest base facts of `from` to `to`, if there are any.
    pub async fn base_facts(&self, from: Day, to: Day) -> Result<Option<StoredBase>> {
        let row = sql::query(
            "SELECT id, facts, data FROM base_facts WHERE day BETWEEN $1 AND $2
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
        let id = sql::query_scalar::<i64>(
            "INSERT INTO base_facts (day, fitted_at, data, facts) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(facts.day.epoch_days())
        .bind(now_ms)
        .bind(data)
        .bind(Json(facts))
        .fetch_one(&self.writer)
        .await?;
        Ok(StoredBase {
            id,
            facts: facts.clone(),
            data,
        })
    }
}
