//! Moving a base from a file of SQLite into an empty database of PostgreSQL.
//!
//! Everything is copied in one transaction and read back in it, row by row, before it is committed:
//! nobody ever sees a base that is half there. The old file is marked before the new base comes to
//! life, so at no moment two bases could send; what it takes to go back is in [`marks`].
//!
//! Deliberately absent: a way back from PostgreSQL, and merging into a base that is not empty.

mod marks;
mod rows;
mod tables;
mod target;
mod verify;

use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

use super::sql::Transaction;
use super::{Place, Result, Store, StoreError};

pub use marks::MOVED;

/// A table that was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedTable {
    /// Its name.
    pub table: String,
    /// Its rows: as many here as there.
    pub rows: u64,
    /// SHA-256 over all rows in the order of their keys, hexadecimal: the same here and there.
    pub digest: String,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// So many rows are to be copied, and then to be compared.
    Rows(u64),
    /// So many rows more were copied, or compared.
    Done(u64),
}

/// Why a base was not moved. Nothing has happened then, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// One of the databases.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source is no file, or the target no server.
    #[error(
        "a base is moved from a file of SQLite into a database of PostgreSQL, not from {from} to {to}"
    )]
    Direction {
        /// The source.
        from: Place,
        /// The target.
        to: Place,
    },
    /// The server is too old, or keeps texts in another encoding.
    #[error("{place} will not do: {why}")]
    Unfit {
        /// The target.
        place: Place,
        /// What is wrong with it.
        why: String,
    },
    /// Something is in the target.
    #[error(
        "{place} is not empty: {what}; make a new database (createdb), or name an empty schema \
         (?options[search_path]=NAME){before}"
    )]
    NotEmpty {
        /// The target.
        place: Place,
        /// What was found.
        what: String,
        /// What is known of an earlier attempt, as the end of the sentence.
        before: String,
    },
    /// A text that PostgreSQL cannot keep.
    #[error(
        "table {table}, column {column}, row {row} in the order of its key: a text with a NUL \
         character, which PostgreSQL cannot keep; correct it at its source and import again"
    )]
    Nul {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The number of the row, from 1 on.
        row: u64,
    },
    /// The two bases do not have the same tables and columns.
    #[error("the tables of both sides do not fit together: {0}")]
    Shape(String),
    /// What came out is not what was put in.
    #[error("table {table} came out differently: {what}; nothing was kept of it")]
    Differs {
        /// The table.
        table: String,
        /// The first difference.
        what: String,
    },
    /// The very last step.
    #[error(
        "nobody knows whether the last step was kept: {0}; the old base is marked as moved. Move again: \
         if the new database is empty it is simply done once more, and if it is not, everything is there"
    )]
    Commit(StoreError),
}

impl From<sqlx::Error> for MoveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Moves everything into `target`, which [`Store::open_empty`] has opened, and marks this base as
    /// moved there. `progress` hears how far it has come.
    ///
    /// The caller holds every lock of both bases. What was being sent keeps its state and its lease.
    pub async fn move_to(
        &self,
        target: &Self,
        now_ms: i64,
        progress: &mut (dyn FnMut(Moving) + Send),
    ) -> Result<Vec<MovedTable>, MoveError> {
        // Whoever wants to write meanwhile waits, and then finds the mark.
        let mut from = self.begin().await?;
        let mut to = target.begin().await?;
        marks::nobody_is_alive(&mut from).await?;
        let tables = tables::all(sqlite(&mut from).await?, postgres(&mut to)?).await?;
        tables::clear_of_trials(&mut to).await?;
        let mut total = 0;
        for table in &tables {
            total += table.count(sqlite(&mut from).await?).await?;
        }
        progress(Moving::Rows(total));
        for table in &tables {
            table.triggers(postgres(&mut to)?, "DISABLE").await?;
            rows::copy(
                table,
                sqlite(&mut from).await?,
                postgres(&mut to)?,
                progress,
            )
            .await?;
        }
        let mut moved = Vec::with_capacity(tables.len());
        for table in &tables {
            let compared = verify::compare(
                table,
                sqlite(&mut from).await?,
                postgres(&mut to)?,
                progress,
            );
            moved.push(compared.await?);
        }
        for table in &tables {
            table.triggers(postgres(&mut to)?, "ENABLE").await?;
            table.set_sequences(postgres(&mut to)?).await?;
        }
        marks::mark(&mut from, target.place(), now_ms).await?;
        from.commit().await?;
        to.commit()
            .await
            .map_err(|error| MoveError::Commit(error.into()))?;
        // So that the first plan there is not made blindly; the base is whole without it.
        for table in &tables {
            let _ = target.analyze(&table.name).await;
        }
        Ok(moved)
    }

    async fn analyze(&self, table: &str) -> Result<()> {
        let statement = format!("ANALYZE {}", tables::quoted(table));
        super::sql::raw_of("", AssertSqlSafe(statement))
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

/// The connection to the file.
async fn sqlite(tx: &mut Transaction) -> Result<&mut SqliteConnection, MoveError> {
    let connection = tx.sqlite().await?;
    connection.ok_or_else(|| MoveError::Shape("the source is no file".to_owned()))
}

/// The connection to the server.
fn postgres(tx: &mut Transaction) -> Result<&mut PgConnection, MoveError> {
    let connection = tx.postgres();
    connection.ok_or_else(|| MoveError::Shape("the target is no server".to_owned()))
}
