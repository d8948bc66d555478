//! A guard on real purchases: what an independent program reached on a year of online retail.
//!
//! Data: UCI Online Retail (D. Chen, 2012), summed per invoice, released as CC0. The same and
//! more sets are measured by the example `golden_cuts`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    FitMethod, FitSettings, Foresight, Grid, PauseSample, Quality, SecondPurchaseWindow,
    by_moments, fit, look_back, proposed_grid, proposed_smallest_lost_days, quality,
    share_returning,
};
use crate::model::{BaseParameters, Day};

const HORIZON_DAYS: u32 = 60;

#[derive(Deserialize)]
struct Cut {
    #[serde(rename = "cut")]
    day: Day,
    params: [f64; 6],
    first: [f64; 4],
    auc_all: f64,
    auc_n3: f64,
    brier_all: f64,
    mean_p: f64,
    overdue10: f64,
    wake50: f64,
}

#[derive(Deserialize)]
struct Set {
    cuts: Vec<Cut>,
}

fn histories() -> Vec<Vec<Day>> {
    let csv = include_str!("../../../tests/data/online_retail.csv");
    let mut by_client: BTreeMap<&str, Vec<Day>> = BTreeMap::new();
    for row in csv.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        if cells[2].parse::<f64>().unwrap() > 0.0 {
            by_client
                .entry(cells[0])
                .or_default()
                .push(cells[1].parse().unwrap());
        }
    }
    let mut histories: Vec<_> = by_client.into_values().collect();
    for days in &mut histories {
        days.sort_unstable();
    }
    histories
}

fn golden_cuts() -> Vec<Cut> {
    let json = include_str!("../../../tests/data/golden_online_retail.json");
    let mut sets: BTreeMap<String, Set> = serde_json::from_str(json).unwrap();
    sets.remove("online_retail").unwrap().cuts
}

fn sample_until(histories: &[Vec<Day>], until: Day) -> PauseSample {
    let mut sample = PauseSample::default();
    for (client, days) in histories.iter().enumerate() {
        sample.add_history(client as u64, days.iter().copied(), until);
    }
    sample
}

fn settings() -> FitSettings {
    FitSettings {
        smallest_lost_days: 60.0,
        ..FitSettings::default()
    }
}

fn seen(histories: &[Vec<Day>], cut: Day, base: &BaseParameters) -> Vec<Foresight> {
    histories
        .iter()
        .filter_map(|days| look_back(days, cut, HORIZON_DAYS, base))
        .collect()
}

fn judge(seen: &[Foresight], from_purchase_days: u32) -> Quality {
    let foreseen: Vec<_> = seen
        .iter()
        .filter(|client| client.purchase_days >= from_purchase_days)
        .map(|client| (client.no_purchase_chance, client.had_no_purchase))
        .collect();
    quality(&foreseen).unwrap()
}

fn assert_near(what: &str, ours: f64, golden: f64, tolerance: f64) {
    assert!(
        (ours - golden).abs() <= tolerance,
        "{what}: {ours}, not {golden}"
    );
}

#[test]
fn a_year_of_online_retail_is_foreseen_as_well_as_by_the_reference() {
    let histories = histories();
    let cuts = golden_cuts();
    for golden in [&cuts[0], &cuts[4]] {
        let fit = fit(&sample_until(&histories, golden.day), &settings());
        assert_eq!(fit.method, FitMethod::Likelihood);
        let base = fit.parameters;
        let ours = [base.m0, base.k0, base.a0, base.b0, base.a, base.b];
        for (ours, golden) in ours.into_iter().zip(golden.params) {
            assert_near("parameter", ours, golden, 0.01 * golden);
        }
        let ours = [base.mu1, base.s1, base.nu1, base.pi1];
        for (ours, golden) in ours.into_iter().zip(golden.first) {
            assert_near("parameter of the first gap", ours, golden, 0.01 * golden);
        }

        let seen = seen(&histories, golden.day, &base);
        let (all, repeat) = (judge(&seen, 1), judge(&seen, 3));
        assert_near("AUC", all.auc.unwrap(), golden.auc_all, 0.01);
        assert_near("AUC, 3 or more", repeat.auc.unwrap(), golden.auc_n3, 0.01);
        assert_near("Brier", all.brier, golden.brier_all, 0.005);
        assert_near("mean chance", all.mean_foreseen, golden.mean_p, 0.02);
        let count = |is_alarmed: fn(&Foresight) -> bool| {
            seen.iter().filter(|client| is_alarmed(client)).count() as f64
        };
        let tolerance = 0.02 * seen.len() as f64;
        let overdue = count(|client| client.survival <= 0.1);
        assert_near("overdue", overdue, golden.overdue10, tolerance);
        let asleep = count(|client| client.away >= 0.5 && client.survival <= 0.5);
        assert_near("asleep", asleep, golden.wake50, tolerance);
    }
}

#[test]
fn moments_foresee_nearly_as_well() {
    let histories = histories();
    let golden = &golden_cuts()[2];
    let base = by_moments(&sample_until(&histories, golden.day), &settings());
    let seen = seen(&histories, golden.day, &base);
    assert_near("AUC", judge(&seen, 1).auc.unwrap(), golden.auc_all, 0.02);
    assert_near(
        "AUC, 3 or more",
        judge(&seen, 3).auc.unwrap(),
        golden.auc_n3,
        0.02,
    );
    assert_near(
        "mean chance",
        judge(&seen, 1).mean_foreseen,
        golden.mean_p,
        0.1,
    );
}

#[test]
fn the_base_proposes_its_own_grid_and_lost_age() {
    let sample = sample_until(&histories(), "2011-12-09".parse().unwrap());
    assert_eq!(proposed_grid(&sample), Grid::Days);
    assert_near("lost", proposed_smallest_lost_days(&sample), 60.0, 1e-9);
}

/// Source of the figures: the table of second purchases of the same measurement, 120 days of
/// follow-up: 0.55 return, half of them within 44 days, 90 % within 103; 0.73 after the second.
#[test]
fn the_second_purchase_comes_when_it_was_measured_to_come() {
    let sample = sample_until(&histories(), "2011-12-09".parse().unwrap());
    let window = SecondPurchaseWindow::of_base(&sample, &BaseParameters::cold(4.0, 60.0));
    assert!(window.is_observed);
    assert_eq!(window.follow_up_days, 120);
    assert_near("share returning", window.share_returning, 0.55, 0.005);
    assert_near("opens", f64::from(window.opens_after_days), 44.0, 1.0);
    assert_near("closes", f64::from(window.closes_after_days), 103.0, 1.0);
    let after_second = share_returning(&sample, 2..=2, 120).unwrap();
    assert_near(
        "share returning after the second",
        after_second,
        0.73,
        0.005,
    );
}

#[test]
fn few_gaps_leave_the_base_cold() {
    let histories = histories();
    let sample = sample_until(&histories[..20], "2011-02-01".parse().unwrap());
    let fit = fit(&sample, &settings());
    assert_eq!(fit.method, FitMethod::Default);
    assert!(fit.closed_gaps < 50 && fit.closed_gaps > 0);
    let cold = BaseParameters::cold(fit.parameters.m0, 60.0);
    assert_eq!(fit.parameters, cold);
    let empty = super::fit(&PauseSample::default(), &FitSettings::default());
    assert_eq!(empty.parameters, BaseParameters::default());
}
