//! Letters to the operator. They travel as all messages do, under runs of their own that nobody has
//! to approve.

use super::rows::day_of;
use super::{Result, Store};
use crate::config::settings::DeliveryMode;
use crate::db::sql;
use crate::model::Day;

/// The schedule under which the letters to the operator travel.
const OPERATOR: &str = "operator";

/// A letter to the operator.
#[derive(Clone, Debug)]
pub struct NewNotice<'a> {
    /// What travels with it.
    pub key: String,
    /// What it is about: one letter for each.
    pub occasion: &'a str,
    /// The keyed hash of the address.
    pub address_hash: &'a [u8; 32],
    /// JSON: what the letter is made from.
    pub inputs: String,
    /// Of no use afterwards, in unix milliseconds.
    pub expires_at: i64,
}

impl Store {
    /// Adds a letter to the operator unless there is one about the occasion; returns how many were
    /// new. It may be doubled when nobody knows whether it arrived: better two than none.
    pub async fn add_notice(
        &self,
        notice: &NewNotice<'_>,
        day: Day,
        mode: DeliveryMode,
        now_ms: i64,
    ) -> Result<u64> {
        let known = sql::query_scalar::<bool>(
            "SELECT EXISTS (SELECT 1 FROM messages
                            WHERE campaign = 'operator' AND client_id = 0 AND episode = $1)",
        );
        if known.bind(notice.occasion).fetch_one(&self.pool).await? {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        sql::query(
            "INSERT INTO runs (schedule, logical_date, mode, status, started_at, sealed_at)
             VALUES ($1, $2, $3, 'sealed', $4, $4)
             ON CONFLICT (schedule, logical_date) DO UPDATE SET mode = excluded.mode",
        )
        .bind(OPERATOR)
        .bind(day.epoch_days())
        .bind(mode.word())
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        let done = sql::query(
            "INSERT INTO messages (run_id, planned_on, key, campaign, client_id, episode, step,
                                   channel, template, class, address_hash, state, inputs,
                                   on_unknown, expires_at)
             SELECT id, logical_date, $3, 'operator', 0, $4, 'notice', 'email', 'notice', 'service',
                    $5, 'planned', $6, 'at_least_once', $7
             FROM runs WHERE schedule = $1 AND logical_date = $2
             ON CONFLICT DO NOTHING",
        )
        .bind(OPERATOR)
        .bind(day.epoch_days())
        .bind(&notice.key)
        .bind(notice.occasion)
        .bind(&notice.address_hash[..])
        .bind(&notice.inputs)
        .bind(notice.expires_at)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// Messages to clients that became unknown since an instant (unix milliseconds) and still are, by
    /// the day that they were planned for.
    pub async fn unknown_by_day(&self, since_ms: i64) -> Result<Vec<(Day, u64)>> {
        let rows = sql::query(
            "SELECT planned_on, count(*) AS n FROM messages
             WHERE state = 'unknown' AND changed_at >= $1 AND client_id <> 0
             GROUP BY planned_on ORDER BY planned_on",
        );
        let rows = rows.bind(since_ms).fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| {
                let count: i64 = row.get("n");
                (day_of(row, "planned_on"), count.cast_unsigned())
            })
            .collect())
    }
}
