//! The lists of a day: what competes for a place, who got one, and what has waited too long. The
//! ranking itself is in `rules::day_list`.

use crate::db::sql::{self, Connection, Json, Row};
use std::collections::HashMap;

use serde::Serialize;

use super::rows::day_of;
use super::{Result, Store};
use crate::model::Day;

/// A task as the ranking of a day's list sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskInQueue {
    /// Our own number.
    pub id: i64,
    /// The manager.
    pub manager: String,
    /// Minor units at stake.
    pub value: i64,
    /// The day on which it was planned.
    pub planned_on: Day,
    /// On paper only: takes its place on the list and is not shown.
    pub held_out: bool,
    /// The client has answered and waits for us.
    pub answered: bool,
    /// The client is ready to buy.
    pub urgent: bool,
}

/// A task in its place on a manager's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The task.
    pub task: i64,
    /// On whose list.
    pub acting: String,
    /// The place, from 1; absent when it waits for another day.
    pub rank: Option<u32>,
}

/// Writes the lists of a day: who is on it and where; the others wait.
pub(super) async fn write_lists(
    tx: &mut Connection,
    day: Day,
    listed: &[Listed],
    now_ms: i64,
) -> Result<()> {
    sql::query(
        "UPDATE tasks SET
             rank = CAST(row.value ->> 'rank' AS BIGINT), acting = row.value ->> 'acting',
             first_listed_on = CASE WHEN row.value ->> 'rank' IS NULL THEN first_listed_on
                                    ELSE coalesce(first_listed_on, $1) END,
             listed_on = CASE WHEN row.value ->> 'rank' IS NULL THEN listed_on ELSE $1 END,
             state = CASE WHEN state = 'held_out' THEN state
                          WHEN row.value ->> 'rank' IS NULL THEN 'waiting' ELSE 'open' END
         FROM json_each($2) AS row
         WHERE tasks.id = CAST(row.value ->> 'task' AS BIGINT)",
    )
    .bind(day.epoch_days())
    .bind(Json(listed))
    .execute(&mut *tx)
    .await?;
    // Another program hears of a task once for each time that it comes onto a list anew.
    sql::query(
        "INSERT INTO task_events (task_id, kind, day, at, due_at)
         SELECT t.id, 'listed', t.first_listed_on, $1, $1
         FROM tasks t JOIN json_each($2) AS row ON t.id = CAST(row.value ->> 'task' AS BIGINT)
         WHERE t.state = 'open' AND row.value ->> 'rank' IS NOT NULL
         ON CONFLICT DO NOTHING",
    )
    .bind(now_ms)
    .bind(Json(listed))
    .execute(tx)
    .await?;
    Ok(())
}

/// Tells the head of tasks that have stood on lists since a day or longer without an outcome.
pub(super) async fn escalate_tasks(
    tx: &mut Connection,
    day: Day,
    overdue_since: Day,
) -> Result<()> {
    sql::query(
        "UPDATE tasks SET escalated_on = $1
         WHERE state IN ('waiting', 'open') AND escalated_on IS NULL AND first_listed_on <= $2",
    )
    .bind(day.epoch_days())
    .bind(overdue_since.epoch_days())
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the tasks off the lists that nobody touched since a day; the campaign of the client goes
/// on by its own rules.
pub(super) async fn expire_tasks(tx: &mut Connection, day: Day, expired_since: Day) -> Result<()> {
    sql::query(
        "UPDATE tasks SET state = 'cancelled', rank = NULL, closed_on = $1, closed_by = 'expired'
         WHERE state IN ('waiting', 'open') AND planned_on <= $2 AND not_before <= $2
           AND run_id IN (SELECT id FROM runs WHERE status = 'sealed')",
    )
    .bind(day.epoch_days())
    .bind(expired_since.epoch_days())
    .execute(tx)
    .await?;
    Ok(())
}

impl Store {
    /// Everything that competes for a place on the lists of a day: also what the run of the day
    /// adds, which nobody sees yet, and without the tasks of those who leave and those that have
    /// waited since `expired_since` or longer.
    pub async fn task_queue(&self, day: Day, expired_since: Day) -> Result<Vec<TaskInQueue>> {
        let rows = sql::query(
            "SELECT t.id, t.manager, t.value, t.planned_on, t.state = 'held_out' AS held_out,
                    t.script = 'answered' AS answered, t.urgent
             FROM tasks t
             JOIN runs r ON r.id = t.run_id AND (r.status = 'sealed' OR r.logical_date = $1)
             WHERE (t.state IN ('waiting', 'open') OR (t.state = 'held_out' AND t.planned_on = $1))
               AND t.not_before <= $1 AND t.planned_on <= $1
               AND (t.planned_on > $2 OR t.not_before > $2)
               AND (NOT EXISTS (
                   SELECT 1 FROM enrollments e
                   WHERE e.campaign = t.campaign AND e.client_id = t.client_id
                     AND e.episode = t.episode AND e.closed_run IS NOT NULL)
                    OR t.script = 'answered' OR t.apart = 1)
             ORDER BY t.id",
        )
        .bind(day.epoch_days())
        .bind(expired_since.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .iter()
            .map(|row| TaskInQueue {
                id: row.get("id"),
                manager: row.get("manager"),
                value: row.get("value"),
                planned_on: day_of(row, "planned_on"),
                held_out: row.get::<i64, _>("held_out") != 0,
                answered: row.get::<i64, _>("answered") != 0,
                urgent: row.get::<i64, _>("urgent") != 0,
            })
            .collect())
    }

    /// How many tasks more each manager has asked for on a day.
    pub async fn more_asked(&self, day: Day) -> Result<HashMap<String, u16>> {
        let rows = sql::query("SELECT manager, tasks FROM more_asked WHERE day = $1")
            .bind(day.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        let one = |row: &Row| (row.get("manager"), row.get::<i64, _>("tasks") as u16);
        Ok(rows.iter().map(one).collect())
    }

    /// Adds to what a manager does on a day, and puts tasks onto his list.
    pub async fn add_to_list(
        &self,
        manager: &str,
        day: Day,
        listed: &[Listed],
        now_ms: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO more_asked (manager, day, tasks) VALUES ($1, $2, $3)
             ON CONFLICT (manager, day) DO UPDATE SET tasks = more_asked.tasks + excluded.tasks",
        )
        .bind(manager)
        .bind(day.epoch_days())
        .bind(listed.len() as i64)
        .execute(&mut *tx)
        .await?;
        write_lists(&mut tx, day, listed, now_ms).await?;
        tx.commit().await?;
        Ok(())
    }
}
