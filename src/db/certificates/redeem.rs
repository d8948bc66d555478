//! Redeeming: one transaction that reads, decides and writes.

use crate::db::sql::{self, Connection, Json, Row};
use serde::Serialize;

use super::super::rows::day_of;
use super::super::{Result, Store, StoreError};
use super::friends::{self, Friend};
use super::{CertificateRow, FriendRules, called, identity};
use crate::model::{CertificateKind, ClientId, Day};
use crate::rules::certificate::{FriendFacts, Objection, Person, Receipt, Verdict, judge, mailbox};

/// How a redemption came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The page for the till.
    Till,
    /// The command line.
    Command,
    /// The promo code of an imported purchase.
    Import,
}

impl Via {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Till => "till",
            Self::Command => "command",
            Self::Import => "import",
        }
    }
}

/// The wish to redeem a certificate.
#[derive(Clone, Debug)]
pub struct Redeeming<'a> {
    /// The code, as it is kept.
    pub code: &'a str,
    /// The number of the purchase; the same number again is the same redemption.
    pub receipt: &'a str,
    /// The purchase, as far as it is known.
    pub on: Receipt,
    /// The client who came, where it is known.
    pub client: Option<ClientId>,
    /// What is known of him beside.
    pub told: Person,
    /// Who takes it.
    pub by: &'a str,
    /// How it comes in.
    pub via: Via,
    /// What the company has configured about friends.
    pub friends: &'a FriendRules,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Redeemed {
    /// It is redeemed.
    Now {
        /// The certificate, with this use counted.
        certificate: Box<CertificateRow>,
        /// What a person will look at.
        doubts: Vec<Objection>,
    },
    /// This very receipt had redeemed it before: nothing has changed.
    Before {
        /// The certificate.
        certificate: Box<CertificateRow>,
        /// That redemption.
        redemption: RedemptionRow,
    },
    /// Nothing is given.
    Denied {
        /// The certificate.
        certificate: Box<CertificateRow>,
        /// Why.
        because: Vec<Objection>,
        /// The last redemption, where all uses are gone.
        last: Option<RedemptionRow>,
    },
    /// Nobody has a certificate with this code.
    Unknown,
}

/// A redemption, for lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedemptionRow {
    /// Which use of the certificate it is, from 1.
    pub use_no: u32,
    /// The number of the purchase.
    pub receipt: String,
    /// The day.
    pub day: Day,
    /// Who took it.
    pub by: String,
    /// `till`, `command` or `import`.
    pub via: String,
    /// The id of the client who used it, where it is known.
    pub client: Option<String>,
    /// Whether it is tied to an imported purchase.
    pub imported: bool,
    /// Why it was undone.
    pub undone: Option<String>,
}

/// A redemption that is about to be written.
pub(super) struct Taking<'a> {
    pub(super) certificate: &'a CertificateRow,
    pub(super) receipt: &'a str,
    pub(super) on: &'a Receipt,
    pub(super) client: Option<i64>,
    pub(super) told: &'a Person,
    pub(super) purchase: Option<i64>,
    pub(super) doubts: &'a [Objection],
    pub(super) by: &'a str,
    pub(super) via: Via,
    pub(super) now_ms: i64,
}

impl Store {
    /// Redeems a certificate, or says why not.
    pub async fn redeem(&self, order: &Redeeming<'_>) -> Result<Redeemed> {
        let mut tx = self.begin().await?;
        let Some(certificate) = called(&mut tx, order.code).await? else {
            return Ok(Redeemed::Unknown);
        };
        if let Some(redemption) = of_receipt(&mut tx, order.code, order.receipt).await? {
            let certificate = Box::new(certificate);
            return Ok(Redeemed::Before {
                certificate,
                redemption,
            });
        }
        let (facts, known) = who_came(&mut tx, &certificate, order).await?;
        let limit = order.friends.limit;
        let verdict = judge(
            &certificate.facts(),
            &order.on,
            facts.as_ref(),
            limit,
            false,
        );
        let doubts = match verdict {
            Verdict::Redeem { doubts } => doubts,
            Verdict::Deny { because } => {
                let last = last_of(&mut tx, order.code).await?;
                tx.commit().await?;
                return Ok(Redeemed::Denied {
                    certificate: Box::new(certificate),
                    because,
                    last,
                });
            }
        };
        let taking = Taking {
            certificate: &certificate,
            receipt: order.receipt,
            on: &order.on,
            client: known,
            told: &order.told,
            purchase: None,
            doubts: &doubts,
            by: order.by,
            via: order.via,
            now_ms: order.now_ms,
        };
        take(&mut tx, &taking).await?;
        tx.commit().await?;
        let certificate = Box::new(CertificateRow {
            used: certificate.used + 1,
            ..certificate
        });
        Ok(Redeemed::Now {
            certificate,
            doubts,
        })
    }

    /// The redemptions of a certificate, the first one first; those that were undone as well.
    pub async fn redemptions(&self, code: &str) -> Result<Vec<RedemptionRow>> {
        let statement = format!("{REDEMPTIONS} WHERE r.code = $1 ORDER BY r.id");
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(code)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(redemption).collect())
    }

    /// Gives a use back that was taken by mistake; the friend it brought counts no more. Says
    /// whether there was such a redemption.
    pub async fn undo_redemption(
        &self,
        code: &str,
        receipt: &str,
        by: &str,
        why: &str,
        now_ms: i64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let id: Option<i64> = sql::query_scalar(
            "SELECT id FROM redemptions WHERE code = $1 AND receipt = $2 AND undone_at IS NULL",
        )
        .bind(code)
        .bind(receipt)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(id) = id else { return Ok(false) };
        undo(&mut tx, id, by, why, now_ms).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// What is known of the two people where the certificate is for a friend, and the client who came.
async fn who_came(
    tx: &mut Connection,
    certificate: &CertificateRow,
    order: &Redeeming<'_>,
) -> Result<(Option<FriendFacts>, Option<i64>)> {
    let client = order.client.map(|client| client.0);
    if certificate.kind == CertificateKind::Own {
        return Ok((None, client));
    }
    identity::keep_marks(tx, &order.friends.cards).await?;
    let friend = Friend {
        client,
        told: order.told.clone(),
        except: None,
    };
    let read = friends::facts(tx, certificate, &friend, order.on.day, order.friends);
    let (facts, known) = read.await?;
    Ok((Some(facts), known))
}

/// Writes a redemption with all that follows from it; gives back its number.
pub(super) async fn take(tx: &mut Connection, taking: &Taking<'_>) -> Result<i64> {
    let id = insert(&mut *tx, taking).await?;
    if taking.certificate.kind == CertificateKind::Friend {
        let counts = taking.client.is_some() && taking.doubts.is_empty();
        let state = match (counts, taking.doubts.is_empty()) {
            (true, _) => "counts",
            (false, true) => "waiting",
            (false, false) => "review",
        };
        sql::query(
            "INSERT INTO referrals (redemption_id, giver_id, friend_id, phone, email, mailbox, state,
                                    counts_on)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(taking.certificate.client_id.0)
        .bind(taking.client)
        .bind(taking.told.phones.first())
        .bind(taking.told.emails.first())
        .bind(taking.told.emails.first().map(|email| mailbox(email)))
        .bind(state)
        .bind(counts.then(|| taking.on.day.epoch_days()))
        .execute(&mut *tx)
        .await?;
    }
    let (code, receipt) = (taking.certificate.code.as_str(), taking.receipt);
    if taking.doubts.is_empty() {
        settle_doubt(tx, code, receipt, taking).await?;
    } else {
        doubt(tx, code, receipt, Some(id), taking.doubts, taking.now_ms).await?;
    }
    Ok(id)
}

/// Closes what was doubtful about a receipt that could not be redeemed before, and now is.
async fn settle_doubt(
    tx: &mut Connection,
    code: &str,
    receipt: &str,
    taking: &Taking<'_>,
) -> Result<()> {
    sql::query(
        "UPDATE reviews SET decision = 'approved', decided_at = $3, decided_by = $4,
                note = 'redeemed after all'
         WHERE code = $1 AND receipt = $2 AND redemption_id IS NULL AND decision IS NULL",
    )
    .bind(code)
    .bind(receipt)
    .bind(taking.now_ms)
    .bind(taking.by)
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert(tx: &mut Connection, taking: &Taking<'_>) -> Result<i64> {
    // The smallest number that is free: a use that was undone leaves a gap.
    let id = sql::query_scalar(
        "INSERT INTO redemptions (code, use_no, receipt, day, at, by, via, amount, client_id,
                                  purchase_id)
         SELECT $1, n.value, $3, $4, $5, $6, $7, $8, $9, $10
         FROM (SELECT min(place) AS value FROM (
                   SELECT 1 AS place
                   UNION SELECT use_no + 1 FROM redemptions WHERE code = $1 AND undone_at IS NULL) AS places
               WHERE place NOT IN (SELECT use_no FROM redemptions
                                   WHERE code = $1 AND undone_at IS NULL)) AS n
         WHERE n.value <= $2
         RETURNING id",
    )
    .bind(&taking.certificate.code)
    .bind(taking.certificate.uses)
    .bind(taking.receipt)
    .bind(taking.on.day.epoch_days())
    .bind(taking.now_ms)
    .bind(taking.by)
    .bind(taking.via.word())
    .bind(taking.on.amount)
    .bind(taking.client)
    .bind(taking.purchase)
    .fetch_optional(tx)
    .await?;
    id.ok_or_else(|| StoreError::Row {
        table: "redemptions",
        reason: format!("{} has no use left", taking.certificate.code),
    })
}

/// Puts something on the list of what a person has to look at.
pub(super) async fn doubt(
    tx: &mut Connection,
    code: &str,
    receipt: &str,
    redemption: Option<i64>,
    because: &[Objection],
    now_ms: i64,
) -> Result<()> {
    sql::query(
        "INSERT INTO reviews (code, receipt, redemption_id, because, opened_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (code, receipt) DO UPDATE SET
             redemption_id = excluded.redemption_id, because = excluded.because,
             opened_at = excluded.opened_at, decision = NULL, decided_at = NULL,
             decided_by = NULL, note = NULL
         WHERE reviews.redemption_id IS DISTINCT FROM excluded.redemption_id",
    )
    .bind(code)
    .bind(receipt)
    .bind(redemption)
    .bind(Json(because))
    .bind(now_ms)
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives a use back.
pub(super) async fn undo(
    tx: &mut Connection,
    id: i64,
    by: &str,
    why: &str,
    now_ms: i64,
) -> Result<()> {
    sql::query(
        "UPDATE redemptions SET undone_at = $2, undone_by = $3, undone_why = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .bind(by)
    .bind(why)
    .execute(&mut *tx)
    .await?;
    sql::query("UPDATE referrals SET state = 'undone', counts_on = NULL WHERE redemption_id = $1")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    sql::query(
        "UPDATE reviews SET decision = 'rejected', decided_at = $2, decided_by = $3, note = $4
         WHERE redemption_id = $1 AND decision IS NULL",
    )
    .bind(id)
    .bind(now_ms)
    .bind(by)
    .bind(why)
    .execute(tx)
    .await?;
    Ok(())
}

const REDEMPTIONS: &str = "
    SELECT r.use_no, r.receipt, r.day, r.by, r.via, c.ext_id AS client,
           r.purchase_id IS NOT NULL AS imported,
           CASE WHEN r.undone_at IS NULL THEN NULL ELSE coalesce(r.undone_why, '') END AS undone
    FROM redemptions r LEFT JOIN clients c ON c.id = r.client_id";

async fn of_receipt(
    connection: &mut Connection,
    code: &str,
    receipt: &str,
) -> Result<Option<RedemptionRow>> {
    let statement =
        format!("{REDEMPTIONS} WHERE r.code = $1 AND r.receipt = $2 AND r.undone_at IS NULL");
    let row = sql::query(sqlx::AssertSqlSafe(statement))
        .bind(code)
        .bind(receipt)
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(redemption))
}

async fn last_of(connection: &mut Connection, code: &str) -> Result<Option<RedemptionRow>> {
    let statement = format!(
        "{REDEMPTIONS} WHERE r.code = $1 AND r.undone_at IS NULL ORDER BY r.id DESC LIMIT 1"
    );
    let row = sql::query(sqlx::AssertSqlSafe(statement))
        .bind(code)
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(redemption))
}

fn redemption(row: &Row) -> RedemptionRow {
    RedemptionRow {
        use_no: row.get("use_no"),
        receipt: row.get("receipt"),
        day: day_of(row, "day"),
        by: row.get("by"),
        via: row.get("via"),
        client: row.get("client"),
        imported: row.get::<i64, _>("imported") != 0,
        undone: row.get("undone"),
    }
}
