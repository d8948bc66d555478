//! The one connection of SQLite that writes.
//!
//! A pool of one connection would do, but for the ways to the thread of SQLite: its transactions
//! begin and end by a way of their own, and a connection that comes back is asked whether it still
//! lives. Letters pass the door one transaction after the other, and each way costs two switches of
//! threads; here a transaction can begin and end with its statements ([`Pair`](super::Pair)).

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection as _};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

/// The connection that writes, for one at a time: first come, first served.
#[derive(Clone, Debug)]
pub(in crate::db) struct Writer {
    state: Arc<Mutex<State>>,
    options: Arc<SqliteConnectOptions>,
    patience: Duration,
}

#[derive(Debug)]
enum State {
    /// Nobody has written yet.
    Unopened,
    Open(Opened),
    Closed,
}

#[derive(Debug)]
struct Opened {
    connection: SqliteConnection,
    /// A transaction was begun, and nobody has heard of its end.
    inside: bool,
    /// A transaction is to begin with the next statement.
    begins: bool,
}

/// What begins a transaction: SQLite has one writer, and it is this one from now on.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// A turn at writing: nobody else has the connection until it is dropped.
#[derive(Debug)]
pub(in crate::db) struct Turn {
    at: OwnedMappedMutexGuard<State, Opened>,
    writer: Writer,
}

impl Writer {
    /// A connection that is opened when somebody writes. Who waits for longer than `patience` for his
    /// turn gives up.
    pub(in crate::db) fn new(options: SqliteConnectOptions, patience: Duration) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::Unopened)),
            options: Arc::new(options),
            patience,
        }
    }

    /// Waits for a turn. What the one before has left unfinished is undone.
    pub(super) async fn turn(&self) -> Result<Turn, sqlx::Error> {
        let waiting = Arc::clone(&self.state).lock_owned();
        let mut state = tokio::time::timeout(self.patience, waiting)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?;
        if Box::pin(state.needs_opening()).await {
            let connection = Box::pin(self.options.connect()).await?;
            *state = State::Open(Opened {
                connection,
                inside: false,
                begins: false,
            });
        }
        let opened = OwnedMutexGuard::try_map(state, |state| match state {
            State::Open(opened) => Some(opened),
            State::Unopened | State::Closed => None,
        });
        Ok(Turn {
            at: opened.map_err(|_| sqlx::Error::PoolClosed)?,
            writer: self.clone(),
        })
    }

    /// Closes the connection when nobody has it any more; there is no turn after that.
    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        if let State::Open(opened) = std::mem::replace(&mut *state, State::Closed) {
            // Its thread has ended either way.
            let _closed = opened.connection.close().await;
        }
    }
}

impl State {
    /// Whether there is no connection yet, or none any more. Undoes what was left unfinished.
    async fn needs_opening(&mut self) -> bool {
        match self {
            Self::Unopened => true,
            Self::Closed => false,
            Self::Open(opened) => opened.is_lost().await,
        }
    }
}

impl Opened {
    /// Undoes what was left unfinished; says whether the thread behind the connection is gone.
    async fn is_lost(&mut self) -> bool {
        self.begins = false;
        if !self.inside {
            return false;
        }
        let undone = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        // The transaction may have ended without anybody hearing of it: then there is nothing to undo.
        let lost = !matches!(undone, Ok(_) | Err(sqlx::Error::Database(_)));
        self.inside = lost;
        lost
    }
}

impl Turn {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.at.connection
    }

    /// Begins a transaction with the next statement. Dropped before it is committed, nothing has
    /// happened.
    pub(super) fn begin_with_next(&mut self) {
        self.at.begins = true;
    }

    /// What has to go before the next statement; whoever asks has to send it.
    pub(super) fn prelude(&mut self) -> &'static str {
        if !std::mem::take(&mut self.at.begins) {
            return "";
        }
        self.at.inside = true;
        BEGIN
    }

    /// Begins what is to begin, for a statement that goes alone.
    pub(super) async fn begin_now(&mut self) -> Result<(), sqlx::Error> {
        let begin = self.prelude();
        if !begin.is_empty() {
            let begin = sqlx::query(begin);
            begin.execute(&mut self.at.connection).await?;
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    /// The transaction has ended by what was sent.
    pub(super) fn has_ended(mut self) {
        self.at.inside = false;
    }

    async fn end(mut self, how: &'static str) -> Result<(), sqlx::Error> {
        if self.at.inside {
            sqlx::query(how).execute(&mut self.at.connection).await?;
        }
        self.has_ended();
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.at.inside {
            return;
        }
        // Other processes wait for the file, so that somebody has to take the next turn soon.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let writer = self.writer.clone();
            runtime.spawn(async move {
                let _undone = writer.turn().await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteJournalMode;

    use super::super::connection::{Connection, Pool};
    use super::super::query::{query, query_scalar, raw};
    use super::*;

    fn writer_of(folder: &tempfile::TempDir, patience: Duration) -> Writer {
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("a.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(patience);
        Writer::new(options, patience)
    }

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn with_table(folder: &tempfile::TempDir) -> Pool {
        let writer = Pool::Writer(writer_of(folder, PATIENCE));
        let table = raw("CREATE TABLE t (n INTEGER)");
        table.execute(&writer).await.unwrap();
        writer
    }

    async fn numbers(writer: &Pool) -> Vec<i64> {
        let numbers = query_scalar("SELECT n FROM t ORDER BY n");
        numbers.fetch_all(writer).await.unwrap()
    }

    async fn begun(writer: &Pool, n: i64) -> super::super::Transaction {
        let mut tx = writer.acquire().await.unwrap().begin().await.unwrap();
        let insert = query("INSERT INTO t VALUES ($1)").bind(n);
        insert.execute(&mut *tx).await.unwrap();
        tx
    }

    #[tokio::test]
    async fn what_is_dropped_half_way_has_not_happened_and_nobody_else_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let writer = with_table(&folder).await;
        begun(&writer, 1).await.commit().await.unwrap();
        begun(&writer, 2).await.rollback().await.unwrap();
        drop(begun(&writer, 3).await);
        assert_eq!(numbers(&writer).await, [1]);

        drop(begun(&writer, 4).await);
        // Another process gets the file as soon as the drop has been followed up.
        let other = Pool::Writer(writer_of(&folder, PATIENCE));
        let tx = other.acquire().await.unwrap().begin().await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_begin_or_commit_that_nobody_waits_for_leaves_nothing_open() {
        let folder = tempfile::tempdir().unwrap();
        let writer = with_table(&folder).await;
        for n in 0..20 {
            let tx = begun(&writer, n).await;
            // Polled once, so that the command is on its way, and dropped. A fast thread of SQLite may
            // have answered by then; that is no fault.
            let _ = futures::poll!(Box::pin(tx.commit()));
            let connection = writer.acquire().await.unwrap();
            let _ = futures::poll!(Box::pin(connection.begin()));
        }
        // Every commit was on its way already: none is undone, none is done by halves.
        begun(&writer, 100).await.commit().await.unwrap();
        let committed: Vec<i64> = (0..20).chain([100]).collect();
        assert_eq!(numbers(&writer).await, committed);
    }

    #[tokio::test]
    async fn a_transaction_begins_and_ends_with_its_pairs() {
        let folder = tempfile::tempdir().unwrap();
        let writer = with_table(&folder).await;
        let filled = raw("INSERT INTO t VALUES (1), (2), (3)");
        filled.execute(&writer).await.unwrap();
        for commits in [false, true] {
            let connection = writer.acquire().await.unwrap();
            let mut tx = connection.begin_with_next().await.unwrap();
            let change = query("UPDATE t SET n = n + 10 WHERE n < $1").bind(3);
            let look = query("SELECT n FROM t WHERE n > $1 ORDER BY n").bind(10);
            let (done, rows) = change.then(look).run(&mut tx).await.unwrap();
            let rows: Vec<i64> = rows.iter().map(|row| row.get("n")).collect();
            assert_eq!((done.rows_affected(), rows), (2, vec![11, 12]));
            let insert = query("INSERT INTO t VALUES ($1)").bind(99);
            let again = query("INSERT INTO t VALUES ($1)").bind(100);
            if commits {
                insert.then(again).commit(tx).await.unwrap();
            } else {
                insert.then(again).run(&mut tx).await.unwrap();
                drop(tx);
            }
            let expected: &[i64] = if commits {
                &[3, 11, 12, 99, 100]
            } else {
                &[1, 2, 3]
            };
            assert_eq!(numbers(&writer).await, expected);
        }
        let connection = writer.acquire().await.unwrap();
        let tx = connection.begin_with_next().await.unwrap();
        let wrong = query("INSERT INTO t VALUES ($1)").bind(7);
        let wrong = wrong.then(query("INSERT INTO nowhere VALUES ($1)").bind(8));
        wrong.commit(tx).await.unwrap_err();
        assert_eq!(numbers(&writer).await.len(), 5);
    }

    #[tokio::test]
    async fn one_at_a_time_and_nobody_after_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Pool::Writer(writer_of(&folder, Duration::from_millis(20)));
        let first: Connection = writer.acquire().await.unwrap();
        let second = writer.acquire().await.unwrap_err();
        assert!(matches!(second, sqlx::Error::PoolTimedOut), "{second}");
        drop(first);
        drop(writer.acquire().await.unwrap());
        writer.close().await;
        let late = writer.acquire().await.unwrap_err();
        assert!(matches!(late, sqlx::Error::PoolClosed), "{late}");
    }
}
