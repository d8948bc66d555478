//! The stored rhythms: kept up to date after imports, dated anew after a fit.
//!
//! An import writes down whose purchases have changed and from which day on. Where all of that lies
//! behind the last purchase day, the rhythm takes one step per new day; otherwise it is computed
//! from the whole history. What a rhythm is and which dates follow from it is decided in `rules`.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, SqlSafeStr};
use tokio::sync::mpsc;

use super::bulk::Bulk;
use super::client_kinds::read_kinds;
use super::{Result, Store};
use crate::model::{ClientId, Day, Rhythm};
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;
use crate::rules::rhythm::{Observed, observe, of_sorted_days};

/// Clients that are read, computed and written together.
const PAGE: u32 = 5_000;

/// Pages that may wait to be written.
const PAGES_AHEAD: usize = 2;

/// Pages of memory for the work, in KiB.
const CACHE_KIB: u32 = 64 * 1024;
const USUAL_CACHE_KIB: u32 = 2 * 1024;

/// How far the work on rhythms has come: clients done.
pub type RhythmProgress<'a> = &'a (dyn Fn(u64) + Sync);

/// A rhythm with the money, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kept {
    kind: ClientKind,
    rhythm: Rhythm,
    turnover: i64,
    spent: i64,
}

/// A client whose purchases have changed.
#[derive(Clone, Debug, PartialEq)]
struct Stale {
    kind: ClientKind,
    /// What is kept, if the change lies behind it.
    kept: Option<Kept>,
    /// The purchase days in question, as the database lists them.
    days: String,
    /// What the rows in question add up to, or what the change adds.
    turnover: i64,
    spent: i64,
}

/// Stale clients of a stretch of numbers whose whole history is needed.
///
/// A cancelled row is no purchase, and its money is in the row that takes it back.
const READ_WHOLE: &str = "
    SELECT s.client_id,
           group_concat(CASE WHEN p.amount > 0 AND p.cancelled_on IS NULL THEN p.day END),
           ifnull(sum(p.amount), 0),
           ifnull(sum(CASE WHEN p.amount > 0 AND p.cancelled_on IS NULL THEN p.amount END), 0)
    FROM stale_rhythms s
    LEFT JOIN rhythms r ON r.client_id = s.client_id
    LEFT JOIN purchases p ON p.client_id = s.client_id
    WHERE s.client_id > ?1 AND s.client_id <= ?2
      AND (r.last_day IS NULL OR s.from_day <= r.last_day)
    GROUP BY s.client_id";

/// Stale clients of a stretch of numbers who have only bought again.
const READ_NEW_DAYS: &str = "
    SELECT s.client_id,
           group_concat(CASE WHEN p.amount > 0 AND p.cancelled_on IS NULL THEN p.day END),
           s.turnover, s.spent,
           r.purchase_days, r.first_day, r.last_day, r.weight, r.sum_log, r.sum_sq, r.turnover,
           r.spent
    FROM stale_rhythms s
    JOIN rhythms r ON r.client_id = s.client_id
    LEFT JOIN purchases p ON p.client_id = s.client_id AND p.day >= s.from_day
    WHERE s.client_id > ?1 AND s.client_id <= ?2 AND s.from_day > r.last_day
    GROUP BY s.client_id";

const READ_KEPT: &str = "
    SELECT client_id, purchase_days, first_day, last_day, weight, sum_log, sum_sq, turnover, spent
    FROM rhythms WHERE client_id > ?1 AND parameters <> ?3 ORDER BY client_id LIMIT ?2";

const WRITE: &str = "
    INSERT INTO rhythms (client_id, purchase_days, first_day, last_day, weight, sum_log, sum_sq,
        turnover, spent, due_on, missed_on, asleep_on, lost_on, parameters) VALUES";

const OVERWRITE: &str = "
    ON CONFLICT (client_id) DO UPDATE SET
        purchase_days = excluded.purchase_days, first_day = excluded.first_day,
        last_day = excluded.last_day, weight = excluded.weight, sum_log = excluded.sum_log,
        sum_sq = excluded.sum_sq, turnover = excluded.turnover, spent = excluded.spent,
        due_on = excluded.due_on, missed_on = excluded.missed_on, asleep_on = excluded.asleep_on,
        lost_on = excluded.lost_on, parameters = excluded.parameters";

/// The indexes of the daily scan. Building them anew is faster than keeping them up to date when
/// a good part of the rows changes.
const DROP_INDEXES: &str = "
    DROP INDEX rhythms_by_due; DROP INDEX rhythms_by_missed; DROP INDEX rhythms_by_asleep;
    DROP INDEX rhythms_by_lost; DROP INDEX rhythms_by_last_day";
const CREATE_INDEXES: &str = "
    CREATE INDEX rhythms_by_due ON rhythms (due_on);
    CREATE INDEX rhythms_by_missed ON rhythms (missed_on);
    CREATE INDEX rhythms_by_asleep ON rhythms (asleep_on);
    CREATE INDEX rhythms_by_lost ON rhythms (lost_on);
    CREATE INDEX rhythms_by_last_day ON rhythms (last_day)";

/// A base with fewer rhythms than this keeps its indexes in any case.
const FEW: i64 = 20_000;

/// One transaction over many rhythms.
struct Rewrite {
    tx: sqlx::sqlite::SqliteTransaction<'static>,
    base: i64,
    indexes_dropped: bool,
    done: u64,
}

impl Store {
    /// How many clients' rhythms have to be looked at since the last import.
    pub async fn stale_rhythms(&self) -> Result<u64> {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM stale_rhythms");
        Ok(count.fetch_one(&self.pool).await?.cast_unsigned())
    }

    /// The version of the base facts by which the rhythms are dated; all by the same. Nothing in an
    /// empty base.
    pub async fn rhythms_dated_by(&self) -> Result<Option<i64>> {
        let version = sqlx::query_scalar("SELECT parameters FROM rhythms LIMIT 1");
        Ok(version.fetch_optional(&self.pool).await?)
    }

    /// The last day on which a row of a purchase is dated; nothing in an empty base.
    pub async fn last_day_of_purchases(&self) -> Result<Option<Day>> {
        // What is not stale is in the index of the rhythms, and of a stale client only the last row
        // is looked at: a whole base is not walked through.
        let last = sqlx::query_scalar::<_, Option<i32>>(
            "SELECT max(day) FROM (
                 SELECT max(last_day) AS day FROM rhythms
                 UNION ALL
                 SELECT max((SELECT max(p.day) FROM purchases p WHERE p.client_id = s.client_id))
                 FROM stale_rhythms s)",
        );
        let last = last.fetch_one(&self.pool).await?;
        Ok(last.map(Day::from_epoch))
    }

    /// Brings the rhythms of all clients whose purchases have changed up to date, with their dates
    /// by `base`; tells how many there were.
    ///
    /// All or nothing: after a kill the same clients are stale again.
    pub async fn refresh_rhythms(
        &self,
        base: &BaseFacts,
        version: i64,
        progress: RhythmProgress<'_>,
    ) -> Result<u64> {
        let stale = self.stale_rhythms().await?;
        if stale == 0 {
            return Ok(0);
        }
        let mut rewrite = self.begin_rewrite(version, stale.cast_signed()).await?;
        // What is read was committed before, so that it can be read and computed on one connection
        // while what has been computed is written on another.
        let (sender, mut pages) = mpsc::channel(PAGES_AHEAD);
        let (store, facts) = (self.clone(), base.clone());
        tokio::spawn(async move {
            let mut after = -1;
            loop {
                let page = store.read_stale(&facts, &mut after).await;
                let page = page.map(|page| brought_up_to_date(&page, &facts));
                let last = page.as_ref().map_or(true, UpToDate::is_empty);
                if sender.send(page).await.is_err() || last {
                    return;
                }
            }
        });
        while let Some(page) = pages.recv().await {
            let UpToDate { rows, without } = page?;
            rewrite.write(rows).await?;
            rewrite.forget(&without).await?;
            progress(rewrite.done);
        }
        sqlx::raw_sql("DELETE FROM stale_rhythms")
            .execute(&mut *rewrite.tx)
            .await?;
        rewrite.finish().await
    }

    /// Computes the dates of all rhythms that were dated by another version of the base facts;
    /// tells how many there were.
    pub async fn recompute_all_dates(
        &self,
        base: &BaseFacts,
        version: i64,
        progress: RhythmProgress<'_>,
    ) -> Result<u64> {
        let others =
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM rhythms WHERE parameters <> ?1");
        let others = others.bind(version).fetch_one(&self.pool).await?;
        if others == 0 {
            return Ok(0);
        }
        let mut rewrite = self.begin_rewrite(version, others).await?;
        let (sender, mut pages) = mpsc::channel(PAGES_AHEAD);
        let (store, facts) = (self.clone(), base.clone());
        tokio::spawn(async move {
            let mut after = -1;
            loop {
                let page = store.read_kept(&facts, version, &mut after).await;
                let last = page.as_ref().map_or(true, Vec::is_empty);
                let page =
                    page.map(|page| page.into_iter().map(|kept| dated(kept, &facts)).collect());
                if sender.send(page).await.is_err() || last {
                    return;
                }
            }
        });
        while let Some(page) = pages.recv().await {
            rewrite.write(page?).await?;
            progress(rewrite.done);
        }
        rewrite.finish().await
    }

    /// Opens a transaction in which about `changing` rhythms will be written.
    async fn begin_rewrite(&self, base: i64, changing: i64) -> Result<Rewrite> {
        let mut connection = self.pool.acquire().await?;
        set_cache(&mut connection, CACHE_KIB).await?;
        let begin = "BEGIN IMMEDIATE".into_sql_str();
        let mut tx = sqlx::sqlite::SqliteTransaction::begin(connection, Some(begin)).await?;
        let kept = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM rhythms");
        let kept = kept.fetch_one(&mut *tx).await?;
        let indexes_dropped = changing > FEW && changing > kept / 4;
        if indexes_dropped {
            sqlx::raw_sql(DROP_INDEXES).execute(&mut *tx).await?;
        }
        Ok(Rewrite {
            tx,
            base,
            indexes_dropped,
            done: 0,
        })
    }
}

impl Rewrite {
    async fn write(&mut self, rows: Vec<Dated>) -> Result<()> {
        let row = format!("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {})", self.base);
        let mut bulk = Bulk::new(WRITE, row, OVERWRITE);
        self.done += rows.len() as u64;
        for Dated { kept, dates } in rows {
            let rhythm = kept.rhythm;
            bulk.add(kept.kind.id.0)?.add(rhythm.purchase_days)?;
            bulk.add(rhythm.first.epoch_days())?
                .add(rhythm.last.epoch_days())?;
            bulk.add(rhythm.weight)?
                .add(rhythm.sum_log)?
                .add(rhythm.sum_sq)?;
            bulk.add(kept.turnover)?.add(kept.spent)?;
            for date in dates {
                bulk.add(date.epoch_days())?;
            }
            bulk.end_row(&mut self.tx).await?;
        }
        bulk.flush(&mut self.tx).await?;
        Ok(())
    }

    /// Takes out clients who have no purchase day any more.
    async fn forget(&mut self, clients: &[ClientId]) -> Result<()> {
        if clients.is_empty() {
            return Ok(());
        }
        self.done += clients.len() as u64;
        sqlx::query("DELETE FROM rhythms WHERE client_id IN (SELECT value FROM json_each(?1))")
            .bind(super::facts::id_list(clients))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn finish(mut self) -> Result<u64> {
        if self.indexes_dropped {
            sqlx::raw_sql(CREATE_INDEXES).execute(&mut *self.tx).await?;
        }
        set_cache(&mut self.tx, USUAL_CACHE_KIB).await?;
        self.tx.commit().await?;
        Ok(self.done)
    }
}

async fn set_cache(connection: &mut SqliteConnection, kib: u32) -> Result<()> {
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA cache_size = -{kib}"));
    sqlx::raw_sql(pragma).execute(connection).await?;
    Ok(())
}

impl Store {
    /// Reads the next stale clients after `after`, and moves it on.
    async fn read_stale(&self, base: &BaseFacts, after: &mut i64) -> Result<Vec<Stale>> {
        let last = sqlx::query_scalar::<_, Option<i64>>(
            "SELECT max(client_id) FROM (
                 SELECT client_id FROM stale_rhythms WHERE client_id > ?1
                 ORDER BY client_id LIMIT ?2)",
        );
        let last = last.bind(*after).bind(PAGE).fetch_one(&self.pool).await?;
        let Some(last) = last else {
            return Ok(Vec::new());
        };
        let mut connection = self.pool.acquire().await?;
        let kinds = read_kinds(&mut connection, base, *after, last).await?;
        let mut page = Vec::with_capacity(PAGE as usize);
        for (statement, goes_on) in [(READ_WHOLE, false), (READ_NEW_DAYS, true)] {
            let rows = sqlx::query(statement)
                .bind(*after)
                .bind(last)
                .fetch_all(&mut *connection)
                .await?;
            page.extend(
                rows.iter()
                    .map(|row| stale(row, kinds.of(row.get(0)), goes_on)),
            );
        }
        // The table is written in the order of clients.
        page.sort_by_key(|stale| stale.kind.id);
        *after = last;
        Ok(page)
    }

    /// Reads the next rhythms after `after` that another version has dated, and moves it on.
    async fn read_kept(
        &self,
        base: &BaseFacts,
        version: i64,
        after: &mut i64,
    ) -> Result<Vec<Kept>> {
        let mut connection = self.pool.acquire().await?;
        let rows = sqlx::query(READ_KEPT)
            .bind(*after)
            .bind(PAGE)
            .bind(version)
            .fetch_all(&mut *connection)
            .await?;
        let last = rows.last().map_or(*after, |row| row.get(0));
        let kinds = read_kinds(&mut connection, base, *after, last).await?;
        let kept: Vec<Kept> = rows
            .iter()
            .map(|row| Kept {
                kind: kinds.of(row.get(0)),
                rhythm: rhythm_at(row, 1),
                turnover: row.get(7),
                spent: row.get(8),
            })
            .collect();
        *after = last;
        Ok(kept)
    }
}

fn stale(row: &SqliteRow, kind: ClientKind, goes_on: bool) -> Stale {
    let days: Option<String> = row.get(1);
    Stale {
        kind,
        kept: goes_on.then(|| Kept {
            kind,
            rhythm: rhythm_at(row, 4),
            turnover: row.get(10),
            spent: row.get(11),
        }),
        days: days.unwrap_or_default(),
        turnover: row.get(2),
        spent: row.get(3),
    }
}

/// The six numbers of a rhythm in the columns from `first` on.
fn rhythm_at(row: &SqliteRow, first: usize) -> Rhythm {
    Rhythm {
        purchase_days: row.get(first),
        first: Day::from_epoch(row.get(first + 1)),
        last: Day::from_epoch(row.get(first + 2)),
        weight: row.get(first + 3),
        sum_log: row.get(first + 4),
        sum_sq: row.get(first + 5),
    }
}

/// A rhythm with its dates, ready to be stored.
struct Dated {
    kept: Kept,
    /// Due, missed, asleep, lost.
    dates: [Day; 4],
}

fn dated(kept: Kept, base: &BaseFacts) -> Dated {
    let dates = base.dates(kept.kind, &kept.rhythm);
    Dated {
        kept,
        dates: [dates.due, dates.missed, dates.asleep, dates.lost],
    }
}

/// What became of some stale clients.
#[derive(Default)]
struct UpToDate {
    rows: Vec<Dated>,
    /// Clients who have no purchase day any more.
    without: Vec<ClientId>,
}

impl UpToDate {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.without.is_empty()
    }
}

fn brought_up_to_date(page: &[Stale], base: &BaseFacts) -> UpToDate {
    let mut done = UpToDate::default();
    for stale in page {
        match brought_forward(stale) {
            Some(kept) => done.rows.push(dated(kept, base)),
            None => done.without.push(stale.kind.id),
        }
    }
    done
}

/// The rhythm after the change; nothing when no purchase day is left.
fn brought_forward(stale: &Stale) -> Option<Kept> {
    let mut days: Vec<i32> = stale
        .days
        .split(',')
        .filter_map(|day| day.parse().ok())
        .collect();
    if !days.is_sorted() {
        days.sort_unstable();
    }
    let days = days.into_iter().map(Day::from_epoch);
    let Some(mut kept) = stale.kept else {
        return Some(Kept {
            kind: stale.kind,
            rhythm: of_sorted_days(days)?,
            turnover: stale.turnover,
            spent: stale.spent,
        });
    };
    for day in days {
        let observed = observe(&mut kept.rhythm, day);
        debug_assert_ne!(observed, Observed::Late, "only later days were asked for");
    }
    kept.turnover += stale.turnover;
    kept.spent += stale.spent;
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: ClientKind = ClientKind {
        id: ClientId(1),
        class: None,
    };

    #[test]
    fn a_step_forward_gives_the_same_rhythm_as_the_whole_history() {
        let whole = Stale {
            kind: FIRST,
            kept: None,
            days: "100,107,107,115,130".to_owned(),
            turnover: 500,
            spent: 600,
        };
        let mut beginning = whole.clone();
        beginning.days = "107,100".to_owned();
        beginning.turnover = 200;
        beginning.spent = 250;
        let step = Stale {
            kept: brought_forward(&beginning),
            days: "115,130".to_owned(),
            turnover: 300,
            spent: 350,
            ..whole.clone()
        };
        assert_eq!(brought_forward(&step), brought_forward(&whole));
    }

    #[test]
    fn a_client_without_a_purchase_day_has_no_rhythm() {
        let stale = Stale {
            kind: FIRST,
            kept: None,
            days: String::new(),
            turnover: -500,
            spent: 0,
        };
        assert_eq!(brought_forward(&stale), None);
    }
}
