//! What is kept of a client's purchases: his rhythm with the money, and the dates that follow.
//!
//! Between the import, past which the purchases come in order, and the fit of the base, without which
//! there are no dates, a rhythm waits as a few bytes beside the note that it is stale: read and
//! written as single columns it would cost several times as much.

use super::super::bulk::Bulk;
use super::super::{Result, StoreError};
use crate::model::{Day, Rhythm, RhythmDates};
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;
use crate::rules::rhythm::{Observed, observe};

/// A rhythm with the money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::db) struct Kept {
    pub(in crate::db) rhythm: Rhythm,
    /// Minor units, returns taken off.
    pub(in crate::db) turnover: i64,
    /// Minor units of purchases.
    pub(in crate::db) spent: i64,
}

/// How many bytes a rhythm with its money takes.
const BYTES: usize = 52;

impl Kept {
    /// The form in which it waits.
    pub(in crate::db) fn to_bytes(self) -> [u8; BYTES] {
        let rhythm = self.rhythm;
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&rhythm.purchase_days.to_le_bytes());
        bytes[4..8].copy_from_slice(&rhythm.first.epoch_days().to_le_bytes());
        bytes[8..12].copy_from_slice(&rhythm.last.epoch_days().to_le_bytes());
        bytes[12..20].copy_from_slice(&rhythm.weight.to_le_bytes());
        bytes[20..28].copy_from_slice(&rhythm.sum_log.to_le_bytes());
        bytes[28..36].copy_from_slice(&rhythm.sum_sq.to_le_bytes());
        bytes[36..44].copy_from_slice(&self.turnover.to_le_bytes());
        bytes[44..].copy_from_slice(&self.spent.to_le_bytes());
        bytes
    }

    /// What [`Self::to_bytes`] has written.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let read = || {
            let (ints, rest) = bytes.split_first_chunk::<12>()?;
            let (floats, sums) = rest.split_first_chunk::<24>()?;
            let (ints, floats) = (ints.as_chunks::<4>().0, floats.as_chunks::<8>().0);
            let sums = <&[u8; 16]>::try_from(sums).ok()?.as_chunks::<8>().0;
            Some(Self {
                rhythm: Rhythm {
                    purchase_days: u32::from_le_bytes(ints[0]),
                    first: Day::from_epoch(i32::from_le_bytes(ints[1])),
                    last: Day::from_epoch(i32::from_le_bytes(ints[2])),
                    weight: f64::from_le_bytes(floats[0]),
                    sum_log: f64::from_le_bytes(floats[1]),
                    sum_sq: f64::from_le_bytes(floats[2]),
                },
                turnover: i64::from_le_bytes(sums[0]),
                spent: i64::from_le_bytes(sums[1]),
            })
        };
        read().ok_or_else(|| StoreError::Row {
            table: "stale_rhythms",
            reason: format!("a rhythm has {} bytes and not {BYTES}", bytes.len()),
        })
    }
}

/// What the purchases of one client come to as they pass by, in the order of days.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::db) struct Passing {
    rhythm: Option<Rhythm>,
    turnover: i64,
    spent: i64,
    out_of_order: bool,
}

impl Passing {
    /// Adds the next row: an amount above zero makes its day a purchase day.
    pub(in crate::db) fn add(&mut self, day: Day, amount: i64) {
        self.turnover += amount;
        if amount <= 0 {
            return;
        }
        self.spent += amount;
        match &mut self.rhythm {
            None => self.rhythm = Some(Rhythm::first_purchase(day)),
            Some(rhythm) => self.out_of_order |= observe(rhythm, day) == Observed::Late,
        }
    }

    /// What is kept; nothing of a client without a purchase day, or whose rows were out of order.
    pub(in crate::db) fn kept(self) -> Option<Kept> {
        let rhythm = self.rhythm.filter(|_| !self.out_of_order)?;
        Some(Kept {
            rhythm,
            turnover: self.turnover,
            spent: self.spent,
        })
    }
}

/// The dates of a rhythm as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredDates {
    dates: RhythmDates,
    /// The one that the daily scan finds the client by.
    next: Option<Day>,
}

impl StoredDates {
    pub(super) fn of(kind: ClientKind, rhythm: &Rhythm, base: &BaseFacts) -> Self {
        let dates = base.dates(kind, rhythm);
        Self {
            dates,
            next: base.next_date(&dates),
        }
    }

    /// Adds the values of their five columns to a row.
    pub(super) fn add_to(self, bulk: &mut Bulk) {
        let RhythmDates {
            due,
            missed,
            asleep,
            lost,
        } = self.dates;
        for date in [due, missed, asleep, lost] {
            bulk.add(date.epoch_days());
        }
        bulk.add(self.next.map(Day::epoch_days));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::rhythm::of_sorted_days;

    proptest! {
        #[test]
        fn purchases_that_pass_by_leave_the_rhythm_of_the_whole_history(
            mut rows in prop::collection::vec((0..900, -50_i64..200), 1..40),
        ) {
            rows.sort_unstable();
            let mut passing = Passing::default();
            for (day, amount) in &rows {
                passing.add(Day::from_epoch(*day), *amount);
            }
            let bought = rows.iter().filter(|(_, amount)| *amount > 0);
            let rhythm = of_sorted_days(bought.clone().map(|(day, _)| Day::from_epoch(*day)));
            let expected = rhythm.map(|rhythm| Kept {
                rhythm,
                turnover: rows.iter().map(|(_, amount)| amount).sum(),
                spent: bought.map(|(_, amount)| amount).sum(),
            });
            prop_assert_eq!(passing.kept(), expected);
            if let Some(kept) = expected {
                prop_assert_eq!(Kept::from_bytes(&kept.to_bytes()).unwrap(), kept);
            }
        }
    }

    #[test]
    fn purchases_out_of_order_leave_nothing_to_keep() {
        let mut passing = Passing::default();
        passing.add(Day::from_epoch(10), 100);
        passing.add(Day::from_epoch(9), 100);
        assert_eq!(passing.kept(), None);
    }

    #[test]
    fn bytes_of_another_length_are_no_rhythm() {
        for length in [0, BYTES - 1, BYTES + 1] {
            let read = Kept::from_bytes(&vec![0; length]);
            assert!(read.unwrap_err().to_string().contains("stale_rhythms"));
        }
    }
}
