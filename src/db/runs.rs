//! Runs: the applied days. A run's rows are written chunk by chunk (`staging`) and stay invisible
//! until one update of its status seals it.

use crate::db::sql::{self, Connection, Json};
use serde::Serialize;

use super::day_lists::{Listed, escalate_tasks, expire_tasks, write_lists};
use super::rows::day_of;
use super::{Result, Store, StoreError};
use crate::config::settings::DeliveryMode;
use crate::model::{Channel, Day};

/// The schedule that plans a day.
const DAILY: &str = "daily";

/// What became of the wish to begin a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// A new run, to be filled and sealed.
    New(i64),
    /// The day has been run: nothing is to be done.
    Before {
        /// Whether it waits for a person.
        awaiting_approval: bool,
    },
}

/// A run, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRow {
    /// The day that was planned.
    pub date: Day,
    /// `sandbox` or `live`.
    pub mode: String,
    /// `planning`, `awaiting_approval` or `sealed`.
    pub status: String,
    /// Messages of the run that are not held out.
    pub messages: i64,
    /// Tasks of the run that are not held out.
    pub tasks: i64,
    /// Why it waits.
    pub held_because: Option<String>,
    /// Who let it go.
    pub approved_by: Option<String>,
}

/// What ends the writing of a run.
#[derive(Clone, Copy, Debug)]
pub struct Sealing<'a> {
    /// The day.
    pub day: Day,
    /// The version of the base facts that it rests on.
    pub base_facts: i64,
    /// JSON: what was counted.
    pub counts: &'a str,
    /// Why a person has to let it go.
    pub held_because: Option<&'a str>,
    /// The managers' lists; empty when the run is held.
    pub lists: &'a [Listed],
    /// Tasks that have waited since this day or longer leave the lists, unless the run is held.
    pub expired_since: Day,
    /// Tasks that stood on a list on this day or before without an outcome go to the head as well.
    pub overdue_since: Day,
}

impl Store {
    /// Begins the run of a day, or says that the day has been run.
    ///
    /// What a process that died left, of this day or another, is cleared away first: its rows were
    /// never visible. The caller holds the lock of the database, so nobody else is planning.
    pub async fn begin_run(
        &self,
        date: Day,
        mode: DeliveryMode,
        campaigns: &[&str],
        now_ms: i64,
    ) -> Result<Begun> {
        let mut tx = self.begin().await?;
        for run in half_written(&mut tx).await? {
            clear(&mut tx, run).await?;
        }
        let known = sql::query("SELECT status FROM runs WHERE schedule = $1 AND logical_date = $2")
            .bind(DAILY)
            .bind(date.epoch_days())
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(row) = known {
            let status: String = row.get("status");
            tx.commit().await?;
            return Ok(Begun::Before {
                awaiting_approval: status == "awaiting_approval",
            });
        }
        let id = sql::query_scalar::<i64>(
            "INSERT INTO runs (schedule, logical_date, mode, status, started_at, campaigns)
             VALUES ($1, $2, $3, 'planning', $4, $5) RETURNING id",
        )
        .bind(DAILY)
        .bind(date.epoch_days())
        .bind(mode.word())
        .bind(now_ms)
        .bind(Json(campaigns))
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Begun::New(id))
    }

    /// Makes the rows of a run visible together with the managers' lists, or holds them for a
    /// person: one transaction, so that no kill leaves a sealed day without its lists.
    pub async fn seal(&self, run: i64, sealing: &Sealing<'_>, now_ms: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        let status = if sealing.held_because.is_some() {
            "awaiting_approval"
        } else {
            "sealed"
        };
        let sealed = sql::query(
            "UPDATE runs SET status = $2, sealed_at = $3, counts = $4, held_because = $5,
                    base_facts = $6
             WHERE id = $1 AND status = 'planning'",
        )
        .bind(run)
        .bind(status)
        .bind(now_ms)
        .bind(sealing.counts)
        .bind(sealing.held_because)
        .bind(sealing.base_facts)
        .execute(&mut *tx)
        .await?;
        // Whoever lost the lock and was taken for dead: another process has cleared his rows away.
        if sealed.rows_affected() == 0 {
            return Err(StoreError::LockLost);
        }
        withdraw_what_is_over(&mut tx, run, now_ms).await?;
        if sealing.held_because.is_none() {
            expire_tasks(&mut tx, sealing.day, sealing.expired_since).await?;
        }
        write_lists(&mut tx, sealing.day, sealing.lists, now_ms).await?;
        escalate_tasks(&mut tx, sealing.day, sealing.overdue_since).await?;
        crash_point!("before-seal");
        tx.commit().await?;
        crash_point!("sealed");
        Ok(())
    }

    /// How many messages of a run are to leave on a channel.
    pub async fn messages_of_run(&self, run: i64, channel: Channel) -> Result<u64> {
        let count: i64 = sql::query_scalar(
            "SELECT count(*) FROM messages
             WHERE run_id = $1 AND channel = $2
               AND (state = 'planned' OR state = 'queued' OR state = 'retry')",
        )
        .bind(run)
        .bind(channel.word())
        .fetch_one(&self.pool)
        .await?;
        Ok(count.cast_unsigned())
    }

    /// Lets a run go that waits for a person, with the lists of its day; tasks that have waited
    /// since `expired_since` or longer leave them. Says whether there was such a run.
    pub async fn approve_run(
        &self,
        date: Day,
        by: &str,
        lists: &[Listed],
        expired_since: Day,
        now_ms: i64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "UPDATE runs SET status = 'sealed', approved_by = $3
             WHERE schedule = $1 AND logical_date = $2 AND status = 'awaiting_approval'",
        )
        .bind(DAILY)
        .bind(date.epoch_days())
        .bind(by)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        expire_tasks(&mut tx, date, expired_since).await?;
        write_lists(&mut tx, date, lists, now_ms).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The last day that was run, whether it waits for a person or not.
    pub async fn last_run_day(&self) -> Result<Option<Day>> {
        let day = sql::query_scalar::<Option<i32>>(
            "SELECT max(logical_date) FROM runs WHERE schedule = 'daily' AND status <> 'planning'",
        );
        Ok(day.fetch_one(&self.pool).await?.map(Day::from_epoch))
    }

    /// The status of the run of a day; nothing when it has not been run.
    pub async fn run_status(&self, date: Day) -> Result<Option<String>> {
        let status = sql::query_scalar(
            "SELECT status FROM runs
             WHERE schedule = $1 AND logical_date = $2 AND status <> 'planning'",
        );
        let status = status.bind(DAILY).bind(date.epoch_days());
        Ok(status.fetch_optional(&self.pool).await?)
    }

    /// The runs that are being written, or were when their process died.
    pub async fn half_written_runs(&self) -> Result<Vec<i64>> {
        let mut connection = self.pool.acquire().await?;
        half_written(&mut connection).await
    }

    /// What the latest runs before a day counted, as JSON.
    pub async fn counts_before(&self, day: Day, runs: u32) -> Result<Vec<String>> {
        let rows = sql::query(
            "SELECT counts FROM runs
             WHERE schedule = 'daily' AND status <> 'planning' AND logical_date < $1
             ORDER BY logical_date DESC LIMIT $2",
        )
        .bind(day.epoch_days())
        .bind(runs)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(|row| row.get("counts")).collect())
    }

    /// The latest runs, the last one first.
    pub async fn runs(&self, limit: u32) -> Result<Vec<RunRow>> {
        let rows = sql::query(
            "SELECT logical_date, mode, status, held_because, approved_by,
                    (SELECT count(*) FROM messages m
                     WHERE m.run_id = r.id AND m.state <> 'held_out' AND m.client_id <> 0)
                        AS messages,
                    (SELECT count(*) FROM tasks t
                     WHERE t.run_id = r.id AND t.state <> 'held_out') AS tasks
             FROM runs r WHERE schedule = 'daily' ORDER BY logical_date DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .iter()
            .map(|row| RunRow {
                date: day_of(row, "logical_date"),
                mode: row.get("mode"),
                status: row.get("status"),
                messages: row.get("messages"),
                tasks: row.get("tasks"),
                held_because: row.get("held_because"),
                approved_by: row.get("approved_by"),
            })
            .collect())
    }

    /// The day of the first run in which a campaign took part, and whether one of them was live.
    pub async fn first_run_of(&self, campaign: &str) -> Result<Option<(Day, bool)>> {
        let row = sql::query(
            "SELECT min(logical_date) AS day,
                    max(CASE WHEN mode = 'live' AND status = 'sealed' THEN 1 ELSE 0 END) AS live
             FROM runs
             WHERE status <> 'planning'
               AND EXISTS (SELECT 1 FROM json_each(runs.campaigns) WHERE atom = $1)",
        )
        .bind(campaign)
        .fetch_one(&self.pool)
        .await?;
        let day: Option<i64> = row.get("day");
        let live: Option<i64> = row.get("live");
        Ok(day.map(|day| (Day::from_epoch(day as i32), live == Some(1))))
    }
}

async fn half_written(connection: &mut Connection) -> Result<Vec<i64>> {
    let runs = sql::query_scalar("SELECT id FROM runs WHERE status = 'planning'");
    Ok(runs.fetch_all(connection).await?)
}

/// Removes the invisible rows of a run whose process died. Whoever would have been touched is
/// looked at again, from the day of the run on.
async fn clear(tx: &mut Connection, run: i64) -> Result<()> {
    for statement in [
        "UPDATE enrollments
         SET next_on = CASE WHEN touched.planned_on < next_on THEN touched.planned_on ELSE next_on END
         FROM (SELECT campaign, client_id, episode, planned_on FROM messages WHERE run_id = $1
               UNION ALL
               SELECT campaign, client_id, episode, planned_on FROM tasks WHERE run_id = $1)
              AS touched
         WHERE enrollments.campaign = touched.campaign
           AND enrollments.client_id = touched.client_id
           AND enrollments.episode = touched.episode",
        "DELETE FROM messages WHERE run_id = $1",
        "DELETE FROM tasks WHERE run_id = $1",
        "DELETE FROM certificates WHERE run_id = $1",
        "UPDATE enrollments SET closed_on = NULL, closed_by = NULL, closed_run = NULL
         WHERE closed_run = $1",
        "DELETE FROM enrollments WHERE run_id = $1",
        "DELETE FROM runs WHERE id = $1",
    ] {
        sql::query(statement).bind(run).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Takes back what has not left yet for clients whose episode ended.
async fn withdraw_what_is_over(tx: &mut Connection, run: i64, now_ms: i64) -> Result<()> {
    for statement in [
        "UPDATE messages SET state = 'cancelled', reason = e.closed_by, changed_by = 'run',
                changed_at = $2
         FROM enrollments e
         WHERE e.closed_run = $1 AND messages.campaign = e.campaign
           AND messages.client_id = e.client_id AND messages.episode = e.episode
           AND messages.state IN ('planned', 'queued', 'retry', 'held')",
        "UPDATE tasks SET state = 'cancelled', closed_on = e.closed_on, closed_by = e.closed_by
         FROM enrollments e
         WHERE e.closed_run = $1 AND tasks.campaign = e.campaign
           AND tasks.client_id = e.client_id AND tasks.episode = e.episode
           AND tasks.state IN ('waiting', 'open') AND tasks.apart = 0",
    ] {
        sql::query(statement)
            .bind(run)
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
