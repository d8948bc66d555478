//! Dating all rhythms anew, after a fit of the base: read, computed and written in a stream.
//!
//! The rhythms themselves stay as they are, so that only their dates are written.

use std::sync::Arc;

use futures::{Stream, StreamExt, stream};

use super::super::bulk::Bulk;
use super::super::client_kinds::read_kinds;
use super::super::{Result, Store};
use super::kept::StoredDates;
use super::rewrite::{Changing, Form, INTO, Page};
use super::{PAGE, RhythmProgress, ahead, rhythm_at};
use crate::db::sql;
use crate::model::Rhythm;
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;

const READ: &str = "
    SELECT client_id, purchase_days, first_day, last_day, weight, sum_log, sum_sq
    FROM rhythms WHERE client_id > $1 AND parameters <> $3 ORDER BY client_id LIMIT $2";

/// Every row is there already: of what would be inserted only the dates are looked at, and nothing
/// else has to be handed over. An `UPDATE … FROM (VALUES …)` takes longer.
const OVERWRITE_DATES: &str = "
    ON CONFLICT (client_id) DO UPDATE SET
        due_on = excluded.due_on, missed_on = excluded.missed_on,
        asleep_on = excluded.asleep_on, lost_on = excluded.lost_on,
        next_on = excluded.next_on, parameters = excluded.parameters";

/// A client whose dates are another version's.
struct DatedBefore {
    kind: ClientKind,
    rhythm: Rhythm,
}

impl Store {
    /// Computes the dates of all rhythms that were dated by another version of the base facts;
    /// tells how many there were.
    pub async fn recompute_all_dates(
        &self,
        base: &BaseFacts,
        version: i64,
        progress: RhythmProgress<'_>,
    ) -> Result<u64> {
        let others =
            sql::query_scalar::<i64>("SELECT count(*) FROM rhythms WHERE parameters <> $1");
        let others = others.bind(version).fetch_one(&self.pool).await?;
        if others == 0 {
            return Ok(0);
        }
        // No other process can add or take out a rhythm from here on.
        let rewrite = self.begin_rewrite(version, Changing::Dates, others);
        let mut rewrite = rewrite.await?;
        let (facts, form) = (Arc::new(base.clone()), rewrite.form());
        let dated = ahead(self.dated_pages(Arc::clone(&facts), version));
        let mut pages = ahead(dated.map(move |dated| form.dates(&dated?, &facts)));
        while let Some(page) = pages.next().await {
            rewrite.write(page?).await?;
            progress(rewrite.done);
        }
        rewrite.finish().await
    }

    /// All rhythms that another version has dated, page after page.
    fn dated_pages(
        &self,
        base: Arc<BaseFacts>,
        version: i64,
    ) -> impl Stream<Item = Result<Vec<DatedBefore>>> + Send + 'static {
        let reader = (self.clone(), base, version, -1);
        stream::try_unfold(reader, async |(store, base, version, mut after)| {
            let page = store.read_dated(&base, version, &mut after).await?;
            Ok((!page.is_empty()).then_some((page, (store, base, version, after))))
        })
    }

    /// Reads the next rhythms after `after` that another version has dated, and moves it on.
    async fn read_dated(
        &self,
        base: &BaseFacts,
        version: i64,
        after: &mut i64,
    ) -> Result<Vec<DatedBefore>> {
        let mut connection = self.pool.acquire().await?;
        let rows = sql::query(READ)
            .bind(*after)
            .bind(PAGE)
            .bind(version)
            .fetch_all(&mut connection)
            .await?;
        let last = rows.last().map_or(*after, |row| row.get(0));
        let kinds = read_kinds(&mut connection, base, *after, last).await?;
        *after = last;
        let dated = rows.iter().map(|row| DatedBefore {
            kind: kinds.of(row.get(0)),
            rhythm: rhythm_at(row, 1),
        });
        Ok(dated.collect())
    }
}

impl Form {
    /// Dates rhythms anew, and puts the rows together.
    fn dates(self, rows: &[DatedBefore], base: &BaseFacts) -> Result<Page> {
        let row = format!("(?, 0, 0, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, {})", self.base);
        let mut bulk = Bulk::changing(INTO, row, &[0], OVERWRITE_DATES);
        for DatedBefore { kind, rhythm } in rows {
            bulk.add(kind.id.0);
            StoredDates::of(*kind, rhythm, base).add_to(&mut bulk);
            bulk.hold_row(self.engine)?;
        }
        Ok(Page {
            rows: bulk,
            clients: rows.len(),
            without: Vec::new(),
        })
    }
}
