//! Two statements that belong together.

use futures::TryStreamExt;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Either, Executor as _};

use super::column::Row;
use super::connection::{Connection, Transaction, Way};
use super::query::{Done, Query};
use super::value::for_sqlite;

/// A statement that changes something, and one that goes on from what has come of it.
#[must_use]
pub(in crate::db) struct Pair<'q> {
    first: Query<'q>,
    second: Query<'q>,
}

impl<'q> Pair<'q> {
    /// The second sees what the first has done.
    pub(super) fn of(first: Query<'q>, second: Query<'q>) -> Self {
        Self { first, second }
    }

    /// Runs both: what the first has done, and the rows of the second.
    pub(in crate::db) async fn run(
        self,
        connection: &mut Connection,
    ) -> Result<(Done, Vec<Row>), sqlx::Error> {
        let begin = match &mut *connection {
            Connection::Writer(turn) => turn.prelude(),
            _ => "",
        };
        if let Way::Sqlite(at) = connection.way() {
            return self.together(at, begin, "").await;
        }
        let done = self.first.execute(&mut *connection).await?;
        Ok((done, self.second.fetch_all(connection).await?))
    }

    /// Runs both, and commits the transaction.
    pub(in crate::db) async fn commit(self, tx: Transaction) -> Result<(), sqlx::Error> {
        match tx.into_inner() {
            Connection::Writer(mut turn) => {
                let begin = turn.prelude();
                self.together(turn.connection(), begin, "COMMIT").await?;
                turn.has_ended();
                Ok(())
            }
            other => {
                let mut tx = other.begin().await?;
                self.run(&mut tx).await?;
                tx.commit().await
            }
        }
    }

    /// One text for both, with what begins and ends their transaction where that goes with them; the
    /// values of the second follow those of the first.
    async fn together(
        self,
        at: &mut SqliteConnection,
        begin: &str,
        end: &str,
    ) -> Result<(Done, Vec<Row>), sqlx::Error> {
        let (first, second) = (self.first, self.second);
        let counted = counted_on(second.text_of_sqlite(), first.values.len());
        let mut statements = vec![begin, first.text_of_sqlite(), &counted, end];
        statements.retain(|statement| !statement.is_empty());
        let text = statements.join(";\n");
        let mut values = first.values;
        values.extend(second.values);
        let query = sqlx::query_with(AssertSqlSafe(text), for_sqlite(values)?);
        let mut answers = at.fetch_many(query);
        // What a statement has done is told at its end.
        let (mut ended, mut rows) = (Vec::new(), Vec::new());
        while let Some(answer) = answers.try_next().await? {
            match answer {
                Either::Left(changed) => ended.push(Done(changed.rows_affected())),
                Either::Right(row) => rows.push(Row::Sqlite(row)),
            }
        }
        let done = ended.get(usize::from(!begin.is_empty()));
        Ok((done.copied().unwrap_or(Done(0)), rows))
    }
}

/// The text with each parameter `$n` named `$(n + by)`.
fn counted_on(text: &str, by: usize) -> String {
    let mut parts = text.split('$');
    let mut counted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &part[..part.len() - rest.len()];
        counted.push('$');
        match number.parse::<usize>() {
            Ok(n) => counted.push_str(&(n + by).to_string()),
            Err(_) => counted.push_str(number),
        }
        counted.push_str(rest);
    }
    counted
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqlitePool;

    use super::super::connection::Pool;
    use super::super::query::{query, raw};
    use super::*;

    #[test]
    fn parameters_are_counted_on_and_nothing_else() {
        let text = "SELECT $1, $12, a ->> '$.b' FROM t WHERE c = $2";
        let counted = "SELECT $4, $15, a ->> '$.b' FROM t WHERE c = $5";
        assert_eq!(counted_on(text, 3), counted);
    }

    #[tokio::test]
    async fn the_second_sees_what_the_first_has_done() {
        let pool = Pool::Sqlite(SqlitePool::connect("sqlite::memory:").await.unwrap());
        let mut connection = pool.acquire().await.unwrap();
        let table =
            raw("CREATE TABLE t (id INTEGER, name TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
        table.execute(&mut connection).await.unwrap();
        let change = query("UPDATE t SET name = $2 WHERE id >= $1")
            .bind(2)
            .bind("new");
        let look = query("SELECT id FROM t WHERE name = $1").bind("new");
        let (done, rows) = change.then(look).run(&mut connection).await.unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.get("id")).collect();
        assert_eq!((done.rows_affected(), ids), (1, vec![2]));
    }
}
