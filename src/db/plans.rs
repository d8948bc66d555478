//! How SQLite goes about a statement, for tests: that a table that grows is not read whole where a
//! handful of its rows is wanted shows with no base of a test, and stops the work on a real one.

use super::Store;
use super::sql;

/// The steps of its plan, on a base without rows.
pub(in crate::db) async fn plan_in_sqlite(statement: &str) -> Vec<String> {
    told_by_sqlite(&format!("EXPLAIN QUERY PLAN {statement}"), "detail").await
}

/// A column of what it tells of itself.
pub(in crate::db) async fn told_by_sqlite(statement: &str, column: &'static str) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open("sqlite://plans.db", home.path()).await.unwrap();
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    let lines = sql::query(statement).fetch_all(&store.pool).await.unwrap();
    lines.iter().map(|line| line.get(column)).collect()
}
