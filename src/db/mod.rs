//! The database: every line of SQL of the house.
//!
//! [`Store`] is the contract: its methods take and return plain data of the lower floors, and no
//! type of sqlx leaves this room. Behind it stands SQLite or PostgreSQL (`sql`); each statement is
//! written for both, or twice where that is better. What a row *means* is decided in `rules`.

mod address_locks;
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
mod copy;
mod day_lists;
mod day_page;
mod delivery;
mod details;
mod dump;
mod erasure;
mod export;
mod facts;
mod figures;
mod funnels;
mod hints;
mod history;
mod holds;
mod import;
mod imported;
mod inbound;
mod locks;
mod managers;
mod messages;
mod moving;
mod notices;
mod opening;
mod outcomes;
mod own_facts;
mod partner_codes;
#[cfg(test)]
mod plans;
mod retention;
mod rhythms;
mod rows;
mod runs;
mod schedules;
mod search;
mod seats;
mod server;
mod sessions;
mod sql;
mod staging;
mod story;
mod suppressions;
mod tally;
mod task_events;
mod tasks;
mod versions;

pub use audit::{AuditRow, Entry};
pub use backup::{Replaced, TableCounts};
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
pub use holds::{CONFIGURATION, Hold};
pub use import::{Changes, ImportId, ImportOrder, ImportStatus, Merge, RowTotals};
pub use imported::Imported;
pub use inbound::{InboundEvent, InboundKind, KnownMessage, NewAnswer, Taken, Taking, Trace};
pub use locks::{Held, Lock, try_lock_beside};
pub use messages::{DueMessage, Handed, NewList};
pub use moving::{MOVED, MoveError, MovedTable, Moving};
pub use notices::NewNotice;
pub use opening::{Access, Place};
pub use outcomes::{Effects, Noted, Recording};
pub use own_facts::{Friend, OWN_SOURCE};
pub use retention::{Cutoffs, Tidied};
pub use rhythms::RhythmProgress;
pub use runs::{Begun, RunRow, Sealing};
pub use schedules::{Finished, NewOccurrence, OpenOccurrence, ScheduleRow};
pub use search::{FoundClient, Sought};
pub use seats::{SeatRow, Seated};
pub use server::Server;
pub use sessions::{Entered, NewSignIn};
pub use staging::{
    NewCertificate, NewClosing, NewEnrollment, NewMessage, NewTask, NextStep, Staged,
};
pub use suppressions::{NewSuppression, SuppressionRow};
pub use tally::Ended;
pub use task_events::TaskEvent;
pub use tasks::{Reassignment, TaskFilter, TaskRow};
pub use versions::{RunVersion, digest_of};

use std::sync::Arc;

use sqlx::migrate::MigrateError;
use tokio::sync::Notify;

use hints::hint;
use sql::{Pool, Transaction};

/// What can go wrong with the database, in words for an operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The configured address is not one that this build understands.
    #[error(
        "database.url = \"{0}\" is not understood; write sqlite://FILE or postgres://USER@HOST/NAME"
    )]
    Url(String),
    /// The database cannot be opened, made or migrated.
    #[error("the database {place} cannot be opened: {source}{hint}", hint = hint(source))]
    Open {
        /// The database.
        place: Place,
        /// What the database said.
        source: sqlx::Error,
    },
    /// It was written by a newer version, or its history was changed.
    #[error("the database {place} does not fit this version of rekindle: {source}")]
    Migration {
        /// The database.
        place: Place,
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
    /// A lock beside the database.
    #[error("the lock beside the database cannot be taken: {0}")]
    Lock(#[from] std::io::Error),
    /// A program of PostgreSQL failed, or is not there.
    #[error("{program}: {said}")]
    Program {
        /// `pg_dump` or `pg_restore`.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// The session that held a lock is gone.
    #[error(
        "the connection that held the lock of the database broke off in the middle: what was not \
         finished is begun again"
    )]
    LockLost,
    /// A stored value is not what this version writes.
    #[error("a row of table {table} cannot be read: {reason}")]
    Row {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        reason: String,
    },
}

/// Our own short form.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The one door to the database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    /// The one connection that writes, in SQLite, which has one writer anyway: whoever wants to write
    /// waits here for his turn, first come, first served, instead of knocking again and again at a
    /// locked file; and what was read stays in its cache, because nobody else changes it. In
    /// PostgreSQL it is `pool`.
    writer: Pool,
    place: Place,
    /// Told whenever something comes in, so that nobody has to ask again and again.
    arrivals: Arc<Notify>,
}

impl Store {
    /// Where the database is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Closes every connection; what is open is finished first.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }

    /// As [`Self::begin`], for work over a good part of the base: with so many KiB for it, in SQLite
    /// until [`Transaction::commit_large`].
    ///
    /// Tables grow from nothing within such work: PostgreSQL plans each statement for what they are
    /// by then, and not once for what they were.
    async fn begin_large(&self, cache_kib: u32) -> Result<Transaction> {
        let mut connection = self.pool.acquire().await?;
        connection.set_cache(cache_kib).await?;
        let mut tx = connection.begin().await?;
        locks::writer(&mut tx).await?;
        let settings = format!(
            "SET LOCAL work_mem = '{cache_kib}kB'; SET LOCAL plan_cache_mode = force_custom_plan"
        );
        sql::raw_of("", sqlx::AssertSqlSafe(settings))
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }

    /// Begins a transaction that writes facts or decisions: one at a time, as SQLite has it anyway.
    /// So whatever is decided on what was read in it still holds when it is committed.
    async fn begin(&self) -> Result<Transaction> {
        let mut tx = self.writer.acquire().await?.begin().await?;
        locks::writer(&mut tx).await?;
        Ok(tx)
    }
}
