//! Copies of the whole database, made while others are writing, and what is done to a copy before it
//! takes the place of the original.

use crate::db::sql::{self, Connection};
use std::collections::BTreeMap;
use std::path::Path;

use futures::TryStreamExt;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::bulk::Bulk;
use super::sql::Pool;
use super::{Access, Place, Result, Store, StoreError};

/// Rows by table.
pub type TableCounts = BTreeMap<String, i64>;

/// The tables whose rows tell whether a copy is whole: everything that cannot be imported again.
const COUNTED: &[&str] = &[
    "clients",
    "purchases",
    "deals",
    "consents",
    "suppressions",
    "runs",
    "enrollments",
    "messages",
    "attempts",
    "message_events",
    "tasks",
    "outcomes",
    "certificates",
    "audit",
    "erasures",
];

/// Whether a backup is measured by the rows of a table.
pub(super) fn is_counted(table: &str) -> bool {
    COUNTED.contains(&table)
}

impl Store {
    /// Writes a copy of the database into a file that does not exist yet; nobody has to wait.
    pub async fn copy_to(&self, file: &Path) -> Result<()> {
        let name = file.to_string_lossy().into_owned();
        sql::query("VACUUM INTO $1")
            .bind(name)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The rows of every table that a backup is measured by.
    pub async fn table_counts(&self) -> Result<TableCounts> {
        let mut connection = self.pool.acquire().await?;
        counts(&mut connection).await
    }

    /// Looks at every page of a copy; the rows of its tables, or what is wrong with it.
    pub async fn verify_copy(file: &Path) -> Result<TableCounts> {
        let failed = |source| StoreError::Open {
            place: Place::File(file.to_owned()),
            source,
        };
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        let copy = SqlitePool::connect_with(options).await.map_err(failed)?;
        let pool = Pool::Sqlite(copy);
        let mut copy = pool.acquire().await?;
        let said = sql::query_scalar::<String>("PRAGMA integrity_check");
        let said = said.fetch_all(&mut copy).await?;
        if said != ["ok"] {
            return Err(StoreError::Row {
                table: "all",
                reason: format!("{} is damaged: {}", file.display(), said.join("; ")),
            });
        }
        let counted = counts(&mut copy).await?;
        drop(copy);
        pool.close().await;
        Ok(counted)
    }

    /// Prepares a copy that is put back: what is due is held for a person, what was under way is
    /// unknown, and new runs wait. Returns how many messages are held.
    pub async fn hold_restored(&self, reason: &str, now_ms: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let held = hold_everything(&mut tx, reason, now_ms).await?;
        tx.commit().await?;
        Ok(held)
    }

    /// Takes over from the database that is replaced, where it can still be read, what must not be
    /// forgotten: who said "stop", and who asked to be forgotten. Returns how many were new.
    pub async fn take_over_wishes(&self, replaced: &Path) -> Result<u64> {
        let mut connection = self.writer.acquire().await?;
        sql::query("ATTACH DATABASE $1 AS replaced")
            .bind(replaced.to_string_lossy().into_owned())
            .execute(&mut connection)
            .await?;
        let taken = sql::query(
            "INSERT INTO suppressions (address_hash, channel, scope, reason, since, source)
             SELECT address_hash, channel, scope, reason, since, source FROM replaced.suppressions
             WHERE true ON CONFLICT DO NOTHING",
        );
        let taken = taken.execute(&mut connection).await;
        let detached = sql::query("DETACH DATABASE replaced");
        detached.execute(&mut connection).await?;
        Ok(taken?.rows_affected())
    }
}

/// A database on a server that another one replaces, at hand for what must not be forgotten.
#[derive(Debug)]
pub struct Replaced(PgConnection);

/// A suppression as it is stored.
type Suppression = (Vec<u8>, String, String, String, i64, String);

impl Replaced {
    /// Reaches it, and looks whether it has anything to tell. It is not changed.
    pub async fn reach(access: &Access<'_>) -> Result<Self> {
        let place = Place::of(access.url, access.home)?;
        let failed = |source| StoreError::Open { place, source };
        let connected = async {
            let mut old = access
                .to_server()
                .map_err(sqlx::Error::config)?
                .connect()
                .await?;
            sqlx::query("SELECT 1 FROM suppressions LIMIT 1")
                .execute(&mut old)
                .await?;
            Ok(old)
        };
        Ok(Self(connected.await.map_err(failed)?))
    }
}

impl Store {
    /// As [`Self::take_over_wishes`], from a database on a server.
    pub async fn take_over_wishes_of(&self, Replaced(mut old): Replaced) -> Result<u64> {
        let mut tx = self.begin().await?;
        let mut new = Bulk::new(
            "suppressions (address_hash, channel, scope, reason, since, source)",
            "(?, ?, ?, ?, ?, ?)",
            "ON CONFLICT DO NOTHING",
        );
        let all = "SELECT address_hash, channel, scope, reason, since, source FROM suppressions";
        let mut all = sqlx::query_as::<_, Suppression>(all).fetch(&mut old);
        while let Some((hash, channel, scope, reason, since, source)) = all.try_next().await? {
            new.add(hash).add(channel).add(scope);
            new.add(reason).add(since).add(source);
            new.end_row(&mut tx).await?;
        }
        let taken = new.flush(&mut tx).await?;
        tx.commit().await?;
        Ok(taken)
    }
}

/// Holds what is due for a person, calls unknown what was under way, and lets new runs wait: for a base
/// that does not know what left after it was copied. Returns how many messages are held.
pub(super) async fn hold_everything(tx: &mut Connection, reason: &str, now_ms: i64) -> Result<u64> {
    let held = sql::query(
        "UPDATE messages SET state = 'held', reason = $1, changed_at = $2, changed_by = 'restore',
                owner = NULL, lease_until = NULL
         WHERE state IN ('planned', 'queued', 'retry', 'claimed')",
    );
    let held = held.bind(reason).bind(now_ms).execute(&mut *tx).await?;
    let unknown = sql::query(
        "UPDATE messages SET state = 'unknown', reason = $1, changed_at = $2,
                changed_by = 'restore', owner = NULL, lease_until = NULL
         WHERE state = 'sending'",
    );
    unknown.bind(reason).bind(now_ms).execute(&mut *tx).await?;
    let hold = sql::query(
        "INSERT INTO holds (name, since, reason) VALUES ('restore', $2, $1)
         ON CONFLICT (name) DO UPDATE SET since = excluded.since, reason = excluded.reason",
    );
    hold.bind(reason).bind(now_ms).execute(&mut *tx).await?;
    sql::query("DELETE FROM heartbeats")
        .execute(&mut *tx)
        .await?;
    Ok(held.rows_affected())
}

async fn counts(connection: &mut Connection) -> Result<TableCounts> {
    let mut counts = TableCounts::new();
    for table in COUNTED {
        // An older backup does not have every table of today.
        let exists = sql::query_of(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
            "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1",
        );
        if exists
            .bind(*table)
            .fetch_optional(&mut *connection)
            .await?
            .is_none()
        {
            continue;
        }
        let statement = format!("SELECT count(*) AS n FROM {table}");
        let row = sql::query(sqlx::AssertSqlSafe(statement))
            .fetch_one(&mut *connection)
            .await?;
        counts.insert((*table).to_owned(), row.get("n"));
    }
    Ok(counts)
}
