//! The mark on a base that was moved: it can be read, and the database itself refuses every change.
//!
//! A hold alone would rest on every code path asking for it. A trigger on every table cannot be
//! forgotten: nothing is claimed, no point of no return is passed, no wish to get nothing more
//! disappears in a base that nobody reads any more.

use sqlx::AssertSqlSafe;

use super::super::audit::{Entry, write_down};
use super::super::backup::hold_everything;
use super::super::sql::{self, Connection};
use super::super::{Place, Result, Store, StoreError};
use super::tables::quoted;

/// The name of the hold on a base that was moved.
pub const MOVED: &str = "moved";

/// Whoever was alive so long ago or less may still be, in milliseconds.
const ALIVE: i64 = 15_000;

/// Tables that are written to when a base is taken back into use.
const LEFT_OPEN: &[&str] = &["holds", "audit", "_sqlx_migrations"];

/// Forgets the parts of the service that ran on this base: whoever still does would be missed on the
/// new one for ever.
pub(super) async fn nobody_is_alive(from: &mut Connection) -> Result<()> {
    sql::query("DELETE FROM heartbeats").execute(from).await?;
    Ok(())
}

/// Marks a base as moved.
pub(super) async fn mark(from: &mut Connection, to: &Place, now_ms: i64) -> Result<()> {
    let reason = format!("this base was moved to {to}");
    let hold = sql::query(
        "INSERT INTO holds (name, since, reason) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET since = excluded.since, reason = excluded.reason",
    );
    let hold = hold.bind(MOVED).bind(now_ms).bind(&reason);
    hold.execute(&mut *from).await?;
    unmark(from).await?;
    let text = reason.replace('\'', "''");
    for table in tables(from).await? {
        for change in ["INSERT", "UPDATE", "DELETE"] {
            let name = quoted(&format!("{MOVED}_{table}_{}", change.to_lowercase()));
            let statement = format!(
                "CREATE TRIGGER {name} BEFORE {change} ON {} BEGIN
                     SELECT RAISE(ABORT, '{text}: write its address into database.url');
                 END",
                quoted(&table)
            );
            sql::raw(AssertSqlSafe(statement))
                .execute(&mut *from)
                .await?;
        }
    }
    Ok(())
}

/// Lets every table be changed again.
async fn unmark(from: &mut Connection) -> Result<()> {
    let marks = sql::query_scalar::<String>(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE $1 || '\\_%' ESCAPE '\\'",
    );
    for mark in marks.bind(MOVED).fetch_all(&mut *from).await? {
        let statement = AssertSqlSafe(format!("DROP TRIGGER {}", quoted(&mark)));
        sql::raw(statement).execute(&mut *from).await?;
    }
    Ok(())
}

async fn tables(from: &mut Connection) -> Result<Vec<String>, sqlx::Error> {
    let tables = sql::query_scalar::<String>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    );
    let mut tables = tables.fetch_all(from).await?;
    tables.retain(|table| !LEFT_OPEN.contains(&table.as_str()));
    Ok(tables)
}

impl Store {
    /// How long ago, in milliseconds, a part of the service was alive on this base, where it may still
    /// be: its name and the time.
    pub async fn alive_part(&self, now_ms: i64) -> Result<Option<(String, i64)>> {
        let beats = self.heartbeats().await?;
        let alive = beats.into_iter().find(|beat| {
            beat.part == "web" && (now_ms - ALIVE..=now_ms + ALIVE).contains(&beat.at)
        });
        Ok(alive.map(|beat| (beat.part, now_ms - beat.at)))
    }

    /// Takes a base that was moved back into use: it can be changed again, and everything that had
    /// not left is held, because nobody knows here what has left from the other one. Returns how many
    /// messages are held; nothing when the base was not moved.
    pub async fn take_back(&self, entry: &Entry<'_>) -> Result<Option<u64>> {
        if !self.is_moved().await? {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        unmark(&mut tx).await?;
        let gone = sql::query("DELETE FROM holds WHERE name = $1").bind(MOVED);
        gone.execute(&mut *tx).await?;
        let reason =
            "the base had been moved and was taken back: what left from there is not known";
        let held = hold_everything(&mut tx, reason, entry.now_ms).await?;
        write_down(&mut tx, "moved base taken back", MOVED, entry).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Some(held))
    }
}
