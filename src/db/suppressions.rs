//! Addresses that must not be written to: entered, asked for, taken back. By keyed hash only: an
//! address cannot be read out of this table.

use crate::db::sql::{self, Connection, Json, Row};
use serde::Serialize;

use super::audit::{Entry, write_down};
use super::rows::{day_of, word};
use super::{Result, Store, address_locks};
use crate::model::{Channel, Day, SuppressionReason, SuppressionScope, hex};

/// An address that is not to be written to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSuppression {
    /// The keyed hash of the address.
    pub hash: [u8; 32],
    /// On which channel.
    pub channel: Channel,
    /// What is not written any more.
    pub scope: SuppressionScope,
    /// Why.
    pub reason: SuppressionReason,
}

/// A suppressed address, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuppressionRow {
    /// The keyed hash, hexadecimal.
    pub hash: String,
    /// On which channel.
    pub channel: Channel,
    /// What is not written any more.
    pub scope: SuppressionScope,
    /// Why.
    pub reason: SuppressionReason,
    /// Since when.
    pub since: Day,
    /// Who entered it: an import, a page, a person.
    pub source: String,
}

/// Suppresses addresses, and tells which of them are new or have a new reason. What a client may take
/// back himself gives way to any other reason: his complaint does not end because he had used the
/// link before.
///
/// When the transaction is committed nothing passes the door to these addresses any more: so it has
/// to be one.
pub(super) async fn suppress<'n>(
    tx: &mut Connection,
    new: &'n [NewSuppression],
    since: Day,
    source: &str,
) -> Result<Vec<&'n NewSuppression>> {
    let hashes: Vec<[u8; 32]> = new.iter().map(|one| one.hash).collect();
    address_locks::opting_out(tx, &hashes, &[]).await?;
    let mut changed = Vec::new();
    for one in new {
        if insert(tx, one, since, source).await? {
            changed.push(one);
        }
    }
    Ok(changed)
}

async fn insert(
    connection: &mut Connection,
    new: &NewSuppression,
    since: Day,
    source: &str,
) -> Result<bool> {
    let done = sql::query(
        "INSERT INTO suppressions (address_hash, channel, scope, reason, since, source)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (address_hash, channel, scope)
         DO UPDATE SET reason = excluded.reason, source = excluded.source
         WHERE suppressions.reason = 'unsubscribe' AND excluded.reason <> 'unsubscribe'",
    )
    .bind(&new.hash[..])
    .bind(new.channel.word())
    .bind(new.scope.word())
    .bind(new.reason.word())
    .bind(since.epoch_days())
    .bind(source)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn suppression(row: &Row) -> Result<SuppressionRow> {
    Ok(SuppressionRow {
        hash: hex(&row.get::<Vec<u8>, _>("address_hash")),
        channel: word(row, "suppressions", "channel")?,
        scope: word(row, "suppressions", "scope")?,
        reason: word(row, "suppressions", "reason")?,
        since: day_of(row, "since"),
        source: row.get("source"),
    })
}

const COLUMNS: &str =
    "SELECT address_hash, channel, scope, reason, since, source FROM suppressions";

impl Store {
    /// Suppresses addresses by a person's hand; one transaction, audited. Returns how many were new.
    pub async fn add_suppressions(
        &self,
        new: &[NewSuppression],
        since: Day,
        source: &str,
        entry: &Entry<'_>,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let added = suppress(&mut tx, new, since, source).await?;
        for one in &added {
            let about = format!("{} {} {}", hex(&one.hash), one.channel, one.scope);
            write_down(&mut tx, "suppression added", &about, entry).await?;
        }
        tx.commit().await?;
        Ok(added.len() as u64)
    }

    /// Takes suppressions of an address back, audited: all of them, or those for one reason only.
    /// Returns how many there were.
    pub async fn remove_suppressions(
        &self,
        hash: &[u8; 32],
        channel: Channel,
        only: Option<SuppressionReason>,
        entry: &Entry<'_>,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let done = sql::query(
            "DELETE FROM suppressions WHERE address_hash = $1 AND channel = $2
               AND ($3 IS NULL OR reason = $3)",
        )
        .bind(&hash[..])
        .bind(channel.word())
        .bind(only.map(SuppressionReason::word))
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() > 0 {
            let about = format!("{} {channel}", hex(hash));
            write_down(&mut tx, "suppression removed", &about, entry).await?;
        }
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// What is suppressed of some addresses.
    pub async fn suppressions_of(&self, hashes: &[[u8; 32]]) -> Result<Vec<SuppressionRow>> {
        let hashes: Vec<String> = hashes.iter().map(|hash| hex(hash)).collect();
        let statement = format!(
            "{COLUMNS} WHERE address_hash IN (SELECT unhex(atom) FROM json_each($1))
             ORDER BY channel, scope"
        );
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(Json(hashes))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(suppression).collect()
    }

    /// Every suppressed address, the latest first.
    pub async fn suppressions(&self, limit: u32) -> Result<Vec<SuppressionRow>> {
        let statement = format!("{COLUMNS} ORDER BY since DESC, address_hash, channel LIMIT $1");
        let rows = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(suppression).collect()
    }
}
