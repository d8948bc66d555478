//! How often "missed" would have been a false alarm in the past, beside one silence for all.
//!
//! Every purchase in a window opens a pause. It was completed when the client came back within
//! the days after which he counts as lapsed; an alarm before that was false.

use crate::model::{BaseParameters, Day, Rhythm};

use super::dates::{Thresholds, silences};
use super::law::Law;
use super::state::{Observed, observe};

/// A completed or lapsed pause of the window, and when each rule would have spoken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedPause {
    /// The usual gap of the client when the pause began, in days.
    pub usual_gap_days: f64,
    /// The silence from which the cycle counts as missed, in days.
    pub missed_days: f64,
    /// The silence from which the client counts as asleep, in days.
    pub asleep_days: f64,
    /// Days to the next purchase; `None` when there was none within the days of lapsing.
    pub gap_days: Option<u32>,
}

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

/// The pauses that one client began within the window. `days` rise.
pub fn pauses_in_window(
    days: &[Day],
    window: &Window,
    base: &BaseParameters,
    thresholds: &Thresholds,
) -> Vec<JudgedPause> {
    let mut found = Vec::new();
    let Some((&first, rest)) = days.split_first() else {
        return found;
    };
    let mut rhythm = Rhythm::first_purchase(first);
    let mut judge = |opened: &Rhythm, next: Option<Day>| {
        let in_window = (window.from..=window.to).contains(&opened.last);
        if !in_window || opened.purchase_days < window.min_purchase_days {
            return;
        }
        let law = Law::of(opened, base);
        let silences = silences(&law, thresholds);
        found.push(JudgedPause {
            usual_gap_days: law.usual_gap_days(),
            missed_days: silences.missed_days,
            asleep_days: silences.asleep_days,
            gap_days: next
                .map(|next| (next - opened.last).unsigned_abs())
                .filter(|&gap_days| gap_days <= window.lapsed_days),
        });
    };
    for &day in rest {
        let opened = rhythm;
        if observe(&mut rhythm, day) == Observed::Advanced {
            judge(&opened, Some(day));
        }
    }
    judge(&rhythm, None);
    found
}

/// The one silence in days that `share` of the gaps closed by `until` exceeded; `None` without any.
pub fn fixed_silence_days<'a>(
    histories: impl IntoIterator<Item = &'a [Day]>,
    until: Day,
    min_purchase_days: u32,
    share: f64,
) -> Option<f64> {
    let mut gaps = Vec::new();
    for days in histories {
        let known = &days[..days.partition_point(|&day| day <= until)];
        let pairs = known.windows(2).filter(|pair| pair[0] < pair[1]);
        // The gap number n was opened by the n-th purchase day.
        let opened = pairs.skip(min_purchase_days.saturating_sub(1) as usize);
        gaps.extend(opened.map(|pair| f64::from(pair[1] - pair[0])));
    }
    if gaps.is_empty() {
        return None;
    }
    let at = ((1.0 - share) * (gaps.len() - 1) as f64).round() as usize;
    let (_, &mut silence, _) = gaps.select_nth_unstable_by(at, f64::total_cmp);
    Some(silence)
}

/// The shares of completed pauses in which a rule spoke too early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalseAlarms {
    /// Completed pauses.
    pub completed: usize,
    /// Among all of them.
    pub share: f64,
    /// Among the third with the shortest usual gaps.
    pub share_fastest: f64,
    /// Among the third with the longest usual gaps.
    pub share_slowest: f64,
}

/// Counts the false alarms of a rule; `None` without a completed pause.
///
/// `is_alarmed` tells whether the rule speaks before or on a day of the given pause and gap.
pub fn false_alarms(
    pauses: &[JudgedPause],
    is_alarmed: impl Fn(&JudgedPause, f64) -> bool,
) -> Option<FalseAlarms> {
    let mut completed: Vec<(f64, bool)> = pauses
        .iter()
        .filter_map(|pause| {
            let gap_days = f64::from(pause.gap_days?);
            Some((pause.usual_gap_days, is_alarmed(pause, gap_days)))
        })
        .collect();
    completed.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let third = completed.len().div_ceil(3);
    let share = |part: &[(f64, bool)]| {
        part.iter().filter(|pause| pause.1).count() as f64 / part.len().max(1) as f64
    };
    (!completed.is_empty()).then(|| FalseAlarms {
        completed: completed.len(),
        share: share(&completed),
        share_fastest: share(&completed[..third]),
        share_slowest: share(&completed[completed.len() - third..]),
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
        let history = days(&[0, 10, 20, 45, 66, 200]);
        let pauses = pauses_in_window(
            &history,
            &window,
            &BaseParameters::default(),
            &Thresholds::default(),
        );
        let gaps: Vec<_> = pauses.iter().map(|pause| pause.gap_days).collect();
        assert_eq!(gaps, [Some(25), Some(21), None]);
        let earlier = pauses_in_window(
            &history[..3],
            &window,
            &BaseParameters::default(),
            &Thresholds::default(),
        );
        assert!((earlier[0].missed_days - pauses[0].missed_days).abs() < 1e-12);
        assert_eq!(earlier[0].gap_days, None);
    }

    #[test]
    fn the_fixed_silence_knows_only_gaps_closed_by_then() {
        let history = days(&[0, 10, 30, 40, 55, 400]);
        let silence = |until: i32, from: u32| {
            fixed_silence_days([history.as_slice()], Day::from_epoch(until), from, 0.1)
        };
        assert_eq!(silence(60, 1), Some(20.0));
        assert_eq!(silence(60, 3), Some(15.0));
        assert_eq!(silence(5, 1), None);
        assert_eq!(silence(400, 1), Some(345.0));
    }

    #[test]
    fn only_completed_pauses_can_have_false_alarms() {
        let pause = |usual_gap_days: f64, gap_days| JudgedPause {
            usual_gap_days,
            missed_days: 2.0 * usual_gap_days,
            asleep_days: 3.0 * usual_gap_days,
            gap_days,
        };
        let pauses = [
            pause(10.0, Some(25)),
            pause(20.0, Some(5)),
            pause(30.0, Some(10)),
            pause(30.0, None),
        ];
        let alarms = false_alarms(&pauses, |pause, gap| gap >= pause.missed_days).unwrap();
        assert_eq!(alarms.completed, 3);
        assert!((alarms.share - 1.0 / 3.0).abs() < 1e-12);
        assert!(alarms.share_fastest >= 1.0 && alarms.share_slowest <= 0.0);
        assert_eq!(false_alarms(&pauses[3..], |_, _| true), None);
    }
}
