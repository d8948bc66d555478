//! Putting right what dead workers and passing time have left. It never guesses: what may have been
//! sent is unknown until there is proof or a person decides.
//!
//! Of a file one process delivers, and whoever starts knows that the others are gone. In PostgreSQL
//! nobody knows: a worker that says nothing may be frozen or cut off, and wake up. There a message is
//! taken over only when its lease has ended, by the clock of the database; the worker that wakes up
//! then finds a claim that is not his any more (`claim`, the fence of every change).

use crate::db::sql::{self, Connection, Engine};
use serde::Serialize;

use super::super::address_locks::clock_of_leases;
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

/// A change of many messages, in the words of each database: what is set, and in which.
///
/// What somebody has in hand at this moment is skipped in PostgreSQL: he is not gone, and whoever
/// waits for many rows may wait in a circle.
macro_rules! change {
    ($set:literal, $which:literal) => {
        (
            concat!("UPDATE messages SET ", $set, " WHERE ", $which),
            concat!(
                "WITH found AS MATERIALIZED (
                     SELECT id FROM messages WHERE ",
                $which,
                " FOR NO KEY UPDATE SKIP LOCKED)
                 UPDATE messages SET ",
                $set,
                " FROM found WHERE messages.id = found.id"
            ),
        )
    };
}

/// `$1` is who does it, `$2` the present instant, `$3` the instant that decides.
type Change = (&'static str, &'static str);

const GIVE_BACK: Change = change!(
    "state = 'queued', owner = NULL, lease_until = NULL, reason = NULL, changed_at = $2,
     changed_by = $1",
    "state = 'claimed' AND lease_until < $3"
);

const DOUBT: Change = change!(
    "state = 'unknown', owner = NULL, lease_until = NULL,
     reason = 'the process that was sending it is gone', changed_at = $2, changed_by = $1",
    "state = 'sending' AND lease_until < $3"
);

/// Once: a message that may be doubled is not sent for a third time.
const RESEND: Change = change!(
    "state = 'retry', due_at = $2, resends = resends + 1,
     reason = 'sent once more: better two than none', changed_at = $2, changed_by = $1",
    "state = 'unknown' AND on_unknown = 'at_least_once' AND resends < 1 AND changed_at < $3"
);

const EXPIRE: Change = change!(
    "state = 'expired', reason = 'its time is over', changed_at = $2, changed_by = $1",
    "(state = 'planned' OR state = 'queued' OR state = 'retry') AND expires_at <= $3
     AND run_id IN (SELECT id FROM runs WHERE status = 'sealed' AND mode = 'live')"
);

impl Store {
    /// Takes over from a process that is gone. Of a file everything that anybody has claimed is given
    /// back, and what was being sent is unknown: the caller holds the lock of delivery, so nobody is
    /// sending. In PostgreSQL others may be sending: only what they hold no longer is taken over.
    pub async fn take_over(&self, by: &str, now_ms: i64) -> Result<Reconciled> {
        let mut tx = self.begin_delivery().await?;
        let before = match tx.engine() {
            Engine::Sqlite => i64::MAX,
            Engine::Postgres => clock_of_leases(&mut tx, now_ms).await?,
        };
        let settled = Reconciled {
            given_back: change(&mut tx, GIVE_BACK, by, now_ms, before).await?,
            unknown: change(&mut tx, DOUBT, by, now_ms, before).await?,
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
        let mut tx = self.begin_delivery().await?;
        let ended = clock_of_leases(&mut tx, now_ms).await?;
        let settled = Reconciled {
            given_back: change(&mut tx, GIVE_BACK, by, now_ms, ended).await?,
            unknown: change(&mut tx, DOUBT, by, now_ms, ended).await?,
            resent: change(&mut tx, RESEND, by, now_ms, now_ms - resend_after_ms).await?,
            expired: change(&mut tx, EXPIRE, by, now_ms, now_ms).await?,
        };
        tx.commit().await?;
        Ok(settled)
    }
}

async fn change(
    tx: &mut Connection,
    (sqlite, postgres): Change,
    by: &str,
    now_ms: i64,
    before: i64,
) -> Result<u64> {
    let done = sql::query_of(sqlite, postgres)
        .bind(by)
        .bind(now_ms)
        .bind(before)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plan_in_sqlite;

    #[tokio::test]
    async fn what_is_to_be_put_right_is_found_by_an_index() {
        for (change, index) in [
            (GIVE_BACK, "messages_in_flight (lease_until<?)"),
            (DOUBT, "messages_in_flight (lease_until<?)"),
            (RESEND, "messages_for_a_person (state=?)"),
            (EXPIRE, "messages_due (run_id=?)"),
        ] {
            let plan = plan_in_sqlite(change.0).await;
            let by = format!("SEARCH messages USING INDEX {index}");
            assert_eq!(plan[0], by);
        }
    }
}
