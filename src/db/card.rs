//! What the card of one client shows beside the verdicts: who he is, the people behind him, what he
//! bought, his deals, his messages and what came of his tasks.

use super::day_page::PastOutcome;
use super::rows::{day_of, optional_day, word};
use super::{Result, Store};
use crate::db::sql;
use crate::model::{Channel, ClientId, Contact, Day, DealStatus, MessageState};

/// Who a client is, as the source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardHead {
    /// The id in the source.
    pub ext_id: String,
    /// The name of the person.
    pub name: Option<String>,
    /// The name of the company.
    pub company: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The phone.
    pub phone: Option<String>,
    /// The manager who has him now, by the id that the source uses.
    pub manager: Option<String>,
    /// Tags of the source, as a JSON array.
    pub tags: String,
    /// Further columns of the source, as a JSON object.
    pub attributes: String,
}

/// A purchase day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPurchase {
    /// The day.
    pub day: Day,
    /// Minor units of all its rows.
    pub amount: i64,
    /// What was bought, joined.
    pub items: Option<String>,
}

/// A deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardDeal {
    /// What it is about.
    pub title: Option<String>,
    /// Open, won or lost.
    pub status: DealStatus,
    /// The stage in the source's words.
    pub stage: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
    /// The first day.
    pub opened_on: Option<Day>,
    /// The day on which it was won or lost.
    pub closed_on: Option<Day>,
    /// The reason of a rejection.
    pub reason: Option<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardMessage {
    /// Our own number.
    pub id: i64,
    /// The day for which it was planned.
    pub day: Day,
    /// The campaign.
    pub campaign: String,
    /// The step.
    pub step: String,
    /// The way it went.
    pub channel: Channel,
    /// What became of it.
    pub state: MessageState,
    /// Why.
    pub reason: Option<String>,
}

/// The longest list of a card.
pub const CARD_LISTS: usize = 100;

const MOST: i64 = CARD_LISTS as i64;

impl Store {
    /// Who a client is; nothing when there is no such number.
    pub async fn card_head(&self, client: ClientId) -> Result<Option<CardHead>> {
        let row = sql::query(
            "SELECT c.ext_id, c.name, c.company, c.email, c.phone, m.manager, c.tags, c.attributes
             FROM clients c JOIN client_managers m ON m.client_id = c.id
             WHERE c.id = $1 AND c.deleted_on IS NULL",
        )
        .bind(client.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| CardHead {
            ext_id: row.get("ext_id"),
            name: row.get("name"),
            company: row.get("company"),
            email: row.get("email"),
            phone: row.get("phone"),
            manager: row.get("manager"),
            tags: row.get("tags"),
            attributes: row.get("attributes"),
        }))
    }

    /// Whether a client is a manager's to see: his own, or one whom he is asked to call.
    pub async fn is_client_of(&self, client: ClientId, manager: &str) -> Result<bool> {
        let his = sql::query_scalar::<bool>(
            "SELECT EXISTS (SELECT 1 FROM client_managers WHERE client_id = $1 AND manager = $2)
                 OR EXISTS (SELECT 1 FROM tasks t
                            JOIN runs r ON r.id = t.run_id AND r.status = 'sealed'
                            WHERE t.client_id = $1 AND $2 IN (t.manager, t.acting)
                              AND t.state IN ('open', 'waiting'))",
        );
        Ok(his
            .bind(client.0)
            .bind(manager)
            .fetch_one(&self.pool)
            .await?)
    }

    /// The people behind a client, whoever is written to first.
    pub async fn contacts_of(&self, client: ClientId) -> Result<Vec<Contact>> {
        let rows = sql::query(
            "SELECT name, role, email, phone, is_primary FROM contacts WHERE client_id = $1
             ORDER BY is_primary DESC, id",
        )
        .bind(client.0)
        .fetch_all(&self.pool)
        .await?;
        let contacts = rows.iter().map(|row| Contact {
            name: row.get("name"),
            role: row.get("role"),
            email: row.get("email"),
            phone: row.get("phone"),
            primary: row.get::<i64, _>("is_primary") != 0,
        });
        Ok(contacts.collect())
    }

    /// What a client bought, the last day first.
    pub async fn purchases_of(&self, client: ClientId) -> Result<Vec<CardPurchase>> {
        let statement = |joined: &str| {
            sqlx::AssertSqlSafe(format!(
                "SELECT p.day, CAST(sum(p.amount) AS BIGINT) AS amount,
                        (SELECT {joined}(item, ', ') FROM (
                             SELECT DISTINCT i.item FROM purchase_items i
                             WHERE i.client_id = $1 AND i.day = p.day
                             ORDER BY i.item LIMIT 12) AS bought) AS items
                 FROM purchases p
                 WHERE p.client_id = $1 AND p.cancelled_on IS NULL AND p.cancels IS NULL
                 GROUP BY p.day ORDER BY p.day DESC LIMIT $2"
            ))
        };
        let rows = sql::query_of(statement("group_concat"), statement("string_agg"))
            .bind(client.0)
            .bind(MOST)
            .fetch_all(&self.pool)
            .await?;
        let purchases = rows.iter().map(|row| CardPurchase {
            day: day_of(row, "day"),
            amount: row.get("amount"),
            items: row.get("items"),
        });
        Ok(purchases.collect())
    }

    /// The deals of a client, the last one first.
    pub async fn deals_of(&self, client: ClientId) -> Result<Vec<CardDeal>> {
        let rows = sql::query(
            "SELECT title, status, stage, amount, opened_on, closed_on, reason FROM deals
             WHERE client_id = $1
             ORDER BY status <> 'open', coalesce(closed_on, opened_on) DESC NULLS LAST, id DESC
             LIMIT $2",
        )
        .bind(client.0)
        .bind(MOST)
        .fetch_all(&self.pool)
        .await?;
        let deals = rows.iter().map(|row| {
            Ok(CardDeal {
                title: row.get("title"),
                status: word(row, "deals", "status")?,
                stage: row.get("stage"),
                amount: row.get("amount"),
                opened_on: optional_day(row, "opened_on"),
                closed_on: optional_day(row, "closed_on"),
                reason: row.get("reason"),
            })
        });
        deals.collect()
    }

    /// The messages to a client, the last one first; not those of the control group.
    pub async fn messages_to(&self, client: ClientId) -> Result<Vec<CardMessage>> {
        let rows = sql::query(
            "SELECT m.id, m.planned_on, m.campaign, m.step, m.channel, m.state, m.reason
             FROM messages m JOIN runs r ON r.id = m.run_id AND r.status <> 'planning'
             WHERE m.client_id = $1 AND m.state <> 'held_out'
             ORDER BY m.planned_on DESC, m.id DESC LIMIT $2",
        )
        .bind(client.0)
        .bind(MOST)
        .fetch_all(&self.pool)
        .await?;
        let messages = rows.iter().map(|row| {
            Ok(CardMessage {
                id: row.get("id"),
                day: day_of(row, "planned_on"),
                campaign: row.get("campaign"),
                step: row.get("step"),
                channel: word(row, "messages", "channel")?,
                state: word(row, "messages", "state")?,
                reason: row.get("reason"),
            })
        });
        messages.collect()
    }

    /// What came of the tasks about a client, the last outcome first.
    pub async fn outcomes_about(&self, client: ClientId) -> Result<Vec<PastOutcome>> {
        let rows = sql::query(
            "SELECT o.kind, o.day, o.until, o.reason, o.note, o.recorded_by, o.task_id
             FROM tasks t JOIN outcomes o ON o.task_id = t.id
             WHERE t.client_id = $1 ORDER BY o.id DESC LIMIT $2",
        )
        .bind(client.0)
        .bind(MOST)
        .fetch_all(&self.pool)
        .await?;
        let outcomes = rows.iter().map(|row| {
            Ok(PastOutcome {
                kind: word(row, "outcomes", "kind")?,
                day: day_of(row, "day"),
                until: optional_day(row, "until"),
                reason: row.get("reason"),
                note: row.get("note"),
                by: row.get("recorded_by"),
                task: row.get("task_id"),
            })
        });
        outcomes.collect()
    }
}
