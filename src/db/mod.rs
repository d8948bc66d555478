//! The database: every line of SQL of the house.
//!
//! [`Store`] is the contract: its methods take and return plain data of the lower floors, and no
//! type of sqlx leaves this room. Today it speaks to SQLite; PostgreSQL will stand beside it behind
//! the same methods (see `docs/DECISIONS.md`). What a row *means* is decided in `rules`.

mod audit;
mod backup;
mod base_weeks;
mod bulk;
mod campaign_page;
mod campaigns;
mod candidates;
mod card;
mod certificates;
mod checkups;
mod client_kinds;
mod clients;
mod consents;
mod day_lists;
mod day_page;
mod delivery;
mod details;
mod erasure;
mod facts;
mod figures;
mod funnels;
mod history;
mod holds;
mod import;
mod imported;
mod inbound;
mod managers;
mod messages;
mod notices;
mod outcomes;
mod own_facts;
mod partner_codes;
mod retention;
mod rhythms;
mod rows;
mod runs;
mod schedules;
mod search;
mod seats;
mod sessions;
mod staging;
mod story;
mod suppressions;
mod tally;
mod task_events;
mod tasks;
mod versions;

pub use audit::{AuditRow, Entry};
pub use backup::TableCounts;
pub use base_weeks::WeekRow;
pub use campaign_page::{CampaignTotals, SandboxRow};
pub use campaigns::{CampaignEnded, CampaignMessages, Cancelled, GiftTask};
pub use card::{CARD_LISTS, CardDeal, CardHead, CardMessage, CardPurchase};
pub use certificates::{
    CertificateRow, FriendRules, IssuedFor, Redeemed, Redeeming, RedemptionRow, ReviewDecision,
    ReviewRow, SettledReceipts, Via,
};
pub use clients::MergedClient;
pub use day_lists::{Listed, TaskInQueue};
pub use day_page::{Background, Load, OpenDeal, PastOutcome};
pub use delivery::{
    Asking, Claim, ClaimOrder, Claimed, Claims, Decision, Ending, Journal, MessageFilter,
    MessageRow, Outlook, Passed, Reconciled, Settled, Stop,
};
pub use details::Details;
pub use erasure::{Erasure, Forgotten};
pub use facts::Wanted;
pub use figures::{ChannelFigures, ScheduleFigures};
pub use funnels::{CountedFor, FunnelOrder};
pub use history::{History, HistoryDay, StoredBase};
pub use holds::{CONFIGURATION, Heartbeat, Hold};
pub use import::{Changes, ImportId, ImportOrder, ImportStatus, Merge, RowTotals};
pub use imported::Imported;
pub use inbound::{InboundEvent, InboundKind, KnownMessage, NewAnswer, Taken, Taking, Trace};
pub use messages::{DueMessage, Handed, NewList};
pub use notices::NewNotice;
pub use outcomes::{Effects, Noted, Recording};
pub use own_facts::{Friend, OWN_SOURCE};
pub use retention::{Cutoffs, Tidied};
pub use rhythms::RhythmProgress;
pub use runs::{Begun, RunRow, Sealing};
pub use schedules::{Finished, NewOccurrence, OpenOccurrence, ScheduleRow};
pub use search::{FoundClient, Sought};
pub use seats::{SeatRow, Seated};
pub use sessions::{Entered, NewSignIn};
pub use staging::{
    NewCertificate, NewClosing, NewEnrollment, NewMessage, NewTask, NextStep, Staged,
};
pub use suppressions::{NewSuppression, SuppressionRow};
pub use tally::Ended;
pub use task_events::TaskEvent;
pub use tasks::{Reassignment, TaskFilter, TaskRow};
pub use versions::{RunVersion, digest_of};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Notify;

/// The migrations, compiled in: a binary needs no files beside it.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a writer waits for another one before it gives up, unless told otherwise.
const USUAL_WAIT: Duration = Duration::from_secs(30);

/// Rows that a statement may give before somebody takes them: each wait for one costs a switch of
/// threads.
const ROWS_AHEAD: usize = 1_024;

/// What can go wrong with the database, in words for an operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The configured address is not one that this build understands.
    #[error("database.url = \"{0}\" is not understood; write sqlite://FILE")]
    Url(String),
    /// The file cannot be opened, made or migrated.
    #[error("the database {path} cannot be opened: {source}{hint}", hint = hint(source))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The file was written by a newer version, or its history was changed.
    #[error("the database {path} does not fit this version of rekindle: {source}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// What the migrator said.
        source: MigrateError,
    },
    /// A statement failed.
    #[error("the database refused: {source}{hint}", hint = hint(source))]
    Statement {
        /// What the database said.
        #[from]
        source: sqlx::Error,
    },
    /// A stored value is not what this version writes.
    #[error("a row of table {table} cannot be read: {reason}")]
    Row {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        reason: String,
    },
}

/// How to mend what the database said, for the few cases where an operator can.
fn hint(error: &sqlx::Error) -> &'static str {
    let Some(code) = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
    else {
        return "";
    };
    // Source: https://www.sqlite.org/rescode.html; the low byte is the primary code.
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5) => " (another process is writing: wait for it, or stop it)",
        Ok(8) => " (the file or its folder is read-only: check owner and mode)",
        Ok(10) => " (the disk cannot be read or written: is it full or failing? nothing is lost)",
        Ok(13) => " (the disk is full: free some space and start again, nothing is lost)",
        Ok(14) => " (the folder does not exist or may not be written to)",
        Ok(11 | 26) => " (the file is damaged or is no database: restore the last backup)",
        _ => "",
    }
}

/// Our own short form.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Brings the tables up to date. Of two processes that start at once one waits for the other; where
/// nothing is missing, nobody waits for whoever is writing.
async fn bring_up_to_date(pool: &SqlitePool) -> std::result::Result<(), MigrateError> {
    let applied =
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM _sqlx_migrations WHERE success");
    // Without the table the database is new.
    let applied = applied.fetch_one(pool).await.unwrap_or_default();
    if applied >= MIGRATIONS.iter().count() as i64 {
        return MIGRATIONS.run(pool).await;
    }
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS.run(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The one door to the database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    /// The one connection that writes: SQLite has one writer anyway. Whoever wants to write waits
    /// here for his turn, first come, first served, instead of knocking again and again at a locked
    /// file; and what was read stays in its cache, because nobody else changes it.
    writer: SqlitePool,
    path: PathBuf,
    /// Told whenever something comes in, so that nobody has to ask again and again.
    arrivals: Arc<Notify>,
}

impl Store {
    /// Opens the database at `url`, makes it where it is missing, and brings its tables up to date.
    ///
    /// A relative file starts at `home`.
    pub async fn open(url: &str, home: &Path) -> Result<Self> {
        Self::open_waiting(url, home, USUAL_WAIT).await
    }

    /// The file of the database at `url`; a relative one starts at `home`.
    pub fn file_of(url: &str, home: &Path) -> Result<PathBuf> {
        let file = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"))
            .ok_or_else(|| StoreError::Url(url.to_owned()))?;
        Ok(home.join(file))
    }

    /// As [`Self::open`], with the time that a writer waits for another one before it gives up.
    pub async fn open_waiting(url: &str, home: &Path, wait: Duration) -> Result<Self> {
        let path = Self::file_of(url, home)?;
        // FULL: a power cut must not take back what has been promised to the outside world.
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(wait)
            .row_buffer_size(ROWS_AHEAD);
        // A file cannot hang up: asking at every use whether it is still there costs a switch of
        // threads.
        let connections = |most: u32| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .test_before_acquire(false)
        };
        let pool = connections(4).connect_with(options.clone()).await;
        let pool = pool.map_err(|source| StoreError::Open {
            path: path.clone(),
            source,
        })?;
        // Whoever waits for another process inside makes those behind him wait as long.
        let patience = wait + USUAL_WAIT;
        let writer = connections(1)
            .acquire_timeout(patience)
            .connect_lazy_with(options);
        let migrated = bring_up_to_date(&pool).await;
        migrated.map_err(|source| StoreError::Migration {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            pool,
            writer,
            path,
            arrivals: Arc::default(),
        })
    }

    /// The file of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes every connection; what is open is finished first.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }
}
