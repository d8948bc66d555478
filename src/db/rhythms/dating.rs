//! Dating all rhythms anew, after a fit of the base: read, computed and written in a stream.
//!
//! The rhythms themselves stay as they are, so that only their dates are written.

use crate::db::sql;
use tokio::sync::mpsc;

use super::super::bulk::Bulk;
use super::super::client_kinds::read_kinds;
use super::super::{Result, Store};
use super::kept::StoredDates;
use super::rewrite::{Changing, Form, INTO, Page};
use super::{PAGE, PAGES_AHEAD, RhythmProgress, rhythm_at};
use crate::model::ClientId;
use crate::rules::base_facts::BaseFacts;

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

/// A client with new dates.
struct Redated {
    client: ClientId,
    dates: StoredDates,
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
        let (sender, mut pages) = mpsc::channel(PAGES_AHEAD);
        let (store, facts, form) = (self.clone(), base.clone(), rewrite.form());
        tokio::spawn(async move {
            let mut after = -1;
            loop {
                let dated = store.read_dated(&facts, version, &mut after).await;
                let page = dated.and_then(|dated| form.dates(dated));
                let last = page.as_ref().map_or(true, Page::is_empty);
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

    /// Reads the next rhythms after `after` that another version has dated, moves it on, and
    /// computes their dates.
    async fn read_dated(
        &self,
        base: &BaseFacts,
        version: i64,
        after: &mut i64,
    ) -> Result<Vec<Redated>> {
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
        let dated = rows.iter().map(|row| {
            let kind = kinds.of(row.get(0));
            Redated {
                client: kind.id,
                dates: StoredDates::of(kind, &rhythm_at(row, 1), base),
            }
        });
        Ok(dated.collect())
    }
}

impl Form {
    /// Puts the rows of dates together.
    fn dates(self, rows: Vec<Redated>) -> Result<Page> {
        let row = format!("(?, 0, 0, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, {})", self.base);
        let mut bulk = Bulk::changing(INTO, row, &[0], OVERWRITE_DATES);
        let clients = rows.len();
        for Redated { client, dates } in rows {
            bulk.add(client.0);
            dates.add_to(&mut bulk);
            bulk.hold_row(self.engine)?;
        }
        Ok(Page {
            rows: bulk,
            clients,
            without: Vec::new(),
        })
    }
}
