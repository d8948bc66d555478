//! Which imports there were, and when: since when a fact was known.

use super::{Result, Store};
use crate::db::sql;

/// An import that has changed the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The number that facts refer to.
    pub id: i64,
    /// The source, by the name of the configuration.
    pub source: String,
    /// When it was read: unix milliseconds.
    pub started_at_ms: i64,
}

impl Store {
    /// The imports that have changed the facts, in their order.
    pub async fn imports_done(&self) -> Result<Vec<Imported>> {
        let rows = sql::query(
            "SELECT i.id, s.name AS source, i.started_at
             FROM imports i JOIN sources s ON s.id = i.source_id
             WHERE i.status = 'done' ORDER BY i.id",
        )
        .fetch_all(&self.pool)
        .await?;
        let imports = rows.iter().map(|row| Imported {
            id: row.get("id"),
            source: row.get("source"),
            started_at_ms: row.get("started_at"),
        });
        Ok(imports.collect())
    }
}
