//! The second purchase: when those who bought once and return do so, and when to stop waiting.
//!
//! From what the base itself has shown and not from a law: after one purchase there is no own
//! rhythm yet, and the tail of a law says little about it. The law steps in while too few of the
//! base's first pauses have been followed to their end.

use serde::{Deserialize, Serialize};

use super::dates::{Thresholds, silences, whole_days};
use super::law::Law;
use super::pauses::{Pause, PauseEnd, PauseSample};
use crate::model::{BaseParameters, Day, Rhythm};

/// Below so many second purchases their quantiles would be noise.
const ENOUGH_RETURNS: usize = 30;

/// What share of the returns has come when the window opens, and when it closes.
const OPENS_AT_SHARE: f64 = 0.5;
const CLOSES_AT_SHARE: f64 = 0.9;

/// When the second purchase of a client is due, counted from the first purchase day.
///
/// The usual time has passed for half of those who return when it opens, and nearly all of them
/// are back when it closes; whoever is not then counts as lost after one purchase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondPurchaseWindow {
    /// Days after the first purchase day.
    pub opens_after_days: u32,
    /// Days after the first purchase day; at least a day more.
    pub closes_after_days: u32,
    /// The share of one-time buyers who come a second time within `follow_up_days`, 0..1.
    pub share_returning: f64,
    /// How long each first purchase was followed.
    pub follow_up_days: u32,
    /// How many first purchases were followed so long; the law of the base spoke when they were
    /// too few.
    pub first_purchases_followed: u32,
    /// Whether the base's own returns decided, and not its law.
    pub is_observed: bool,
}

impl SecondPurchaseWindow {
    /// The window of a base.
    ///
    /// First purchases are followed for twice the smallest "lost" age: long enough for nearly all
    /// returns, and the same for all, so that recent buyers do not look less loyal than old ones.
    pub fn of_base(sample: &PauseSample, base: &BaseParameters) -> Self {
        let follow_up_days = (2.0 * base.smallest_lost_days).round().max(1.0) as u32;
        let followed = Followed::of(&sample.first_pauses(), sample.data_until(), follow_up_days);
        if followed.returned_after_days.len() < ENOUGH_RETURNS {
            return Self::of_law(base, follow_up_days, followed.count);
        }
        let opens_after_days = followed.return_quantile_days(OPENS_AT_SHARE);
        let closes = followed.return_quantile_days(CLOSES_AT_SHARE);
        Self {
            opens_after_days,
            closes_after_days: closes.max(opens_after_days + 1),
            share_returning: followed.share_returning(),
            follow_up_days,
            first_purchases_followed: followed.count,
            is_observed: true,
        }
    }

    fn of_law(base: &BaseParameters, follow_up_days: u32, first_purchases_followed: u32) -> Self {
        let law = Law::of(&Rhythm::first_purchase(Day::default()), base);
        let closing = Thresholds {
            missed_p: 1.0 - CLOSES_AT_SHARE,
            ..Thresholds::default()
        };
        let silences = silences(&law, &closing);
        let opens_after_days = whole_days(silences.due_days).unsigned_abs();
        Self {
            opens_after_days,
            closes_after_days: whole_days(silences.missed_days)
                .unsigned_abs()
                .max(opens_after_days + 1),
            share_returning: law.returns_within(0.0, f64::from(follow_up_days)),
            follow_up_days,
            first_purchases_followed,
            is_observed: false,
        }
    }

    /// The days on which the window of a client opens and closes.
    pub fn dates(&self, first_purchase: Day) -> (Day, Day) {
        let after = |days: u32| first_purchase.plus(i32::try_from(days).unwrap_or(i32::MAX));
        (after(self.opens_after_days), after(self.closes_after_days))
    }

    /// Whether a client who bought once, on `first_purchase`, is in the window on `day`.
    pub fn is_open(&self, first_purchase: Day, day: Day) -> bool {
        let (opens, closes) = self.dates(first_purchase);
        (opens..closes).contains(&day)
    }
}

/// The share of clients who come back within `follow_up_days` of their n-th purchase day.
///
/// `purchase_days` is a range of n. Only pauses followed to the end count; `None` without any.
/// It rises from the first purchase on, which is why the second one is worth an effort.
pub fn share_returning(
    sample: &PauseSample,
    purchase_days: std::ops::RangeInclusive<u32>,
    follow_up_days: u32,
) -> Option<f64> {
    let mut pauses = sample.first_pauses();
    pauses.extend(sample.later_pauses());
    pauses.retain(|pause| purchase_days.contains(&pause.opened.purchase_days));
    let followed = Followed::of(&pauses, sample.data_until(), follow_up_days);
    (followed.count > 0).then(|| followed.share_returning())
}

/// Pauses that began long enough before the end of the data to be judged.
struct Followed {
    count: u32,
    /// Rising.
    returned_after_days: Vec<u32>,
}

impl Followed {
    fn of(pauses: &[Pause], until: Option<Day>, follow_up_days: u32) -> Self {
        let mut count = 0;
        let mut returned_after_days = Vec::new();
        for pause in pauses {
            let seen_days = until.map_or(0, |until| until - pause.opened.last);
            if i64::from(seen_days) < i64::from(follow_up_days) {
                continue;
            }
            count += 1;
            if let PauseEnd::Closed { gap_days } = pause.end
                && gap_days <= follow_up_days
            {
                returned_after_days.push(gap_days);
            }
        }
        returned_after_days.sort_unstable();
        Self {
            count,
            returned_after_days,
        }
    }

    fn share_returning(&self) -> f64 {
        self.returned_after_days.len() as f64 / f64::from(self.count.max(1))
    }

    /// The days after which a share of the returns has come; there has to be a return.
    fn return_quantile_days(&self, share: f64) -> u32 {
        let last = self.returned_after_days.len().saturating_sub(1);
        let at = (share * last as f64).round() as usize;
        self.returned_after_days.get(at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: Day = Day::from_epoch(1000);

    /// `returning` of `clients` come back, the n-th of them after n + 1 days.
    fn base_of(clients: u32, returning: u32) -> PauseSample {
        let mut sample = PauseSample::default();
        for client in 0..clients {
            let first = Day::from_epoch(client.cast_signed() % 100);
            let second = first.plus(client.cast_signed() + 1);
            let days = std::iter::once(first).chain((client < returning).then_some(second));
            sample.add_history(u64::from(client), days, UNTIL);
        }
        sample
    }

    #[test]
    fn the_window_lies_where_the_returns_of_the_base_lie() {
        let window = SecondPurchaseWindow::of_base(&base_of(202, 101), &BaseParameters::default());
        assert_eq!(
            window,
            SecondPurchaseWindow {
                opens_after_days: 51,
                closes_after_days: 91,
                share_returning: 0.5,
                follow_up_days: 180,
                first_purchases_followed: 202,
                is_observed: true,
            }
        );
        let first = Day::from_epoch(100);
        assert!(!window.is_open(first, first + 50));
        assert!(window.is_open(first, first + 51));
        assert!(window.is_open(first, first + 90));
        assert!(!window.is_open(first, first + 91));
    }

    #[test]
    fn with_few_returns_the_law_of_the_base_speaks() {
        let base = BaseParameters::default();
        let window = SecondPurchaseWindow::of_base(&base_of(100, 20), &base);
        assert!(!window.is_observed);
        assert_eq!(window.opens_after_days, 30);
        assert!((31..=120).contains(&window.closes_after_days), "{window:?}");
        assert!((0.3..0.8).contains(&window.share_returning), "{window:?}");
        let empty = SecondPurchaseWindow::of_base(&PauseSample::default(), &base);
        assert_eq!(empty.opens_after_days, window.opens_after_days);
    }

    #[test]
    fn recent_first_purchases_are_not_judged_yet() {
        let mut sample = base_of(202, 101);
        for client in 1000..1100 {
            sample.add_history(client, [UNTIL.plus(-20)], UNTIL);
        }
        let window = SecondPurchaseWindow::of_base(&sample, &BaseParameters::default());
        assert_eq!(window.first_purchases_followed, 202);
        assert!((window.share_returning - 0.5).abs() < 1e-12);
        assert_eq!(share_returning(&sample, 1..=1, 180), Some(0.5));
        assert_eq!(share_returning(&sample, 2..=2, 180), Some(0.0));
        assert_eq!(share_returning(&sample, 3..=9, 180), None);
    }
}
