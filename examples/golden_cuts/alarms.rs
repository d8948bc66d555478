//! The rules for "missed" over the pauses begun after the first past day.

use rekindle::model::{BaseParameters, Day};
use rekindle::rules::rhythm::{
    JudgedPause, Thresholds, TunedRules, Window, judge_rule, pauses_in_window,
};

use crate::REPEAT_BUYERS;
use crate::golden::Set;

/// Prints the share of false alarms from the first cut on, nothing tuned after it.
pub(crate) fn print(histories: &[Vec<Day>], set: &Set, base_at: impl Fn(Day) -> BaseParameters) {
    let (Some(first), Some(end)) = (
        set.cuts.first(),
        histories.iter().filter_map(|days| days.last()).max(),
    ) else {
        return;
    };
    let window = Window {
        from: first.day,
        to: end.plus(-(set.lapsed_days.cast_signed())),
        lapsed_days: set.lapsed_days,
        min_purchase_days: REPEAT_BUYERS,
    };
    let base = base_at(first.day);
    let pauses: Vec<_> = histories
        .iter()
        .flat_map(|days| pauses_in_window(days, &window, &base, &Thresholds::default()))
        .collect();
    let slices = histories.iter().map(Vec::as_slice);
    let Some(tuned) = TunedRules::on_past(slices, first.day, REPEAT_BUYERS, 0.1) else {
        println!("  false alarms: no gap was closed by {}", first.day);
        return;
    };
    println!(
        "  false alarms at nominal 10 %, pauses begun {}..{}, lapsed after {} days, nothing tuned \
         after {}:",
        window.from, window.to, window.lapsed_days, first.day
    );
    println!(
        "    rule                      all  fastest  slowest  precision  found  delay days, cycles"
    );
    let print = |rule: &str, alarm_after: &dyn Fn(&JudgedPause) -> f64| {
        let Some(record) = judge_rule(&pauses, set.lapsed_days, alarm_after) else {
            println!("    {rule:<22} no pause was completed");
            return;
        };
        println!(
            "    {rule:<22} {:>6.3} {:>8.3} {:>8.3} {:>10.3} {:>6.3} {:>11.1} {:>7.2}",
            record.false_alarms,
            record.false_alarms_fastest,
            record.false_alarms_slowest,
            record.precision.unwrap_or(f64::NAN),
            record.found_in_time.unwrap_or(f64::NAN),
            record.median_delay_days.unwrap_or(f64::NAN),
            record.median_delay_cycles.unwrap_or(f64::NAN)
        );
    };
    print("own rhythm, missed", &|pause| pause.missed_days);
    print("own rhythm, asleep", &|pause| pause.asleep_days);
    let rule = format!("{} days for all", tuned.fixed_days);
    print(&rule, &|_| tuned.fixed_days);
    if let Some(times) = tuned.times_own_mean {
        let rule = format!("{times:.2} x own mean gap");
        print(&rule, &|pause| {
            pause
                .mean_gap_days
                .map_or(f64::INFINITY, |mean| times * mean)
        });
    }
}
