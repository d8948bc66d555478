//! Connections, transactions and pools of either database.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgTransaction};
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteTransaction};
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Sqlite};

use super::query::raw_of;
use super::writer::{BEGIN, Turn, Writer};

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
    /// The one connection that writes.
    Writer(Writer),
    Postgres(PgPool),
}

/// One connection, inside a transaction or not.
#[derive(Debug)]
pub(in crate::db) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Writer(Turn),
    Postgres(PoolConnection<Postgres>),
    SqliteTransaction(SqliteTransaction<'static>),
    PostgresTransaction(PgTransaction<'static>),
}

/// A transaction. Dropped before it is committed, nothing has happened.
#[derive(Debug)]
pub(in crate::db) struct Transaction(Connection);

/// Where a statement goes.
pub(super) enum Way<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// Who a statement is given to: a connection, or whichever of a pool is free.
pub(in crate::db) enum Through<'c> {
    Connection(&'c mut Connection),
    Pool(&'c Pool),
}

/// A connection for one statement: lent, or taken for it.
pub(super) enum Held<'c> {
    Lent(&'c mut Connection),
    Taken(Connection),
}

/// What statements can be sent through.
pub(in crate::db) trait Executor<'c> {
    fn through(self) -> Through<'c>;
}

impl<'c> Through<'c> {
    /// Waits until there is a connection.
    pub(super) async fn held(self) -> Result<Held<'c>, sqlx::Error> {
        Ok(match self {
            Self::Connection(connection) => {
                if let Connection::Writer(turn) = &mut *connection {
                    Box::pin(turn.begin_now()).await?;
                }
                Held::Lent(connection)
            }
            // Futures of sqlx are large: see `Query`.
            Self::Pool(pool) => Held::Taken(Box::pin(pool.acquire()).await?),
        })
    }
}

impl Held<'_> {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Lent(connection) => connection.engine(),
            Self::Taken(connection) => connection.engine(),
        }
    }

    pub(super) fn way(&mut self) -> Way<'_> {
        match self {
            Self::Lent(connection) => connection.way(),
            Self::Taken(connection) => connection.way(),
        }
    }
}

impl<'c> Executor<'c> for &'c Pool {
    fn through(self) -> Through<'c> {
        Through::Pool(self)
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    fn through(self) -> Through<'c> {
        Through::Connection(self)
    }
}

impl Pool {
    /// Which database it is.
    pub(in crate::db) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) | Self::Writer(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Takes a connection.
    pub(in crate::db) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::Writer(writer) => Connection::Writer(writer.turn().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// Closes every connection; what is open is finished first.
    pub(in crate::db) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Writer(writer) => writer.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Connection {
    /// Which database it is.
    pub(in crate::db) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) | Self::Writer(_) | Self::SqliteTransaction(_) => Engine::Sqlite,
            Self::Postgres(_) | Self::PostgresTransaction(_) => Engine::Postgres,
        }
    }

    pub(super) fn way(&mut self) -> Way<'_> {
        match self {
            Self::Sqlite(connection) => Way::Sqlite(connection),
            Self::Writer(turn) => Way::Sqlite(turn.connection()),
            Self::Postgres(connection) => Way::Postgres(connection),
            Self::SqliteTransaction(tx) => Way::Sqlite(tx),
            Self::PostgresTransaction(tx) => Way::Postgres(tx),
        }
    }

    /// The connection of SQLite, where it is one.
    pub(in crate::db) async fn sqlite(
        &mut self,
    ) -> Result<Option<&mut SqliteConnection>, sqlx::Error> {
        if let Self::Writer(turn) = self {
            Box::pin(turn.begin_now()).await?;
        }
        Ok(match self.way() {
            Way::Sqlite(at) => Some(at),
            Way::Postgres(_) => None,
        })
    }

    /// The connection of PostgreSQL, where it is one.
    pub(in crate::db) fn postgres(&mut self) -> Option<&mut PgConnection> {
        match self {
            Self::Postgres(connection) => Some(connection),
            Self::PostgresTransaction(tx) => Some(tx),
            Self::Sqlite(_) | Self::Writer(_) | Self::SqliteTransaction(_) => None,
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
                let begin = Some(BEGIN.into_sql_str());
                let tx = SqliteTransaction::begin(connection, begin).await?;
                Self::SqliteTransaction(tx)
            }
            Self::Writer(mut turn) => {
                turn.begin_with_next();
                Box::pin(turn.begin_now()).await?;
                Self::Writer(turn)
            }
            Self::Postgres(connection) => {
                Self::PostgresTransaction(PgTransaction::begin(connection, None).await?)
            }
            inside @ (Self::SqliteTransaction(_) | Self::PostgresTransaction(_)) => inside,
        };
        Ok(Transaction(inner))
    }

    /// As [`Self::begin`]; the one writer of SQLite begins with the next statement, by one way with it
    /// where that is a [`Pair`](super::Pair).
    pub(in crate::db) async fn begin_with_next(self) -> Result<Transaction, sqlx::Error> {
        match self {
            Self::Writer(mut turn) => {
                turn.begin_with_next();
                Ok(Transaction(Self::Writer(turn)))
            }
            other => other.begin().await,
        }
    }
}

impl Transaction {
    pub(super) fn into_inner(self) -> Connection {
        self.0
    }

    /// Undoes it.
    pub(in crate::db) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Connection::SqliteTransaction(tx) => tx.rollback().await,
            Connection::Writer(turn) => turn.rollback().await,
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
            Connection::Writer(turn) => turn.commit().await,
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
