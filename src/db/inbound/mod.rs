//! What comes back from outside: kept as it came, found its message, counted once.
//!
//! An event is stored before it is answered. Its effects and the note that it was counted are one
//! transaction, so that neither a kill nor a second webhook counts it twice.

mod taking;
mod trace;

pub use taking::{NewAnswer, Taken, Taking};
pub use trace::{KnownMessage, Trace};

use crate::db::sql;
use sha2::{Digest, Sha256};

use super::{Result, Store};

/// What came in, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InboundKind {
    /// The body of a webhook of WhatsApp.
    Whatsapp,
    /// A mail.
    Mail,
    /// Outcomes of tasks that another program tells.
    Outcomes,
}

impl InboundKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Mail => "mail",
            Self::Outcomes => "outcomes",
        }
    }
}

/// Something that came in and is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundEvent {
    /// Our own number.
    pub id: i64,
    /// What it is.
    pub kind: InboundKind,
    /// When it came, in unix milliseconds.
    pub received_at: i64,
    /// The bytes.
    pub body: Vec<u8>,
    /// How often it was looked at.
    pub tries: u32,
}

impl Store {
    /// Keeps what came in; the same bytes are kept once. Says whether they were new.
    pub async fn keep_inbound(&self, kind: InboundKind, body: &[u8], now_ms: i64) -> Result<bool> {
        let digest = Sha256::new()
            .chain_update(kind.word())
            .chain_update([0])
            .chain_update(body)
            .finalize();
        let done = sql::query(
            "INSERT INTO inbound_events (kind, digest, received_at, body, due_at)
             VALUES ($1, $2, $3, $4, $3) ON CONFLICT DO NOTHING",
        )
        .bind(kind.word())
        .bind(&digest[..])
        .bind(now_ms)
        .bind(body)
        .execute(&self.writer)
        .await?;
        self.arrivals.notify_one();
        Ok(done.rows_affected() == 1)
    }

    /// Waits until something comes in through this process.
    pub async fn arrival(&self) {
        self.arrivals.notified().await;
    }

    /// What is to be looked at now, the oldest first, after the number `after`.
    pub async fn inbound_due(
        &self,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<InboundEvent>> {
        let rows = sql::query(
            "SELECT id, kind, received_at, body, tries FROM inbound_events
             WHERE due_at <= $1 AND id > $2 ORDER BY id LIMIT $3",
        )
        .bind(now_ms)
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let events = rows.iter().map(|row| InboundEvent {
            id: row.get("id"),
            kind: match row.get::<String, _>("kind").as_str() {
                "mail" => InboundKind::Mail,
                "outcomes" => InboundKind::Outcomes,
                _ => InboundKind::Whatsapp,
            },
            received_at: row.get("received_at"),
            body: row.get("body"),
            tries: row.get::<i64, _>("tries") as u32,
        });
        Ok(events.collect())
    }

    /// Notes what came of an event: over, or to be looked at again at an instant in unix
    /// milliseconds.
    pub async fn close_inbound(
        &self,
        id: i64,
        outcome: &str,
        again_at: Option<i64>,
        now_ms: i64,
    ) -> Result<()> {
        sql::query(
            "UPDATE inbound_events SET due_at = $2, tries = tries + 1, outcome = $3,
                    done_at = CASE WHEN CAST($2 AS BIGINT) IS NULL THEN CAST($4 AS BIGINT) END
             WHERE id = $1",
        )
        .bind(id)
        .bind(again_at)
        .bind(outcome)
        .bind(now_ms)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Empties what was looked at before an instant in unix milliseconds: it holds words and
    /// addresses of people. What it was is still known by its digest. Returns how many.
    pub async fn forget_inbound(&self, before_ms: i64) -> Result<u64> {
        let done = sql::query(
            "UPDATE inbound_events SET body = unhex('')
             WHERE due_at IS NULL AND done_at < $1 AND length(body) > 0",
        )
        .bind(before_ms)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected())
    }

    /// How many events wait to be looked at.
    pub async fn inbound_waiting(&self) -> Result<u64> {
        let waiting = sql::query_scalar::<i64>(
            "SELECT count(*) FROM inbound_events WHERE due_at IS NOT NULL",
        );
        Ok(waiting.fetch_one(&self.pool).await?.cast_unsigned())
    }
}
