//! Tasks of managers and their lists. What came of a task is recorded in `outcomes`.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::outcomes::{OwnerChange, change_owner};
use super::rows::{day_of, optional_day, word};
use super::runs::Listed;
use super::{Result, Store};
use crate::model::{ClientId, Day, Manager, TaskKind};

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

pub(super) fn task(row: &SqliteRow) -> Result<TaskRow> {
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

/// Writes the lists of a day: who is on it and where; the others wait.
pub(super) async fn write_lists(
    tx: &mut SqliteConnection,
    day: Day,
    listed: &[Listed],
    now_ms: i64,
) -> Result<()> {
    let rows = serde_json::to_string(listed).map_err(|error| super::StoreError::Row {
        table: "tasks",
        reason: error.to_string(),
    })?;
    sqlx::query(
        "UPDATE tasks SET
             rank = row.value ->> 'rank', acting = row.value ->> 'acting',
             first_listed_on = CASE WHEN row.value ->> 'rank' IS NULL THEN first_listed_on
                                    ELSE coalesce(first_listed_on, ?1) END,
             listed_on = CASE WHEN row.value ->> 'rank' IS NULL THEN listed_on ELSE ?1 END,
             state = CASE WHEN state = 'held_out' THEN state
                          WHEN row.value ->> 'rank' IS NULL THEN 'waiting' ELSE 'open' END
         FROM json_each(?2) AS row
         WHERE tasks.id = row.value ->> 'task'",
    )
    .bind(day.epoch_days())
    .bind(&rows)
    .execute(&mut *tx)
    .await?;
    // Another program hears of a task once for each time that it comes onto a list anew.
    sqlx::query(
        "INSERT INTO task_events (task_id, kind, day, at, due_at)
         SELECT t.id, 'listed', t.first_listed_on, ?1, ?1
         FROM tasks t JOIN json_each(?2) AS row ON row.value ->> 'task' = t.id
         WHERE t.state = 'open' AND row.value ->> 'rank' IS NOT NULL
         ON CONFLICT DO NOTHING",
    )
    .bind(now_ms)
    .bind(rows)
    .execute(tx)
    .await?;
    Ok(())
}

/// Tells the head of tasks that have stood on lists since a day or longer without an outcome.
pub(super) async fn escalate_tasks(
    tx: &mut SqliteConnection,
    day: Day,
    overdue_since: Day,
) -> Result<()> {
    sqlx::query(
        "UPDATE tasks SET escalated_on = ?1
         WHERE state IN ('waiting', 'open') AND escalated_on IS NULL AND first_listed_on <= ?2",
    )
    .bind(day.epoch_days())
    .bind(overdue_since.epoch_days())
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the tasks off the lists that nobody touched since a day; the campaign of the client goes
/// on by its own rules.
pub(super) async fn expire_tasks(
    tx: &mut SqliteConnection,
    day: Day,
    expired_since: Day,
) -> Result<()> {
    sqlx::query(
        "UPDATE tasks SET state = 'cancelled', rank = NULL, closed_on = ?1, closed_by = 'expired'
         WHERE state IN ('waiting', 'open') AND max(planned_on, not_before) <= ?2
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
        let rows = sqlx::query(
            "SELECT t.id, t.manager, t.value, t.planned_on, t.state = 'held_out' AS held_out,
                    t.script = 'answered' AS answered, t.urgent
             FROM tasks t
             JOIN runs r ON r.id = t.run_id AND (r.status = 'sealed' OR r.logical_date = ?1)
             WHERE (t.state IN ('waiting', 'open') OR (t.state = 'held_out' AND t.planned_on = ?1))
               AND t.not_before <= ?1 AND t.planned_on <= ?1
               AND max(t.planned_on, t.not_before) > ?2
               AND (NOT EXISTS (
                   SELECT 1 FROM enrollments e
                   WHERE e.campaign = t.campaign AND e.client_id = t.client_id
                     AND e.episode = t.episode AND e.closed_run IS NOT NULL)
                    OR t.script = 'answered' OR t.apart)
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

    /// Tasks that a person may see, by manager and rank.
    pub async fn tasks(&self, filter: &TaskFilter<'_>) -> Result<Vec<TaskRow>> {
        let statement = format!(
            "{TASK_COLUMNS}
             WHERE CASE WHEN ?3 IS NULL THEN t.state IN ('waiting', 'open')
                        ELSE t.state IN ('done', 'cancelled') AND t.closed_on >= ?3 END
               AND (?1 IS NULL OR coalesce(t.acting, t.manager) = ?1)
               AND (NOT ?4 OR t.escalated_on IS NOT NULL)
               AND (?2 IS NULL OR (t.listed_on = ?2 AND t.rank IS NOT NULL))
             ORDER BY acting, t.rank IS NULL, t.rank, t.closed_on DESC, t.value DESC, t.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
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
             WHERE t.client_id = ?1 AND t.planned_on <= ?2 AND t.state <> 'held_out'
             ORDER BY t.planned_on DESC, t.id DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(client.0)
            .bind(up_to.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(task).collect()
    }

    /// Writes what tasks that wait say today: number and JSON.
    pub async fn retell_tasks(&self, said: &[(i64, String)]) -> Result<()> {
        let rows = serde_json::to_string(said).map_err(|error| super::StoreError::Row {
            table: "tasks",
            reason: error.to_string(),
        })?;
        sqlx::query(
            "UPDATE tasks SET inputs = row.value ->> 1
             FROM json_each(?1) AS row
             WHERE tasks.id = row.value ->> 0 AND tasks.inputs <> row.value ->> 1",
        )
        .bind(rows)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// One task.
    pub async fn task(&self, id: i64) -> Result<Option<TaskRow>> {
        let statement = format!("{TASK_COLUMNS} WHERE t.id = ?1 AND t.state <> 'held_out'");
        let row = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(task).transpose()
    }

    /// The managers that sources name.
    pub async fn managers(&self) -> Result<Vec<Manager>> {
        let rows = sqlx::query(
            "SELECT ext_id, name, email, phone, role, capacity, locale, absent_from, absent_to,
                    substitute
             FROM managers ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let locale: Option<String> = row.get("locale");
                Ok(Manager {
                    id: row.get("ext_id"),
                    name: row.get("name"),
                    email: row.get("email"),
                    phone: row.get("phone"),
                    role: word(row, "managers", "role")?,
                    capacity: row.get::<Option<i64>, _>("capacity").map(|n| n as u16),
                    locale: locale.and_then(|text| text.parse().ok()),
                    absent: absence(row).into_iter().collect(),
                    substitute: row.get("substitute"),
                })
            })
            .collect()
    }

    /// How many tasks more each manager has asked for on a day.
    pub async fn more_asked(&self, day: Day) -> Result<HashMap<String, u16>> {
        let rows = sqlx::query("SELECT manager, tasks FROM more_asked WHERE day = ?1")
            .bind(day.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        let one = |row: &SqliteRow| (row.get("manager"), row.get::<i64, _>("tasks") as u16);
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
        sqlx::query(
            "INSERT INTO more_asked (manager, day, tasks) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks",
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

    /// Gives tasks that are still open to another manager, and with `client_too` their clients.
    /// Returns the numbers of those that were given.
    pub async fn reassign(&self, given: &Reassignment<'_>) -> Result<Vec<i64>> {
        let mut tx = self.begin().await?;
        let tasks = serde_json::to_string(given.tasks).unwrap_or_default();
        let rows = sqlx::query(
            "UPDATE tasks SET manager = ?2, acting = ?3, first_listed_on = NULL,
                    escalated_on = NULL, state = 'waiting', rank = NULL
             WHERE id IN (SELECT value FROM json_each(?1)) AND state IN ('waiting', 'open')
             RETURNING id, client_id",
        )
        .bind(tasks)
        .bind(given.to)
        .bind(given.acting)
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            let task: i64 = row.get("id");
            sqlx::query(
                "INSERT INTO audit (at, by, what, about, reason)
                 VALUES (?1, ?2, 'task reassigned', ?3, ?4)",
            )
            .bind(given.now_ms)
            .bind(given.by)
            .bind(format!("task {task} to {}", given.to))
            .bind(given.reason)
            .execute(&mut *tx)
            .await?;
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
        let tasks = sqlx::query_scalar(
            "SELECT id FROM tasks WHERE manager = ?1 AND state IN ('waiting', 'open') ORDER BY id",
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

/// The days on which a manager is not there: without an end, or a beginning, it goes on for ever.
fn absence(row: &SqliteRow) -> Option<(Day, Day)> {
    let (from, to) = (
        optional_day(row, "absent_from"),
        optional_day(row, "absent_to"),
    );
    (from.is_some() || to.is_some()).then(|| {
        let far = Day::from_epoch(i32::MAX / 2);
        (
            from.unwrap_or(Day::from_epoch(i32::MIN / 2)),
            to.unwrap_or(far),
        )
    })
}
