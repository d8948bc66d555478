//! Many rows by one statement.
//!
//! In SQLite `INSERT … VALUES` with a few hundred rows of parameters is twice as fast as handing over
//! a JSON array, and needs no detour for texts. PostgreSQL gets plain rows by `COPY`, and those that
//! may be there already by the same `INSERT`.

use std::collections::HashSet;
use std::sync::Arc;

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
    full: Option<Arc<str>>,
    waiting: Values<'static>,
    /// How many rows wait, and how many of the values are theirs.
    rows: usize,
    ended: usize,
    /// The keys of the rows that wait for PostgreSQL.
    keys: HashSet<Vec<u8>>,
    /// Statements that wait: how many rows, and their values.
    closed: Vec<(usize, Values<'static>)>,
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
            full: None,
            waiting: Values::new(),
            rows: 0,
            ended: 0,
            keys: HashSet::new(),
            closed: Vec::new(),
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
        self.hold_row(connection.engine())?;
        let copied = self.copy.as_ref().map_or(0, Copy::len);
        if copied >= COPIED || !self.closed.is_empty() {
            self.write(connection).await?;
        }
        Ok(())
    }

    /// Ends the row and lets it wait for [`Self::flush`], however many do: so rows can be put together
    /// in one place while those before them are being written in another.
    pub(in crate::db) fn hold_row(&mut self, engine: Engine) -> Result<()> {
        if !self.begun {
            self.begin(engine);
        }
        if let Some(copy) = &mut self.copy {
            copy.add(&self.waiting)?;
            self.waiting.clear();
            return Ok(());
        }
        if !self.key.is_empty() && engine == Engine::Postgres {
            let key = self.key_at_hand()?;
            if self.keys.contains(&key) {
                let row = self.waiting.split_off(self.ended);
                self.close();
                self.waiting = row;
            }
            self.keys.insert(key);
        }
        self.rows += 1;
        self.ended = self.waiting.len();
        if self.rows == ROWS {
            self.close();
        }
        Ok(())
    }

    /// Writes the rows that wait; tells how many rows were written or changed since the beginning.
    pub(in crate::db) async fn flush(&mut self, connection: &mut Connection) -> Result<u64> {
        self.close();
        self.write(connection).await?;
        Ok(self.affected)
    }

    /// The rows that wait become a statement.
    fn close(&mut self) {
        if self.rows > 0 {
            let values = std::mem::take(&mut self.waiting);
            self.closed.push((self.rows, values));
        }
        self.keys.clear();
        self.rows = 0;
        self.ended = 0;
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
        for (rows, values) in std::mem::take(&mut self.closed) {
            let engine = connection.engine();
            let query = if rows == ROWS {
                let full = self.full.take();
                let full = full.unwrap_or_else(|| self.statement(ROWS, engine).into());
                self.full = Some(Arc::clone(&full));
                sql::query(AssertSqlSafe(full))
            } else {
                sql::query(AssertSqlSafe(self.statement(rows, engine))).once()
            };
            let done = query.bind_all(values).execute(&mut *connection).await?;
            self.affected += done.rows_affected();
        }
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

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgPool;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;
    use crate::db::sql::Pool;

    /// A connection to SQLite, and one to PostgreSQL where a server is named.
    async fn connections() -> Vec<Connection> {
        let file = SqlitePoolOptions::new().max_connections(1);
        let file = file.connect("sqlite::memory:").await.unwrap();
        let mut connections = vec![Pool::Sqlite(file).acquire().await.unwrap()];
        #[expect(
            clippy::disallowed_methods,
            reason = "on which server the tests run, is said from outside"
        )]
        let server = std::env::var("REKINDLE_TEST_DATABASE");
        if let Some(server) = server.ok().filter(|server| !server.is_empty()) {
            let server = PgPool::connect(&server).await.unwrap();
            connections.push(Pool::Postgres(server).acquire().await.unwrap());
        }
        connections
    }

    async fn table(connection: &mut Connection, columns: &str) {
        let create = format!("CREATE TEMP TABLE heap ({columns})");
        let create = sql::raw(AssertSqlSafe(create));
        create.execute(connection).await.unwrap();
    }

    const ODD_TEXTS: [&str; 14] = [
        "",
        "\t",
        "a\tb\n\r\nc",
        "\\",
        "\\N",
        "\\.",
        "\\t\\x41\\101",
        "'; DROP TABLE heap; --",
        "\"quoted\" $1 ? {}",
        "Ёлка, ёж",
        "老客户 🍵",
        "مرحبا\u{200f}",
        "e\u{301}\u{feff}",
        "\u{1}\u{1b}[0m\u{7f}",
    ];

    #[tokio::test]
    async fn whatever_stands_in_a_text_comes_out_as_it_went_in() {
        for mut connection in connections().await {
            let columns = "n BIGINT, same BIGINT, text TEXT, real DOUBLE PRECISION, bytes BYTEA";
            table(&mut connection, columns).await;
            // More than is copied together.
            let long = "long\\\t\n".repeat(20_000);
            let texts: Vec<Option<&str>> = [None, Some(long.as_str())]
                .into_iter()
                .chain(ODD_TEXTS.map(Some))
                .collect();
            let mut rows = Bulk::new("heap (n, same, text, real, bytes)", "(?, -7, ?, ?, ?)", "");
            for n in 0..texts.len() * 100 {
                let text = texts[n % texts.len()];
                let bytes = (n % 3 > 0).then(|| vec![0, 0xff, n as u8]);
                rows.add(n as i64).add(text);
                rows.add((n % 2 > 0).then_some(n as f64 / 3.0)).add(bytes);
                rows.end_row(&mut connection).await.unwrap();
            }
            let written = rows.flush(&mut connection).await.unwrap();
            assert_eq!(written, texts.len() as u64 * 100);
            let read = sql::query("SELECT n, same, text, real, bytes FROM heap ORDER BY n");
            let read = read.fetch_all(&mut connection).await.unwrap();
            assert_eq!(read.len(), texts.len() * 100);
            for (n, row) in read.iter().enumerate() {
                assert_eq!(row.get::<i64, _>(0), n as i64);
                assert_eq!(row.get::<i64, _>(1), -7);
                assert_eq!(row.get::<Option<&str>, _>(2), texts[n % texts.len()]);
                let real = (n % 2 > 0).then_some(n as f64 / 3.0);
                assert_eq!(row.get::<Option<f64>, _>(3), real);
                let bytes = (n % 3 > 0).then(|| vec![0, 0xff, n as u8]);
                assert_eq!(row.get::<Option<Vec<u8>>, _>(4), bytes);
            }
        }
    }

    #[tokio::test]
    async fn of_rows_with_one_key_the_later_finds_what_the_earlier_wrote() {
        for mut connection in connections().await {
            let columns = "a TEXT, b BIGINT, least BIGINT, seen BIGINT, PRIMARY KEY (a, b)";
            table(&mut connection, columns).await;
            let mut rows = Bulk::changing(
                "heap (least, a, b, seen)",
                "(?, ?, ?, 1)",
                &[1, 2],
                "ON CONFLICT (a, b) DO UPDATE SET seen = heap.seen + 1,
                     least = CASE WHEN excluded.least < heap.least
                                  THEN excluded.least ELSE heap.least END",
            );
            // "x" + 12 and "x1" + 2 are two keys.
            for n in 0..2_000_i64 {
                rows.add(5_000 - n).add(if n % 2 == 0 { "x" } else { "x1" });
                rows.add(if n < 1_000 { n % 40 } else { 2 });
                rows.end_row(&mut connection).await.unwrap();
            }
            rows.flush(&mut connection).await.unwrap();
            let read = "SELECT count(*), CAST(sum(seen) AS BIGINT),
                               max(CASE WHEN a = 'x' AND b = 2 THEN least END),
                               max(CASE WHEN a = 'x' AND b = 2 THEN seen END) FROM heap";
            let read = sql::query_as::<(i64, i64, i64, i64)>(read);
            let read = read.fetch_optional(&mut connection).await.unwrap();
            assert_eq!(read, Some((41, 2_000, 3_002, 525)));
        }
    }

    #[tokio::test]
    async fn postgresql_is_not_asked_to_keep_what_it_cannot() {
        for mut connection in connections().await {
            table(&mut connection, "text TEXT").await;
            let mut rows = Bulk::new("heap (text)", "(?)", "");
            rows.add("a\0b");
            let ended = rows.end_row(&mut connection).await;
            match connection.engine() {
                Engine::Sqlite => ended.unwrap(),
                Engine::Postgres => {
                    let said = ended.unwrap_err().to_string();
                    assert!(said.contains("NUL"), "{said}");
                }
            }
            let one = sql::query_scalar::<i64>("SELECT 1");
            assert_eq!(one.fetch_one(&mut connection).await.unwrap(), 1);
        }
    }
}
