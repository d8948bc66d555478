//! Claiming what is due: a lease and a fence.
//!
//! In PostgreSQL any number of workers claim side by side: each takes rows that nobody else has in
//! hand and never waits for one. A lease lasts by the clock of the database.

use crate::db::sql::{self, Engine};
use std::collections::HashSet;

use serde::Serialize;

use super::super::address_locks::clock_of_leases;
use super::super::messages::{DUE_COLUMNS, DueMessage, due_message};
use super::super::rows::word;
use super::super::{Result, Store};
use super::standing::{looking, standings};
use super::{LIVE, put_back, rows_of};
use crate::model::{Channel, ClientId, OnUnknown};
use crate::rules::delivery::clearance::{Door, Hindrance, hindrance};

/// The fence: whoever names it may change the message as long as nobody has claimed it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Claim {
    /// The message.
    pub message: i64,
    /// The number of the claim.
    pub seq: i64,
}

/// What to claim.
#[derive(Clone, Copy, Debug)]
pub struct ClaimOrder<'a> {
    /// On which channel.
    pub channel: Channel,
    /// At most so many.
    pub limit: u32,
    /// Who claims: one name a process start.
    pub owner: &'a str,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// For how long, in milliseconds.
    pub lease_ms: i64,
    /// Whether to ask the gates here already, before any work is done for a message. The door asks in
    /// any case: this is worth its time where it may hold something back.
    pub gates: bool,
}

/// A message that this process has to send or to give back.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The fence.
    pub claim: Claim,
    /// What to send.
    pub due: DueMessage,
    /// Whom it goes to; 0 for the lists of managers.
    pub client: ClientId,
    /// Definite refusals so far.
    pub refusals: u32,
    /// What happens when nobody knows whether it was sent.
    pub on_unknown: OnUnknown,
}

/// What was claimed.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// How many messages.
    pub count: u64,
    /// How many of them the gates did not let through.
    pub hindered: u64,
    /// Those that nothing stands in the way of at the moment, with their addresses.
    pub through: Vec<(Claimed, String)>,
}

/// What is due. The cross join keeps the runs outside: the other way round every claim would read all
/// that is due of all runs and sort it. The states are named as the index of what is due names them
/// (`migrations/sqlite/0012_states.sql`): SQLite would not go by it for a list.
const DUE_IN_SQLITE: &str = "
    SELECT m.id FROM runs r
    CROSS JOIN messages m ON m.run_id = r.id AND m.channel = $1 AND m.due_at <= $3
        AND (m.state = 'planned' OR m.state = 'queued' OR m.state = 'retry')
    WHERE r.status = 'sealed' AND r.mode = $4
    ORDER BY r.id, m.due_at LIMIT $2";

const CLAIM_IN_SQLITE: &str = "
    UPDATE messages SET state = 'claimed', claim = claim + 1, owner = $3, lease_until = $4,
           reason = NULL, changed_at = $2, changed_by = $3
    WHERE id IN (SELECT atom FROM json_each($1)) AND state IN ('planned', 'queued', 'retry')
      AND due_at <= $2";

/// The lateral join keeps the runs outside, and ends as soon as enough are found: no run is sorted,
/// and nothing is locked that is not claimed. Materialized, because a join might ask twice, and lock
/// twice as many. What another worker has in hand is skipped.
const CLAIM_IN_POSTGRES: &str = "
    WITH due AS MATERIALIZED (
        SELECT m.id
        FROM (SELECT id FROM runs WHERE status = 'sealed' AND mode = $4 ORDER BY id) AS r
        CROSS JOIN LATERAL (
            SELECT o.id FROM messages o
            WHERE o.run_id = r.id AND o.channel = $1 AND o.due_at <= $3
              AND o.state IN ('planned', 'queued', 'retry')
            ORDER BY o.due_at LIMIT $2
            FOR NO KEY UPDATE OF o SKIP LOCKED) AS m
        LIMIT $2)
    UPDATE messages SET state = 'claimed', claim = claim + 1, owner = $5, lease_until = $6,
           reason = NULL, changed_at = $3, changed_by = $5
    FROM due WHERE messages.id = due.id
    RETURNING messages.id";

/// Reads those of some messages that are claimed.
async fn read(
    executor: impl sql::Executor<'_>,
    ids: &[i64],
    owner: &str,
    address_of: impl Fn(&DueMessage) -> String,
) -> Result<Vec<(Claimed, String)>> {
    let statement = format!(
        "{DUE_COLUMNS}, m.client_id, m.claim, m.refusals, m.on_unknown
         FROM json_each($1) AS row
         JOIN messages m ON m.id = CAST(row.atom AS BIGINT)
             AND m.state = 'claimed' AND m.owner = $2
         JOIN runs r ON r.id = m.run_id
         LEFT JOIN clients c ON c.id = m.client_id
         ORDER BY m.id"
    );
    let rows = sql::query(sqlx::AssertSqlSafe(statement))
        .bind(rows_of(ids)?)
        .bind(owner)
        .fetch_all(executor)
        .await?;
    let claimed = rows.iter().map(|row| {
        let claimed = Claimed {
            claim: Claim {
                message: row.get("id"),
                seq: row.get("claim"),
            },
            due: due_message(row)?,
            client: ClientId(row.get("client_id")),
            refusals: row.get::<i64, _>("refusals") as u32,
            on_unknown: word(row, "messages", "on_unknown")?,
        };
        let address = address_of(&claimed.due);
        Ok((claimed, address))
    });
    claimed.collect()
}

/// What the gates do not let through now, and why.
async fn hindered(
    executor: impl sql::Executor<'_>,
    claimed: &[(Claimed, String)],
    door: &Door<'_>,
) -> Result<Vec<(Claim, Hindrance)>> {
    let claims: Vec<(Claim, &str)> = claimed
        .iter()
        .map(|(one, address)| (one.claim, address.as_str()))
        .collect();
    let rows = looking(&claims, door).fetch_all(executor).await?;
    let standings = standings(&rows, &claims, i64::MIN, door)?;
    let hindered = claims.iter().filter_map(|(claim, _)| {
        let standing = standings.iter().find(|one| one.id == claim.message)?;
        Some((*claim, hindrance(&standing.at_the_door, door)?))
    });
    Ok(hindered.collect())
}

impl Store {
    /// Claims what is due on a channel, the oldest runs first. Where the gates are asked, what they do
    /// not let through now is put back, or ended, before any work is done for it.
    ///
    /// The one writer of SQLite is held for no longer than it takes to mark the messages: who passes
    /// the door waits for it. What was claimed and could not be read is due again when its lease has
    /// ended.
    pub async fn claim(
        &self,
        order: &ClaimOrder<'_>,
        door: &Door<'_>,
        address_of: impl Fn(&DueMessage) -> String,
    ) -> Result<Claims> {
        let ids = self.take(order).await?;
        if ids.is_empty() {
            return Ok(Claims::default());
        }
        let mut through = read(&self.pool, &ids, order.owner, address_of).await?;
        let count = through.len() as u64;
        if order.gates {
            let back = hindered(&self.pool, &through, door).await?;
            let mut writer = self.writer.acquire().await?;
            put_back(&mut writer, &back, order.owner, order.now_ms).await?;
            let back: HashSet<Claim> = back.into_iter().map(|(claim, _)| claim).collect();
            through.retain(|(one, _)| !back.contains(&one.claim));
        }
        Ok(Claims {
            count,
            hindered: count - through.len() as u64,
            through,
        })
    }

    /// Marks what is due as claimed; the numbers of what was, and perhaps of others.
    async fn take(&self, order: &ClaimOrder<'_>) -> Result<Vec<i64>> {
        let due = sql::query_of(DUE_IN_SQLITE, CLAIM_IN_POSTGRES)
            .scalar()
            .bind(order.channel.word())
            .bind(order.limit)
            .bind(order.now_ms)
            .bind(LIVE);
        crash_point!("before-claim");
        if self.pool.engine() == Engine::Postgres {
            let mut connection = self.writer.acquire().await?;
            let now = clock_of_leases(&mut connection, order.now_ms).await?;
            let claimed = due.bind(order.owner).bind(now + order.lease_ms);
            return Ok(claimed.fetch_all(&mut connection).await?);
        }
        let ids: Vec<i64> = due.fetch_all(&self.pool).await?;
        if !ids.is_empty() {
            sql::query(CLAIM_IN_SQLITE)
                .bind(rows_of(&ids)?)
                .bind(order.now_ms)
                .bind(order.owner)
                .bind(order.now_ms + order.lease_ms)
                .execute(&self.writer)
                .await?;
        }
        Ok(ids)
    }

    /// Gives claimed messages back as they were: nothing of them has left.
    pub async fn give_back(&self, claims: &[Claim], by: &str, now_ms: i64) -> Result<u64> {
        let done = sql::query(
            "UPDATE messages SET state = 'queued', owner = NULL, lease_until = NULL, reason = NULL,
                    changed_at = $2, changed_by = $3
             FROM json_each($1) AS row
             WHERE messages.id = CAST(row.value ->> 'message' AS BIGINT)
               AND claim = CAST(row.value ->> 'seq' AS BIGINT) AND messages.state = 'claimed'",
        )
        .bind(rows_of(claims)?)
        .bind(now_ms)
        .bind(by)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected())
    }

    /// Puts a claimed message off until it is its turn. Being paced is no event of its story.
    pub async fn put_off(&self, claim: Claim, until_ms: i64, by: &str, now_ms: i64) -> Result<()> {
        sql::query(
            "UPDATE messages SET state = 'queued', owner = NULL, lease_until = NULL, reason = NULL,
                    due_at = $3, changed_at = $4, changed_by = $5
             WHERE id = $1 AND claim = $2 AND state = 'claimed'",
        )
        .bind(claim.message)
        .bind(claim.seq)
        .bind(until_ms)
        .bind(now_ms)
        .bind(by)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// The instant in unix milliseconds at which the next message of a channel is due; nothing when
    /// none waits.
    pub async fn next_due(&self, channel: Channel) -> Result<Option<i64>> {
        let due = sql::query_scalar::<Option<i64>>(
            "SELECT min((SELECT m.due_at FROM messages m
                         WHERE m.run_id = r.id AND m.channel = $1
                           AND (m.state = 'planned' OR m.state = 'queued' OR m.state = 'retry')
                         ORDER BY m.due_at LIMIT 1))
             FROM runs r WHERE r.status = 'sealed' AND r.mode = $2",
        );
        let due = due.bind(channel.word()).bind(LIVE);
        Ok(due.fetch_one(&self.pool).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::{plan_in_sqlite, told_by_sqlite};

    #[tokio::test]
    async fn what_is_due_is_found_in_order_by_the_index_of_what_is_due() {
        let plan = plan_in_sqlite(DUE_IN_SQLITE).await;
        let by = "messages_due (run_id=? AND channel=? AND due_at<?)";
        assert!(plan.iter().any(|line| line.contains(by)), "{plan:#?}");
        let sorts = plan.iter().any(|line| line.contains("TEMP B-TREE"));
        assert!(!sorts, "{plan:#?}");
    }

    #[tokio::test]
    async fn a_change_of_state_is_checked_without_a_table_of_its_own() {
        let change = "EXPLAIN UPDATE messages SET state = $1, on_unknown = $2 WHERE id = $3";
        let steps = told_by_sqlite(change, "opcode").await;
        assert!(steps.iter().any(|step| step == "Program"), "{steps:?}");
        let fills = steps.iter().any(|step| step == "OpenEphemeral");
        assert!(!fills, "{steps:?}");
    }
}
