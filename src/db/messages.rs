//! Messages on their way out, and what became of them.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::rows::{day_of, word};
use super::{Result, Store};
use crate::model::{Channel, Class, Day};

/// A message of a sealed run that has not left yet.
#[derive(Clone, Debug)]
pub struct DueMessage {
    /// Our own number.
    pub id: i64,
    /// The campaign.
    pub campaign: String,
    /// The id of the client in the source.
    pub client: String,
    /// The occasion.
    pub episode: String,
    /// The step.
    pub step: String,
    /// The way it goes.
    pub channel: Channel,
    /// The template.
    pub template: String,
    /// Advertising or service.
    pub class: Class,
    /// The day for which it was planned.
    pub day: Day,
    /// JSON: what it is rendered from.
    pub inputs: String,
}

/// What became of a message that was handed to its channel.
#[derive(Clone, Debug, Serialize)]
pub struct Handed {
    /// The message.
    pub id: i64,
    /// What the channel answered; in the sandbox the file.
    pub receipt: Option<String>,
    /// Why it failed for good.
    pub failure: Option<String>,
}

/// The columns of [`DueMessage`], of messages `m` and clients `c`.
pub(super) const DUE_COLUMNS: &str = "
    SELECT m.id, m.campaign, c.ext_id AS client, m.episode, m.step, m.channel, m.template, m.class,
           m.planned_on, m.inputs";

pub(super) fn due_message(row: &SqliteRow) -> Result<DueMessage> {
    Ok(DueMessage {
        id: row.get("id"),
        campaign: row.get("campaign"),
        client: row.get("client"),
        episode: row.get("episode"),
        step: row.get("step"),
        channel: word(row, "messages", "channel")?,
        template: row.get("template"),
        class: word(row, "messages", "class")?,
        day: day_of(row, "planned_on"),
        inputs: row.get("inputs"),
    })
}

impl Store {
    /// The next messages to send of `mode`, in the order in which they were planned.
    pub async fn due_messages(
        &self,
        after: i64,
        limit: u32,
        mode: &str,
    ) -> Result<Vec<DueMessage>> {
        let statement = format!(
            "{DUE_COLUMNS}
             FROM messages m
             JOIN runs r ON r.id = m.run_id
             JOIN clients c ON c.id = m.client_id
             WHERE m.state = 'planned' AND m.id > ?1 AND r.status = 'sealed' AND r.mode = ?3
             ORDER BY m.id LIMIT ?2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(after)
            .bind(limit)
            .bind(mode)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(due_message).collect()
    }

    /// Records what became of messages; one transaction, and only for those still on their way.
    pub async fn record_handed(&self, handed: &[Handed], now_ms: i64) -> Result<()> {
        let rows = serde_json::to_string(handed).map_err(|error| super::StoreError::Row {
            table: "messages",
            reason: error.to_string(),
        })?;
        sqlx::query(
            "UPDATE messages SET
                 state = CASE WHEN row.value ->> 'failure' IS NULL THEN 'accepted' ELSE 'failed' END,
                 accepted_at = CASE WHEN row.value ->> 'failure' IS NULL THEN ?2 END,
                 receipt = row.value ->> 'receipt', failure = row.value ->> 'failure'
             FROM json_each(?1) AS row
             WHERE messages.id = row.value ->> 'id' AND state = 'planned'",
        )
        .bind(rows)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
