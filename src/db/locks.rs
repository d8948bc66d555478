//! Locks: one planner at a time, one who delivers from a file, one who keeps the schedules.
//!
//! Beside a file of SQLite they are locks on files, in PostgreSQL they are advisory locks of a
//! session. Either is let go of when a process ends, however it ends; so whoever holds it knows that
//! a half-written run was left by a process that is gone. Every schema has locks of its own.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, PgPool};

use super::opening::beside;
use super::sql::{self, Connection, Engine, Pool};
use super::{Place, Result, Store};

/// What can be held by one process at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Planning, importing, and whatever else writes a day.
    Planning,
    /// Keeping the schedules: the others stand by.
    Schedules,
    /// Delivering. Of two processes that deliver from one file one would think the other one dead;
    /// in PostgreSQL any number deliver side by side, so nobody has to hold it there.
    Delivery,
}

impl Lock {
    /// The end of the name of its file.
    const fn file(self) -> &'static str {
        match self {
            Self::Planning => "lock",
            Self::Schedules => "schedule.lock",
            Self::Delivery => "deliver.lock",
        }
    }

    /// The first half of its key in PostgreSQL; the schema is the second.
    const fn key(self) -> i32 {
        match self {
            Self::Planning => 0x0072_6b02,
            Self::Schedules => 0x0072_6b03,
            Self::Delivery => 0x0072_6b04,
        }
    }
}

/// The key of whoever writes facts or decisions.
const WRITER: i32 = 0x0072_6b01;

/// A lock that is held; it is let go of when this is dropped.
#[derive(Debug)]
pub struct Held(Holder);

#[derive(Debug)]
enum Holder {
    File(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File),
    Session(PgConnection),
    Everybody,
}

impl Held {
    /// Whether it is still held: a session ends when its server restarts or cannot be reached.
    pub async fn holds(&mut self) -> bool {
        match &mut self.0 {
            Holder::File(_) | Holder::Everybody => true,
            Holder::Session(session) => sqlx::query("SELECT 1").execute(session).await.is_ok(),
        }
    }
}

impl Store {
    /// Takes a lock, if nobody else holds it.
    pub async fn try_lock(&self, lock: Lock) -> Result<Option<Held>> {
        match (&self.place, &self.pool) {
            (_, Pool::Postgres(_)) if lock == Lock::Delivery => Ok(Some(Held(Holder::Everybody))),
            (_, Pool::Postgres(pool)) => Ok(try_session(pool, lock).await?),
            (Place::File(file), Pool::Sqlite(_)) => Ok(try_lock_beside(file, lock)?),
            (Place::Server { .. }, Pool::Sqlite(_)) => Ok(None),
        }
    }

    /// Waits for a lock.
    pub async fn lock(&self, lock: Lock) -> Result<Held> {
        if let Pool::Postgres(pool) = &self.pool {
            let mut session = session(pool).await?;
            take(&mut session, "pg_advisory_lock", lock).await?;
            return Ok(Held(Holder::Session(session)));
        }
        let name = self.place.beside(lock.file());
        let waited = tokio::task::spawn_blocking(move || {
            let file = opened(&name)?;
            file.lock()?;
            Ok::<_, io::Error>(Held(Holder::File(file)))
        });
        let waited = waited
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        Ok(waited?)
    }
}

/// Takes a lock of the database in a file, if nobody else holds it.
pub fn try_lock_beside(database: &Path, lock: Lock) -> io::Result<Option<Held>> {
    let file = opened(&beside(database, lock.file()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held(Holder::File(file)))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn opened(name: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(name)
}

/// A session of its own: one of the pool would be lent to others with the lock.
async fn session(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    use sqlx::ConnectOptions as _;

    let mut session = pool.connect_options().connect().await?;
    // A plan may take as long as it takes.
    sqlx::query("SET lock_timeout = 0")
        .execute(&mut session)
        .await?;
    Ok(session)
}

async fn try_session(pool: &PgPool, lock: Lock) -> Result<Option<Held>, sqlx::Error> {
    let mut session = session(pool).await?;
    let row = take(&mut session, "pg_try_advisory_lock", lock).await?;
    let taken: bool = sqlx::Row::try_get(&row, 0)?;
    Ok(taken.then_some(Held(Holder::Session(session))))
}

async fn take(
    session: &mut PgConnection,
    function: &str,
    lock: Lock,
) -> Result<sqlx::postgres::PgRow, sqlx::Error> {
    let key = lock.key();
    let statement = format!("SELECT {function}({key}, hashtext(current_schema()))");
    sqlx::query(AssertSqlSafe(statement))
        .fetch_one(session)
        .await
}

/// Waits until nobody else writes facts or decisions in PostgreSQL; until the end of the transaction
/// it is us.
pub(super) async fn writer(tx: &mut Connection) -> Result<()> {
    if tx.engine() == Engine::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({WRITER}, hashtext(current_schema()))");
        sql::query(AssertSqlSafe(lock)).execute(tx).await?;
    }
    Ok(())
}
