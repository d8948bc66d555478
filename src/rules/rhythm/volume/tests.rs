//! Tests of the volume decline: by hand, and by injection into real purchases.

use std::collections::BTreeMap;

use super::*;
use crate::model::{Day, RhythmState};

const TODAY: Day = Day::from_epoch(15_000);

/// A client who spends `before` every `step` days and in the last 84 days `after` each time.
fn regular(step: i32, before: i64, after: i64) -> Vec<(Day, i64)> {
    (0..336 / step)
        .map(|number| number * step)
        .map(|ago| (TODAY.plus(-ago), if ago < 84 { after } else { before }))
        .collect()
}

fn summary(purchases: &[(Day, i64)]) -> VolumeSummary {
    let settings = VolumeSettings::default();
    VolumeSummary::of(purchases, RhythmState::Active, TODAY, &settings).unwrap()
}

fn quiet_base() -> VolumeBase {
    VolumeBase {
        visit_index: 1.0,
        basket_shift: 0.0,
        dip_z: -1.645,
    }
}

#[test]
fn half_the_basket_is_a_decline_and_the_numbers_say_so() {
    let change = VolumeChange::of(&summary(&regular(14, 1000, 500)), &quiet_base());
    assert!(change.is_decline(&quiet_base(), &VolumeSettings::default()));
    assert_eq!((change.spent_minor, change.usual_minor), (3000, 6000));
    assert_eq!(change.purchases, 6);
    assert!((change.usual_purchases - 6.0).abs() < 1e-9);
    assert!((change.basket_ratio - 0.5).abs() < 1e-9);
    assert!(change.visits_z.abs() < 0.1, "visits as usual: {change:?}");
    assert!((change.spend_ratio - 0.5).abs() < 1e-9);
}

#[test]
fn what_everybody_does_is_nobodys_decline() {
    let mut builder = VolumeBaseBuilder::default();
    let crowd: Vec<VolumeSummary> = (7..=21)
        .map(|step| summary(&regular(step, 1000, 500)))
        .collect();
    for client in &crowd {
        builder.add(client);
    }
    let base = builder.finish(None);
    assert!((base.visit_index - 1.0).abs() < 0.1, "{base:?}");
    assert!((base.basket_shift - 0.5_f64.ln()).abs() < 0.02, "{base:?}");
    for client in &crowd {
        let change = VolumeChange::of(client, &base);
        assert!(
            !change.is_decline(&base, &VolumeSettings::default()),
            "{change:?}"
        );
    }
}

#[test]
fn a_small_dip_and_a_rise_are_no_decline() {
    for after in [900, 1000, 3000] {
        let change = VolumeChange::of(&summary(&regular(7, 1000, after)), &quiet_base());
        assert!(
            !change.is_decline(&quiet_base(), &VolumeSettings::default()),
            "{after}"
        );
    }
}

#[test]
fn who_cannot_be_compared_is_left_out() {
    let settings = VolumeSettings::default();
    let of =
        |purchases: &[(Day, i64)], state| VolumeSummary::of(purchases, state, TODAY, &settings);
    let steady = regular(14, 1000, 1000);
    assert!(of(&steady, RhythmState::Due).is_some());
    assert!(
        of(&steady, RhythmState::Missed).is_none(),
        "he is overdue already"
    );
    assert!(
        of(&steady[6..], RhythmState::Due).is_none(),
        "nothing in the window"
    );
    assert!(
        of(&steady[..10], RhythmState::Due).is_none(),
        "the baseline is too short"
    );
    assert!(of(&[], RhythmState::Active).is_none());
    let returned: Vec<_> = steady.iter().map(|&(day, amount)| (day, -amount)).collect();
    assert!(of(&returned, RhythmState::Active).is_none());
}

#[test]
fn the_window_follows_the_trade_and_the_length_of_the_data() {
    for (usual_gap_days, span_days, window_days) in [
        (7.0, 2000, 84),
        (30.0, 2000, 180),
        (300.0, 2000, 365),
        (60.0, 313, 78),
        (60.0, 90, 60),
    ] {
        let settings = VolumeSettings::for_base(usual_gap_days, span_days);
        assert_eq!(
            settings.window_days, window_days,
            "{usual_gap_days} {span_days}"
        );
        assert_eq!(settings.baseline_days, 3 * window_days);
    }
}

#[test]
fn scores_of_few_clients_set_no_bound() {
    let mut scores = VolumeScores::default();
    let change = VolumeChange::of(&summary(&regular(14, 1000, 1000)), &quiet_base());
    for _ in 0..99 {
        scores.add(&change);
    }
    assert_eq!(scores.dip_z(0.05), None);
    scores.add(&change);
    assert!((scores.dip_z(0.05).unwrap() - change.z).abs() < 0.02);
}

/// Purchases of a year of online retail: CC0, see `golden_online_retail`.
fn online_retail() -> Vec<Vec<(Day, i64)>> {
    let csv = include_str!("../../../../tests/data/online_retail.csv");
    let mut by_client: BTreeMap<&str, BTreeMap<Day, i64>> = BTreeMap::new();
    for row in csv.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let minor = (cells[2].parse::<f64>().unwrap() * 100.0).round() as i64;
        if minor > 0 {
            let days = by_client.entry(cells[0]).or_default();
            *days.entry(cells[1].parse().unwrap()).or_default() += minor;
        }
    }
    by_client
        .into_values()
        .map(|days| days.into_iter().collect())
        .collect()
}

/// Of the comparable clients on a day, how many there are and the share that is alarmed.
fn scan(clients: &[Vec<(Day, i64)>], day: Day, dip_z: Option<f64>) -> (usize, f64, VolumeScores) {
    let settings = VolumeSettings {
        window_days: 60,
        baseline_days: 180,
        ..VolumeSettings::default()
    };
    let summaries: Vec<VolumeSummary> = clients
        .iter()
        .filter_map(|client| VolumeSummary::of(client, RhythmState::Active, day, &settings))
        .collect();
    let mut builder = VolumeBaseBuilder::default();
    for client in &summaries {
        builder.add(client);
    }
    let base = builder.finish(dip_z);
    let mut scores = VolumeScores::default();
    let mut alarms = 0;
    for client in &summaries {
        let change = VolumeChange::of(client, &base);
        scores.add(&change);
        alarms += usize::from(change.is_decline(&base, &settings));
    }
    (
        summaries.len(),
        alarms as f64 / summaries.len() as f64,
        scores,
    )
}

#[test]
fn among_real_wholesalers_halved_baskets_stand_out_and_few_others_do() {
    let clients = online_retail();
    let day: Day = "2011-10-10".parse().unwrap();
    let (_, _, before) = scan(&clients, day.plus(-28), None);
    let dip_z = before.dip_z(0.05);
    let (compared, natural, _) = scan(&clients, day, dip_z);
    assert!(compared > 300, "{compared}");
    assert!(
        (0.005..0.06).contains(&natural),
        "alarms without a change: {natural}"
    );

    // Every tenth client fills half a basket from the start of the window on.
    let mut found = Vec::new();
    for turn in 0..10 {
        let mut changed = clients.clone();
        let mut injected = Vec::new();
        for client in changed.iter_mut().skip(turn).step_by(10) {
            for (bought_on, minor) in client.iter_mut() {
                if *bought_on > day.plus(-60) {
                    *minor /= 2;
                }
            }
            injected.push(client.clone());
        }
        let settings = VolumeSettings {
            window_days: 60,
            baseline_days: 180,
            ..VolumeSettings::default()
        };
        let mut builder = VolumeBaseBuilder::default();
        let of = |client: &Vec<(Day, i64)>| {
            VolumeSummary::of(client, RhythmState::Active, day, &settings)
        };
        changed
            .iter()
            .filter_map(of)
            .for_each(|client| builder.add(&client));
        let base = builder.finish(dip_z);
        found.extend(
            injected
                .iter()
                .filter_map(of)
                .map(|client| VolumeChange::of(&client, &base).is_decline(&base, &settings)),
        );
    }
    let power = found.iter().filter(|&&found| found).count() as f64 / found.len() as f64;
    assert!(
        power > 8.0 * natural && power > 0.25,
        "found {power}, without a change {natural}"
    );
}
