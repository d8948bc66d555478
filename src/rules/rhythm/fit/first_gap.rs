//! The fit of the first gap: it has a law of its own, because the second purchase of most bases
//! comes later than the following ones, or never.

use super::super::pauses::Pause;
use super::cell::{Cell, GapLaw};
use super::minimise::{FREE, Minimum, minimise_within};

/// How many pauses the weak priors are worth.
const PRIOR_PAUSES: f64 = 10.0;

/// Widths of the priors of ln(degrees of freedom), around e² = 7.4 of them, and of the logit of
/// the last chance, around one half.
const LN_FREEDOM_WIDTH: f64 = 0.7;
const LOGIT_WIDTH: f64 = 1.5;

/// Location, ln(scale), ln(degrees of freedom), logit of the last chance.
pub(super) type Point = [f64; 4];

/// Their bounds.
const BOUNDS: [(f64, f64); 4] = [FREE, (-3.0, 2.0), (0.7, 4.0), (-7.0, 7.0)];

/// Location, scale, degrees of freedom and last chance at a point of the search.
pub(super) fn law_at(point: &Point) -> [f64; 4] {
    let [location, ln_scale, ln_freedom, logit] = *point;
    [
        location,
        ln_scale.exp(),
        ln_freedom.exp(),
        1.0 / (1.0 + (-logit).exp()),
    ]
}

/// The most likely law of the first gap for these pauses, all after one purchase day.
pub(super) fn fit(pauses: &[Pause], grid_half_days: f64, start: Point) -> Option<Minimum<4>> {
    let cells: Vec<Cell> = pauses
        .iter()
        .map(|pause| Cell::of(pause.end, grid_half_days))
        .collect();
    let share = 1.0 / cells.len().max(1) as f64;
    minimise_within(&BOUNDS, |point| objective(&cells, share, point), start)
}

fn objective(cells: &[Cell], share: f64, point: &Point) -> (f64, Point) {
    let [location, scale, freedom, last_chance] = law_at(point);
    let law = GapLaw::new(location, scale, freedom, last_chance);
    let mut log_likelihood = 0.0;
    let mut slope = [0.0; 4];
    for &cell in cells {
        let pause = law.log_likelihood(cell);
        log_likelihood += pause.value;
        slope[0] += pause.by_location;
        slope[1] += pause.by_ln_scale;
        slope[2] += pause.by_freedom * freedom;
        slope[3] += pause.by_last_chance * last_chance * (1.0 - last_chance);
    }
    let pull = PRIOR_PAUSES * share;
    let off_freedom = (point[2] - 2.0) / LN_FREEDOM_WIDTH;
    let off_chance = point[3] / LOGIT_WIDTH;
    let mut slope = slope.map(|part| -share * part);
    slope[2] += pull * off_freedom / LN_FREEDOM_WIDTH;
    slope[3] += pull * off_chance / LOGIT_WIDTH;
    let prior = 0.5 * pull * (off_freedom.powi(2) + off_chance.powi(2));
    (prior - share * log_likelihood, slope)
}
