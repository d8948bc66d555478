//! The parameters by the method of moments: no search, always an answer.
//!
//! The chance of a last purchase comes from matured pauses, those that began early enough to have
//! been seen to the end: `pi = 1 - share closed in time / mean chance that a gap ends in time`.

use super::super::Law;
use super::super::pauses::{Pause, PauseEnd, PauseSample};
use super::ln_gaps_of;
use crate::model::{BaseParameters, Day};

/// Logarithms of the shapes stay within this either way.
const LN_BOUND: f64 = 5.0;

/// Purchase days at which the classes of pauses begin, after the first one.
const CLASSES_FROM: [u32; 4] = [2, 3, 5, 10];

/// The parameters of a sample; `None` without any gap. `start` gives what moments cannot tell.
pub(super) fn parameters(sample: &PauseSample, start: &BaseParameters) -> Option<BaseParameters> {
    let prior = sample.moments().prior()?;
    let until = sample.data_until()?;
    let (first, later) = (sample.first_pauses(), sample.later_pauses());

    let mut base = BaseParameters {
        m0: prior.m0,
        k0: prior.k0,
        a0: prior.a0,
        b0: prior.b0,
        ..*start
    };
    if let Some((mean, variance)) = ln_gaps_of(&first) {
        base.mu1 = mean;
        base.s1 = variance.sqrt().clamp(0.1, 5.0);
    }
    if let Some(class) = Matured::of(&first, &base, until) {
        base.pi1 = class.last_chance();
    }
    let classes: Vec<Matured> = CLASSES_FROM
        .iter()
        .enumerate()
        .filter_map(|(index, &from)| {
            let below = CLASSES_FROM.get(index + 1).copied().unwrap_or(u32::MAX);
            let class: Vec<Pause> = later
                .iter()
                .filter(|pause| (from..below).contains(&pause.opened.purchase_days))
                .copied()
                .collect();
            Matured::of(&class, &base, until)
        })
        .collect();
    if let Some((a, b)) = beta_shapes(&classes) {
        (base.a, base.b) = (a, b);
    }
    Some(base)
}

/// The matured pauses of a class.
#[derive(Clone, Copy, Debug)]
struct Matured {
    count: f64,
    /// Mean purchase days minus one.
    purchases_before: f64,
    closed_share: f64,
    /// Mean chance that a gap which ends does so before the client is lost.
    in_time: f64,
}

impl Matured {
    fn of(pauses: &[Pause], base: &BaseParameters, until: Day) -> Option<Self> {
        let mut sum = Self {
            count: 0.0,
            purchases_before: 0.0,
            closed_share: 0.0,
            in_time: 0.0,
        };
        for pause in pauses {
            let law = Law::of(&pause.opened, base);
            let lost_days = law.lost_after_days();
            if f64::from(until - pause.opened.last) < lost_days {
                continue;
            }
            sum.count += 1.0;
            sum.purchases_before += f64::from(pause.opened.purchase_days - 1);
            sum.in_time += 1.0 - law.survival(lost_days);
            if let PauseEnd::Closed { gap_days } = pause.end
                && f64::from(gap_days) <= lost_days
            {
                sum.closed_share += 1.0;
            }
        }
        (sum.count > 0.0).then(|| Self {
            count: sum.count,
            purchases_before: sum.purchases_before / sum.count,
            closed_share: sum.closed_share / sum.count,
            in_time: sum.in_time / sum.count,
        })
    }

    fn last_chance(&self) -> f64 {
        (1.0 - self.closed_share / self.in_time).clamp(0.001, 0.95)
    }
}

/// The shapes `a`, `b` of `pi = a / (a + b + purchases before)`: a line through 1/pi.
fn beta_shapes(classes: &[Matured]) -> Option<(f64, f64)> {
    let weight = |class: &Matured| class.count * class.last_chance().powi(3);
    let total: f64 = classes.iter().map(weight).sum();
    if total <= 0.0 {
        return None;
    }
    let mean = |value: &dyn Fn(&Matured) -> f64| -> f64 {
        classes
            .iter()
            .map(|class| weight(class) * value(class))
            .sum::<f64>()
            / total
    };
    let inverse = |class: &Matured| 1.0 / class.last_chance();
    let mean_before = mean(&|class| class.purchases_before);
    let mean_inverse = mean(&inverse);
    let variance = mean(&|class| (class.purchases_before - mean_before).powi(2));
    let covariance =
        mean(&|class| (class.purchases_before - mean_before) * (inverse(class) - mean_inverse));
    let slope = if variance > 0.0 {
        covariance / variance
    } else {
        0.0
    };
    let within = |shape: f64| shape.max((-LN_BOUND).exp()).min(LN_BOUND.exp());
    let a = within(1.0 / slope.max(f64::MIN_POSITIVE));
    let b = within(a * (mean_inverse - 1.0) - mean_before);
    // Where a bound holds one of them, the other keeps the mean chance as it was seen.
    let a = within((b + mean_before) / (mean_inverse - 1.0));
    Some((a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(count: f64, purchases_before: f64, last_chance: f64) -> Matured {
        Matured {
            count,
            purchases_before,
            closed_share: 1.0 - last_chance,
            in_time: 1.0,
        }
    }

    #[test]
    fn the_shapes_are_those_of_the_classes() {
        let chance = |before: f64| 0.5 / (0.5 + 3.0 + before);
        let classes = [1.0, 2.5, 6.0, 15.0].map(|before| class(100.0, before, chance(before)));
        let (a, b) = beta_shapes(&classes).unwrap();
        assert!((a - 0.5).abs() < 1e-9 && (b - 3.0).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn a_chance_that_does_not_fall_stays_what_it_is() {
        for last_chance in [0.001, 0.02, 0.3, 0.9] {
            let classes = [1.0, 2.5, 6.0].map(|before| class(100.0, before, last_chance));
            let (a, b) = beta_shapes(&classes).unwrap();
            let ours = a / (a + b + 3.0);
            assert!(
                (ours / last_chance - 1.0).abs() < 0.1,
                "{ours}, not {last_chance}"
            );
        }
    }

    #[test]
    fn without_matured_pauses_there_are_no_shapes() {
        assert_eq!(beta_shapes(&[]), None);
    }
}
