//! What the rhythm costs per client, on one core and without a database.
//!
//! `cargo bench --bench rhythm_dates`: the dates of a million clients recomputed as after a refit,
//! one more purchase day for each of them, and a fit. The best of several rounds is printed,
//! because the machine may be busy with other things.

use std::hint::black_box;
use std::time::Instant;

use rekindle::model::{BaseParameters, Day, Rhythm};
use rekindle::rules::rhythm::{
    FitSettings, Law, PauseSample, Thresholds, dates, fit, observe, of_sorted_days,
};

const CLIENTS: u64 = 1_000_000;
const ROUNDS: usize = 5;

/// Eighteen months of data.
const LAST_DAY: Day = Day::from_epoch(18_000);
const SPAN_DAYS: u64 = 550;

fn main() {
    println!("{CLIENTS} clients, best of {ROUNDS} rounds, one core");
    let rhythms: Vec<Rhythm> = (0..CLIENTS).filter_map(rhythm_of).collect();
    let base = BaseParameters::default();
    let thresholds = Thresholds::default();

    let dates_ns = best_ns_per_client(|| {
        for rhythm in &rhythms {
            let law = Law::of(black_box(rhythm), &base);
            black_box(dates(&law, rhythm.last, &thresholds));
        }
    });
    println!(
        "law and four dates     {dates_ns:7.1} ns a client   {:5.2} s for all",
        dates_ns * CLIENTS as f64 / 1e9
    );

    let mut moved = rhythms.clone();
    let observe_ns = best_ns_per_client(|| {
        for rhythm in &mut moved {
            let next = rhythm.last.plus(9);
            black_box(observe(black_box(rhythm), next));
        }
    });
    println!("one purchase day more  {observe_ns:7.1} ns a client");

    let mut sample = PauseSample::default();
    let sampled = Instant::now();
    for client in 0..CLIENTS {
        sample.add_history(client, days_of(client), LAST_DAY);
    }
    println!(
        "sampling {} pauses   {:.2} s",
        sample.n_pauses(),
        sampled.elapsed().as_secs_f64()
    );
    let fitted = Instant::now();
    let fit = fit(&sample, &FitSettings::default());
    println!(
        "fit on {} pauses    {:.2} s, by {:?}",
        fit.pauses_used,
        fitted.elapsed().as_secs_f64(),
        fit.method
    );
}

/// The shortest time of a round, in nanoseconds a client.
fn best_ns_per_client(mut round: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        round();
        best = best.min(began.elapsed().as_nanos() as f64);
    }
    best / CLIENTS as f64
}

fn rhythm_of(client: u64) -> Option<Rhythm> {
    of_sorted_days(days_of(client))
}

/// The purchase days of a client: every client has his own gap, a third bought once.
fn days_of(client: u64) -> impl Iterator<Item = Day> {
    let mut state = scramble(client);
    let gap_days = 3 + state % 90;
    let most = if state.is_multiple_of(3) { 1 } else { 100 };
    let mut ago = SPAN_DAYS - state % 200;
    std::iter::from_fn(move || {
        let day = LAST_DAY.plus(-(ago as i32));
        state = scramble(state);
        let step = 1 + gap_days / 2 + state % gap_days;
        ago = ago.checked_sub(step)?;
        Some(day)
    })
    .take(most)
}

/// The next number of a repeatable sequence.
const fn scramble(number: u64) -> u64 {
    let a = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}
