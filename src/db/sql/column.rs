//! Rows as they come out, and what their columns can be read as.

use std::borrow::Cow;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    Column as _, ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type, TypeInfo, ValueRef,
};

use super::value::Value;

/// A row of either database.
#[derive(Debug)]
pub(in crate::db) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column may be read as. SQLite gives every kind as it is; PostgreSQL has more kinds of its own.
pub(in crate::db) trait Column<'r>:
    Sized + Decode<'r, Sqlite> + Type<Sqlite>
{
    fn of_postgres<I: ColumnIndex<PgRow>>(row: &'r PgRow, at: I) -> Result<Self, sqlx::Error>;
}

/// What a whole row may be read as.
pub(in crate::db) trait Fields: Sized {
    fn of(row: &Row) -> Result<Self, sqlx::Error>;
}

impl Row {
    /// Reads a column that a statement of ours names.
    ///
    /// # Panics
    ///
    /// When the statement gives no such column, or one of another kind: a mistake in the source.
    pub(in crate::db) fn get<'r, T, I>(&'r self, at: I) -> T
    where
        T: Column<'r>,
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> + std::fmt::Debug + Copy,
    {
        match self.try_get(at) {
            Ok(value) => value,
            Err(error) => panic!("column {at:?}: {error}"),
        }
    }

    /// Reads a column.
    pub(in crate::db) fn try_get<'r, T, I>(&'r self, at: I) -> Result<T, sqlx::Error>
    where
        T: Column<'r>,
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(at),
            Self::Postgres(row) => T::of_postgres(row, at),
        }
    }
}

impl Row {
    /// Every column with its name, by the kind of its value.
    pub(in crate::db) fn cells(&self) -> Result<Vec<(String, Value<'static>)>, sqlx::Error> {
        let columns: Vec<(String, String)> = match self {
            Self::Sqlite(row) => kinds(row, |at| {
                row.try_get_raw(at)
                    .map(|value| value.type_info().name().to_owned())
            })?,
            Self::Postgres(row) => kinds(row, |at| {
                row.try_get_raw(at)
                    .map(|value| value.type_info().name().to_owned())
            })?,
        };
        let cells = columns.into_iter().enumerate().map(|(at, (name, kind))| {
            let value = match kind.as_str() {
                "INTEGER" | "INT8" | "INT4" | "BOOL" => Value::Int(self.try_get(at)?),
                "REAL" | "FLOAT8" => Value::Real(self.try_get(at)?),
                "BLOB" | "BYTEA" => {
                    let bytes: Option<Vec<u8>> = self.try_get(at)?;
                    Value::Bytes(bytes.map(Cow::Owned))
                }
                _ => {
                    let text: Option<String> = self.try_get(at)?;
                    Value::Text(text.map(Cow::Owned))
                }
            };
            Ok((name, value))
        });
        cells.collect()
    }
}

/// The names of the columns and the kinds of their values.
fn kinds<R: sqlx::Row>(
    row: &R,
    kind: impl Fn(usize) -> Result<String, sqlx::Error>,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let columns = row.columns().iter();
    columns
        .map(|column| Ok((column.name().to_owned(), kind(column.ordinal())?)))
        .collect()
}

/// The same in both databases.
macro_rules! plain_columns {
    ($($kind:ty),*) => {$(
        impl<'r> Column<'r> for $kind {
            fn of_postgres<I: ColumnIndex<PgRow>>(
                row: &'r PgRow,
                at: I,
            ) -> Result<Self, sqlx::Error> {
                row.try_get(at)
            }
        }
    )*};
}
plain_columns!(f64, String, Vec<u8>, &'r str, &'r [u8]);

/// Whole numbers: what counts or compares comes out of PostgreSQL in kinds of its own.
macro_rules! integer_columns {
    ($($kind:ty),*) => {$(
        impl<'r> Column<'r> for $kind {
            fn of_postgres<I: ColumnIndex<PgRow>>(
                row: &'r PgRow,
                at: I,
            ) -> Result<Self, sqlx::Error> {
                let value = integer(row.try_get_raw(at)?)?;
                Self::try_from(value).map_err(|error| sqlx::Error::Decode(error.into()))
            }
        }
    )*};
}
integer_columns!(i64, i32, u32);

impl<'r> Column<'r> for bool {
    fn of_postgres<I: ColumnIndex<PgRow>>(row: &'r PgRow, at: I) -> Result<Self, sqlx::Error> {
        Ok(integer(row.try_get_raw(at)?)? != 0)
    }
}

fn integer(value: sqlx::postgres::PgValueRef<'_>) -> Result<i64, sqlx::Error> {
    let kind = value.type_info();
    let read = match kind.name() {
        "INT8" => <i64 as Decode<'_, Postgres>>::decode(value),
        "INT4" => <i32 as Decode<'_, Postgres>>::decode(value).map(i64::from),
        "BOOL" => <bool as Decode<'_, Postgres>>::decode(value).map(i64::from),
        other => Err(format!("a whole number was expected, not {other}").into()),
    };
    read.map_err(sqlx::Error::Decode)
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn of_postgres<I: ColumnIndex<PgRow>>(row: &'r PgRow, at: I) -> Result<Self, sqlx::Error> {
        let at = at.index(row)?;
        if row.try_get_raw(at)?.is_null() {
            return Ok(None);
        }
        T::of_postgres(row, at).map(Some)
    }
}

macro_rules! fields {
    ($($kind:ident $at:literal),*) => {
        impl<$($kind: for<'r> Column<'r>),*> Fields for ($($kind,)*) {
            fn of(row: &Row) -> Result<Self, sqlx::Error> {
                Ok(($(row.try_get::<$kind, _>($at)?,)*))
            }
        }
    };
}
fields!(A 0);
fields!(A 0, B 1);
fields!(A 0, B 1, C 2);
fields!(A 0, B 1, C 2, D 3);
fields!(A 0, B 1, C 2, D 3, E 4);
fields!(A 0, B 1, C 2, D 3, E 4, F 5);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
fields!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
