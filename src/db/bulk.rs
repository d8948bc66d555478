//! Many rows by one statement.
//!
//! In SQLite `INSERT … VALUES` with a few hundred rows of parameters is twice as fast as handing over
//! a JSON array, and needs no detour for texts. PostgreSQL gets plain rows by `COPY`, and those that
//! may be there already by the same `INSERT`.

use std::collections::HashSet;

use sqlx::AssertSqlSafe;

use super::Result;
use super::copy::{Copy, push};
use super::sql::{self, Bind, Connection, Engine, Values};

/// Rows of one statement: more gain nothing.
const ROWS: usize = 500;

/// Bytes that are copied together.
const COPIED: usize = 512 * 1024;

/// Rows that wait to be written together.
pub(in crate::db) struct Bulk {
    /// The table and its columns: `clients (id, name)`.
    into: String,
    /// One row: `(?, ?, 7)`.
    row: String,
    /// After the rows: `ON CONFLICT …`.
    tail: &'static str,
    /// Which values of a row its conflict is about, where `tail` changes what is there already.
    key: &'static [usize],
    /// The statement of as many rows as one takes, once it has been needed.
    full: String,
    waiting: Values<'static>,
    /// How many rows wait, and how many of the values are theirs.
    rows: usize,
    ended: usize,
    /// The keys of the rows that wait for PostgreSQL.
    keys: HashSet<Vec<u8>>,
    /// Instead of all that, where the rows are copied.
    copy: Option<Copy>,
    begun: bool,
    affected: u64,
}

impl Bulk {
    /// Rows of the form `row` for a table with its columns. `tail` says what becomes of rows that are
    /// there already; it does not change them.
    pub(in crate::db) fn new(
        into: impl Into<String>,
        row: impl Into<String>,
        tail: &'static str,
    ) -> Self {
        Self {
            into: into.into(),
            row: row.into(),
            tail,
            key: &[],
            full: String::new(),
            waiting: Values::new(),
            rows: 0,
            ended: 0,
            keys: HashSet::new(),
            copy: None,
            begun: false,
            affected: 0,
        }
    }

    /// As [`Self::new`], where `tail` changes what is there already: `key` are the places, from 0, of
    /// the values that its conflict is about.
    ///
    /// PostgreSQL refuses to change a row twice by one statement, SQLite does it: so a row with the
    /// key of one that waits begins a new statement there, and finds what the first has written.
    pub(in crate::db) fn changing(
        into: impl Into<String>,
        row: impl Into<String>,
        key: &'static [usize],
        tail: &'static str,
    ) -> Self {
        Self {
            key,
            ..Self::new(into, row, tail)
        }
    }

    /// Adds the next value of the row.
    pub(in crate::db) fn add<'t, T: Bind<'t>>(&mut self, value: T) -> &mut Self {
        self.waiting.push(T::value(Some(value)).into_owned());
        self
    }

    /// Ends the row, and writes all that wait when they are many.
    pub(in crate::db) async fn end_row(&mut self, connection: &mut Connection) -> Result<()> {
        if !self.begun {
            self.begin(connection.engine());
        }
        if let Some(copy) = &mut self.copy {
            copy.add(&self.waiting)?;
            self.waiting.clear();
            if copy.len() >= COPIED {
                self.write(connection).await?;
            }
            return Ok(());
        }
        if !self.key.is_empty() && connection.engine() == Engine::Postgres {
            let key = self.key_at_hand()?;
            if self.keys.contains(&key) {
                let row = self.waiting.split_off(self.ended);
                self.write(connection).await?;
                self.waiting = row;
            }
            self.keys.insert(key);
        }
        self.rows += 1;
        self.ended = self.waiting.len();
        if self.rows == ROWS {
            self.write(connection).await?;
        }
        Ok(())
    }

    /// Writes the rows that wait; tells how many rows were written or changed since the beginning.
    pub(in crate::db) async fn flush(&mut self, connection: &mut Connection) -> Result<u64> {
        self.write(connection).await?;
        Ok(self.affected)
    }

    /// Finds the way into the table.
    fn begin(&mut self, engine: Engine) {
        debug_assert!(
            !self.key.is_empty() || !self.tail.contains("DO UPDATE"),
            "without a key PostgreSQL may be asked to change a row twice: {}",
            self.into
        );
        self.begun = true;
        if engine == Engine::Postgres && self.tail.is_empty() {
            self.copy = Copy::of(&self.into, &self.row);
        }
    }

    /// The key of the row that is about to end.
    fn key_at_hand(&self) -> Result<Vec<u8>> {
        let row = &self.waiting[self.ended..];
        let mut key = Vec::new();
        for place in self.key {
            push(&mut key, &row[*place])?;
        }
        Ok(key)
    }

    async fn write(&mut self, connection: &mut Connection) -> Result<()> {
        if let (Some(copy), Some(connection)) = (&mut self.copy, connection.postgres()) {
            self.affected += copy.send(connection).await?;
            return Ok(());
        }
        let values = std::mem::take(&mut self.waiting);
        self.keys.clear();
        self.ended = 0;
        let query = match std::mem::take(&mut self.rows) {
            0 => return Ok(()),
            ROWS => {
                if self.full.is_empty() {
                    self.full = self.statement(ROWS, connection.engine());
                }
                sql::query(AssertSqlSafe(self.full.as_str()))
            }
            few => sql::query(AssertSqlSafe(self.statement(few, connection.engine()))).once(),
        };
        let done = query.bind_all(values).execute(connection).await?;
        self.affected += done.rows_affected();
        Ok(())
    }

    /// The statement of so many rows. PostgreSQL wants its parameters numbered.
    fn statement(&self, rows: usize, engine: Engine) -> String {
        let length = self.into.len() + (self.row.len() + 1) * rows + self.tail.len() + 22;
        let mut statement = String::with_capacity(length);
        statement.push_str("INSERT INTO ");
        statement.push_str(&self.into);
        statement.push_str(" VALUES");
        let mut parameter = 0;
        for number in 0..rows {
            statement.push(if number == 0 { ' ' } else { ',' });
            match engine {
                Engine::Sqlite => statement.push_str(&self.row),
                Engine::Postgres => push_numbered(&mut statement, &self.row, &mut parameter),
            }
        }
        statement.push(' ');
        statement.push_str(self.tail);
        statement
    }
}

fn push_numbered(statement: &mut String, row: &str, parameter: &mut usize) {
    for part in row.split_inclusive('?') {
        match part.strip_suffix('?') {
            Some(before) => {
                *parameter += 1;
                statement.push_str(before);
                statement.push('$');
                statement.push_str(&parameter.to_string());
            }
            None => statement.push_str(part),
        }
    }
}
