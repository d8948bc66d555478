//! What a letter or a task tells about a client beside the facts of the plan: read for those only
//! who are touched.

use crate::db::sql::{self, Query, Row};
use std::collections::HashMap;

use super::facts::id_list;
use super::rows::day_of;
use super::{Result, Store};
use crate::model::{ClientId, Day, OwnedItem};
use crate::rules::rhythm::Bought;

/// How many items are told.
const ITEMS: usize = 3;

/// What a client buys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// What is bought most often, most frequent first.
    pub usual_items: Vec<String>,
    /// Everything that was ever bought.
    pub items: Vec<OwnedItem>,
    /// What was bought on the last day with items.
    pub last_items: Vec<String>,
    /// Minor units of the last purchase day.
    pub last_amount: Option<i64>,
}

const USUAL_ITEMS: &str = "
    SELECT client_id, item, count(DISTINCT day) AS times FROM purchase_items
    WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row) AND day <= $2
    GROUP BY client_id, item ORDER BY client_id, times DESC, item";

/// The last day is looked for once a client: the list of clients is the outer loop.
macro_rules! last_items {
    ($join:literal) => {
        concat!(
            "WITH one (id) AS (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)
             SELECT i.client_id, i.item FROM one ",
            $join,
            " purchase_items i ON i.client_id = one.id
                 AND i.day = (SELECT max(day) FROM purchase_items l
                              WHERE l.client_id = one.id AND l.day <= $2)
             ORDER BY i.client_id, i.amount DESC NULLS LAST, i.item"
        )
    };
}

macro_rules! last_amounts {
    ($join:literal) => {
        concat!(
            "WITH one (id) AS (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)
             SELECT p.client_id,
                    CAST(sum(CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END) AS BIGINT) AS paid
             FROM one ",
            $join,
            " purchases p ON p.client_id = one.id
                 AND p.day = (SELECT max(day) FROM purchases l
                              WHERE l.client_id = one.id AND l.day <= $2 AND l.amount > 0)
             GROUP BY p.client_id"
        )
    };
}

impl Store {
    /// The details of some clients as of a day.
    pub async fn details(&self, ids: &[ClientId], day: Day) -> Result<HashMap<ClientId, Details>> {
        let list = id_list(ids);
        let mut details: HashMap<ClientId, Details> = HashMap::new();
        let items = async {
            // Many bases know receipts only: nothing is looked for in them.
            let any = "SELECT EXISTS (SELECT 1 FROM purchase_items)";
            if !sql::query_scalar::<bool>(any).fetch_one(&self.pool).await? {
                return Ok(None);
            }
            let (usual, last, ever) = tokio::try_join!(
                self.of_clients(sql::query(USUAL_ITEMS), &list, day),
                self.of_clients(
                    sql::query_of(last_items!("CROSS JOIN"), last_items!("JOIN")),
                    &list,
                    day
                ),
                self.items_ever(&list, day),
            )?;
            Ok(Some((usual, last, ever)))
        };
        let amounts = sql::query_of(last_amounts!("CROSS JOIN"), last_amounts!("JOIN"));
        let (amounts, items) = tokio::try_join!(self.of_clients(amounts, &list, day), items)?;
        for row in amounts {
            let one = details.entry(ClientId(row.get("client_id"))).or_default();
            one.last_amount = Some(row.get("paid"));
        }
        let Some((usual, last, ever)) = items else {
            return Ok(details);
        };
        for row in usual {
            let one = details.entry(ClientId(row.get("client_id"))).or_default();
            if one.usual_items.len() < ITEMS {
                one.usual_items.push(row.get("item"));
            }
        }
        for row in last {
            let one = details.entry(ClientId(row.get("client_id"))).or_default();
            let item: String = row.get("item");
            if one.last_items.len() < ITEMS && !one.last_items.contains(&item) {
                one.last_items.push(item);
            }
        }
        for (client, items) in ever {
            details.entry(client).or_default().items = items;
        }
        Ok(details)
    }

    async fn of_clients<'q>(
        &self,
        statement: Query<'q>,
        list: &'q str,
        day: Day,
    ) -> Result<Vec<Row>> {
        let rows = statement.bind(list).bind(day.epoch_days());
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// What some clients bought and when, up to a day; nothing for receipts without items.
    pub async fn items_of(
        &self,
        ids: &[ClientId],
        up_to: Day,
    ) -> Result<HashMap<ClientId, Vec<(Day, String)>>> {
        let rows = sql::query(
            "SELECT client_id, day, item FROM purchase_items
             WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row) AND day <= $2
             ORDER BY client_id, day, item",
        )
        .bind(id_list(ids))
        .bind(up_to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        let mut items: HashMap<ClientId, Vec<(Day, String)>> = HashMap::new();
        for row in rows {
            let bought = items.entry(ClientId(row.get("client_id"))).or_default();
            bought.push((day_of(&row, "day"), row.get("item")));
        }
        Ok(items)
    }

    /// Whether any receipt up to a day names what was bought.
    pub async fn knows_items(&self, up_to: Day) -> Result<bool> {
        let known = sql::query_scalar::<bool>(
            "SELECT EXISTS (SELECT 1 FROM purchase_items WHERE day <= $1)",
        );
        let known = known.bind(up_to.epoch_days()).fetch_one(&self.pool).await?;
        Ok(known)
    }

    /// Everything that each of the next clients after `after` has bought up to a day, each item
    /// once: a page of a walk over the whole base. Moves `after` on; `None` is the end, and a page
    /// may be empty.
    pub async fn baskets_after(
        &self,
        after: &mut ClientId,
        clients: u32,
        up_to: Day,
    ) -> Result<Option<Vec<Vec<String>>>> {
        let Some(last) = self.end_of_page(*after, clients).await? else {
            return Ok(None);
        };
        let rows = sql::query(
            "SELECT DISTINCT client_id, item FROM purchase_items
             WHERE client_id > $1 AND client_id <= $2 AND day <= $3 ORDER BY client_id, item",
        )
        .bind(after.0)
        .bind(last)
        .bind(up_to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        *after = ClientId(last);
        let baskets = by_client(&rows, |row| row.get("item")).into_iter();
        let baskets = baskets.map(|(_, items)| items);
        Ok(Some(baskets.collect()))
    }

    /// The last of the next clients after `after`.
    async fn end_of_page(&self, after: ClientId, clients: u32) -> Result<Option<i64>> {
        let last = sql::query_scalar(
            "SELECT max(id) FROM (SELECT id FROM clients WHERE id > $1 ORDER BY id LIMIT $2) AS page",
        );
        let last = last.bind(after.0).bind(clients);
        Ok(last.fetch_one(&self.pool).await?)
    }

    /// What each of the next clients after `after` has bought up to a day, in the order of days, one
    /// entry for an item and a day: a page of a walk as that of [`Self::baskets_after`].
    pub async fn lines_after(
        &self,
        after: &mut ClientId,
        clients: u32,
        up_to: Day,
    ) -> Result<Option<Vec<Vec<Bought<String>>>>> {
        let Some(last) = self.end_of_page(*after, clients).await? else {
            return Ok(None);
        };
        let rows = sql::query(
            "SELECT client_id, item, day, sum(quantity) AS quantity, CAST(sum(amount) AS BIGINT) AS amount
             FROM purchase_items WHERE client_id > $1 AND client_id <= $2 AND day <= $3
             GROUP BY client_id, day, item ORDER BY client_id, day, item",
        )
        .bind(after.0)
        .bind(last)
        .bind(up_to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        *after = ClientId(last);
        let lines = by_client(&rows, |row| Bought {
            item: row.get("item"),
            day: day_of(row, "day"),
            quantity: row.get("quantity"),
            amount: row.get("amount"),
        });
        Ok(Some(lines.into_iter().map(|(_, lines)| lines).collect()))
    }

    /// Everything that some clients have bought up to a day, each item once.
    pub(super) async fn items_ever(
        &self,
        id_list: &str,
        up_to: Day,
    ) -> Result<Vec<(ClientId, Vec<OwnedItem>)>> {
        // Beside a bare max(), SQLite takes the other columns from the row that has it.
        // Source: https://www.sqlite.org/lang_select.html#bareagg
        let rows = sql::query_of(
            "SELECT client_id, item, quantity, max(day) FROM (
                 SELECT client_id, item, day, sum(quantity) AS quantity FROM purchase_items
                 WHERE client_id IN (SELECT value FROM json_each($1)) AND day <= $2
                 GROUP BY client_id, item, day)
             GROUP BY client_id, item ORDER BY client_id, item",
            "SELECT DISTINCT ON (client_id, item) client_id, item, sum(quantity) AS quantity
             FROM purchase_items
             WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)
               AND day <= $2
             GROUP BY client_id, item, day ORDER BY client_id, item, day DESC",
        )
        .bind(id_list)
        .bind(up_to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(by_client(&rows, |row| OwnedItem {
            item: row.get("item"),
            quantity: row.get("quantity"),
        }))
    }
}

/// What is read from rows that come client after client.
fn by_client<T>(rows: &[Row], read: impl Fn(&Row) -> T) -> Vec<(ClientId, Vec<T>)> {
    let mut baskets: Vec<(ClientId, Vec<T>)> = Vec::new();
    for row in rows {
        let (client, item) = (ClientId(row.get("client_id")), read(row));
        match baskets.last_mut() {
            Some((last, items)) if *last == client => items.push(item),
            _ => baskets.push((client, vec![item])),
        }
    }
    baskets
}
