//! What the pages of marketing count and list: campaigns, and messages that lie in the sandbox.

use super::rows::{day_of, optional_day, word};
use super::{Result, Store};
use crate::db::sql::{self, Row};
use crate::model::{Channel, Day, MessageState};

/// A campaign in numbers, over all its days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignTotals {
    /// The campaign.
    pub campaign: String,
    /// Clients that it took in.
    pub entered: u64,
    /// Those who are still in it.
    pub inside: u64,
    /// Those whom it left alone to compare with.
    pub held_out: u64,
    /// Those who reached its goal, held out or not.
    pub reached: u64,
    /// The last day on which it took somebody in.
    pub last_entered: Option<Day>,
    /// Messages that left.
    pub sent: u64,
    /// Messages that are on their way.
    pub under_way: u64,
    /// Messages of which a person has to decide.
    pub for_a_person: u64,
    /// Tasks that are open or wait.
    pub tasks_open: u64,
    /// Tasks that were done.
    pub tasks_done: u64,
}

/// A message that lies in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxRow {
    /// Our own number.
    pub id: i64,
    /// The day of its run.
    pub day: Day,
    /// The campaign; `managers` for the lists of managers.
    pub campaign: String,
    /// The step.
    pub step: String,
    /// The way it would have gone.
    pub channel: Channel,
    /// The template.
    pub template: String,
    /// Whom it is for: the name or the company; absent for lists of managers.
    pub client: Option<String>,
    /// What became of it.
    pub state: MessageState,
    /// The file, from the home folder.
    pub file: String,
}

/// Letters with links to sign in are nobody's to read but their readers'.
const SANDBOX: &str = "
    SELECT m.id, m.planned_on, m.campaign, m.step, m.channel, m.template, m.state, m.receipt,
           coalesce(c.company, c.name, c.ext_id) AS client
    FROM messages m
    JOIN runs r ON r.id = m.run_id AND r.mode = 'sandbox'
    LEFT JOIN clients c ON c.id = m.client_id
    WHERE m.receipt IS NOT NULL AND m.template <> 'sign-in'";

impl Store {
    /// Every campaign that has ever done something, in numbers.
    pub async fn campaign_totals(&self) -> Result<Vec<CampaignTotals>> {
        let rows = sql::query(
            "SELECT e.campaign, count(*) AS entered,
                    count(*) FILTER (WHERE e.closed_on IS NULL) AS inside,
                    count(*) FILTER (WHERE e.arm = 'holdout') AS held_out,
                    count(*) FILTER (WHERE e.closed_by = 'goal') AS reached,
                    max(e.entered_on) AS last_entered,
                    (SELECT count(*) FROM messages m WHERE m.campaign = e.campaign
                         AND m.state = 'accepted') AS sent,
                    (SELECT count(*) FROM messages m WHERE m.campaign = e.campaign AND m.state IN
                         ('planned', 'queued', 'claimed', 'sending', 'retry')) AS under_way,
                    (SELECT count(*) FROM messages m WHERE m.campaign = e.campaign
                         AND m.state IN ('unknown', 'held')) AS for_a_person,
                    (SELECT count(*) FROM tasks t WHERE t.campaign = e.campaign
                         AND t.state IN ('open', 'waiting')) AS tasks_open,
                    (SELECT count(*) FROM tasks t WHERE t.campaign = e.campaign
                         AND t.state = 'done') AS tasks_done
             FROM enrollments e JOIN runs r ON r.id = e.run_id AND r.status <> 'planning'
             GROUP BY e.campaign ORDER BY e.campaign",
        )
        .fetch_all(&self.pool)
        .await?;
        let count = |row: &Row, column| row.get::<i64, _>(column) as u64;
        let totals = rows.iter().map(|row| CampaignTotals {
            campaign: row.get("campaign"),
            entered: count(row, "entered"),
            inside: count(row, "inside"),
            held_out: count(row, "held_out"),
            reached: count(row, "reached"),
            last_entered: optional_day(row, "last_entered"),
            sent: count(row, "sent"),
            under_way: count(row, "under_way"),
            for_a_person: count(row, "for_a_person"),
            tasks_open: count(row, "tasks_open"),
            tasks_done: count(row, "tasks_done"),
        });
        Ok(totals.collect())
    }

    /// What lies in the sandbox, the last first; of one campaign only, where one is named.
    pub async fn sandbox_messages(
        &self,
        campaign: Option<&str>,
        limit: u32,
    ) -> Result<Vec<SandboxRow>> {
        let statement = format!(
            "{SANDBOX} AND ($1 IS NULL OR m.campaign = $1)
             ORDER BY m.run_id DESC, m.id DESC LIMIT $2"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(campaign)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(sandbox_row).collect()
    }

    /// One message of the sandbox.
    pub async fn sandbox_message(&self, id: i64) -> Result<Option<SandboxRow>> {
        let statement = format!("{SANDBOX} AND m.id = $1");
        let row = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(sandbox_row).transpose()
    }
}

fn sandbox_row(row: &Row) -> Result<SandboxRow> {
    Ok(SandboxRow {
        id: row.get("id"),
        day: day_of(row, "planned_on"),
        campaign: row.get("campaign"),
        step: row.get("step"),
        channel: word(row, "messages", "channel")?,
        template: row.get("template"),
        client: row.get("client"),
        state: word(row, "messages", "state")?,
        file: row.get("receipt"),
    })
}
