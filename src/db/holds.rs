//! What rests until a person releases it, and which parts of the service are alive.

use crate::db::sql;
use serde::Serialize;

use super::audit::{Entry, write_down};
use super::{Result, Store};

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

/// A part of the service that has told that it is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// `schedule`, `worker` or `web`.
    pub part: String,
    /// When it told so last, in unix milliseconds.
    pub at: i64,
    /// What is wrong with it; empty when nothing is.
    pub note: String,
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

    /// Notes that a part of the service is alive, and what is wrong with it.
    pub async fn beat(&self, part: &str, owner: &str, note: &str, now_ms: i64) -> Result<()> {
        sql::query(
            "INSERT INTO heartbeats (part, at, owner, note) VALUES ($1, $2, $3, $4)
             ON CONFLICT (part) DO UPDATE SET at = $2, owner = $3, note = $4",
        )
        .bind(part)
        .bind(now_ms)
        .bind(owner)
        .bind(note)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Notes that a part of the service has ended as it should.
    pub async fn stop_beating(&self, part: &str) -> Result<()> {
        sql::query("DELETE FROM heartbeats WHERE part = $1")
            .bind(part)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// The parts of the service that have told that they are alive.
    pub async fn heartbeats(&self) -> Result<Vec<Heartbeat>> {
        let rows = sql::query("SELECT part, at, note FROM heartbeats ORDER BY part");
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| Heartbeat {
                part: row.get("part"),
                at: row.get("at"),
                note: row.get("note"),
            })
            .collect())
    }
}
