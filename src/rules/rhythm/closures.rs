//! Closed days: holidays and closures on which nobody can buy.
//!
//! A silence is counted in days on which the client could have bought, so every date of his moves
//! by the closed days before it. The gaps themselves stay calendar days: measuring them on a clock
//! of open days was tried on real logs and changed nothing. Which days are closed is configured.

use serde::{Deserialize, Serialize};

use crate::model::{Day, RhythmDates};

/// The closed days of a company. Ordinary weekends are not among them: they are in every gap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClosedDays {
    /// Rising, each once.
    days: Vec<Day>,
}

impl ClosedDays {
    /// These closed days, in any order.
    pub fn new(days: impl IntoIterator<Item = Day>) -> Self {
        let mut days: Vec<Day> = days.into_iter().collect();
        days.sort_unstable();
        days.dedup();
        Self { days }
    }

    /// Closed days after `from` up to and with `to`.
    pub fn between(&self, from: Day, to: Day) -> i32 {
        let up_to = |day: Day| self.days.partition_point(|&closed| closed <= day) as i32;
        (up_to(to) - up_to(from)).max(0)
    }

    /// Days of silence on `day` since the purchase on `last`, closed days taken off; at least 0.
    pub fn silent_days(&self, last: Day, day: Day) -> i32 {
        (day - last - self.between(last, day)).max(0)
    }

    /// The first open day on which the silence since `last` is `silent_days` or more.
    pub fn day_after(&self, last: Day, silent_days: i32) -> Day {
        let mut day = last.plus(silent_days);
        let mut seen = self.between(last, day);
        let mut skipped = 0;
        // Each round skips the closed days that the round before has brought into reach.
        while seen > skipped {
            day = day.plus(seen - skipped);
            skipped = seen;
            seen = self.between(last, day);
        }
        day
    }

    /// The dates of a client who bought last on `last`, moved by the closed days before each.
    pub fn move_dates(&self, last: Day, dates: &RhythmDates) -> RhythmDates {
        if self.days.is_empty() {
            return *dates;
        }
        let moved = |date: Day| self.day_after(last, date - last);
        RhythmDates {
            due: moved(dates.due),
            missed: moved(dates.missed),
            asleep: moved(dates.asleep),
            lost: moved(dates.lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn new_year() -> ClosedDays {
        ClosedDays::new((1..=8).map(|day| format!("2027-01-0{day}").parse().unwrap()))
    }

    #[test]
    fn dates_behind_a_closure_move_by_it_and_those_before_stay() {
        let last: Day = "2026-12-20".parse().unwrap();
        let closed = new_year();
        let day = |text: &str| text.parse::<Day>().unwrap();
        for (silent_days, date) in [
            (11, "2026-12-31"),
            (12, "2027-01-09"),
            (13, "2027-01-10"),
            (40, "2027-02-06"),
        ] {
            assert_eq!(
                closed.day_after(last, silent_days),
                day(date),
                "{silent_days}"
            );
        }
        assert_eq!(closed.silent_days(last, day("2027-01-05")), 11);
        assert_eq!(closed.silent_days(last, day("2027-01-09")), 12);
    }

    #[test]
    fn a_day_before_the_last_purchase_is_no_silence() {
        let last: Day = "2027-01-05".parse().unwrap();
        assert_eq!(new_year().silent_days(last, last.plus(-3)), 0);
    }

    proptest! {
        #[test]
        fn the_date_of_a_silence_is_the_first_open_day_that_reaches_it(
            closed in prop::collection::vec(0..400_i32, 0..120),
            last in 0..200_i32,
            silent_days in 1..200_i32,
        ) {
            let table = ClosedDays::new(closed.iter().copied().map(Day::from_epoch));
            let last = Day::from_epoch(last);
            let found = table.day_after(last, silent_days);
            prop_assert!(table.silent_days(last, found) >= silent_days);
            prop_assert!(table.silent_days(last, found.plus(-1)) < silent_days);
            prop_assert!(!closed.contains(&found.epoch_days()));
        }

        #[test]
        fn moving_keeps_the_order_of_dates(
            closed in prop::collection::vec(0..400_i32, 0..120),
            steps in prop::array::uniform4(0..90_i32),
        ) {
            let table = ClosedDays::new(closed.into_iter().map(Day::from_epoch));
            let last = Day::from_epoch(30);
            let [due, missed, asleep, lost] = steps;
            let dates = RhythmDates {
                due: last + 1 + due,
                missed: last + 1 + due + missed,
                asleep: last + 1 + due + asleep,
                lost: last + 1 + due + missed.max(asleep) + lost,
            };
            let moved = table.move_dates(last, &dates);
            prop_assert!(moved.due <= moved.missed && moved.missed <= moved.lost);
            prop_assert!(moved.due <= moved.asleep && moved.asleep <= moved.lost);
            prop_assert!(moved.due >= dates.due);
        }
    }
}
