//! Tests of state, law, chances and dates against values computed by an independent program.
//!
//! `tests/data/rhythm_vectors.json`: four bases, eight histories each, rounded as printed there.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::{Law, Thresholds, dates, of_sorted_days, silences};
use crate::model::{BaseParameters, Day, RhythmState};

#[derive(Deserialize)]
struct Reference {
    bases: BTreeMap<String, Base>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Base {
    m0: f64,
    k0: f64,
    a0: f64,
    b0: f64,
    #[serde(rename = "A")]
    a: f64,
    #[serde(rename = "B")]
    b: f64,
    mu1: f64,
    s1: f64,
    nu1: f64,
    pi1: f64,
    r_min: f64,
    c: f64,
}

#[derive(Deserialize)]
struct Vector {
    base: String,
    seq: String,
    days: Vec<i32>,
    state: State,
    /// Location, scale, degrees of freedom, last chance.
    law: [f64; 4],
    /// By days of silence.
    at: BTreeMap<String, Chances>,
    dates: Dates,
}

#[derive(Deserialize)]
struct State {
    n: u32,
    last: i32,
    #[serde(rename = "N")]
    weight: f64,
    #[serde(rename = "L")]
    sum_log: f64,
    #[serde(rename = "Q")]
    sum_sq: f64,
}

#[derive(Deserialize)]
struct Chances {
    #[serde(rename = "S")]
    survival: f64,
    overdue: f64,
    away: f64,
    ret30: f64,
}

#[derive(Deserialize)]
struct Dates {
    due: f64,
    missed: f64,
    wake: f64,
    lost: f64,
}

impl Base {
    fn parameters(&self) -> BaseParameters {
        BaseParameters {
            m0: self.m0,
            k0: self.k0,
            a0: self.a0,
            b0: self.b0,
            a: self.a,
            b: self.b,
            mu1: self.mu1,
            s1: self.s1,
            nu1: self.nu1,
            pi1: self.pi1,
            smallest_lost_days: self.r_min,
            lost_factor: self.c,
        }
    }
}

fn assert_close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    assert!(
        (ours - theirs).abs() <= tolerance,
        "{what}: {ours}, not {theirs}"
    );
}

#[test]
fn state_law_chances_and_dates_agree_with_the_reference() {
    let json = include_str!("../../../tests/data/rhythm_vectors.json");
    let reference: Reference = serde_json::from_str(json).unwrap();
    assert_eq!(reference.vectors.len(), 32);
    for vector in &reference.vectors {
        let name = format!("{} in {}", vector.seq, vector.base);
        let base = reference.bases[&vector.base].parameters();
        let days = vector.days.iter().copied().map(Day::from_epoch);
        let rhythm = of_sorted_days(days).unwrap();
        assert_eq!(rhythm.purchase_days, vector.state.n, "{name}");
        assert_eq!(rhythm.last, Day::from_epoch(vector.state.last), "{name}");
        assert_close(&name, rhythm.weight, vector.state.weight, 1e-6);
        assert_close(&name, rhythm.sum_log, vector.state.sum_log, 1e-6);
        assert_close(&name, rhythm.sum_sq, vector.state.sum_sq, 1e-6);

        let law = Law::of(&rhythm, &base);
        let (location, scale, freedom) = law.shape();
        for (ours, theirs) in [location, scale, freedom, law.last_chance()]
            .into_iter()
            .zip(vector.law)
        {
            assert_close(&name, ours, theirs, 1e-6);
        }
        for (silent, chances) in &vector.at {
            let name = format!("{name} after {silent} days");
            let silent: f64 = silent.parse().unwrap();
            assert_close(&name, law.survival(silent), chances.survival, 1e-6);
            assert_close(&name, law.overdue(silent), chances.overdue, 1e-6);
            assert_close(&name, law.away(silent), chances.away, 1e-6);
            assert_close(&name, law.returns_within(silent, 30.0), chances.ret30, 1e-6);
        }
        // The reference prints its dates with four digits.
        let ours = silences(&law, &Thresholds::default());
        assert_close(&name, ours.due_days, vector.dates.due, 5.1e-5);
        assert_close(&name, ours.missed_days, vector.dates.missed, 5.1e-5);
        assert_close(&name, ours.asleep_days, vector.dates.wake, 5.1e-5);
        assert_close(&name, ours.lost_days, vector.dates.lost, 5.1e-5);
    }
}

/// A base as different as any that a fit may end with.
fn any_base() -> impl Strategy<Value = BaseParameters> {
    (
        (0.5..6.0, 0.05..20.0, 0.05..20.0, 0.05..20.0),
        (0.01..3.0, 0.1..6.0),
        (0.5..6.0, 0.1..3.0, 2.0..50.0, 0.01..0.9),
        (10.0..400.0, 1.0..8.0),
    )
        .prop_map(|(own, last, first, lost)| BaseParameters {
            m0: own.0,
            k0: own.1,
            a0: own.2,
            b0: own.3,
            a: last.0,
            b: last.1,
            mu1: first.0,
            s1: first.1,
            nu1: first.2,
            pi1: first.3,
            smallest_lost_days: lost.0,
            lost_factor: lost.1,
        })
}

fn any_law() -> impl Strategy<Value = Law> {
    let gaps = prop::collection::vec(1..500_i32, 0..40);
    (any_base(), gaps).prop_map(|(base, gaps)| {
        let mut day = Day::from_epoch(15_000);
        let days = std::iter::once(0).chain(gaps).map(|gap| {
            day = day + gap;
            day
        });
        Law::of(&of_sorted_days(days).unwrap(), &base)
    })
}

proptest! {
    #[test]
    fn chances_move_one_way_with_the_silence(law in any_law(), silent in 0.0..900.0, more in 0.0..300.0) {
        let later = silent + more;
        prop_assert!(law.survival(later) <= law.survival(silent));
        prop_assert!(law.overdue(later) <= law.overdue(silent));
        prop_assert!(law.away(silent) <= law.away(later) + 1e-12);
        prop_assert!(law.away(0.0) <= law.away(silent) + 1e-12);
        for chance in [law.overdue(silent), law.away(silent), law.returns_within(silent, more)] {
            prop_assert!((0.0..=1.0).contains(&chance), "{chance}");
        }
    }

    #[test]
    fn on_a_purchase_day_nobody_is_overdue(law in any_law()) {
        prop_assert!(law.overdue(0.0) >= 1.0);
        prop_assert!(law.returns_within(0.0, 0.0) <= 0.0);
    }

    #[test]
    fn dates_follow_each_other(law in any_law(), p in 0.01..0.5, away in 0.05..0.95) {
        let last = Day::from_epoch(20_000);
        let thresholds = Thresholds { missed_p: p, wake_away: away };
        let dates = dates(&law, last, &thresholds);
        prop_assert!(last < dates.due);
        prop_assert!(dates.due <= dates.missed && dates.missed <= dates.lost);
        prop_assert!(dates.due <= dates.asleep && dates.asleep <= dates.lost);
        let stricter = super::dates(&law, last, &Thresholds { missed_p: p / 2.0, ..thresholds });
        prop_assert!(dates.missed <= stricter.missed);
    }

    #[test]
    fn on_its_date_each_threshold_is_reached_and_not_the_day_before(law in any_law()) {
        let last = Day::from_epoch(20_000);
        let dates = dates(&law, last, &Thresholds::default());
        let silent = |day: Day| f64::from(day - last);
        let before = |day: Day| f64::from(day - last - 1);
        if dates.missed < dates.lost {
            prop_assert!(law.overdue(silent(dates.missed)) <= 0.1 + 1e-9);
            prop_assert!(law.overdue(before(dates.missed)) > 0.1 - 1e-9 || dates.missed == dates.due);
        }
        if dates.asleep < dates.lost {
            prop_assert!(law.away(silent(dates.asleep)) >= 0.5 - 1e-9);
            prop_assert!(law.away(before(dates.asleep)) < 0.5 + 1e-9 || dates.asleep == dates.due);
        }
    }

    #[test]
    fn the_state_changes_exactly_on_the_announced_days(law in any_law()) {
        let last = Day::from_epoch(20_000);
        let dates = dates(&law, last, &Thresholds::default());
        prop_assert_eq!(dates.state_on(last), RhythmState::Active);
        let mut day = last;
        let mut state = RhythmState::Active;
        while let Some(change) = dates.next_change_after(day) {
            prop_assert_eq!(dates.state_on(change.plus(-1)), state);
            prop_assert!(dates.state_on(change) > state);
            day = change;
            state = dates.state_on(day);
        }
        prop_assert_eq!(state, RhythmState::Lost);
        for level in RhythmState::ALL {
            if let Some(day) = dates.reached_on(level) {
                prop_assert!(dates.state_on(day) >= level);
                prop_assert!(dates.state_on(day.plus(-1)) < level);
            }
        }
    }
}

#[test]
fn broken_numbers_give_dates_and_not_a_panic() {
    let last = Day::from_epoch(20_000);
    for bad in [f64::NAN, f64::INFINITY, -1e300, 0.0, 1e300] {
        let base = BaseParameters {
            m0: bad,
            k0: bad,
            a0: bad,
            b0: bad,
            smallest_lost_days: bad,
            lost_factor: bad,
            ..BaseParameters::default()
        };
        let mut rhythm = of_sorted_days([last.plus(-9), last]).unwrap();
        let broken = dates(&Law::of(&rhythm, &base), last, &Thresholds::default());
        assert!(broken.state_on(last.plus(1)) >= RhythmState::Active);
        rhythm.weight = bad;
        rhythm.sum_log = bad;
        let law = Law::of(&rhythm, &BaseParameters::default());
        let broken = dates(&law, last, &Thresholds::default());
        assert!(broken.state_on(last.plus(1)) >= RhythmState::Active);
    }
}
