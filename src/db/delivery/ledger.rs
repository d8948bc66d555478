//! The story of messages, for people; and what a person decides about them.

use crate::db::sql::{self, Row};
use serde::Serialize;

use super::super::rows::{day_of, word};
use super::super::{Result, Store};
use crate::model::{Channel, Day, MessageState};

/// A message, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageRow {
    /// Our own number.
    pub id: i64,
    /// The id of the client in the source; empty for the lists of managers.
    pub client: String,
    /// The campaign.
    pub campaign: String,
    /// The occasion.
    pub episode: String,
    /// The step.
    pub step: String,
    /// The way it goes.
    pub channel: Channel,
    /// The template.
    pub template: String,
    /// The day for which it was planned.
    pub planned_on: Day,
    /// Where it is.
    pub state: MessageState,
    /// Why it is there.
    pub reason: Option<String>,
    /// Not before this instant, in unix milliseconds; 0 for at once.
    pub due_at: i64,
    /// Points of no return that were passed.
    pub attempts: u32,
    /// What the channel answered.
    pub receipt: Option<String>,
    /// JSON: what came back afterwards.
    pub evidence: String,
}

/// One line of the story of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Journal {
    /// Unix milliseconds.
    pub at: i64,
    /// The state that it came to; `sending` is a point of no return.
    pub state: MessageState,
    /// Who brought it there.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter<'a> {
    /// In this state only.
    pub state: Option<MessageState>,
    /// Of this campaign only.
    pub campaign: Option<&'a str>,
    /// To this client only, by the id of the source.
    pub client: Option<&'a str>,
    /// At most so many, the latest first.
    pub limit: u32,
}

/// What a person decides about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// An unknown one has arrived.
    Arrived,
    /// An unknown one has not arrived and is given up.
    GiveUp,
    /// An unknown one has not arrived and is sent again.
    Resend,
    /// One that has not left is stopped until it is released.
    Hold,
    /// A held one may go.
    Release,
    /// One that has not left is taken back.
    Cancel,
}

impl Decision {
    /// The states that the decision is for, the state that it leads to, and whether it is another
    /// sending.
    const fn change(self) -> (&'static str, MessageState, bool) {
        let waiting = "[\"planned\",\"queued\",\"retry\"]";
        match self {
            Self::Arrived => ("[\"unknown\"]", MessageState::Accepted, false),
            Self::GiveUp => ("[\"unknown\"]", MessageState::Failed, false),
            Self::Resend => ("[\"unknown\"]", MessageState::Queued, true),
            Self::Hold => (waiting, MessageState::Held, false),
            Self::Release => ("[\"held\"]", MessageState::Queued, false),
            Self::Cancel => (
                "[\"planned\",\"queued\",\"retry\",\"held\"]",
                MessageState::Cancelled,
                false,
            ),
        }
    }
}

const COLUMNS: &str = "
    SELECT m.id, c.ext_id AS client, m.campaign, m.episode, m.step, m.channel, m.template,
           m.planned_on, m.state, m.reason, m.due_at, m.attempts, m.receipt, m.evidence
    FROM messages m
    JOIN runs r ON r.id = m.run_id AND r.status <> 'planning'
    LEFT JOIN clients c ON c.id = m.client_id";

fn message_row(row: &Row) -> Result<MessageRow> {
    Ok(MessageRow {
        id: row.get("id"),
        client: row.get::<Option<String>, _>("client").unwrap_or_default(),
        campaign: row.get("campaign"),
        episode: row.get("episode"),
        step: row.get("step"),
        channel: word(row, "messages", "channel")?,
        template: row.get("template"),
        planned_on: day_of(row, "planned_on"),
        state: word(row, "messages", "state")?,
        reason: row.get("reason"),
        due_at: row.get("due_at"),
        attempts: row.get::<i64, _>("attempts") as u32,
        receipt: row.get("receipt"),
        evidence: row.get("evidence"),
    })
}

impl Store {
    /// Messages, the latest first.
    pub async fn messages(&self, filter: &MessageFilter<'_>) -> Result<Vec<MessageRow>> {
        let statement = format!(
            "{COLUMNS}
             WHERE ($1 IS NULL OR m.state = $1) AND ($2 IS NULL OR m.campaign = $2)
               AND ($3 IS NULL OR c.ext_id = $3) AND m.state <> 'held_out'
             ORDER BY m.id DESC LIMIT $4"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(filter.state.map(MessageState::word))
            .bind(filter.campaign)
            .bind(filter.client)
            .bind(filter.limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(message_row).collect()
    }

    /// One message.
    pub async fn message(&self, id: i64) -> Result<Option<MessageRow>> {
        let statement = format!("{COLUMNS} WHERE m.id = $1");
        let row = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(message_row).transpose()
    }

    /// The story of a message, from the beginning.
    pub async fn journal(&self, id: i64) -> Result<Vec<Journal>> {
        let rows = sql::query(
            "SELECT at, state, by, reason FROM (
                 SELECT at, state, by, reason, id AS place FROM message_events WHERE message_id = $1
                 UNION ALL
                 SELECT began_at, 'sending', owner, NULL, 0 FROM attempts WHERE message_id = $1)
                 AS story
             ORDER BY at, place",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let lines = rows.iter().map(|row| {
            Ok(Journal {
                at: row.get("at"),
                state: word(row, "message_events", "state")?,
                by: row.get("by"),
                reason: row.get("reason"),
            })
        });
        lines.collect()
    }

    /// How many messages of live runs are in each state.
    pub async fn message_states(&self) -> Result<Vec<(MessageState, u64)>> {
        let rows = sql::query(
            "SELECT m.state, count(*) AS messages FROM messages m
             JOIN runs r ON r.id = m.run_id AND r.status <> 'planning' AND r.mode = 'live'
             GROUP BY m.state ORDER BY m.state",
        )
        .fetch_all(&self.pool)
        .await?;
        let states = rows.iter().map(|row| {
            let count: i64 = row.get("messages");
            Ok((word(row, "messages", "state")?, count.cast_unsigned()))
        });
        states.collect()
    }

    /// Does what a person decided. Says whether the message was in a state that the decision is for.
    pub async fn decide_message(
        &self,
        id: i64,
        decision: Decision,
        reason: &str,
        by: &str,
        now_ms: i64,
    ) -> Result<bool> {
        let (from, to, resend) = decision.change();
        let done = sql::query(
            "UPDATE messages SET state = $3, resends = resends + $4, due_at = $7,
                    accepted_at = CASE WHEN $3 = 'accepted' THEN $7 ELSE accepted_at END,
                    receipt = CASE WHEN $3 = 'accepted' THEN coalesce(receipt, $5) ELSE receipt END,
                    reason = $5, changed_by = $6, changed_at = $7
             WHERE id = $1 AND state IN (SELECT atom FROM json_each($2))",
        )
        .bind(id)
        .bind(from)
        .bind(to.word())
        .bind(resend)
        .bind(reason)
        .bind(by)
        .bind(now_ms)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Stops everything that has not left until it is released: after a restore, or when a person
    /// pulls the brake. Returns how many.
    pub async fn hold_everything(&self, reason: &str, by: &str, now_ms: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "UPDATE messages SET state = 'held', reason = $1, changed_by = $2, changed_at = $3
             WHERE state IN ('planned', 'queued', 'retry')",
        )
        .bind(reason)
        .bind(by)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}
