//! Tasks of managers, as people see them and hand them on. On which list of a day they stand is in
//! `day_lists`, what came of them in `outcomes`.

use crate::db::sql::{self, Json, Row};
use serde::Serialize;

use super::audit::{Entry, write_down};
use super::outcomes::{OwnerChange, change_owner};
use super::rows::{day_of, optional_day, word};
use super::{Result, Store};
use crate::model::{ClientId, Day, TaskKind};

/// A task as a person sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRow {
    /// Our own number, by which outcomes are recorded.
    pub id: i64,
    /// The manager.
    pub manager: String,
    /// The id of the client in the source.
    pub client: String,
    /// The campaign.
    pub campaign: String,
    /// Our own number of the client.
    pub client_id: ClientId,
    /// The occasion.
    pub episode: String,
    /// The step.
    pub step: String,
    /// What to do.
    pub kind: TaskKind,
    /// What to say.
    pub script: String,
    /// `waiting`, `open`, `done` or `cancelled`.
    pub state: String,
    /// Minor units at stake.
    pub value: i64,
    /// The place on the last list.
    pub rank: Option<i64>,
    /// The day of the last list on which it stood.
    pub listed_on: Option<Day>,
    /// The day on which it was planned.
    pub planned_on: Day,
    /// Not shown before this day.
    pub not_before: Day,
    /// How often it was tried.
    pub attempts: u16,
    /// JSON: the client's story.
    pub inputs: String,
    /// The last outcome.
    pub outcome: Option<String>,
    /// The day on which it left the lists.
    pub closed_on: Option<Day>,
    /// Why: `outcome`, `accepted`, `expired`, `merged`, or what ended the episode.
    pub closed_by: Option<String>,
    /// On whose list it stands: the manager's own, or of whoever stands in for him.
    pub acting: String,
    /// Before everything else, whatever the capacity: the client is ready to buy.
    pub urgent: bool,
    /// Stays when its episode ends.
    pub apart: bool,
    /// Of a hand-over: who takes the client.
    pub taker: Option<String>,
    /// The day on which it came onto a list, since the last outcome.
    pub first_listed_on: Option<Day>,
    /// The day on which the head was told that it waits.
    pub escalated_on: Option<Day>,
}

/// Which tasks to read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TaskFilter<'a> {
    /// On the lists of one manager only: his own tasks, and those of whom he stands in for.
    pub manager: Option<&'a str>,
    /// Only what stands on the list of this day.
    pub listed_on: Option<Day>,
    /// Instead of what waits, what left the lists on this day or later.
    pub closed_since: Option<Day>,
    /// Only what the head was told about because it waits too long.
    pub overdue: bool,
}

pub(super) const TASK_COLUMNS: &str = "
    SELECT t.id, t.manager, c.ext_id AS client, t.client_id, t.campaign, t.episode, t.step, t.kind,
           t.script, t.state,
           t.value, t.rank, t.planned_on, t.not_before, t.attempts, t.inputs, t.listed_on,
           t.closed_on, t.closed_by, coalesce(t.acting, t.manager) AS acting, t.urgent, t.apart, t.taker,
           t.first_listed_on, t.escalated_on,
           (SELECT o.kind FROM outcomes o WHERE o.task_id = t.id ORDER BY o.id DESC LIMIT 1)
               AS outcome
    FROM tasks t
    JOIN clients c ON c.id = t.client_id
    JOIN runs r ON r.id = t.run_id AND r.status = 'sealed'";

pub(super) fn task(row: &Row) -> Result<TaskRow> {
    Ok(TaskRow {
        id: row.get("id"),
        manager: row.get("manager"),
        client: row.get("client"),
        campaign: row.get("campaign"),
        client_id: ClientId(row.get("client_id")),
        episode: row.get("episode"),
        step: row.get("step"),
        kind: word(row, "tasks", "kind")?,
        script: row.get("script"),
        state: row.get("state"),
        value: row.get("value"),
        rank: row.get("rank"),
        listed_on: optional_day(row, "listed_on"),
        planned_on: day_of(row, "planned_on"),
        not_before: day_of(row, "not_before"),
        attempts: row.get::<i64, _>("attempts") as u16,
        inputs: row.get("inputs"),
        outcome: row.get("outcome"),
        closed_on: optional_day(row, "closed_on"),
        closed_by: row.get("closed_by"),
        acting: row.get("acting"),
        urgent: row.get::<i64, _>("urgent") != 0,
        apart: row.get::<i64, _>("apart") != 0,
        taker: row.get("taker"),
        first_listed_on: optional_day(row, "first_listed_on"),
        escalated_on: optional_day(row, "escalated_on"),
    })
}

impl Store {
    /// Tasks that a person may see, by manager and rank.
    pub async fn tasks(&self, filter: &TaskFilter<'_>) -> Result<Vec<TaskRow>> {
        let statement = format!(
            "{TASK_COLUMNS}
             WHERE CASE WHEN $3 IS NULL THEN t.state IN ('waiting', 'open')
                        ELSE t.state IN ('done', 'cancelled') AND t.closed_on >= $3 END
               AND ($1 IS NULL OR coalesce(t.acting, t.manager) = $1)
               AND ($4 = 0 OR t.escalated_on IS NOT NULL)
               AND ($2 IS NULL OR (t.listed_on = $2 AND t.rank IS NOT NULL))
             ORDER BY acting, t.rank IS NULL, t.rank, t.closed_on DESC NULLS LAST, t.value DESC, t.id"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(filter.manager)
            .bind(filter.listed_on.map(Day::epoch_days))
            .bind(filter.closed_since.map(Day::epoch_days))
            .bind(filter.overdue)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(task).collect()
    }

    /// The tasks about a client that were planned on or before a day, the last first.
    pub async fn tasks_about(&self, client: ClientId, up_to: Day) -> Result<Vec<TaskRow>> {
        let statement = format!(
            "{TASK_COLUMNS}
             WHERE t.client_id = $1 AND t.planned_on <= $2 AND t.state <> 'held_out'
             ORDER BY t.planned_on DESC, t.id DESC"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(client.0)
            .bind(up_to.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(task).collect()
    }

    /// Writes what tasks that wait say today: number and JSON.
    pub async fn retell_tasks(&self, said: &[(i64, String)]) -> Result<()> {
        // Many rows, which others change in another order.
        let mut tx = self.begin().await?;
        sql::query(
            "UPDATE tasks SET inputs = row.value ->> 1
             FROM json_each($1) AS row
             WHERE tasks.id = CAST(row.value ->> 0 AS BIGINT) AND tasks.inputs <> row.value ->> 1",
        )
        .bind(Json(said))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// One task.
    pub async fn task(&self, id: i64) -> Result<Option<TaskRow>> {
        let statement = format!("{TASK_COLUMNS} WHERE t.id = $1 AND t.state <> 'held_out'");
        let row = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(task).transpose()
    }

    /// Gives tasks that are still open to another manager, and with `client_too` their clients.
    /// Returns the numbers of those that were given.
    pub async fn reassign(&self, given: &Reassignment<'_>) -> Result<Vec<i64>> {
        let mut tx = self.begin().await?;
        let rows = sql::query(
            "UPDATE tasks SET manager = $2, acting = $3, first_listed_on = NULL,
                    escalated_on = NULL, state = 'waiting', rank = NULL
             WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))
               AND state IN ('waiting', 'open')
             RETURNING id, client_id",
        )
        .bind(Json(given.tasks))
        .bind(given.to)
        .bind(given.acting)
        .fetch_all(&mut *tx)
        .await?;
        let entry = Entry {
            by: given.by,
            reason: given.reason,
            now_ms: given.now_ms,
        };
        for row in &rows {
            let task: i64 = row.get("id");
            let about = format!("task {task} to {}", given.to);
            write_down(&mut tx, "task reassigned", &about, &entry).await?;
            if given.client_too {
                let change = OwnerChange {
                    client: ClientId(row.get("client_id")),
                    manager: given.to,
                    on: given.day,
                    by: given.by,
                    reason: "reassigned",
                    now_ms: given.now_ms,
                };
                change_owner(&mut tx, &change).await?;
            }
        }
        tx.commit().await?;
        Ok(rows.iter().map(|row| row.get("id")).collect())
    }

    /// The open tasks of a manager.
    pub async fn open_tasks_of(&self, manager: &str) -> Result<Vec<i64>> {
        let tasks = sql::query_scalar(
            "SELECT id FROM tasks WHERE manager = $1 AND state IN ('waiting', 'open') ORDER BY id",
        );
        Ok(tasks.bind(manager).fetch_all(&self.pool).await?)
    }
}

/// Tasks that get another manager.
#[derive(Clone, Copy, Debug)]
pub struct Reassignment<'a> {
    /// The tasks.
    pub tasks: &'a [i64],
    /// Who gets them.
    pub to: &'a str,
    /// On whose list they stand today.
    pub acting: &'a str,
    /// Whether the clients change hands as well.
    pub client_too: bool,
    /// The day.
    pub day: Day,
    /// Who decides it.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Unix milliseconds.
    pub now_ms: i64,
}
