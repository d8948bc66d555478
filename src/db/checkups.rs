//! What the doctor asks of the database, and what it keeps there.

use super::{Result, Store};
use crate::db::sql;

impl Store {
    /// Whether the database can be written to at this moment; nothing is written.
    pub async fn check_writing(&self) -> Result<()> {
        let tx = self.begin().await?;
        tx.rollback().await?;
        Ok(())
    }

    /// The latest instant that the database remembers, in unix milliseconds.
    pub async fn latest_instant(&self) -> Result<Option<i64>> {
        let latest = sql::query_scalar::<Option<i64>>(
            "SELECT max(at) FROM (
                 SELECT max(started_at) AS at FROM runs
                 UNION ALL SELECT max(started_at) FROM imports
                 UNION ALL SELECT at FROM (SELECT at FROM message_events ORDER BY id DESC LIMIT 1) AS event)
                 AS told",
        );
        Ok(latest.fetch_one(&self.pool).await?)
    }

    /// Whether the doctor has found no failure with these settings.
    pub async fn checkup_passed(&self, settings: &[u8; 32]) -> Result<bool> {
        let passed =
            sql::query_scalar::<bool>("SELECT EXISTS (SELECT 1 FROM checkups WHERE settings = $1)");
        Ok(passed.bind(&settings[..]).fetch_one(&self.pool).await?)
    }

    /// Keeps that the doctor has found no failure with these settings.
    pub async fn note_checkup(&self, settings: &[u8; 32], now_ms: i64) -> Result<()> {
        sql::query(
            "INSERT INTO checkups (settings, passed_at) VALUES ($1, $2)
             ON CONFLICT (settings) DO UPDATE SET passed_at = excluded.passed_at",
        )
        .bind(&settings[..])
        .bind(now_ms)
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
