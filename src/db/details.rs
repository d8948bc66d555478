//! What a letter or a task tells about a client beside the facts of the plan: read for those only
//! who are touched.

use std::collections::HashMap;

use sqlx::Row;

use super::facts::id_list;
use super::rows::day_of;
use super::{Result, Store};
use crate::model::{ClientId, Day};

/// How many items are told.
const ITEMS: usize = 3;

/// What a client buys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What is bought most often, most frequent first.
    pub usual_items: Vec<String>,
    /// What was bought on the last day with items.
    pub last_items: Vec<String>,
    /// Minor units of the last purchase day.
    pub last_amount: Option<i64>,
}

impl Store {
    /// The details of some clients as of a day.
    pub async fn details(&self, ids: &[ClientId], day: Day) -> Result<HashMap<ClientId, Details>> {
        let list = id_list(ids);
        let mut details: HashMap<ClientId, Details> = HashMap::new();
        let usual = sqlx::query(
            "SELECT client_id, item, count(DISTINCT day) AS times FROM purchase_items
             WHERE client_id IN (SELECT value FROM json_each(?1)) AND day <= ?2
             GROUP BY client_id, item ORDER BY client_id, times DESC, item",
        )
        .bind(&list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in usual {
            let one = details.entry(ClientId(row.get("client_id"))).or_default();
            if one.usual_items.len() < ITEMS {
                one.usual_items.push(row.get("item"));
            }
        }
        let last = sqlx::query(
            "SELECT i.client_id, i.item FROM purchase_items i
             WHERE i.client_id IN (SELECT value FROM json_each(?1))
               AND i.day = (SELECT max(day) FROM purchase_items l
                            WHERE l.client_id = i.client_id AND l.day <= ?2)
             ORDER BY i.client_id, i.amount DESC, i.item",
        )
        .bind(&list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in last {
            let one = details.entry(ClientId(row.get("client_id"))).or_default();
            let item: String = row.get("item");
            if one.last_items.len() < ITEMS && !one.last_items.contains(&item) {
                one.last_items.push(item);
            }
        }
        let amounts = sqlx::query(
            "SELECT p.client_id, p.day, SUM(MAX(p.amount, 0)) AS paid FROM purchases p
             WHERE p.client_id IN (SELECT value FROM json_each(?1))
               AND p.day = (SELECT max(day) FROM purchases l
                            WHERE l.client_id = p.client_id AND l.day <= ?2 AND l.amount > 0)
             GROUP BY p.client_id",
        )
        .bind(&list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in amounts {
            debug_assert!(day_of(&row, "day") <= day);
            let one = details.entry(ClientId(row.get("client_id"))).or_default();
            one.last_amount = Some(row.get("paid"));
        }
        Ok(details)
    }

    /// What some clients bought and when, up to a day; nothing for receipts without items.
    pub async fn items_of(
        &self,
        ids: &[ClientId],
        up_to: Day,
    ) -> Result<HashMap<ClientId, Vec<(Day, String)>>> {
        let rows = sqlx::query(
            "SELECT client_id, day, item FROM purchase_items
             WHERE client_id IN (SELECT value FROM json_each(?1)) AND day <= ?2
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
}
