//! The queue itself: a file beside the database of SQLite, tables of its own in PostgreSQL.
//!
//! In a file the traps are: never `SqliteStorage::setup`, which changes settings of a connection drawn
//! at random; never its own way of removing finished jobs, which takes the fresh ones as well.
//!
//! In PostgreSQL apalis has a schema of its own, `apalis`, one for the whole database. So the names of
//! our queues say which company (its schema) and which process they are for:
//!
//! - a process pushes jobs to itself. Work is not shared by jobs but by claims: a queue for all would
//!   let one process fetch what wakes the other, and one that has a second job in hand shows no sign
//!   of life any more;
//! - a job that the database thinks orphaned runs again: it only says where to look;
//! - its migrations ask for the right to create in the database even where nothing is left to be
//!   made: they run only where something is missing. They need the extensions hstore and pgcrypto;
//! - hstore is found by its name, so the way to its schema is opened for these connections; tables of
//!   companies are not;
//! - a worker that registers anew under its old name takes a lock of a session that the pool lends to
//!   somebody else: names carry the process start and the number of the restart;
//! - what processes have left that are gone is removed after an hour.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::*;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};
use tracing::warn;

use super::{Deliver, Desk, WorkerError, deliver};
use crate::app::App;
use crate::config::secrets::{ExposeSecret, SecretString};
use crate::model::Channel;

/// How often a worker looks into a file.
const POLL_FILE: Duration = Duration::from_millis(100);

/// How often a worker asks a server: each time costs it a transaction.
const POLL_SERVER: Duration = Duration::from_millis(500);

/// How often a worker shows a sign of life, and how many it may miss.
const HEARTBEAT: (Duration, usize) = (Duration::from_secs(10), 3);

/// How long finished jobs are kept.
const KEEP_DONE: Duration = Duration::from_mins(10);

/// Connections to a server: one for each channel, and one for whoever pushes and tidies.
const CONNECTIONS: u32 = 3;

/// Where jobs wait.
#[derive(Clone)]
pub(super) enum Queue {
    /// A file that one process uses.
    File(SqlitePool),
    /// Tables in the database of the company.
    Server {
        /// Their connections.
        pool: PgPool,
        /// How the names of the queues of this company begin.
        company: String,
        /// How the names of the queues of this process begin.
        own: String,
    },
}

impl Queue {
    /// Opens the queue where the database is, and makes what is missing.
    pub(super) async fn open(app: &App, start: &str) -> Result<Self, WorkerError> {
        let file = app.store.place().beside("queue");
        if app.store.place().file().is_some() {
            let opened = open_file(&file).await;
            return opened.map(Self::File).map_err(|error| WorkerError::File {
                path: file,
                reason: error.to_string(),
            });
        }
        let unusable = |reason: String| WorkerError::Server { reason };
        let password = app.database_password();
        let password = password.map_err(|error| unusable(error.to_string()))?;
        let opened = open_server(&app.settings.database.url, password.as_ref()).await;
        let (pool, schema) = opened.map_err(|error| unusable(error.to_string()))?;
        let company = format!("rekindle/{schema}/");
        Ok(Self::Server {
            own: format!("{company}{start}/"),
            pool,
            company,
        })
    }

    /// Has a worker look at a channel, whenever a job says so.
    pub(super) fn employ(
        &self,
        monitor: Monitor,
        channel: Channel,
        start: &str,
        desk: &Arc<Desk>,
    ) -> Monitor {
        let (desk, start) = (Arc::clone(desk), start.to_owned());
        match self.clone() {
            Self::File(pool) => monitor.register(move |n| {
                WorkerBuilder::new(format!("{channel}-{start}-{n}"))
                    .backend(in_file(&pool, channel).poll_with_interval(POLL_FILE))
                    .data(Arc::clone(&desk))
                    .concurrency(1)
                    .build(deliver)
            }),
            Self::Server { pool, own, .. } => monitor.register(move |n| {
                WorkerBuilder::new(format!("{own}{channel}-{n}"))
                    .backend(on_server(&pool, &own, channel).poll_with_interval(POLL_SERVER))
                    .data(Arc::clone(&desk))
                    .concurrency(1)
                    .build(deliver)
            }),
        }
    }

    /// Asks the worker of a channel to look.
    pub(super) async fn push(&self, channel: Channel) -> Result<(), BoxDynError> {
        let job = Deliver { channel };
        match self {
            Self::File(pool) => in_file(pool, channel).push(job).await?,
            Self::Server { pool, own, .. } => on_server(pool, own, channel).push(job).await?,
        }
        Ok(())
    }

    /// Removes finished jobs, and what processes have left that are gone.
    pub(super) async fn tidy(&self) {
        let kept = KEEP_DONE.as_secs().cast_signed();
        let tidied = match self {
            Self::File(pool) => {
                let done = sqlx::query(
                    "DELETE FROM Jobs WHERE status IN ('Done', 'Failed', 'Killed')
                       AND done_at < strftime('%s', 'now') - ?1",
                );
                done.bind(kept).execute(pool).await.map(drop)
            }
            Self::Server { pool, company, own } => tidy_server(pool, company, own, kept).await,
        };
        if let Err(error) = tidied {
            warn!(%error, "finished jobs could not be removed from the queue");
        }
    }

    /// Ends the use of the queue.
    pub(super) async fn close(&self) {
        match self {
            Self::File(pool) => pool.close().await,
            Self::Server { pool, own, .. } => {
                // What this process has told itself is of no use to the next one.
                let left = forget(pool, own, 0).await;
                if let Err(error) = left {
                    warn!(%error, "the queue of this process stays for an hour");
                }
                pool.close().await;
            }
        }
    }
}

async fn open_file(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePool::connect_with(options).await?;
    SqliteStorage::<()>::migrations().run(&pool).await?;
    Ok(pool)
}

/// The connections to the queue, and the schema of the company.
async fn open_server(
    url: &str,
    password: Option<&SecretString>,
) -> Result<(PgPool, String), sqlx::Error> {
    use sqlx::ConnectOptions as _;

    let mut options = PgConnectOptions::from_str(url)?.application_name("rekindle queue");
    if let Some(password) = password {
        options = options.password(password.expose_secret());
    }
    let mut session = options.connect().await?;
    let (schema, extensions): (String, Option<String>) = sqlx::query_as(
        "SELECT current_schema(),
                (SELECT quote_ident(n.nspname) FROM pg_extension e
                 JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hstore')",
    )
    .fetch_one(&mut session)
    .await?;
    drop(session);
    let path = match extensions {
        Some(extensions) if extensions != "public" => format!("public,{extensions}"),
        _ => "public".to_owned(),
    };
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_mins(1))
        .connect_with(options.options([("search_path", path)]))
        .await?;
    let migrations = PostgresStorage::<()>::migrations();
    let wanted = migrations.iter().count() as i64;
    let made = "SELECT count(*) FROM apalis._sqlx_migrations WHERE success";
    let made: i64 = sqlx::query_scalar(made)
        .fetch_one(&pool)
        .await
        .unwrap_or_default();
    if made < wanted {
        migrations.run(&pool).await?;
    }
    Ok((pool, schema))
}

fn in_file(pool: &SqlitePool, channel: Channel) -> SqliteStorage<Deliver> {
    let config = apalis_sqlite::Config::default()
        .queue(channel.word())
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT.0)
        .missed_heartbeats(HEARTBEAT.1);
    SqliteStorage::new(pool).with_config(config)
}

fn on_server(pool: &PgPool, own: &str, channel: Channel) -> PostgresStorage<Deliver> {
    let config = apalis_postgres::Config::default()
        .queue(format!("{own}{channel}"))
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT.0)
        .missed_heartbeats(HEARTBEAT.1);
    PostgresStorage::new(pool).with_config(config)
}

async fn tidy_server(
    pool: &PgPool,
    company: &str,
    own: &str,
    kept: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM apalis.jobs WHERE starts_with(job_type, $1)
           AND status IN ('Done', 'Failed', 'Killed')
           AND done_at < now() - make_interval(secs => $2)",
    )
    .bind(own)
    .bind(kept as f64)
    .execute(pool)
    .await?;
    forget(pool, company, 3_600).await
}

/// Removes the queues whose names begin so and whose workers were not seen for so many seconds.
async fn forget(pool: &PgPool, begins: &str, unseen_seconds: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM apalis.jobs j WHERE starts_with(j.job_type, $1)
           AND NOT EXISTS (SELECT 1 FROM apalis.workers w WHERE w.worker_type = j.job_type
                             AND w.last_seen > now() - make_interval(secs => $2))",
    )
    .bind(begins)
    .bind(unseen_seconds as f64)
    .execute(pool)
    .await?;
    sqlx::query(
        "DELETE FROM apalis.workers w WHERE starts_with(w.worker_type, $1)
           AND w.last_seen <= now() - make_interval(secs => $2)
           AND NOT EXISTS (SELECT 1 FROM apalis.jobs j WHERE j.lock_by = w.id)",
    )
    .bind(begins)
    .bind(unseen_seconds as f64)
    .execute(pool)
    .await?;
    Ok(())
}
