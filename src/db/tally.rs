//! What a stretch of runs came to: ended episodes, and the last message of every step.

use super::messages::{DUE_COLUMNS, due_message};
use super::{DueMessage, Result, Store};
use crate::db::sql;
use crate::model::Day;

/// How many episodes of a campaign ended for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The campaign.
    pub campaign: String,
    /// `goal`, `outcome` or `finished`.
    pub by: String,
    /// Treated clients.
    pub episodes: u64,
}

impl Store {
    /// Episodes of treated clients that ended in a stretch of days, both ends included, by campaign
    /// and reason.
    pub async fn ended_episodes(&self, from: Day, to: Day) -> Result<Vec<Ended>> {
        let rows = sql::query(
            "SELECT e.campaign, e.closed_by, count(*) AS episodes FROM enrollments e
             WHERE e.closed_on BETWEEN $1 AND $2 AND e.arm = 'treated'
               AND e.closed_run IN (SELECT id FROM runs WHERE status <> 'planning')
             GROUP BY e.campaign, e.closed_by ORDER BY e.campaign, e.closed_by",
        )
        .bind(from.epoch_days())
        .bind(to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .iter()
            .map(|row| Ended {
                campaign: row.get("campaign"),
                by: row.get("closed_by"),
                episodes: row.get::<i64, _>("episodes").cast_unsigned(),
            })
            .collect())
    }

    /// The last message of every step of every campaign that a channel has taken, with what the
    /// channel answered: in the sandbox the file.
    pub async fn last_messages(&self) -> Result<Vec<(DueMessage, String)>> {
        let statement = format!(
            "{DUE_COLUMNS}, m.receipt
             FROM messages m JOIN runs r ON r.id = m.run_id JOIN clients c ON c.id = m.client_id
             WHERE m.id IN (SELECT max(id) FROM messages WHERE state = 'accepted'
                            GROUP BY campaign, step)
               AND m.receipt IS NOT NULL
             ORDER BY m.campaign, m.id"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((due_message(row)?, row.get("receipt"))))
            .collect()
    }
}
