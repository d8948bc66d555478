//! The law of a client's next gap, and what it says about the present silence.
//!
//! Probabilities are 0..1, silences and horizons are days since the last purchase day. The chance
//! that somebody is gone for ever cannot be told from a long pause by any data, so "lost" is
//! defined as a silence of [`Law::lost_after_days`], and only chances that can be checked against
//! what happened are given.

use crate::model::{BaseParameters, Rhythm};

use super::student::StudentT;

/// The shortest silence that the law tells apart from none, in days.
const SHORTEST_SILENCE_DAYS: f64 = 0.5;

/// The law of the gap that the last purchase opened.
///
/// ln(gap) = `location` + `scale` × T, and with chance `last_chance` there is no next purchase.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    location: f64,
    scale: f64,
    last_chance: f64,
    student: StudentT,
    lost_after_days: f64,
    survival_at_lost: f64,
}

impl Law {
    /// The law of a client's next gap, from his own history and the parameters of the base.
    pub fn of(rhythm: &Rhythm, base: &BaseParameters) -> Self {
        let (location, scale, freedom, last_chance) = if rhythm.purchase_days > 1 {
            own_gap(rhythm, base)
        } else {
            (base.mu1, base.s1, base.nu1, base.pi1)
        };
        let usual_gap_days = location.exp();
        let mut law = Self {
            location,
            scale,
            last_chance,
            student: StudentT::new(freedom),
            lost_after_days: base
                .smallest_lost_days
                .max(base.lost_factor * usual_gap_days),
            survival_at_lost: 0.0,
        };
        law.survival_at_lost = law.survival(law.lost_after_days);
        law
    }

    /// The usual gap: half of the gaps of this client are longer.
    pub fn usual_gap_days(&self) -> f64 {
        self.location.exp()
    }

    /// The silence from which the client counts as lost.
    pub const fn lost_after_days(&self) -> f64 {
        self.lost_after_days
    }

    /// The mean of ln(gap in days), the spread around it and its degrees of freedom.
    pub const fn shape(&self) -> (f64, f64, f64) {
        (self.location, self.scale, self.student.freedom())
    }

    /// The chance that the last purchase was the last for ever.
    pub const fn last_chance(&self) -> f64 {
        self.last_chance
    }

    /// The chance that a gap which ends is longer than `silent_days`.
    pub fn survival(&self, silent_days: f64) -> f64 {
        let ln_silent = silent_days.max(SHORTEST_SILENCE_DAYS).ln();
        self.student
            .upper_tail((ln_silent - self.location) / self.scale)
    }

    /// Of the pauses of such a client that ended before he was lost, the share longer than this.
    ///
    /// 1 on the purchase day itself: he is not overdue at all. 0 from the day he counts as lost.
    pub fn overdue(&self, silent_days: f64) -> f64 {
        if silent_days <= 0.0 {
            return 1.0;
        }
        let ended_share = 1.0 - self.survival_at_lost;
        ((self.survival(silent_days) - self.survival_at_lost) / ended_share).clamp(0.0, 1.0)
    }

    /// The chance that a client silent for `silent_days` stays away until he counts as lost.
    pub fn away(&self, silent_days: f64) -> f64 {
        if silent_days >= self.lost_after_days {
            return 1.0;
        }
        self.still_silent(self.survival_at_lost) / self.still_silent(self.survival(silent_days))
    }

    /// The chance that a client silent for `silent_days` buys by himself within `within_days`.
    pub fn returns_within(&self, silent_days: f64, within_days: f64) -> f64 {
        let now = self.still_silent(self.survival(silent_days));
        let then = self.still_silent(self.survival(silent_days + within_days));
        1.0 - then / now
    }

    /// The silence that a share `survival` of the gaps exceed, in days.
    pub(super) fn silence_with_survival(&self, survival: f64) -> f64 {
        (self.location + self.scale * self.student.quantile_of_upper_tail(survival)).exp()
    }

    /// The survival at which the chance to stay away reaches `away`; above 1 when it is already.
    pub(super) fn survival_at_away(&self, away: f64) -> f64 {
        (self.still_silent(self.survival_at_lost) / away - self.last_chance)
            / (1.0 - self.last_chance)
    }

    /// The survival at which the share of ended pauses that were longer falls to `overdue`.
    pub(super) fn survival_at_overdue(&self, overdue: f64) -> f64 {
        self.survival_at_lost + overdue * (1.0 - self.survival_at_lost)
    }

    /// The chance to be silent still, when a share `survival` of the gaps that end are longer.
    fn still_silent(&self, survival: f64) -> f64 {
        self.last_chance + (1.0 - self.last_chance) * survival
    }
}

/// Location, scale, degrees of freedom and last chance after two purchase days or more.
///
/// The predictive law of the conjugate normal-inverse-gamma model.
/// Source: K. Murphy, Conjugate Bayesian analysis of the Gaussian distribution (2007), §3.
fn own_gap(rhythm: &Rhythm, base: &BaseParameters) -> (f64, f64, f64, f64) {
    let weight = rhythm.weight;
    let own_mean = rhythm.sum_log / weight;
    let own_squares = (rhythm.sum_sq - weight * own_mean * own_mean).max(0.0);
    let k = base.k0 + weight;
    let location = (base.k0 * base.m0 + rhythm.sum_log) / k;
    let a = base.a0 + 0.5 * weight;
    let off = own_mean - base.m0;
    let b = base.b0 + 0.5 * own_squares + base.k0 * weight * off * off / (2.0 * k);
    let scale = (b * (k + 1.0) / (a * k)).sqrt();
    let purchases_before = f64::from(rhythm.purchase_days - 1);
    let last_chance = base.a / (base.a + base.b + purchases_before);
    (location, scale, 2.0 * a, last_chance)
}
