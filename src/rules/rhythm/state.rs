//! Keeping a rhythm up to date: one step per purchase day, whatever the length of the history.
//!
//! What counts as a purchase day (a positive amount, not undone by a cancellation) is decided
//! where purchases are read, not here.

use crate::model::{Day, Rhythm};

/// What an older gap weighs after each new one.
const FORGETTING: f64 = 0.9;

/// Noise added to each squared ln(gap): whole days are a coarse clock, and three equal gaps in a
/// row are no proof of a perfectly regular client.
const GAP_NOISE: f64 = 0.01;

/// What a purchase day did to a rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// The day was the last purchase day already: nothing changed.
    SameDay,
    /// The day is the new last purchase day.
    Advanced,
    /// The day lies before the last one: nothing changed, and the rhythm has to be computed anew
    /// with [`of_sorted_days`], because decayed sums depend on the order.
    Late,
}

/// Adds one purchase day to a rhythm.
pub fn observe(rhythm: &mut Rhythm, day: Day) -> Observed {
    let gap_days = day - rhythm.last;
    if gap_days <= 0 {
        return if gap_days == 0 {
            Observed::SameDay
        } else {
            Observed::Late
        };
    }
    let ln_gap = f64::from(gap_days).ln();
    rhythm.weight = FORGETTING * rhythm.weight + 1.0;
    rhythm.sum_log = FORGETTING * rhythm.sum_log + ln_gap;
    rhythm.sum_sq = FORGETTING * rhythm.sum_sq + ln_gap * ln_gap + GAP_NOISE;
    rhythm.last = day;
    rhythm.purchase_days = rhythm.purchase_days.saturating_add(1);
    Observed::Advanced
}

/// The rhythm of a whole history of purchase days; `None` when there are none.
///
/// The days come in rising order; equal ones count once. For late, deleted or merged histories
/// sort the union of the days and call this.
pub fn of_sorted_days(days: impl IntoIterator<Item = Day>) -> Option<Rhythm> {
    let mut days = days.into_iter();
    let mut rhythm = Rhythm::first_purchase(days.next()?);
    for day in days {
        let observed = observe(&mut rhythm, day);
        debug_assert_ne!(observed, Observed::Late, "days are not sorted at {day}");
    }
    Some(rhythm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn days_of(days: &[i32]) -> impl Iterator<Item = Day> {
        days.iter().copied().map(Day::from_epoch)
    }

    #[test]
    fn a_history_without_days_has_no_rhythm() {
        assert_eq!(of_sorted_days([]), None);
    }

    proptest! {
        #[test]
        fn the_same_day_twice_changes_nothing(mut days in prop::collection::vec(0..4000, 1..60)) {
            days.sort_unstable();
            let mut rhythm = of_sorted_days(days_of(&days)).unwrap();
            let before = rhythm;
            let last = rhythm.last;
            prop_assert_eq!(observe(&mut rhythm, last), Observed::SameDay);
            prop_assert_eq!(rhythm, before);
            days.dedup();
            prop_assert_eq!(of_sorted_days(days_of(&days)).unwrap(), before);
        }

        #[test]
        fn any_order_of_arrival_ends_in_the_rhythm_of_the_sorted_history(
            arrivals in prop::collection::vec(0..4000, 1..60),
        ) {
            let mut known = Vec::new();
            let mut rhythm: Option<Rhythm> = None;
            for &day in &arrivals {
                let day = Day::from_epoch(day);
                known.push(day);
                let observed = rhythm.as_mut().map(|rhythm| observe(rhythm, day));
                if !matches!(observed, Some(Observed::SameDay | Observed::Advanced)) {
                    known.sort_unstable();
                    rhythm = of_sorted_days(known.iter().copied());
                }
            }
            let mut sorted = arrivals;
            sorted.sort_unstable();
            prop_assert_eq!(rhythm, of_sorted_days(days_of(&sorted)));
        }
    }
}
