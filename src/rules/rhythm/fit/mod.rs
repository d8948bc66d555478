//! The parameters of a base, fitted to a sample of its pauses.
//!
//! Maximum likelihood with weak priors; the method of moments when the search fails; shapes known
//! from other trades while the base is cold. When to fit, and what is done with the dates after
//! it, is decided elsewhere. Fit classes of clients (retail, wholesale) from samples of their own.

mod cell;
mod first_gap;
mod minimise;
mod moments;
mod own_gaps;

use serde::{Deserialize, Serialize};

use super::pauses::{Pause, PauseEnd, PauseSample};
use crate::model::BaseParameters;

/// Below so many closed gaps a base is cold: its own shapes would be noise.
const COLD_BELOW_GAPS: u64 = 50;

/// What a fit needs to know about the data and the trade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitSettings {
    /// Half of the grid on which purchases are dated: 0.5 for days, 3.5 for weeks, 15 for months.
    pub grid_half_days: f64,
    /// See [`BaseParameters::smallest_lost_days`].
    pub smallest_lost_days: f64,
    /// See [`BaseParameters::lost_factor`].
    pub lost_factor: f64,
}

impl Default for FitSettings {
    fn default() -> Self {
        Self {
            grid_half_days: 0.5,
            smallest_lost_days: 90.0,
            lost_factor: 4.0,
        }
    }
}

/// Where parameters come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FitMethod {
    /// Maximum likelihood.
    Likelihood,
    /// Moments, because the likelihood could not be computed.
    Moments,
    /// Shapes known from other trades around the base's mean gap: there are too few gaps.
    Default,
}

/// Parameters with what they rest on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// The parameters.
    pub parameters: BaseParameters,
    /// Where they come from.
    pub method: FitMethod,
    /// Pauses that the fit looked at.
    pub pauses_used: u64,
    /// Gaps between purchase days in the whole base.
    pub closed_gaps: u64,
    /// Mean ln(likelihood) of a pause, with the weak priors; `None` unless by likelihood.
    pub mean_log_likelihood: Option<f64>,
}

/// The parameters of the base that the sample was drawn from.
pub fn fit(sample: &PauseSample, settings: &FitSettings) -> Fit {
    let (first, later) = (sample.first_pauses(), sample.later_pauses());
    let found = |parameters, method, mean_log_likelihood| Fit {
        parameters,
        method,
        pauses_used: (first.len() + later.len()) as u64,
        closed_gaps: sample.moments().n_gaps(),
        mean_log_likelihood,
    };
    if sample.moments().n_gaps() < COLD_BELOW_GAPS {
        return found(cold(sample, settings), FitMethod::Default, None);
    }
    match by_likelihood(sample, &first, &later, settings) {
        Some((parameters, likelihood)) => {
            found(parameters, FitMethod::Likelihood, Some(likelihood))
        }
        None => found(by_moments(sample, settings), FitMethod::Moments, None),
    }
}

/// The parameters by the method of moments alone, in one pass over the sample.
pub fn by_moments(sample: &PauseSample, settings: &FitSettings) -> BaseParameters {
    let start = cold(sample, settings);
    moments::parameters(sample, &start).unwrap_or(start)
}

fn cold(sample: &PauseSample, settings: &FitSettings) -> BaseParameters {
    let mut cold = BaseParameters::default();
    if let Some((mean_ln_gap, _)) = sample.moments().ln_gaps() {
        cold = BaseParameters::cold(mean_ln_gap, cold.smallest_lost_days);
    }
    cold.smallest_lost_days = settings.smallest_lost_days;
    cold.lost_factor = settings.lost_factor;
    cold
}

fn by_likelihood(
    sample: &PauseSample,
    first: &[Pause],
    later: &[Pause],
    settings: &FitSettings,
) -> Option<(BaseParameters, f64)> {
    let (mean_ln_gap, variance) = sample.moments().ln_gaps()?;
    let start = [
        mean_ln_gap,
        0.0,
        3.0_f64.ln(),
        (1.5 * (variance + 0.05)).ln(),
        0.4_f64.ln(),
        2.5_f64.ln(),
    ];
    let own = own_gaps::fit(later, settings.grid_half_days, start)?;
    let (first_mean, first_variance) = ln_gaps_of(first).unwrap_or((mean_ln_gap, variance));
    let start = [
        first_mean,
        0.5 * (first_variance + 0.05).ln(),
        2.0,
        logit(0.3),
    ];
    let first_gap = first_gap::fit(first, settings.grid_half_days, start)?;
    let [k0, a0, b0, a, b] = own_gaps::positive(&own.point);
    let [mu1, s1, nu1, pi1] = first_gap::law_at(&first_gap.point);
    let parameters = BaseParameters {
        m0: own.point[0],
        k0,
        a0,
        b0,
        a,
        b,
        mu1,
        s1,
        nu1,
        pi1,
        smallest_lost_days: settings.smallest_lost_days,
        lost_factor: settings.lost_factor,
    };
    let total = own.value * later.len() as f64 + first_gap.value * first.len() as f64;
    let n_pauses = (later.len() + first.len()).max(1) as f64;
    Some((parameters, -total / n_pauses))
}

/// Mean and variance of ln(gap) over the closed pauses among these; `None` without any.
fn ln_gaps_of(pauses: &[Pause]) -> Option<(f64, f64)> {
    let mut spread = super::spread::Spread::default();
    for pause in pauses {
        if let PauseEnd::Closed { gap_days } = pause.end {
            spread.add(f64::from(gap_days).ln());
        }
    }
    spread.mean().map(|mean| (mean, spread.variance()))
}

fn logit(chance: f64) -> f64 {
    (chance / (1.0 - chance)).ln()
}

#[cfg(test)]
mod recovery;
