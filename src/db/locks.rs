//! Locks: one planner at a time, one who delivers from a file, one who keeps the schedules.
//!
//! Beside a file of SQLite they are locks on files, in PostgreSQL they are advisory locks of a
//! session. Either is let go of when a process ends, however it ends; so whoever holds it knows that
//! a half-written run was left by a process that is gone. Every schema has locks of its own.
//!
//! A session can end while its process lives: the server restarts, a network breaks, somebody ends the
//! session. So it is asked every second whether it is still there, and what was begun under the lock is
//! dropped when it is not ([`Held::during`]). A process that is frozen does not ask; the server ends its
//! session then, and another process has the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::opening::beside;
use super::sql::{self, Connection, Engine, Pool};
use super::{Place, Result, Store, StoreError};

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

/// How often a session is asked whether it is still there.
const PULSE: Duration = Duration::from_secs(1);

/// A session that has not answered for so long counts as gone.
const SILENCE: Duration = Duration::from_secs(5);

/// After so long without a word the server ends the session of a process that is frozen.
const FROZEN: &str = "15s";

/// A lock that is held; it is let go of when this is dropped.
#[derive(Debug)]
pub struct Held(Holder);

#[derive(Debug)]
enum Holder {
    File(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File),
    Session(Session),
    Everybody,
}

/// A session that holds a lock, with its pulse.
#[derive(Debug)]
struct Session {
    connection: Arc<Mutex<PgConnection>>,
    lost: CancellationToken,
}

impl Session {
    fn new(connection: PgConnection) -> Self {
        let connection = Arc::new(Mutex::new(connection));
        let lost = CancellationToken::new();
        tokio::spawn(pulse(Arc::downgrade(&connection), lost.clone()));
        Self { connection, lost }
    }
}

/// Asks as long as somebody holds the lock.
async fn pulse(connection: Weak<Mutex<PgConnection>>, lost: CancellationToken) {
    loop {
        tokio::time::sleep(PULSE).await;
        let Some(connection) = connection.upgrade() else {
            return;
        };
        if !answers(&connection).await {
            lost.cancel();
            return;
        }
    }
}

async fn answers(connection: &Mutex<PgConnection>) -> bool {
    let asked = async {
        let mut connection = connection.lock().await;
        sqlx::query("SELECT 1").execute(&mut *connection).await
    };
    matches!(tokio::time::timeout(SILENCE, asked).await, Ok(Ok(_)))
}

impl Held {
    /// Whether it is still held: a session ends when its server restarts or cannot be reached.
    pub async fn holds(&self) -> bool {
        match &self.0 {
            Holder::File(_) | Holder::Everybody => true,
            Holder::Session(session) => {
                !session.lost.is_cancelled() && answers(&session.connection).await
            }
        }
    }

    /// Waits until it is lost: for ever, where it is a lock on a file.
    pub async fn lost(&self) {
        match &self.0 {
            Holder::File(_) | Holder::Everybody => std::future::pending().await,
            Holder::Session(session) => session.lost.cancelled().await,
        }
    }

    /// Does something under the lock. When it is lost the work is dropped where it stands: what it had
    /// not committed has not happened.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.lost() => Err(StoreError::LockLost),
        }
    }
}

impl Store {
    /// Takes a lock, if nobody else holds it.
    pub async fn try_lock(&self, lock: Lock) -> Result<Option<Held>> {
        match (&self.place, &self.pool) {
            (_, Pool::Postgres(_)) if lock == Lock::Delivery => Ok(Some(Held(Holder::Everybody))),
            (_, Pool::Postgres(pool)) => Ok(try_session(pool, lock).await?),
            (Place::File(file), _) => Ok(try_lock_beside(file, lock)?),
            (Place::Server { .. }, _) => Ok(None),
        }
    }

    /// Waits for a lock.
    pub async fn lock(&self, lock: Lock) -> Result<Held> {
        if let Pool::Postgres(pool) = &self.pool {
            let mut session = session(pool).await?;
            take(&mut session, "pg_advisory_lock", lock).await?;
            return Ok(Held(Holder::Session(Session::new(session))));
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
    // A plan may take as long as it takes. PostgreSQL 13 cannot tell who is frozen.
    let frozen = format!(
        "SELECT set_config('lock_timeout', '0', false),
                CASE WHEN current_setting('server_version_num')::int >= 140000
                     THEN set_config('idle_session_timeout', '{FROZEN}', false) END"
    );
    sqlx::query(AssertSqlSafe(frozen))
        .execute(&mut session)
        .await?;
    Ok(session)
}

async fn try_session(pool: &PgPool, lock: Lock) -> Result<Option<Held>, sqlx::Error> {
    let mut session = session(pool).await?;
    let row = take(&mut session, "pg_try_advisory_lock", lock).await?;
    let taken: bool = sqlx::Row::try_get(&row, 0)?;
    Ok(taken.then(|| Held(Holder::Session(Session::new(session)))))
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
