//! Measures the rhythm on real purchase histories, beside golden figures.
//!
//! `cargo run --release --example golden_cuts -- GOLDEN.json DATA_DIR`
//!
//! For every set of the golden file whose `NAME.csv` is in the folder, and for every past day
//! given there: parameters fitted to the data up to that day only, then the forecast of "no
//! purchase within the horizon" against what happened. Ends with 1 when a figure is off by more
//! than its tolerance. Then, per set, the share of false alarms.

mod alarms;
mod golden;
mod histories;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use rekindle::model::{BaseParameters, Day};
use rekindle::rules::rhythm::{
    Fit, FitSettings, Foresight, PauseSample, Quality, SecondPurchaseWindow, by_moments, fit,
    look_back, proposed_grid, proposed_smallest_lost_days, quality,
};

use golden::{Cut, Golden, Set};

/// From so many purchase days on a client's own rhythm is judged.
const REPEAT_BUYERS: u32 = 3;

fn main() -> anyhow::Result<ExitCode> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [golden, data] = paths.as_slice() else {
        eprintln!("usage: golden_cuts GOLDEN.json DATA_DIR");
        return Ok(ExitCode::from(2));
    };
    let text = std::fs::read_to_string(golden).with_context(|| golden.display().to_string())?;
    let golden: Golden = serde_json::from_str(&text).context("reading the golden figures")?;
    let (mut n_wrong, mut n_measured) = (0, 0);
    for (name, set) in &golden {
        if let Some(n_wrong_of_set) = measure_set(name, set, data)? {
            n_wrong += n_wrong_of_set;
            n_measured += 1;
        }
    }
    if n_measured == 0 {
        anyhow::bail!(
            "no set of the golden file has its data in {}",
            data.display()
        );
    }
    if n_wrong > 0 {
        println!("\n{n_wrong} figures are off by more than their tolerance");
        return Ok(ExitCode::FAILURE);
    }
    println!("\n{n_measured} sets measured, all figures are within their tolerances");
    Ok(ExitCode::SUCCESS)
}

/// Prints all figures of one set; returns how many are wrong, `None` when its data is not there.
fn measure_set(name: &str, set: &Set, data: &Path) -> anyhow::Result<Option<usize>> {
    let path = data.join(format!("{name}.csv"));
    if !path.exists() {
        println!("\n{name}: {} is not there, left out", path.display());
        return Ok(None);
    }
    let histories = histories::read(&path)?;
    println!(
        "\n{name}: {} clients, no purchase within {} days, lost after {} days at least",
        histories.len(),
        set.horizon_days,
        set.smallest_lost_days
    );
    if let Some(&end) = histories.iter().filter_map(|days| days.last()).max() {
        let sample = sample_until(&histories, end);
        println!(
            "  the base itself proposes: lost after {} days at least, dated by {:?}",
            proposed_smallest_lost_days(&sample),
            proposed_grid(&sample)
        );
        let base = fit(&sample, &settings(set)).parameters;
        let window = SecondPurchaseWindow::of_base(&sample, &base);
        println!(
            "  second purchase: {:.2} return within {} days, due from day {} to {}",
            window.share_returning,
            window.follow_up_days,
            window.opens_after_days,
            window.closes_after_days
        );
    }
    let mut n_wrong = 0;
    for cut in &set.cuts {
        n_wrong += measure_cut(&histories, set, cut);
    }
    alarms::print(&histories, set, |day| {
        fit_at(&histories, set, day).0.parameters
    });
    Ok(Some(n_wrong))
}

fn measure_cut(histories: &[Vec<Day>], set: &Set, golden: &Cut) -> usize {
    let (fit, took) = fit_at(histories, set, golden.day);
    let seen = look_back_all(histories, set, golden.day, &fit.parameters);
    println!(
        "  {}  {:?} fit on {} pauses in {:.2} s",
        golden.day,
        fit.method,
        fit.pauses_used,
        took.as_secs_f64()
    );
    print_parameters(&fit.parameters, golden);
    let rows = rows(&seen, golden);
    let mut n_wrong = 0;
    println!("    figure                         ours   golden     off");
    for row in rows {
        let off = (row.ours - row.golden).abs();
        let is_right = off <= row.tolerance + 5e-5;
        n_wrong += usize::from(!is_right);
        let digits = if row.golden > 1.0 { 0 } else { 4 };
        println!(
            "    {:<28} {:>8.digits$} {:>8.digits$} {off:>7.4}  {}",
            row.figure,
            row.ours,
            row.golden,
            if is_right { "ok" } else { "WRONG" }
        );
    }
    let moments = by_moments(&sample_until(histories, golden.day), &settings(set));
    let seen = look_back_all(histories, set, golden.day, &moments);
    if let Some(all) = judge(&seen) {
        println!(
            "    (parameters by moments alone: AUC {:.4}, Brier {:.4}, mean P {:.4})",
            all.auc.unwrap_or(f64::NAN),
            all.brier,
            all.mean_foreseen
        );
    }
    n_wrong
}

fn look_back_all(
    histories: &[Vec<Day>],
    set: &Set,
    cut: Day,
    base: &BaseParameters,
) -> Vec<Foresight> {
    histories
        .iter()
        .filter_map(|days| look_back(days, cut, set.horizon_days, base))
        .collect()
}

fn fit_at(histories: &[Vec<Day>], set: &Set, until: Day) -> (Fit, Duration) {
    let began = Instant::now();
    let fit = fit(&sample_until(histories, until), &settings(set));
    (fit, began.elapsed())
}

fn sample_until(histories: &[Vec<Day>], until: Day) -> PauseSample {
    let mut sample = PauseSample::default();
    for (client, days) in histories.iter().enumerate() {
        sample.add_history(client as u64, days.iter().copied(), until);
    }
    sample
}

fn settings(set: &Set) -> FitSettings {
    FitSettings {
        grid_half_days: set.grid_half_days,
        smallest_lost_days: set.smallest_lost_days,
        ..FitSettings::default()
    }
}

fn print_parameters(ours: &BaseParameters, golden: &Cut) {
    let print = |values: &[f64]| {
        let cells: Vec<String> = values.iter().map(|value| format!("{value:8.4}")).collect();
        cells.join(" ")
    };
    println!(
        "    m0 k0 a0 b0 a b, ours   {}",
        print(&[ours.m0, ours.k0, ours.a0, ours.b0, ours.a, ours.b])
    );
    println!("                     golden {}", print(&golden.params));
    println!(
        "    mu1 s1 nu1 pi1, ours    {}",
        print(&[ours.mu1, ours.s1, ours.nu1, ours.pi1])
    );
    println!("                    golden  {}", print(&golden.first));
}

struct Row {
    figure: &'static str,
    ours: f64,
    golden: f64,
    tolerance: f64,
}

/// All figures of a cut beside the golden ones.
fn rows(seen: &[Foresight], golden: &Cut) -> Vec<Row> {
    let row = |figure, ours, golden, tolerance| Row {
        figure,
        ours,
        golden,
        tolerance,
    };
    let repeat: Vec<Foresight> = seen
        .iter()
        .filter(|client| client.purchase_days >= REPEAT_BUYERS)
        .copied()
        .collect();
    let (all, few) = (judge(seen), judge(&repeat));
    let auc = |quality: Option<Quality>| quality.and_then(|q| q.auc).unwrap_or(f64::NAN);
    let of = |quality: Option<Quality>, value: fn(&Quality) -> f64| {
        quality.as_ref().map_or(f64::NAN, value)
    };
    let clients = golden.clients as f64;
    let share = |is_alarmed: fn(&Foresight) -> bool| {
        seen.iter().filter(|client| is_alarmed(client)).count() as f64 / seen.len() as f64
    };
    vec![
        row("clients", seen.len() as f64, clients, 0.0),
        row(
            "clients with 3 or more",
            repeat.len() as f64,
            golden.n3 as f64,
            0.0,
        ),
        row(
            "share without purchase",
            of(all, |q| q.share_happened),
            golden.share_no_return,
            0.0,
        ),
        row("AUC, all", auc(all), golden.auc_all, 0.01),
        row("AUC, 3 or more", auc(few), golden.auc_n3, 0.01),
        row("Brier, all", of(all, |q| q.brier), golden.brier_all, 0.005),
        row(
            "Brier, 3 or more",
            of(few, |q| q.brier),
            golden.brier_n3,
            0.005,
        ),
        row(
            "mean P(no purchase)",
            of(all, |q| q.mean_foreseen),
            golden.mean_p,
            0.02,
        ),
        row(
            "share overdue at 10 %",
            share(|c| c.survival <= 0.1),
            golden.overdue10 as f64 / clients,
            0.02,
        ),
        row(
            "share to wake at 50 %",
            share(|c| c.away >= 0.5 && c.survival <= 0.5),
            golden.wake50 as f64 / clients,
            0.02,
        ),
    ]
}

fn judge(seen: &[Foresight]) -> Option<Quality> {
    let foreseen: Vec<(f64, bool)> = seen
        .iter()
        .map(|client| (client.no_purchase_chance, client.had_no_purchase))
        .collect();
    quality(&foreseen)
}
