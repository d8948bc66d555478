//! What is known of one person, for the person; and forgetting it.

use crate::db::sql::{self, Connection, Row};
use serde_json::{Map, Value};

use super::audit::{Entry, write_down};
use super::suppressions::{NewSuppression, suppress};
use super::{Result, Store};
use crate::model::{Channel, ClientId, Day, SuppressionReason, SuppressionScope, hex};

/// A client to be forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Erasure<'a> {
    /// The client.
    pub client: ClientId,
    /// The keyed hash of source and id: all that is left of who it was.
    pub proof: [u8; 32],
    /// The keyed hashes of the addresses, which are not written to any more.
    pub addresses: &'a [(Channel, [u8; 32])],
    /// The present day.
    pub today: Day,
}

/// What was removed with a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Forgotten {
    /// Addresses that are not written to any more.
    pub addresses: u64,
    /// Persons of the client.
    pub contacts: u64,
    /// Messages whose words are gone; their keys stay.
    pub messages: u64,
    /// Messages that had not left and will not.
    pub cancelled: u64,
    /// Tasks whose words are gone.
    pub tasks: u64,
}

/// What is told to a client about himself: the name of a part, and its rows. `$1` is the client.
const PARTS: &[(&str, &str)] = &[
    (
        "client",
        "SELECT s.name AS source, c.ext_id AS id, c.name, c.company, c.email, c.phone, c.locale,
                c.time_zone, c.country, c.manager, c.tags, c.attributes,
                date(c.birthday * 86400, 'unixepoch') AS birthday,
                date(c.deleted_on * 86400, 'unixepoch') AS deleted_on
         FROM clients c JOIN sources s ON s.id = c.source_id WHERE c.id = $1",
    ),
    (
        "contacts",
        "SELECT ext_id AS id, name, role, email, phone FROM contacts WHERE client_id = $1",
    ),
    (
        "purchases",
        "SELECT date(day * 86400, 'unixepoch') AS day, key, amount AS minor_units, promo
         FROM purchases WHERE client_id = $1",
    ),
    (
        "purchase_items",
        "SELECT date(day * 86400, 'unixepoch') AS day, key, item, sku, quantity,
                amount AS minor_units
         FROM purchase_items WHERE client_id = $1",
    ),
    (
        "deals",
        "SELECT ext_id AS id, title, status, stage, amount AS minor_units, reason,
                date(opened_on * 86400, 'unixepoch') AS opened_on,
                date(closed_on * 86400, 'unixepoch') AS closed_on
         FROM deals WHERE client_id = $1",
    ),
    (
        "visits",
        "SELECT date(day * 86400, 'unixepoch') AS day, page FROM visits WHERE client_id = $1",
    ),
    (
        "consents",
        "SELECT channel, class, basis, proof, date(given_on * 86400, 'unixepoch') AS given_on,
                date(withdrawn_on * 86400, 'unixepoch') AS withdrawn_on
         FROM consents WHERE client_id = $1",
    ),
    (
        "rhythm",
        "SELECT purchase_days, turnover AS minor_units,
                date(first_day * 86400, 'unixepoch') AS first_day,
                date(last_day * 86400, 'unixepoch') AS last_day,
                date(due_on * 86400, 'unixepoch') AS due_on
         FROM rhythms WHERE client_id = $1",
    ),
    (
        "enrollments",
        "SELECT campaign, episode, arm, date(began_on * 86400, 'unixepoch') AS began_on,
                date(entered_on * 86400, 'unixepoch') AS entered_on,
                date(closed_on * 86400, 'unixepoch') AS closed_on, closed_by
         FROM enrollments WHERE client_id = $1",
    ),
    (
        "messages",
        "SELECT key, campaign, episode, step, channel, state,
                date(planned_on * 86400, 'unixepoch') AS planned_on,
                datetime(sent_at / 1000, 'unixepoch') AS sent_at,
                datetime(accepted_at / 1000, 'unixepoch') AS accepted_at, inputs AS made_from,
                evidence
         FROM messages WHERE client_id = $1",
    ),
    (
        "tasks",
        "SELECT campaign, episode, step, kind, state, inputs AS made_from,
                date(planned_on * 86400, 'unixepoch') AS planned_on
         FROM tasks WHERE client_id = $1",
    ),
    (
        "outcomes",
        "SELECT o.kind, o.note, date(o.day * 86400, 'unixepoch') AS day, o.recorded_by
         FROM outcomes o JOIN tasks t ON t.id = o.task_id WHERE t.client_id = $1",
    ),
    (
        "certificates",
        "SELECT code, kind, discount, gift, date(issued_on * 86400, 'unixepoch') AS issued_on,
                date(valid_until * 86400, 'unixepoch') AS valid_until
         FROM certificates WHERE client_id = $1",
    ),
    (
        "redemptions",
        "SELECT code, receipt, date(day * 86400, 'unixepoch') AS day, amount AS minor_units, by, via,
                datetime(undone_at / 1000, 'unixepoch') AS undone_at
         FROM redemptions WHERE client_id = $1",
    ),
];

impl Store {
    /// Everything that is known of a client, part by part.
    pub async fn all_about(&self, client: ClientId) -> Result<Map<String, Value>> {
        let mut all = Map::new();
        for (part, statement) in PARTS {
            let rows = sql::query(*statement).bind(client.0);
            let rows = rows.fetch_all(&self.pool).await?;
            let rows = rows.iter().map(object).collect::<Result<Vec<Value>>>()?;
            all.insert((*part).to_owned(), Value::Array(rows));
        }
        Ok(all)
    }

    /// Every client who has not been forgotten: number, source and id.
    pub async fn clients_not_forgotten(&self) -> Result<Vec<(ClientId, String, String)>> {
        let rows = sql::query(
            "SELECT c.id, s.name, c.ext_id FROM clients c JOIN sources s ON s.id = c.source_id
             WHERE c.id NOT IN (SELECT client_id FROM erasures)",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| (ClientId(row.get(0)), row.get(1), row.get(2)))
            .collect())
    }

    /// Notes that somebody was told everything that is known of a client.
    pub async fn note_export(&self, proof: &[u8; 32], entry: &Entry<'_>) -> Result<()> {
        let mut connection = self.writer.acquire().await?;
        write_down(&mut connection, "client exported", &hex(proof), entry).await
    }

    /// Forgets a client in one transaction. The keys of messages stay, so that nothing is sent twice
    /// to whoever comes back; so do attempts and events, which prove what was sent.
    pub async fn forget_client(
        &self,
        erasure: &Erasure<'_>,
        entry: &Entry<'_>,
    ) -> Result<Forgotten> {
        let mut tx = self.begin().await?;
        let mut forgotten = Forgotten::default();
        let addresses: Vec<NewSuppression> = erasure
            .addresses
            .iter()
            .map(|(channel, hash)| NewSuppression {
                hash: *hash,
                channel: *channel,
                scope: SuppressionScope::All,
                reason: SuppressionReason::Erasure,
            })
            .collect();
        let new = suppress(&mut tx, &addresses, erasure.today, entry.by).await?;
        forgotten.addresses = new.len() as u64;
        sql::query(
            "INSERT OR IGNORE INTO erasures (client_id, proof, at, by, reason)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(erasure.client.0)
        .bind(&erasure.proof[..])
        .bind(entry.now_ms)
        .bind(entry.by)
        .bind(entry.reason)
        .execute(&mut *tx)
        .await?;
        empty(&mut tx, erasure, entry, &mut forgotten).await?;
        write_down(&mut tx, "client forgotten", &hex(&erasure.proof), entry).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

/// Removes what is personal.
async fn empty(
    tx: &mut Connection,
    erasure: &Erasure<'_>,
    entry: &Entry<'_>,
    forgotten: &mut Forgotten,
) -> Result<()> {
    let id = erasure.client.0;
    forgotten.contacts = changed(tx, "DELETE FROM contacts WHERE client_id = $1", id).await?;
    let cancelled = sql::query(
        "UPDATE messages SET state = 'cancelled', reason = 'erasure', changed_by = $2,
                changed_at = $3
         WHERE client_id = $1 AND state IN ('planned', 'queued', 'retry', 'held')",
    );
    let cancelled = cancelled.bind(id).bind(entry.by).bind(entry.now_ms);
    forgotten.cancelled = cancelled.execute(&mut *tx).await?.rows_affected();
    forgotten.messages = changed(
        tx,
        "UPDATE messages SET inputs = '{}' WHERE client_id = $1",
        id,
    )
    .await?;
    forgotten.tasks = changed(
        tx,
        "UPDATE tasks SET inputs = '{}',
                closed_by = CASE WHEN state IN ('waiting', 'open') THEN 'erased' ELSE closed_by END,
                state = CASE WHEN state IN ('waiting', 'open') THEN 'cancelled' ELSE state END
         WHERE client_id = $1",
        id,
    )
    .await?;
    for statement in [
        "UPDATE outcomes SET note = NULL
         WHERE task_id IN (SELECT id FROM tasks WHERE client_id = $1)",
        "UPDATE deals SET title = NULL WHERE client_id = $1",
        "DELETE FROM visits WHERE client_id = $1",
        // What a till was told of a friend whom no import has brought yet.
        "UPDATE referrals SET phone = NULL, email = NULL, mailbox = NULL
         WHERE friend_id = $1 OR phone = (SELECT phone FROM clients WHERE id = $1)
            OR email = (SELECT email FROM clients WHERE id = $1)",
        "DELETE FROM client_marks WHERE client_id = $1",
        // The trigger of the table does the rest, now and at every import.
        "UPDATE clients SET name = NULL, company = NULL, email = NULL, phone = NULL, locale = NULL,
                time_zone = NULL, country = NULL, birthday = NULL, attributes = '{}', tags = '[]'
         WHERE id = $1",
    ] {
        changed(tx, statement, id).await?;
    }
    sql::query("UPDATE clients SET deleted_on = ifnull(deleted_on, $2) WHERE id = $1")
        .bind(id)
        .bind(erasure.today.epoch_days())
        .execute(tx)
        .await?;
    Ok(())
}

async fn changed(tx: &mut Connection, statement: &'static str, client: i64) -> Result<u64> {
    let done = sql::query(statement).bind(client).execute(tx).await?;
    Ok(done.rows_affected())
}

/// A row as JSON, each column by the kind of its value; JSON in texts is shown as what it is.
fn object(row: &Row) -> Result<Value> {
    let mut object = Map::new();
    for (name, cell) in row.cells()? {
        let value = match cell {
            sql::Value::Int(Some(number)) => Value::from(number),
            sql::Value::Real(Some(number)) => Value::from(number),
            sql::Value::Text(Some(text)) => {
                let json = text
                    .starts_with(['{', '['])
                    .then(|| serde_json::from_str(&text));
                json.and_then(std::result::Result::ok)
                    .unwrap_or_else(|| Value::String(text.into_owned()))
            }
            sql::Value::Bytes(Some(bytes)) => Value::String(hex(&bytes)),
            _ => Value::Null,
        };
        object.insert(name, value);
    }
    Ok(Value::Object(object))
}
