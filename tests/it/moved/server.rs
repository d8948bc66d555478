//! A database of its own on the server of the tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use super::company::{Cell, Rows};
use crate::database;

/// A database that was made for one test.
pub(crate) struct Fresh {
    server: String,
    name: String,
    runtime: tokio::runtime::Runtime,
}

impl Fresh {
    /// Makes one; nothing where no server is named.
    pub(crate) fn make() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = database::server()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let fresh = Self {
            name: format!("rekindle_moved_{}_{number}", std::process::id()),
            server,
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        };
        fresh.on_server(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            fresh.name
        ));
        fresh.on_server(&format!("CREATE DATABASE {}", fresh.name));
        Some(fresh)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let mut url = self.server.parse::<reqwest::Url>().expect("an address");
        url.set_path(&self.name);
        url.set_query(None);
        url.to_string()
    }

    fn on_server(&self, statement: &str) {
        self.runtime.block_on(async {
            let options: PgConnectOptions = self.server.parse().expect("an address");
            let mut session = options.connect().await.expect("a server");
            let done = session.execute(AssertSqlSafe(statement.to_owned())).await;
            done.expect("a statement of the test");
        });
    }

    async fn session(&self) -> PgConnection {
        let options: PgConnectOptions = self.url().parse().expect("an address");
        options.connect().await.expect("a database")
    }

    /// Changes something behind the program's back.
    pub(crate) fn change(&self, statement: &str) {
        assert!(!self.refuses(statement), "{statement}");
    }

    /// Whether the database itself refuses a statement.
    pub(crate) fn refuses(&self, statement: &str) -> bool {
        self.runtime.block_on(async {
            let mut session = self.session().await;
            let done = session.execute(AssertSqlSafe(statement.to_owned())).await;
            done.is_err()
        })
    }

    /// Every row of every table of ours.
    pub(super) fn rows(&self) -> BTreeMap<String, Rows> {
        self.runtime.block_on(async {
            let mut session = self.session().await;
            let tables = "SELECT tablename::text FROM pg_tables
                          WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'";
            let tables: Vec<String> = sqlx::query_scalar(tables)
                .fetch_all(&mut session)
                .await
                .expect("tables");
            let mut all = BTreeMap::new();
            for table in tables {
                let columns = "SELECT column_name::text, data_type::text
                               FROM information_schema.columns
                               WHERE table_schema = 'public' AND table_name = $1
                               ORDER BY column_name COLLATE \"C\"";
                let columns: Vec<(String, String)> = sqlx::query_as(columns)
                    .bind(&table)
                    .fetch_all(&mut session)
                    .await
                    .expect("columns");
                let names: Vec<String> = columns
                    .iter()
                    .map(|(name, _)| format!("{name:?}"))
                    .collect();
                let statement = format!("SELECT {} FROM {table:?}", names.join(", "));
                let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(&mut session);
                let mut rows: Rows = rows
                    .await
                    .expect("rows")
                    .iter()
                    .map(|row| {
                        let columns = columns.iter().enumerate();
                        columns
                            .map(|(at, (_, kind))| match kind.as_str() {
                                "bigint" => Cell::Int(row.get(at)),
                                "double precision" => {
                                    Cell::Real(row.get::<Option<f64>, _>(at).map(f64::to_bits))
                                }
                                "bytea" => Cell::Bytes(row.get(at)),
                                _ => Cell::Text(row.get(at)),
                            })
                            .collect()
                    })
                    .collect();
                rows.sort();
                all.insert(table, rows);
            }
            all
        })
    }

    /// Takes it away.
    pub(crate) fn drop(self) {
        self.on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
