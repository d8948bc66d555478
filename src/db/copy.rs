//! Rows as `COPY … FROM STDIN (FORMAT binary)` takes them: the quickest way into PostgreSQL.
//!
//! In the binary format nothing is escaped: each value is its length and its bytes, whatever stands
//! in a text. Numbers are `BIGINT` and `DOUBLE PRECISION`, as everywhere in our tables.
//!
//! Source: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use sqlx::postgres::PgConnection;

use super::sql::Value;

/// What the data begins with: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with, in place of the number of a row's columns.
const END: [u8; 2] = (-1_i16).to_be_bytes();
/// What stands for a missing value, in place of its length.
const MISSING: [u8; 4] = (-1_i32).to_be_bytes();

/// What a column of the rows gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// The next value.
    Value,
    /// The same number in every row.
    Number(i64),
}

/// Rows on their way into a table.
#[derive(Debug)]
pub(super) struct Copy {
    statement: String,
    cells: Vec<Cell>,
    data: Vec<u8>,
}

impl Copy {
    /// Rows of the form `row` into a table with its columns. `None` where something has to be worked
    /// out for a row: only a statement can do that.
    pub(super) fn of(into: &str, row: &str) -> Option<Self> {
        let inside = row.strip_prefix('(')?.strip_suffix(')')?;
        let cells = inside.split(',').map(|cell| match cell.trim() {
            "?" => Some(Cell::Value),
            number => number.parse().ok().map(Cell::Number),
        });
        Some(Self {
            statement: format!("COPY {into} FROM STDIN (FORMAT binary)"),
            cells: cells.collect::<Option<_>>()?,
            data: Vec::new(),
        })
    }

    /// Adds a row.
    pub(super) fn add(&mut self, values: &[Value<'_>]) -> Result<(), sqlx::Error> {
        if self.data.is_empty() {
            self.data.extend_from_slice(HEADER);
        }
        let columns = i16::try_from(self.cells.len())
            .map_err(|_| sqlx::Error::Encode("a row has too many columns".into()))?;
        self.data.extend_from_slice(&columns.to_be_bytes());
        let mut values = values.iter();
        for cell in &self.cells {
            match cell {
                Cell::Number(number) => push_bytes(&mut self.data, &number.to_be_bytes())?,
                Cell::Value => {
                    let value = values.next();
                    let value = value.ok_or_else(|| too("few"))?;
                    push(&mut self.data, value)?;
                }
            }
        }
        values.next().map_or(Ok(()), |_| Err(too("many")))
    }

    /// The bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Sends what waits; tells how many rows it was.
    pub(super) async fn send(&mut self, connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
        if self.data.is_empty() {
            return Ok(0);
        }
        self.data.extend_from_slice(&END);
        let mut copy = connection.copy_in_raw(&self.statement).await?;
        let sent = copy.send(self.data.as_slice()).await.map(|_| ());
        self.data.clear();
        sent?;
        copy.finish().await
    }
}

fn too(how: &str) -> sqlx::Error {
    sqlx::Error::Encode(format!("a row has too {how} values").into())
}

/// Adds a value with its length.
pub(super) fn push(data: &mut Vec<u8>, value: &Value<'_>) -> Result<(), sqlx::Error> {
    match value {
        Value::Int(Some(number)) => push_bytes(data, &number.to_be_bytes()),
        Value::Real(Some(number)) => push_bytes(data, &number.to_be_bytes()),
        Value::Text(Some(text)) if text.contains('\0') => Err(sqlx::Error::Encode(
            "a text holds a character NUL, which PostgreSQL cannot keep".into(),
        )),
        Value::Text(Some(text)) => push_bytes(data, text.as_bytes()),
        Value::Bytes(Some(bytes)) => push_bytes(data, bytes),
        Value::Int(None) | Value::Real(None) | Value::Text(None) | Value::Bytes(None) => {
            data.extend_from_slice(&MISSING);
            Ok(())
        }
        Value::Unwritten(why) => Err(sqlx::Error::Encode(why.clone().into())),
    }
}

fn push_bytes(data: &mut Vec<u8>, bytes: &[u8]) -> Result<(), sqlx::Error> {
    let length = i32::try_from(bytes.len())
        .map_err(|_| sqlx::Error::Encode("a value is longer than 2 GiB".into()))?;
    data.extend_from_slice(&length.to_be_bytes());
    data.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_values_and_numbers_are_copied_and_no_others() {
        let copy = Copy::of("visits (client_id, day, source_id)", "(?, ?, 7)").unwrap();
        assert_eq!(copy.cells, [Cell::Value, Cell::Value, Cell::Number(7)]);
        let worked_out = "(?, (SELECT name FROM sources WHERE id = 7))";
        assert!(Copy::of("suppressions (channel, source)", worked_out).is_none());
        assert!(Copy::of("t (a)", "(upper(?))").is_none());
    }

    #[test]
    fn a_row_is_what_the_format_says() {
        let mut copy = Copy::of("t (a, b, c, d)", "(?, ?, 7, ?)").unwrap();
        let text = Value::Text(Some("a\tb".into()));
        let values = [Value::Int(Some(-1)), text, Value::Real(None)];
        copy.add(&values).unwrap();
        let mut expected = HEADER.to_vec();
        expected.extend_from_slice(b"\0\x04");
        expected.extend_from_slice(b"\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff");
        expected.extend_from_slice(b"\0\0\0\x03a\tb");
        expected.extend_from_slice(b"\0\0\0\x08\0\0\0\0\0\0\0\x07");
        expected.extend_from_slice(b"\xff\xff\xff\xff");
        assert_eq!(copy.data, expected);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_the_reason() {
        let row = |values: &[Value<'_>]| {
            let mut copy = Copy::of("t (a)", "(?)").unwrap();
            copy.add(values).unwrap_err().to_string()
        };
        assert!(row(&[Value::Text(Some("a\0b".into()))]).contains("NUL"));
        assert!(row(&[Value::Unwritten("no JSON".to_owned())]).contains("no JSON"));
        assert!(row(&[]).contains("too few"));
        let two = [Value::Int(None), Value::Int(None)];
        assert!(row(&two).contains("too many"));
    }
}
