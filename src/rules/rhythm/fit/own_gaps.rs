//! The fit of the gaps after the second purchase day and later: what a client's own history is
//! shrunk to, and how quickly the chance of a last purchase falls.

use super::super::pauses::Pause;
use super::cell::{Cell, GapLaw};
use super::minimise::{FREE, Minimum, minimise_within};

/// How many pauses the weak priors are worth.
const PRIOR_PAUSES: f64 = 20.0;

/// Logarithms of the positive parameters stay within these.
const LN_BOUNDS: (f64, f64) = (-5.0, 5.0);

/// The parameters searched for; `k0`, `a0`, `b0`, `a`, `b` as logarithms.
pub(super) type Point = [f64; 6];

/// The positive parameters `k0`, `a0`, `b0`, `a`, `b` at a point of the search.
pub(super) fn positive(point: &Point) -> [f64; 5] {
    std::array::from_fn(|index| point[index + 1].exp())
}

/// What the likelihood needs of one pause.
struct Record {
    weight: f64,
    sum_log: f64,
    own_mean: f64,
    own_squares: f64,
    purchases_before: f64,
    cell: Cell,
}

/// The most likely parameters for these pauses, all after two purchase days or more.
pub(super) fn fit(pauses: &[Pause], grid_half_days: f64, start: Point) -> Option<Minimum<6>> {
    let records: Vec<Record> = pauses
        .iter()
        .map(|pause| Record::of(pause, grid_half_days))
        .collect();
    let share = 1.0 / records.len().max(1) as f64;
    let mut bounds = [LN_BOUNDS; 6];
    bounds[0] = FREE;
    minimise_within(
        &bounds,
        |point| {
            let mut objective = Objective::at(point);
            for record in &records {
                objective.add(record);
            }
            objective.with_prior(point, share)
        },
        start,
    )
}

impl Record {
    fn of(pause: &Pause, grid_half_days: f64) -> Self {
        let opened = &pause.opened;
        let own_mean = opened.sum_log / opened.weight;
        Self {
            weight: opened.weight,
            sum_log: opened.sum_log,
            own_mean,
            own_squares: (opened.sum_sq - opened.weight * own_mean * own_mean).max(0.0),
            purchases_before: f64::from(opened.purchase_days.saturating_sub(1)),
            cell: Cell::of(pause.end, grid_half_days),
        }
    }
}

/// The parameters at a point of the search, and the sums over the pauses there.
struct Objective {
    m0: f64,
    k0: f64,
    a0: f64,
    b0: f64,
    a: f64,
    b: f64,
    log_likelihood: f64,
    slope: Point,
}

impl Objective {
    fn at(point: &Point) -> Self {
        let [k0, a0, b0, a, b] = positive(point);
        Self {
            m0: point[0],
            k0,
            a0,
            b0,
            a,
            b,
            log_likelihood: 0.0,
            slope: [0.0; 6],
        }
    }

    /// Adds one pause: the law of its gap, as in `rhythm::Law`, and the slopes by the chain rule.
    fn add(&mut self, record: &Record) {
        let (k0, weight) = (self.k0, record.weight);
        let k = k0 + weight;
        let location = (k0 * self.m0 + record.sum_log) / k;
        let shape = self.a0 + 0.5 * weight;
        let off = record.own_mean - self.m0;
        let spread = self.b0 + 0.5 * record.own_squares + k0 * weight * off * off / (2.0 * k);
        let scale = (spread * (k + 1.0) / (shape * k)).sqrt();
        let all = self.a + self.b + record.purchases_before;
        let last_chance = self.a / all;

        let pause =
            GapLaw::new(location, scale, 2.0 * shape, last_chance).log_likelihood(record.cell);
        self.log_likelihood += pause.value;

        let spread_by_m0 = -k0 * weight * off / k;
        let spread_by_ln_k0 = 0.5 * k0 * (weight * off / k).powi(2);
        let ln_scale_by_ln_k0 = 0.5 * (spread_by_ln_k0 / spread + k0 / (k + 1.0) - k0 / k);
        self.slope[0] +=
            pause.by_location * k0 / k + pause.by_ln_scale * 0.5 * spread_by_m0 / spread;
        self.slope[1] += pause.by_location * k0 * (self.m0 - location) / k
            + pause.by_ln_scale * ln_scale_by_ln_k0;
        self.slope[2] +=
            pause.by_freedom * 2.0 * self.a0 - pause.by_ln_scale * 0.5 * self.a0 / shape;
        self.slope[3] += pause.by_ln_scale * 0.5 * self.b0 / spread;
        self.slope[4] += pause.by_last_chance * last_chance * (1.0 - last_chance);
        self.slope[5] -= pause.by_last_chance * last_chance * self.b / all;
    }

    /// Minus the mean log likelihood with the weak priors, and its slope.
    ///
    /// The priors keep a parameter where it was when the pauses say nothing about it.
    fn with_prior(&self, point: &Point, share: f64) -> (f64, Point) {
        let mut value = -share * self.log_likelihood;
        let mut slope = self.slope.map(|part| -share * part);
        let pull = PRIOR_PAUSES * share;
        let mut prior = |off: f64, width: f64, parts: &[(usize, f64)]| {
            value += 0.5 * pull * (off / width).powi(2);
            for &(index, sign) in parts {
                slope[index] += sign * pull * off / (width * width);
            }
        };
        let [_, ln_k0, ln_a0, ln_b0, ln_a, ln_b] = *point;
        prior(ln_k0, 1.5, &[(1, 1.0)]);
        prior(ln_a0 - 1.0, 1.0, &[(2, 1.0)]);
        prior(ln_b0 - ln_a0 - 0.3_f64.ln(), 1.5, &[(3, 1.0), (2, -1.0)]);
        prior(ln_a + 1.0, 1.5, &[(4, 1.0)]);
        prior(ln_b - 1.0, 1.5, &[(5, 1.0)]);
        (value, slope)
    }
}
