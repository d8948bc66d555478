//! What would have been foreseen on a past day, and what happened then.
//!
//! Each client is judged by his history up to that day alone. The parameters are the caller's
//! business: to be honest they have to be fitted to the same past.

use serde::Serialize;

use crate::model::{BaseParameters, Day};

use super::law::Law;
use super::state::of_sorted_days;

/// What was foreseen for one client on a past day, and what came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foresight {
    /// Purchase days known on that day.
    pub purchase_days: u32,
    /// Days of silence on that day.
    pub silent_days: f64,
    /// The foreseen chance of no purchase within the horizon.
    pub no_purchase_chance: f64,
    /// Whether there was none.
    pub had_no_purchase: bool,
    /// The share of the gaps that are longer than this silence.
    pub survival: f64,
    /// The chance to stay away until lost.
    pub away: f64,
}

/// Looks at one client on the day `cut`; `None` when he had not bought yet.
///
/// `days` are all his purchase days in rising order, those after the cut included: the horizon is
/// the `within_days` days after the cut.
pub fn look_back(
    days: &[Day],
    cut: Day,
    within_days: u32,
    base: &BaseParameters,
) -> Option<Foresight> {
    let known = days.partition_point(|&day| day <= cut);
    let rhythm = of_sorted_days(days[..known].iter().copied())?;
    let law = Law::of(&rhythm, base);
    let silent_days = f64::from(cut - rhythm.last);
    let had_no_purchase = days
        .get(known)
        .is_none_or(|&next| next > cut.plus(within_days.cast_signed()));
    Some(Foresight {
        purchase_days: rhythm.purchase_days,
        silent_days,
        no_purchase_chance: 1.0 - law.returns_within(silent_days, f64::from(within_days)),
        had_no_purchase,
        survival: law.survival(silent_days),
        away: law.away(silent_days),
    })
}

/// How good foreseen chances were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// How many chances were foreseen.
    pub count: usize,
    /// The chance that of two clients the one who did not buy had the higher number; `None` when
    /// all bought or none did.
    pub auc: Option<f64>,
    /// Mean squared error of the chances.
    pub brier: f64,
    /// Mean foreseen chance.
    pub mean_foreseen: f64,
    /// The share in which it happened.
    pub share_happened: f64,
}

/// Judges foreseen chances by what happened; `None` without any.
pub fn quality(foreseen: &[(f64, bool)]) -> Option<Quality> {
    if foreseen.is_empty() {
        return None;
    }
    let count = foreseen.len() as f64;
    let outcome = |happened: bool| if happened { 1.0 } else { 0.0 };
    let mean_of = |value: &dyn Fn(f64, f64) -> f64| -> f64 {
        let values = foreseen
            .iter()
            .map(|&(p, happened)| value(p, outcome(happened)));
        values.sum::<f64>() / count
    };
    Some(Quality {
        count: foreseen.len(),
        auc: auc(foreseen),
        brier: mean_of(&|p, y| (p - y) * (p - y)),
        mean_foreseen: mean_of(&|p, _| p),
        share_happened: mean_of(&|_, y| y),
    })
}

/// The area under the ROC curve by the sum of ranks, ties shared.
fn auc(foreseen: &[(f64, bool)]) -> Option<f64> {
    let mut sorted: Vec<_> = foreseen.to_vec();
    sorted.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let (mut rank_sum, mut before) = (0.0, 0.0);
    for tied in sorted.chunk_by(|left, right| left.0.total_cmp(&right.0).is_eq()) {
        let size = tied.len() as f64;
        let happened = tied.iter().filter(|pair| pair.1).count() as f64;
        rank_sum += happened * (before + 0.5 * (size + 1.0));
        before += size;
    }
    let happened = foreseen.iter().filter(|pair| pair.1).count() as f64;
    let pairs = happened * (foreseen.len() as f64 - happened);
    (pairs > 0.0).then(|| (rank_sum - 0.5 * happened * (happened + 1.0)) / pairs)
}

/// One bar of a calibration picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// How many chances fall here.
    pub count: usize,
    /// Their mean.
    pub mean_foreseen: f64,
    /// The share in which it happened.
    pub share_happened: f64,
}

/// Foreseen chances in bins of equal width over 0..1, the empty ones left out.
pub fn calibration(foreseen: &[(f64, bool)], n_bins: usize) -> Vec<CalibrationBin> {
    let mut sums = vec![(0_usize, 0.0, 0_usize); n_bins.max(1)];
    let last = sums.len() - 1;
    for &(p, happened) in foreseen {
        let bin = &mut sums[((p * n_bins as f64) as usize).min(last)];
        bin.0 += 1;
        bin.1 += p;
        bin.2 += usize::from(happened);
    }
    sums.into_iter()
        .filter(|bin| bin.0 > 0)
        .map(|(count, sum, happened)| CalibrationBin {
            count,
            mean_foreseen: sum / count as f64,
            share_happened: happened as f64 / count as f64,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_foresight_has_an_area_of_one_and_a_coin_of_one_half() {
        let auc_of = |pairs: &[(f64, bool)]| quality(pairs).unwrap().auc;
        assert_eq!(
            auc_of(&[(0.1, false), (0.2, false), (0.9, true)]),
            Some(1.0)
        );
        assert_eq!(auc_of(&[(0.9, false), (0.1, true)]), Some(0.0));
        assert_eq!(auc_of(&[(0.5, false), (0.5, true), (0.5, true)]), Some(0.5));
        assert_eq!(auc_of(&[(0.5, true)]), None);
        assert_eq!(quality(&[]), None);
    }

    #[test]
    fn a_chance_is_judged_by_its_distance_from_what_happened() {
        let judged = quality(&[(0.8, true), (0.4, false)]).unwrap();
        assert!((judged.brier - 0.1).abs() < 1e-12);
        assert!((judged.mean_foreseen - 0.6).abs() < 1e-12);
        assert!((judged.share_happened - 0.5).abs() < 1e-12);
    }

    #[test]
    fn calibration_puts_a_certain_chance_into_the_last_bin() {
        let bins = calibration(&[(1.0, true), (0.95, true), (0.05, false)], 10);
        assert_eq!(bins.len(), 2);
        assert_eq!((bins[0].count, bins[1].count), (1, 2));
        assert!((bins[1].mean_foreseen - 0.975).abs() < 1e-12);
    }

    #[test]
    fn only_what_was_known_on_the_day_is_used() {
        let base = BaseParameters::default();
        let days = [0, 30, 60, 95, 200].map(Day::from_epoch);
        let cut = Day::from_epoch(94);
        let seen = look_back(&days, cut, 7, &base).unwrap();
        let without_future = look_back(&days[..3], cut, 7, &base).unwrap();
        assert_eq!(seen.purchase_days, 3);
        assert!(!seen.had_no_purchase && without_future.had_no_purchase);
        assert_eq!(
            seen.no_purchase_chance.to_bits(),
            without_future.no_purchase_chance.to_bits()
        );
        assert_eq!(look_back(&days, Day::from_epoch(-1), 7, &base), None);
    }
}
