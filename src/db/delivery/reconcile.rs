//! Putting right what dead workers and passing time have left. It never guesses: what may have been
//! sent is unknown until there is proof or a person decides.

use crate::db::sql::{self, Connection};
use serde::Serialize;

use super::super::{Result, Store};

/// What was put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Claimed by a process that is gone: nothing of them had left.
    pub given_back: u64,
    /// On their way when their process died: nobody knows.
    pub unknown: u64,
    /// Unknown ones that are sent once more, because better two than none.
    pub resent: u64,
    /// Their time was over before they could leave.
    pub expired: u64,
}

impl Reconciled {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How often a message that may be doubled is sent again.
const RESENDS: i64 = 1;

impl Store {
    /// Takes over from a process that is gone: everything that anybody has claimed is given back,
    /// and what was being sent is unknown. The caller holds the lock of delivery, so nobody is
    /// sending.
    pub async fn take_over(&self, by: &str, now_ms: i64) -> Result<Reconciled> {
        let mut tx = self.begin().await?;
        let settled = Reconciled {
            given_back: change(&mut tx, GIVE_BACK, by, now_ms, i64::MAX).await?,
            unknown: change(&mut tx, DOUBT, by, now_ms, i64::MAX).await?,
            ..Reconciled::default()
        };
        crash_point!("before-take-over");
        tx.commit().await?;
        Ok(settled)
    }

    /// Puts right what time has brought: leases that ran out, unknown messages that may be sent
    /// again because they have been so for `resend_after_ms` and no proof has come in, messages whose
    /// time is over.
    pub async fn reconcile(
        &self,
        by: &str,
        now_ms: i64,
        resend_after_ms: i64,
    ) -> Result<Reconciled> {
        let mut tx = self.begin().await?;
        let settled = Reconciled {
            given_back: change(&mut tx, GIVE_BACK, by, now_ms, now_ms).await?,
            unknown: change(&mut tx, DOUBT, by, now_ms, now_ms).await?,
            resent: change(&mut tx, RESEND, by, now_ms, now_ms - resend_after_ms).await?,
            expired: change(&mut tx, EXPIRE, by, now_ms, now_ms).await?,
        };
        tx.commit().await?;
        Ok(settled)
    }
}

const GIVE_BACK: &str = "
    UPDATE messages SET state = 'queued', owner = NULL, lease_until = NULL, reason = NULL,
           changed_at = $2, changed_by = $1
    WHERE state = 'claimed' AND lease_until < $3";

const DOUBT: &str = "
    UPDATE messages SET state = 'unknown', owner = NULL, lease_until = NULL,
           reason = 'the process that was sending it is gone', changed_at = $2, changed_by = $1
    WHERE state = 'sending' AND lease_until < $3";

const RESEND: &str = "
    UPDATE messages SET state = 'retry', due_at = $2, resends = resends + 1,
           reason = 'sent once more: better two than none', changed_at = $2, changed_by = $1
    WHERE state = 'unknown' AND on_unknown = 'at_least_once' AND resends < $4
      AND changed_at < $3";

const EXPIRE: &str = "
    UPDATE messages SET state = 'expired', reason = 'its time is over', changed_at = $2,
           changed_by = $1
    WHERE state IN ('planned', 'queued', 'retry') AND expires_at <= $3
      AND run_id IN (SELECT id FROM runs WHERE status = 'sealed' AND mode = 'live')";

async fn change(
    tx: &mut Connection,
    statement: &'static str,
    by: &str,
    now_ms: i64,
    before: i64,
) -> Result<u64> {
    let done = sql::query(statement)
        .bind(by)
        .bind(now_ms)
        .bind(before)
        .bind(RESENDS)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}
