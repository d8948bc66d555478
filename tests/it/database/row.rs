//! Rows as a test reads them: the same values from either database.

use std::fmt;

use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Column, Decode, Row as _, Sqlite, TypeInfo, ValueRef};

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(Vec<(String, Cell)>);

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What a value can be read as.
pub(crate) trait Field<'r>: Sized {
    fn of(cell: &'r Cell) -> Option<Self>;
}

/// How a column is named.
pub(crate) trait At: fmt::Debug + Copy {
    fn of(self, row: &Row) -> Option<&Cell>;
}

impl At for usize {
    fn of(self, row: &Row) -> Option<&Cell> {
        row.0.get(self).map(|(_, cell)| cell)
    }
}

impl At for &str {
    fn of(self, row: &Row) -> Option<&Cell> {
        let named = row.0.iter().find(|(name, _)| name == self);
        named.map(|(_, cell)| cell)
    }
}

impl Row {
    /// A column, by its number or its name.
    pub(crate) fn get<'r, T: Field<'r>, I: At>(&'r self, at: I) -> T {
        let cell = at.of(self);
        let read = cell.and_then(T::of);
        read.unwrap_or_else(|| panic!("column {at:?} of {self:?}"))
    }

    /// All columns with their names.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&str, &Cell)> {
        self.0.iter().map(|(name, cell)| (name.as_str(), cell))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("-"),
            Self::Int(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl fmt::Display for Row {
    /// Its values in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<String> = self.0.iter().map(|(_, cell)| cell.to_string()).collect();
        f.write_str(&cells.join("|"))
    }
}

impl Field<'_> for i64 {
    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(*value),
            _ => None,
        }
    }
}

impl Field<'_> for bool {
    fn of(cell: &Cell) -> Option<Self> {
        <i64 as Field>::of(cell).map(|value| value != 0)
    }
}

impl Field<'_> for f64 {
    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Real(value) => Some(*value),
            Cell::Int(value) => Some(*value as Self),
            _ => None,
        }
    }
}

impl<'r> Field<'r> for &'r str {
    fn of(cell: &'r Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Field<'_> for String {
    fn of(cell: &Cell) -> Option<Self> {
        <&str as Field>::of(cell).map(str::to_owned)
    }
}

impl Field<'_> for Vec<u8> {
    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl<'r, T: Field<'r>> Field<'r> for Option<T> {
    fn of(cell: &'r Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => <T as Field>::of(cell).map(Some),
        }
    }
}

/// As SQLite gives them.
pub(super) fn of_sqlite(rows: &[SqliteRow]) -> Vec<Row> {
    let cell = |row: &SqliteRow, at| sqlite_cell(row.try_get_raw(at)?);
    read(rows, cell)
}

/// As PostgreSQL gives them to statements without values: everything as text.
pub(super) fn of_postgres(rows: &[PgRow]) -> Vec<Row> {
    let cell = |row: &PgRow, at| postgres_cell(&row.try_get_raw(at)?);
    read(rows, cell)
}

type Read = Result<Cell, Box<dyn std::error::Error + Send + Sync>>;

fn read<R: sqlx::Row>(rows: &[R], cell: impl Fn(&R, usize) -> Read) -> Vec<Row> {
    let named = |row: &R| {
        let columns = row.columns().iter();
        let cells = columns.map(|column| {
            let cell = cell(row, column.ordinal());
            let cell = cell.unwrap_or_else(|error| panic!("column {}: {error}", column.name()));
            (column.name().to_owned(), cell)
        });
        Row(cells.collect())
    };
    rows.iter().map(named).collect()
}

fn sqlite_cell(value: SqliteValueRef<'_>) -> Read {
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => Cell::Int(<i64 as Decode<Sqlite>>::decode(value)?),
        "REAL" => Cell::Real(<f64 as Decode<Sqlite>>::decode(value)?),
        "BLOB" => Cell::Bytes(<Vec<u8> as Decode<Sqlite>>::decode(value)?),
        _ => Cell::Text(<String as Decode<Sqlite>>::decode(value)?),
    })
}

fn postgres_cell(value: &PgValueRef<'_>) -> Read {
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let text = value.as_str()?;
    Ok(match value.type_info().name() {
        "INT2" | "INT4" | "INT8" => Cell::Int(text.parse()?),
        "BOOL" => Cell::Int((text == "t").into()),
        "FLOAT4" | "FLOAT8" => Cell::Real(text.parse()?),
        "NUMERIC" => match text.parse() {
            Ok(whole) => Cell::Int(whole),
            Err(_) => Cell::Real(text.parse()?),
        },
        "BYTEA" => Cell::Bytes(bytes(text)?),
        _ => Cell::Text(text.to_owned()),
    })
}

/// Bytes from `\x` and their digits.
fn bytes(text: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let digits = text.strip_prefix("\\x").ok_or("bytes begin with \\x")?;
    let pairs = (0..digits.len()).step_by(2);
    let byte = |at| Ok(u8::from_str_radix(&digits[at..at + 2], 16)?);
    pairs.map(byte).collect()
}
