//! What a person decides: doubtful redemptions, and certificates that are made void.

use crate::db::sql::{self, Row};
use serde::Serialize;

use super::super::rows::{day_of, json};
use super::super::{Result, Store};
use crate::model::Day;
use crate::rules::certificate::Objection;

/// Something doubtful.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReviewRow {
    /// Its number.
    pub id: i64,
    /// The code of the certificate.
    pub code: String,
    /// The number of the purchase.
    pub receipt: String,
    /// The day of the purchase; of the doubt, where nothing was redeemed.
    pub day: Option<Day>,
    /// Whether a use was taken.
    pub redeemed: bool,
    /// Why it is doubtful.
    pub because: Vec<Objection>,
    /// The id of the client who got the certificate.
    pub giver: String,
    /// What lists call him.
    pub giver_name: String,
    /// The id of the friend, where he is known.
    pub friend: Option<String>,
    /// What lists call him.
    pub friend_name: Option<String>,
    /// `approved` or `rejected`, once a person has decided.
    pub decision: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// What he noted.
    pub note: Option<String>,
}

/// What a person says of something doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewDecision {
    /// It is all right: the friend counts.
    Approved,
    /// It is not: the friend does not count.
    Rejected,
}

impl ReviewDecision {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

impl Store {
    /// What is doubtful; with `all` what was decided as well, the latest first.
    pub async fn reviews(&self, all: bool, limit: u32) -> Result<Vec<ReviewRow>> {
        let rows = sql::query(
            "SELECT v.id, v.code, v.receipt, r.day, v.redemption_id IS NOT NULL AS redeemed,
                    v.because, g.ext_id AS giver,
                    coalesce(g.company, g.name, g.ext_id) AS giver_name,
                    c.ext_id AS friend, coalesce(c.company, c.name, c.ext_id) AS friend_name,
                    v.decision, v.decided_by, v.note
             FROM reviews v JOIN certificates t ON t.code = v.code
             JOIN clients g ON g.id = t.client_id
             LEFT JOIN redemptions r ON r.id = v.redemption_id
             LEFT JOIN clients c ON c.id = r.client_id
             WHERE $1 = 1 OR v.decision IS NULL
             ORDER BY v.decision IS NOT NULL, v.id DESC LIMIT $2",
        )
        .bind(all)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let review = |row: &Row| {
            Ok(ReviewRow {
                id: row.get("id"),
                code: row.get("code"),
                receipt: row.get("receipt"),
                day: row.get::<Option<i64>, _>("day").map(|_| day_of(row, "day")),
                redeemed: row.get::<i64, _>("redeemed") != 0,
                because: json(row, "reviews", "because")?,
                giver: row.get("giver"),
                giver_name: row.get("giver_name"),
                friend: row.get("friend"),
                friend_name: row.get("friend_name"),
                decision: row.get("decision"),
                decided_by: row.get("decided_by"),
                note: row.get("note"),
            })
        };
        rows.iter().map(review).collect()
    }

    /// Friends who came and are not known as clients yet.
    pub async fn friends_to_be_known(&self) -> Result<u64> {
        let waiting: i64 =
            sql::query_scalar("SELECT count(*) FROM referrals WHERE state = 'waiting'")
                .fetch_one(&self.pool)
                .await?;
        Ok(waiting.cast_unsigned())
    }

    /// Decides about something doubtful; says whether it was open. A friend who is approved counts
    /// from `day` on, or from the day on which he is known.
    pub async fn decide_review(
        &self,
        id: i64,
        decision: ReviewDecision,
        by: &str,
        note: Option<&str>,
        day: Day,
        now_ms: i64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "UPDATE reviews SET decision = $2, decided_at = $3, decided_by = $4, note = $5
             WHERE id = $1 AND decision IS NULL",
        )
        .bind(id)
        .bind(decision.word())
        .bind(now_ms)
        .bind(by)
        .bind(note)
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let statement = match decision {
            // Nobody is new twice: whoever counts for another giver already does not count again.
            ReviewDecision::Approved => {
                "UPDATE referrals SET
                     state = CASE
                         WHEN friend_id IS NULL THEN 'waiting'
                         WHEN friend_id IN (SELECT o.friend_id FROM referrals o
                                            WHERE o.state = 'counts') THEN 'rejected'
                         ELSE 'counts' END,
                     counts_on = CASE
                         WHEN friend_id IS NULL OR friend_id IN (
                             SELECT o.friend_id FROM referrals o WHERE o.state = 'counts')
                         THEN NULL ELSE $2 END
                 WHERE state = 'review'
                   AND redemption_id = (SELECT redemption_id FROM reviews WHERE id = $1)"
            }
            ReviewDecision::Rejected => {
                "UPDATE referrals SET state = 'rejected', counts_on = NULL
                 WHERE state = 'review' AND $2 IS NOT NULL
                   AND redemption_id = (SELECT redemption_id FROM reviews WHERE id = $1)"
            }
        };
        sql::query(statement)
            .bind(id)
            .bind(day.epoch_days())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes a certificate void: it cannot be used any more. Says whether it was not before.
    pub async fn void_certificate(
        &self,
        code: &str,
        by: &str,
        why: &str,
        now_ms: i64,
    ) -> Result<bool> {
        let done = sql::query(
            "UPDATE certificates SET void_at = $2, void_by = $3, void_why = $4
             WHERE code = $1 AND void_at IS NULL",
        )
        .bind(code)
        .bind(now_ms)
        .bind(by)
        .bind(why)
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
