//! Sums over all gaps of a base, in constant memory: where a fit begins, and what is left of it
//! when the fit fails.

use super::spread::Spread;

/// Added to variances of ln(gap): days are whole, so equal gaps are not perfectly equal.
const GAP_NOISE: f64 = 0.01;

/// Gaps from which a client's own variance says something.
const ENOUGH_OWN_GAPS: f64 = 5.0;

/// The gaps of one client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientGaps {
    ln_gaps: Spread,
}

impl ClientGaps {
    /// Adds one gap.
    pub(super) fn add(&mut self, gap_days: u32) {
        self.ln_gaps.add(f64::from(gap_days).ln());
    }
}

/// What all clients together show of ln(gap).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BaseMoments {
    all: Spread,
    within_squares: f64,
    within_freedom: f64,
    client_means: Spread,
    inverse_gaps: Spread,
    ln_variances: Spread,
    ln_variance_noise: Spread,
}

/// The prior of the clients' own mean and spread of ln(gap), named as in the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MomentPrior {
    pub(super) m0: f64,
    pub(super) k0: f64,
    pub(super) a0: f64,
    pub(super) b0: f64,
}

impl BaseMoments {
    /// Adds all gaps of one client.
    pub(super) fn add(&mut self, client: &ClientGaps) {
        let own = client.ln_gaps;
        let Some(mean) = own.mean() else {
            return;
        };
        self.all.merge(own);
        self.within_squares += own.squares();
        self.within_freedom += own.count() - 1.0;
        self.client_means.add(mean);
        self.inverse_gaps.add(1.0 / own.count());
        if own.count() >= ENOUGH_OWN_GAPS {
            self.ln_variances.add((own.variance() + GAP_NOISE).ln());
            self.ln_variance_noise.add(2.0 / (own.count() - 1.0));
        }
    }

    /// Mean and variance of ln(gap) over all gaps; `None` without any.
    pub(super) fn ln_gaps(&self) -> Option<(f64, f64)> {
        self.all.mean().map(|mean| (mean, self.all.variance()))
    }

    /// How many gaps there are.
    pub(super) const fn n_gaps(&self) -> u64 {
        self.all.count() as u64
    }

    /// The prior by the method of moments; `None` without any gap.
    pub(super) fn prior(&self) -> Option<MomentPrior> {
        let m0 = self.client_means.mean()?;
        let within = if self.within_freedom > 0.0 {
            self.within_squares / self.within_freedom + GAP_NOISE
        } else {
            self.all.variance() + GAP_NOISE
        };
        let noise_of_means = within * self.inverse_gaps.mean()?;
        let between = (self.client_means.variance() - noise_of_means).max(0.05 * within);
        let (a0, typical_variance) = match self.ln_variances.mean() {
            Some(mean) => {
                let noise = self.ln_variance_noise.mean().unwrap_or(0.0);
                let spread = (self.ln_variances.variance() - noise).max(0.05);
                ((1.0 / spread + 0.5).clamp(0.6, 20.0), mean.exp())
            }
            None => (2.5, within),
        };
        Some(MomentPrior {
            m0,
            k0: (within / between).clamp(0.05, 20.0),
            a0,
            b0: 0.95 * a0 * typical_variance,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_of_like_clients_shrinks_more_than_one_of_different_clients() {
        let prior_of = |typical: [u32; 2]| {
            let mut moments = BaseMoments::default();
            for client in 0..200_usize {
                let mut gaps = ClientGaps::default();
                for gap in 0..8 {
                    gaps.add(typical[client % 2] * (6 + gap % 3) / 7);
                }
                moments.add(&gaps);
            }
            moments.prior().unwrap()
        };
        let (like, different) = (prior_of([28, 28]), prior_of([7, 112]));
        assert!(like.k0 > 10.0 * different.k0, "{like:?} {different:?}");
        assert!((like.m0 - 28_f64.ln()).abs() < 0.1, "{like:?}");
    }

    #[test]
    fn without_a_gap_there_is_no_prior() {
        let mut moments = BaseMoments::default();
        moments.add(&ClientGaps::default());
        assert_eq!((moments.prior(), moments.n_gaps()), (None, 0));
    }
}
