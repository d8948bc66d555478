//! How often clients buy, by the base's own measure: the classes X, Y and Z.
//!
//! What a week means differs between a bakery and a boat builder, so the bounds are quantiles of
//! the base. They are found in one pass and constant memory.

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use crate::model::Xyz;

/// ln of the shortest gap that has a bin of its own: half a day.
const LN_SHORTEST: f64 = -std::f64::consts::LN_2;

/// Width of a bin of ln(gap): about 2 % of the gap.
const LN_WIDTH: f64 = 0.02;

/// Bins up to about 75 years.
const N_BINS: usize = 546;

/// The gaps of a base, counted in bins of equal ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct GapHistogram(Histogram);

impl Default for GapHistogram {
    fn default() -> Self {
        Self(Histogram::new(LN_SHORTEST, LN_WIDTH, N_BINS))
    }
}

impl GapHistogram {
    /// Counts one gap; what is shorter or longer than any bin goes into the outermost.
    pub fn add(&mut self, gap_days: f64) {
        self.0.add(gap_days.max(0.5).ln());
    }

    /// Adds all gaps of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// How many gaps there are.
    pub const fn count(&self) -> u64 {
        self.0.count()
    }

    /// The gap in days that a share of the gaps do not exceed, to about 2 %; `None` without any.
    pub fn quantile_days(&self, share: f64) -> Option<f64> {
        self.0.quantile(share).map(f64::exp)
    }

    /// The bins that hold gaps, as (shortest, longest, count), for a picture.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        self.0
            .bins()
            .map(|(low, high, count)| (low.exp(), high.exp(), count))
    }
}

/// The usual gaps up to which a repeat buyer belongs to X and to Y.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XyzThresholds {
    /// X buys at least this often: usual gap in days.
    pub x_up_to_days: f64,
    /// Y buys at least this often; whoever buys less often is Z.
    pub y_up_to_days: f64,
}

impl XyzThresholds {
    /// The thresholds that cut the repeat buyers with these usual gaps into thirds.
    ///
    /// Feed the usual gaps of those who bought on two days at least. Without any, all are Z.
    pub fn of(usual_gaps: &GapHistogram) -> Self {
        let third = |n: f64| usual_gaps.quantile_days(n / 3.0).unwrap_or(0.0);
        Self {
            x_up_to_days: third(1.0),
            y_up_to_days: third(2.0),
        }
    }
}

/// The class of a client by his purchase days and his usual gap.
pub fn xyz(purchase_days: u32, usual_gap_days: f64, thresholds: &XyzThresholds) -> Xyz {
    if purchase_days < 2 || usual_gap_days > thresholds.y_up_to_days {
        Xyz::Z
    } else if usual_gap_days > thresholds.x_up_to_days {
        Xyz::Y
    } else {
        Xyz::X
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn repeat_buyers_fall_into_thirds_and_one_time_buyers_into_z() {
        let mut gaps = GapHistogram::default();
        for gap in 1..=300 {
            gaps.add(f64::from(gap));
        }
        let thresholds = XyzThresholds::of(&gaps);
        let mut counts = [0; 3];
        for gap in 1..=300 {
            counts[xyz(5, f64::from(gap), &thresholds) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (97..=103).contains(count)),
            "{counts:?}"
        );
        assert_eq!(xyz(1, 1.0, &thresholds), Xyz::Z);
    }

    #[test]
    fn without_repeat_buyers_all_are_z() {
        let thresholds = XyzThresholds::of(&GapHistogram::default());
        assert_eq!(xyz(4, 7.0, &thresholds), Xyz::Z);
    }

    #[test]
    fn gaps_beyond_all_bins_are_counted_in_the_outermost() {
        let mut gaps = GapHistogram::default();
        for gap in [0.0, -3.0, 1e9, f64::INFINITY] {
            gaps.add(gap);
        }
        assert_eq!(gaps.count(), 4);
        assert_eq!(gaps.bins().map(|bin| bin.2).sum::<u64>(), 4);
        assert!(gaps.quantile_days(1.0).unwrap() > 27_000.0);
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_two_per_cent_of_the_sorted_one(
            mut days in prop::collection::vec(0.6..5000.0, 1..200),
            share in 0.0..1.0,
        ) {
            let mut whole = GapHistogram::default();
            let mut half = GapHistogram::default();
            for (index, &gap) in days.iter().enumerate() {
                if index % 2 == 0 { whole.add(gap) } else { half.add(gap) }
            }
            whole.merge(&half);
            days.sort_unstable_by(f64::total_cmp);
            let at = f64::ceil(share * days.len() as f64) as usize;
            let exact = days[at.saturating_sub(1)];
            let ours = whole.quantile_days(share).unwrap();
            prop_assert!((ours / exact - 1.0).abs() < 0.021, "{ours}, not {exact}");
        }
    }
}
