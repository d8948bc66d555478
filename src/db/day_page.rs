//! What the page of a manager's day reads: the list, and what stands beside each client.
//!
//! The cost follows the number of tasks on the list, not the size of the base.

use crate::db::sql::{self, Json};
use std::collections::HashMap;

use serde::Serialize;

use super::rows::{day_of, optional_day, word};
use super::tasks::{TASK_COLUMNS, task};
use super::{Result, Store, TaskRow};
use crate::model::{Channel, ClientId, Day, OutcomeKind};

/// What is known of a client beside the task: what came last, and what is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background {
    /// The last outcome of any task.
    pub outcome: Option<PastOutcome>,
    /// The last message that he may have got.
    pub message: Option<(Day, Channel)>,
    /// Deals that are open.
    pub deals: Vec<OpenDeal>,
}

/// An outcome as it is told later.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastOutcome {
    /// What was recorded.
    pub kind: OutcomeKind,
    /// The day of it.
    pub day: Day,
    /// When to come back.
    pub until: Option<Day>,
    /// Why not, for a rejection.
    pub reason: Option<String>,
    /// What was noted.
    pub note: Option<String>,
    /// Who recorded it.
    pub by: String,
    /// The task.
    pub task: i64,
}

/// An open deal.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenDeal {
    /// What it is about.
    pub title: Option<String>,
    /// The stage in the source's words.
    pub stage: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
}

/// How many tasks a manager has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The manager; empty when nobody is named.
    pub manager: String,
    /// On the list.
    pub open: u32,
    /// Waiting for another day.
    pub waiting: u32,
}

impl Store {
    /// The list of a manager as the last run has made it, without what is done.
    pub async fn list_of(&self, manager: &str) -> Result<Vec<TaskRow>> {
        let statement = format!(
            "{TASK_COLUMNS} WHERE coalesce(t.acting, t.manager) = $1 AND t.state = 'open' AND t.rank IS NOT NULL
             ORDER BY t.rank, t.id"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(manager)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(task).collect()
    }

    /// The tasks of a manager for which an outcome was recorded on a day, the last one first.
    pub async fn recorded_on(&self, manager: &str, day: Day) -> Result<Vec<TaskRow>> {
        let statement = format!(
            "{TASK_COLUMNS}
             WHERE coalesce(t.acting, t.manager) = $1 AND t.state <> 'held_out'
               AND t.id IN (SELECT task_id FROM outcomes WHERE day = $2)
             ORDER BY (SELECT max(id) FROM outcomes WHERE task_id = t.id) DESC"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(manager)
            .bind(day.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(task).collect()
    }

    /// How many tasks of a manager wait for another day, though they could be done on this one.
    pub async fn waiting_of(&self, manager: &str, day: Day) -> Result<u32> {
        let waiting = sql::query_scalar::<i64>(
            "SELECT count(*) FROM tasks t
             WHERE coalesce(t.acting, t.manager) = $1 AND t.state = 'waiting'
               AND t.not_before <= $2
               AND t.run_id IN (SELECT id FROM runs WHERE status = 'sealed')",
        );
        let waiting = waiting.bind(manager).bind(day.epoch_days());
        Ok(waiting.fetch_one(&self.pool).await? as u32)
    }

    /// How many tasks every manager has on a day.
    pub async fn loads(&self, day: Day) -> Result<Vec<Load>> {
        let rows = sql::query(
            "SELECT coalesce(t.acting, t.manager) AS manager,
                    count(*) FILTER (WHERE t.state = 'open' AND t.rank IS NOT NULL) AS open,
                    count(*) FILTER (WHERE t.state = 'waiting' AND t.not_before <= $1) AS waiting
             FROM tasks t
             WHERE t.state IN ('open', 'waiting')
               AND t.run_id IN (SELECT id FROM runs WHERE status = 'sealed')
             GROUP BY 1 ORDER BY 1",
        )
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        let loads = rows.iter().map(|row| Load {
            manager: row.get("manager"),
            open: row.get::<i64, _>("open") as u32,
            waiting: row.get::<i64, _>("waiting") as u32,
        });
        Ok(loads.collect())
    }

    /// What is known of clients beside their tasks.
    pub async fn backgrounds(&self, clients: &[ClientId]) -> Result<HashMap<ClientId, Background>> {
        let mut known: HashMap<ClientId, Background> = HashMap::new();
        self.read_last_outcomes(clients, &mut known).await?;
        self.read_last_messages(clients, &mut known).await?;
        self.read_open_deals(clients, &mut known).await?;
        Ok(known)
    }

    async fn read_last_outcomes(
        &self,
        clients: &[ClientId],
        known: &mut HashMap<ClientId, Background>,
    ) -> Result<()> {
        let rows = sql::query(
            "SELECT t.client_id, o.kind, o.day, o.until, o.reason, o.note, o.recorded_by, o.task_id
             FROM json_each($1) AS c
             CROSS JOIN tasks t
             CROSS JOIN outcomes o
             WHERE t.client_id = CAST(c.atom AS BIGINT) AND o.task_id = t.id
             ORDER BY o.id",
        )
        .bind(Json(clients))
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let of = known.entry(ClientId(row.get("client_id"))).or_default();
            of.outcome = Some(PastOutcome {
                kind: word(row, "outcomes", "kind")?,
                day: day_of(row, "day"),
                until: optional_day(row, "until"),
                reason: row.get("reason"),
                note: row.get("note"),
                by: row.get("recorded_by"),
                task: row.get("task_id"),
            });
        }
        Ok(())
    }

    async fn read_last_messages(
        &self,
        clients: &[ClientId],
        known: &mut HashMap<ClientId, Background>,
    ) -> Result<()> {
        let rows = sql::query(
            "SELECT m.client_id, m.planned_on, m.channel FROM json_each($1) AS c
             CROSS JOIN messages m
             WHERE m.id = (
                 SELECT id FROM messages WHERE client_id = CAST(c.atom AS BIGINT)
                     AND state IN ('accepted', 'unknown')
                 ORDER BY planned_on DESC, id DESC LIMIT 1)",
        )
        .bind(Json(clients))
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let of = known.entry(ClientId(row.get("client_id"))).or_default();
            of.message = Some((day_of(row, "planned_on"), word(row, "messages", "channel")?));
        }
        Ok(())
    }

    async fn read_open_deals(
        &self,
        clients: &[ClientId],
        known: &mut HashMap<ClientId, Background>,
    ) -> Result<()> {
        let rows = sql::query(
            "SELECT d.client_id, d.title, d.stage, d.amount FROM json_each($1) AS c
             CROSS JOIN deals d
             WHERE d.client_id = CAST(c.atom AS BIGINT) AND d.status = 'open'
             ORDER BY d.opened_on NULLS FIRST, d.id",
        )
        .bind(Json(clients))
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let of = known.entry(ClientId(row.get("client_id"))).or_default();
            of.deals.push(OpenDeal {
                title: row.get("title"),
                stage: row.get("stage"),
                amount: row.get("amount"),
            });
        }
        Ok(())
    }
}
