//! Where the companies of the tests have their databases, and how a test looks into one.
//!
//! Usually a company has a file of SQLite, as a fresh checkout has. With
//! `REKINDLE_TEST_DATABASE=postgres://USER@HOST:PORT/NAME` every company gets a fresh schema of that
//! database, and it is dropped with the folder of the company (see `tests/postgres.sh`). The tests
//! are the same; those that are about SQLite itself say so ([`only_sqlite`]).
//!
//! What a test asks and changes goes past the product, in statements without values that both
//! databases understand. On the way of the tests alone PostgreSQL knows three words of SQLite:
//! `hex(bytes)`, `date(seconds, 'unixepoch')` and `text ->> 'member'`. They stand in a schema of
//! their own, so that a statement of the product cannot lean on them.
//!
//! Nothing of the product is used here, but for the test of this room.

#[cfg(test)]
mod lives;
mod row;

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Connection, Postgres, Sqlite};

pub(crate) use row::{Cell, Row};

/// The variable that names the server.
const SERVER: &str = "REKINDLE_TEST_DATABASE";

/// The schema of the words that only tests use.
const WORDS: &str = "rekindle_tests";

/// How long a statement of a test waits for another writer.
const PATIENCE: Duration = Duration::from_mins(1);

/// The address of the server that the companies live on; none when they live in files.
pub(crate) fn server() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "on which database the tests run, is said from outside"
    )]
    let said = std::env::var(SERVER);
    said.ok().filter(|address| !address.is_empty())
}

/// Whether the companies of the tests live on a server.
pub(crate) fn on_a_server() -> bool {
    server().is_some()
}

/// Whether a test is to be left out, because it is about SQLite itself and the companies live in
/// PostgreSQL. It says so where it is left out, past the capture of what tests print.
pub(crate) fn only_sqlite(why: &str) -> bool {
    let elsewhere = on_a_server();
    if elsewhere {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        let _ = writeln!(std::io::stderr(), "not asked of PostgreSQL: {test}: {why}");
    }
    elsewhere
}

/// What a configuration has to say so that the company of this home lives where the tests are to
/// run: nothing for a file. The first time a schema is made.
pub(crate) fn settings(home: &Path) -> String {
    if on_a_server() {
        format!("\n[database]\nurl = \"{}\"\n", url(home))
    } else {
        String::new()
    }
}

/// A configuration that says where the company of this home lives, whatever else it says of its
/// database.
pub(crate) fn named_in(text: &str, home: &Path) -> String {
    const SECTION: &str = "\n[database]\n";
    let settings = settings(home);
    if text.contains(SECTION) && !settings.is_empty() {
        return text.replacen(SECTION, &settings, 1);
    }
    format!("{text}{settings}")
}

/// The address of the schema of the company of this home, which is made at the first question.
pub(crate) fn url(home: &Path) -> String {
    let server = server().expect("the companies live on a server");
    let schema = schema_of(home, &server);
    let and = if server.contains('?') { '&' } else { '?' };
    format!("{server}{and}options[search_path]={schema}")
}

/// The temporary folder of a company. At its end it is removed, and with it the schemas of those
/// that lived in it.
#[derive(Debug)]
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder where temporary folders usually are.
    pub(crate) fn new() -> Self {
        Self::from(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder in memory where there is such a place: where the disk is not what is tried.
    pub(crate) fn in_memory() -> Self {
        let in_memory = tempfile::tempdir_in("/dev/shm");
        in_memory.map_or_else(|_| Self::new(), Self::from)
    }
}

impl From<tempfile::TempDir> for Folder {
    fn from(folder: tempfile::TempDir) -> Self {
        made().folders.push(folder.path().to_owned());
        Self(folder)
    }
}

impl Deref for Folder {
    type Target = tempfile::TempDir;

    fn deref(&self) -> &tempfile::TempDir {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let mut made = made();
        made.folders.retain(|folder| folder != self.path());
        let inside = |(home, _): &mut (PathBuf, String)| home.starts_with(self.path());
        let schemas: Vec<_> = made.schemas.extract_if(.., inside).collect();
        drop(made);
        for (_, schema) in schemas {
            drop_schema(&schema);
        }
    }
}

/// What was made for the tests of this process.
struct Made {
    folders: Vec<PathBuf>,
    /// Home and schema.
    schemas: Vec<(PathBuf, String)>,
}

fn made() -> MutexGuard<'static, Made> {
    static MADE: Mutex<Made> = Mutex::new(Made {
        folders: Vec::new(),
        schemas: Vec::new(),
    });
    // A test that failed has left whole lists behind.
    MADE.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The schema of a home, made at the first question.
fn schema_of(home: &Path, server: &str) -> String {
    static WORDS_ARE_KNOWN: Once = Once::new();

    let mut made = made();
    if let Some((_, schema)) = made.schemas.iter().find(|(known, _)| known == home) {
        return schema.clone();
    }
    let goes = made.folders.iter().any(|folder| home.starts_with(folder));
    assert!(
        goes || !cfg!(test),
        "{}: the schema would stay; a company of a test lives in a database::Folder",
        home.display()
    );
    WORDS_ARE_KNOWN.call_once(|| on_server(server, &words()).expect("the words of the tests"));
    // A hasher of its own draws its keys anew.
    let schema = format!("it_{:016x}", RandomState::new().hash_one(home));
    on_server(server, &format!("CREATE SCHEMA {schema}")).expect("a schema of its own");
    made.schemas.push((home.to_owned(), schema.clone()));
    schema
}

/// Drops a schema. Whoever is still in it has no test any more: its sessions are ended.
fn drop_schema(schema: &str) {
    let Some(server) = server() else { return };
    let drop = format!(
        "SET client_min_messages = warning; SET lock_timeout = '2s'; \
         DROP SCHEMA IF EXISTS {schema} CASCADE"
    );
    let end = format!(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l
         JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = '{schema}' AND l.pid <> pg_backend_pid()"
    );
    for _ in 0..5 {
        match on_server(&server, &drop) {
            Ok(()) => return,
            Err(error) => eprintln!("{schema}: {error}"),
        }
        let _ = on_server(&server, &end);
    }
}

/// Runs statements on the server, on a thread of its own: tests ask from within runtimes and
/// without.
fn on_server(server: &str, statements: &str) -> Result<(), sqlx::Error> {
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build()?;
        runtime.block_on(async {
            let mut connection = PgConnection::connect(server).await?;
            let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
            statements.execute(&mut connection).await?;
            connection.close().await
        })
    };
    let ended = std::thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Makes the words of SQLite that statements of tests use.
fn words() -> String {
    format!(
        "BEGIN;
         SELECT pg_advisory_xact_lock(hashtext('{WORDS}'));
         CREATE SCHEMA IF NOT EXISTS {WORDS};
         CREATE OR REPLACE FUNCTION {WORDS}.hex(bytes BYTEA) RETURNS TEXT
             LANGUAGE sql IMMUTABLE AS 'SELECT upper(encode(bytes, ''hex''))';
         CREATE OR REPLACE FUNCTION {WORDS}.date(seconds BIGINT, unit TEXT) RETURNS TEXT
             LANGUAGE sql IMMUTABLE AS
             'SELECT to_char(to_timestamp(seconds) AT TIME ZONE ''UTC'', ''YYYY-MM-DD'')';
         CREATE OR REPLACE FUNCTION {WORDS}.member(document TEXT, name TEXT) RETURNS TEXT
             LANGUAGE sql IMMUTABLE AS 'SELECT document::jsonb ->> name';
         DO $$ BEGIN
             IF to_regoperator('{WORDS}.->>(text, text)') IS NULL THEN
                 CREATE OPERATOR {WORDS}.->> (
                     LEFTARG = text, RIGHTARG = text, FUNCTION = {WORDS}.member);
             END IF;
         END $$;
         COMMIT;"
    )
}

/// A database beside the product.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Database {
    /// The database of the company whose home this is, by its configuration.
    pub(crate) async fn of(home: &Path) -> Self {
        let opened = Self::open(&address(home)).await;
        opened.expect("the database of the test")
    }

    /// The database at an address: that of a server, or the name of a file.
    pub(crate) async fn open(address: &str) -> Result<Self, sqlx::Error> {
        if !address.starts_with("postgres") {
            let options = SqliteConnectOptions::new()
                .filename(address)
                .busy_timeout(PATIENCE);
            return Ok(Self::Sqlite(SqlitePool::connect_with(options).await?));
        }
        let options: PgConnectOptions = address.parse()?;
        let words =
            format!("SELECT set_config('search_path', current_schema() || ', {WORDS}', false)");
        let pool = PgPoolOptions::new().max_connections(4);
        let pool = pool.after_connect(move |connection, _| {
            let words = sqlx::raw_sql(AssertSqlSafe(words.clone()));
            Box::pin(async move { words.execute(connection).await.map(drop) })
        });
        Ok(Self::Postgres(pool.connect_with(options).await?))
    }

    /// The rows of a statement.
    pub(crate) async fn rows(&self, statement: &str) -> Vec<Row> {
        let rows = self.try_rows(statement).await;
        rows.unwrap_or_else(|error| panic!("a statement of the test: {error}\n{statement}"))
    }

    /// The rows of a statement that may fail.
    pub(crate) async fn try_rows(&self, statement: &str) -> Result<Vec<Row>, sqlx::Error> {
        let raw = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match self {
            Self::Sqlite(pool) => Ok(row::of_sqlite(&raw.fetch_all(pool).await?)),
            Self::Postgres(pool) => {
                let rows = row::of_postgres(&raw.fetch_all(pool).await?);
                self.count_on(pool, statement).await?;
                Ok(rows)
            }
        }
    }

    /// Runs statements.
    pub(crate) async fn run(&self, statements: &str) {
        self.rows(statements).await;
    }

    /// The first column of the only row of a statement.
    pub(crate) async fn one<T: for<'r> row::Field<'r>>(&self, statement: &str) -> T {
        let rows = self.rows(statement).await;
        assert_eq!(rows.len(), 1, "{statement}");
        rows[0].get(0)
    }

    /// Of two texts that of this database: where they cannot be the same.
    pub(crate) fn either<'a>(&self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// Lets PostgreSQL count on from the numbers that a test has given to its rows, as SQLite does.
    async fn count_on(&self, pool: &PgPool, statement: &str) -> Result<(), sqlx::Error> {
        let inserts = statement.split("INSERT INTO ").skip(1);
        let numbered = inserts.filter_map(|insert| insert.split_once(" (id,"));
        for (table, _) in numbered.filter(|(table, _)| !table.contains(char::is_whitespace)) {
            let next = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'id'),
                               (SELECT max(id) FROM {table}))"
            );
            sqlx::raw_sql(AssertSqlSafe(next)).execute(pool).await?;
        }
        Ok(())
    }

    /// Closes it.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Somebody else who is writing: nobody who writes facts or messages comes by.
#[derive(Debug)]
pub(crate) enum Writing {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Database {
    /// Begins to write and does not end.
    pub(crate) async fn hold_writing(&self) -> Result<Writing, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => {
                let mut held = pool.acquire().await?;
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *held).await?;
                Writing::Sqlite(held)
            }
            Self::Postgres(pool) => {
                let mut held = pool.acquire().await?;
                // What everybody takes who writes facts, and what nobody gets by who sends.
                let locks = "BEGIN;
                    SELECT pg_advisory_xact_lock(x'00726b01'::int, hashtext(current_schema()));
                    LOCK TABLE messages IN EXCLUSIVE MODE";
                sqlx::raw_sql(locks).execute(&mut *held).await?;
                Writing::Postgres(held)
            }
        })
    }
}

impl Writing {
    /// Lets the others go on.
    pub(crate) async fn release(self) -> Result<(), sqlx::Error> {
        let end = sqlx::raw_sql("ROLLBACK");
        match self {
            Self::Sqlite(mut held) => end.execute(&mut *held).await.map(drop),
            Self::Postgres(mut held) => end.execute(&mut *held).await.map(drop),
        }
    }
}

/// Where the company of a home has its database: an address, or the name of a file.
pub(crate) fn address(home: &Path) -> String {
    let text = std::fs::read_to_string(home.join("config/rekindle.toml"));
    let settings: toml::Table = text.unwrap_or_default().parse().unwrap_or_default();
    let named = settings
        .get("database")
        .and_then(|section| section.get("url"));
    let named = named.and_then(toml::Value::as_str);
    match named.unwrap_or("sqlite://rekindle.db").split_once("://") {
        Some(("sqlite", file)) => home.join(file).to_string_lossy().into_owned(),
        _ => named.unwrap_or_default().to_owned(),
    }
}
