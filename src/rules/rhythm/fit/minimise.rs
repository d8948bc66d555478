//! A small quasi-Newton minimiser for a handful of parameters.
//!
//! Own code: the likelihoods here have four and six parameters and a gradient, and the general
//! optimisation crates bring an unmaintained macro crate and a second random number generator for
//! what fits a page.

/// Steps after which the search gives up improving and keeps what it has.
const MOST_STEPS: usize = 100;

/// The search ends when no slope is steeper than this.
const FLAT: f64 = 1e-6;

/// A fall of the value in one step, relative to it, that is not worth another.
const NO_FALL: f64 = 1e-9;

/// Where the search ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minimum<const N: usize> {
    /// The point with the smallest value found.
    pub(super) point: [f64; N],
    /// The value there; never above that of the start.
    pub(super) value: f64,
}

/// A point with its value and slope.
#[derive(Clone, Copy)]
struct Sample<const N: usize> {
    point: [f64; N],
    value: f64,
    slope: [f64; N],
}

/// Bounds that hold nothing.
pub(super) const FREE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// Minimises a smooth function of parameters that stay within bounds.
///
/// The search runs over the whole line, which is bent smoothly into the bounds: a parameter that
/// wants to leave them comes to rest near the bound, and there is no edge for the steps to trip
/// over. `None` when the function is not finite at the start.
pub(super) fn minimise_within<const N: usize>(
    bounds: &[(f64, f64); N],
    function: impl Fn(&[f64; N]) -> (f64, [f64; N]),
    start: [f64; N],
) -> Option<Minimum<N>> {
    let inside = |point: &[f64; N]| -> [(f64, f64); N] {
        std::array::from_fn(|index| bend(bounds[index], point[index]))
    };
    let bent = |point: &[f64; N]| {
        let inside = inside(point);
        let (value, slope) = function(&inside.map(|(value, _)| value));
        let slope = std::array::from_fn(|index| slope[index] * inside[index].1);
        (value, slope)
    };
    let begin = std::array::from_fn(|index| unbend(bounds[index], start[index]));
    let found = minimise(bent, begin)?;
    Some(Minimum {
        point: inside(&found.point).map(|(value, _)| value),
        ..found
    })
}

/// A number bent into the bounds, and the slope of the bending there.
fn bend((low, high): (f64, f64), number: f64) -> (f64, f64) {
    if !(low.is_finite() && high.is_finite()) {
        return (number, 1.0);
    }
    let (centre, half) = (f64::midpoint(low, high), 0.5 * (high - low));
    let part = ((number - centre) / half).tanh();
    (centre + half * part, 1.0 - part * part)
}

/// The number that is bent into this one; what lies outside counts as near the bound.
fn unbend((low, high): (f64, f64), value: f64) -> f64 {
    if !(low.is_finite() && high.is_finite()) {
        return value;
    }
    let (centre, half) = (f64::midpoint(low, high), 0.5 * (high - low));
    centre + half * ((value - centre) / half).clamp(-0.99, 0.99).atanh()
}

/// Minimises a smooth function that returns its value and its slope.
///
/// `None` when the function is not finite at the start. BFGS with a bisecting line search for the
/// weak Wolfe conditions. Source: Nocedal and Wright, Numerical Optimization, 2nd ed., §6.1; Lewis
/// and Overton, Mathematical Programming 141 (2013), Algorithm 2.6.
fn minimise<const N: usize>(
    function: impl Fn(&[f64; N]) -> (f64, [f64; N]),
    start: [f64; N],
) -> Option<Minimum<N>> {
    let sample_at = |point: [f64; N]| {
        let (value, slope) = function(&point);
        Sample {
            point,
            value,
            slope,
        }
    };
    let mut here = sample_at(start);
    if !here.value.is_finite() || here.slope.iter().any(|slope| !slope.is_finite()) {
        return None;
    }
    let mut curvature = identity::<N>(1.0 / norm(&here.slope).max(1.0));
    for step in 0..MOST_STEPS {
        if steepest(&here.slope) < FLAT {
            break;
        }
        let mut direction = apply(&curvature, &here.slope).map(|part| -part);
        if dot(&direction, &here.slope) >= 0.0 {
            curvature = identity(1.0 / norm(&here.slope).max(1.0));
            direction = apply(&curvature, &here.slope).map(|part| -part);
        }
        let Some(next) = line_search(&sample_at, &here, &direction) else {
            break;
        };
        update(&mut curvature, &here, &next, step == 0);
        let fall = here.value - next.value;
        here = next;
        if fall <= NO_FALL * here.value.abs() {
            break;
        }
    }
    Some(Minimum {
        point: here.point,
        value: here.value,
    })
}

/// A point along `direction` that is lower by enough and less steep; `None` when none is lower.
fn line_search<const N: usize>(
    sample_at: &impl Fn([f64; N]) -> Sample<N>,
    here: &Sample<N>,
    direction: &[f64; N],
) -> Option<Sample<N>> {
    let slope = dot(&here.slope, direction);
    let (mut shortest, mut longest, mut length) = (0.0, f64::INFINITY, 1.0);
    let mut lower = None;
    for _ in 0..15 {
        let next = sample_at(plus(&here.point, length, direction));
        let is_lower = next.value <= here.value + 1e-4 * length * slope;
        if !is_lower {
            longest = length;
        } else if dot(&next.slope, direction) < 0.9 * slope {
            shortest = length;
            lower = Some(next);
        } else {
            return Some(next);
        }
        length = if longest.is_finite() {
            0.5 * (shortest + longest)
        } else {
            2.0 * length
        };
    }
    lower
}

/// The update of the inverse curvature by what the last step showed.
fn update<const N: usize>(
    curvature: &mut [[f64; N]; N],
    here: &Sample<N>,
    next: &Sample<N>,
    is_first: bool,
) {
    let moved = plus(&next.point, -1.0, &here.point);
    let bent = plus(&next.slope, -1.0, &here.slope);
    let product = dot(&moved, &bent);
    if product <= 1e-12 * norm(&moved) * norm(&bent) {
        return;
    }
    if is_first {
        *curvature = identity(product / dot(&bent, &bent));
    }
    let image = apply(curvature, &bent);
    let stretch = (1.0 + dot(&bent, &image) / product) / product;
    for (row, line) in curvature.iter_mut().enumerate() {
        for (column, cell) in line.iter_mut().enumerate() {
            *cell += stretch * moved[row] * moved[column]
                - (image[row] * moved[column] + moved[row] * image[column]) / product;
        }
    }
}

fn identity<const N: usize>(scale: f64) -> [[f64; N]; N] {
    let mut matrix = [[0.0; N]; N];
    for (index, row) in matrix.iter_mut().enumerate() {
        row[index] = scale;
    }
    matrix
}

fn apply<const N: usize>(matrix: &[[f64; N]; N], vector: &[f64; N]) -> [f64; N] {
    matrix.map(|row| dot(&row, vector))
}

fn plus<const N: usize>(point: &[f64; N], length: f64, direction: &[f64; N]) -> [f64; N] {
    std::array::from_fn(|index| point[index] + length * direction[index])
}

fn dot<const N: usize>(left: &[f64; N], right: &[f64; N]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

fn norm<const N: usize>(vector: &[f64; N]) -> f64 {
    dot(vector, vector).sqrt()
}

fn steepest<const N: usize>(slope: &[f64; N]) -> f64 {
    slope.iter().fold(0.0, |most, part| part.abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_a_bent_valley_is_found() {
        // Rosenbrock's function, whose valley is narrow and curved.
        let valley = |&[x, y]: &[f64; 2]| {
            let off = y - x * x;
            let value = (1.0 - x).powi(2) + 100.0 * off * off;
            (value, [2.0 * (x - 1.0) - 400.0 * x * off, 200.0 * off])
        };
        let minimum = minimise(valley, [-1.2, 1.0]).unwrap();
        assert!(minimum.value < 1e-10, "{minimum:?}");
        assert!((minimum.point[0] - 1.0).abs() < 1e-5, "{minimum:?}");
    }

    #[test]
    fn a_parameter_that_wants_to_leave_its_bounds_rests_at_them() {
        let slope_down = |&[x, y]: &[f64; 2]| (y * y - x, [-1.0, 2.0 * y]);
        let found = minimise_within(&[(-5.0, 5.0), FREE], slope_down, [0.0, 3.0]).unwrap();
        assert!(found.point[0] > 4.99 && found.point[0] <= 5.0, "{found:?}");
        assert!(found.point[1].abs() < 1e-3, "{found:?}");
        let inner = |&[x]: &[f64; 1]| ((x - 2.0).powi(2), [2.0 * (x - 2.0)]);
        let found = minimise_within(&[(-5.0, 5.0)], inner, [40.0]).unwrap();
        assert!((found.point[0] - 2.0).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn a_function_that_is_not_finite_at_the_start_has_no_minimum() {
        assert!(minimise(|_| (f64::NAN, [0.0]), [1.0]).is_none());
    }

    #[test]
    fn a_wall_of_infinite_values_is_stepped_back_from() {
        let walled = |&[x]: &[f64; 1]| {
            if x > 0.0 {
                (x - x.ln(), [1.0 - 1.0 / x])
            } else {
                (f64::INFINITY, [0.0])
            }
        };
        let minimum = minimise(walled, [30.0]).unwrap();
        assert!((minimum.point[0] - 1.0).abs() < 1e-5, "{minimum:?}");
    }
}
