//! Reading the audit: what people changed by hand. It is only ever added to, in the transaction of
//! what was changed.

use serde::Serialize;
use sqlx::Row;

use super::{Result, Store};

/// One entry of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// When, in unix milliseconds.
    pub at: i64,
    /// Who.
    pub by: String,
    /// What was changed.
    pub what: String,
    /// What it was about: a hash, a key, a number; never an address.
    pub about: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// The latest entries of the audit, the last one first; only those about `about` when given.
    pub async fn audit(&self, about: Option<&str>, limit: u32) -> Result<Vec<AuditRow>> {
        let rows = sqlx::query(
            "SELECT at, by, what, about, reason FROM audit WHERE ?1 IS NULL OR about = ?1
             ORDER BY id DESC LIMIT ?2",
        );
        let rows = rows.bind(about).bind(limit).fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| AuditRow {
                at: row.get("at"),
                by: row.get("by"),
                what: row.get("what"),
                about: row.get("about"),
                reason: row.get("reason"),
            })
            .collect())
    }
}
