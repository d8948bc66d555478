//! What rests until a person releases it, and which parts of the service are alive.

use crate::db::sql;
use serde::Serialize;

use super::audit::{Entry, write_down};
use super::{Result, Store};
use crate::rules::heartbeat::Heartbeat;

/// The part under which it is noted what is wrong with the files of the configuration.
pub const CONFIGURATION: &str = "configuration";

/// Something that rests until a person releases it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// `restore`, `clock` or `moved`.
    pub name: String,
    /// Since when, in unix milliseconds.
    pub since: i64,
    /// Why.
    pub reason: String,
}

impl Store {
    /// What rests until a person releases it.
    pub async fn holds(&self) -> Result<Vec<Hold>> {
        let rows = sql::query("SELECT name, since, reason FROM holds ORDER BY name");
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| Hold {
                name: row.get("name"),
                since: row.get("since"),
                reason: row.get("reason"),
            })
            .collect())
    }

    /// Lets something rest; says whether it did not before.
    pub async fn hold(&self, name: &str, reason: &str, now_ms: i64) -> Result<bool> {
        let done = sql::query(
            "INSERT INTO holds (name, since, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        );
        let done = done.bind(name).bind(now_ms).bind(reason);
        Ok(done.execute(&self.writer).await?.rows_affected() == 1)
    }

    /// Releases what rests under a name, and the messages that were held with it; returns how many
    /// messages, or nothing when nothing rested.
    pub async fn release_hold(&self, name: &str, entry: &Entry<'_>) -> Result<Option<u64>> {
        let mut tx = self.begin().await?;
        let gone = sql::query("DELETE FROM holds WHERE name = $1").bind(name);
        if gone.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(None);
        }
        let messages = sql::query(
            "UPDATE messages SET state = 'queued', reason = 'released', changed_at = $2,
                    changed_by = $3
             WHERE state = 'held' AND changed_by = $1",
        );
        let messages = messages.bind(name).bind(entry.now_ms).bind(entry.by);
        let messages = messages.execute(&mut *tx).await?.rows_affected();
        write_down(&mut tx, "hold released", name, entry).await?;
        tx.commit().await?;
        Ok(Some(messages))
    }

    /// Notes that a process, by its name, is alive as a part of the service, and what is wrong with it.
    pub async fn beat(&self, part: &str, owner: &str, note: &str, now_ms: i64) -> Result<()> {
        sql::query(
            "INSERT INTO heartbeats (part, owner, since, at, note) VALUES ($1, $3, $2, $2, $4)
             ON CONFLICT (part, owner) DO UPDATE SET at = $2, note = $4",
        )
        .bind(part)
        .bind(now_ms)
        .bind(owner)
        .bind(note)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Notes that a process has ended as it should, as a part of the service.
    pub async fn stop_beating(&self, part: &str, owner: &str) -> Result<()> {
        sql::query("DELETE FROM heartbeats WHERE part = $1 AND owner = $2")
            .bind(part)
            .bind(owner)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// The processes that have told that they are alive.
    pub async fn heartbeats(&self) -> Result<Vec<Heartbeat>> {
        let rows =
            sql::query("SELECT part, owner, since, at, note FROM heartbeats ORDER BY part, owner");
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| Heartbeat {
                part: row.get("part"),
                owner: row.get("owner"),
                since: row.get("since"),
                at: row.get("at"),
                note: row.get("note"),
            })
            .collect())
    }
}
