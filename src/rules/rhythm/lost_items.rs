//! Lost items: what a client bought regularly and no longer does, while he still buys other
//! things.
//!
//! An item has a rhythm within its client, and the same law as a client has within the base: his
//! own gap of the item, shrunk to his usual gap (an item cannot come more often than its buyer).
//! Whether the client himself is overdue is not asked here; who is gone has no lost items.

use std::collections::BTreeMap;

use crate::model::{BaseParameters, Day, Rhythm, RhythmState};

use super::dates::{Thresholds, dates};
use super::law::Law;
use super::state::of_sorted_days;

/// Purchase days of an item from which it counts as regular.
const REGULAR_FROM: u32 = 3;

/// Purchase days of the client without the item before it is missed.
const BOUGHT_SINCE: u32 = 2;

/// An item or category that a client has stopped buying.
#[derive(Clone, Debug, PartialEq)]
pub struct LostItem<I> {
    /// The item.
    pub item: I,
    /// Days on which he bought it.
    pub purchase_days: u32,
    /// The last of them.
    pub last: Day,
    /// The usual gap between them.
    pub usual_gap_days: f64,
    /// Days since the last of them.
    pub silent_days: u32,
    /// Of such pauses that ended, the share that was longer, 0..1.
    pub overdue: f64,
    /// The day from which it counts as lost: the beginning of the episode.
    pub lost_on: Day,
    /// Purchase days of the client since he bought it last.
    pub bought_since: u32,
}

/// The items a client has lost by `day`, the most recently lost first.
///
/// `bought` are his (day, item) in any order, days after `day` ignored; `rhythm` and `base` are
/// those of the client. Rare alarms are wanted: [`Thresholds::GENTLE`] are the usual ones.
pub fn lost_items<I: Ord + Clone>(
    bought: &[(Day, I)],
    rhythm: &Rhythm,
    base: &BaseParameters,
    day: Day,
    thresholds: &Thresholds,
) -> Vec<LostItem<I>> {
    let client = Law::of(rhythm, base);
    let client_dates = dates(&client, rhythm.last, thresholds);
    if client_dates.state_on(day) > RhythmState::Due {
        return Vec::new();
    }
    let prior = BaseParameters {
        m0: client.usual_gap_days().ln(),
        ..*base
    };
    let mut days_of_item: BTreeMap<&I, Vec<Day>> = BTreeMap::new();
    let mut all_days: Vec<Day> = Vec::new();
    for (bought_on, item) in bought.iter().filter(|entry| entry.0 <= day) {
        days_of_item.entry(item).or_default().push(*bought_on);
        all_days.push(*bought_on);
    }
    all_days.sort_unstable();
    all_days.dedup();
    let mut lost: Vec<LostItem<I>> = days_of_item
        .into_iter()
        .filter_map(|(item, days)| lost_item(item, days, &all_days, &prior, day, thresholds))
        .collect();
    lost.sort_by_key(|item| std::cmp::Reverse(item.lost_on));
    lost
}

fn lost_item<I: Clone>(
    item: &I,
    mut days: Vec<Day>,
    all_days: &[Day],
    prior: &BaseParameters,
    day: Day,
    thresholds: &Thresholds,
) -> Option<LostItem<I>> {
    days.sort_unstable();
    let rhythm = of_sorted_days(days)?;
    if rhythm.purchase_days < REGULAR_FROM {
        return None;
    }
    let later = &all_days[all_days.partition_point(|&bought| bought <= rhythm.last)..];
    let law = Law::of(&rhythm, prior);
    let missed = dates(&law, rhythm.last, thresholds).missed;
    // Silence alone is no loss: he has to have had the chance to buy it, more than once.
    let enough_since = *later.get(BOUGHT_SINCE as usize - 1)?;
    let lost_on = missed.max(enough_since);
    let silent_days = (day - rhythm.last).unsigned_abs();
    (lost_on <= day).then(|| LostItem {
        item: item.clone(),
        purchase_days: rhythm.purchase_days,
        last: rhythm.last,
        usual_gap_days: law.usual_gap_days(),
        silent_days,
        overdue: law.overdue(f64::from(silent_days)),
        lost_on,
        bought_since: later.len() as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: BaseParameters = BaseParameters::cold(2.6, 60.0);

    fn lost_on_day(bought: &[(Day, &'static str)], day: Day) -> Vec<LostItem<&'static str>> {
        let mut days: Vec<Day> = bought.iter().map(|entry| entry.0).collect();
        days.sort_unstable();
        let known = days.into_iter().filter(|&bought| bought <= day);
        let rhythm = of_sorted_days(known).unwrap();
        lost_items(bought, &rhythm, &BASE, day, &Thresholds::GENTLE)
    }

    /// A weekly buyer of bread for a year, who bought coffee every second week until day `until`.
    fn weekly(until: i32) -> Vec<(Day, &'static str)> {
        let mut bought = Vec::new();
        for day in (0..364).step_by(7) {
            bought.push((Day::from_epoch(day), "bread"));
            if day % 14 == 0 && day <= until {
                bought.push((Day::from_epoch(day), "coffee"));
            }
        }
        bought
    }

    #[test]
    fn an_item_that_stopped_coming_is_lost_and_the_others_are_not() {
        let lost = lost_on_day(&weekly(210), Day::from_epoch(358));
        let names: Vec<_> = lost.iter().map(|item| item.item).collect();
        assert_eq!(names, ["coffee"]);
        let coffee = &lost[0];
        assert_eq!((coffee.purchase_days, coffee.silent_days), (16, 148));
        assert_eq!(coffee.last, Day::from_epoch(210));
        assert_eq!(coffee.bought_since, 21);
        assert!((12.0..16.0).contains(&coffee.usual_gap_days), "{coffee:?}");
        assert!(coffee.overdue <= 0.05);
        assert!(
            (224..260).contains(&coffee.lost_on.epoch_days()),
            "{coffee:?}"
        );
    }

    #[test]
    fn the_loss_begins_on_one_day_and_not_before() {
        let lost_on = lost_on_day(&weekly(210), Day::from_epoch(358))[0].lost_on;
        assert_eq!(lost_on_day(&weekly(210), lost_on.plus(-1)), []);
        assert_eq!(lost_on_day(&weekly(210), lost_on).len(), 1);
    }

    #[test]
    fn a_client_who_is_gone_has_no_lost_items() {
        assert_eq!(lost_on_day(&weekly(210), Day::from_epoch(600)), []);
    }

    #[test]
    fn what_was_bought_once_or_twice_was_never_regular() {
        let mut bought = weekly(350);
        bought.push((Day::from_epoch(7), "cake"));
        bought.push((Day::from_epoch(21), "cake"));
        assert_eq!(lost_on_day(&bought, Day::from_epoch(358)), []);
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter() {
        let forth = weekly(210);
        let back: Vec<_> = forth.iter().rev().copied().collect();
        let day = Day::from_epoch(358);
        assert_eq!(lost_on_day(&forth, day), lost_on_day(&back, day));
    }
}
