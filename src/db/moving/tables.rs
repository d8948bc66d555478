//! The tables of both sides: which there are, in which order their rows may come, and what has to be
//! put right around them.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row};

use super::super::sql::{Connection, raw_of};
use super::MoveError;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Real,
    Text,
    Bytes,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "bigint" => Self::Int,
            "double precision" => Self::Real,
            "text" => Self::Text,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether numbers are drawn for it from a sequence.
    counts: bool,
    /// Its place in the key, from 1 on.
    in_key: Option<i64>,
}

/// A table with its columns.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

const COLUMNS: &str = r#"
    SELECT c.relname::text AS "table", a.attname::text AS "column",
           format_type(a.atttypid, a.atttypmod) AS kind, a.attidentity::text <> '' AS counts,
           (SELECT k.n FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
            WHERE i.indrelid = c.oid AND i.indisprimary AND k.attnum = a.attnum) AS in_key
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
      AND c.relname <> '_sqlx_migrations'
    ORDER BY c.relname, a.attnum"#;

const REFERENCES: &str = r#"
    SELECT DISTINCT c.relname::text AS "table", r.relname::text AS target
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
    WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace AND c.oid <> r.oid"#;

/// A name as statements write it.
pub(in crate::db) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Every table in an order in which what is referred to comes first.
pub(super) async fn all(
    from: &mut SqliteConnection,
    to: &mut PgConnection,
) -> Result<Vec<Table>, MoveError> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in sqlx::query(COLUMNS).fetch_all(&mut *to).await? {
        let (name, column): (String, String) = (row.try_get("table")?, row.try_get("column")?);
        let kind: String = row.try_get("kind")?;
        let kind = Kind::of(&kind)
            .ok_or_else(|| MoveError::Shape(format!("{name}.{column} is of the kind {kind}")))?;
        let table = tables.entry(name.clone()).or_insert_with(|| Table {
            name,
            columns: Vec::new(),
        });
        table.columns.push(Column {
            name: column,
            kind,
            counts: row.try_get("counts")?,
            in_key: row.try_get("in_key")?,
        });
    }
    same_shape(&tables, &shape_of_file(from).await?)?;
    let mut references: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in sqlx::query(REFERENCES).fetch_all(&mut *to).await? {
        let (table, target): (String, String) = (row.try_get("table")?, row.try_get("target")?);
        references.entry(table).or_default().insert(target);
    }
    in_order(tables, &references)
}

/// The tables of the file with their columns.
async fn shape_of_file(
    from: &mut SqliteConnection,
) -> Result<BTreeMap<String, BTreeSet<String>>, MoveError> {
    let rows = sqlx::query(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
           AND t.name <> '_sqlx_migrations'",
    );
    let mut shape: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut rows = rows.fetch(from);
    while let Some(row) = rows.try_next().await? {
        let (table, column): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        shape.entry(table).or_default().insert(column);
    }
    Ok(shape)
}

/// Refuses sides of which one has what the other has not: nothing may be left behind silently.
fn same_shape(
    tables: &BTreeMap<String, Table>,
    file: &BTreeMap<String, BTreeSet<String>>,
) -> Result<(), MoveError> {
    for (name, columns) in file {
        let Some(table) = tables.get(name) else {
            return Err(MoveError::Shape(format!(
                "table {name} of the file is none of ours; take it out of the file first"
            )));
        };
        let there: BTreeSet<String> = table.columns.iter().map(|one| one.name.clone()).collect();
        if let Some(column) = columns.symmetric_difference(&there).next() {
            let text = format!("column {name}.{column} is on one side only");
            return Err(MoveError::Shape(text));
        }
    }
    match tables.keys().find(|name| !file.contains_key(*name)) {
        Some(name) => Err(MoveError::Shape(format!("the file has no table {name}"))),
        None => Ok(()),
    }
}

fn in_order(
    mut tables: BTreeMap<String, Table>,
    references: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<Table>, MoveError> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits = |name: &str| {
            let mut targets = references.get(name).into_iter().flatten();
            targets.any(|target| tables.contains_key(target))
        };
        let Some(name) = tables.keys().find(|name| !waits(name)).cloned() else {
            let names: Vec<&str> = tables.keys().map(String::as_str).collect();
            let text = format!("{} refer to each other in a circle", names.join(", "));
            return Err(MoveError::Shape(text));
        };
        ordered.extend(tables.remove(&name));
    }
    Ok(ordered)
}

/// Takes away what looking at the empty base has left there: that the doctor was satisfied, and who
/// was alive.
pub(super) async fn clear_of_trials(to: &mut Connection) -> Result<(), MoveError> {
    for table in super::target::TRIALS {
        let statement = AssertSqlSafe(format!("DELETE FROM {}", quoted(table)));
        raw_of("", statement).execute(&mut *to).await?;
    }
    Ok(())
}

impl Table {
    /// Its columns, as statements name them.
    fn names(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|one| quoted(&one.name)).collect();
        names.join(", ")
    }

    /// All rows in the order of the key, as both sides understand it. What marks the file itself is
    /// no row of the base.
    pub(super) fn select(&self) -> String {
        let mut key: Vec<&Column> = self
            .columns
            .iter()
            .filter(|one| one.in_key.is_some())
            .collect();
        key.sort_by_key(|one| one.in_key);
        if key.is_empty() {
            key = self.columns.iter().collect();
        }
        let key: Vec<String> = key.iter().map(|one| quoted(&one.name)).collect();
        format!(
            "SELECT {} FROM {}{} ORDER BY {}",
            self.names(),
            quoted(&self.name),
            self.without_mark(),
            key.join(", ")
        )
    }

    fn without_mark(&self) -> String {
        if self.name == "holds" {
            format!(" WHERE name <> '{}'", super::MOVED)
        } else {
            String::new()
        }
    }

    /// The statement that takes rows in.
    pub(super) fn copy_in(&self) -> String {
        let (table, names) = (quoted(&self.name), self.names());
        format!("COPY {table} ({names}) FROM STDIN (FORMAT BINARY)")
    }

    /// The statement that gives them out again.
    pub(super) fn copy_out(&self) -> String {
        format!("COPY ({}) TO STDOUT (FORMAT BINARY)", self.select())
    }

    /// How many rows there are to be moved.
    pub(super) async fn count(&self, from: &mut SqliteConnection) -> Result<u64, MoveError> {
        let (table, but) = (quoted(&self.name), self.without_mark());
        let statement = AssertSqlSafe(format!("SELECT count(*) FROM {table}{but}"));
        let count: i64 = sqlx::query_scalar(statement).fetch_one(from).await?;
        Ok(count.unsigned_abs())
    }

    /// Switches what watches over its rows off or on: they are to come as they are, neither logged nor
    /// changed once more. Undone with the transaction.
    pub(super) async fn triggers(
        &self,
        to: &mut PgConnection,
        what: &'static str,
    ) -> Result<(), MoveError> {
        let table = quoted(&self.name);
        let statement = AssertSqlSafe(format!("ALTER TABLE {table} {what} TRIGGER USER"));
        sqlx::raw_sql(statement).execute(to).await?;
        Ok(())
    }

    /// Lets the next number that is drawn follow the largest one there is.
    pub(super) async fn set_sequences(&self, to: &mut PgConnection) -> Result<(), MoveError> {
        let table = quoted(&self.name);
        for column in self.columns.iter().filter(|column| column.counts) {
            let column = quoted(&column.name);
            let largest = AssertSqlSafe(format!("SELECT max({column}) FROM {table}"));
            let largest: Option<i64> = sqlx::query_scalar(largest).fetch_one(&mut *to).await?;
            // Unlike setval this is part of the transaction.
            let next = largest.unwrap_or_default().max(0) + 1;
            let restart = format!("ALTER TABLE {table} ALTER COLUMN {column} RESTART WITH {next}");
            sqlx::raw_sql(AssertSqlSafe(restart))
                .execute(&mut *to)
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> BTreeMap<String, Table> {
        let tables = names.iter().map(|name| {
            let table = Table {
                name: (*name).to_owned(),
                columns: Vec::new(),
            };
            ((*name).to_owned(), table)
        });
        tables.collect()
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let references = [
            ("attempts", "messages"),
            ("messages", "runs"),
            ("runs", "base"),
        ];
        let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (table, target) in references {
            known
                .entry(table.to_owned())
                .or_default()
                .insert(target.to_owned());
        }
        let tables = named(&["attempts", "base", "messages", "runs", "audit"]);
        let ordered = in_order(tables, &known).unwrap();
        let names: Vec<&str> = ordered.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["audit", "base", "runs", "messages", "attempts"]);
        known
            .entry("base".to_owned())
            .or_default()
            .insert("attempts".to_owned());
        let circle = in_order(named(&["attempts", "base", "messages", "runs"]), &known);
        assert!(circle.unwrap_err().to_string().contains("circle"));
    }
}
