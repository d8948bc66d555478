//! The likelihood of one pause under a given law of its gap, with its slopes.
//!
//! A recorded gap of seven days is a cell of time, not a point: with many equal gaps a density
//! would grow without bound, the chance of the cell does not.

use super::super::StudentT;
use super::super::pauses::PauseEnd;

/// The shortest time that a gap may have lasted, in days, however coarse the grid.
const SHORTEST_DAYS: f64 = 0.25;

/// A chance below which a pause counts as a record of its own kind, not as infinitely unlikely.
const SMALLEST_CHANCE: f64 = 1e-200;

/// A relative step of the degrees of freedom for the one slope without a closed form.
const FREEDOM_STEP: f64 = 1e-5;

/// A pause on the scale of ln(days).
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    /// The gap ended between these.
    Closed(f64, f64),
    /// The silence has lasted this long.
    Open(f64),
}

/// The law of ln(gap), and the chance that there is no next purchase.
#[derive(Clone, Copy, Debug)]
pub(super) struct GapLaw {
    pub(super) location: f64,
    pub(super) scale: f64,
    pub(super) last_chance: f64,
    student: StudentT,
    student_beside: StudentT,
}

/// ln(likelihood) of a pause and its slopes.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLikelihood {
    pub(super) value: f64,
    pub(super) by_location: f64,
    pub(super) by_ln_scale: f64,
    pub(super) by_freedom: f64,
    pub(super) by_last_chance: f64,
}

impl Cell {
    /// The cell of a pause whose dates are known to `grid_half_days` either way.
    pub(super) fn of(end: PauseEnd, grid_half_days: f64) -> Self {
        match end {
            PauseEnd::Closed { gap_days } => {
                let gap_days = f64::from(gap_days);
                Self::Closed(
                    (gap_days - grid_half_days).max(SHORTEST_DAYS).ln(),
                    (gap_days + grid_half_days).ln(),
                )
            }
            PauseEnd::Open { silent_days } => Self::Open(f64::from(silent_days).max(0.5).ln()),
        }
    }
}

impl GapLaw {
    /// A law with its location, scale, degrees of freedom and last chance.
    pub(super) fn new(location: f64, scale: f64, freedom: f64, last_chance: f64) -> Self {
        Self {
            location,
            scale,
            last_chance,
            student: StudentT::new(freedom),
            student_beside: StudentT::new(freedom * (1.0 + FREEDOM_STEP)),
        }
    }

    /// ln(likelihood) of a pause, with its slopes.
    pub(super) fn log_likelihood(&self, cell: Cell) -> LogLikelihood {
        let z = |ln_days: f64| (ln_days - self.location) / self.scale;
        match cell {
            Cell::Closed(from, to) => self.closed(z(from), z(to)),
            Cell::Open(since) => self.open(z(since)),
        }
    }

    fn closed(&self, from: f64, to: f64) -> LogLikelihood {
        let chance = between(&self.student, from, to).max(SMALLEST_CHANCE);
        let beside = between(&self.student_beside, from, to).max(SMALLEST_CHANCE);
        let (density_from, density_to) = (self.student.density(from), self.student.density(to));
        let returns = 1.0 - self.last_chance;
        LogLikelihood {
            value: (returns * chance).ln(),
            by_location: (density_from - density_to) / (self.scale * chance),
            by_ln_scale: (from * density_from - to * density_to) / chance,
            by_freedom: (beside / chance).ln() / (FREEDOM_STEP * self.student.freedom()),
            by_last_chance: -1.0 / returns,
        }
    }

    fn open(&self, since: f64) -> LogLikelihood {
        let survival = self.student.upper_tail(since);
        let beside = self.student_beside.upper_tail(since);
        let returns = 1.0 - self.last_chance;
        let chance = (self.last_chance + returns * survival).max(SMALLEST_CHANCE);
        let density = self.student.density(since);
        let by_freedom = (beside - survival) / (FREEDOM_STEP * self.student.freedom());
        LogLikelihood {
            value: chance.ln(),
            by_location: returns * density / (self.scale * chance),
            by_ln_scale: returns * since * density / chance,
            by_freedom: returns * by_freedom / chance,
            by_last_chance: (1.0 - survival) / chance,
        }
    }
}

/// The chance of a value between two, taken on the side where digits are not lost.
fn between(student: &StudentT, from: f64, to: f64) -> f64 {
    if from > 0.0 {
        student.upper_tail(from) - student.upper_tail(to)
    } else {
        student.upper_tail(-to) - student.upper_tail(-from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_end() -> impl Strategy<Value = PauseEnd> {
        prop_oneof![
            (1..2000_u32).prop_map(|gap_days| PauseEnd::Closed { gap_days }),
            (0..2000_u32).prop_map(|silent_days| PauseEnd::Open { silent_days }),
        ]
    }

    proptest! {
        #[test]
        fn slopes_are_those_of_the_value(
            end in any_end(),
            location in 1.0..6.0,
            ln_scale in -2.0..0.8,
            freedom in 1.5..60.0,
            last_chance in 0.02..0.9,
        ) {
            let cell = Cell::of(end, 0.5);
            let value = |shift: [f64; 4]| {
                let scale = f64::exp(ln_scale + shift[1]);
                GapLaw::new(location + shift[0], scale, freedom + shift[2], last_chance + shift[3])
                    .log_likelihood(cell)
                    .value
            };
            let slopes = GapLaw::new(location, f64::exp(ln_scale), freedom, last_chance)
                .log_likelihood(cell);
            let step = 1e-5;
            for (index, slope) in [
                slopes.by_location,
                slopes.by_ln_scale,
                slopes.by_freedom,
                slopes.by_last_chance,
            ]
            .into_iter()
            .enumerate()
            {
                let mut shift = [0.0; 4];
                shift[index] = step;
                let there = value(shift);
                shift[index] = -step;
                let measured = (there - value(shift)) / (2.0 * step);
                prop_assert!(
                    (measured - slope).abs() < 1e-3 * (1.0 + slope.abs()),
                    "slope {index}: {slope}, measured {measured}"
                );
            }
        }
    }

    #[test]
    fn the_cells_of_a_grid_cover_all_gaps_once() {
        let law = GapLaw::new(3.0, 0.8, 5.0, 0.2);
        let total: f64 = (1..200_000_u32)
            .map(|gap_days| PauseEnd::Closed { gap_days })
            .map(|end| law.log_likelihood(Cell::of(end, 0.5)).value.exp())
            .sum();
        let below_the_first = StudentT::new(5.0).upper_tail((3.0 - 0.5_f64.ln()) / 0.8);
        assert!(
            (total - 0.8 * (1.0 - below_the_first)).abs() < 1e-4,
            "{total}"
        );
    }
}
