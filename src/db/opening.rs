//! Opening the database: where it is, how it is spoken to, and that its tables are up to date.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::query_scalar;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::sql::{Pool, Writer};
use super::{Result, Store, StoreError};
use crate::config::secrets::{ExposeSecret, SecretString};

/// The migrations, compiled in: a binary needs no files beside it.
static OF_SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static OF_POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a writer waits for another one before it gives up, unless told otherwise.
const USUAL_WAIT: Duration = Duration::from_secs(30);

/// Rows that a statement may give before somebody takes them: each wait for one costs a switch of
/// threads.
const ROWS_AHEAD: usize = 1_024;

/// How long a transaction may stand still: as long as an import may sort between two kinds of facts.
const FROZEN: &str = "5min";

/// Connections to PostgreSQL that one process holds at most.
const CONNECTIONS: u32 = 10;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL.
    Server {
        /// The address, with the password left out.
        address: String,
        /// The folder of the configuration: what has to lie beside a database lies there.
        home: PathBuf,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Server { address, .. } => f.write_str(address),
        }
    }
}

impl Place {
    /// The place that a configured address names; a relative file starts at `home`.
    pub fn of(url: &str, home: &Path) -> Result<Self> {
        let file = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"));
        if let Some(file) = file {
            return Ok(Self::File(home.join(file)));
        }
        let options = postgres_options(url)?;
        let name = options.get_database().unwrap_or(options.get_username());
        let address = format!(
            "postgres://{}:{}/{name}",
            options.get_host(),
            options.get_port()
        );
        Ok(Self::Server {
            address,
            home: home.to_owned(),
        })
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Server { .. } => None,
        }
    }

    /// A file of ours that belongs to the database: `rekindle.db.NAME` beside the file of SQLite,
    /// `rekindle.NAME` beside the configuration where a server has the database.
    pub fn beside(&self, name: &str) -> PathBuf {
        match self {
            Self::File(file) => beside(file, name),
            Self::Server { home, .. } => home.join(format!("rekindle.{name}")),
        }
    }
}

/// `FILE.NAME`.
pub(super) fn beside(file: &Path, name: &str) -> PathBuf {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".");
    beside.push(name);
    PathBuf::from(beside)
}

/// How a database is reached.
#[derive(Clone, Debug)]
pub struct Access<'a> {
    /// `sqlite://FILE` or `postgres://USER@HOST/NAME`.
    pub url: &'a str,
    /// The folder that a relative file starts at.
    pub home: &'a Path,
    /// How long a writer waits for another one before it gives up.
    pub wait: Duration,
    /// The password for PostgreSQL. Without it the address may bring one, PGPASSWORD or ~/.pgpass, as
    /// with every client of PostgreSQL.
    pub password: Option<&'a SecretString>,
}

impl Access<'_> {
    /// The address as it may stand in a configuration: whatever it says but a password.
    pub fn to_configure(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else {
            return self.url.to_owned();
        };
        match rest.rsplit_once('@') {
            Some((user, host)) => {
                let name = user.split(':').next().unwrap_or_default();
                format!("{scheme}://{name}@{host}")
            }
            None => self.url.to_owned(),
        }
    }

    /// What a client of PostgreSQL needs to know.
    pub(super) fn to_server(&self) -> Result<PgConnectOptions> {
        let options = postgres_options(self.url)?.application_name("rekindle");
        Ok(match self.password {
            Some(password) => options.password(password.expose_secret()),
            None => options,
        })
    }
}

fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(StoreError::Url(without_password(url)));
    }
    PgConnectOptions::from_str(url).map_err(|_| StoreError::Url(without_password(url)))
}

/// An address as it may stand in a log.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:…@{host}")
        }
        _ => url.to_owned(),
    }
}

impl Store {
    /// Opens the database at `url`, makes it where it is missing, and brings its tables up to date.
    ///
    /// A relative file starts at `home`. A database of PostgreSQL has to be there; its tables are
    /// made.
    pub async fn open(url: &str, home: &Path) -> Result<Self> {
        let access = Access {
            url,
            home,
            wait: USUAL_WAIT,
            password: None,
        };
        Self::open_with(&access).await
    }

    /// As [`Self::open`], with all that can be said about it.
    pub async fn open_with(access: &Access<'_>) -> Result<Self> {
        let place = Place::of(access.url, access.home)?;
        let opened = match &place {
            Place::File(file) => open_sqlite(file, access.wait).await,
            Place::Server { .. } => open_postgres(access.to_server()?, access.wait).await,
        };
        match opened {
            Ok((pool, writer)) => Ok(Self {
                pool,
                writer,
                place,
                arrivals: Arc::default(),
            }),
            Err(Failed::Connecting(source)) => Err(StoreError::Open { place, source }),
            Err(Failed::Migrating(source)) => Err(StoreError::Migration { place, source }),
        }
    }
}

/// Why a database could not be opened.
enum Failed {
    Connecting(sqlx::Error),
    Migrating(MigrateError),
}

/// Opens a file: the pool of those who read, and the one connection that writes.
async fn open_sqlite(file: &Path, wait: Duration) -> Result<(Pool, Pool), Failed> {
    // FULL: a power cut must not take back what has been promised to the outside world.
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(wait)
        .row_buffer_size(ROWS_AHEAD);
    // A file cannot hang up: asking at every use whether it is still there costs a switch of
    // threads.
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await;
    let pool = pool.map_err(Failed::Connecting)?;
    // Whoever waits for another process inside makes those behind him wait as long.
    let writer = Writer::new(options, wait + USUAL_WAIT);
    let migrated = bring_up_to_date(&pool).await;
    migrated.map_err(Failed::Migrating)?;
    Ok((Pool::Sqlite(pool), Pool::Writer(writer)))
}

/// Opens a database of a server. Migrations of several processes wait for each other there.
async fn open_postgres(options: PgConnectOptions, wait: Duration) -> Result<(Pool, Pool), Failed> {
    use sqlx::{ConnectOptions as _, Connection as _};

    // Nought would be for ever. And whoever is frozen in the middle of a transaction keeps nobody
    // waiting for longer than that.
    let patience = wait.as_millis().max(1);
    let options = options.options([
        ("lock_timeout", format!("{patience}ms")),
        ("idle_in_transaction_session_timeout", FROZEN.to_owned()),
    ]);
    // The pool would knock for as long as anybody may wait, and then say only that time is over.
    let first = options.connect().await.map_err(Failed::Connecting)?;
    first.close().await.map_err(Failed::Connecting)?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(wait + USUAL_WAIT)
        .connect_with(options)
        .await;
    let pool: PgPool = pool.map_err(Failed::Connecting)?;
    OF_POSTGRES.run(&pool).await.map_err(Failed::Migrating)?;
    Ok((Pool::Postgres(pool.clone()), Pool::Postgres(pool)))
}

/// Brings the tables of a file up to date. Of two processes that start at once one waits for the
/// other; where nothing is missing, nobody waits for whoever is writing.
async fn bring_up_to_date(pool: &SqlitePool) -> std::result::Result<(), MigrateError> {
    let applied = query_scalar::<_, i64>("SELECT count(*) FROM _sqlx_migrations WHERE success");
    // Without the table the database is new.
    let applied = applied.fetch_one(pool).await.unwrap_or_default();
    if applied >= OF_SQLITE.iter().count() as i64 {
        return OF_SQLITE.run(pool).await;
    }
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    OF_SQLITE.run(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let home = Path::new("/etc/rekindle");
        let place = Place::of("postgres://anna:secret@db.example.org/clients", home).unwrap();
        assert_eq!(place.to_string(), "postgres://db.example.org:5432/clients");
        let wrong = Place::of("mysql://anna:secret@db.example.org/clients", home).unwrap_err();
        assert!(
            wrong
                .to_string()
                .contains("mysql://anna:…@db.example.org/clients")
        );
        assert!(!wrong.to_string().contains("secret"));
        let access = Access {
            url: "postgres://anna:secret@db.example.org/clients?sslmode=require",
            home,
            wait: USUAL_WAIT,
            password: None,
        };
        let to_write = "postgres://anna@db.example.org/clients?sslmode=require";
        assert_eq!(access.to_configure(), to_write);
    }

    #[test]
    fn what_lies_beside_a_database_bears_its_name() {
        let home = Path::new("/etc/rekindle");
        let file = Place::of("sqlite://rekindle.db", home).unwrap();
        assert_eq!(file.beside("queue"), home.join("rekindle.db.queue"));
        let server = Place::of("postgres://anna@localhost/clients", home).unwrap();
        assert_eq!(server.beside("queue"), home.join("rekindle.queue"));
    }
}
