//! A company with a base in a file, and the program as its operator runs it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row};

use crate::database::Folder;

/// The day that is planned on both sides.
pub(super) const PLANNED: &str = "2011-09-17";

/// A value of a row, told apart by its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Int(Option<i64>),
    Real(Option<u64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The rows of a table, each with its columns in the order of their names.
pub(super) type Rows = Vec<Vec<Cell>>;

/// A company in a folder.
pub(super) struct Company {
    folder: Folder,
    runtime: tokio::runtime::Runtime,
}

/// What a command said.
pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

impl Company {
    /// A company with real purchases of a year, a shop whose clients are written to, and everything
    /// that some days leave behind; something is planned and has not left.
    pub(super) fn with_a_story() -> Self {
        let company = Self {
            folder: Folder::in_memory(),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        };
        let old = Self::FILE;
        company.done(old, &["init", "--locale", "en"]);
        let settings = company.home().join("config/rekindle.toml");
        let text = fs::read_to_string(&settings).expect("init wrote it");
        fs::write(&settings, format!("{text}\n{SOURCES}")).expect("written");
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/online_retail.csv");
        fs::copy(data, company.home().join("online_retail.csv")).expect("copied");
        company.write_shop();
        let thanks = company.home().join("config/campaigns/thanks.toml");
        fs::write(thanks, THANKS).expect("written");
        company.done(old, &["import"]);
        for day in ["2011-09-14", "2011-09-15", "2011-09-16"] {
            company.done(old, &["run", "--once", "--as-of", day]);
        }
        company.done(old, &["suppress", "add", "stop@example.org"]);
        let forget = [
            "client", "forget", "shop-5", "--by", "ann", "--reason", "asked",
        ];
        company.done(old, &forget);
        // As a worker leaves it that has not come to them.
        company
            .change("UPDATE runs SET mode = 'live' WHERE id = (SELECT max(run_id) FROM messages)");
        company.change(
            "INSERT INTO messages (key, run_id, campaign, client_id, episode, step, channel, template,
                 class, address_hash, state, planned_on, inputs)
             SELECT 'planned-' || id, run_id, campaign, client_id, episode || '!', step, channel,
                 template, class, address_hash, 'planned', planned_on, inputs
             FROM messages WHERE state = 'accepted' AND client_id <> 0",
        );
        company
    }

    fn write_shop(&self) {
        let mut clients = "id,name,email,company\n".to_owned();
        let mut purchases = "client,date,amount,item\n".to_owned();
        for n in 0..40 {
            let name = ["Анна \"Ё\"", "O'Neil; DROP", "名前 \u{1f383}", "plain"][n % 4];
            let name = name.replace('"', "\"\"");
            let _ = writeln!(
                clients,
                "shop-{n},\"{name}\",c{n}@example.org,\"line\\one, two\""
            );
            // Bought every week or two, and then no more.
            for k in 0..14 {
                let day = 5 + (n as i64 % 7) + k * (7 + n as i64 % 5);
                let date = chrono::NaiveDate::from_ymd_opt(2011, 5, 20).expect("a date")
                    + chrono::Days::new(day.unsigned_abs());
                let _ = writeln!(purchases, "shop-{n},{date},{}.50,Bread", 10 + n);
            }
        }
        fs::create_dir_all(self.home().join("shop")).expect("a folder");
        fs::write(self.home().join("shop/clients.csv"), clients).expect("written");
        fs::write(self.home().join("shop/purchases.csv"), purchases).expect("written");
    }

    pub(super) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The base in its file.
    pub(super) const FILE: &str = "sqlite://rekindle.db";

    fn command(&self, database: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
        command
            .args(args)
            .current_dir(self.home())
            .stdin(Stdio::null())
            .env_remove("REKINDLE_CONFIG")
            .env("REKINDLE_DATABASE_URL", database);
        command
    }

    /// Runs a command on a base.
    pub(super) fn run(&self, database: &str, args: &[&str]) -> Output {
        self.command(database, args)
            .output()
            .expect("the binary starts")
    }

    /// What a command printed that has to be done.
    pub(super) fn done(&self, database: &str, args: &[&str]) -> String {
        let output = self.run(database, args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("commands print UTF-8")
    }

    /// What a command printed that may find something for a person.
    pub(super) fn printed(&self, database: &str, args: &[&str]) -> String {
        let output = self.run(database, args);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 3)), "{args:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("commands print UTF-8")
    }

    /// Starts the service and waits for a word of it.
    pub(super) fn serve(&self, database: &str, word: &str) -> Serving {
        let mut command = self.command(database, &["run", "--only", "schedule"]);
        command.env("REKINDLE_LOG", "rekindle=info");
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let heard = said.any(|line| line.is_ok_and(|line| line.contains(word)));
        assert!(heard, "it never said {word:?}");
        std::thread::spawn(move || said.for_each(drop));
        Serving(child)
    }

    async fn pool(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(self.home().join("rekindle.db"));
        SqlitePool::connect_with(options).await.expect("a database")
    }

    /// Changes something behind the program's back.
    pub(super) fn change(&self, statement: &str) {
        self.runtime.block_on(async {
            let pool = self.pool().await;
            let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&pool);
            let done = done.await.expect("a statement of the test");
            assert!(done.rows_affected() > 0, "{statement}");
            pool.close().await;
        });
    }

    /// The number that a statement counts in the file.
    pub(super) fn count(&self, statement: &str) -> i64 {
        self.runtime.block_on(async {
            let pool = self.pool().await;
            let count = sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&pool);
            let count = count.await.expect("a statement of the test");
            pool.close().await;
            count
        })
    }

    /// Every row of every table of the file.
    pub(super) fn rows(&self) -> BTreeMap<String, Rows> {
        self.runtime.block_on(async {
            let pool = self.pool().await;
            let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'
                          AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'";
            let tables: Vec<String> = sqlx::query_scalar(tables)
                .fetch_all(&pool)
                .await
                .expect("tables");
            let mut all = BTreeMap::new();
            for table in tables {
                let columns = "SELECT name, type FROM pragma_table_info($1) ORDER BY name";
                let columns: Vec<(String, String)> = sqlx::query_as(columns)
                    .bind(&table)
                    .fetch_all(&pool)
                    .await
                    .expect("columns");
                let names: Vec<String> = columns
                    .iter()
                    .map(|(name, _)| format!("{name:?}"))
                    .collect();
                let statement = format!("SELECT {} FROM {table:?}", names.join(", "));
                let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(&pool);
                let mut rows: Rows = rows
                    .await
                    .expect("rows")
                    .iter()
                    .map(|row| {
                        let columns = columns.iter().enumerate();
                        columns
                            .map(|(at, (_, kind))| match kind.as_str() {
                                "INTEGER" => Cell::Int(row.get(at)),
                                "REAL" => {
                                    Cell::Real(row.get::<Option<f64>, _>(at).map(f64::to_bits))
                                }
                                "BLOB" => Cell::Bytes(row.get(at)),
                                _ => Cell::Text(row.get(at)),
                            })
                            .collect()
                    })
                    .collect();
                rows.sort();
                all.insert(table, rows);
            }
            pool.close().await;
            // Who is alive on a base stays with it.
            all.insert("heartbeats".to_owned(), Rows::new());
            all
        })
    }
}

/// A service that is running.
pub(super) struct Serving(Child);

impl Serving {
    /// Ends it as service managers do.
    pub(super) fn stop(&mut self) {
        let pid = self.0.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.is_ok_and(|status| status.success()));
        assert!(self.0.wait().is_ok_and(|status| status.success()));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SOURCES: &str = r#"
[[source]]
name = "retail"
path = "online_retail.csv"
columns = { client = "client_id", date = "date", amount = "amount" }

[[source]]
name = "shop"
path = "shop"
[source.consent]
basis = "consent"
channels = ["email"]
classes = ["advertising", "service"]
proof = "a form"
"#;

const THANKS: &str = r#"id = "thanks"
title = "T"
status = "live"
starts = 2011-01-01
trigger = { on = "purchase" }
limits = { holdout = "0%" }
goal = { event = "none" }
step = [{ id = "letter", channel = "email", template = "thank-you" },
        { id = "call", after = "1d", task = "call", script = "sleeping-client" }]
"#;
