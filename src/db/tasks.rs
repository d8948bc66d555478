//! Tasks of managers, their lists and their outcomes.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::rows::{day_of, optional_day, word};
use super::runs::Listed;
use super::{Result, Store};
use crate::model::{
    AddressKey, Channel, ClientId, Day, Manager, Outcome, SuppressionReason, TaskKind,
};

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
    /// Why: `outcome`, `expired`, `merged`, or what ended the episode.
    pub closed_by: Option<String>,
}

/// Which tasks to read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TaskFilter<'a> {
    /// Of one manager only.
    pub manager: Option<&'a str>,
    /// Only what stands on the list of this day.
    pub listed_on: Option<Day>,
    /// Instead of what waits, what left the lists on this day or later.
    pub closed_since: Option<Day>,
}

const TASK_COLUMNS: &str = "
    SELECT t.id, t.manager, c.ext_id AS client, t.client_id, t.campaign, t.episode, t.step, t.kind,
           t.script, t.state,
           t.value, t.rank, t.planned_on, t.not_before, t.attempts, t.inputs, t.listed_on,
           t.closed_on, t.closed_by,
           (SELECT o.kind FROM outcomes o WHERE o.task_id = t.id ORDER BY o.id DESC LIMIT 1)
               AS outcome
    FROM tasks t
    JOIN clients c ON c.id = t.client_id
    JOIN runs r ON r.id = t.run_id AND r.status = 'sealed'";

fn task(row: &SqliteRow) -> Result<TaskRow> {
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
        planned_on: day_of(row, "planned_on"),
        not_before: day_of(row, "not_before"),
        attempts: row.get::<i64, _>("attempts") as u16,
        inputs: row.get("inputs"),
        outcome: row.get("outcome"),
        closed_on: optional_day(row, "closed_on"),
        closed_by: row.get("closed_by"),
    })
}

/// Writes the lists of a day: who is on it and where; the others wait.
pub(super) async fn write_lists(
    tx: &mut SqliteConnection,
    day: Day,
    listed: &[Listed],
) -> Result<()> {
    let rows = serde_json::to_string(listed).map_err(|error| super::StoreError::Row {
        table: "tasks",
        reason: error.to_string(),
    })?;
    sqlx::query(
        "UPDATE tasks SET
             rank = row.value ->> 'rank',
             listed_on = CASE WHEN row.value ->> 'rank' IS NULL THEN listed_on ELSE ?1 END,
             state = CASE WHEN state = 'held_out' THEN state
                          WHEN row.value ->> 'rank' IS NULL THEN 'waiting' ELSE 'open' END
         FROM json_each(?2) AS row
         WHERE tasks.id = row.value ->> 'task'",
    )
    .bind(day.epoch_days())
    .bind(rows)
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
                    t.script = 'answered' AS answered
             FROM tasks t
             JOIN runs r ON r.id = t.run_id AND (r.status = 'sealed' OR r.logical_date = ?1)
             WHERE (t.state IN ('waiting', 'open') OR (t.state = 'held_out' AND t.planned_on = ?1))
               AND t.not_before <= ?1 AND t.planned_on <= ?1
               AND max(t.planned_on, t.not_before) > ?2
               AND (NOT EXISTS (
                   SELECT 1 FROM enrollments e
                   WHERE e.campaign = t.campaign AND e.client_id = t.client_id
                     AND e.episode = t.episode AND e.closed_run IS NOT NULL)
                    OR t.script = 'answered')
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
            })
            .collect())
    }

    /// Tasks that a person may see, by manager and rank.
    pub async fn tasks(&self, filter: &TaskFilter<'_>) -> Result<Vec<TaskRow>> {
        let statement = format!(
            "{TASK_COLUMNS}
             WHERE CASE WHEN ?3 IS NULL THEN t.state IN ('waiting', 'open')
                        ELSE t.state IN ('done', 'cancelled') AND t.closed_on >= ?3 END
               AND (?1 IS NULL OR t.manager = ?1)
               AND (?2 IS NULL OR (t.listed_on = ?2 AND t.rank IS NOT NULL))
             ORDER BY t.manager, t.rank IS NULL, t.rank, t.closed_on DESC, t.value DESC, t.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(filter.manager)
            .bind(filter.listed_on.map(Day::epoch_days))
            .bind(filter.closed_since.map(Day::epoch_days))
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

    /// Records the outcome of a task together with what becomes of it: done, or back on a day.
    pub async fn record_outcome(
        &self,
        task: i64,
        outcome: &Outcome,
        again_on: Option<Day>,
        note: Option<&str>,
        by: &str,
        now_ms: i64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE tasks SET attempts = attempts + 1, rank = NULL,
                 state = CASE WHEN ?2 IS NULL THEN 'done' ELSE 'waiting' END,
                 not_before = coalesce(?2, not_before),
                 closed_on = CASE WHEN ?2 IS NULL THEN ?3 END,
                 closed_by = CASE WHEN ?2 IS NULL THEN 'outcome' END
             WHERE id = ?1 AND state IN ('waiting', 'open')",
        )
        .bind(task)
        .bind(again_on.map(Day::epoch_days))
        .bind(outcome.day.epoch_days())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if changed == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO outcomes (task_id, kind, day, until, note, recorded_at, recorded_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(task)
        .bind(outcome.kind.word())
        .bind(outcome.day.epoch_days())
        .bind(outcome.until.map(Day::epoch_days))
        .bind(note)
        .bind(now_ms)
        .bind(by)
        .execute(&mut *tx)
        .await?;
        // The daily scan looks at the client again: an outcome steers his campaign.
        sqlx::query(
            "UPDATE enrollments SET next_on = min(ifnull(next_on, ?2), ?2)
             FROM tasks t
             WHERE t.id = ?1 AND enrollments.campaign = t.campaign
               AND enrollments.client_id = t.client_id AND enrollments.episode = t.episode",
        )
        .bind(task)
        .bind(outcome.day.epoch_days())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Suppresses every address of the client of a task for everything: he asked for it.
    pub async fn suppress_client_of_task(
        &self,
        task: i64,
        day: Day,
        by: &str,
        key: &AddressKey,
    ) -> Result<()> {
        let addresses = sqlx::query(
            "SELECT c.email, c.phone FROM clients c JOIN tasks t ON t.client_id = c.id
             WHERE t.id = ?1
             UNION
             SELECT p.email, p.phone FROM contacts p JOIN tasks t ON t.client_id = p.client_id
             WHERE t.id = ?1",
        )
        .bind(task)
        .fetch_all(&self.pool)
        .await?;
        let mut tx = self.begin().await?;
        for row in &addresses {
            for (channel, column) in [(Channel::Email, "email"), (Channel::Whatsapp, "phone")] {
                let Some(address) = row.get::<Option<String>, _>(column) else {
                    continue;
                };
                sqlx::query(
                    "INSERT INTO suppressions (address_hash, channel, scope, reason, since, source)
                     VALUES (?1, ?2, 'all', ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                )
                .bind(key.hash(channel, &address).to_vec())
                .bind(channel.word())
                .bind(SuppressionReason::DoNotContact.word())
                .bind(day.epoch_days())
                .bind(by)
                .execute(&mut *tx)
                .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// The managers that sources name.
    pub async fn managers(&self) -> Result<Vec<Manager>> {
        let rows = sqlx::query(
            "SELECT ext_id, name, email, phone, role, capacity, locale FROM managers ORDER BY id",
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
                })
            })
            .collect()
    }

    /// The days on which a client was on a manager's list, and what came of it; the last first.
    pub async fn outcomes_of(
        &self,
        client: crate::model::ClientId,
    ) -> Result<Vec<(Outcome, Option<String>)>> {
        let rows = sqlx::query(
            "SELECT o.kind, o.day, o.until, o.note FROM outcomes o
             JOIN tasks t ON t.id = o.task_id WHERE t.client_id = ?1 ORDER BY o.id DESC",
        )
        .bind(client.0)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let outcome = Outcome {
                    kind: word(row, "outcomes", "kind")?,
                    day: day_of(row, "day"),
                    until: optional_day(row, "until"),
                };
                Ok((outcome, row.get("note")))
            })
            .collect()
    }
}
