//! One transaction over many rhythms: in SQLite the indexes make way for it; the rows are written in the order
//! of clients, and everything becomes visible at once.

use super::super::bulk::Bulk;
use super::super::facts::id_list;
use super::super::{Result, Store};
use super::stale::{Dated, UpToDate};
use crate::db::sql::{self, Engine, Transaction};
use crate::model::ClientId;

/// Pages of memory for the work, in KiB.
const CACHE_KIB: u32 = 64 * 1024;

pub(super) const INTO: &str = "
    rhythms (client_id, purchase_days, first_day, last_day, weight, sum_log, sum_sq, turnover, spent,
        due_on, missed_on, asleep_on, lost_on, next_on, parameters)";

const OVERWRITE: &str = "
    ON CONFLICT (client_id) DO UPDATE SET
        purchase_days = excluded.purchase_days, first_day = excluded.first_day,
        last_day = excluded.last_day, weight = excluded.weight, sum_log = excluded.sum_log,
        sum_sq = excluded.sum_sq, turnover = excluded.turnover, spent = excluded.spent,
        due_on = excluded.due_on, missed_on = excluded.missed_on,
        asleep_on = excluded.asleep_on, lost_on = excluded.lost_on,
        next_on = excluded.next_on, parameters = excluded.parameters";

/// An index over the rhythms. In SQLite building one anew is faster than keeping it up to date when a
/// good part of the rows changes, and whoever reads sees the old one until the end.
struct Index {
    drop: &'static str,
    create: &'static str,
}

/// Of the daily scan.
const BY_NEXT: Index = Index {
    drop: "DROP INDEX rhythms_by_next",
    create: "CREATE INDEX rhythms_by_next ON rhythms (next_on) WHERE next_on IS NOT NULL",
};
/// Of what the last purchases tell.
const BY_LAST_DAY: Index = Index {
    drop: "DROP INDEX rhythms_by_last_day",
    create: "CREATE INDEX rhythms_by_last_day ON rhythms (last_day)",
};

/// What a rewrite changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Changing {
    /// Whole rhythms.
    Rhythms,
    /// The dates that follow from them.
    Dates,
}

impl Changing {
    const fn indexes(self) -> &'static [Index] {
        match self {
            Self::Rhythms => &[BY_NEXT, BY_LAST_DAY],
            Self::Dates => &[BY_NEXT],
        }
    }
}

/// A base with fewer rhythms than this keeps its indexes in any case.
const FEW: i64 = 20_000;

/// One transaction over many rhythms.
pub(super) struct Rewrite {
    pub(super) tx: Transaction,
    base: i64,
    /// Those that were dropped and come back at the end.
    dropped: &'static [Index],
    /// What to do about rows that are there already: nothing in an empty table.
    overwrite: &'static str,
    pub(super) done: u64,
}

impl Store {
    /// Opens a transaction in which about `many` rhythms will be written.
    pub(super) async fn begin_rewrite(
        &self,
        base: i64,
        changing: Changing,
        many: i64,
    ) -> Result<Rewrite> {
        let mut tx = self.begin_large(CACHE_KIB).await?;
        let kept = sql::query_scalar::<i64>("SELECT count(*) FROM rhythms");
        let kept = kept.fetch_one(&mut *tx).await?;
        // In PostgreSQL whoever reads would have to wait for the end.
        let dropped = if tx.engine() == Engine::Sqlite && many > FEW && many > kept / 4 {
            changing.indexes()
        } else {
            &[]
        };
        for index in dropped {
            sql::raw(index.drop).execute(&mut *tx).await?;
        }
        Ok(Rewrite {
            tx,
            base,
            dropped,
            overwrite: if kept == 0 { "" } else { OVERWRITE },
            done: 0,
        })
    }
}

/// How the rows of a rewrite are written.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) base: i64,
    overwrite: &'static str,
    pub(super) engine: Engine,
}

/// What is to be written of some clients, put together while those before them are being written.
pub(super) struct Page {
    pub(super) rows: Bulk,
    /// How many rows these are.
    pub(super) clients: usize,
    /// Clients who have no purchase day any more.
    pub(super) without: Vec<ClientId>,
}

impl Form {
    /// Puts the rows of rhythms together.
    pub(super) fn page(self, UpToDate { rows, without }: UpToDate) -> Result<Page> {
        let row = format!("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {})", self.base);
        let mut bulk = Bulk::changing(INTO, row, &[0], self.overwrite);
        let clients = rows.len();
        for Dated {
            client,
            kept,
            dates,
        } in rows
        {
            let rhythm = kept.rhythm;
            bulk.add(client.0).add(rhythm.purchase_days);
            bulk.add(rhythm.first.epoch_days())
                .add(rhythm.last.epoch_days());
            bulk.add(rhythm.weight)
                .add(rhythm.sum_log)
                .add(rhythm.sum_sq);
            bulk.add(kept.turnover).add(kept.spent);
            dates.add_to(&mut bulk);
            bulk.hold_row(self.engine)?;
        }
        Ok(Page {
            rows: bulk,
            clients,
            without,
        })
    }
}

impl Rewrite {
    /// How its rows are written.
    pub(super) fn form(&self) -> Form {
        Form {
            base: self.base,
            overwrite: self.overwrite,
            engine: self.tx.engine(),
        }
    }

    pub(super) async fn write(&mut self, mut page: Page) -> Result<()> {
        self.done += page.clients as u64;
        page.rows.flush(&mut self.tx).await?;
        self.forget(&page.without).await
    }

    /// Takes out clients who have no purchase day any more.
    async fn forget(&mut self, clients: &[ClientId]) -> Result<()> {
        if clients.is_empty() {
            return Ok(());
        }
        self.done += clients.len() as u64;
        sql::query("DELETE FROM rhythms WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)")
            .bind(id_list(clients))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<u64> {
        for index in self.dropped {
            sql::raw(index.create).execute(&mut *self.tx).await?;
        }
        if self.done.cast_signed() > FEW {
            let analyze = sql::raw_of("", "ANALYZE rhythms, stale_rhythms");
            analyze.execute(&mut *self.tx).await?;
        }
        self.tx.commit_large().await?;
        Ok(self.done)
    }
}
