//! The audit: what people changed by hand. It is only ever added to, in the transaction of what was
//! changed.

use crate::db::sql::{self, Connection};
use serde::Serialize;

use super::{Result, Store};

/// Who changes something by hand, why and when; what it is and what it is about is known where it is
/// done.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Who.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Unix milliseconds.
    pub now_ms: i64,
}

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

/// Adds an entry to the audit, in the transaction of what was changed.
pub(super) async fn write_down(
    connection: &mut Connection,
    what: &str,
    about: &str,
    entry: &Entry<'_>,
) -> Result<()> {
    sql::query("INSERT INTO audit (at, by, what, about, reason) VALUES ($1, $2, $3, $4, $5)")
        .bind(entry.now_ms)
        .bind(entry.by)
        .bind(what)
        .bind(about)
        .bind(entry.reason)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Writes down what a person of the company has done on the pages, where nothing else is written.
    pub async fn note_by_hand(
        &self,
        by: &str,
        what: &str,
        about: &str,
        reason: &str,
        now_ms: i64,
    ) -> Result<()> {
        let entry = Entry { by, reason, now_ms };
        let mut connection = self.writer.acquire().await?;
        write_down(&mut connection, what, about, &entry).await
    }

    /// The latest entries of the audit, the last one first; only those about `about` when given.
    pub async fn audit(&self, about: Option<&str>, limit: u32) -> Result<Vec<AuditRow>> {
        let rows = sql::query(
            "SELECT at, by, what, about, reason FROM audit WHERE $1 IS NULL OR about = $1
             ORDER BY id DESC LIMIT $2",
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
