//! Tests that a fit finds the parameters that a made base was drawn from.

use statrs::distribution::{ContinuousCDF, Gamma, Normal};

use super::super::PauseSample;
use super::*;
use crate::model::Day;

/// The first gap follows from the rest: location m0, scale sqrt(b0 (k0 + 1) / (a0 k0)), 2 a0
/// degrees of freedom.
const TRUTH: BaseParameters = BaseParameters {
    m0: 3.0,
    k0: 0.8,
    a0: 4.0,
    b0: 1.2,
    a: 0.5,
    b: 4.0,
    mu1: 3.0,
    s1: 0.8216,
    nu1: 8.0,
    pi1: 0.35,
    smallest_lost_days: 90.0,
    lost_factor: 4.0,
};

/// A repeatable sequence of numbers in 0..1.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        // The constants of Knuth's MMIX generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// The purchase days of a made client within three years, dated on a grid.
fn made_client(draws: &mut Draws, grid_days: i32) -> Vec<Day> {
    let normal = Normal::standard();
    let precision = Gamma::new(TRUTH.a0, TRUTH.b0)
        .unwrap()
        .inverse_cdf(draws.next());
    let spread = (1.0 / precision).sqrt();
    let mean = TRUTH.m0 + spread / TRUTH.k0.sqrt() * normal.inverse_cdf(draws.next());
    let mut exact_day = 300.0 * draws.next();
    let mut days = vec![exact_day];
    for purchases in 1.. {
        let last_chance = if purchases == 1 {
            TRUTH.pi1
        } else {
            TRUTH.a / (TRUTH.a + TRUTH.b + f64::from(purchases - 1))
        };
        let ln_gap = mean + spread * normal.inverse_cdf(draws.next());
        exact_day += ln_gap.exp();
        if draws.next() < last_chance || exact_day > 1095.0 {
            break;
        }
        days.push(exact_day);
    }
    let on_grid = |day: f64| Day::from_epoch((day as i32) / grid_days * grid_days);
    days.into_iter().map(on_grid).collect()
}

fn made_base(grid_days: i32) -> PauseSample {
    let mut draws = Draws(42);
    let mut sample = PauseSample::with_capacity(4000);
    for client in 0..600 {
        let days = made_client(&mut draws, grid_days);
        sample.add_history(client, days, Day::from_epoch(1095));
    }
    sample
}

fn fit_made_base(grid_days: i32, grid_half_days: f64) -> Fit {
    let settings = FitSettings {
        grid_half_days,
        ..FitSettings::default()
    };
    fit(&made_base(grid_days), &settings)
}

#[track_caller]
fn assert_within(ours: f64, truth: f64, tolerance: f64) {
    assert!((ours - truth).abs() <= tolerance, "{ours}, not {truth}");
}

#[test]
fn the_parameters_of_a_made_base_are_found() {
    let found = fit_made_base(1, 0.5);
    assert_eq!(found.method, FitMethod::Likelihood);
    let base = found.parameters;
    assert_within(base.m0, TRUTH.m0, 0.1);
    assert_within(base.k0.ln(), TRUTH.k0.ln(), 0.35);
    // The typical variance is known much better than its two parts.
    assert_within((base.b0 / base.a0).ln(), (TRUTH.b0 / TRUTH.a0).ln(), 0.2);
    assert_within(base.mu1, TRUTH.mu1, 0.15);
    assert_within(base.s1, TRUTH.s1, 0.15);
    assert_within(base.pi1, TRUTH.pi1, 0.06);
    for purchases in [2.0, 5.0, 10.0] {
        let chance = |base: &BaseParameters| base.a / (base.a + base.b + purchases - 1.0);
        assert_within(chance(&base), chance(&TRUTH), 0.03);
    }
}

#[test]
fn moments_find_the_same_base_roughly() {
    let base = by_moments(&made_base(1), &FitSettings::default());
    assert_within(base.m0, TRUTH.m0, 0.2);
    assert_within((base.b0 / base.a0).ln(), (TRUTH.b0 / TRUTH.a0).ln(), 0.5);
    assert_within(base.mu1, TRUTH.mu1, 0.2);
    assert_within(base.pi1, TRUTH.pi1, 0.1);
}

#[test]
fn a_base_recorded_by_weeks_is_fitted_on_its_grid() {
    let found = fit_made_base(7, 3.5);
    assert_eq!(found.method, FitMethod::Likelihood);
    let base = found.parameters;
    assert_within(base.m0, TRUTH.m0, 0.15);
    assert_within((base.b0 / base.a0).ln(), (TRUTH.b0 / TRUTH.a0).ln(), 0.5);
}

#[test]
fn equal_gaps_do_not_run_away() {
    let mut sample = PauseSample::default();
    for client in 0..200 {
        let days = (0..20).map(|week| Day::from_epoch(7 * week));
        sample.add_history(client, days, Day::from_epoch(140));
    }
    let found = fit(&sample, &FitSettings::default());
    assert_eq!(found.method, FitMethod::Likelihood);
    assert_within(found.parameters.m0, 7.0_f64.ln(), 0.2);
    assert!(found.parameters.b0 > 0.0 && found.parameters.b0.is_finite());
}
