//! Statements with their values.

use std::marker::PhantomData;

use sqlx::postgres::PgArguments;
use sqlx::query::Query as Prepared;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, SqlSafeStr, SqlStr, Sqlite};

use super::column::{Column, Fields, Row};
use super::connection::{Engine, Executor, Way};
use super::pair::Pair;
use super::value::{Bind, Values, for_postgres, for_sqlite};

/// The text of a statement.
enum Text {
    /// Both databases understand it.
    Same(SqlStr),
    /// One for each.
    Each { sqlite: SqlStr, postgres: SqlStr },
}

impl Text {
    fn of(self, engine: Engine) -> SqlStr {
        match (self, engine) {
            (Self::Same(text), _)
            | (Self::Each { sqlite: text, .. }, Engine::Sqlite)
            | (Self::Each { postgres: text, .. }, Engine::Postgres) => text,
        }
    }
}

/// A statement whose rows are read by hand.
#[must_use]
pub(in crate::db) struct Query<'q> {
    text: Text,
    pub(super) values: Values<'q>,
    kept: bool,
}

/// A statement whose rows have one column.
#[must_use]
pub(in crate::db) struct Scalar<'q, T>(Query<'q>, PhantomData<fn() -> T>);

/// A statement whose rows are read as tuples.
#[must_use]
pub(in crate::db) struct As<'q, T>(Query<'q>, PhantomData<fn() -> T>);

/// What a statement has done.
#[derive(Clone, Copy, Debug)]
pub(in crate::db) struct Done(pub(super) u64);

impl Done {
    /// How many rows were written, changed or deleted.
    pub(in crate::db) fn rows_affected(self) -> u64 {
        self.0
    }
}

/// A statement that both databases understand.
pub(in crate::db) fn query<'q>(text: impl SqlSafeStr) -> Query<'q> {
    Query::new(Text::Same(text.into_sql_str()))
}

/// A statement in the words of each database; the values are the same.
pub(in crate::db) fn query_of<'q>(sqlite: impl SqlSafeStr, postgres: impl SqlSafeStr) -> Query<'q> {
    Query::new(Text::Each {
        sqlite: sqlite.into_sql_str(),
        postgres: postgres.into_sql_str(),
    })
}

/// A statement that gives one column.
pub(in crate::db) fn query_scalar<'q, T>(text: impl SqlSafeStr) -> Scalar<'q, T> {
    query(text).scalar()
}

/// A statement that gives tuples.
pub(in crate::db) fn query_as<'q, T: Fields>(text: impl SqlSafeStr) -> As<'q, T> {
    query(text).tuples()
}

/// Statements without values, one after the other, that both databases understand.
pub(in crate::db) fn raw(text: impl SqlSafeStr) -> Raw {
    Raw(Text::Same(text.into_sql_str()))
}

/// As [`raw`], in the words of each database.
pub(in crate::db) fn raw_of(sqlite: impl SqlSafeStr, postgres: impl SqlSafeStr) -> Raw {
    Raw(Text::Each {
        sqlite: sqlite.into_sql_str(),
        postgres: postgres.into_sql_str(),
    })
}

/// Statements without values.
#[must_use]
pub(in crate::db) struct Raw(Text);

impl Raw {
    /// Runs them. Nothing is done where the text for this database is empty.
    pub(in crate::db) async fn execute<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Done, sqlx::Error> {
        let mut held = executor.through().held().await?;
        let text = self.0.of(held.engine());
        if text.as_str().is_empty() {
            return Ok(Done(0));
        }
        let raw = sqlx::raw_sql(text);
        Ok(Done(match held.way() {
            Way::Sqlite(at) => Box::pin(raw.execute(at)).await?.rows_affected(),
            Way::Postgres(at) => Box::pin(raw.execute(at)).await?.rows_affected(),
        }))
    }
}

impl<'q> Query<'q> {
    /// Its text for SQLite.
    pub(super) fn text_of_sqlite(&self) -> &str {
        match &self.text {
            Text::Same(text) | Text::Each { sqlite: text, .. } => text.as_str(),
        }
    }

    fn new(text: Text) -> Self {
        Self {
            text,
            values: Values::new(),
            kept: true,
        }
    }

    /// Adds the next value.
    pub(in crate::db) fn bind<T: Bind<'q>>(mut self, value: T) -> Self {
        self.values.push(T::value(Some(value)));
        self
    }

    /// All values at once.
    pub(in crate::db) fn bind_all(mut self, values: Values<'q>) -> Self {
        self.values = values;
        self
    }

    /// The statement is not prepared for a second time.
    pub(in crate::db) fn once(mut self) -> Self {
        self.kept = false;
        self
    }

    /// Then another one, which sees what this one has done. In SQLite, where each way to the database
    /// costs two switches of threads, both go by one way.
    pub(in crate::db) fn then(self, second: Self) -> Pair<'q> {
        Pair::of(self, second)
    }

    /// Its rows have one column.
    pub(in crate::db) fn scalar<T>(self) -> Scalar<'q, T> {
        Scalar(self, PhantomData)
    }

    /// Its rows are tuples.
    pub(in crate::db) fn tuples<T: Fields>(self) -> As<'q, T> {
        As(self, PhantomData)
    }

    // Futures of sqlx are large and stand in every function that asks something: boxed they are not
    // moved about with it.
    fn for_sqlite(self) -> Result<Prepared<'static, Sqlite, SqliteArguments>, sqlx::Error> {
        let values = for_sqlite(self.values)?;
        let query = sqlx::query_with(self.text.of(Engine::Sqlite), values);
        Ok(query.persistent(self.kept))
    }

    fn for_postgres(self) -> Result<Prepared<'static, Postgres, PgArguments>, sqlx::Error> {
        let values = for_postgres(self.values)?;
        let query = sqlx::query_with(self.text.of(Engine::Postgres), values);
        Ok(query.persistent(self.kept))
    }

    /// Runs it.
    pub(in crate::db) async fn execute<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Done, sqlx::Error> {
        Ok(Done(match executor.through().held().await?.way() {
            Way::Sqlite(at) => Box::pin(self.for_sqlite()?.execute(at))
                .await?
                .rows_affected(),
            Way::Postgres(at) => Box::pin(self.for_postgres()?.execute(at))
                .await?
                .rows_affected(),
        }))
    }

    /// All rows.
    pub(in crate::db) async fn fetch_all<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        Ok(match executor.through().held().await?.way() {
            Way::Sqlite(at) => {
                let rows = Box::pin(self.for_sqlite()?.fetch_all(at)).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Way::Postgres(at) => {
                let rows = Box::pin(self.for_postgres()?.fetch_all(at)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row, where there is one.
    pub(in crate::db) async fn fetch_optional<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(match executor.through().held().await?.way() {
            Way::Sqlite(at) => {
                let row = Box::pin(self.for_sqlite()?.fetch_optional(at)).await?;
                row.map(Row::Sqlite)
            }
            Way::Postgres(at) => {
                let row = Box::pin(self.for_postgres()?.fetch_optional(at)).await?;
                row.map(Row::Postgres)
            }
        })
    }

    /// The first row; an error where there is none.
    pub(in crate::db) async fn fetch_one<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Row, sqlx::Error> {
        let row = self.fetch_optional(executor).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }
}

impl<'q, T: for<'r> Column<'r>> Scalar<'q, T> {
    /// Adds the next value.
    pub(in crate::db) fn bind<V: Bind<'q>>(self, value: V) -> Self {
        Self(self.0.bind(value), PhantomData)
    }

    /// All values.
    pub(in crate::db) async fn fetch_all<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Vec<T>, sqlx::Error> {
        let rows = self.0.fetch_all(executor).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }

    /// The first value, where there is a row.
    pub(in crate::db) async fn fetch_optional<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Option<T>, sqlx::Error> {
        let row = self.0.fetch_optional(executor).await?;
        row.map(|row| row.try_get(0)).transpose()
    }

    /// The first value; an error where there is no row.
    pub(in crate::db) async fn fetch_one<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<T, sqlx::Error> {
        self.0.fetch_one(executor).await?.try_get(0)
    }
}

impl<'q, T: Fields> As<'q, T> {
    /// Adds the next value.
    pub(in crate::db) fn bind<V: Bind<'q>>(self, value: V) -> Self {
        Self(self.0.bind(value), PhantomData)
    }

    /// The first row, where there is one.
    pub(in crate::db) async fn fetch_optional<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> Result<Option<T>, sqlx::Error> {
        let row = self.0.fetch_optional(executor).await?;
        row.map(|row| T::of(&row)).transpose()
    }
}
