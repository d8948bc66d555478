//! Removing what has been kept long enough. What proves that something was sent, and the keys that
//! keep it from being sent twice, stay for ever.

use crate::db::sql;
use serde::Serialize;

use super::{Result, Store};
use crate::model::Day;

/// Up to when everything is removed.
#[derive(Clone, Copy, Debug)]
pub struct Cutoffs {
    /// What messages said that were planned before this day.
    pub messages: Day,
    /// What tasks said that were planned before this day, and the notes of their outcomes.
    pub tasks: Day,
    /// What schedules did before this instant, and processes that fell silent, in unix milliseconds.
    pub schedules: i64,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tidied {
    /// Messages that do not say any more what they said.
    pub messages: u64,
    /// Tasks that do not say any more what they said.
    pub tasks: u64,
    /// Outcomes whose notes are gone.
    pub outcomes: u64,
    /// Occurrences of schedules.
    pub schedules: u64,
    /// Folders of the sandbox.
    pub sandbox: u64,
}

impl Store {
    /// Removes what is older than the cutoffs allow; each kind in a transaction of its own.
    pub async fn tidy(&self, cutoffs: &Cutoffs) -> Result<Tidied> {
        let messages = self.remove(
            "UPDATE messages SET inputs = '{}'
             WHERE planned_on < $1 AND inputs <> '{}'
               AND state IN ('accepted', 'failed', 'suppressed', 'expired', 'cancelled', 'skipped',
                             'held_out')",
            cutoffs.messages.epoch_days().into(),
        );
        let messages = messages.await?;
        let tasks = self.remove(
            "UPDATE tasks SET inputs = '{}'
             WHERE planned_on < $1 AND inputs <> '{}' AND state NOT IN ('waiting', 'open')",
            cutoffs.tasks.epoch_days().into(),
        );
        let tasks = tasks.await?;
        let outcomes = self.remove(
            "UPDATE outcomes SET note = NULL WHERE day < $1 AND note IS NOT NULL",
            cutoffs.tasks.epoch_days().into(),
        );
        let outcomes = outcomes.await?;
        let schedules = self.remove(
            "DELETE FROM schedule_runs WHERE planned_at < $1 AND status NOT IN ('waiting', 'running')
               AND id <> (SELECT max(id) FROM schedule_runs AS last
                          WHERE last.schedule = schedule_runs.schedule)",
            cutoffs.schedules,
        );
        let schedules = schedules.await?;
        // What a part of the service has left of itself stays as long as nobody else is that part.
        let silent = self.remove(
            "DELETE FROM heartbeats WHERE at < $1 AND EXISTS (
                 SELECT 1 FROM heartbeats other WHERE other.part = heartbeats.part AND other.at >= $1)",
            cutoffs.schedules,
        );
        silent.await?;
        Ok(Tidied {
            messages,
            tasks,
            outcomes,
            schedules,
            sandbox: 0,
        })
    }

    /// Runs a statement over many rows, up to a cutoff; returns how many there were.
    async fn remove(&self, statement: &'static str, before: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let done = sql::query(statement).bind(before).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }
}
