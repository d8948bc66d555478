//! Taking up the facts of a source: all of them or none, and as often as anybody likes.
//!
//! An import is one transaction ([`Merge`]) that is fed facts in the order of their keys: pages are
//! filled one after the other, and a kill at any moment leaves the tables as they were. What the
//! facts say and what is rejected was decided before; whether a shrunken source may be applied is
//! decided by the job.

mod clients;
mod deals;
mod merged;
mod named;
mod passing;
mod people;
mod permissions;
mod purchase_tables;
mod purchases;
mod visits;

use crate::db::sql::{self, Engine, Transaction};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bulk::Bulk;
use super::{Result, Store};
use crate::config::settings::FactKind;
use crate::model::{AddressKey, Day, FactBatch};

/// Pages of memory for the merge, in KiB: random access to a large base needs some.
const CACHE_KIB: u32 = 64 * 1024;

/// So many new facts of a kind change what its table looks like, and PostgreSQL is told so at once:
/// it would plan the rest of the import, and the next scan of the day, for an empty one.
const MANY_FACTS: u64 = 1_000;

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStatus {
    /// The facts are in.
    Done,
    /// Nothing was applied: a person must look at it.
    Held,
    /// It could not be read or applied, in part or at all.
    Failed,
}

impl ImportStatus {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }
}

/// What a merge did to the facts of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Facts that were not there before.
    pub new: u64,
    /// Facts that are different now.
    pub changed: u64,
    /// Facts that are gone from a snapshot.
    pub deleted: u64,
}

/// What the database has to know of an import.
#[derive(Clone, Debug)]
pub struct ImportOrder<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// Whether what is gone from the files is deleted.
    pub snapshot: bool,
    /// The day of the import in the company's time zone.
    pub day: Day,
    /// The key that addresses are hashed with.
    pub key: &'a AddressKey,
    /// Whether the rhythms of first purchases are read from the table later, as those of all others,
    /// and not computed while the purchases pass by.
    pub rhythms_later: bool,
}

/// An import that has been announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportId(pub i64);

/// An import in the making: one transaction that nobody sees until it is finished.
///
/// For each kind, in the order of [`FactKind::ALL`]: [`Merge::begin`], then [`Merge::take`] with its
/// facts in the order of their keys, then [`Merge::end`]; [`Merge::unite`] after the last kind.
/// Dropped before [`Merge::finish`], nothing has happened.
pub struct Merge {
    tx: Transaction,
    import: i64,
    source: i64,
    snapshot: bool,
    day: Day,
    key: AddressKey,
    rhythms_later: bool,
    /// The number that the next new client gets; read when first needed.
    next_client: Option<i64>,
    implied_clients: u64,
    /// How the rows of the kind at hand are counted, and how many there were before.
    counting: Option<(&'static str, u64)>,
    /// Rows of the kind at hand that were written.
    written: u64,
    purchases: Option<purchases::Purchases>,
    changes: BTreeMap<FactKind, Changes>,
}

impl Store {
    /// The fingerprint of the last import of `source` that is done.
    pub async fn last_fingerprint(&self, source: &str) -> Result<Option<String>> {
        let row = sql::query(
            "SELECT i.fingerprint FROM imports i JOIN sources s ON s.id = i.source_id
             WHERE s.name = $1 AND i.status = 'done' ORDER BY i.id DESC LIMIT 1",
        )
        .bind(source)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// How many facts of each kind `source` has put into the tables; those of clients that are
    /// gone or only implied are not counted.
    pub async fn facts_of_source(&self, source: &str) -> Result<BTreeMap<FactKind, u64>> {
        let row = sql::query(
            "SELECT (SELECT count(*) FROM managers t WHERE t.source_id = s.id) AS managers,
                    (SELECT count(*) FROM clients t WHERE t.source_id = s.id
                        AND implied = 0 AND deleted_on IS NULL) AS clients,
                    (SELECT count(*) FROM contacts t JOIN clients c ON c.id = t.client_id
                        WHERE c.source_id = s.id) AS contacts,
                    (SELECT count(*) FROM purchases t WHERE t.source_id = s.id) AS purchases,
                    (SELECT count(*) FROM deals t WHERE t.source_id = s.id) AS deals,
                    (SELECT count(*) FROM visits t WHERE t.source_id = s.id) AS visits
             FROM sources s WHERE s.name = $1",
        )
        .bind(source)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(BTreeMap::new());
        };
        let kinds = [
            FactKind::Managers,
            FactKind::Clients,
            FactKind::Contacts,
            FactKind::Purchases,
            FactKind::Deals,
            FactKind::Visits,
        ];
        let count = |kind: FactKind| (kind, row.get::<i64, _>(kind.word()).cast_unsigned());
        Ok(kinds.into_iter().map(count).collect())
    }

    /// Announces an import: its row says `running` until [`Merge::finish`] or
    /// [`Store::end_import`], and for ever after a kill.
    pub async fn announce_import(
        &self,
        source: &str,
        fingerprint: &str,
        now_ms: i64,
    ) -> Result<ImportId> {
        let mut tx = self.begin().await?;
        sql::query("INSERT INTO sources (name) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(source)
            .execute(&mut *tx)
            .await?;
        let id = sql::query_scalar::<i64>(
            "INSERT INTO imports (source_id, started_at, status, fingerprint)
             SELECT id, $2, 'running', $3 FROM sources WHERE name = $1 RETURNING id",
        )
        .bind(source)
        .bind(now_ms)
        .bind(fingerprint)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(ImportId(id))
    }

    /// Ends an import that applied nothing.
    pub async fn end_import(
        &self,
        import: ImportId,
        status: ImportStatus,
        summary: &str,
        now_ms: i64,
    ) -> Result<()> {
        sql::query("UPDATE imports SET status = $2, summary = $3, finished_at = $4 WHERE id = $1")
            .bind(import.0)
            .bind(status.word())
            .bind(summary)
            .bind(now_ms)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Moves what was written last into the database file itself, so that its log does not stay as
    /// large as a whole import. Left for later when somebody reads.
    pub async fn give_back_log(&self) -> Result<()> {
        sql::raw_of("PRAGMA wal_checkpoint(TRUNCATE)", "")
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Begins to take up the facts of an import. No other process can write until it is finished.
    pub async fn merge(&self, import: ImportId, order: &ImportOrder<'_>) -> Result<Merge> {
        let mut tx = self.begin_large(CACHE_KIB).await?;
        let source = sql::query("SELECT id FROM sources WHERE name = $1")
            .bind(order.source)
            .fetch_one(&mut *tx)
            .await?;
        let mut merge = Merge {
            tx,
            import: import.0,
            source: source.get(0),
            snapshot: order.snapshot,
            day: order.day,
            key: order.key.clone(),
            rhythms_later: order.rhythms_later,
            next_client: None,
            implied_clients: 0,
            counting: None,
            written: 0,
            purchases: None,
            changes: BTreeMap::new(),
        };
        merge.separate().await?;
        Ok(merge)
    }
}

/// What an import has read, for its row.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowTotals {
    /// Rows of all files.
    pub read: u64,
    /// Rows that were not taken.
    pub rejected: u64,
}

impl Merge {
    /// Begins to take up a kind of facts.
    pub async fn begin(&mut self, kind: FactKind) -> Result<()> {
        match kind {
            FactKind::Managers => self.begin_managers().await,
            FactKind::Clients => self.begin_clients().await,
            FactKind::Contacts => self.begin_contacts().await,
            FactKind::Purchases => self.begin_purchases().await,
            FactKind::Deals => self.begin_deals().await,
            FactKind::Visits => self.begin_visits().await,
            FactKind::Consents => self.open("SELECT count(*) FROM consents").await,
            FactKind::Suppressions => self.open("SELECT count(*) FROM suppressions").await,
        }
    }

    /// Takes up some facts of the kind that was begun.
    pub async fn take(&mut self, batch: FactBatch) -> Result<()> {
        match batch {
            FactBatch::Managers(batch) => self.managers(batch).await,
            FactBatch::Clients(batch) => self.clients(batch).await,
            FactBatch::Contacts(batch) => self.contacts(batch).await,
            FactBatch::Purchases(batch) => self.purchases(batch).await,
            FactBatch::Deals(batch) => self.deals(batch).await,
            FactBatch::Visits(batch) => self.visits(batch).await,
            FactBatch::Consents(batch) => self.consents(batch).await,
            FactBatch::Suppressions(batch) => self.suppressions(batch).await,
        }
    }

    /// Ends a kind: what is gone from a snapshot leaves.
    pub async fn end(&mut self, kind: FactKind) -> Result<Changes> {
        match kind {
            FactKind::Managers => self.end_managers().await?,
            FactKind::Clients => self.end_clients().await?,
            FactKind::Contacts => self.end_contacts().await?,
            FactKind::Purchases => self.end_purchases().await?,
            FactKind::Deals => self.end_deals().await?,
            FactKind::Visits => self.end_visits().await?,
            FactKind::Consents | FactKind::Suppressions => self.close(kind).await?,
        }
        Ok(self.changes.get(&kind).copied().unwrap_or_default())
    }

    /// Clients that were made because a purchase, a deal or a visit names them.
    pub fn implied_clients(&self) -> u64 {
        self.implied_clients
    }

    /// How many addresses of the source's clients belong to more than one of them: phones and
    /// e-mail addresses.
    pub async fn shared_addresses(&mut self) -> Result<(u64, u64)> {
        let mut shared = [0, 0];
        for (count, statement) in shared.iter_mut().zip([
            "SELECT count(*) FROM (SELECT 1 FROM clients
             WHERE source_id = $1 AND phone IS NOT NULL AND deleted_on IS NULL
               AND master_id IS NULL
             GROUP BY phone HAVING count(*) > 1) AS shared",
            "SELECT count(*) FROM (SELECT 1 FROM clients
             WHERE source_id = $1 AND email IS NOT NULL AND deleted_on IS NULL
               AND master_id IS NULL
             GROUP BY email HAVING count(*) > 1) AS shared",
        ]) {
            let row = sql::query(statement).bind(self.source);
            let row = row.fetch_one(&mut *self.tx).await?;
            *count = row.get::<i64, _>(0).cast_unsigned();
        }
        Ok((shared[0], shared[1]))
    }

    /// Makes everything visible at once.
    ///
    /// `fingerprint` is what the next import is compared with; `status` is done, or failed where
    /// some of the files could not be read.
    pub async fn finish(
        mut self,
        status: ImportStatus,
        fingerprint: &str,
        totals: RowTotals,
        summary: &str,
        now_ms: i64,
    ) -> Result<()> {
        sql::query(
            "UPDATE imports SET status = $2, fingerprint = $3, rows_read = $4, rows_rejected = $5,
                 summary = $6, finished_at = $7
             WHERE id = $1",
        )
        .bind(self.import)
        .bind(status.word())
        .bind(fingerprint)
        .bind(totals.read.cast_signed())
        .bind(totals.rejected.cast_signed())
        .bind(summary)
        .bind(now_ms)
        .execute(&mut *self.tx)
        .await?;
        self.drop_temporary_tables().await?;
        self.count_on().await?;
        // Whoever has left or bought by what was imported gets nothing more from now on.
        super::address_locks::alone(&mut self.tx).await?;
        crash_point!("before-import");
        Ok(self.tx.commit_large().await?)
    }

    /// Whether the source has put anything into a table before this import.
    async fn had_any(&mut self, statement: &'static str) -> Result<bool> {
        let row = sql::query(statement)
            .bind(self.source)
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(row.get::<i64, _>(0) != 0)
    }

    /// Runs a statement whose parameters are the source, the import and the day.
    async fn run(&mut self, statement: &'static str) -> Result<u64> {
        let done = sql::query(statement)
            .bind(self.source)
            .bind(self.import)
            .bind(self.day.epoch_days())
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected())
    }

    /// As [`Self::run`], in the words of each database.
    async fn run_of(&mut self, sqlite: &'static str, postgres: &'static str) -> Result<u64> {
        match self.tx.engine() {
            Engine::Sqlite => self.run(sqlite).await,
            Engine::Postgres => self.run(postgres).await,
        }
    }

    /// Runs statements without parameters, in the words of each database.
    async fn raw_of(&mut self, sqlite: &'static str, postgres: &'static str) -> Result<()> {
        let raw = sql::raw_of(sqlite, postgres);
        raw.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Opens a kind whose rows are counted by `count`: what is written is new or changed.
    async fn open(&mut self, count: &'static str) -> Result<()> {
        self.counting = Some((count, self.count(count).await?));
        self.written = 0;
        Ok(())
    }

    /// Closes the kind: what the table has gained is new, what else was written has changed.
    async fn close(&mut self, kind: FactKind) -> Result<()> {
        let Some((count, before)) = self.counting.take() else {
            return Ok(());
        };
        let new = self.count(count).await?.saturating_sub(before);
        let changes = self.changes.entry(kind).or_default();
        changes.new += new;
        changes.changed += self.written.saturating_sub(new);
        if self.written > MANY_FACTS {
            let analyze = format!("ANALYZE {}", kind.word());
            let analyze = sql::raw_of("", sqlx::AssertSqlSafe(analyze));
            analyze.execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    async fn count(&mut self, statement: &'static str) -> Result<u64> {
        let count = sql::query_scalar::<i64>(statement);
        Ok(count.fetch_one(&mut *self.tx).await?.cast_unsigned())
    }

    fn note_deleted(&mut self, kind: FactKind, deleted: u64) {
        self.changes.entry(kind).or_default().deleted += deleted;
    }

    /// Lets PostgreSQL count on from the last client: new ones came with numbers of their own.
    async fn count_on(&mut self) -> Result<()> {
        if self.next_client.is_none() {
            return Ok(());
        }
        let last = "SELECT setval(pg_get_serial_sequence('clients', 'id'), max(id)) FROM clients";
        self.raw_of("", last).await
    }

    /// In SQLite the tables of a connection outlive its transaction, and the pool uses connections
    /// again.
    async fn drop_temporary_tables(&mut self) -> Result<()> {
        if self.tx.engine() == Engine::Postgres {
            return Ok(());
        }
        let tables = sql::query("SELECT name FROM temp.sqlite_schema WHERE type = 'table'")
            .fetch_all(&mut *self.tx)
            .await?;
        for table in tables {
            let name: String = table.get(0);
            sql::raw(sqlx::AssertSqlSafe(format!("DROP TABLE temp.{name}")))
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }
}
