//! Many rows by one statement.
//!
//! `INSERT … VALUES` with a few hundred rows of parameters is twice as fast here as handing over a
//! JSON array, and needs no detour for texts.

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, Type};

use super::Result;

/// Rows of one statement: more gain nothing.
const ROWS: usize = 500;

/// Rows that wait to be written together.
pub(in crate::db) struct Bulk {
    /// Before the rows: `INSERT INTO … VALUES`.
    head: String,
    /// One row: `(?, ?, 7)`.
    row: String,
    /// After the rows: `ON CONFLICT …`.
    tail: &'static str,
    full: String,
    waiting: SqliteArguments,
    rows: usize,
    affected: u64,
}

impl Bulk {
    /// Rows of the form `row` between `head` and `tail`.
    pub(in crate::db) fn new(
        head: impl Into<String>,
        row: impl Into<String>,
        tail: &'static str,
    ) -> Self {
        let (head, row) = (head.into(), row.into());
        Self {
            full: statement(&head, &row, tail, ROWS),
            head,
            row,
            tail,
            waiting: SqliteArguments::default(),
            rows: 0,
            affected: 0,
        }
    }

    /// Adds the next value of the row.
    pub(in crate::db) fn add<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(
        &mut self,
        value: T,
    ) -> Result<&mut Self> {
        self.waiting.add(value).map_err(sqlx::Error::Encode)?;
        Ok(self)
    }

    /// Ends the row, and writes all that wait when they are many.
    pub(in crate::db) async fn end_row(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        self.rows += 1;
        if self.rows < ROWS {
            return Ok(());
        }
        self.rows = 0;
        let values = std::mem::take(&mut self.waiting);
        let query = sqlx::query_with(AssertSqlSafe(self.full.as_str()), values);
        self.affected += query.execute(connection).await?.rows_affected();
        Ok(())
    }

    /// Writes the rows that wait; tells how many rows were written or changed since the beginning.
    pub(in crate::db) async fn flush(&mut self, connection: &mut SqliteConnection) -> Result<u64> {
        if self.rows > 0 {
            let statement = statement(&self.head, &self.row, self.tail, self.rows);
            self.rows = 0;
            let values = std::mem::take(&mut self.waiting);
            let query = sqlx::query_with(AssertSqlSafe(statement), values).persistent(false);
            self.affected += query.execute(connection).await?.rows_affected();
        }
        Ok(self.affected)
    }
}

fn statement(head: &str, row: &str, tail: &str, rows: usize) -> String {
    let mut statement = String::with_capacity(head.len() + (row.len() + 1) * rows + tail.len() + 2);
    statement.push_str(head);
    for number in 0..rows {
        statement.push(if number == 0 { ' ' } else { ',' });
        statement.push_str(row);
    }
    statement.push(' ');
    statement.push_str(tail);
    statement
}
