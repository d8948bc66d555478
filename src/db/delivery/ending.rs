//! What came of an attempt.

use crate::db::sql::{self, Connection, Json, Query};
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

/// What becomes of a message that was not accepted, as its statement needs it.
#[derive(Serialize)]
struct Row<'e> {
    id: i64,
    claim: i64,
    state: &'static str,
    due_at: Option<i64>,
    reason: &'e str,
    /// 1 or 0: in PostgreSQL a flag of JSON is no number.
    refused: u8,
}

/// A message that was accepted, as its statement needs it.
#[derive(Serialize)]
struct AcceptedRow<'e> {
    id: i64,
    claim: i64,
    receipt: &'e str,
    provider_id: Option<&'e str>,
}

impl Ending {
    fn accepted_row(&self) -> Option<AcceptedRow<'_>> {
        let Outlook::Accepted {
            receipt,
            provider_id,
        } = &self.outlook
        else {
            return None;
        };
        Some(AcceptedRow {
            id: self.claim.message,
            claim: self.claim.seq,
            receipt,
            provider_id: provider_id.as_deref(),
        })
    }

    fn other_row(&self) -> Option<Row<'_>> {
        let (state, due_at, reason, refused) = match &self.outlook {
            Outlook::Accepted { .. } => return None,
            Outlook::Retry { due_at, reason } => ("retry", Some(*due_at), reason, 1),
            Outlook::Failed { reason } => ("failed", None, reason, 1),
            Outlook::Unknown { reason } => ("unknown", None, reason, 0),
            Outlook::GiveBack { due_at, reason } => ("queued", Some(*due_at), reason, 0),
        };
        Some(Row {
            id: self.claim.message,
            claim: self.claim.seq,
            state,
            due_at,
            reason,
            refused,
        })
    }
}

const ACCEPT: &str = "
    UPDATE messages SET state = 'accepted', owner = NULL, lease_until = NULL, accepted_at = $2,
           receipt = row.value ->> 'receipt',
           provider_id = coalesce(row.value ->> 'provider_id', provider_id),
           reason = NULL, changed_at = $2, changed_by = $3
    FROM json_each($1) AS row
    WHERE messages.id = CAST(row.value ->> 'id' AS BIGINT)
      AND claim = CAST(row.value ->> 'claim' AS BIGINT)
      AND messages.state IN ('sending', 'unknown')";

const RECORD: &str = "
    UPDATE messages SET state = CASE WHEN state = 'sending' AND row.value ->> 'state' = 'queued'
                                     THEN 'retry' ELSE row.value ->> 'state' END,
           owner = NULL, lease_until = NULL,
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
              WHEN 'sending' THEN row.value ->> 'state' IN ('retry', 'failed', 'unknown', 'queued')
              ELSE false END";

/// Records those of some attempts that ended well: to be run in the transaction that decides.
///
/// Left alone is what somebody else has claimed or decided since. An acceptance is also taken from a
/// message that counted as unknown meanwhile: it is proof.
pub(super) fn accepting<'q>(endings: &[Ending], by: &'q str, now_ms: i64) -> Query<'q> {
    let rows: Vec<_> = endings.iter().filter_map(Ending::accepted_row).collect();
    sql::query(ACCEPT).bind(Json(rows)).bind(now_ms).bind(by)
}

impl Store {
    /// Records what came of attempts; one transaction. Returns how many had to be left alone because
    /// somebody else has claimed or decided the message since.
    pub async fn record_endings(&self, endings: &[Ending], by: &str, now_ms: i64) -> Result<u64> {
        let mut tx = self.begin_delivery().await?;
        let mut recorded = record_others(&mut tx, endings, by, now_ms).await?;
        let accepting = accepting(endings, by, now_ms);
        recorded += accepting.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(stale(endings, recorded))
    }
}

/// Records what came of the other attempts, in the transaction that decides: of how many.
///
/// Left alone is what somebody else has claimed or decided since. What is given back although it
/// counts as being sent was never sent: the transaction that passed its point of no return was
/// committed, but the connection was cut before anybody heard of it.
pub(super) async fn record_others(
    tx: &mut Connection,
    endings: &[Ending],
    by: &str,
    now_ms: i64,
) -> Result<u64> {
    let rows: Vec<_> = endings.iter().filter_map(Ending::other_row).collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let recording = sql::query(RECORD).bind(Json(rows)).bind(now_ms).bind(by);
    Ok(recording.execute(tx).await?.rows_affected())
}

/// How many endings had to be left alone, where so many were recorded.
pub(super) fn stale(endings: &[Ending], recorded: u64) -> u64 {
    (endings.len() as u64).saturating_sub(recorded)
}
