//! Clients whose purchases have changed: what is read of them, and the rhythms that it gives.

use std::sync::Arc;

use futures::{Stream, stream};

use super::super::client_kinds::{Kinds, read_kinds};
use super::super::{Result, Store};
use super::kept::{Kept, StoredDates};
use super::{PAGE, rhythm_at};
use crate::db::sql::{self, Connection, Query, Row};
use crate::model::{ClientId, Day};
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;
use crate::rules::rhythm::{Observed, observe, of_sorted_days};

/// The day before all days: the whole history of the client has to be read again.
pub(in crate::db) const EVERYTHING: i32 = -1_000_000;

/// The day after all days: nothing has to be read, the rhythm itself waits beside.
///
/// Whatever happens to the client's purchases later brings the day down, and the rhythm that waits
/// is looked at no more.
pub(in crate::db) const NOTHING: i32 = 1_000_000;

/// A client whose purchases have changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stale {
    kind: ClientKind,
    what: Change,
}

/// What is known of the change.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    /// The rhythm that came of it.
    Known(Kept),
    /// What was kept before, the purchase days since, and what they add to the sums.
    Since(Kept, Purchases),
    /// The whole history.
    Whole(Purchases),
}

/// Purchases as the database sums them up.
#[derive(Clone, Debug, PartialEq)]
struct Purchases {
    /// The purchase days, as the database lists them.
    days: String,
    turnover: i64,
    spent: i64,
}

/// Stale clients of a stretch of numbers whose rhythm is known.
const READ_KNOWN: &str = "
    SELECT client_id, rhythm FROM stale_rhythms
    WHERE client_id > $1 AND client_id <= $2 AND from_day = $3";

/// The purchase days as a list.
macro_rules! with_days {
    ($read:ident $(, $sqlite:literal, $postgres:literal)?) => {
        sql::query_of(
            $read!(
                "group_concat(CASE WHEN p.amount > 0 AND p.cancelled_on IS NULL THEN p.day END)"
                $(, $sqlite)?
            ),
            $read!(
                "string_agg(CASE WHEN p.amount > 0 AND p.cancelled_on IS NULL
                                 THEN CAST(p.day AS TEXT) END, ',')"
                $(, $postgres)?
            ),
        )
    };
}

/// Stale clients of a stretch of numbers whose whole history is needed.
///
/// A cancelled row is no purchase, and its money is in the row that takes it back.
macro_rules! read_whole {
    ($days:literal) => {
        concat!(
            "SELECT s.client_id, ",
            $days,
            ", CAST(coalesce(sum(p.amount), 0) AS BIGINT),
               CAST(coalesce(sum(CASE WHEN p.amount > 0 AND p.cancelled_on IS NULL
                                      THEN p.amount END), 0) AS BIGINT)
             FROM stale_rhythms s
             LEFT JOIN rhythms r ON r.client_id = s.client_id
             LEFT JOIN purchases p ON p.client_id = s.client_id
             WHERE s.client_id > $1 AND s.client_id <= $2 AND s.from_day <> $3
               AND (r.last_day IS NULL OR s.from_day <= r.last_day OR s.rhythm IS NOT NULL)
             GROUP BY s.client_id"
        )
    };
}

/// Stale clients of a stretch of numbers who have only bought again.
macro_rules! read_new_days {
    ($days:literal, $group:literal) => {
        concat!(
            "SELECT s.client_id, ",
            $days,
            ", s.turnover, s.spent,
               r.purchase_days, r.first_day, r.last_day, r.weight, r.sum_log, r.sum_sq, r.turnover,
               r.spent
             FROM stale_rhythms s
             JOIN rhythms r ON r.client_id = s.client_id
             LEFT JOIN purchases p ON p.client_id = s.client_id AND p.day >= s.from_day
             WHERE s.client_id > $1 AND s.client_id <= $2 AND s.from_day <> $3
               AND s.from_day > r.last_day AND s.rhythm IS NULL
             GROUP BY ",
            $group
        )
    };
}

impl Store {
    /// All stale clients, page after page.
    pub(super) fn stale_pages(
        &self,
        base: Arc<BaseFacts>,
    ) -> impl Stream<Item = Result<Vec<Stale>>> + Send + 'static {
        let reader = (self.clone(), base, -1);
        stream::try_unfold(reader, async |(store, base, mut after)| {
            let page = store.read_stale(&base, &mut after).await?;
            Ok((!page.is_empty()).then_some((page, (store, base, after))))
        })
    }

    /// Reads the next stale clients after `after`, and moves it on.
    async fn read_stale(&self, base: &BaseFacts, after: &mut i64) -> Result<Vec<Stale>> {
        let last = sql::query_scalar::<Option<i64>>(
            "SELECT max(client_id) FROM (
                 SELECT client_id FROM stale_rhythms WHERE client_id > $1
                 ORDER BY client_id LIMIT $2) AS page",
        );
        let last = last.bind(*after).bind(PAGE).fetch_one(&self.pool).await?;
        let Some(last) = last else {
            return Ok(Vec::new());
        };
        let mut connection = self.pool.acquire().await?;
        let kinds = read_kinds(&mut connection, base, *after, last).await?;
        let mut page = Vec::with_capacity(PAGE as usize);
        for row in read(&mut connection, sql::query(READ_KNOWN), *after, last).await? {
            let kept = Kept::from_bytes(row.get(1))?;
            page.push(stale(&row, &kinds, Change::Known(kept)));
        }
        let whole = with_days!(read_whole);
        for row in read(&mut connection, whole, *after, last).await? {
            page.push(stale(&row, &kinds, Change::Whole(purchases(&row))));
        }
        let new_days = with_days!(read_new_days, "s.client_id", "s.client_id, r.client_id");
        for row in read(&mut connection, new_days, *after, last).await? {
            let since = Change::Since(kept_at(&row, 4), purchases(&row));
            page.push(stale(&row, &kinds, since));
        }
        // The table is written in the order of clients.
        page.sort_by_key(|stale| stale.kind.id);
        *after = last;
        Ok(page)
    }
}

async fn read(
    connection: &mut Connection,
    statement: Query<'_>,
    after: i64,
    last: i64,
) -> Result<Vec<Row>> {
    let rows = statement.bind(after).bind(last).bind(NOTHING);
    Ok(rows.fetch_all(connection).await?)
}

fn stale(row: &Row, kinds: &Kinds, what: Change) -> Stale {
    Stale {
        kind: kinds.of(row.get(0)),
        what,
    }
}

/// What was kept before, in the columns from `first` on.
fn kept_at(row: &Row, first: usize) -> Kept {
    Kept {
        rhythm: rhythm_at(row, first),
        turnover: row.get(first + 6),
        spent: row.get(first + 7),
    }
}

fn purchases(row: &Row) -> Purchases {
    let days: Option<String> = row.get(1);
    Purchases {
        days: days.unwrap_or_default(),
        turnover: row.get(2),
        spent: row.get(3),
    }
}

impl Purchases {
    /// The purchase days, rising.
    fn sorted_days(&self) -> impl Iterator<Item = Day> {
        let days = self.days.split(',').filter_map(|day| day.parse().ok());
        let mut days: Vec<i32> = days.collect();
        if !days.is_sorted() {
            days.sort_unstable();
        }
        days.into_iter().map(Day::from_epoch)
    }
}

/// A rhythm with its dates, ready to be stored.
pub(super) struct Dated {
    pub(super) client: ClientId,
    pub(super) kept: Kept,
    pub(super) dates: StoredDates,
}

/// What became of some stale clients.
#[derive(Default)]
pub(super) struct UpToDate {
    pub(super) rows: Vec<Dated>,
    /// Clients who have no purchase day any more.
    pub(super) without: Vec<ClientId>,
}

pub(super) fn brought_up_to_date(page: &[Stale], base: &BaseFacts) -> UpToDate {
    let mut done = UpToDate::default();
    for stale in page {
        let client = stale.kind.id;
        match brought_forward(&stale.what) {
            Some(kept) => done.rows.push(Dated {
                client,
                kept,
                dates: StoredDates::of(stale.kind, &kept.rhythm, base),
            }),
            None => done.without.push(client),
        }
    }
    done
}

/// The rhythm after the change; nothing when no purchase day is left.
fn brought_forward(change: &Change) -> Option<Kept> {
    match change {
        Change::Known(kept) => Some(*kept),
        Change::Whole(all) => Some(Kept {
            rhythm: of_sorted_days(all.sorted_days())?,
            turnover: all.turnover,
            spent: all.spent,
        }),
        Change::Since(before, new) => {
            let mut kept = *before;
            for day in new.sorted_days() {
                let observed = observe(&mut kept.rhythm, day);
                debug_assert_ne!(observed, Observed::Late, "only later days were asked for");
            }
            kept.turnover += new.turnover;
            kept.spent += new.spent;
            Some(kept)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purchases(days: &str, turnover: i64, spent: i64) -> Purchases {
        Purchases {
            days: days.to_owned(),
            turnover,
            spent,
        }
    }

    #[test]
    fn a_step_forward_gives_the_same_rhythm_as_the_whole_history() {
        let whole = Change::Whole(purchases("100,107,107,115,130", 500, 600));
        let beginning = Change::Whole(purchases("107,100", 200, 250));
        let before = brought_forward(&beginning).unwrap();
        let step = Change::Since(before, purchases("115,130", 300, 350));
        assert_eq!(brought_forward(&step), brought_forward(&whole));
    }

    #[test]
    fn a_client_without_a_purchase_day_has_no_rhythm() {
        let nothing = Change::Whole(purchases("", -500, 0));
        assert_eq!(brought_forward(&nothing), None);
    }
}
