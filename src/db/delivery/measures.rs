//! What answers bring about beside the message: suppressed addresses, counted faults, stops.

use crate::db::sql;
use serde::Serialize;

use super::super::rows::word;
use super::super::suppressions::{NewSuppression, suppress};
use super::super::{Result, Store, address_locks};
use super::is_stopped;
use crate::model::{Channel, Day, StopOf, SuppressionReason, SuppressionScope};

/// Something that rests until a person lifts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// What is stopped.
    pub kind: StopOf,
    /// Its name.
    pub name: String,
    /// Unix milliseconds.
    pub since: i64,
    /// Who stopped it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Suppresses an address. What is suppressed for everything stays so; an earlier day stays.
    pub async fn suppress(
        &self,
        hash: &[u8; 32],
        channel: Channel,
        scope: SuppressionScope,
        reason: SuppressionReason,
        since: Day,
        source: &str,
    ) -> Result<()> {
        let new = NewSuppression {
            hash: *hash,
            channel,
            scope,
            reason,
        };
        let mut tx = self.begin_delivery().await?;
        suppress(&mut tx, &[new], since, source).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Counts a fault of an address once a message; returns how many of its kind there were since
    /// `since_ms`.
    pub async fn count_fault(
        &self,
        hash: &[u8; 32],
        channel: Channel,
        kind: &str,
        message: i64,
        now_ms: i64,
        since_ms: i64,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO address_faults (address_hash, channel, kind, at, message_id)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(&hash[..])
        .bind(channel.word())
        .bind(kind)
        .bind(now_ms)
        .bind(message)
        .execute(&mut *tx)
        .await?;
        if kind == "no_account" {
            // The next run looks at the client: a fallback may be due.
            sql::query(
                "UPDATE enrollments SET next_on = $2 FROM messages m
                 WHERE m.id = $1 AND enrollments.campaign = m.campaign
                   AND enrollments.client_id = m.client_id AND enrollments.episode = m.episode
                   AND enrollments.next_on > $2",
            )
            .bind(message)
            .bind(now_ms / 86_400_000)
            .execute(&mut *tx)
            .await?;
        }
        let faults: i64 = sql::query_scalar(
            "SELECT count(*) FROM address_faults
             WHERE address_hash = $1 AND channel = $2 AND kind = $3 AND at > $4",
        )
        .bind(&hash[..])
        .bind(channel.word())
        .bind(kind)
        .bind(since_ms)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(faults.cast_unsigned())
    }

    /// Stops something until a person lifts it; the first reason stays. When this returns nothing
    /// that it is about passes the door any more.
    pub async fn stop(&self, stop: &Stop) -> Result<()> {
        let mut tx = self.begin_delivery().await?;
        sql::query(
            "INSERT INTO stops (kind, name, since, by, reason) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(stop.kind.word())
        .bind(&stop.name)
        .bind(stop.since)
        .bind(&stop.by)
        .bind(&stop.reason)
        .execute(&mut *tx)
        .await?;
        address_locks::alone(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lifts a stop; what waited for that may go at once. Says whether there was one.
    pub async fn lift_stop(&self, kind: StopOf, name: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sql::query("DELETE FROM stops WHERE kind = $1 AND name = $2")
            .bind(kind.word())
            .bind(name)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 1 {
            sql::query(
                "UPDATE messages SET due_at = 0, reason = NULL
                 WHERE state = 'queued' AND substr(reason, 1, length($1)) = $1",
            )
            .bind(is_stopped(kind, name))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether a channel rests until a person lifts it.
    pub async fn channel_is_stopped(&self, channel: Channel) -> Result<bool> {
        let stopped = sql::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM stops WHERE kind = 'channel' AND name = $1)",
        );
        Ok(stopped.bind(channel.word()).fetch_one(&self.pool).await?)
    }

    /// Everything that rests until a person lifts it.
    pub async fn stops(&self) -> Result<Vec<Stop>> {
        let rows =
            sql::query("SELECT kind, name, since, by, reason FROM stops ORDER BY kind, name")
                .fetch_all(&self.pool)
                .await?;
        let stops = rows.iter().map(|row| {
            Ok(Stop {
                kind: word(row, "stops", "kind")?,
                name: row.get("name"),
                since: row.get("since"),
                by: row.get("by"),
                reason: row.get("reason"),
            })
        });
        stops.collect()
    }
}
