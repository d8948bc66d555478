//! Volume decline: a client who still buys, but less.
//!
//! A recent window is set against the time before it, in two parts: how often he bought, and how
//! full the basket was. Together they see a change of habit better than the spending itself,
//! whose noise is that of its largest receipts. What the whole base did in the same time is taken
//! off first, so that a slow season is nobody's decline. A finding is a reason to look, not a
//! verdict: on real logs a basket cut in half was found in a third of the cases.
//!
//! Whether he buys at all any more is the business of the rhythm; lost items have a page of their
//! own.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, Discrete, DiscreteCDF};
use statrs::function::erf::erfc_inv;

use super::histogram::Histogram;
use super::spread::Spread;
use crate::model::{Day, RhythmState};

/// Baskets vary at least so much (variance of ln), and so much more than was seen.
const LEAST_BASKET_VARIANCE: f64 = 0.02;
const UNSEEN_BASKET_VARIANCE: f64 = 0.05;

/// The 5 % point of a standard normal law, until a first scan has shown the base's own.
const NORMAL_DIP_Z: f64 = -1.645;

/// No window is shorter, in days.
const SHORTEST_WINDOW_DAYS: f64 = 60.0;

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VolumeSettings {
    /// The recent time, in days.
    pub window_days: u32,
    /// The time before it that it is measured against, in days.
    pub baseline_days: u32,
    /// Purchase days that the baseline needs.
    pub min_baseline_purchases: u32,
    /// The share of the base that dips as far by chance: the rarity of an alarm.
    pub alarm_share: f64,
    /// An alarm needs spending at or below this part of what was expected.
    pub most_spend_ratio: f64,
}

impl VolumeSettings {
    /// Settings with a window of about six usual gaps of the base, 12 weeks to a year, but no more
    /// than a quarter of the time that the data spans, down to 60 days: the baseline has to fit in.
    pub fn for_base(usual_gap_days: f64, span_days: i32) -> Self {
        let quarter = (f64::from(span_days) / 4.0).max(SHORTEST_WINDOW_DAYS);
        let window_days = (6.0 * usual_gap_days).clamp(84.0, 365.0).min(quarter);
        let window_days = window_days.round() as u32;
        Self {
            window_days,
            baseline_days: 3 * window_days,
            min_baseline_purchases: 4,
            alarm_share: 0.05,
            most_spend_ratio: 0.75,
        }
    }
}

impl Default for VolumeSettings {
    fn default() -> Self {
        Self::for_base(14.0, 365)
    }
}

/// The purchases of one client in the window and in the baseline.
#[derive(Clone, Copy, Debug)]
pub struct VolumeSummary {
    window_days: f64,
    baseline_days: f64,
    spent_minor: i64,
    baseline_spent_minor: i64,
    window_ln_baskets: Spread,
    baseline_ln_baskets: Spread,
}

impl VolumeSummary {
    /// Sums up the purchases of a client as known on `day`; `None` when they cannot be compared.
    ///
    /// `purchases` are his purchase days with what he spent on each, in minor units, in any order.
    /// He has to buy still (`state` up to due), to have bought in the window, and to have a
    /// baseline that is as long as the window at least and has enough purchases.
    pub fn of(
        purchases: &[(Day, i64)],
        state: RhythmState,
        day: Day,
        settings: &VolumeSettings,
    ) -> Option<Self> {
        if state > RhythmState::Due {
            return None;
        }
        let window_from = day.plus(1 - settings.window_days.cast_signed());
        let first = purchases.iter().map(|purchase| purchase.0).min()?;
        // A baseline that began with the first purchase would count one purchase too many.
        let baseline_from = window_from
            .plus(-settings.baseline_days.cast_signed())
            .max(first.plus(1));
        let baseline_days = window_from - baseline_from;
        let mut summary = Self {
            window_days: f64::from(settings.window_days),
            baseline_days: f64::from(baseline_days),
            spent_minor: 0,
            baseline_spent_minor: 0,
            window_ln_baskets: Spread::default(),
            baseline_ln_baskets: Spread::default(),
        };
        let positive = purchases.iter().filter(|purchase| purchase.1 > 0);
        for &(bought_on, amount_minor) in positive {
            let ln_basket = (amount_minor as f64).ln();
            if (window_from..=day).contains(&bought_on) {
                summary.spent_minor = summary.spent_minor.saturating_add(amount_minor);
                summary.window_ln_baskets.add(ln_basket);
            } else if (baseline_from..window_from).contains(&bought_on) {
                summary.baseline_spent_minor =
                    summary.baseline_spent_minor.saturating_add(amount_minor);
                summary.baseline_ln_baskets.add(ln_basket);
            }
        }
        let is_comparable = summary.window_ln_baskets.count() >= 1.0
            && summary.baseline_ln_baskets.count() >= f64::from(settings.min_baseline_purchases)
            && baseline_days >= settings.window_days.cast_signed();
        is_comparable.then_some(summary)
    }

    /// Purchase days that the window would have had at the pace of the baseline.
    fn expected_purchases(&self) -> f64 {
        self.baseline_ln_baskets.count() * self.window_days / self.baseline_days
    }

    /// How much fuller the baskets of the window are, as a difference of mean logarithms.
    fn basket_shift(&self) -> f64 {
        let mean = |baskets: &Spread| baskets.mean().unwrap_or(0.0);
        mean(&self.window_ln_baskets) - mean(&self.baseline_ln_baskets)
    }
}

/// What the whole base did in the same time, and how far its clients dip by chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeBase {
    /// Purchases of the window over those expected from the baselines.
    pub visit_index: f64,
    /// Median change of ln(basket).
    pub basket_shift: f64,
    /// The score that the alarm share of clients fell below on a day before, of which this one
    /// cannot be a part.
    pub dip_z: f64,
}

/// The first pass of a scan: what the whole base did.
#[derive(Clone, Debug)]
pub struct VolumeBaseBuilder {
    purchases: f64,
    expected_purchases: f64,
    basket_shifts: Histogram,
}

impl Default for VolumeBaseBuilder {
    fn default() -> Self {
        Self {
            purchases: 0.0,
            expected_purchases: 0.0,
            basket_shifts: Histogram::new(-5.0, 0.01, 1000),
        }
    }
}

impl VolumeBaseBuilder {
    /// Adds one client.
    pub fn add(&mut self, client: &VolumeSummary) {
        self.purchases += client.window_ln_baskets.count();
        self.expected_purchases += client.expected_purchases();
        self.basket_shifts.add(client.basket_shift());
    }

    /// The base of this scan; `dip_z` comes from [`VolumeScores`] of an earlier day.
    pub fn finish(&self, dip_z: Option<f64>) -> VolumeBase {
        let visit_index = if self.expected_purchases > 0.0 {
            self.purchases / self.expected_purchases
        } else {
            1.0
        };
        VolumeBase {
            visit_index,
            basket_shift: self.basket_shifts.quantile(0.5).unwrap_or(0.0),
            dip_z: dip_z.unwrap_or(NORMAL_DIP_Z),
        }
    }
}

/// The scores of a scan: how far clients dip by chance, for a later day.
#[derive(Clone, Debug)]
pub struct VolumeScores(Histogram);

impl Default for VolumeScores {
    fn default() -> Self {
        Self(Histogram::new(-10.0, 0.01, 2000))
    }
}

impl VolumeScores {
    /// Adds one client.
    pub fn add(&mut self, change: &VolumeChange) {
        self.0.add(change.z);
    }

    /// The score that `alarm_share` of the clients fall below; `None` for fewer than a hundred.
    pub fn dip_z(&self, alarm_share: f64) -> Option<f64> {
        let enough = self.0.count() >= 100;
        enough.then(|| self.0.quantile(alarm_share)).flatten()
    }
}

/// How a client's buying has changed, with the numbers that a sentence about it needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeChange {
    /// The length of the window, in days.
    pub window_days: u32,
    /// Spent in the window, in minor units.
    pub spent_minor: i64,
    /// Would have been spent at the pace of the baseline, in minor units.
    pub usual_minor: i64,
    /// What the base as a whole spent of what was expected: 0.97 is 3 % less.
    pub base_ratio: f64,
    /// Purchase days in the window.
    pub purchases: u32,
    /// Purchase days expected from the baseline.
    pub usual_purchases: f64,
    /// The score of the number of purchases against the base; below 0 is fewer.
    pub visits_z: f64,
    /// The baskets of the window over those of the baseline.
    pub basket_ratio: f64,
    /// The score of the baskets against the base; below 0 is emptier.
    pub basket_z: f64,
    /// Both scores together.
    pub z: f64,
    /// Spent over usual, with what the base did taken off.
    pub spend_ratio: f64,
}

impl VolumeChange {
    /// Compares window and baseline of a client, with what the base did taken off.
    pub fn of(client: &VolumeSummary, base: &VolumeBase) -> Self {
        let share_of_time = client.window_days / client.baseline_days;
        let usual_minor = client.baseline_spent_minor as f64 * share_of_time;
        let base_ratio = base.visit_index * base.basket_shift.exp();
        let visits_z = visits_z(client, base);
        let basket_z = basket_z(client, base);
        Self {
            window_days: client.window_days as u32,
            spent_minor: client.spent_minor,
            usual_minor: usual_minor.round() as i64,
            base_ratio,
            purchases: client.window_ln_baskets.count() as u32,
            usual_purchases: client.expected_purchases(),
            visits_z,
            basket_ratio: client.basket_shift().exp(),
            basket_z,
            z: (visits_z + basket_z) * std::f64::consts::FRAC_1_SQRT_2,
            spend_ratio: client.spent_minor as f64 / (usual_minor * base_ratio),
        }
    }

    /// Whether the client buys so much less that somebody should look.
    pub fn is_decline(&self, base: &VolumeBase, settings: &VolumeSettings) -> bool {
        self.z <= base.dip_z && self.spend_ratio <= settings.most_spend_ratio
    }
}

/// The score of the number of purchases: binomial between window and baseline, mid-p.
fn visits_z(client: &VolumeSummary, base: &VolumeBase) -> f64 {
    let bought = client.window_ln_baskets.count() as u64;
    let all = bought + client.baseline_ln_baskets.count() as u64;
    let window = client.window_days * base.visit_index;
    let share = window / (window + client.baseline_days);
    let Ok(law) = Binomial::new(share, all) else {
        return 0.0;
    };
    let fewer = bought.checked_sub(1).map_or(0.0, |less| law.cdf(less));
    normal_quantile(fewer + 0.5 * law.pmf(bought))
}

fn basket_z(client: &VolumeSummary, base: &VolumeBase) -> f64 {
    let seen = client.baseline_ln_baskets.variance();
    let variance = seen.max(LEAST_BASKET_VARIANCE) + UNSEEN_BASKET_VARIANCE;
    let inverse_counts =
        1.0 / client.window_ln_baskets.count() + 1.0 / client.baseline_ln_baskets.count();
    (client.basket_shift() - base.basket_shift) / (variance * inverse_counts).sqrt()
}

fn normal_quantile(p: f64) -> f64 {
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p.clamp(1e-15, 1.0 - 1e-15))
}

#[cfg(test)]
mod tests;
