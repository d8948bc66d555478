//! Campaigns as a whole: how far their messages have come, and what a person has done to them.

use crate::db::sql;
use serde::Serialize;

use super::rows::word;
use super::{Result, Store};
use crate::model::{Day, MessageState};

/// A campaign that a person has ended for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cancelled {
    /// The campaign.
    pub campaign: String,
    /// Unix milliseconds.
    pub at: i64,
    /// Who ended it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// How many messages of a campaign are in a state, by the variant of their step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignMessages {
    /// The campaign.
    pub campaign: String,
    /// The step.
    pub step: String,
    /// The variant; nothing where the step has none.
    pub variant: Option<String>,
    /// The state.
    pub state: MessageState,
    /// How many.
    pub messages: u64,
    /// The clients of them who did what the campaign is for.
    pub goals: u64,
}

/// What became of the wish to end a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CampaignEnded {
    /// Messages that were taken back.
    pub messages: u64,
    /// Tasks that were taken back.
    pub tasks: u64,
    /// Clients who were in it.
    pub clients: u64,
}

/// A gift that a manager is to send, with where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiftTask {
    /// The task.
    pub task: i64,
    /// The manager, by the id that the source uses.
    pub manager: String,
    /// The client, by the id that the source uses.
    pub client: String,
    /// JSON: the client's story as the manager reads it.
    pub inputs: String,
    /// Whether it is done.
    pub done: bool,
    /// The latest note of the manager.
    pub note: Option<String>,
    /// The day on which the task began.
    pub since: Day,
}

impl Store {
    /// Every campaign that has messages, with how many there are in each state. Rows of a run that is
    /// still being planned are left out.
    pub async fn campaign_messages(&self, campaign: Option<&str>) -> Result<Vec<CampaignMessages>> {
        let rows = sql::query(
            "SELECT m.campaign, m.step, m.variant, m.state, count(*) AS messages,
                    count(*) FILTER (WHERE e.closed_by = 'goal') AS goals
             FROM messages m JOIN runs r ON r.id = m.run_id
             LEFT JOIN enrollments e ON e.campaign = m.campaign AND e.client_id = m.client_id
                 AND e.episode = m.episode
             WHERE r.status <> 'planning' AND m.client_id <> 0 AND ($1 IS NULL OR m.campaign = $1)
             GROUP BY m.campaign, m.step, m.variant, m.state
             ORDER BY m.campaign, m.step, m.variant NULLS FIRST, m.state",
        )
        .bind(campaign)
        .fetch_all(&self.pool)
        .await?;
        let counts = rows.iter().map(|row| {
            Ok(CampaignMessages {
                campaign: row.get("campaign"),
                step: row.get("step"),
                variant: row.get("variant"),
                state: word(row, "messages", "state")?,
                messages: row.get::<i64, _>("messages").cast_unsigned(),
                goals: row.get::<i64, _>("goals").cast_unsigned(),
            })
        });
        counts.collect()
    }

    /// How many messages of a campaign were accepted since an instant.
    pub async fn accepted_since(&self, campaign: &str, since_ms: i64) -> Result<u64> {
        let accepted: i64 = sql::query_scalar(
            "SELECT count(*) FROM messages
             WHERE campaign = $1 AND state = 'accepted' AND accepted_at >= $2",
        )
        .bind(campaign)
        .bind(since_ms)
        .fetch_one(&self.pool)
        .await?;
        Ok(accepted.cast_unsigned())
    }

    /// Lets the messages of a campaign that wait fall due one after the other from an instant on, in
    /// the order in which they were due; none before its own time.
    pub async fn spread_messages(
        &self,
        campaign: &str,
        from_ms: i64,
        interval_ms: i64,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        // Those that asked at the door while the campaign was paused have lost their own time.
        let done = sql::query(
            "UPDATE messages
             SET due_at = CASE WHEN due_at > $2 + row.place * $3
                                    AND (reason IS NULL OR reason NOT LIKE '%is stopped%')
                               THEN due_at ELSE $2 + row.place * $3 END
             FROM (SELECT m.id, row_number() OVER (ORDER BY m.due_at, m.id) - 1 AS place
                   FROM messages m JOIN runs r ON r.id = m.run_id
                   WHERE m.campaign = $1 AND m.state IN ('planned', 'queued')
                     AND r.status = 'sealed') AS row
             WHERE messages.id = row.id AND messages.state IN ('planned', 'queued')",
        )
        .bind(campaign)
        .bind(from_ms)
        .bind(interval_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// Ends a campaign for good: what has not left never does, tasks leave the lists, whoever is in
    /// it is out. What is at the door at this moment is stopped there: its episode is over.
    pub async fn cancel_campaign(&self, order: &Cancelled, day: Day) -> Result<CampaignEnded> {
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO cancelled_campaigns (campaign, at, by, reason) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(&order.campaign)
        .bind(order.at)
        .bind(&order.by)
        .bind(&order.reason)
        .execute(&mut *tx)
        .await?;
        let messages = sql::query(
            "UPDATE messages SET state = 'cancelled', reason = $2, changed_at = $3, changed_by = $4
             WHERE campaign = $1 AND state IN ('planned', 'queued', 'retry', 'held')",
        )
        .bind(&order.campaign)
        .bind(format!("the campaign was cancelled: {}", order.reason))
        .bind(order.at)
        .bind(&order.by)
        .execute(&mut *tx)
        .await?;
        let tasks = sql::query(
            "UPDATE tasks SET state = 'cancelled', closed_on = $2, closed_by = 'cancelled'
             WHERE campaign = $1 AND state IN ('waiting', 'open')",
        )
        .bind(&order.campaign)
        .bind(day.epoch_days())
        .execute(&mut *tx)
        .await?;
        let clients = sql::query(
            "UPDATE enrollments SET closed_on = $2, closed_by = 'cancelled'
             WHERE campaign = $1 AND closed_on IS NULL",
        )
        .bind(&order.campaign)
        .bind(day.epoch_days())
        .execute(&mut *tx)
        .await?;
        super::address_locks::alone(&mut tx).await?;
        tx.commit().await?;
        Ok(CampaignEnded {
            messages: messages.rows_affected(),
            tasks: tasks.rows_affected(),
            clients: clients.rows_affected(),
        })
    }

    /// The campaigns that a person has ended.
    pub async fn cancelled_campaigns(&self) -> Result<Vec<Cancelled>> {
        let rows = sql::query(
            "SELECT campaign, at, by, reason FROM cancelled_campaigns ORDER BY campaign",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        let cancelled = rows.iter().map(|row| Cancelled {
            campaign: row.get("campaign"),
            at: row.get("at"),
            by: row.get("by"),
            reason: row.get("reason"),
        });
        Ok(cancelled.collect())
    }

    /// The gifts of a campaign, those that are still to be sent first.
    pub async fn gift_tasks(&self, campaign: &str) -> Result<Vec<GiftTask>> {
        let rows = sql::query(
            "SELECT t.id, t.manager, c.ext_id, t.inputs, t.state = 'done' AS done, t.planned_on,
                    (SELECT o.note FROM outcomes o WHERE o.task_id = t.id AND o.note IS NOT NULL
                     ORDER BY o.id DESC LIMIT 1) AS note
             FROM tasks t JOIN clients c ON c.id = t.client_id JOIN runs r ON r.id = t.run_id
             WHERE t.campaign = $1 AND t.kind = 'gift' AND t.state IN ('waiting', 'open', 'done')
               AND r.status = 'sealed'
             ORDER BY done, t.manager, t.value DESC, t.id",
        )
        .bind(campaign)
        .fetch_all(&self.pool)
        .await?;
        let tasks = rows.iter().map(|row| GiftTask {
            task: row.get("id"),
            manager: row.get("manager"),
            client: row.get("ext_id"),
            inputs: row.get("inputs"),
            done: row.get::<i64, _>("done") != 0,
            note: row.get("note"),
            since: super::rows::day_of(row, "planned_on"),
        });
        Ok(tasks.collect())
    }
}
