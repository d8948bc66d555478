//! Messages on their way to people: who has claimed them, the point of no return, what came of it.
//!
//! Every change after a claim names the claim: a worker that was thought dead changes nothing any
//! more. The database keeps the log of states by itself (`migrations`, `messages_are_logged`).

mod claim;
mod door;
mod ending;
mod ledger;
mod measures;
mod reconcile;
mod standing;

pub use claim::{Claim, ClaimOrder, Claimed, Claims};
pub use door::{Asking, Passed, Settled};
pub use ending::{Ending, Outlook};
pub use ledger::{Decision, Journal, MessageFilter, MessageRow};
pub use measures::Stop;
pub use reconcile::Reconciled;

use super::{Result, StoreError};
use crate::db::sql::{self, Connection};
use crate::model::StopOf;
use crate::rules::delivery::clearance::Hindrance;

/// The word for runs that may reach people.
const LIVE: &str = "live";

/// How the reason of a message begins that waits until a person lifts a stop.
fn is_stopped(kind: StopOf, name: &str) -> String {
    format!("{kind} {name} is stopped: ")
}

/// Rows as the one parameter of a statement.
fn rows_of<T: serde::Serialize>(rows: &[T]) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| StoreError::Row {
        table: "messages",
        reason: error.to_string(),
    })
}

/// Puts claimed messages back, or ends them, for the reasons that the gates gave. Returns how many
/// were still the claimant's.
async fn put_back(
    connection: &mut Connection,
    hindered: &[(Claim, Hindrance)],
    by: &str,
    now_ms: i64,
) -> Result<u64> {
    #[derive(serde::Serialize)]
    struct Row<'r> {
        id: i64,
        claim: i64,
        state: &'static str,
        due_at: Option<i64>,
        reason: &'r str,
    }
    if hindered.is_empty() {
        return Ok(0);
    }
    let rows: Vec<Row<'_>> = hindered
        .iter()
        .map(|(claim, hindrance)| {
            let (state, due_at, reason) = match hindrance {
                Hindrance::Until(until, reason) => {
                    ("queued", Some(until.timestamp_millis()), reason)
                }
                Hindrance::Never(state, reason) => (state.word(), None, reason),
            };
            Row {
                id: claim.message,
                claim: claim.seq,
                state,
                due_at,
                reason,
            }
        })
        .collect();
    let done = sql::query(
        "UPDATE messages SET state = row.value ->> 'state', owner = NULL, lease_until = NULL,
                due_at = coalesce(CAST(row.value ->> 'due_at' AS BIGINT), due_at),
                reason = row.value ->> 'reason', changed_at = $2, changed_by = $3
         FROM json_each($1) AS row
         WHERE messages.id = CAST(row.value ->> 'id' AS BIGINT)
           AND claim = CAST(row.value ->> 'claim' AS BIGINT) AND messages.state = 'claimed'",
    )
    .bind(rows_of(&rows)?)
    .bind(now_ms)
    .bind(by)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
