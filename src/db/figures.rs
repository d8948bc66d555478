//! The figures that an operator watches: what is due, what waits for a person, what failed. Counted
//! by index, except the totals, which read every message.

use super::{Result, Store};
use crate::db::sql;

/// What waits on a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelFigures {
    /// The channel.
    pub channel: String,
    /// Messages that may leave now.
    pub due: i64,
    /// Messages that may leave later.
    pub waiting: i64,
    /// Since when the oldest due one might have left, in unix milliseconds.
    pub due_since: Option<i64>,
}

/// How a schedule is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleFigures {
    /// The schedule.
    pub schedule: String,
    /// Occurrences that are not over.
    pub open: i64,
    /// When the oldest of them was due, in unix milliseconds.
    pub open_since: Option<i64>,
    /// When the last one was done, in unix milliseconds.
    pub done_at: Option<i64>,
    /// How long the last one took, in milliseconds.
    pub took: Option<i64>,
    /// Occurrences that were given up.
    pub failed: i64,
    /// Occurrences that were not done.
    pub missed: i64,
}

/// Each part in the words of its index.
const OPEN_STATES: &str = "
    SELECT state, count(*) FROM messages WHERE state = 'unknown' OR state = 'held' GROUP BY state
    UNION ALL
    SELECT state, count(*) FROM messages
    WHERE lease_until IS NOT NULL AND state IN ('claimed', 'sending') GROUP BY state";

impl Store {
    /// What waits on each channel.
    pub async fn channel_figures(&self, mode: &str, now_ms: i64) -> Result<Vec<ChannelFigures>> {
        let rows = sql::query(
            "SELECT m.channel, count(*) FILTER (WHERE m.due_at <= $2) AS due,
                    count(*) FILTER (WHERE m.due_at > $2) AS waiting,
                    min(CASE WHEN m.due_at > $2 THEN NULL
                             WHEN m.due_at > r.sealed_at THEN m.due_at ELSE r.sealed_at END)
                        AS due_since
             FROM runs r
             CROSS JOIN messages m
             WHERE m.run_id = r.id
               AND (m.state = 'planned' OR m.state = 'queued' OR m.state = 'retry')
               AND r.status = 'sealed' AND r.mode = $1 GROUP BY m.channel",
        );
        let rows = rows.bind(mode).bind(now_ms).fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| ChannelFigures {
                channel: row.get("channel"),
                due: row.get("due"),
                waiting: row.get("waiting"),
                due_since: row.get("due_since"),
            })
            .collect())
    }

    /// Messages in each of the states that somebody works on or has to look at.
    pub async fn open_states(&self) -> Result<Vec<(String, i64)>> {
        let rows = sql::query(OPEN_STATES).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// All messages by channel and state: reads every message.
    pub async fn message_totals(&self) -> Result<Vec<(String, String, i64)>> {
        let rows = sql::query(
            "SELECT channel, state, count(*) FROM messages WHERE client_id <> 0
             GROUP BY channel, state",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect())
    }

    /// Why messages failed, in the words that were written down, with their number: reads every
    /// message.
    pub async fn failure_reasons(&self) -> Result<Vec<(String, i64)>> {
        let rows = sql::query(
            "SELECT coalesce(reason, ''), count(*) FROM messages WHERE state = 'failed' GROUP BY 1",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// How each schedule is doing.
    pub async fn schedule_figures(&self) -> Result<Vec<ScheduleFigures>> {
        let rows = sql::query(
            "SELECT s.name,
                    count(*) FILTER (WHERE r.status IN ('waiting', 'running')) AS open,
                    min(r.planned_at) FILTER (WHERE r.status IN ('waiting', 'running')) AS open_since,
                    max(r.finished_at) FILTER (WHERE r.status IN ('done', 'held')) AS done_at,
                    (SELECT l.finished_at - l.started_at FROM schedule_runs l
                     WHERE l.schedule = s.name AND l.status IN ('done', 'held')
                     ORDER BY l.planned_at DESC LIMIT 1) AS took,
                    count(*) FILTER (WHERE r.status = 'failed') AS failed,
                    count(*) FILTER (WHERE r.status = 'missed') AS missed
             FROM schedules s LEFT JOIN schedule_runs r ON r.schedule = s.name
             GROUP BY s.name ORDER BY s.name",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| ScheduleFigures {
                schedule: row.get("name"),
                open: row.get("open"),
                open_since: row.get("open_since"),
                done_at: row.get("done_at"),
                took: row.get("took"),
                failed: row.get("failed"),
                missed: row.get("missed"),
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plan_in_sqlite;

    #[tokio::test]
    async fn open_states_are_counted_by_their_indexes() {
        let plan = plan_in_sqlite(OPEN_STATES).await;
        for index in ["messages_for_a_person", "messages_in_flight"] {
            let by = |line: &String| line.contains(index);
            assert!(plan.iter().any(by), "{plan:#?}");
        }
        let whole = |line: &String| line == "SCAN messages";
        assert!(!plan.iter().any(whole), "{plan:#?}");
    }
}
