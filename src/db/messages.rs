//! Messages on their way out, and what became of them.

use crate::db::sql::{self, Json, Row};
use serde::Serialize;

use super::rows::{day_of, word};
use super::{Result, Store};
use crate::model::{Channel, Class, Day};

/// A message of a sealed run that has not left yet.
#[derive(Clone, Debug)]
pub struct DueMessage {
    /// Our own number.
    pub id: i64,
    /// What travels with it, so that answers and links find it.
    pub key: String,
    /// The campaign.
    pub campaign: String,
    /// The id of the client in the source; empty for the lists of managers.
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
    /// When its run was sealed, in unix milliseconds.
    pub sealed_at: i64,
    /// JSON: what it is rendered from.
    pub inputs: String,
    /// The version of its template: that of its first attempt, else that of its run; absent where
    /// neither has one.
    pub version: Option<i64>,
}

/// A manager's list as a letter, ready to be written.
#[derive(Clone, Debug, Serialize)]
pub struct NewList {
    /// What travels with it.
    pub key: String,
    /// The step: one name a manager.
    pub step: String,
    /// Hexadecimal.
    pub address_hash: String,
    /// JSON: what the letter is rendered from.
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

/// The columns of [`DueMessage`], of messages `m`, their runs `r` and clients `c`.
pub(super) const DUE_COLUMNS: &str = "
    SELECT m.id, m.key, m.campaign, c.ext_id AS client, m.episode, m.step, m.channel, m.template, m.class,
           m.planned_on, r.sealed_at, m.inputs,
           coalesce((SELECT a.version FROM attempts a
                     WHERE a.message_id = m.id AND a.version IS NOT NULL ORDER BY a.n LIMIT 1),
                    (SELECT v.version FROM run_versions v
                     WHERE v.run_id = m.run_id AND v.campaign = m.campaign
                       AND v.channel = m.channel AND v.template = m.template)) AS version";

pub(super) fn due_message(row: &Row) -> Result<DueMessage> {
    Ok(DueMessage {
        id: row.get("id"),
        key: row.get("key"),
        campaign: row.get("campaign"),
        client: row.get::<Option<String>, _>("client").unwrap_or_default(),
        episode: row.get("episode"),
        step: row.get("step"),
        channel: word(row, "messages", "channel")?,
        template: row.get("template"),
        class: word(row, "messages", "class")?,
        day: day_of(row, "planned_on"),
        sealed_at: row.get::<Option<i64>, _>("sealed_at").unwrap_or_default(),
        inputs: row.get("inputs"),
        version: row.get("version"),
    })
}

impl Store {
    /// The next messages of `mode` on a channel that have not left, in the order in which they were
    /// planned.
    pub async fn due_messages(
        &self,
        channel: Channel,
        limit: u32,
        mode: &str,
    ) -> Result<Vec<DueMessage>> {
        let statement = format!(
            "{DUE_COLUMNS}
             FROM runs r
             JOIN messages m ON m.run_id = r.id AND m.channel = $1
                 AND (m.state = 'planned' OR m.state = 'queued' OR m.state = 'retry')
             LEFT JOIN clients c ON c.id = m.client_id
             WHERE r.status = 'sealed' AND r.mode = $3
             ORDER BY r.id, m.due_at, m.id LIMIT $2"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(channel.word())
            .bind(limit)
            .bind(mode)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(due_message).collect()
    }

    /// Adds the letters with the lists of a day to its sealed run, each once; returns how many were
    /// new. They may be doubled when nobody knows whether one arrived: better two lists than none.
    pub async fn add_lists(&self, day: Day, lists: &[NewList], expires_at: i64) -> Result<u64> {
        let done = sql::query(
            "INSERT INTO messages (run_id, planned_on, key, campaign, client_id, episode, step,
                                   channel, template, class, address_hash, state, inputs,
                                   on_unknown, expires_at)
             SELECT r.id, r.logical_date, row.value ->> 'key', 'managers', 0, $2,
                    row.value ->> 'step', 'email', 'task-list', 'service',
                    unhex(row.value ->> 'address_hash'), 'planned', row.value ->> 'inputs',
                    'at_least_once', $4
             FROM json_each($3) AS row
             JOIN runs r ON r.schedule = 'daily' AND r.logical_date = $1 AND r.status = 'sealed'
             WHERE true
             ON CONFLICT DO NOTHING",
        )
        .bind(day.epoch_days())
        .bind(day.to_string())
        .bind(Json(lists))
        .bind(expires_at)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected())
    }

    /// Records what became of messages of the sandbox; one transaction, and only for those that
    /// have not left.
    pub async fn record_handed(&self, handed: &[Handed], now_ms: i64) -> Result<()> {
        sql::query(
            "UPDATE messages SET
                 state = CASE WHEN row.value ->> 'failure' IS NULL THEN 'accepted' ELSE 'failed' END,
                 accepted_at = CASE WHEN row.value ->> 'failure' IS NULL THEN $2 END,
                 receipt = row.value ->> 'receipt', reason = row.value ->> 'failure',
                 changed_at = $2, changed_by = 'sandbox'
             FROM json_each($1) AS row
             WHERE messages.id = CAST(row.value ->> 'id' AS BIGINT)
               AND state IN ('planned', 'queued', 'retry')",
        )
        .bind(Json(handed))
        .bind(now_ms)
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
