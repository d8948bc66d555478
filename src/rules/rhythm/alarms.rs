//! How rules for "missed" would have done in the past: false alarms, and how late the true ones.
//!
//! Every purchase in a window opens a pause. It was completed when the client came back within
//! the days after which he counts as lapsed; an alarm before that was false. Otherwise it lapsed,
//! and the alarm came some days (and some of the client's own cycles) after the last purchase.
//! Beside the rhythm stand the two rules that everybody uses, tuned on the past of the window.

use crate::model::{BaseParameters, Day, Rhythm};

use super::dates::{Thresholds, silences};
use super::law::Law;
use super::state::{Observed, observe};

/// The window of pauses to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first day on which a pause may begin.
    pub from: Day,
    /// The last such day: early enough for the data to show whether the pause lapsed.
    pub to: Day,
    /// The silence after which a pause counts as lapsed, in days.
    pub lapsed_days: u32,
    /// Purchase days from which a client is looked at.
    pub min_purchase_days: u32,
}

/// A pause of the window, and what was known of the client when it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedPause {
    /// The usual gap of the client, in days.
    pub usual_gap_days: f64,
    /// The plain mean of his gaps, in days; `None` after one purchase day.
    pub mean_gap_days: Option<f64>,
    /// The silence from which the cycle counts as missed, in days.
    pub missed_days: f64,
    /// The silence from which the client counts as asleep, in days.
    pub asleep_days: f64,
    /// Days to the next purchase; `None` when the pause lapsed.
    pub gap_days: Option<u32>,
}

/// The pauses that one client began within the window. `days` rise.
pub fn pauses_in_window(
    days: &[Day],
    window: &Window,
    base: &BaseParameters,
    thresholds: &Thresholds,
) -> Vec<JudgedPause> {
    let mut found = Vec::new();
    for_each_pause(days, |opened, gap_days| {
        let in_window = (window.from..=window.to).contains(&opened.last);
        if !in_window || opened.purchase_days < window.min_purchase_days {
            return;
        }
        let law = Law::of(opened, base);
        let silences = silences(&law, thresholds);
        found.push(JudgedPause {
            usual_gap_days: law.usual_gap_days(),
            mean_gap_days: mean_gap_days(opened),
            missed_days: silences.missed_days,
            asleep_days: silences.asleep_days,
            gap_days: gap_days.filter(|&gap_days| gap_days <= window.lapsed_days),
        });
    });
    found
}

/// Calls with the rhythm at the beginning of each pause and its length; the last one is open.
fn for_each_pause(days: &[Day], mut judge: impl FnMut(&Rhythm, Option<u32>)) {
    let Some((&first, rest)) = days.split_first() else {
        return;
    };
    let mut rhythm = Rhythm::first_purchase(first);
    for &day in rest {
        let opened = rhythm;
        if observe(&mut rhythm, day) == Observed::Advanced {
            judge(&opened, Some((day - opened.last).unsigned_abs()));
        }
    }
    judge(&rhythm, None);
}

/// The plain mean of the gaps of a client, in days; `None` after one purchase day.
pub fn mean_gap_days(rhythm: &Rhythm) -> Option<f64> {
    let gaps = rhythm
        .purchase_days
        .checked_sub(1)
        .filter(|&gaps| gaps > 0)?;
    Some(f64::from(rhythm.last - rhythm.first) / f64::from(gaps))
}

/// The two usual rules, tuned so that a share of the gaps of the past would have been alarmed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TunedRules {
    /// One silence for all, in days.
    pub fixed_days: f64,
    /// So many times the client's own mean gap; `None` when no client had one.
    pub times_own_mean: Option<f64>,
}

impl TunedRules {
    /// Tunes both on the gaps closed by `until`; `None` without any.
    pub fn on_past<'a>(
        histories: impl IntoIterator<Item = &'a [Day]>,
        until: Day,
        min_purchase_days: u32,
        share: f64,
    ) -> Option<Self> {
        let (mut gaps, mut ratios) = (Vec::new(), Vec::new());
        for days in histories {
            let known = &days[..days.partition_point(|&day| day <= until)];
            for_each_pause(known, |opened, gap_days| {
                let Some(gap_days) = gap_days.map(f64::from) else {
                    return;
                };
                if opened.purchase_days >= min_purchase_days {
                    gaps.push(gap_days);
                    ratios.extend(mean_gap_days(opened).map(|mean| gap_days / mean));
                }
            });
        }
        Some(Self {
            fixed_days: quantile(&mut gaps, 1.0 - share)?,
            times_own_mean: quantile(&mut ratios, 1.0 - share),
        })
    }
}

fn quantile(numbers: &mut [f64], share: f64) -> Option<f64> {
    let last = numbers.len().checked_sub(1)?;
    let at = (share * last as f64).round() as usize;
    let (_, &mut found, _) = numbers.select_nth_unstable_by(at, f64::total_cmp);
    Some(found)
}

/// How a rule did over the pauses of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleRecord {
    /// Pauses that ended in time.
    pub completed: usize,
    /// Pauses that lapsed.
    pub lapsed: usize,
    /// The share of completed pauses in which the rule spoke, 0..1.
    pub false_alarms: f64,
    /// The same for the third with the shortest usual gaps.
    pub false_alarms_fastest: f64,
    /// The same for the third with the longest usual gaps.
    pub false_alarms_slowest: f64,
    /// The share of alarms that were true, 0..1; `None` without an alarm.
    pub precision: Option<f64>,
    /// The share of lapsed pauses in which the rule spoke before they lapsed, 0..1; this and the
    /// delays are `None` when none lapsed.
    pub found_in_time: Option<f64>,
    /// Median days from the true last purchase to the alarm, at most those of lapsing.
    pub median_delay_days: Option<f64>,
    /// The same in the client's own usual gaps: purchases lost before anybody noticed.
    pub median_delay_cycles: Option<f64>,
}

/// Judges a rule that speaks when a silence is longer than `alarm_after` says for the pause.
///
/// `None` when no pause was completed.
pub fn judge_rule(
    pauses: &[JudgedPause],
    lapsed_days: u32,
    alarm_after: impl Fn(&JudgedPause) -> f64,
) -> Option<RuleRecord> {
    let mut completed: Vec<(f64, bool)> = Vec::new();
    let (mut delays, mut cycles, mut n_found) = (Vec::new(), Vec::new(), 0_usize);
    let lapsed_days = f64::from(lapsed_days);
    for pause in pauses {
        let alarm_days = alarm_after(pause);
        if let Some(gap_days) = pause.gap_days {
            completed.push((pause.usual_gap_days, f64::from(gap_days) > alarm_days));
        } else {
            let delay_days = alarm_days.min(lapsed_days);
            n_found += usize::from(alarm_days < lapsed_days);
            delays.push(delay_days);
            cycles.push(delay_days / pause.usual_gap_days);
        }
    }
    completed.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let third = completed.len().div_ceil(3);
    let count = |part: &[(f64, bool)]| part.iter().filter(|pause| pause.1).count();
    let share = |part: &[(f64, bool)]| count(part) as f64 / part.len().max(1) as f64;
    let n_alarms = count(&completed) + n_found;
    (!completed.is_empty()).then(|| RuleRecord {
        completed: completed.len(),
        lapsed: delays.len(),
        false_alarms: share(&completed),
        false_alarms_fastest: share(&completed[..third]),
        false_alarms_slowest: share(&completed[completed.len() - third..]),
        precision: (n_alarms > 0).then(|| n_found as f64 / n_alarms as f64),
        found_in_time: (!delays.is_empty()).then(|| n_found as f64 / delays.len() as f64),
        median_delay_days: quantile(&mut delays, 0.5),
        median_delay_cycles: quantile(&mut cycles, 0.5),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: &[i32]) -> Vec<Day> {
        days.iter().copied().map(Day::from_epoch).collect()
    }

    #[test]
    fn a_pause_is_judged_by_what_was_known_when_it_began() {
        let window = Window {
            from: Day::from_epoch(20),
            to: Day::from_epoch(70),
            lapsed_days: 60,
            min_purchase_days: 2,
        };
        let judged = |history: &[Day]| {
            let thresholds = Thresholds::default();
            pauses_in_window(history, &window, &BaseParameters::default(), &thresholds)
        };
        let history = days(&[0, 10, 20, 45, 66, 200]);
        let pauses = judged(&history);
        let gaps: Vec<_> = pauses.iter().map(|pause| pause.gap_days).collect();
        assert_eq!(gaps, [Some(25), Some(21), None]);
        assert_eq!(pauses[0].mean_gap_days, Some(10.0));
        let earlier = judged(&history[..3]);
        assert!((earlier[0].missed_days - pauses[0].missed_days).abs() < 1e-12);
        assert_eq!(earlier[0].gap_days, None);
    }

    #[test]
    fn the_usual_rules_are_tuned_on_gaps_closed_by_then() {
        let history = days(&[0, 10, 30, 40, 55, 400]);
        let tuned = |until: i32, from: u32| {
            TunedRules::on_past([history.as_slice()], Day::from_epoch(until), from, 0.1)
        };
        let fixed_days = |until, from| tuned(until, from).map(|rules| rules.fixed_days);
        assert_eq!(fixed_days(60, 1), Some(20.0));
        assert_eq!(tuned(60, 1).unwrap().times_own_mean, Some(2.0));
        assert_eq!(fixed_days(60, 3), Some(15.0));
        assert_eq!(fixed_days(5, 1), None);
        assert_eq!(fixed_days(400, 1), Some(345.0));
    }

    fn pause(usual_gap_days: f64, gap_days: Option<u32>) -> JudgedPause {
        JudgedPause {
            usual_gap_days,
            mean_gap_days: Some(usual_gap_days),
            missed_days: 2.0 * usual_gap_days,
            asleep_days: 3.0 * usual_gap_days,
            gap_days,
        }
    }

    #[test]
    fn alarms_of_completed_pauses_are_false_and_of_lapsed_ones_late() {
        let pauses = [
            pause(10.0, Some(25)),
            pause(20.0, Some(5)),
            pause(30.0, Some(10)),
            pause(30.0, None),
            pause(20.0, None),
            pause(80.0, None),
        ];
        let record = judge_rule(&pauses, 100, |pause| pause.missed_days).unwrap();
        assert_eq!((record.completed, record.lapsed), (3, 3));
        assert!((record.false_alarms - 1.0 / 3.0).abs() < 1e-12);
        assert!(record.false_alarms_fastest > 0.99 && record.false_alarms_slowest < 0.01);
        assert!((record.precision.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert!((record.found_in_time.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(record.median_delay_days, Some(60.0));
        assert_eq!(record.median_delay_cycles, Some(2.0));
    }

    #[test]
    fn without_a_completed_pause_there_is_nothing_to_judge() {
        assert_eq!(judge_rule(&[pause(10.0, None)], 100, |_| 5.0), None);
        let never = judge_rule(&[pause(10.0, Some(3))], 100, |_| f64::INFINITY).unwrap();
        assert_eq!(never.precision, None);
        assert_eq!(never.median_delay_days, None);
    }
}
