//! Schedules: what was due when, and what became of it.

use crate::db::sql::{self, Row};
use serde::Serialize;

use super::rows::day_of;
use super::{Result, Store};
use crate::model::Day;

/// An occurrence to be entered.
#[derive(Clone, Debug)]
pub struct NewOccurrence<'a> {
    /// The schedule.
    pub schedule: &'a str,
    /// The local date that names it.
    pub date: Day,
    /// The minute of the day, where it is due several times a day.
    pub slot: u16,
    /// The instant at which it was due, in unix milliseconds.
    pub planned_at: i64,
    /// Whether it is done after its time.
    pub late: bool,
    /// Why it is not done at all.
    pub missed: Option<&'a str>,
}

/// An occurrence that is still to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOccurrence {
    /// Our number.
    pub id: i64,
    /// The schedule.
    pub schedule: String,
    /// The local date that names it.
    pub date: Day,
    /// When it was due, in unix milliseconds.
    pub planned_at: i64,
    /// How often it was begun.
    pub attempts: u32,
    /// Not before, in unix milliseconds.
    pub next_try: i64,
}

/// An occurrence as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleRow {
    /// The schedule.
    pub schedule: String,
    /// The local date that names it.
    pub date: Day,
    /// When it was due, in unix milliseconds.
    pub planned_at: i64,
    /// `waiting`, `running`, `done`, `held`, `failed` or `missed`.
    pub status: String,
    /// Whether it was begun after its time.
    pub late: bool,
    /// How often it was begun.
    pub attempts: i64,
    /// When it was begun the last time, in unix milliseconds.
    pub started_at: Option<i64>,
    /// When it ended the last time, in unix milliseconds.
    pub finished_at: Option<i64>,
    /// What came of it.
    pub note: String,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is done.
    Done,
    /// It is done as far as it can be without a person.
    Held,
    /// It is tried again at this instant, in unix milliseconds.
    Again(i64),
    /// It is given up.
    Failed,
    /// It is of no use any more.
    Missed,
}

impl Store {
    /// Since when a schedule has been known, in unix milliseconds: from now on when it is new.
    pub async fn schedule_since(&self, schedule: &str, now_ms: i64) -> Result<i64> {
        let since = sql::query_scalar("SELECT since FROM schedules WHERE name = $1");
        let since: Option<i64> = since.bind(schedule).fetch_optional(&self.pool).await?;
        if let Some(since) = since {
            return Ok(since);
        }
        sql::query("INSERT INTO schedules (name, since) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(schedule)
            .bind(now_ms)
            .execute(&self.writer)
            .await?;
        Ok(now_ms)
    }

    /// When the last occurrence that was entered was due; those of a clock that ran ahead left aside.
    pub async fn last_occurrence(&self, schedule: &str, now_ms: i64) -> Result<Option<i64>> {
        let last = sql::query_scalar::<Option<i64>>(
            "SELECT max(planned_at) FROM schedule_runs WHERE schedule = $1 AND planned_at <= $2",
        );
        let last = last.bind(schedule).bind(now_ms);
        Ok(last.fetch_one(&self.pool).await?)
    }

    /// Enters occurrences, each once: whoever comes second enters nothing. Returns those that were
    /// new.
    pub async fn enter_occurrences<'a>(
        &self,
        occurrences: &'a [NewOccurrence<'a>],
        now_ms: i64,
    ) -> Result<Vec<&'a NewOccurrence<'a>>> {
        let mut tx = self.begin().await?;
        let mut new = Vec::new();
        for one in occurrences {
            let missed = one.missed.is_some();
            let done = sql::query(
                "INSERT INTO schedule_runs
                     (schedule, logical_date, slot, planned_at, status, late, next_try, finished_at,
                      note)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            )
            .bind(one.schedule)
            .bind(one.date.epoch_days())
            .bind(one.slot)
            .bind(one.planned_at)
            .bind(if missed { "missed" } else { "waiting" })
            .bind(one.late)
            .bind((!missed).then_some(now_ms))
            .bind(missed.then_some(now_ms))
            .bind(one.missed.unwrap_or_default())
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 1 {
                new.push(one);
            }
        }
        tx.commit().await?;
        Ok(new)
    }

    /// The occurrences that wait, the earliest first.
    pub async fn open_occurrences(&self) -> Result<Vec<OpenOccurrence>> {
        let rows = sql::query(
            "SELECT id, schedule, logical_date, planned_at, attempts, next_try FROM schedule_runs
             WHERE status = 'waiting' ORDER BY planned_at, id",
        )
        .fetch_all(&self.pool)
        .await?;
        let open = rows.iter().map(|row| OpenOccurrence {
            id: row.get("id"),
            schedule: row.get("schedule"),
            date: day_of(row, "logical_date"),
            planned_at: row.get("planned_at"),
            attempts: row.get::<i64, _>("attempts") as u32,
            next_try: row.get("next_try"),
        });
        Ok(open.collect())
    }

    /// Begins the next attempt; says whether it was still to be done, by nobody else meanwhile.
    pub async fn begin_occurrence(&self, open: &OpenOccurrence, now_ms: i64) -> Result<bool> {
        let done = sql::query(
            "UPDATE schedule_runs
             SET status = 'running', attempts = attempts + 1, next_try = NULL, started_at = $2,
                 finished_at = NULL
             WHERE id = $1 AND status = 'waiting' AND attempts = $3",
        )
        .bind(open.id)
        .bind(now_ms)
        .bind(open.attempts)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends an attempt by its number, or what waits after so many. Whoever was taken for dead meanwhile
    /// ends nothing: the attempt of whoever took over has another number.
    pub async fn end_occurrence(
        &self,
        id: i64,
        attempts: u32,
        finished: &Finished,
        note: &str,
        now_ms: i64,
    ) -> Result<()> {
        let (status, next_try) = match finished {
            Finished::Done => ("done", None),
            Finished::Held => ("held", None),
            Finished::Again(at) => ("waiting", Some(*at)),
            Finished::Failed => ("failed", None),
            Finished::Missed => ("missed", None),
        };
        sql::query(
            "UPDATE schedule_runs SET status = $2, next_try = $3, finished_at = $4, note = $5
             WHERE id = $1 AND attempts = $6 AND status IN ('running', 'waiting')",
        )
        .bind(id)
        .bind(status)
        .bind(next_try)
        .bind(now_ms)
        .bind(note)
        .bind(attempts)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Gives back what a process that is gone had begun; the caller holds the lock of schedules.
    pub async fn take_over_occurrences(&self, now_ms: i64) -> Result<u64> {
        let done = sql::query(
            "UPDATE schedule_runs SET status = 'waiting', next_try = $1,
                    note = 'its process ended in the middle'
             WHERE status = 'running'",
        );
        let done = done.bind(now_ms).execute(&self.writer).await?;
        Ok(done.rows_affected())
    }

    /// The latest occurrences, the last one first.
    pub async fn schedule_rows(&self, limit: u32) -> Result<Vec<ScheduleRow>> {
        let statement = format!("{SCHEDULE_ROWS} ORDER BY planned_at DESC, id DESC LIMIT $1");
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(schedule_row).collect())
    }

    /// Occurrences that were due since an instant, in unix milliseconds, the first one first.
    pub async fn schedule_rows_since(&self, since_ms: i64) -> Result<Vec<ScheduleRow>> {
        let statement = format!("{SCHEDULE_ROWS} WHERE planned_at >= $1 ORDER BY planned_at, id");
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(since_ms)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(schedule_row).collect())
    }

    /// The last time at which a schedule was done, in unix milliseconds.
    pub async fn schedule_last_done(&self, schedule: &str) -> Result<Option<i64>> {
        let last = sql::query_scalar::<Option<i64>>(
            "SELECT max(finished_at) FROM schedule_runs WHERE schedule = $1
               AND status IN ('done', 'held')",
        );
        Ok(last.bind(schedule).fetch_one(&self.pool).await?)
    }

    /// When each source's files last brought something new: name and instant in unix milliseconds.
    pub async fn sources_changed_at(&self) -> Result<Vec<(String, i64)>> {
        let rows = sql::query(
            "SELECT s.name, max(i.finished_at) AS at FROM imports i JOIN sources s ON s.id = i.source_id
             WHERE i.status = 'done' AND i.finished_at IS NOT NULL GROUP BY s.name
             ORDER BY s.name",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| (row.get("name"), row.get("at")))
            .collect())
    }
}

const SCHEDULE_ROWS: &str = "
    SELECT schedule, logical_date, planned_at, status, late, attempts, started_at, finished_at, note
    FROM schedule_runs";

fn schedule_row(row: &Row) -> ScheduleRow {
    ScheduleRow {
        schedule: row.get("schedule"),
        date: day_of(row, "logical_date"),
        planned_at: row.get("planned_at"),
        status: row.get("status"),
        late: row.get("late"),
        attempts: row.get("attempts"),
        started_at: row.get("started_at"),
        finished_at: row.get("finished_at"),
        note: row.get("note"),
    }
}
