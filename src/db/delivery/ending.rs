//! What came of an attempt.

use crate::db::sql::{self, Done, Json, Query};
use serde::Serialize;

use super::super::{Result, Store};
use super::Claim;

/// What came of a claimed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The fence.
    pub claim: Claim,
    /// What becomes of the message.
    pub outlook: Outlook,
}

/// What becomes of a message after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The other side has taken responsibility.
    Accepted {
        /// What it answered.
        receipt: String,
        /// The id that it gave the message.
        provider_id: Option<String>,
    },
    /// Definitely not taken: again at this instant, in unix milliseconds.
    Retry {
        /// When.
        due_at: i64,
        /// What was answered.
        reason: String,
    },
    /// Definitely not taken, and never will be.
    Failed {
        /// What was answered.
        reason: String,
    },
    /// Nobody knows whether it was taken.
    Unknown {
        /// What happened.
        reason: String,
    },
    /// Not taken, for reasons of the channel: it does not count against the message.
    GiveBack {
        /// When to ask again, in unix milliseconds.
        due_at: i64,
        /// What happened.
        reason: String,
    },
}

#[derive(Serialize)]
struct Row<'e> {
    id: i64,
    claim: i64,
    state: &'static str,
    receipt: Option<&'e str>,
    provider_id: Option<&'e str>,
    due_at: Option<i64>,
    reason: Option<&'e str>,
    /// 1 or 0: in PostgreSQL a flag of JSON is no number.
    refused: u8,
}

impl Ending {
    fn row(&self) -> Row<'_> {
        let mut row = Row {
            id: self.claim.message,
            claim: self.claim.seq,
            state: "",
            receipt: None,
            provider_id: None,
            due_at: None,
            reason: None,
            refused: 0,
        };
        match &self.outlook {
            Outlook::Accepted {
                receipt,
                provider_id,
            } => {
                row.state = "accepted";
                row.receipt = Some(receipt);
                row.provider_id = provider_id.as_deref();
            }
            Outlook::Retry { due_at, reason } => {
                row.state = "retry";
                row.due_at = Some(*due_at);
                row.reason = Some(reason);
                row.refused = 1;
            }
            Outlook::Failed { reason } => {
                row.state = "failed";
                row.reason = Some(reason);
                row.refused = 1;
            }
            Outlook::Unknown { reason } => {
                row.state = "unknown";
                row.reason = Some(reason);
            }
            Outlook::GiveBack { due_at, reason } => {
                row.state = "queued";
                row.due_at = Some(*due_at);
                row.reason = Some(reason);
            }
        }
        row
    }
}

const RECORD: &str =
    "UPDATE messages SET state = CASE WHEN state = 'sending' AND row.value ->> 'state' = 'queued'
                                      THEN 'retry' ELSE row.value ->> 'state' END,
                owner = NULL, lease_until = NULL,
                accepted_at = CASE WHEN row.value ->> 'receipt' IS NULL THEN accepted_at
                                   ELSE $2 END,
                receipt = coalesce(row.value ->> 'receipt', receipt),
                provider_id = coalesce(row.value ->> 'provider_id', provider_id),
                due_at = coalesce(CAST(row.value ->> 'due_at' AS BIGINT), due_at),
                refusals = refusals
                    + CASE WHEN state = 'sending' AND row.value ->> 'state' = 'queued' THEN 1
                           ELSE CAST(row.value ->> 'refused' AS BIGINT) END,
                reason = row.value ->> 'reason', changed_at = $2, changed_by = $3
         FROM json_each($1) AS row
         WHERE messages.id = CAST(row.value ->> 'id' AS BIGINT)
           AND claim = CAST(row.value ->> 'claim' AS BIGINT)
           AND CASE messages.state
                   WHEN 'claimed' THEN row.value ->> 'state' IN ('retry', 'failed', 'queued')
                   WHEN 'sending' THEN row.value ->> 'state' IN ('accepted', 'retry', 'failed',
                                                                 'unknown', 'queued')
                   WHEN 'unknown' THEN row.value ->> 'state' = 'accepted'
                   ELSE false END";

/// Records what came of attempts: to be run in the transaction that decides.
///
/// Left alone is what somebody else has claimed or decided since. An acceptance is also taken from a
/// message that counted as unknown meanwhile: it is proof. What is given back although it counts as
/// being sent was never sent: the transaction that passed its point of no return was committed, but
/// the connection was cut before anybody heard of it.
pub(super) fn recording<'q>(endings: &[Ending], by: &'q str, now_ms: i64) -> Query<'q> {
    let rows: Vec<Row<'_>> = endings.iter().map(Ending::row).collect();
    sql::query(RECORD).bind(Json(rows)).bind(now_ms).bind(by)
}

impl Store {
    /// Records what came of attempts; one transaction. Returns how many had to be left alone because
    /// somebody else has claimed or decided the message since.
    pub async fn record_endings(&self, endings: &[Ending], by: &str, now_ms: i64) -> Result<u64> {
        let mut connection = self.writer.acquire().await?;
        let recording = recording(endings, by, now_ms);
        let done = recording.execute(&mut connection).await?;
        Ok(stale(endings, done))
    }
}

/// How many endings had to be left alone.
pub(super) fn stale(endings: &[Ending], done: Done) -> u64 {
    (endings.len() as u64).saturating_sub(done.rows_affected())
}
