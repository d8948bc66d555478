//! Connections, transactions and pools of either database.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgTransaction};
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteTransaction};
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Sqlite};

use super::query::raw_of;

/// What SQLite uses when nobody says anything.
const USUAL_CACHE_KIB: u32 = 2 * 1024;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Engine {
    Sqlite,
    Postgres,
}

/// The connections to a database.
#[derive(Clone, Debug)]
pub(in crate::db) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// One connection, inside a transaction or not.
#[derive(Debug)]
pub(in crate::db) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    SqliteTransaction(SqliteTransaction<'static>),
    PostgresTransaction(PgTransaction<'static>),
}

/// A transaction. Dropped before it is committed, nothing has happened.
#[derive(Debug)]
pub(in crate::db) struct Transaction(Connection);

/// Where a statement goes.
pub(in crate::db) enum Way<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
    AnySqlite(&'c SqlitePool),
    AnyPostgres(&'c PgPool),
}

/// What statements can be sent through.
pub(in crate::db) trait Executor<'c> {
    fn way(self) -> Way<'c>;
}

impl Way<'_> {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) | Self::AnySqlite(_) => Engine::Sqlite,
            Self::Postgres(_) | Self::AnyPostgres(_) => Engine::Postgres,
        }
    }
}

impl<'c> Executor<'c> for &'c Pool {
    fn way(self) -> Way<'c> {
        match self {
            Pool::Sqlite(pool) => Way::AnySqlite(pool),
            Pool::Postgres(pool) => Way::AnyPostgres(pool),
        }
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    fn way(self) -> Way<'c> {
        match self {
            Connection::Sqlite(connection) => Way::Sqlite(connection),
            Connection::Postgres(connection) => Way::Postgres(connection),
            Connection::SqliteTransaction(tx) => Way::Sqlite(tx),
            Connection::PostgresTransaction(tx) => Way::Postgres(tx),
        }
    }
}

impl Pool {
    /// Which database it is.
    pub(in crate::db) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Takes a connection.
    pub(in crate::db) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// Closes every connection; what is open is finished first.
    pub(in crate::db) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Connection {
    /// Which database it is.
    pub(in crate::db) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => Engine::Sqlite,
            Self::Postgres(_) | Self::PostgresTransaction(_) => Engine::Postgres,
        }
    }

    /// The connection of PostgreSQL, where it is one.
    pub(in crate::db) fn postgres(&mut self) -> Option<&mut PgConnection> {
        match self {
            Self::Postgres(connection) => Some(connection),
            Self::PostgresTransaction(tx) => Some(tx),
            Self::Sqlite(_) | Self::SqliteTransaction(_) => None,
        }
    }

    /// Lets SQLite keep so many KiB of pages in memory; PostgreSQL has a cache of its own.
    pub(in crate::db) async fn set_cache(&mut self, kib: u32) -> Result<(), sqlx::Error> {
        let pragma = AssertSqlSafe(format!("PRAGMA cache_size = -{kib}"));
        raw_of(pragma, "").execute(self).await?;
        Ok(())
    }

    /// Begins a transaction that may write. SQLite has one writer, and it is this one from now on.
    pub(in crate::db) async fn begin(self) -> Result<Transaction, sqlx::Error> {
        let inner = match self {
            Self::Sqlite(connection) => {
                let begin = "BEGIN IMMEDIATE".into_sql_str();
                let tx = SqliteTransaction::begin(connection, Some(begin)).await?;
                Self::SqliteTransaction(tx)
            }
            Self::Postgres(connection) => {
                Self::PostgresTransaction(PgTransaction::begin(connection, None).await?)
            }
            inside @ (Self::SqliteTransaction(_) | Self::PostgresTransaction(_)) => inside,
        };
        Ok(Transaction(inner))
    }
}

impl Transaction {
    /// Undoes it.
    pub(in crate::db) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Connection::SqliteTransaction(tx) => tx.rollback().await,
            Connection::PostgresTransaction(tx) => tx.rollback().await,
            Connection::Sqlite(_) | Connection::Postgres(_) => Ok(()),
        }
    }

    /// Makes it last, and gives back the cache of a large one.
    pub(in crate::db) async fn commit_large(mut self) -> Result<(), sqlx::Error> {
        self.0.set_cache(USUAL_CACHE_KIB).await?;
        self.commit().await
    }

    /// Makes it last.
    pub(in crate::db) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Connection::SqliteTransaction(tx) => tx.commit().await,
            Connection::PostgresTransaction(tx) => tx.commit().await,
            Connection::Sqlite(_) | Connection::Postgres(_) => Ok(()),
        }
    }
}

impl std::ops::Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl std::ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}
