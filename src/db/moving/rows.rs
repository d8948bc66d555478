//! Rows on their way: read from the file one by one, written as PostgreSQL takes them in bulk.
//!
//! The binary form of `COPY` is the one in which a row looks the same on its way in and on its way out:
//! numbers are their eight bytes, texts and bytes are what they are. So whether a row arrived as it
//! left is a comparison of bytes.
//! Source: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use futures::TryStreamExt;
use sqlx::AssertSqlSafe;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::tables::{Kind, Table};
use super::{MoveError, Moving};

/// What stands before the first row: the signature, no flags, no extension.
pub(super) const HEAD: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What stands behind the last one: a row of -1 columns.
pub(super) const END: [u8; 2] = [0xff; 2];

/// Bytes that travel together.
const PARCEL: usize = 1 << 18;

/// How often it is told how far it has come.
pub(super) const STEP: u64 = 1_000;

/// Copies every row of a table.
pub(super) async fn copy(
    table: &Table,
    from: &mut SqliteConnection,
    to: &mut PgConnection,
    progress: &mut (dyn FnMut(Moving) + Send),
) -> Result<(), MoveError> {
    let mut into = to.copy_in_raw(&table.copy_in()).await?;
    let mut parcel = HEAD.to_vec();
    let mut done = 0;
    let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(from);
    while let Some(row) = rows.try_next().await? {
        done += 1;
        write(table, &row, done, &mut parcel)?;
        if parcel.len() >= PARCEL {
            into.send(parcel.as_slice()).await?;
            parcel.clear();
        }
        if done % STEP == 0 {
            progress(Moving::Done(STEP));
        }
    }
    parcel.extend_from_slice(&END);
    into.send(parcel.as_slice()).await?;
    into.finish().await?;
    progress(Moving::Done(done % STEP));
    Ok(())
}

/// Writes a row of the file, the `number`th, as PostgreSQL takes it.
pub(super) fn write(
    table: &Table,
    row: &SqliteRow,
    number: u64,
    into: &mut Vec<u8>,
) -> Result<(), MoveError> {
    let columns = u16::try_from(table.columns.len()).unwrap_or_default();
    into.extend_from_slice(&columns.to_be_bytes());
    for (at, column) in table.columns.iter().enumerate() {
        match column.kind {
            Kind::Int => {
                let value: Option<i64> = row.try_get(at)?;
                field(
                    into,
                    value
                        .map(i64::to_be_bytes)
                        .as_ref()
                        .map(<[u8; 8]>::as_slice),
                );
            }
            Kind::Real => {
                let value: Option<f64> = row.try_get(at)?;
                field(
                    into,
                    value
                        .map(f64::to_be_bytes)
                        .as_ref()
                        .map(<[u8; 8]>::as_slice),
                );
            }
            Kind::Text => {
                let value: Option<&str> = row.try_get(at)?;
                let value = value.map(str::as_bytes);
                if value.is_some_and(|text| memchr::memchr(0, text).is_some()) {
                    return Err(MoveError::Nul {
                        table: table.name.clone(),
                        column: column.name.clone(),
                        row: number,
                    });
                }
                field(into, value);
            }
            Kind::Bytes => field(into, row.try_get(at)?),
        }
    }
    Ok(())
}

/// A field: its length and its bytes, or a length of -1.
fn field(into: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(bytes) => {
            let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
            into.extend_from_slice(&length.to_be_bytes());
            into.extend_from_slice(bytes);
        }
        None => into.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}
