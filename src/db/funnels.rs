//! Counting the funnels: every treated enrollment and every rejection with how far it came.

use crate::db::sql::{self, Json, Row};
use sqlx::AssertSqlSafe;

use super::{Result, Store};
use crate::model::Day;
use crate::rules::funnel::{FunnelKey, Rejections, RepeatSales, SecondPurchases};

/// How long a campaign counts what a client does.
#[derive(Clone, Debug)]
pub struct CountedFor {
    /// The campaign.
    pub campaign: String,
    /// Days from entering.
    pub within: i32,
    /// Whether it answers a purchase, so that the day on which it began does not count.
    pub after_purchase: bool,
    /// Whether it is about rejections.
    pub rejections: bool,
}

/// Which days and stages are counted.
#[derive(Clone, Debug)]
pub struct FunnelOrder<'a> {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// Every campaign.
    pub campaigns: &'a [CountedFor],
    /// Stages in which a quote or more is out, as the sources write them.
    pub quotes: &'a [String],
    /// Stages in which an invoice is out.
    pub invoices: &'a [String],
}

impl FunnelOrder<'_> {
    /// The campaigns that are about rejections, or those that are not: the name, the days that count
    /// from entering, and the first of them after the beginning.
    fn counted(&self, rejections: bool) -> Vec<(&str, i32, i32)> {
        let of = self.campaigns.iter();
        let of = of.filter(|campaign| campaign.rejections == rejections);
        of.map(|one| {
            (
                one.campaign.as_str(),
                one.within,
                i32::from(one.after_purchase),
            )
        })
        .collect()
    }
}

/// The month of a column of days, in the words of SQLite.
fn sqlite_month(day: &str) -> String {
    format!("strftime('%Y-%m', {day} * 86400, 'unixepoch')")
}

/// The month of a column of days, in the words of PostgreSQL.
fn postgres_month(day: &str) -> String {
    format!("to_char(DATE '1970-01-01' + CAST({day} AS INTEGER), 'YYYY-MM')")
}

/// Every treated enrollment with how far its client came.
fn repeat_sales(month: &str) -> String {
    format!(
        "
    WITH taken AS (
         SELECT e.id, e.campaign, e.client_id, e.episode, e.entered_on,
                e.entered_on + CAST(c.value ->> 1 AS BIGINT) AS until,
                CASE WHEN e.began_on + CAST(c.value ->> 2 AS BIGINT) > e.entered_on
                     THEN e.began_on + CAST(c.value ->> 2 AS BIGINT)
                     ELSE e.entered_on END AS since
         FROM enrollments e
         JOIN runs r ON r.id = e.run_id AND r.status = 'sealed'
         JOIN json_each($1) AS c ON c.value ->> 0 = e.campaign
         WHERE e.arm = 'treated' AND e.entered_on BETWEEN $2 AND $3),
     deal AS (
         SELECT t.id, max(CASE
             WHEN d.status = 'won' OR d.stage IN (SELECT atom FROM json_each($5))
                  OR s.stage IN (SELECT atom FROM json_each($5)) THEN 3
             WHEN d.stage IN (SELECT atom FROM json_each($4))
                  OR s.stage IN (SELECT atom FROM json_each($4)) THEN 2
             ELSE 1 END) AS stage
         FROM taken t
         JOIN deals d ON d.client_id = t.client_id
                     AND d.opened_on BETWEEN t.entered_on AND t.until
         LEFT JOIN deal_stages s ON s.deal_id = d.id
         GROUP BY t.id),
     wish AS (
         SELECT DISTINCT t.id FROM taken t
         JOIN tasks k ON k.campaign = t.campaign AND k.client_id = t.client_id
                     AND k.episode = t.episode
         JOIN outcomes o ON o.task_id = k.id AND o.kind IN ('interested', 'bought')),
     money AS (
         SELECT t.id, sum(p.amount) AS paid FROM taken t
         JOIN purchases p ON p.client_id = t.client_id AND p.day BETWEEN t.since AND t.until
         WHERE p.amount > 0 AND p.cancelled_on IS NULL GROUP BY t.id),
     far AS (
         SELECT t.campaign, coalesce(m.manager, '') AS manager, {month} AS month,
                CASE WHEN y.id IS NOT NULL THEN 4
                     WHEN d.stage IS NOT NULL THEN d.stage
                     WHEN w.id IS NOT NULL THEN 1
                     ELSE 0 END AS stage,
                coalesce(y.paid, 0) AS paid
         FROM taken t
         LEFT JOIN client_managers m ON m.client_id = t.client_id
         LEFT JOIN deal d ON d.id = t.id
         LEFT JOIN wish w ON w.id = t.id
         LEFT JOIN money y ON y.id = t.id)
     SELECT campaign, manager, month, stage, count(*) AS clients,
            CAST(sum(paid) AS BIGINT) AS paid
     FROM far GROUP BY campaign, manager, month, stage"
    )
}

/// Every rejection with what it came to.
fn rejections(month: &str) -> String {
    format!(
        "
    WITH lost AS (
         SELECT d.id, d.ext_id, d.client_id, d.closed_on, coalesce(d.reason, '') AS reason,
                coalesce(d.manager, m.manager, '') AS manager
         FROM deals d LEFT JOIN client_managers m ON m.client_id = d.client_id
         WHERE d.status = 'lost' AND d.closed_on BETWEEN $2 AND $3),
     taken AS (
         SELECT l.id, e.id AS enrollment, e.campaign, e.entered_on,
                e.entered_on + CAST(c.value ->> 1 AS BIGINT) AS until,
                e.closed_by, e.client_id, e.episode
         FROM lost l
         JOIN enrollments e ON e.client_id = l.client_id
              AND e.episode IN ('rejection:' || l.ext_id, 'answered:' || l.ext_id)
         JOIN runs r ON r.id = e.run_id AND r.status = 'sealed'
         JOIN json_each($1) AS c ON c.value ->> 0 = e.campaign
         WHERE e.arm = 'treated'),
     said AS (
         SELECT t.enrollment,
                count(*) FILTER (WHERE o.kind NOT IN ('no_answer', 'wrong_number')) AS reached,
                count(*) FILTER (WHERE o.kind IN ('interested', 'bought')) AS interested,
                count(*) FILTER (WHERE o.kind = 'friend_named') AS friend_named,
                count(*) FILTER (WHERE o.kind = 'card_sent') AS card_sent
         FROM taken t
         JOIN tasks k ON k.campaign = t.campaign AND k.client_id = t.client_id
                     AND k.episode = t.episode
         JOIN outcomes o ON o.task_id = k.id
         GROUP BY t.enrollment),
     came AS (
         SELECT t.id, t.enrollment, t.campaign, t.entered_on,
                CASE WHEN s.reached > 0 OR t.closed_by = 'answered' THEN 1 ELSE 0 END AS reached,
                CASE WHEN s.interested > 0 THEN 1 ELSE 0 END AS interested,
                CASE WHEN s.friend_named > 0 THEN 1 ELSE 0 END AS friend_named,
                CASE WHEN s.card_sent > 0 THEN 1 ELSE 0 END AS card_sent,
                CASE WHEN EXISTS (SELECT 1 FROM deals n
                                  WHERE n.client_id = t.client_id AND n.id <> t.id
                                    AND n.opened_on >= t.entered_on) THEN 1 ELSE 0 END AS deal,
                coalesce((SELECT sum(p.amount) FROM purchases p
                          WHERE p.client_id = t.client_id AND p.amount > 0
                            AND p.cancelled_on IS NULL
                            AND p.day BETWEEN t.entered_on AND t.until), 0) AS paid
         FROM taken t LEFT JOIN said s ON s.enrollment = t.enrollment),
     one AS (
         SELECT id, campaign, row_number() OVER (
                PARTITION BY id ORDER BY reached DESC, entered_on, enrollment) AS place
         FROM came),
     far AS (
         SELECT id, max(reached) AS reached, max(interested) AS interested,
                max(friend_named) AS friend_named, max(card_sent) AS card_sent,
                max(deal) AS deal, max(paid) AS paid
         FROM came GROUP BY id)
     SELECT coalesce(o.campaign, '') AS campaign, l.manager, l.reason, {month} AS month,
            count(*) AS rejected,
            count(*) FILTER (WHERE f.reached = 1) AS reached,
            count(*) FILTER (WHERE f.interested = 1) AS interested,
            count(*) FILTER (WHERE f.friend_named = 1) AS friend_named,
            count(*) FILTER (WHERE f.card_sent = 1) AS card_sent,
            count(*) FILTER (WHERE f.deal = 1) AS deal,
            count(*) FILTER (WHERE f.paid > 0) AS paid,
            CAST(coalesce(sum(f.paid), 0) AS BIGINT) AS paid_minor
     FROM lost l
     LEFT JOIN one o ON o.id = l.id AND o.place = 1
     LEFT JOIN far f ON f.id = l.id
     GROUP BY 1, 2, 3, 4"
    )
}

impl Store {
    /// Every stage that a deal has been seen in.
    pub async fn deal_stages(&self) -> Result<Vec<String>> {
        let stages = sql::query_scalar(
            "SELECT stage FROM deal_stages UNION SELECT stage FROM deals WHERE stage IS NOT NULL
             ORDER BY stage",
        );
        Ok(stages.fetch_all(&self.pool).await?)
    }

    /// The repeat-sales funnel of the campaigns that are not about rejections, by campaign, manager and
    /// month of entering.
    pub async fn repeat_sales(
        &self,
        order: &FunnelOrder<'_>,
    ) -> Result<Vec<(FunnelKey, RepeatSales)>> {
        let sqlite = AssertSqlSafe(repeat_sales(&sqlite_month("t.entered_on")));
        let postgres = AssertSqlSafe(repeat_sales(&postgres_month("t.entered_on")));
        let rows = sql::query_of(sqlite, postgres)
            .bind(Json(order.counted(false)))
            .bind(order.from.epoch_days())
            .bind(order.to.epoch_days())
            .bind(Json(order.quotes))
            .bind(Json(order.invoices))
            .fetch_all(&self.pool)
            .await?;
        let row = |row: &Row| {
            let mut counts = RepeatSales::default();
            let clients: i64 = row.get("clients");
            let stage = row.get::<i64, _>("stage") as u8;
            counts.add(stage, clients.cast_unsigned(), row.get("paid"));
            (key(row, None), counts)
        };
        Ok(rows.iter().map(row).collect())
    }

    /// The rejection funnel, by campaign, manager, reason as it was written and month of the
    /// rejection. Of several campaigns that took one rejection up the one counts that reached the
    /// client, else the first.
    pub async fn rejection_funnel(
        &self,
        order: &FunnelOrder<'_>,
    ) -> Result<Vec<(FunnelKey, Rejections)>> {
        let sqlite = AssertSqlSafe(rejections(&sqlite_month("l.closed_on")));
        let postgres = AssertSqlSafe(rejections(&postgres_month("l.closed_on")));
        let rows = sql::query_of(sqlite, postgres)
            .bind(Json(order.counted(true)))
            .bind(order.from.epoch_days())
            .bind(order.to.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        let row = |row: &Row| {
            let count = |column: &str| row.get::<i64, _>(column).cast_unsigned();
            let counts = Rejections {
                rejected: count("rejected"),
                reached: count("reached"),
                interested: count("interested"),
                friend_named: count("friend_named"),
                card_sent: count("card_sent"),
                deal: count("deal"),
                paid: count("paid"),
                paid_minor: row.get("paid_minor"),
            };
            (key(row, Some(row.get("reason"))), counts)
        };
        Ok(rows.iter().map(row).collect())
    }

    /// Clients whose first purchase fell into a stretch of days, by who made that sale: the manager of
    /// their first won deal, else whoever had them before they changed hands, else their manager.
    pub async fn second_purchases(&self, from: Day, to: Day) -> Result<Vec<SecondPurchases>> {
        let rows = sql::query(
            // The status is no condition of its own: SQLite would look through all deals that were won
            // for each client.
            "SELECT coalesce(
                        (SELECT d.manager FROM deals d
                         WHERE d.client_id = r.client_id
                           AND CASE WHEN d.status = 'won' THEN d.manager END IS NOT NULL
                         ORDER BY d.closed_on NULLS FIRST, d.id LIMIT 1),
                        (SELECT o.was FROM owner_changes o
                         WHERE o.client_id = r.client_id AND o.was IS NOT NULL
                         ORDER BY o.id LIMIT 1),
                        m.manager, '') AS manager,
                    count(*) AS firsts, count(*) FILTER (WHERE r.purchase_days > 1) AS seconds,
                    CAST(coalesce(sum((SELECT sum(p.amount) FROM purchases p
                                       WHERE p.client_id = r.client_id AND p.day > r.first_day
                                         AND p.amount > 0)), 0) AS BIGINT) AS later
             FROM rhythms r JOIN client_managers m ON m.client_id = r.client_id
             WHERE r.first_day BETWEEN $1 AND $2
             GROUP BY 1 ORDER BY 1",
        )
        .bind(from.epoch_days())
        .bind(to.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        let row = |row: &Row| SecondPurchases {
            manager: row.get("manager"),
            first_purchases: row.get::<i64, _>("firsts").cast_unsigned(),
            second_purchases: row.get::<i64, _>("seconds").cast_unsigned(),
            later_minor: row.get("later"),
        };
        Ok(rows.iter().map(row).collect())
    }
}

fn key(row: &Row, reason: Option<String>) -> FunnelKey {
    FunnelKey {
        campaign: row.get("campaign"),
        manager: row.get("manager"),
        reason,
        month: row.get("month"),
    }
}
