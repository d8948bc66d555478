//! The stored rhythms, kept up to date after imports, and dated anew after a fit.
//!
//! An import writes down whose purchases have changed. Of a client whose purchases have all come
//! with it, in order, it writes down the whole rhythm too: nothing has to be read again. Where the
//! change lies behind the last purchase day, the rhythm takes one step per new day; otherwise it
//! is computed from the whole history. What a rhythm is and which dates follow from it is decided in
//! `rules`.

mod dating;
mod kept;
mod rewrite;
mod stale;

pub(super) use kept::Passing;
pub(super) use stale::{EVERYTHING, NOTHING};

use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use self::rewrite::Changing;
use self::stale::brought_up_to_date;
use super::{Result, Store};
use crate::db::sql::{self, Row};
use crate::model::{Day, Rhythm};
use crate::rules::base_facts::BaseFacts;

/// Clients that are read, computed and written together.
const PAGE: u32 = 2_000;

/// Pages that may wait to be written.
const PAGES_AHEAD: usize = 2;

/// How far the work on rhythms has come: clients done.
pub type RhythmProgress<'a> = &'a (dyn Fn(u64) + Sync);

impl Store {
    /// How many clients' rhythms have to be looked at since the last import.
    pub async fn stale_rhythms(&self) -> Result<u64> {
        let count = sql::query_scalar::<i64>("SELECT count(*) FROM stale_rhythms");
        Ok(count.fetch_one(&self.pool).await?.cast_unsigned())
    }

    /// The version of the base facts by which the rhythms are dated; all by the same. Nothing in an
    /// empty base.
    pub async fn rhythms_dated_by(&self) -> Result<Option<i64>> {
        let version = sql::query_scalar("SELECT parameters FROM rhythms LIMIT 1");
        Ok(version.fetch_optional(&self.pool).await?)
    }

    /// How many clients have a rhythm.
    pub async fn kept_rhythms(&self) -> Result<u64> {
        let count = sql::query_scalar::<i64>("SELECT count(*) FROM rhythms");
        Ok(count.fetch_one(&self.pool).await?.cast_unsigned())
    }

    /// The last purchase day of the whole base up to the present day; nothing in an empty base.
    ///
    /// Found by the index of the rhythms, and among those that wait to be dated. Beside them only
    /// those clients' purchases are looked at whose rhythm has to be computed again or is ahead of
    /// the day.
    pub async fn last_purchase_day(&self, today: Day) -> Result<Option<Day>> {
        let last = sql::query_scalar::<Option<i32>>(
            "SELECT max(day) FROM (
                 SELECT day FROM (
                     SELECT last_day AS day FROM rhythms r
                     WHERE last_day <= $1 AND NOT EXISTS (
                         SELECT 1 FROM stale_rhythms s WHERE s.client_id = r.client_id)
                     ORDER BY last_day DESC LIMIT 1) AS known
                 UNION ALL
                 SELECT max(last_day) FROM stale_rhythms WHERE from_day = $2 AND last_day <= $1
                 UNION ALL
                 SELECT max((
                     SELECT p.day FROM purchases p
                     WHERE p.client_id = c.client_id AND p.day <= $1 AND p.amount > 0
                       AND p.cancelled_on IS NULL
                     ORDER BY p.day DESC LIMIT 1))
                 FROM (SELECT client_id FROM stale_rhythms WHERE from_day <> $2 OR last_day > $1
                       UNION SELECT client_id FROM rhythms WHERE last_day > $1) c) AS days",
        );
        let last = last.bind(today.epoch_days()).bind(NOTHING);
        Ok(last.fetch_one(&self.pool).await?.map(Day::from_epoch))
    }

    /// The last purchase day of the whole base as it was known on a past day: whatever was taken
    /// back later counts. Reads all purchases.
    pub async fn last_purchase_day_as_of(&self, day: Day) -> Result<Option<Day>> {
        let last = sql::query_scalar::<Option<i32>>(
            "SELECT max(day) FROM purchases
             WHERE day <= $1 AND amount > 0 AND (cancelled_on IS NULL OR cancelled_on > $1)",
        );
        let last = last.bind(day.epoch_days()).fetch_one(&self.pool).await?;
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
        let mut rewrite = self
            .begin_rewrite(version, Changing::Rhythms, stale.cast_signed())
            .await?;
        // What is read was committed before, so that it can be read on one connection while what came
        // before it is computed, and what came before that is written on another connection.
        let (facts, form) = (Arc::new(base.clone()), rewrite.form());
        let stale = ahead(self.stale_pages(Arc::clone(&facts)));
        let mut pages = ahead(stale.map(move |stale| {
            stale.and_then(|stale| form.page(brought_up_to_date(&stale, &facts)))
        }));
        while let Some(page) = pages.next().await {
            rewrite.write(page?).await?;
            progress(rewrite.done);
        }
        sql::raw("DELETE FROM stale_rhythms")
            .execute(&mut *rewrite.tx)
            .await?;
        rewrite.finish().await
    }
}

/// Lets a stream run ahead of whoever takes from it, in a task of its own.
fn ahead<T: Send + 'static>(
    items: impl Stream<Item = T> + Send + 'static,
) -> impl Stream<Item = T> + Unpin + Send {
    let (sender, mut receiver) = mpsc::channel(PAGES_AHEAD);
    tokio::spawn(async move {
        let mut items = pin!(items);
        while let Some(item) = items.next().await {
            if sender.send(item).await.is_err() {
                return;
            }
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// The six numbers of a rhythm in the columns from `first` on.
fn rhythm_at(row: &Row, first: usize) -> Rhythm {
    Rhythm {
        purchase_days: row.get(first),
        first: Day::from_epoch(row.get(first + 1)),
        last: Day::from_epoch(row.get(first + 2)),
        weight: row.get(first + 3),
        sum_log: row.get(first + 4),
        sum_sq: row.get(first + 5),
    }
}
