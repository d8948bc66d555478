//! What is told to the program behind `tasks.hook`: written with what happened, told afterwards, at
//! least once.

use super::rows::day_of;
use super::{Result, Store};
use crate::db::sql::{self, Row};
use crate::model::Day;

/// Something that another program is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEvent {
    /// Our own number: the same however often it is told.
    pub id: i64,
    /// The task.
    pub task: i64,
    /// `listed` or `closed`.
    pub kind: String,
    /// Its day.
    pub day: Day,
    /// When it happened, in unix milliseconds.
    pub at: i64,
    /// How often it was tried.
    pub tries: u32,
}

impl Store {
    /// What is due to be told, the oldest first.
    pub async fn task_events_due(&self, limit: u32, now_ms: i64) -> Result<Vec<TaskEvent>> {
        let rows = sql::query(
            "SELECT id, task_id, kind, day, at, tries FROM task_events
             WHERE due_at <= $1 ORDER BY id LIMIT $2",
        )
        .bind(now_ms)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let event = |row: &Row| TaskEvent {
            id: row.get("id"),
            task: row.get("task_id"),
            kind: row.get("kind"),
            day: day_of(row, "day"),
            at: row.get("at"),
            tries: row.get::<i64, _>("tries") as u32,
        };
        Ok(rows.iter().map(event).collect())
    }

    /// Writes down what became of telling: taken, tried again at an instant, or given up.
    pub async fn settle_task_event(
        &self,
        id: i64,
        said: std::result::Result<(), &str>,
        again_at: Option<i64>,
        now_ms: i64,
    ) -> Result<()> {
        sql::query(
            "UPDATE task_events SET tries = tries + 1, due_at = $2, told_at = $3, said = $4
             WHERE id = $1",
        )
        .bind(id)
        .bind(again_at)
        .bind(said.is_ok().then_some(now_ms))
        .bind(said.err())
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
