//! Certificates: what was issued, what became of it, and whom it brought.
//!
//! A redemption reads, decides by `rules::certificate` and writes inside one transaction: however many
//! tills try at one time, a use is taken once. Issuing belongs to `staging`.

mod friends;
mod identity;
mod receipts;
mod redeem;
mod review;

pub use receipts::SettledReceipts;
pub use redeem::{Redeemed, Redeeming, RedemptionRow, Via};
pub use review::{ReviewDecision, ReviewRow};

use crate::db::sql::{self, Connection, Json, Row};
use serde::Serialize;

use super::rows::{day_of, json, word};
use super::{NewCertificate, Result, Store};
use crate::model::{CertificateKind, ClientId, Day, Locale};
use crate::rules::certificate::{Certificate, GiverLimit};

/// What the company has configured about friends.
#[derive(Clone, Debug)]
pub struct FriendRules {
    /// How many of them count for one giver.
    pub limit: GiverLimit,
    /// The attributes of clients that belong to one person.
    pub cards: Vec<String>,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CertificateRow {
    /// The code that people read.
    pub code: String,
    /// The campaign that gave it.
    pub campaign: String,
    /// Our number of the client who got it.
    #[serde(skip)]
    pub client_id: ClientId,
    /// The id that his source uses.
    pub client: String,
    /// What lists call him.
    pub name: String,
    /// For whom it is.
    pub kind: CertificateKind,
    /// A discount as configuration writes it.
    pub discount: Option<String>,
    /// A gift, in words.
    pub gift: Option<String>,
    /// The least receipt, in minor units.
    #[serde(skip)]
    pub min_receipt: Option<i64>,
    /// The products that it is for; everything when empty.
    pub products: Vec<String>,
    /// How often it can be used.
    pub uses: u32,
    /// How often it has been.
    pub used: u32,
    /// The template of its picture.
    #[serde(skip)]
    pub picture: String,
    /// The language of whoever got it.
    #[serde(skip)]
    pub locale: Locale,
    /// The day on which it was made.
    pub issued_on: Day,
    /// The last day on which it is good.
    pub valid_until: Day,
    /// Why it was made void.
    pub void: Option<String>,
}

impl CertificateRow {
    /// The part of it that rules look at.
    pub fn facts(&self) -> Certificate {
        Certificate {
            kind: self.kind,
            valid_until: self.valid_until,
            min_receipt: self.min_receipt,
            products: self.products.clone(),
            uses: self.uses,
            used: self.used,
            void: self.void.is_some(),
        }
    }
}

/// Certificates of a run that waits for a person are nobody's yet.
const SELECT: &str = "
    SELECT t.code, t.campaign, t.client_id, c.ext_id,
           coalesce(c.company, c.name, c.ext_id) AS name, t.kind, t.discount, t.gift,
           t.min_receipt, t.products, t.uses, t.picture, t.locale, t.issued_on, t.valid_until,
           CASE WHEN t.void_at IS NULL THEN NULL ELSE coalesce(t.void_why, '') END AS void,
           (SELECT count(*) FROM redemptions r WHERE r.code = t.code AND r.undone_at IS NULL) AS used
    FROM certificates t JOIN clients c ON c.id = t.client_id
    JOIN runs ON runs.id = t.run_id AND runs.status = 'sealed'";

fn certificate(row: &Row) -> Result<CertificateRow> {
    Ok(CertificateRow {
        code: row.get("code"),
        campaign: row.get("campaign"),
        client_id: ClientId(row.get("client_id")),
        client: row.get("ext_id"),
        name: row.get("name"),
        kind: word(row, "certificates", "kind")?,
        discount: row.get("discount"),
        gift: row.get("gift"),
        min_receipt: row.get("min_receipt"),
        products: json(row, "certificates", "products")?,
        uses: row.get("uses"),
        used: row.get("used"),
        picture: row.get("picture"),
        locale: word(row, "certificates", "locale")?,
        issued_on: day_of(row, "issued_on"),
        valid_until: day_of(row, "valid_until"),
        void: row.get("void"),
    })
}

async fn called(connection: &mut Connection, code: &str) -> Result<Option<CertificateRow>> {
    let statement = sqlx::AssertSqlSafe(format!("{SELECT} WHERE t.code = $1"));
    let row = sql::query(statement)
        .bind(code)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(certificate).transpose()
}

impl Store {
    /// The certificate with a code, as it is kept.
    pub async fn certificate(&self, code: &str) -> Result<Option<CertificateRow>> {
        let mut connection = self.pool.acquire().await?;
        called(&mut connection, code).await
    }

    /// The latest certificates; of one client, by our number, where one is named.
    pub async fn certificates(
        &self,
        client: Option<ClientId>,
        limit: u32,
    ) -> Result<Vec<CertificateRow>> {
        let statement = format!(
            "{SELECT} WHERE $1 IS NULL OR t.client_id = $1
             ORDER BY t.issued_on DESC, t.code LIMIT $2"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(client.map(|client| client.0))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(certificate).collect()
    }

    /// The certificate that was made for an occasion.
    pub async fn certificate_for(&self, given: &IssuedFor) -> Result<Option<CertificateRow>> {
        let statement = format!(
            "{SELECT} WHERE t.client_id = $1 AND t.campaign = $2 AND t.episode = $3 AND t.step = $4"
        );
        let row = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(given.client.0)
            .bind(&given.campaign)
            .bind(&given.episode)
            .bind(&given.step)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(certificate).transpose()
    }

    /// Which of some codes belong to a certificate already, each with the occasion it was made for:
    /// campaign, client, episode, step.
    pub async fn taken_codes(&self, codes: &[&str]) -> Result<Vec<(String, IssuedFor)>> {
        let rows = sql::query(
            "SELECT code, campaign, client_id, episode, step FROM certificates
             WHERE code IN (SELECT atom FROM json_each($1))",
        )
        .bind(Json(codes))
        .fetch_all(&self.pool)
        .await?;
        let taken = rows.iter().map(|row| {
            let issued = IssuedFor {
                campaign: row.get("campaign"),
                client: ClientId(row.get("client_id")),
                episode: row.get("episode"),
                step: row.get("step"),
            };
            (row.get("code"), issued)
        });
        Ok(taken.collect())
    }
}

/// Writes a certificate down that is given with what came of a task; it belongs to the run of the
/// task.
pub(super) async fn give(
    tx: &mut Connection,
    task: i64,
    day: Day,
    new: &NewCertificate,
) -> Result<()> {
    sql::query(
        "INSERT INTO certificates (run_id, issued_on, code, campaign, client_id, episode, step, kind,
                                   discount, gift, min_receipt, products, uses, picture, locale,
                                   valid_until)
         SELECT run_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
         FROM tasks WHERE id = $1",
    )
    .bind(task)
    .bind(day.epoch_days())
    .bind(&new.code)
    .bind(&new.campaign)
    .bind(new.client.0)
    .bind(&new.episode)
    .bind(&new.step)
    .bind(new.kind)
    .bind(&new.discount)
    .bind(&new.gift)
    .bind(new.min_receipt)
    .bind(&new.products)
    .bind(new.uses)
    .bind(&new.picture)
    .bind(new.locale)
    .bind(new.valid_until)
    .execute(tx)
    .await?;
    Ok(())
}

/// The occasion that a certificate was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedFor {
    /// The campaign.
    pub campaign: String,
    /// The client.
    pub client: ClientId,
    /// The episode.
    pub episode: String,
    /// The step.
    pub step: String,
}
