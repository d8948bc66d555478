//! Forgetting a client. What is known of one, for the client himself, is in `export`.

use crate::db::sql::{self, Connection};

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

impl Store {
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
            "INSERT INTO erasures (client_id, proof, at, by, reason)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
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

/// What says who a client was, whom he knew, or what was told of him; `$1` is the client.
const WORDS: &[&str] = &[
    "UPDATE outcomes SET note = NULL
     WHERE task_id IN (SELECT id FROM tasks WHERE client_id = $1)",
    "UPDATE outcomes SET friend_id = NULL
     WHERE friend_id = $1
        OR (friend_id IS NOT NULL AND task_id IN (SELECT id FROM tasks WHERE client_id = $1))",
    "DELETE FROM friends WHERE client_id = $1 OR referrer_id = $1",
    "DELETE FROM owner_changes WHERE client_id = $1",
    "UPDATE task_events SET said = NULL
     WHERE task_id IN (SELECT id FROM tasks WHERE client_id = $1)",
    // Among the reasons of an episode are titles of deals and pages that he looked at.
    "UPDATE enrollments SET evidence = '{}' WHERE client_id = $1",
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
];

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
    end_telling(tx, erasure, entry).await?;
    forgotten.tasks = changed(
        tx,
        "UPDATE tasks SET inputs = '{}',
                closed_by = CASE WHEN state IN ('waiting', 'open') THEN 'erased' ELSE closed_by END,
                state = CASE WHEN state IN ('waiting', 'open') THEN 'cancelled' ELSE state END
         WHERE client_id = $1",
        id,
    )
    .await?;
    for statement in WORDS {
        changed(tx, statement, id).await?;
    }
    sql::query("UPDATE clients SET deleted_on = coalesce(deleted_on, $2) WHERE id = $1")
        .bind(id)
        .bind(erasure.today.epoch_days())
        .execute(tx)
        .await?;
    Ok(())
}

/// What was not told to the other program yet is not told any more; where it may know of a task that
/// ends now, it hears that it has ended.
async fn end_telling(tx: &mut Connection, erasure: &Erasure<'_>, entry: &Entry<'_>) -> Result<()> {
    sql::query(
        "INSERT INTO task_events (task_id, kind, day, at, due_at)
         SELECT t.id, 'closed', $2, $3, $3 FROM tasks t
         WHERE t.client_id = $1 AND t.state IN ('waiting', 'open')
           AND EXISTS (SELECT 1 FROM task_events e
                       WHERE e.task_id = t.id AND e.kind = 'listed' AND e.tries > 0)
         ON CONFLICT DO NOTHING",
    )
    .bind(erasure.client.0)
    .bind(erasure.today.epoch_days())
    .bind(entry.now_ms)
    .execute(&mut *tx)
    .await?;
    let untold = "UPDATE task_events SET due_at = NULL
                  WHERE kind = 'listed' AND due_at IS NOT NULL
                    AND task_id IN (SELECT id FROM tasks WHERE client_id = $1)";
    changed(tx, untold, erasure.client.0).await?;
    Ok(())
}

async fn changed(tx: &mut Connection, statement: &'static str, client: i64) -> Result<u64> {
    let done = sql::query(statement).bind(client).execute(tx).await?;
    Ok(done.rows_affected())
}
