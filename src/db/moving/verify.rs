//! Reading back what was written, row by row, beside the file that it came from.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

use super::rows::{self, HEAD, STEP};
use super::tables::Table;
use super::{MoveError, MovedTable, Moving};
use crate::model::hex;

/// Compares every row of a table, in the order of its key; the first difference ends it.
pub(super) async fn compare(
    table: &Table,
    from: &mut SqliteConnection,
    to: &mut PgConnection,
    progress: &mut (dyn FnMut(Moving) + Send),
) -> Result<MovedTable, MoveError> {
    let differs = |what: String| MoveError::Differs {
        table: table.name.clone(),
        what,
    };
    let given = to.copy_out_raw(&table.copy_out()).await?;
    let mut there = Rows {
        given: given.map_ok(|bytes| bytes.to_vec()).boxed(),
        buffer: Vec::new(),
        at: 0,
    };
    there.skip_head().await?;
    let mut here = sqlx::query(AssertSqlSafe(table.select())).fetch(from);
    let (mut digest, mut read_back) = (Sha256::new(), Sha256::new());
    let (mut row, mut done) = (Vec::new(), 0);
    while let Some(one) = here.try_next().await? {
        done += 1;
        row.clear();
        rows::write(table, &one, done, &mut row)?;
        match there.next().await? {
            Some(other) if other == row => read_back.update(other),
            Some(_) => return Err(differs(format!("row {done} in the order of its key"))),
            None => return Err(differs(format!("{} rows arrived, more left", done - 1))),
        }
        digest.update(&row);
        if done % STEP == 0 {
            progress(Moving::Done(STEP));
        }
    }
    progress(Moving::Done(done % STEP));
    if there.next().await?.is_some() {
        return Err(differs(format!("{done} rows left, more arrived")));
    }
    let (digest, read_back) = (digest.finalize(), read_back.finalize());
    if digest != read_back {
        return Err(differs("the digests of all rows differ".to_owned()));
    }
    Ok(MovedTable {
        table: table.name.clone(),
        rows: done,
        digest: hex(&digest),
    })
}

/// The rows that a server gives out, in whatever pieces they come.
struct Rows<'c> {
    given: BoxStream<'c, Result<Vec<u8>, sqlx::Error>>,
    buffer: Vec<u8>,
    /// Where the next row begins.
    at: usize,
}

impl Rows<'_> {
    async fn skip_head(&mut self) -> Result<(), MoveError> {
        while self.buffer.len() < HEAD.len() {
            if !self.more().await? {
                return Err(cut_off());
            }
        }
        self.at = HEAD.len();
        Ok(())
    }

    /// The bytes of the next row; nothing behind the last one.
    async fn next(&mut self) -> Result<Option<&[u8]>, MoveError> {
        loop {
            match row_length(&self.buffer[self.at..]) {
                Some(0) => {
                    // The server has a last word to say about its statement.
                    while self.more().await? {}
                    return Ok(None);
                }
                Some(length) => {
                    let row = self.at..self.at + length;
                    self.at = row.end;
                    return Ok(Some(&self.buffer[row]));
                }
                None => {
                    self.buffer.drain(..self.at);
                    self.at = 0;
                    if !self.more().await? {
                        return Err(cut_off());
                    }
                }
            }
        }
    }

    async fn more(&mut self) -> Result<bool, MoveError> {
        let Some(piece) = self.given.try_next().await? else {
            return Ok(false);
        };
        self.buffer.extend_from_slice(&piece);
        Ok(true)
    }
}

fn cut_off() -> MoveError {
    MoveError::Shape("the server stopped in the middle of a row".to_owned())
}

/// How many bytes the row at the beginning has; 0 where there is none any more, nothing while it is
/// not there as a whole.
fn row_length(bytes: &[u8]) -> Option<usize> {
    let columns = i16::from_be_bytes(*bytes.first_chunk()?);
    let mut at = 2;
    for _ in 0..columns.max(0) {
        let length = i32::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
        at += 4 + usize::try_from(length).unwrap_or_default();
    }
    if columns < 0 {
        return Some(0);
    }
    (bytes.len() >= at).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_whole_or_waited_for() {
        let row = [0, 2, 0, 0, 0, 3, b'a', b'b', b'c', 0xff, 0xff, 0xff, 0xff];
        for cut in 0..row.len() {
            assert_eq!(row_length(&row[..cut]), None, "{cut}");
        }
        assert_eq!(row_length(&row), Some(13));
        assert_eq!(row_length(&[0xff, 0xff]), Some(0));
    }
}
